"""Brightness, sharpness and nuclei follow what was done to a picture; controls on the rim are said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from napari_lexicon.analysis.corrections import control_places
from napari_lexicon.analysis.measurements import WellMeasurements, field_measurements, of_channel
from napari_lexicon.analysis.reading import OpenedPlates, ReadField
from napari_lexicon.lexicons import Lexicon


@pytest.fixture(scope="module")
def field(applied: Path) -> ReadField:
    return OpenedPlates().field(Lexicon.open(applied).only_plate(), 0)


def nuclei(n: int, shape: tuple[int, int]) -> np.ndarray:
    """Discs of the size of nuclei on a grid with room between them."""
    places = [(y, x) for y in range(20, shape[0], 40) for x in range(20, shape[1], 40)][:n]
    y, x = np.ogrid[: shape[0], : shape[1]]
    return sum(((y - a) ** 2 + (x - b) ** 2 < 11**2).astype(np.float32) for a, b in places)  # type: ignore[return-value]


def test_measurements_follow_light_focus_and_counts(field: ReadField) -> None:
    rng = np.random.default_rng(0)
    planes = field.windowed + 0.02 * rng.standard_normal(field.windowed.shape).astype(np.float32)
    plain = field_measurements(field, planes)
    assert plain["brightness:DNA"] == pytest.approx(planes[0].mean(), rel=1e-5)
    brighter = field_measurements(field, 2 * planes)
    assert brighter["brightness:Actin"] == pytest.approx(2 * plain["brightness:Actin"], rel=1e-5)
    assert brighter["sharpness:Actin"] == pytest.approx(plain["sharpness:Actin"], abs=1e-3)
    blurred = field_measurements(field, np.stack([ndimage.gaussian_filter(plane, 2) for plane in planes]))
    assert blurred["sharpness:DNA"] < plain["sharpness:DNA"] - 1
    for n in (2, 5):
        drawn = np.stack([nuclei(n, planes.shape[1:])] * 2)
        assert field_measurements(field, drawn)["nuclei"] == n


def test_wells_are_means_of_fields_and_unmeasured_wells_are_unknown(field: ReadField) -> None:
    wells = WellMeasurements()
    wells.add(field, {"brightness:DNA": 1.0, "sharpness:DNA": 0.0, "brightness:Actin": 5.0, "nuclei": 10.0})
    wells.add(field, {"brightness:DNA": 3.0, "sharpness:DNA": 0.0, "brightness:Actin": 5.0, "nuclei": 20.0})
    name = field.plate.header.name
    table = wells.table(pd.DataFrame({"plate": [name, name], "well": [field.header.well, "H12"]}))
    assert table.loc[0, "brightness:DNA"] == 2.0 and table.loc[1].isna().all()
    own = of_channel(table, "DNA")
    assert own.loc[0].to_dict() == {"brightness": 2.0, "sharpness": 0.0, "nuclei": 15.0}
    assert of_channel(table, "all").loc[0, "brightness"] == 3.5


def test_controls_on_the_rim_are_said_and_scattered_ones_are_not() -> None:
    rows, columns = np.divmod(np.arange(96), 12)
    edge = (rows == 0) | (rows == 7) | (columns == 0) | (columns == 11)
    wells = pd.DataFrame({"edge": edge, "column": columns})
    (said,) = control_places(wells, columns == 0)
    assert "8 of 8 control wells lie on the rim" in said
    scattered = np.random.default_rng(0).permutation(96) < 16
    assert control_places(wells, scattered) == []
    assert control_places(wells, np.zeros(96, dtype=bool)) == []
