"""Tables of features against the definitions worked out by hand and by scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from napari_lexicon.analysis.features import PlateStatistics, features_table, selectivity_table
from napari_lexicon.analysis.wells import well_values
from napari_lexicon.errors import PlateMapError
from napari_lexicon.lexicons import WellStatistics
from napari_lexicon.lexicons.statistics import field_statistics

WELLS = ("A01", "A02", "A03", "A04", "B01")
M = 6


def plate(seed: int = 0, plate_map: pd.DataFrame | None = None) -> tuple[PlateStatistics, dict[str, np.ndarray]]:
    """A plate of five wells with two channels, and its dense codes ``(C, tokens, M)`` by well; B01 has no field."""
    rng = np.random.default_rng(seed)
    statistics = WellStatistics.empty(WELLS, 2, M)
    dense = {}
    for w, well in enumerate(WELLS[:4]):
        indices = np.stack([rng.permutation(M)[:2] for _ in range(2 * 30)]).reshape(2, 5, 6, 2)
        values = rng.uniform(-0.2, 1, indices.shape).astype(np.float32)
        statistics.add(w, w, (0, 1), field_statistics(indices, values, M))
        dense[well] = np.zeros((2, 30, M))
        np.put_along_axis(dense[well], indices.reshape(2, 30, 2), values.reshape(2, 30, 2), axis=2)
    if plate_map is None:
        plate_map = pd.DataFrame(
            {"Metadata_gene": ["x", "x", "y", "z", "z"], "Metadata_dose": [1.0, 2.0, 3.0, 5.0, 9.0]}, index=list(WELLS)
        )
    return PlateStatistics("p", statistics, plate_map, ("DNA", "Actin")), dense


def test_rows_say_how_often_how_strongly_and_where() -> None:
    one, dense = plate()
    table = features_table([one])
    tokens = np.concatenate([codes.reshape(-1, M) for codes in dense.values()])
    np.testing.assert_allclose(table["fires"], (tokens > 0).mean(axis=0))
    np.testing.assert_allclose(table["mean"], tokens.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(table["strongest"], tokens.max(axis=0))
    means = pd.DataFrame({well: codes.mean(axis=(0, 1)) for well, codes in dense.items()})
    assert table["well"].tolist() == means.idxmax(axis=1).tolist()
    in_actin = np.stack([(codes[1] > 0).sum(axis=0) for codes in dense.values()]).sum(axis=0)
    share = in_actin / (tokens > 0).sum(axis=0)
    assert table["channel"].tolist() == ["Actin" if s > 0.5 else "DNA" for s in share]
    np.testing.assert_allclose(table["channel_share"], np.maximum(share, 1 - share))
    assert table["wells"].tolist() == [4] * M


def test_selectivity_is_that_of_the_paper() -> None:
    one, dense = plate()
    table = selectivity_table([one], "gene")
    fires = {well: (codes > 0).reshape(-1, M) for well, codes in dense.items()}
    for gene, inside in {"x": ["A01", "A02"], "y": ["A03"], "z": ["A04"]}.items():
        here = np.concatenate([fires[well] for well in inside]).mean(axis=0)
        others = np.concatenate([fires[well] for well in fires if well not in inside]).mean(axis=0)
        np.testing.assert_allclose(table[f"selectivity:{gene}"], here - others)
    assert (table["selectivity"] == table.filter(like="selectivity:").max(axis=1)).all()
    assert (table["n_wells"] == table["best_value"].map({"x": 2, "y": 1, "z": 1})).all()


def test_numbers_are_ranked_as_scipy_ranks_them() -> None:
    one, dense = plate()
    table = selectivity_table([one], "Metadata_dose")
    fractions = np.stack([(codes > 0).mean(axis=(0, 1)) for codes in dense.values()])
    expected = [spearmanr(fractions[:, m], [1.0, 2.0, 3.0, 5.0]).statistic for m in range(M)]
    np.testing.assert_allclose(table["spearman"], expected)
    assert table["n_wells"].unique().tolist() == [4]


def test_two_plates_are_taken_together() -> None:
    (a, dense_a), (b, dense_b) = plate(0), plate(1)
    table = features_table([a, b])
    tokens = np.concatenate([codes.reshape(-1, M) for dense in (dense_a, dense_b) for codes in dense.values()])
    np.testing.assert_allclose(table["fires"], (tokens > 0).mean(axis=0))


def test_well_values_of_one_channel() -> None:
    one, dense = plate()
    values = well_values(one.statistics, 2, "fraction_active", channel=1)
    np.testing.assert_allclose(values[:4], [(codes[1][:, 2] > 0).mean() for codes in dense.values()])
    assert np.isnan(values["B01"])


@pytest.mark.parametrize(
    ("column", "sentence"),
    [("moa", r"no column moa: it has Metadata_dose, Metadata_gene"), ("same", "fewer than two values")],
)
def test_columns_that_say_nothing_are_refused(column: str, sentence: str) -> None:
    one, _ = plate()
    frame = one.map.assign(Metadata_same="a") if column == "same" else one.map
    with pytest.raises(PlateMapError, match=sentence):
        selectivity_table([PlateStatistics("p", one.statistics, frame, one.channels)], column)
