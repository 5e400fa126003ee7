"""Every planted phenotype can be measured from the pixels, weakly at low strength and clearly at full strength."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import label, regionprops_table

from napari_lexicon.samples.field import CHANNELS, FieldSettings, RenderedField, render_field
from napari_lexicon.samples.optics import Optics
from napari_lexicon.samples.phenotypes import PHENOTYPES

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE = (448, 448)
DARK = Optics().offset + Optics().background


@cache
def rendered(phenotype: str, strength: float, seed: int = 5) -> RenderedField:
    """A field in which every cell responds, or none at strength 0."""
    settings = FieldSettings(
        shape=SHAPE, phenotype=phenotype, strength=strength, penetrance=1.0 if strength > 0 else 0.0
    )
    return render_field(settings, np.random.default_rng(seed))


def plane(field: RenderedField, channel: str) -> np.ndarray:
    return field.image[CHANNELS.index(channel)].astype(float) - DARK


def per_cell(values: np.ndarray, labels: np.ndarray, table_index: np.ndarray) -> np.ndarray:
    return np.asarray(ndimage.mean(values, labels, table_index))


def whole_cells(field: RenderedField) -> np.ndarray:
    table = field.table
    return table.index[~table.cut_by_border & (table.nucleus_area_px > 20)].to_numpy()


def dna_density(field: RenderedField) -> float:
    return float(np.median(per_cell(plane(field, "DNA"), field.nuclei, whole_cells(field))))


def nuclear_parts(field: RenderedField) -> float:
    """Separate or waisted nuclei per cell: maxima of the smoothed nuclear mask."""
    parts = []
    boxes = ndimage.find_objects(field.nuclei)
    for number in whole_cells(field):
        distance = ndimage.distance_transform_edt(np.pad(field.nuclei[boxes[number - 1]] == number, 5))
        peaks = (ndimage.maximum_filter(distance, 9) == distance) & (distance > 2.5)
        parts.append(label(peaks, return_num=True)[1])
    return float(np.mean(parts))


def nuclear_area(field: RenderedField) -> float:
    return float(np.median(field.table.loc[whole_cells(field)].nucleus_area_px))


def cell_area(field: RenderedField) -> float:
    return float(np.median(field.table.loc[whole_cells(field)].area_px))


def roundness(field: RenderedField) -> float:
    shape = regionprops_table(field.cells, properties=("label", "solidity", "eccentricity"))
    keep = np.isin(shape["label"], whole_cells(field))
    return float(np.median((shape["solidity"] - shape["eccentricity"])[keep]))


def filament_length(field: RenderedField) -> float:
    """Mean length of mitochondria: major axes of the pieces that stand out from their surroundings, by area."""
    mito = plane(field, "Mito")
    detail = ndimage.gaussian_filter(mito, 0.5) - ndimage.gaussian_filter(mito, 2.0)
    away = (field.cells > 0) & ~ndimage.binary_dilation(field.nuclei > 0, iterations=5)
    bright = (detail > 1.2 * detail[field.cells > 0].std()) & away
    shape = regionprops_table(label(bright, connectivity=2), properties=("area", "major_axis_length"))
    return float(np.average(shape["major_axis_length"], weights=shape["area"]))


def fibre_contrast(field: RenderedField) -> float:
    """Detail of actin in the lamellae, relative to the signal there."""
    actin = plane(field, "AGP")
    detail = actin - ndimage.gaussian_filter(actin, 2.0)
    lamella = (field.cells > 0) & ~ndimage.binary_dilation(field.nuclei > 0, iterations=12)
    lamella = ndimage.binary_erosion(lamella, iterations=3)
    return float(np.abs(detail[lamella]).mean() / actin[lamella].mean())


def golgi_compactness(field: RenderedField) -> float:
    """How far the brightest part of AGP in each cell is spread, relative to the cell's size; more is more scattered."""
    smooth = ndimage.gaussian_filter(plane(field, "AGP"), 1.0)
    spreads = []
    boxes = ndimage.find_objects(field.cells)
    for number in whole_cells(field):
        box = boxes[number - 1]
        rows, columns = np.nonzero((field.cells[box] == number) & (field.nuclei[box] == 0))
        value = smooth[box][rows, columns]
        bright = value > np.percentile(value, 94)
        spread = np.hypot(rows[bright].std(), columns[bright].std())
        spreads.append(spread / np.hypot(rows.std(), columns.std()))
    return float(np.median(spreads))


def nuclear_to_cytoplasmic(field: RenderedField) -> float:
    keep = whole_cells(field)
    marker = plane(field, "ER")
    ring = np.where(field.nuclei == 0, field.cells, 0)
    ring = np.where(ndimage.binary_dilation(field.nuclei > 0, iterations=6), ring, 0)
    return float(np.median(per_cell(marker, field.nuclei, keep) / per_cell(marker, ring, keep)))


MEASURES: dict[str, tuple[Callable[[RenderedField], float], float]] = {
    # measure, and the least ratio of treated to control at full strength
    "mitotic_arrest": (dna_density, 1.6),
    "multinucleation": (nuclear_parts, 1.8),
    "apoptosis": (dna_density, 1.3),
    "nuclear_shrinkage": (lambda field: 1 / nuclear_area(field), 1.6),
    "mito_fragmentation": (lambda field: 1 / filament_length(field), 1.5),
    "stress_fibres": (fibre_contrast, 1.4),
    "golgi_scatter": (golgi_compactness, 1.15),
    "translocation": (nuclear_to_cytoplasmic, 1.4),
}


def test_every_phenotype_has_a_measure() -> None:
    assert set(MEASURES) == set(PHENOTYPES)


@pytest.mark.parametrize("phenotype", PHENOTYPES)
def test_a_planted_phenotype_is_measured_and_grows_with_strength(phenotype: str) -> None:
    measure, least = MEASURES[phenotype]
    control, weak, full = (measure(rendered(phenotype, strength)) for strength in (0.0, 0.4, 1.0))
    assert full / control > least
    assert control * 0.97 < weak < full * 1.03


def test_arrested_cells_are_round_and_compact() -> None:
    control, arrested = rendered("mitotic_arrest", 0), rendered("mitotic_arrest", 1.0)
    assert roundness(arrested) > roundness(control) + 0.2
    assert nuclear_area(arrested) < 0.6 * nuclear_area(control)
    assert (arrested.table.cycle == "M").all()


def test_dying_cells_shrink() -> None:
    assert cell_area(rendered("apoptosis", 1.0)) < 0.6 * cell_area(rendered("apoptosis", 0.0))


@pytest.mark.parametrize("phenotype", ["mito_fragmentation", "golgi_scatter", "translocation"])
def test_organelle_phenotypes_leave_nuclei_alone(phenotype: str) -> None:
    control, treated = rendered(phenotype, 0.0), rendered(phenotype, 1.0)
    assert nuclear_area(treated) == pytest.approx(nuclear_area(control), rel=0.1)
    assert dna_density(treated) == pytest.approx(dna_density(control), rel=0.1)
