"""Colours of wells and what explains them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtGui import QImage

from napari_lexicon.viewer.colors import ramp, to_oklab
from napari_lexicon.widgets.plate.coloring import (
    VIRIDIS,
    CategoryScale,
    NumberScale,
    category_coloring,
    column_coloring,
    number_coloring,
    spoken,
)
from napari_lexicon.widgets.plate.scale_view import ScaleView

WELLS = [f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)]


def series(values, name="Metadata_x") -> pd.Series:
    return pd.Series(values, index=WELLS[: len(values)], name=name)


def test_numbers_become_a_ramp_and_missing_ones_stay_empty():
    values = series([0.0, 1.0, 2.0, np.nan])
    coloring = number_coloring(values, "x", ramp(VIRIDIS))
    assert set(coloring.colors) == {"A01", "A02", "A03"}
    lightness = to_oklab([coloring.colors[well] for well in ("A01", "A02", "A03")])[:, 0]
    assert (np.diff(lightness) > 0).all()
    assert isinstance(coloring.scale, NumberScale)
    assert (coloring.scale.low, coloring.scale.high) == (0, 2)


def test_doses_over_decades_are_shown_on_a_log_scale():
    coloring = column_coloring(series([0, 0.001, 0.01, 0.1, 1, 10, 100, 1000.0], "Metadata_concentration"))
    assert isinstance(coloring.scale, NumberScale)
    assert coloring.scale.log
    assert coloring.colors["A01"] == coloring.colors["A02"]  # the untreated well is drawn as the lowest dose


def test_one_bright_well_does_not_paint_all_others_black():
    values = series([0.1 + 0.001 * n for n in range(95)] + [50.0])
    coloring = number_coloring(values, "x", ramp(VIRIDIS), from_zero=True)
    assert isinstance(coloring.scale, NumberScale)
    assert coloring.scale.clipped == (False, True)
    assert coloring.scale.high < 1


def test_control_types_have_words_and_colours_of_their_own():
    coloring = column_coloring(series(["trt", "negcon", "trt", None], "Metadata_pert_type"))
    assert isinstance(coloring.scale, CategoryScale)
    assert [(label, count) for label, _, count in coloring.scale.entries] == [
        ("treatment", 2),
        ("negative control", 1),
    ]
    assert "A04" not in coloring.colors


@pytest.mark.parametrize("n", [2, 7, 15, 40])
def test_every_category_has_a_colour_of_its_own(n):
    coloring = category_coloring(series([f"compound {i}" for i in range(n)] * 2), "compound")
    assert isinstance(coloring.scale, CategoryScale)
    assert len({rgb for _, rgb, _ in coloring.scale.entries}) == n


def test_a_handful_of_numbers_is_a_legend_in_their_order():
    coloring = column_coloring(series([3, 1, 2, 1, 3], "Metadata_Batch"))
    assert isinstance(coloring.scale, CategoryScale)
    assert [label for label, _, _ in coloring.scale.entries] == ["1", "2", "3"]


def test_values_are_spoken_shortly():
    assert spoken(0.30000000001) == "0.3"
    assert spoken("negcon") == "negative control"
    assert spoken(float("nan")) == ""


def test_a_person_may_clip_the_colour_bar_and_sees_that_it_is_clipped():
    values = pd.Series(np.arange(11.0), index=[f"W{n}" for n in range(11)])
    black_to_white = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    found = number_coloring(values, "x", black_to_white, limits=(2.0, 6.0))
    assert (found.scale.low, found.scale.high, found.scale.clipped) == (2.0, 6.0, (True, True))
    assert [found.colors[f"W{n}"][0] for n in (0, 2, 4, 6, 10)] == [0, 0, 128, 255, 255]


def test_about_zero_the_middle_colour_is_zero():
    values = pd.Series([-1.0, 0.0, 4.0], index=["a", "b", "c"])
    black_to_white = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    found = number_coloring(values, "z", black_to_white, about_zero=True)
    assert found.colors["b"][0] in (127, 128)
    assert found.scale.low == -found.scale.high


def test_a_long_title_keeps_away_from_the_numbers_at_the_ends_of_its_bar(qtbot):
    view = ScaleView()
    qtbot.addWidget(view)
    view.resize(300, 34)

    def inked(title: str, high: float) -> np.ndarray:
        view.setValue(NumberScale(title, 0.0, high, np.zeros((256, 3), np.uint8)))
        image = view.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        rows = [[image.pixel(x, y) & 0xFF for x in range(image.width())] for y in range(16, image.height() - 3)]
        return np.ptp(np.array(rows), axis=0) > 30

    number = np.flatnonzero(inked("", 0.0488))
    first = number[number > 150][0]
    for letters in range(10, 40, 2):
        found = inked("m" * letters, 0.0488)
        assert found[first] and not found[first - 5 : first].any(), letters
