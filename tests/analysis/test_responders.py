"""Responding cells: planted parts are found, wells are what is tested, and controls respond as rarely as said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.responders import OUTSIDE, composition, responders
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError

CONTROLS = "Metadata_x == 'DMSO'"
FEATURES = [(3, "DNA", "#3"), (7, "ER", "#7")]


def cells(table: WellTable, part: float, *, wells_differ: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """Eighty cells per well; ``part`` of those under the drug have more of feature 3."""
    rng = np.random.default_rng(seed)
    rows = []
    for _, well in table.wells.iterrows():
        values = rng.standard_normal((80, 2)) + wells_differ * rng.standard_normal(2)
        if well["Metadata_x"] == "drug":
            values[: round(80 * part), 0] += 5
        rows.append(pd.DataFrame(values, columns=["#3 DNA", "#7 ER"]).assign(plate=well["plate"], well=well["well"]))
    return pd.concat(rows)[["plate", "well", "#3 DNA", "#7 ER"]]


def test_a_planted_part_of_the_cells_responds() -> None:
    table = wells_of(["DMSO"] * 8 + ["drug"] * 6, features=2, plates=2)
    composed = composition(cells(table, 0.4), FEATURES, table, "x", CONTROLS)
    assert len(composed) == 28 and (composed["n_cells"] == 80).all()
    np.testing.assert_allclose(composed["responders"] + composed["control_like"], 1)
    found = responders(composed).set_index("feature")
    assert found.loc[3, "change"] == "rises"
    assert found.loc[3, "responders"] == pytest.approx(0.4 + 0.6 * OUTSIDE / 2, abs=0.03)
    assert found.loc[3, "above"] > 0.38 and found.loc[3, "below"] < 0.05
    assert found.loc[3, "control"] == pytest.approx(OUTSIDE / 2, abs=0.02)
    assert found.loc[3, "q"] < 1e-3 < 0.05 < found.loc[7, "p"]
    assert found.loc[3, ["n_cells", "n_wells", "n_controls"]].tolist() == [480, 6, 8]


@pytest.mark.parametrize("floor", [-np.inf, 0.0])
def test_a_feature_that_falls_is_found_and_said_to_fall(floor: float) -> None:
    """With a floor, as codes have: a third of the control cells has none of it, so that nothing lies below them."""
    table = wells_of(["DMSO"] * 8 + ["drug"] * 6, features=2, plates=2)
    fallen = cells(table, 0)
    drug = fallen.merge(table.wells[["plate", "well", "Metadata_x"]], on=["plate", "well"])["Metadata_x"] == "drug"
    values = fallen["#3 DNA"].to_numpy() + 0.5
    values[drug] -= 4
    fallen["#3 DNA"] = values.clip(min=floor)
    composed = composition(fallen, FEATURES, table, "x", CONTROLS)
    np.testing.assert_allclose(composed["responders"] + composed["control_like"], 1)
    found = responders(composed).set_index("feature")
    assert found.loc[3, "change"] == "falls"
    assert found.loc[3, "q"] < 1e-3 and found.loc[3, "responders"] > 0.9 and found.loc[3, "difference"] > 0.5
    assert (found.loc[3, "none"] > 0.9) == np.isfinite(floor)
    assert 0 <= found.loc[3, "control_like"] < 0.1
    assert found.loc[7, "p"] > 0.05


@pytest.mark.parametrize("floor", [-np.inf, 0.0])
def test_wells_that_differ_among_themselves_are_no_responders(floor: float) -> None:
    """Every well has its own level: thousands of cells say so, and it is no effect of the drug."""
    p = []
    for seed in range(60):
        table = wells_of(["DMSO"] * 6 + ["drug"] * 4, features=2, seed=seed)
        one = cells(table, 0, wells_differ=1, seed=seed)
        one[["#3 DNA", "#7 ER"]] = one[["#3 DNA", "#7 ER"]].clip(lower=floor)
        p += responders(composition(one, FEATURES, table, "x", CONTROLS), permutations=2)["p"].tolist()
    assert (np.array(p) < 0.05).mean() < 0.08


def test_a_plate_without_control_cells_is_left_out() -> None:
    table = wells_of(["DMSO", "DMSO", "DMSO", "drug"] * 3, features=2, plates=2)
    other = table.wells["plate"] == "plate1"
    table.wells.loc[other, "Metadata_x"] = "drug"
    composed = composition(cells(table, 0.5), FEATURES, table, "x", CONTROLS)
    assert composed["plate"].unique().tolist() == ["plate0"]
    table.wells["Metadata_x"] = "drug"
    with pytest.raises(PlateMapError, match="control wells"):
        composition(cells(table, 0.5), FEATURES, table, "x", CONTROLS)
