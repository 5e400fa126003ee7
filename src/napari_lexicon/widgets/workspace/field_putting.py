"""Putting the channels of a field on the screen without a pause, and without drawing half a field."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from napari_lexicon.viewer.conversion import ImageLayer
    from napari_lexicon.viewer.field_layers import FieldLayers
    from napari_lexicon.widgets.workspace.field_reading import ReadFields


class FieldPutting(QObject):
    """Puts channels into their layers one by one, so that the window can breathe between them, and draws them once.

    Signals
    -------
    done(ReadFields)
        All channels are in their layers; what is done now is drawn with them.
    """

    done = Signal(object)

    def __init__(self, layers: FieldLayers, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layers = layers
        self._read: ReadFields | None = None
        self._queue: deque[ImageLayer] = deque()

    def put(self, read: ReadFields) -> None:
        """Put a field that has been read on the screen."""
        self._read, self._queue = read, deque(read.layers)
        self._layers.remove_others(read.layers)
        self._layers.hold()
        self._next()

    def busy(self) -> bool:
        """Whether channels are still to be put."""
        return self._read is not None

    def stop(self) -> None:
        """Leave the rest of the channels where they are: their plate has gone."""
        self.close()
        self._layers.release()

    def close(self) -> None:
        """The window is closing, and takes no layers any more."""
        self._read = None
        self._queue.clear()

    def _next(self) -> None:
        read = self._read
        if read is None:
            return
        if not self._queue:
            self._read = None
            self.done.emit(read)
            self._layers.release()
            return
        put = False
        try:
            self._layers.put(self._queue.popleft())
            put = True
        finally:
            if not put:
                self.stop()
        QTimer.singleShot(0, self._next)
