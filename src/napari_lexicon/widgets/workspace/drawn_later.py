"""A map that is chosen, put into its layer and drawn in three turns of the event loop.

Drawing takes longest, and without a graphics card much longer than all else. Table, card and plate are painted before,
and what a person does meanwhile is heard in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_lexicon.widgets.basic.later import later

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_lexicon.viewer.field_layers import FieldLayers
    from napari_lexicon.widgets.workspace.field_putting import FieldPutting

_TURN_MS = 5


class DrawnLater(QObject):
    """Shows what was chosen a turn later, and has the canvas drawn a turn after that.

    Parameters
    ----------
    layers : FieldLayers
        Hold the canvas in between.
    putting : FieldPutting
        Holds it as well; a field that is being put on the screen draws with its last channel.
    show : callable
        Puts the map into its layer.
    parent : QObject, optional
        Owner.
    """

    def __init__(
        self,
        layers: FieldLayers,
        putting: FieldPutting,
        show: Callable[[], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._layers, self._putting, self._show = layers, putting, show
        self._next = later(self, _TURN_MS, self._put)
        self._last = later(self, _TURN_MS, self._draw)

    def start(self) -> None:
        """Another map is chosen; one that was not shown yet is forgotten."""
        self._next.start()

    def stop(self) -> None:
        """The window is closing."""
        self._next.stop()
        self._last.stop()

    def _put(self) -> None:
        self._layers.hold()
        self._last.start()
        self._show()

    def _draw(self) -> None:
        if not self._putting.busy():
            self._layers.release()
