"""Tiles by how strongly a feature fires: the strongest flatter, the weak ones and the silent ones tell the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.features.gallery import Gallery

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_lexicon.analysis.field_sample import QuantileBin
    from napari_lexicon.widgets.features.tiles import Tile


class Spread(QWidget):
    """A line and a row of tiles per bin. Its value is the list of bins.

    Signals
    -------
    tileClicked(Tile)
        Go there.
    alikeWanted(Tile), teachWanted(Tile, bool)
        Find patches like it.
    """

    tileClicked = Signal(object)
    alikeWanted = Signal(object)
    teachWanted = Signal(object, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("spread")
        self._bins: list[QuantileBin] = []
        self._rows: list[tuple[Caption, Gallery]] = []
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(3)

    def value(self) -> list[QuantileBin]:
        """Bins shown."""
        return list(self._bins)

    def galleries(self) -> list[Gallery]:
        """Rows of tiles, one per bin."""
        return [gallery for _, gallery in self._rows[: len(self._bins)]]

    def setValue(self, bins: Sequence[QuantileBin], color: str = "#FFFFFF") -> None:
        """Show other bins; their tiles follow."""
        self._bins = list(bins)
        while len(self._rows) < len(self._bins):
            line, gallery = Caption(step=-0.5, strength=0.8), Gallery()
            gallery.tileClicked.connect(self.tileClicked)
            gallery.alikeWanted.connect(self.alikeWanted)
            gallery.teachWanted.connect(self.teachWanted)
            self._box.addWidget(line)
            self._box.addWidget(gallery)
            self._rows.append((line, gallery))
        for number, (line, gallery) in enumerate(self._rows):
            line.setVisible(number < len(self._bins))
            gallery.setVisible(number < len(self._bins))
            if number < len(self._bins):
                one = self._bins[number]
                ends = "" if one.high == 0 else f": {one.low:.2g} to {one.high:.2g}"
                line.setText(f"{one.title[:1].upper()}{one.title[1:]}{ends}")
                gallery.setValue([None] * len(one.places), color)
        self.updateGeometry()

    def setTiles(self, arrived: Iterable[tuple[tuple[int, int], Tile]]) -> None:
        """Pictures have arrived, each with its bin and its position in it."""
        for (bin_, position), tile in arrived:
            if bin_ < len(self._bins):
                self._rows[bin_][1].setTiles([(position, tile)])

    def setColor(self, color: str) -> None:
        """Frame the patches in another colour."""
        for _, gallery in self._rows:
            gallery.setColor(color)
