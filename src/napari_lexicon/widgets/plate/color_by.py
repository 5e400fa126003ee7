"""What the wells are coloured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from napari_lexicon.analysis.image_words import of_images
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.elided_box import ElidedBox
from napari_lexicon.widgets.plate.coloring import column_title

if TYPE_CHECKING:
    from collections.abc import Sequence

STATISTICS: dict[str, str] = {
    "mean": "mean",
    "fraction_active": "how often",
    "strongest": "strongest",
    "robust_z": "robust z",
    "median": "median",
    "cv": "cv",
}
_STATISTIC_TIPS = {
    "mean": "Mean activation over all patches of the well.",
    "fraction_active": "Part of the well's patches in which the feature fires.",
    "strongest": "The largest activation anywhere in the well.",
    "robust_z": "By how many robust standard deviations of the negative controls the well's mean differs from their "
    "median: 0 is like a control, beyond 3 is rare among them.",
    "median": "Median over the well's fields: one bad field does not move it.",
    "cv": "How much the fields of a well differ: standard deviation over mean. High where a field is bad or empty.",
}
_ALIKE_TIP = (
    "Which wells differ from the controls in the same features as the well on the image: 1 in exactly the same ones, "
    "0 in others, below 0 in the opposite way. Go to another well to compare with that."
)
OVER_FIELDS = ("median", "cv")
"""Figures that are made of the single fields of a well."""


def usual_statistic(beyond: float | None) -> str:
    """The figure that colours wells before a person chooses: where a feature is read by its direction, how often.

    The mean along a direction is that of the ground, and may be low in the wells in which most patches lie far along.
    """
    return "mean" if beyond is None else "fraction_active"


@dataclass(frozen=True)
class ColorBy:
    """What wells are coloured by.

    Parameters
    ----------
    kind : str
        ``"none"``, ``"images"`` (thumbnails), ``"fields"`` (number of fields), ``"alike"`` (how alike they are to the
        well that is shown), ``"column"`` or ``"feature"`` (the chosen one).
    column : str
        Column of the plate map.
    statistic : str
        Figure of the feature.
    """

    kind: str = "none"
    column: str = ""
    statistic: str = "mean"


class ColorByChooser(QWidget):
    """Two drop-downs: what, and for a feature which figure of it. Its value is a :class:`ColorBy`.

    Signals
    -------
    valueChanged(ColorBy)
        It changed, by hand or by :meth:`setValue`.
    chosen(ColorBy)
        A person chose.
    figureChosen()
        A person chose the figure.
    """

    valueChanged = Signal(object)
    chosen = Signal(object)
    figureChosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what = ElidedBox()
        self._what.setObjectName("color_by")
        self._what.setToolTip("Colour the wells by what was done to them, or by the chosen feature.")
        self._what.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._what.setMinimumContentsLength(8)
        self._what.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._figure = QComboBox()
        self._figure.setObjectName("color_statistic")
        for key, text in STATISTICS.items():
            self._figure.addItem(text, key)
            self._figure.setItemData(self._figure.count() - 1, _STATISTIC_TIPS[key], 3)  # Qt.ToolTipRole
        self._figure.setMinimumWidth(86)
        self._what.setMinimumWidth(80)
        self._figure.setToolTip("Which figure of the feature colours a well.")
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(Caption("Colour by", fit=True))
        box.addWidget(self._what, 1)
        box.addWidget(self._figure)
        self._value = ColorBy()
        self.setChoices((), None)
        self._what.currentIndexChanged.connect(self._told)
        self._figure.currentIndexChanged.connect(self._told)
        self._what.activated.connect(lambda: self.chosen.emit(self.value()))
        self._figure.activated.connect(lambda: self.figureChosen.emit())
        self._figure.activated.connect(lambda: self.chosen.emit(self.value()))

    def setChoices(
        self, columns: Sequence[str], feature: str | None, *, alike: bool = False, images: bool = False
    ) -> None:
        """Offer these columns, the chosen feature by its name where there is one, and likeness where it is known.

        ``images`` says so where the wells are loose images.
        """
        said = of_images if images else str
        wanted = self._value
        self._what.blockSignals(True)
        self._what.clear()
        self._what.addItem("nothing", ColorBy("none"))
        self._what.addItem("their images", ColorBy("images"))
        self._what.addItem("number of fields", ColorBy("fields"))
        if alike:
            self._what.addItem(said("like the shown well"), ColorBy("alike"))
            self._what.setItemData(self._what.count() - 1, said(_ALIKE_TIP), 3)  # Qt.ToolTipRole
        for place, key in enumerate(STATISTICS):
            self._figure.setItemData(place, said(_STATISTIC_TIPS[key]), 3)
        for column in columns:
            self._what.addItem(column_title(column), ColorBy("column", column))
        if feature is not None:
            self._what.addItem(feature, ColorBy("feature"))  # its number comes first: long names are cut off
        self._what.setCurrentIndex(max(0, self._index_of(wanted)))
        self._what.blockSignals(False)
        self._told()

    def value(self) -> ColorBy:
        """What is chosen."""
        return self._value

    def setValue(self, value: ColorBy) -> None:
        """Choose; something that is not offered leaves the choice as it is."""
        index = self._index_of(value)
        if index >= 0:
            self._figure.setCurrentIndex(max(0, self._figure.findData(value.statistic)))
            self._what.setCurrentIndex(index)

    def setStatistic(self, statistic: str) -> None:
        """Choose the figure of the feature, also while something else colours the wells."""
        self._figure.setCurrentIndex(max(0, self._figure.findData(statistic)))

    def _index_of(self, value: ColorBy) -> int:
        for index in range(self._what.count()):
            offered = self._what.itemData(index)
            if (offered.kind, offered.column) == (value.kind, value.column):
                return index
        return -1

    def _told(self) -> None:
        offered = self._what.currentData()
        value = ColorBy(offered.kind, offered.column, str(self._figure.currentData()))
        self._figure.setVisible(value.kind == "feature")
        if value != self._value:
            self._value = value
            self.valueChanged.emit(value)
