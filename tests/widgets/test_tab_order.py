"""Tab goes down a dock in the order in which its controls stand, and no table keeps it."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QCheckBox, QTableView, QWidget

from napari_lexicon.analysis.question_words import WORDS
from napari_lexicon.widgets.dictionary.view import DictionaryView
from napari_lexicon.widgets.embed.view import EmbedView
from napari_lexicon.widgets.features.view import FeaturesView
from napari_lexicon.widgets.plate.view import PlateView
from napari_lexicon.widgets.questions.view import QuestionsView


def tab_stops(view: QWidget) -> list[QWidget]:
    """Controls that can be worked, in the order in which Tab comes to them."""
    found, widget = [], view.nextInFocusChain()
    while widget is not view:
        seen = view.isAncestorOf(widget) and widget.isVisible() and widget.isEnabled()
        if seen and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


def dictionary_view() -> DictionaryView:
    view = DictionaryView()
    view.setValue("train")
    wells = ["A01", "A02", "A03"]
    view.controls.setMap(pd.DataFrame({"Metadata_pert_type": ["negcon", "trt", "poscon"]}, index=wells))
    view.setTraining(None, "", "")
    return view


def questions_view() -> QuestionsView:
    view = QuestionsView(WORDS)
    view.setReason(None)
    view.setAnswer("cells", pd.DataFrame({"feature": [1, 2], "effect": [0.5, 0.2]}))
    return view


@pytest.mark.parametrize("make", [PlateView, EmbedView, dictionary_view, FeaturesView, questions_view])
def test_tab_goes_down_the_dock(qtbot, make) -> None:
    view = make()
    qtbot.addWidget(view)
    view.resize(430, 700)
    view.show()
    stops = tab_stops(view)
    assert len(stops) > 2
    for above, below in pairwise(stops):
        top, next_top = (widget.mapTo(view, QPoint(0, 0)).y() for widget in (above, below))
        assert next_top + below.height() > top, f"{below.objectName()} stands above {above.objectName()}"
    assert not any(table.tabKeyNavigation() for table in view.findChildren(QTableView))


def test_the_ticks_of_control_wells_come_before_the_button(qtbot) -> None:
    view = dictionary_view()
    qtbot.addWidget(view)
    view.show()
    stops = tab_stops(view)
    ticks = [stops.index(box) for box in view.controls.findChildren(QCheckBox) if box.isVisible()]
    assert len(ticks) == 3
    assert stops.index(view.controls.column) < min(ticks) and max(ticks) < stops.index(view.train)
