"""How long a person at the window waits: a 384-well plate with 8192 features in a real napari window.

    python benchmarks/window/run.py [--quick] [--json FILE] [--work DIR] [--only NAME]

Needs a screen, or Xvfb (``xvfb-run -a -s '-screen 0 1366x768x24' python benchmarks/window/run.py``). Every wait lasts
from the call that a click makes to the result: widgets are painted, the canvas has its new layer. Drawing the canvas
is napari's and OpenGL's; it is measured by itself, once with the switch, and first of all in a window without the
plugin (``alone.py``). The plate is made by ``large_plate.py`` in a process of its own and kept in ``--work``. ``ours``
is the median; rows of the metric ``p95`` hold the 95th percentile; ``peer`` is the aim and ``ratio`` says how many
times faster than it we are.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
AIMS = {
    "open": ("opening the lexicon, to grid and table", 2000.0),
    "switch": ("another feature over a 2048 x 2048 field", 50.0),
    "switch_drawn": ("the same until the canvas has drawn it", None),
    "drawing": ("drawing the canvas alone, nothing changed", None),
    "switch_cold": ("another feature, codes read from disk", 250.0),
    "field": ("another 2048 x 2048 field with its map", None),
    "recolor": ("another statistic on the plate", 30.0),
    "sort": ("sorting the table of features", 100.0),
    "search": ("searching the table of features", 100.0),
    "gallery": ("gallery of 48 tiles", 300.0),
}
HEART_AIM, LEVEL_AIM = 100.0, 64.0


def rows_of(name: str, size: str, seconds: list[float], at_work: list[float]) -> list[dict[str, Any]]:
    """Median and 95th percentile of a wait, and the median of the main thread's processor time, beside the aim."""
    task, aim = AIMS[name]
    figures = (("median", 50, seconds), ("p95", 95, seconds), ("main thread at work", 50, at_work))
    return [
        row(task, size, f"{metric}, n = {len(values)}", "ms", 1000 * float(np.percentile(values, q)), aim)
        for metric, q, values in figures
    ]


def row(task: str, size: str, metric: str, unit: str, ours: float, aim: float | None) -> dict[str, Any]:
    """One row as all benchmarks write it; the peer is the aim."""
    return {
        "task": task,
        "size": size,
        "metric": metric,
        "unit": unit,
        "ours": round(ours, 1),
        "peer": "" if aim is None else "aim",
        "peer_value": aim,
        "ratio": None if aim is None else round(aim / max(ours, 1e-3), 2),
    }


def made(work: Path, quick: bool) -> None:
    """Make the plate in a process of its own: it needs torch, and this one must be as napari's is."""
    command = [sys.executable, str(Path(__file__).with_name("large_plate.py")), str(work)]
    subprocess.run([*command, *(["--quick"] if quick else [])], check=True, env=_environment())


def _environment() -> dict[str, str]:
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def measured(work: Path, quick: bool, only: str | None, keep: Callable[[list[dict[str, Any]]], None]) -> None:
    """Measure everything; rows are kept as they come."""
    import napari
    from benchmarks.window.alone import alone_rows
    from benchmarks.window.heart import heart_rows
    from benchmarks.window.waits import Desk
    from tests.gui.driver import fit_to_screen

    rows: list[dict[str, Any]] = []

    def found(new: list[dict[str, Any]]) -> None:
        rows.extend(new)
        keep(rows)
        print("\n".join(said(one) for one in new), flush=True)

    viewer = napari.Viewer(show=False)
    fit_to_screen(viewer)
    if only in (None, "alone"):
        found(alone_rows(viewer, work, quick))
        viewer.layers.clear()
        fit_to_screen(viewer)
    if only == "alone":
        viewer.close()
        return
    desk = Desk(viewer, work / "large.lexicon", 8 if quick else 20)
    waits: dict[str, Callable[[], list[float]]] = {name: getattr(desk, name) for name in AIMS}
    for name, wait in waits.items():
        if only in (None, name) or name == "open":
            seconds = wait()
            found(rows_of(name, desk.size(), seconds, desk.at_work))
    for name, extra in (("memory", lambda: memory_rows(desk, quick)), ("heart", lambda: heart_rows(desk, quick))):
        if only in (None, name):
            found(extra())
    assert "torch" not in sys.modules, "the window has loaded torch"
    desk.person.workspace.close()
    viewer.close()


def memory_rows(desk: Any, quick: bool) -> list[dict[str, Any]]:
    """What feature switches and field changes leave behind."""
    switches, fields = (100, 10) if quick else (500, 50)
    grown = desk.memory_growth(switches, fields)
    task = f"after {switches} features and {fields} fields"
    return [row(task, desk.size(), "memory kept", "MB", grown, LEVEL_AIM)]


def said(one: dict[str, Any]) -> str:
    """A row for a person."""
    aim = "" if one["peer_value"] is None else f"  aim {one['peer_value']:g}"
    return f"{one['task']:<44}{one['metric']:<30}{one['ours']:>9} {one['unit']}{aim}"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="96 wells, fewer repeats, under three minutes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--work", type=Path, help="folder of the plate, kept between runs")
    parser.add_argument("--only", help="one of " + ", ".join([*AIMS, "memory", "heart", "alone"]))
    options = parser.parse_args()
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    with tempfile.TemporaryDirectory(prefix="lexicon-window-") as home:
        os.environ["NAPARI_CONFIG"] = str(Path(home) / "settings.yaml")
        os.environ["XDG_CONFIG_HOME"] = home
        work = options.work or Path(home)
        made(work, options.quick)

        def keep(rows: list[dict[str, Any]]) -> None:
            if options.json is not None:
                options.json.write_text(json.dumps(rows, indent=1) + "\n")

        measured(work, options.quick, options.only, keep)


if __name__ == "__main__":
    main()
