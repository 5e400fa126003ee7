"""Light reading off the main thread: a bounded pool, and results that nobody waits for any more are dropped."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from queue import PriorityQueue
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, TypeVar

from qtpy.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_TURN_S = 0.0005
_PATIENCE_S = 0.1


class ShortTurns:
    """Within it, threads that are busy in Python hand its lock on after half a millisecond instead of five.

    Whenever the main thread gives the lock up (all of Qt's drawing does), it gets it back no earlier than that. May be
    entered by many threads at once; the last one out puts back what was set before.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._usual = 0.0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(min(_TURN_S, self._usual))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                sys.setswitchinterval(self._usual)


_SHORT_TURNS = ShortTurns()  # what it sets is the whole process's


class Background(QObject):
    """Runs plain functions in threads and hands their results to the main thread.

    Every piece of work belongs to an errand, a name such as ``"field"``. Starting an errand again makes the result
    of the earlier start stale: it is dropped, and if it has not begun it never runs. Work that can wait, such as small
    pictures, lets everything else go first. Functions given here touch neither widgets nor layers.

    Parameters
    ----------
    threads : int
        Work done at a time.
    """

    _arrived = Signal(int, object, object)  # errand's number, result, error
    _asked = Signal(object)  # the event to set

    def __init__(self, parent: QObject | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lexicon-reading")
        self._numbers = count(1)
        self._latest: dict[str, int] = {}
        self._waiting: dict[int, tuple[str, Callable[[Any], None], Callable[[Exception], None]]] = {}
        self._line: PriorityQueue[tuple[bool, int, Callable[[], Any]]] = PriorityQueue()
        self._closed = False
        self._speaking = Lock()
        self._arrived.connect(self._hand_over)
        # a timer without delay: its turn comes when what is waiting to be drawn has been
        self._asked.connect(lambda turn: QTimer.singleShot(0, turn.set))

    def start(
        self,
        errand: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
        *,
        can_wait: bool = False,
    ) -> None:
        """Run ``work`` in a thread, then ``done(result)`` or ``failed(error)`` on the main thread.

        What ``can_wait`` runs when nothing else is in line.
        """
        if self._closed:
            return
        number = next(self._numbers)
        self.forget(errand)
        self._latest[errand] = number
        self._waiting[number] = (errand, done, failed)
        self._line.put((can_wait, number, work))  # numbers differ: work itself is never compared
        self._pool.submit(self._run_next)

    def give_way(self) -> None:
        """Called by long work between two of its steps: waits until the main thread has drawn all that is to be drawn.

        Drawing takes and leaves Python's lock hundreds of times, so beside a busy thread it takes many times as long.
        """
        turn = Event()
        if self._say(lambda: self._asked.emit(turn)):
            turn.wait(_PATIENCE_S)

    def forget(self, errand: str) -> None:
        """Drop what was started under this name."""
        old = self._latest.pop(errand, None)
        if old is not None:
            self._waiting.pop(old, None)

    def busy(self, errand: str | None = None) -> bool:
        """Whether something (of this name) is still awaited."""
        return bool(self._waiting) if errand is None else errand in self._latest

    def close(self) -> None:
        """Drop everything; threads end after what they are at, and nothing starts any more."""
        with self._speaking:
            self._closed = True
        self._latest.clear()
        self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run_next(self) -> None:
        """Run what is first in line, which need not be what this call was submitted for."""
        _, number, work = self._line.get_nowait()
        if number not in self._waiting:
            return
        try:
            with _SHORT_TURNS:
                result, error = work(), None
        except Exception as caught:  # noqa: BLE001  the border of the thread: whatever it is, the main thread must hear of it
            result, error = None, caught
        self._say(lambda: self._arrived.emit(number, result, error))

    def _say(self, emit: Callable[[], None]) -> bool:
        """Tell the main thread something, unless all is over.

        The window that closes waits for a thread that is just speaking, and takes this object with it afterwards: a
        thread that spoke at that moment would end the process.
        """
        with self._speaking:
            if self._closed:
                return False
            try:
                emit()
            except RuntimeError:  # the window has gone without closing first
                return False
            return True

    def _hand_over(self, number: int, result: Any, error: Exception | None) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is None:
            return
        errand, done, failed = waiting
        if self._latest.get(errand) == number:
            del self._latest[errand]
        if error is None:
            done(result)
        else:
            failed(error)
