"""Features and dimensions beside measurements, of wells and of fields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_lexicon.analysis.field_table import field_table, measurements_of_fields
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.meanings import meanings, raw_means
from napari_lexicon.analysis.notes import notes_of
from napari_lexicon.analysis.well_table import well_table
from napari_lexicon.errors import PlateMapError
from napari_lexicon.lexicons import Lexicon


def test_fields_add_up_to_their_wells(applied: Path) -> None:
    lexicon = Lexicon.open(applied)
    wells, fields = well_table(plate_statistics(lexicon), lexicon.names), field_table(lexicon)
    assert len(fields) == len(lexicon.only_plate().fields)
    active = fields.fires * fields.tokens
    for n, well in enumerate(wells.wells["well"]):
        own = (fields.wells["well"] == well).to_numpy()
        np.testing.assert_allclose(active[own].sum(axis=0) / fields.tokens[own].sum(), wells.fires[n], rtol=1e-5)
    assert fields.wells["Metadata_perturbation"].tolist() == [
        lexicon.only_plate().map["Metadata_perturbation"][well] for well in fields.wells["well"]
    ]
    with pytest.raises(PlateMapError, match="one channel or all together"):
        field_table(lexicon, "each")


def test_raw_means_are_those_of_the_tokens(applied: Path) -> None:
    lexicon = Lexicon.open(applied)
    fields = field_table(lexicon)
    raw = raw_means(lexicon, fields)
    assert raw is not None and raw.shape == (len(fields), lexicon.backbone.dim)
    plate = lexicon.only_plate()
    for n in range(2):
        number = plate.field_number(fields.wells["well"][n], fields.wells["field"][n])
        tokens = plate.tokens(number)
        assert tokens is not None
        lit = tokens.tokens[tokens.lit].astype(np.float64)
        np.testing.assert_allclose(raw[n], lit.mean(axis=0), atol=0.05 * lit.std())


def test_a_measured_feature_is_about_it_and_dimensions_stand_beside(applied: Path) -> None:
    lexicon = Lexicon.open(applied)
    fields = field_table(lexicon)
    rng = np.random.default_rng(0)
    busy = int(np.argmax(fields.fires.std(axis=0)))
    measured = pd.DataFrame({"own": fields.fires[:, busy], "a": rng.random(len(fields)), "b": rng.random(len(fields))})
    found = meanings(lexicon, fields, measured)
    own = found[(found["source"] == "feature") & (found["feature"] == busy)].iloc[0]
    assert own["about"] == "own" and own["rho:own"] == pytest.approx(1)
    assert (found["source"] == "embedding dimension").sum() == lexicon.backbone.dim
    assert len(notes_of(found)) == 2 and "median entropy" in notes_of(found)[0]
    with pytest.raises(PlateMapError, match="two measurements"):
        meanings(lexicon, fields, measured[["own"]].assign(same=1.0))


def test_cells_of_labels_are_measured_in_place_of_nuclei(applied: Path) -> None:
    lexicon = Lexicon.open(applied)
    fields = field_table(lexicon)
    measured = measurements_of_fields(lexicon, fields)
    assert "nuclei" in measured and "brightness:DNA" in measured and len(measured) == len(fields)
