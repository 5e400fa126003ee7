"""A pause after which something is done once; started again, it begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QObject


def later(parent: QObject, wait_ms: int, act: Callable[[], object]) -> QTimer:
    """A timer of ``parent`` that calls ``act`` so long after it was started last."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(wait_ms)
    timer.timeout.connect(act)
    return timer
