"""Widgets that say of loose images what they say of wells; see :mod:`napari_lexicon.analysis.image_words`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QTabBar, QWidget

from napari_lexicon.analysis.image_words import of_images
from napari_lexicon.widgets.basic.caption import Caption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OF_WELLS = "said_of_wells"
AS_WRITTEN = "as_written"
"""Property of a widget whose text is somebody else's: the name of a file or a folder."""


def tell(root: QWidget, *, images: bool) -> None:
    """Say what a widget and all in it say of wells as it is said of images, or of wells again.

    What has been given other words since keeps them, and so does text that tells what is open: captions have an object
    name where they do.
    """
    for owner, key, now, put in _texts(root):
        known = dict(owner.property(_OF_WELLS) or {})
        if images and of_images(now) != now:
            owner.setProperty(_OF_WELLS, known | {key: now})
            put(of_images(now))
        elif not images and key in known and now == of_images(known[key]):
            put(known[key])


def _texts(root: QWidget) -> Iterator[tuple[Any, str, str, Callable[[str], None]]]:
    """Owner, key, text and setter of every text."""
    for widget in (root, *root.findChildren(QWidget)):
        yield widget, "tip", widget.toolTip(), widget.setToolTip
        if isinstance(widget, QAbstractButton) or (isinstance(widget, Caption) and not widget.objectName()):
            if not widget.property(AS_WRITTEN):
                yield widget, "text", widget.text(), widget.setText
        elif isinstance(widget, QLineEdit):
            yield widget, "placeholder", widget.placeholderText(), widget.setPlaceholderText
        elif isinstance(widget, QTabBar):
            for tab in range(widget.count()):
                yield widget, f"tip {tab}", widget.tabToolTip(tab), _tab_tip(widget, tab)
    for action in root.findChildren(QAction):
        yield action, "text", action.text(), action.setText
        yield action, "tip", action.toolTip(), action.setToolTip


def tell_items(box: QComboBox, *, images: bool) -> None:
    """:func:`tell` for the entries of a list that is chosen from, and their tooltips."""
    for row in range(box.count()):
        for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            kept = int(Qt.ItemDataRole.UserRole) + int(role) + 1
            text = box.itemData(row, kept) or box.itemData(row, role)
            if isinstance(text, str) and of_images(text) != text:
                box.setItemData(row, text, kept)
                box.setItemData(row, of_images(text) if images else text, role)


def _tab_tip(bar: QTabBar, tab: int) -> Callable[[str], None]:
    return lambda tip: bar.setTabToolTip(tab, tip)
