"""Small pictures of the wells, read one after another in the background so that nothing else has to wait."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer, Signal

from napari_lexicon.viewer.colors import channel_color, rgb_of
from napari_lexicon.viewer.conversion import display_range
from napari_lexicon.widgets.basic.later import later

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_lexicon.plates.model import Plate
    from napari_lexicon.widgets.workspace.background import Background

SIDE = 64
"""Pixels of a picture's longer side, at most twice that."""
_ERRAND = "well picture"

Picture = npt.NDArray[np.uint8]


def well_picture(
    plate: Plate, well: str, ranges: Mapping[str, tuple[float, float]]
) -> tuple[Picture, dict[str, tuple[float, float]]]:
    """The first field of a well from its coarsest level, in the colours of its channels.

    Parameters
    ----------
    plate : Plate
        The open plate.
    well : str
        One with images.
    ranges : mapping of str to (low, high)
        Grey values shown as black and full, by channel: the same for all wells, so that these compare.

    Returns
    -------
    (numpy.ndarray, dict)
        ``(h, w, 3)`` uint8, and the ranges with those of channels that were not in them.
    """
    field = plate.wells[well].fields[0]
    lazy = field.image(field.source.levels() - 1)
    step = max(1, max(lazy.shape[-2:]) // SIDE)
    pixels = np.asarray(lazy[..., ::step, ::step])
    if plate.rgb:
        return np.ascontiguousarray(np.moveaxis(pixels[:3], 0, -1)).astype(np.uint8), dict(ranges)
    used = dict(ranges)
    mixed = np.zeros((*pixels.shape[-2:], 3))
    for plane, index in zip(pixels, field.channels, strict=True):
        channel = plate.channels[index]
        low, high = used.setdefault(channel.name, channel.window or display_range(plane))
        color = rgb_of(channel_color(channel.name, index, len(plate.channels), channel.color))
        mixed += np.clip((plane.astype(np.float64) - low) / max(high - low, 1e-9), 0, 1)[..., None] * color
    return np.clip(mixed, 0, 255).astype(np.uint8), used


class Thumbnails(QObject):
    """Reads the pictures of all wells of a plate, one at a time.

    Signals
    -------
    read(dict)
        All pictures read so far, by well; told at most every 150 ms.
    """

    read = Signal(object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._plate: Plate | None = None
        self._pictures: dict[str, Picture] = {}
        self._ranges: dict[str, tuple[float, float]] = {}
        self._todo: deque[str] = deque()
        self._quiet = later(self, 150, lambda: self.read.emit(self._pictures))

    def start(self, plate: Plate, ranges: Mapping[str, tuple[float, float]]) -> None:
        """Read the pictures of a plate, going on where that was interrupted."""
        if plate is not self._plate:
            self.stop()
            self._plate, self._pictures, self._ranges = plate, {}, dict(ranges)
        self._todo = deque(name for name, well in plate.wells.items() if well.fields and name not in self._pictures)
        self.read.emit(self._pictures)
        self._next()

    def stop(self) -> None:
        """Read no more for now."""
        self._todo.clear()
        self._quiet.stop()
        self._background.forget(_ERRAND)

    def _next(self) -> None:
        if not self._todo or self._plate is None:
            return
        if self._background.busy("field") or self._background.busy("codes"):
            QTimer.singleShot(50, self._next)  # whoever waits for a field comes first
            return
        plate, well, ranges = self._plate, self._todo.popleft(), dict(self._ranges)

        def take(found: tuple[Picture, dict[str, tuple[float, float]]]) -> None:
            self._pictures[well], self._ranges = found
            if not self._quiet.isActive():
                self._quiet.start()
            self._next()

        self._background.start(
            _ERRAND, lambda: well_picture(plate, well, ranges), take, lambda error: self._next(), can_wait=True
        )
