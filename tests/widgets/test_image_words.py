"""Loose images are called images, wells are called wells, and what people named stays as they wrote it."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.image_words import AS_WRITTEN, tell, tell_items


def test_widgets_say_it_and_take_it_back_but_for_what_has_changed_or_was_written_by_a_person(qtbot):
    root = QWidget()
    qtbot.addWidget(root)
    box = QVBoxLayout(root)
    button, changed, line = QPushButton("‹ well"), QPushButton("whole well"), QLineEdit()
    line.setPlaceholderText("Select wells")
    button.setToolTip("Next well")
    file, folder = QPushButton("Use my wells as plate map"), Caption("wells of May")
    file.setProperty(AS_WRITTEN, True)
    folder.setObjectName("plate_title")
    for widget in (button, changed, line, file, folder, QLabel("well")):
        box.addWidget(widget)
    tell(root, images=True)
    tell(root, images=True)
    assert (button.text(), button.toolTip(), line.placeholderText()) == ("‹ image", "Next image", "Select images")
    assert (file.text(), folder.text()) == ("Use my wells as plate map", "wells of May")
    changed.setText("other words")
    tell(root, images=False)
    assert (button.text(), button.toolTip(), line.placeholderText()) == ("‹ well", "Next well", "Select wells")
    assert changed.text() == "other words"


def test_entries_of_a_list_say_it_and_take_it_back(qtbot):
    box = QComboBox()
    qtbot.addWidget(box)
    box.addItem("What is in each well?", "composition")
    box.setItemData(0, "Cells of every well", 3)
    tell_items(box, images=True)
    assert (box.itemText(0), box.itemData(0, 3), box.itemData(0)) == (
        *("What is in each image?", "Cells of every image"),
        "composition",
    )
    tell_items(box, images=False)
    assert (box.itemText(0), box.itemData(0, 3)) == ("What is in each well?", "Cells of every well")
