"""Ground ranks low, be it dark or bright; what fires in it has little detail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lexicon.analysis.detail import detail_of_features, detail_ranks
from napari_lexicon.analysis.first_feature import MOST
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.report.frequent import frequent_rows
from napari_lexicon.analysis.well_table import well_table
from napari_lexicon.lexicons import Lexicon


@pytest.mark.parametrize("ground", [0.0, 200.0])
def test_ground_ranks_below_what_is_on_it(ground: float):
    image = np.full((2, 64, 64), ground)
    image[1, :32] += np.random.default_rng(0).normal(0, 9, (32, 64))
    ranks = detail_ranks(image, 16)
    assert ranks.shape == (2, 4, 4)
    assert ranks[1, :2].min() > ranks[1, 2:].max()
    assert ranks.max() == 1


def test_a_feature_has_the_detail_of_the_patches_in_which_it_fires(applied: Path):
    lexicon = Lexicon.open(applied)
    plate = next(iter(lexicon.plates.values()))
    patch = lexicon.backbone.patch
    codes = plate.codes(0)
    feature = int(np.bincount(codes.indices[codes.values > 0]).argmax())
    rng = np.random.default_rng(0)

    def seen(inside: bool) -> float:
        def read(number: int) -> np.ndarray:
            field, codes = plate.fields[number], plate.codes(number)
            fires = ((codes.indices == feature) & (codes.values > 0)).any(axis=-1)
            loud = np.kron(fires == inside, np.ones((patch, patch)))[:, : field.shape[0], : field.shape[1]]
            return np.asarray(rng.normal(0, 1, loud.shape) * (1 + 9 * loud))

        return float(detail_of_features(lexicon, plate, 2.0, read).by_code[feature])

    assert seen(inside=True) > 0.6
    assert seen(inside=False) < 0.4


def test_where_nothing_was_compared_a_report_shows_ground_and_floods_last(
    applied: Path, monkeypatch: pytest.MonkeyPatch
):
    lexicon = Lexicon.open(applied)
    table = well_table(plate_statistics(lexicon))
    fires, features = table.fires.mean(axis=0), table.features["feature"].to_numpy()
    plain = frequent_rows(table, None)
    best = plain[0]
    assert fires[best] == fires[fires <= MOST].max()
    detail = np.where(np.arange(features.max() + 1) == features[best], 0.2, 0.8)
    monkeypatch.setattr("napari_lexicon.analysis.report.frequent._detail", lambda lexicon: detail)
    ordered = frequent_rows(table, lexicon)
    few = ordered[: int((fires <= MOST).sum())]
    assert (fires[few] <= MOST).all()
    assert features[few[-1]] == features[best]
