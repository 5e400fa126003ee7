"""How the command line talks: progress on standard error, answers on standard output."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from napari_lexicon.errors import LexiconError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, silent

if TYPE_CHECKING:
    import pandas as pd

_EVERY_SECONDS = 5.0  # between two lines where there is no terminal


@contextmanager
def told(quiet: bool) -> Iterator[Report]:
    """A report that draws a bar on a terminal, prints a line every few seconds elsewhere, and nothing when quiet."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, left="")

        def report(progress: Progress) -> None:
            bar.update(
                task,
                description=progress.message,
                completed=progress.done,
                total=progress.total or None,
                left=_left(progress.seconds_left),
            )

        yield report


def _lines() -> Report:
    last: list[Any] = [0.0, ""]

    def report(progress: Progress) -> None:
        now = time.monotonic()
        new_stage = progress.total == 0 and progress.message != last[1]
        finished = progress.total > 0 and progress.done == progress.total
        if new_stage or finished or now - last[0] >= _EVERY_SECONDS:
            count = f"{progress.done}/{progress.total} " if progress.total else ""
            left = f", {_left(progress.seconds_left)}" if progress.seconds_left else ""
            print(f"{count}{progress.message}{left}", file=sys.stderr, flush=True)
            last[:] = [now, progress.message]

    return report


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{seconds:.0f} s left"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min left"
    return f"{seconds / 3600:.1f} h left"


@contextmanager
def interruptible() -> Iterator[ShouldStop]:
    """The first Ctrl-C (or SIGTERM) asks the job to stop after the field at hand, the second ends it at once."""
    asked = False

    def ask(signum: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    old = {sig: signal.signal(sig, ask) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    except KeyboardInterrupt:
        raise LexiconError("Stopped at once; what was finished is kept: run the same command to go on.") from None
    finally:
        for sig, handler in old.items():
            signal.signal(sig, handler)


def _sizes(shapes: list[list[int]]) -> str:
    """Sizes of the images, the most common first."""
    if len(shapes) == 1:
        return f"{shapes[0][0]} x {shapes[0][1]} px"
    said = [f"{height} x {width} px ({count})" for height, width, count in shapes]
    return ", ".join(said[:4]) + (f" and {len(said) - 4} more" if len(said) > 4 else "") or "none"


def info_text(found: dict[str, Any]) -> str:
    """The summary of :func:`napari_lexicon.api.info` for a person."""
    size = "" if not found["rows"] else f" ({found['rows']} x {found['columns']} plate)"
    per_well = "-".join(map(str, (found["fields_per_well"] or [0])[:: max(1, len(found["fields_per_well"]) - 1)]))
    pixel = found["pixel_size_um"]
    loose = not found["rows"]
    counted = [f"  wells     {found['wells']}{size}", f"  fields    {found['fields']} ({per_well} per well)"]
    if loose:
        counted = [f"  images    {found['wells']}, without wells"]
        if found["fields"] != found["wells"]:
            counted.append(f"  fields    {found['fields']} ({per_well} per image)")
    lines = [
        f"{found['plate']}: {found['read_as']}",
        *counted,
        f"  channels  {', '.join(found['channels'])}{' (colour image)' if found['rgb'] else ''}",
        f"  {'size  ' if loose else 'images'}    {_sizes(found['field_shapes'])}, "
        + (f"{pixel[1]:.4g} µm per pixel" if pixel else "pixel size not known"),
    ]
    for name, counts in found["plate_map"].items():
        said = (
            f"{counts} values"
            if isinstance(counts, int)
            else ", ".join(f"{v} ({n})" for v, n in list(counts.items())[:8])
        )
        lines.append(f"  {name}: {said}")
    if not found["plate_map"] and found["likely_plate_map"]:
        described = "images" if loose else "wells"
        lines.append(f"  no plate map, but a table that describes the {described}: --map {found['likely_plate_map']}")
    elif not found["plate_map"] and found["why_no_plate_map"]:
        lines.append(f"  no plate map: {found['why_no_plate_map']}")
    elif not found["plate_map"]:
        lines.append(f"  no plate map: --map MAP.csv says what is in which {'image' if loose else 'well'}")
    lines.extend(f"  ! {sentence}" for sentence in found["problems"][:20])
    if len(found["problems"]) > 20:
        lines.append(f"  ! and {len(found['problems']) - 20} more")
    return "\n".join(lines)


_MOST_NAMED = 10  # features with a name that are printed though others say more


def print_features(table: pd.DataFrame, out: Path | None, most: int = 20) -> None:
    """Print the features that say most: by selectivity or correlation where there is one, else by firing.

    Of those further down, the first that have a name: what they mark can be read.
    """
    from napari_lexicon.analysis.first_feature import LEAST

    ranked = table
    for column in ("selectivity", "spearman", "fires"):
        if column in table:
            ranked = table.loc[table[column].abs().sort_values(ascending=False).index]
            break
    shown = [
        c
        for c in (
            "name",
            "fires",
            "mean_when_active",
            "channel",
            "well",
            "best_value",
            "selectivity",
            "spearman",
            "n_wells",
        )
        if c in ranked
    ]
    grid = Table("feature", *shown, box=None, header_style="bold")
    below = ranked.iloc[most:]
    named = below[~below["name"].astype(str).str.startswith("#") & (below["fires"] >= LEAST)].head(_MOST_NAMED)
    for feature, row in ranked.head(most).iterrows():
        grid.add_row(str(feature), *(f"{row[c]:.3f}" if isinstance(row[c], float) else str(row[c]) for c in shown))
    if len(named):
        grid.add_row("…")
    for feature, row in named.iterrows():
        grid.add_row(str(feature), *(f"{row[c]:.3f}" if isinstance(row[c], float) else str(row[c]) for c in shown))
    Console().print(grid)
    rest = len(table) - most - len(named)
    if rest > 0:
        print(f"{rest} more" + (f" in {out}" if out else ": write them all with --out T.csv"))


def print_answer(table: pd.DataFrame, out: Path | None, most: int = 20) -> None:
    """Print the first rows of a question's table, and of its columns those that fit side by side, with their units."""
    from napari_lexicon.analysis.units import units_in, units_sentence

    console = Console()
    shown = [[_short(value) for value in row] for row in table.head(most).itertuples(index=False)]
    names = [str(column) for column in table.columns]
    kept, room = [], console.width
    for n, name in enumerate(names):
        room -= 2 + max([len(name), *(len(row[n]) for row in shown)])
        if room < -2:
            break
        kept.append(n)
    grid = Table(*(names[n] for n in kept), box=None, header_style="bold")
    for row in shown:
        grid.add_row(*(escape(row[n]) for n in kept))
    console.print(grid)
    console.print(f"Units. {units_sentence(units_in(table))}.", style="dim", highlight=False, markup=False)
    left = []
    if len(table) > most:
        left.append(f"{len(table) - most} more rows")
    if len(kept) < len(names):
        left.append(
            f"{len(names) - len(kept)} more columns ({', '.join(names[n] for n in range(len(kept), len(names)))})"
        )
    if left:
        print(f"{' and '.join(left)}" + (f" in {out}" if out else ": write them all with --out T.csv"))


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
