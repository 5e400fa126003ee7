"""Where garbage is collected."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import ClassVar

import pytest

from napari_lexicon.widgets.workspace import collecting


class Loop:
    """Refers to itself, so that only the search for garbage frees it; notes the thread in which it goes."""

    went: ClassVar[list[threading.Thread]] = []

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        Loop.went.append(threading.current_thread())


@pytest.fixture
def main_thread(qtbot, monkeypatch) -> Iterator[collecting.MainThreadCollecting]:
    monkeypatch.setattr(collecting, "_EVERY_MS", 20)
    monkeypatch.setattr(collecting, "_AFTERWARDS_MS", 60)
    Loop.went.clear()
    was = gc.isenabled()
    yield collecting.MainThreadCollecting()
    (gc.enable if was else gc.disable)()


def busy(seconds: float = 0.3) -> threading.Thread:
    """A thread that makes many objects, among them some that refer to themselves."""
    import time

    def work() -> None:
        end, kept = time.monotonic() + seconds, []
        while time.monotonic() < end:
            kept.append([])
            if len(kept) % 1000 == 0:
                Loop()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_what_threads_leave_goes_on_the_main_thread(qtbot, main_thread):
    main_thread.begin()
    worker = busy()
    qtbot.waitUntil(lambda: len(Loop.went) > 2, timeout=10_000)
    worker.join()
    qtbot.wait(60)
    assert {thread.name for thread in Loop.went} == {"MainThread"}
    main_thread.end()


def test_old_garbage_goes_too(qtbot, main_thread):
    main_thread.begin()
    loop = Loop()
    gc.collect()  # it is of the oldest generation now
    there = weakref.ref(loop)
    del loop
    kept = []

    def gone() -> bool:
        kept.extend([] for _ in range(2000))  # as a program at work does
        return there() is None

    qtbot.waitUntil(gone, timeout=60_000)
    main_thread.end()


def test_after_the_last_window_python_does_it_again(qtbot, main_thread):
    main_thread.begin()
    main_thread.begin()
    assert not gc.isenabled()
    main_thread.end()
    qtbot.wait(150)
    assert not gc.isenabled()
    main_thread.end()
    assert not gc.isenabled()  # threads may still read
    qtbot.waitUntil(gc.isenabled, timeout=5000)
    main_thread.begin()
    assert not gc.isenabled()
    main_thread.end()
    main_thread.begin()  # another window in time
    qtbot.wait(150)
    assert not gc.isenabled()
    main_thread.end()
