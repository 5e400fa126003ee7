"""Random clicks and keys in a real window, for minutes: what a person does in no order, cancelled in the middle.

    python scripts/random_hands.py [PATH ...] [--seed N] [--minutes M] [--windows W]

Needs a screen, or Xvfb. Paths are lexicons, plates and folders of images; they are copied first, and where none are
given the demo makes a plate and a lexicon. Said are, each with what was done last: exceptions (of threads as well),
warnings of Qt, and pauses of the main thread with where it was. A process that ends, or a main thread that stands still
for a minute, says where. The exit status is 1 where anything but pauses was said.

It found a click that ended napari (a function that only the garbage collector knew), and answers that took seconds to
show.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAUSE_S, STANDSTILL_S, WATCH_MS = 0.6, 60, 20
ACTS_PER_WINDOW = 150  # then one of several windows is closed, and another opened
QUIET = ("propagateSizeHints", "This plugin does not support")  # what Qt says of a screen without a window manager


class Watch:
    """Listens for everything that goes wrong, and for pauses.

    Parameters
    ----------
    done : list of str
        What the hands have done so far.
    """

    def __init__(self, done: list[str]) -> None:
        from napari.utils.notifications import notification_manager
        from qtpy.QtCore import QTimer, qInstallMessageHandler

        self.done, self.found, self.pauses = done, 0, 0
        sys.excepthook = self._raised
        threading.excepthook = lambda a: self.say("thread", _written(a.exc_type, a.exc_value, a.exc_traceback))
        sys.unraisablehook = lambda a: self.say("unraisable", _written(a.exc_type, a.exc_value, a.exc_traceback))
        qInstallMessageHandler(self._warned)
        notification_manager.notification_ready.connect(self._notified)
        self._main, self._last = threading.main_thread().ident, time.perf_counter()
        self._where: list[str] = []
        self._heavy = "torch" in sys.modules
        threading.Thread(target=self._look, daemon=True).start()
        self._timer = QTimer()
        self._timer.setInterval(WATCH_MS)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def say(self, kind: str, text: str) -> None:
        """Tell of something that must not be."""
        self.found += 1
        print(f"##### {kind} after {' / '.join(self.done[-6:])}\n{text}", flush=True)

    def _warned(self, kind: Any, where: Any, text: Any) -> None:
        if not any(one in str(text) for one in QUIET):
            self.say("Qt", f"{text}\n{''.join(traceback.format_stack()[-8:-1])}")

    def _raised(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if not (isinstance(error, RuntimeError) and "deleted" in str(error)):  # what was seen a moment ago is gone
            self.say("exception", _written(kind, error, trace))

    def _notified(self, notification: Any) -> None:
        if getattr(notification, "exception", None) is not None:
            self.say("exception shown", "".join(traceback.format_exception(notification.exception)))

    def _beat(self) -> None:
        now = time.perf_counter()
        if "torch" in sys.modules and not self._heavy:
            self._heavy = True
            self.say("torch", "The window has loaded torch, which takes seconds and belongs to jobs.")
        if now - self._last > PAUSE_S:
            self.pauses += 1
            print(f"pause of {now - self._last:.1f} s after {' / '.join(self.done[-3:])}", flush=True)
            print("".join(f"    {one}\n" for one in self._where[::3][:5]), end="", flush=True)
        self._where.clear()
        self._last = now
        faulthandler.cancel_dump_traceback_later()
        faulthandler.dump_traceback_later(STANDSTILL_S, repeat=True)

    def _look(self) -> None:
        """Where the main thread is whenever it is late."""
        while True:
            time.sleep(0.1)
            frame = sys._current_frames().get(self._main or 0)
            if frame is not None and time.perf_counter() - self._last > PAUSE_S / 2:
                stack = reversed(traceback.extract_stack(frame)[-10:])
                self._where.append(" < ".join(f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in stack))
            del frame  # it holds what is being painted with


def _written(kind: Any, error: Any, trace: Any) -> str:
    return "".join(traceback.format_exception(kind, error, trace))


def _copied(paths: list[Path], work: Path) -> list[Path]:
    """Copies of what is given: what is done to them is done to nothing of a person's."""
    copies = []
    for path in paths:
        copies.append(work / path.name)
        shutil.copytree(path, copies[-1], dirs_exist_ok=True)
    return copies


def _made(work: Path) -> list[Path]:
    """A lexicon and the plate of the demo, made in a process of its own: it needs torch, and this one must not."""
    subprocess.run([sys.executable, "-m", "napari_lexicon", "demo", "--out", str(work / "demo")], check=True)
    return [work / "demo" / "demo.lexicon", work / "demo" / "demo.zarr"]


def _window(paths: list[Path], rng: random.Random, done: list[str]) -> tuple[Any, Any]:
    """A new window with the docks and something open: the person at it, and the hands."""
    import napari
    from tests.gui.driver import Person, fit_to_screen
    from tests.gui.random_hands import Hands

    viewer = napari.Viewer(show=False)
    fit_to_screen(viewer)
    person = Person(viewer)
    person.open_workspace("Features")
    hands = Hands(person, paths, rng, done)
    hands.open()
    return person, hands


def _close(person: Any, hands: Any) -> None:
    hands.rest()
    person.viewer.close()
    person.breathe(1)


def played(paths: list[Path], seed: int, minutes: float, windows: int) -> int:
    """Play; returns how many things went wrong."""
    from napari.qt import get_qapp
    from qtpy.QtCore import QTimer

    get_qapp()  # a timer that starts before there is an application never ticks
    done: list[str] = []
    rng = random.Random(seed)
    watch = Watch(done)
    there = [_window(paths, rng, done) for _ in range(windows)]
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        place = rng.randrange(windows)
        if windows > 1 and rng.random() < 1 / ACTS_PER_WINDOW:
            done.append("close the window")
            _close(*there[place])
            there[place] = _window(paths, rng, done)
        person, hands = there[place]
        QTimer.singleShot(0, hands.act)  # what it raises is heard as what a slot raises
        person.breathe(rng.choice((0.02, 0.05, 0.2, 0.2, 0.8)))
    for one in there:
        _close(*one)
    there[0][0].breathe(3)
    print(f"{len(done)} things done, {watch.found} went wrong, {watch.pauses} pauses over {PAUSE_S} s", flush=True)
    return watch.found


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--windows", type=int, default=1)
    options = parser.parse_args()
    faulthandler.enable()
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    with tempfile.TemporaryDirectory(prefix="lexicon-hands-", ignore_cleanup_errors=True) as folder:
        home = {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "NAPARI_CONFIG": "napari.yaml"}
        os.environ |= {name: str(Path(folder) / where) for name, where in home.items()}
        work = Path(folder) / "work"
        paths = _copied(options.paths, work) if options.paths else _made(work)
        found = played(paths, options.seed, options.minutes, options.windows)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
