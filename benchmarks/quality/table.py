"""Tables of results: contenders in columns, tasks in rows, seeds as mean and spread; Markdown and JSON."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Cell:
    """What one contender reached in one task by one metric, over seeds."""

    task: str
    contender: str
    metric: str
    values: npt.NDArray[np.float64]

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(np.mean(self.values))

    def text(self) -> str:
        """Mean, and half the range over seeds."""
        spread = "" if len(self.values) < 2 else f" ±{(self.values.max() - self.values.min()) / 2:.3f}"
        return f"{self.mean:.3f}{spread}"


def add_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Options that every benchmark has."""
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="under 3 minutes: does it run")
    size.add_argument("--full", action="store_true", help="everything, hours")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")
    return parser


def finish(
    cells: Sequence[Cell],
    options: argparse.Namespace,
    ours: str,
    lower_is_better: Sequence[str] = (),
    skip: Sequence[str] = (),
) -> None:
    """Print one table per metric, and write the rows against ``ours`` where asked."""
    for metric in dict.fromkeys(cell.metric for cell in cells):
        print(f"\n{metric}\n\n{markdown([cell for cell in cells if cell.metric == metric])}")
    write(cells, options, ours, lower_is_better, skip)


def write(
    cells: Sequence[Cell],
    options: argparse.Namespace,
    ours: str,
    lower_is_better: Sequence[str] = (),
    skip: Sequence[str] = (),
) -> None:
    """Write the rows so far where asked; after every contender, so that a run that is stopped leaves what it found."""
    if options.json:
        rows: list[dict[str, object]] = []
        for metric in dict.fromkeys(cell.metric for cell in cells if cell.metric not in skip):
            rows += against([cell for cell in cells if cell.metric == metric], ours, metric in lower_is_better)
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def markdown(cells: Sequence[Cell]) -> str:
    """A table: tasks in rows, contenders in columns."""
    columns = list(dict.fromkeys(cell.contender for cell in cells))
    lines = ["| task | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for task in dict.fromkeys(cell.task for cell in cells):
        row = {cell.contender: cell for cell in cells if cell.task == task}
        lines.append(f"| {task} | " + " | ".join(row[c].text() if c in row else "" for c in columns) + " |")
    return "\n".join(lines)


def against(cells: Sequence[Cell], ours: str, lower_is_better: bool) -> list[dict[str, object]]:
    """Rows of ours beside each peer; the ratio is over 1 where ours is better."""
    rows: list[dict[str, object]] = []
    for task in dict.fromkeys(cell.task for cell in cells):
        row = {cell.contender: cell for cell in cells if cell.task == task}
        for name, peer in row.items():
            if name == ours or ours not in row:
                continue
            mine = row[ours]
            ratio = peer.mean / mine.mean if lower_is_better and mine.mean else mine.mean / (peer.mean or np.nan)
            rows.append({"task": task, "size": f"{len(mine.values)} seeds", "metric": mine.metric, "unit": "1",
                         "ours": mine.mean, "peer": name, "peer_value": peer.mean, "ratio": float(ratio)})  # fmt: skip
    return rows
