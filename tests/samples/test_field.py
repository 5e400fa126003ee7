"""A rendered field is reproducible, and its truth is what the pixels show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lexicon.samples.cells import Crowd
from napari_lexicon.samples.field import CHANNELS, FieldSettings, RenderedField, render_field
from napari_lexicon.samples.markers import PAINTERS
from napari_lexicon.samples.optics import Optics

SETTINGS = FieldSettings(shape=(320, 400))


@pytest.fixture(scope="module")
def field() -> RenderedField:
    """An untreated field."""
    return render_field(SETTINGS, np.random.default_rng(3))


def test_the_same_seed_gives_the_same_field_to_the_bit(field: RenderedField) -> None:
    again = render_field(SETTINGS, np.random.default_rng(3))
    np.testing.assert_array_equal(field.image, again.image)
    np.testing.assert_array_equal(field.cells, again.cells)
    assert field.table.equals(again.table)
    other = render_field(SETTINGS, np.random.default_rng(4))
    assert not np.array_equal(field.image, other.image)


def test_shapes_and_types(field: RenderedField) -> None:
    assert field.image.shape == (len(CHANNELS), 320, 400)
    assert field.image.dtype == np.uint16
    assert field.cells.shape == field.nuclei.shape == (320, 400)
    assert field.cells.dtype == field.nuclei.dtype == np.int32


def test_labels_and_table_list_the_same_cells(field: RenderedField) -> None:
    assert list(field.table.index) == list(range(1, field.cells.max() + 1))
    assert set(np.unique(field.cells)) - {0} == set(field.table.index)
    assert set(np.unique(field.nuclei)) <= {0, *field.table.index}


def test_positions_boxes_and_areas_are_those_of_the_labels(field: RenderedField) -> None:
    for number, row in field.table.iterrows():
        rows, columns = np.nonzero(field.cells == number)
        assert (row.top, row.left) == (rows.min(), columns.min())
        assert (row.bottom, row.right) == (rows.max() + 1, columns.max() + 1)
        assert row.area_px == len(rows)
        assert (row.y_px, row.x_px) == pytest.approx((rows.mean(), columns.mean()), abs=1e-3)
        assert (row.y_um, row.x_um) == pytest.approx((row.y_px * 0.65, row.x_px * 0.65))
        assert row.cut_by_border == bool(
            rows.min() == 0 or columns.min() == 0 or rows.max() == 319 or columns.max() == 399
        )


def test_a_nucleus_lies_inside_its_cell(field: RenderedField) -> None:
    inside = field.nuclei > 0
    np.testing.assert_array_equal(field.nuclei[inside], field.cells[inside])


def test_nuclei_are_where_dna_is_bright(field: RenderedField) -> None:
    dna = field.image[0].astype(float)
    assert np.median(dna[field.nuclei > 0]) > 5 * np.median(dna[field.cells == 0])
    for number in field.table.index[(field.table.nucleus_area_px > 150) & ~field.table.cut_by_border]:
        rows, columns = np.nonzero(field.nuclei == number)
        weight = dna[rows, columns]
        # DNA is textured, so its centre of mass is near the label's and not on it.
        row = field.table.loc[number]
        assert np.average(rows, weights=weight) == pytest.approx(row.nucleus_y_px, abs=2.5)
        assert np.average(columns, weights=weight) == pytest.approx(row.nucleus_x_px, abs=2.5)


def test_every_stain_lies_in_cells(field: RenderedField) -> None:
    ground = field.cells == 0
    dark = SETTINGS.optics.offset + SETTINGS.optics.background
    for plane, name in zip(field.image.astype(float), CHANNELS, strict=True):
        assert plane[~ground].mean() - dark > 4 * (np.median(plane[ground]) - dark), name


def test_treatment_blur_and_noise_leave_the_cells_where_they_are(field: RenderedField) -> None:
    blurred = render_field(replace(SETTINGS, optics=Optics(blur_px=3, read_noise=40)), np.random.default_rng(3))
    np.testing.assert_array_equal(field.cells, blurred.cells)
    treated = replace(SETTINGS, phenotype="mito_fragmentation", penetrance=0.0)
    untouched = render_field(treated, np.random.default_rng(3))
    np.testing.assert_array_equal(field.image, untouched.image)


def test_penetrance_is_the_part_of_cells_that_respond() -> None:
    settings = replace(SETTINGS, shape=(768, 768), phenotype="golgi_scatter", strength=0.5, penetrance=0.4)
    table = render_field(settings, np.random.default_rng(0)).table
    responds = table.phenotype == "golgi_scatter"
    assert responds.mean() == pytest.approx(0.4, abs=0.12)
    assert table.strength[responds].mean() == pytest.approx(0.5, abs=0.05)
    assert (table.strength[~responds] == 0).all()
    assert (table.phenotype[~responds] == "none").all()


def test_noise_follows_photon_statistics() -> None:
    flat = Optics(blur_px=0.85, vignette=0, background=4000, dust=0)
    empty = FieldSettings(
        shape=(256, 256), channels=("DNA",), crowd=Crowd(confluence=1e-6, cell_diameter_px=40), optics=flat
    )
    plane = render_field(empty, np.random.default_rng(1)).image[0].astype(float)[:128, :128]
    kernel = (plane[1:, 1:] - plane[1:, :-1] - plane[:-1, 1:] + plane[:-1, :-1]) / 2
    expected = np.sqrt((plane.mean() - flat.offset) / flat.photons_per_grey + flat.read_noise**2)
    assert kernel.std() == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_bit_depth_bounds_the_grey_values(bits: int) -> None:
    settings = FieldSettings(shape=(128, 128), optics=Optics(bit_depth=bits))
    image = render_field(settings, np.random.default_rng(0)).image
    assert image.max() < 2**bits
    assert image.max() > 2**bits / 16


@pytest.mark.parametrize("diameter", [8, 20, 120])
def test_cells_have_the_diameter_that_was_asked_for(diameter: int) -> None:
    crowd = Crowd(cell_diameter_px=diameter, confluence=0.3, unevenness=0.0, mitotic=0, dead=0)
    table = render_field(FieldSettings(shape=(512, 512), crowd=crowd), np.random.default_rng(2)).table
    whole = table[~table.cut_by_border]
    assert np.sqrt(whole.area_px.median() * 4 / np.pi) == pytest.approx(diameter, rel=0.25)


def test_every_marker_can_be_a_channel_and_looks_its_own_way() -> None:
    settings = FieldSettings(shape=(160, 160), channels=tuple(PAINTERS), reporter_in=None)
    image = render_field(settings, np.random.default_rng(0)).image.astype(float)
    similarity = np.corrcoef(image.reshape(len(image), -1)) - np.eye(len(image))
    assert similarity.max() < 0.985


def test_a_field_without_cells_is_a_field() -> None:
    bare = FieldSettings(shape=(64, 64), crowd=Crowd(confluence=1e-9))
    seeds = (render_field(bare, np.random.default_rng(seed)) for seed in range(3))
    assert any(len(field.table) == 0 for field in seeds)
