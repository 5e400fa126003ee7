"""The Feature map dock's view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.scatter import ScatterPlot
from napari_lexicon.widgets.plate.scale_view import ScaleView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METHODS: dict[str, str] = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
_TIPS = {
    "pca": "The two directions in which atoms differ most. Distances mean what they look like.",
    "tsne": "A map of neighbours: what lies close together has similar atoms; distances between groups mean nothing. "
    "Takes a while for thousands of features.",
    "umap": "A map of neighbours like t-SNE, by the package umap-learn.",
}


class FeatureMapView(QWidget):
    """All features as points. Its value is the layout method.

    Signals
    -------
    valueChanged(str)
        Another method was chosen.
    colorByChanged(str)
        Another column to colour by.
    onlyMarkedChanged(bool)
        Whether the table leaves out the others.
    clearClicked()
        Select nothing.
    themeChanged()
        Colours made from the theme are due again.
    """

    valueChanged = Signal(str)
    colorByChanged = Signal(str)
    onlyMarkedChanged = Signal(bool)
    clearClicked = Signal()
    themeChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.method = QComboBox()
        self.method.setObjectName("layout_method")
        for key, text in METHODS.items():
            self.method.addItem(text, key)
            self.method.setItemData(self.method.count() - 1, _TIPS[key], 3)  # Qt.ToolTipRole
        self.method.setToolTip("How the features are laid out: similar ones lie close to each other.")
        self.color_by = QComboBox()
        self.color_by.setObjectName("map_color_by")
        self.color_by.setToolTip("Colour the features by a column of the table.")
        for combo, letters in ((self.method, 6), (self.color_by, 9)):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(letters)
        self.plot = ScatterPlot()
        self.plot.setObjectName("feature_scatter")
        self.scale = ScaleView(of="features")
        self.line = Caption(strength=0.9)
        self.line.setObjectName("map_line")
        self.only = QCheckBox("only these in the table")
        self.only.setObjectName("only_marked")
        self.only.setToolTip("Leave all other features out of the table while some are selected here.")
        self.clear = QPushButton("clear")
        self.clear.setObjectName("clear_marked")
        self.clear.setToolTip("Select no feature (Esc).")
        self._build()
        self.method.activated.connect(lambda: self.valueChanged.emit(self.value()))
        self.color_by.activated.connect(lambda: self.colorByChanged.emit(str(self.color_by.currentData())))
        self.only.toggled.connect(self.onlyMarkedChanged)
        self.clear.clicked.connect(self.clearClicked)
        self.setSelected(0, 0)

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.method)
        top.addWidget(Caption("Colour by", fit=True))
        top.addWidget(self.color_by, 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(6)
        bottom.addWidget(self.line, 1)
        bottom.addWidget(self.only)
        bottom.addWidget(self.clear)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(5)
        box.addLayout(top)
        box.addWidget(self.plot, 1)
        box.addWidget(self.scale)
        box.addLayout(bottom)

    def value(self) -> str:
        """The method."""
        return str(self.method.currentData())

    def setValue(self, method: str) -> None:
        """Choose a method; says nothing."""
        self.method.setCurrentIndex(max(0, self.method.findData(method)))

    def setReasons(self, reasons: Mapping[str, str | None]) -> None:
        """Why a method cannot be chosen."""
        model = self.method.model()
        for row in range(self.method.count()):
            key = str(self.method.itemData(row))
            reason = reasons.get(key)
            item = model.item(row)  # type: ignore[union-attr]  # the model of a combo box is one of items
            item.setEnabled(reason is None)
            self.method.setItemData(row, reason or _TIPS[key], 3)

    def setChoices(self, choices: Sequence[tuple[str, str]], chosen: str) -> None:
        """What to colour by."""
        self.color_by.clear()
        for key, title in choices:
            self.color_by.addItem(title, key)
        self.color_by.setCurrentIndex(max(0, self.color_by.findData(chosen)))

    def setSelected(self, marked: int, every: int) -> None:
        """How many are selected."""
        if marked:
            self.line.setText(f"{marked:,} of {every:,} selected")
        else:
            self.line.setText("Draw a line round features to select them, click one to choose it.")
        self.only.setVisible(bool(marked))
        self.clear.setVisible(bool(marked))

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self.themeChanged.emit()
