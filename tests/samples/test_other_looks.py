"""Unstained and stained looks show the same kind of truth as fluorescence does."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_lexicon.samples.blood import SmearSettings, render_smear
from napari_lexicon.samples.brightfield import LEVEL, Look, render_brightfield
from napari_lexicon.samples.cells import Crowd
from napari_lexicon.samples.field import FieldSettings, RenderedField, render_field
from napari_lexicon.samples.stained import TissueSettings, render_tissue

if TYPE_CHECKING:
    from collections.abc import Callable

FIELD = FieldSettings(shape=(256, 300), crowd=Crowd(confluence=0.5))
LOOKS: dict[str, Callable[[int], RenderedField]] = {
    "brightfield": lambda seed: render_brightfield(FIELD, np.random.default_rng(seed)),
    "phase": lambda seed: render_brightfield(FIELD, np.random.default_rng(seed), "phase"),
    "dic": lambda seed: render_brightfield(FIELD, np.random.default_rng(seed), "dic"),
    "he": lambda seed: render_tissue(TissueSettings(shape=(256, 300)), np.random.default_rng(seed)),
    "ihc": lambda seed: render_tissue(TissueSettings(shape=(256, 300), stain="ihc"), np.random.default_rng(seed)),
    "smear": lambda seed: render_smear(
        SmearSettings(shape=(256, 300), red_diameter_px=50), np.random.default_rng(seed)
    ),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_is_reproducible_and_seeds_differ(name: str) -> None:
    one, again, other = LOOKS[name](1), LOOKS[name](1), LOOKS[name](2)
    np.testing.assert_array_equal(one.image, again.image)
    assert one.table.equals(again.table)
    assert not np.array_equal(one.image, other.image)


@pytest.mark.parametrize("name", LOOKS)
def test_labels_and_table_agree(name: str) -> None:
    field = LOOKS[name](1)
    assert set(np.unique(field.cells)) - {0} == set(field.table.index)
    inside = field.nuclei > 0
    np.testing.assert_array_equal(field.nuclei[inside], field.cells[inside])
    area = np.bincount(field.cells.ravel(), minlength=len(field.table) + 1)[1:]
    np.testing.assert_array_equal(field.table.area_px, area)


@pytest.mark.parametrize("look", get_args(Look))
def test_unstained_cells_are_those_of_the_fluorescence_field(look: Look) -> None:
    bright = render_brightfield(FIELD, np.random.default_rng(7), look)
    np.testing.assert_array_equal(bright.cells, render_field(FIELD, np.random.default_rng(7)).cells)
    plane = bright.image[0].astype(float)
    assert plane[bright.cells == 0].mean() == pytest.approx(LEVEL, rel=0.12)
    detail = np.abs(plane - gaussian_filter(plane, 3.0))  # without the unevenness of the light
    assert detail[bright.cells > 0].mean() > 1.3 * detail[bright.cells == 0].mean()


def test_haematoxylin_is_blue_eosin_is_pink_and_the_antibody_is_brown() -> None:
    section = LOOKS["he"](3)
    red, green, blue = section.image.astype(float)
    nucleus, rest = section.nuclei > 0, section.cells == 0
    assert blue[nucleus].mean() > red[nucleus].mean() + 10
    assert (red - green)[rest].mean() > 5
    marked = LOOKS["ihc"](3)
    red, green, blue = marked.image.astype(float)
    assert np.percentile((red - blue)[marked.nuclei > 0], 97) > 20  # brown nuclei
    assert np.median((red - blue)[marked.nuclei > 0]) < 0  # among blue ones


def test_smears_name_their_cells() -> None:
    settings = SmearSettings(shape=(400, 400), red_diameter_px=40, white=0.15)
    field = render_smear(settings, np.random.default_rng(0))
    assert set(field.table.kind) == {"red", "white", "platelet"}
    whole = field.table[~field.table.cut_by_border]
    area = whole.groupby("kind").area_px.median()
    assert area["white"] > area["red"] > area["platelet"]
    with_nucleus = set(np.unique(field.nuclei)) - {0}
    assert with_nucleus <= set(field.table.index[field.table.kind == "white"])
