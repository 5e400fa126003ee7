"""A screen for tests of the window: the one there is, else an Xvfb of our own; and settings of nobody."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_HOME = Path(tempfile.mkdtemp(prefix="lexicon-test-home-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
# before napari or Qt are imported: nobody's settings, and layers may be touched on the main thread only
os.environ.setdefault("NAPARI_CONFIG", str(_HOME / "napari" / "settings.yaml"))
os.environ["XDG_CONFIG_HOME"] = str(_HOME)
os.environ.setdefault("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")
SCREEN_SIZE = "1366x768x24"


@pytest.fixture(scope="session", autouse=True)
def screen() -> Iterator[str]:
    """Name of a display that real windows can be shown on."""
    if os.environ.get("DISPLAY") or sys.platform != "linux":
        yield os.environ.get("DISPLAY", "")
        return
    xvfb = shutil.which("Xvfb")
    if xvfb is None:
        pytest.skip("no DISPLAY and no Xvfb: install xvfb to test the window")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [xvfb, "-displayfd", str(writing), "-screen", "0", SCREEN_SIZE, "-nolisten", "tcp", "+extension", "GLX"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    if not number:
        server.terminate()
        pytest.skip("Xvfb did not start: install xvfb and its libraries to test the window")
    os.environ["DISPLAY"] = f":{number}"
    try:
        yield os.environ["DISPLAY"]
    finally:
        os.environ.pop("DISPLAY", None)
        _let_windows_go()
        server.terminate()
        server.wait(timeout=10)


def _let_windows_go() -> None:
    """Delete what waits to be deleted: OpenGL ends the process where the screen has gone before a canvas."""
    if "qtpy.QtWidgets" not in sys.modules:
        return
    from qtpy.QtCore import QCoreApplication, QEvent

    for _ in range(3):
        gc.collect()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QCoreApplication.processEvents()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """No test finds what another one was told to remember."""
    remembered = _HOME / "napari-lexicon"
    shutil.rmtree(remembered, ignore_errors=True)
    yield
    shutil.rmtree(remembered, ignore_errors=True)
