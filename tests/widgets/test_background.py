"""Reading in threads: results come to the main thread, stale ones never."""

from __future__ import annotations

import sys
import threading

import pytest
from qtpy.QtCore import Qt

from napari_lexicon.widgets.workspace.background import Background


@pytest.fixture
def background(qtbot):
    background = Background(threads=2)
    yield background
    background.close()


def test_results_arrive_on_the_main_thread(qtbot, background):
    arrived = []
    background.start(
        "a", threading.get_ident, lambda other: arrived.append((other, threading.get_ident())), arrived.append
    )
    qtbot.waitUntil(lambda: bool(arrived))
    assert arrived[0][1] == threading.get_ident()
    assert arrived[0][0] != threading.get_ident()


def test_a_later_start_makes_an_earlier_result_stale(qtbot, background):
    gate, arrived = threading.Event(), []
    background.start("field", lambda: gate.wait(10) and "old", arrived.append, arrived.append)
    background.start("field", lambda: "new", arrived.append, arrived.append)
    qtbot.waitUntil(lambda: arrived == ["new"])
    gate.set()
    background.start("other", lambda: "last", arrived.append, arrived.append)
    qtbot.waitUntil(lambda: arrived == ["new", "last"])


def test_a_waiting_start_that_is_stale_never_runs(qtbot):
    background, gate, ran, arrived = Background(threads=1), threading.Event(), [], []
    background.start("block", lambda: gate.wait(10), lambda _: None, arrived.append)
    for n in range(5):
        background.start("field", lambda n=n: ran.append(n), arrived.append, arrived.append)
    gate.set()
    qtbot.waitUntil(lambda: bool(arrived))
    assert ran == [4]
    background.close()


def test_an_error_is_handed_over(qtbot, background):
    failed = []

    def broken() -> None:
        raise ValueError("no")

    background.start("a", broken, lambda _: None, failed.append)
    qtbot.waitUntil(lambda: bool(failed))
    assert str(failed[0]) == "no"
    assert not background.busy()


def test_what_is_forgotten_does_not_arrive(qtbot, background):
    arrived = []
    background.start("a", lambda: 1, arrived.append, arrived.append)
    background.forget("a")
    background.start("b", lambda: 2, arrived.append, arrived.append)
    qtbot.waitUntil(lambda: bool(arrived))
    assert arrived == [2]


def test_what_can_wait_lets_everything_else_go_first(qtbot):
    background, gate, arrived = Background(threads=1), threading.Event(), []
    background.start("block", lambda: gate.wait(10), lambda _: None, arrived.append)
    for n in range(3):
        background.start(f"tile {n}", lambda n=n: f"tile {n}", arrived.append, arrived.append, can_wait=True)
    background.start("field", lambda: "field", arrived.append, arrived.append)
    gate.set()
    qtbot.waitUntil(lambda: len(arrived) == 4)
    assert arrived == ["field", "tile 0", "tile 1", "tile 2"]
    background.close()


def test_threads_take_short_turns_while_something_is_read_and_usual_ones_after_it(qtbot, background):
    usual, seen = sys.getswitchinterval(), []
    both = threading.Barrier(2)

    def look() -> float:
        both.wait(10)
        return sys.getswitchinterval()

    for errand in ("a", "b"):
        background.start(errand, look, seen.append, seen.append)
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert max(seen) < usual
    qtbot.waitUntil(lambda: sys.getswitchinterval() == usual)


def test_work_that_gives_way_goes_on_when_what_waits_has_been_drawn(qtbot, background):
    from qtpy.QtWidgets import QWidget

    class Drawn(QWidget):
        def paintEvent(self, event):
            happened.append("drawn")

    happened, arrived, widget, asks = [], [], Drawn(), threading.Event()
    widget.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    widget.show()
    qtbot.waitUntil(lambda: bool(happened))
    happened.clear()

    def work():
        asks.set()
        background.give_way()
        happened.append("worked")

    background.start("a", work, arrived.append, arrived.append)
    asks.wait(10)
    widget.update()  # no event has been handled since: the question and the drawing are both in line
    qtbot.waitUntil(lambda: bool(arrived))
    assert happened == ["drawn", "worked"]
    background.close()
    background.give_way()  # nobody answers any more, and nobody waits


def test_no_thread_speaks_once_the_window_is_closing(qtbot):
    """What it speaks through goes with the window, perhaps at that very moment."""
    background, begun, gate, said = Background(threads=1), threading.Event(), threading.Event(), []

    def work() -> str:
        begun.set()
        gate.wait(10)
        return "late"

    background._arrived.connect(lambda *what: said.append(what), Qt.ConnectionType.DirectConnection)
    background.start("a", work, said.append, said.append)
    begun.wait(10)
    background.close()
    gate.set()
    background._pool.shutdown(wait=True)
    assert not said


def test_a_window_that_closes_lets_a_thread_finish_what_it_says(qtbot):
    background, speaking, gate, said = Background(threads=1), threading.Event(), threading.Event(), []

    def hear(*_: object) -> None:
        speaking.set()
        gate.wait(10)
        said.append(True)

    background._arrived.connect(hear, Qt.ConnectionType.DirectConnection)
    background.start("a", lambda: 1, lambda _: None, said.append)
    speaking.wait(10)
    threading.Timer(0.1, gate.set).start()
    background.close()
    assert said == [True]
