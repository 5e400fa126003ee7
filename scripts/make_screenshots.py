"""Takes the pictures of the README and the documentation from a real window: ``make screenshots``.

Does the whole main job on the 24-well sample plate, as tests/gui/test_main_job.py does on a smaller one, in the dark
theme and then once more over the results in the light one. With ``--docks`` it draws every dock instead, in both
themes, from the lexicon in the work folder. Without a screen it starts an Xvfb of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"laptop": (1366, 768), "large": (2560, 1440)}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--work", type=Path, help="folder for the sample plate and its results, kept between runs")
    parser.add_argument("--size", choices=SIZES, default="laptop")
    parser.add_argument("--column", default="Metadata_perturbation", help="column of the plate map to compare by")
    parser.add_argument("--name", default="", help="name to give to the feature")
    parser.add_argument("--docks", action="store_true", help="draw every dock of the lexicon in --work")
    options = parser.parse_args()
    server = start_screen(SIZES[options.size])
    if server is not None:
        # In a process of its own: Qt complains where its screen goes before it, and it goes with the interpreter.
        try:
            raise SystemExit(subprocess.run([sys.executable, *sys.argv], check=False).returncode)
        finally:
            server.terminate()
            server.wait(10)
    work = options.work or Path(tempfile.mkdtemp(prefix="lexicon-screenshots-"))
    with tempfile.TemporaryDirectory(prefix="lexicon-home-") as home:
        os.environ["NAPARI_CONFIG"] = str(Path(home) / "settings.yaml")
        os.environ["XDG_CONFIG_HOME"] = home
        (draw_docks if options.docks else take_pictures)(options, work)


def start_screen(size: tuple[int, int]) -> subprocess.Popen[bytes] | None:
    """An Xvfb of this size, unless there is a screen."""
    if os.environ.get("DISPLAY") or sys.platform != "linux":
        return None
    xvfb = shutil.which("Xvfb")
    if xvfb is None:
        raise SystemExit("There is no screen and no Xvfb: install xvfb, or set DISPLAY.")
    reading, writing = os.pipe()
    command = [xvfb, "-displayfd", str(writing), "-screen", "0", f"{size[0]}x{size[1]}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as answer:
        os.environ["DISPLAY"] = f":{answer.readline().strip()}"
    return server


def draw_docks(options: argparse.Namespace, work: Path) -> None:
    """Draw every dock."""
    sys.path.insert(0, str(ROOT))
    import napari
    from scripts.dock_pictures import draw
    from tests.gui.driver import Person, fit_to_screen

    from napari_lexicon.samples.contributions import SMALL_PLATE

    viewer = napari.Viewer(show=False)
    fit_to_screen(viewer, "dark")
    person = Person(viewer)
    person.open_workspace("Features")
    draw(person, work / f"{SMALL_PLATE.name}.lexicon", options.out / "window", options.size == "large")
    person.workspace.close()
    viewer.close()


def take_pictures(options: argparse.Namespace, work: Path) -> None:
    """Make the sample plate where it is not there, do the job, take the pictures."""
    sys.path.insert(0, str(ROOT))
    import napari
    from tests.gui import main_job
    from tests.gui.driver import Person, fit_to_screen

    from napari_lexicon.samples.contributions import SMALL_PLATE
    from napari_lexicon.samples.plate import simulate_plate

    plate = work / f"{SMALL_PLATE.name}.zarr"
    work.mkdir(parents=True, exist_ok=True)
    simulate_plate(plate, SMALL_PLATE, lambda done, total, message: print(f"{done} of {total}: {message}", flush=True))
    viewer = napari.Viewer(show=False)
    fit_to_screen(viewer, "dark")
    person = Person(viewer)
    person.open_workspace()

    def look(name: str) -> None:
        print(person.screenshot(options.out / f"{name}.png"), flush=True)

    def look_away(name: str) -> None:
        """Nothing to see."""

    done = (plate.with_suffix(".lexicon") / "lexicon.json").exists()
    main_job.open_plate(person, plate, look)
    treated = [well for well in person.workspace.state.plate.wells if well.startswith("B")]
    main_job.look_around(person, treated, look)
    if not done:
        main_job.apply_builtin(person, look)
    person.wait(lambda: person.workspace.reading.figures is not None, what="the figures")
    found = main_job.find_a_feature(person, options.column, look)
    print(f"feature {found.feature} fires most in {found.well} and is most selective for {found.selective_for}")
    main_job.go_to_a_tile(person, 1, look)
    main_job.name_it(person, options.name or found.selective_for.replace("_", " "), look)
    viewer.theme = "light"
    look("features-light")
    viewer.theme = "dark"
    main_job.train(person, look)
    person.workspace.close()
    viewer.close()


if __name__ == "__main__":
    main()
