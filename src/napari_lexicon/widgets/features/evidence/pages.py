"""The pages of evidence beneath the card, beside the strongest places and the clicked one."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QTabWidget, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.lasso import LASSO_TIP
from napari_lexicon.widgets.basic.scroll import TallContent
from napari_lexicon.widgets.features.evidence.condition_points import ConditionPoints
from napari_lexicon.widgets.features.evidence.dose_plot import DosePlot
from napari_lexicon.widgets.features.evidence.near import Near
from napari_lexicon.widgets.features.evidence.spread import Spread
from napari_lexicon.widgets.features.evidence.stain_bars import StainBars

CONDITIONS, DOSE, SPREAD, STAINS, NEAR = "conditions", "dose", "spread", "stains", "near"
_CHOOSE = "Choose a feature first."


def padded(*widgets: QWidget) -> QWidget:
    """Widgets one under the other with some air around."""
    page = QWidget()
    box = QVBoxLayout(page)
    box.setContentsMargins(6, 6, 6, 6)
    for widget in widgets:
        box.addWidget(widget)
    box.addStretch(1)
    return page


class EvidencePages:
    """Conditions, dose, spread, stains and near as pages of a tab widget.

    Parameters
    ----------
    tabs : QTabWidget
        To which the pages are added.
    """

    def __init__(self, tabs: QTabWidget) -> None:
        self.tabs = tabs
        self.conditions, self.dose, self.spread = ConditionPoints(), DosePlot(), Spread()
        self.stains, self.near = StainBars(), Near()
        self.lines = {key: Caption(_CHOOSE, wrap=True, step=-0.5) for key in (CONDITIONS, SPREAD, STAINS)}
        for key, line in self.lines.items():
            line.setObjectName(f"{key}_line")
        self.by_median = QCheckBox("highest first")
        self.by_median.setObjectName("groups_by_median")
        self.by_median.setToolTip("Order the groups by their medians. Without it: doses as numbers, names by alphabet.")
        self._pages: dict[str, QWidget] = {
            CONDITIONS: TallContent(padded(self.by_median, self.lines[CONDITIONS], self.conditions)),
            DOSE: TallContent(self.dose),
            SPREAD: TallContent(padded(self.lines[SPREAD], self.spread)),
            STAINS: TallContent(padded(self.lines[STAINS], self.stains)),
            NEAR: TallContent(padded(self.near)),
        }
        for key, title, tip in (
            (CONDITIONS, "Groups", f"How often it fires in every well, condition by condition. {LASSO_TIP}"),
            (DOSE, "Dose", f"How it changes with the dose of a treatment. {LASSO_TIP}"),
            (SPREAD, "Spread", "Tiles from the strongest activation to none: the strongest alone flatter."),
            (STAINS, "Stains", "Which stain it follows, patch by patch."),
            (NEAR, "Near", "Features that fire in the same patches, and whose atoms point the same way."),
        ):
            tabs.setTabToolTip(tabs.addTab(self._pages[key], title), tip)

    def current(self) -> str:
        """Key of the page in front, empty for another one."""
        front = self.tabs.currentWidget()
        return next((key for key, page in self._pages.items() if page is front), "")

    def clear(self, why: str = _CHOOSE) -> None:
        """No feature is chosen: say so everywhere."""
        for line in self.lines.values():
            line.setText(why)
        self.conditions.setValue([])
        self.dose.setValue([], why_not=why)
        self.spread.setValue([])
        self.stains.setValue([])
        self.near.setValue([], [], why, "")
