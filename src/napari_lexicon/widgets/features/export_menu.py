"""The button behind which features leave the window: report, table, picture, and a map that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint, Signal
from qtpy.QtWidgets import QMenu, QPushButton

from napari_lexicon.widgets.basic.image_words import tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qtpy.QtWidgets import QWidget

WORDS = {
    "report": (
        "Write a report (HTML)…",
        "One page for colleagues: what each treatment does, with pictures, doses and confounds. Opens anywhere.",
    ),
    "table": (
        "Save the table…",
        "One row per feature as CSV, with names, also those that the search hides.",
    ),
    "wells": (
        "Save wells × features…",
        "How strongly every feature fires in every well, with the plate map, for your statistics: CSV or AnnData.",
    ),
    "picture": (
        "Save this picture…",
        (
            "The field, and the chosen feature over it as it is drawn now (threshold, outlines, above control, rounds, "
            "direction, contrast), with scale bar: PNG, or SVG to edit. Of fields side by side, the current one."
        ),
    ),
    "figure": (
        "Save a figure of all maps…",
        (
            "Every map that is on the image, in its colour and as it is drawn now, with legend and scale bar: PNG or "
            "SVG. Of fields side by side, the current one."
        ),
    ),
    "labels": (
        "Write labels into the plate",
        (
            "Where each map on the image is above the threshold, with the chosen rounds, direction or difference from "
            "control, as OME-Zarr labels beside the image of this field. Outlines and blending do not change labels."
        ),
    ),
    "labels_folder": (
        "Write labels to a folder…",
        "The same as OME-Zarr images of their own, for plates that are no OME-Zarr or may not be written.",
    ),
    "names_out": (
        "Send names…",
        "One small file with all names, notes and tags, for a colleague with this or another dictionary.",
    ),
    "names_in": (
        "Take over names…",
        "Names from such a file. In another dictionary of the same model they find their atoms by direction.",
    ),
    "keep": (
        "Keep this map as a layer",
        "The map stays in its colour while you choose other features, and follows you from field to field.",
    ),
}
"""Word and tooltip of every entry, by key."""


class ExportMenu(QPushButton):
    """A button that opens the menu.

    Signals
    -------
    opening()
        The menu is about to be shown: time to say what can be done.
    chosen(str)
        Key of the entry.
    """

    opening = Signal()
    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("⋯", parent)
        self.setObjectName("features_menu")
        self.setToolTip("Report, table, picture, and maps that stay.")
        self.setFixedWidth(30)
        self._images = False
        self.menu_ = QMenu(self)
        self.menu_.setObjectName("features_menu_entries")
        self.menu_.setToolTipsVisible(True)
        self.entries = {}
        for key, (text, tip) in WORDS.items():
            action = self.menu_.addAction(text)
            assert action is not None
            action.setObjectName(key)
            action.setToolTip(tip)
            action.triggered.connect(lambda _=False, key=key: self.chosen.emit(key))
            self.entries[key] = action
        self.clicked.connect(self._open)

    def setReasons(self, reasons: Mapping[str, str | None]) -> None:
        """Why an entry cannot be chosen now, None where it can."""
        for key, action in self.entries.items():
            reason = reasons.get(key)
            action.setEnabled(reason is None)
            action.setToolTip(reason or WORDS[key][1])
        tell(self, images=self._images)

    def setImages(self, images: bool) -> None:
        """Whether the wells of the plate are loose images."""
        self._images = images

    def _open(self) -> None:
        self.opening.emit()
        width = self.menu_.sizeHint().width()
        self.menu_.popup(self.mapToGlobal(QPoint(self.width() - width, self.height())))
