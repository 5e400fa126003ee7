"""No figure without its unit: every column of every answer, also of those that a tiny plate does not give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.activity import consistency
from napari_lexicon.analysis.associations import best_features, correlation_profiles
from napari_lexicon.analysis.corrected_probes import corrected_probes
from napari_lexicon.analysis.enrichment import treatment_enrichment
from napari_lexicon.analysis.matching import transferred_between
from napari_lexicon.analysis.questions import QUESTIONS
from napari_lexicon.analysis.units import ALONG, COUNTED, EVERYWHERE, NAME, OF_QUESTION, VALUE, units_of, units_sentence
from napari_lexicon.analysis.well_table import WellTable

CONTROLS = "Metadata_x == 'DMSO'"


@pytest.fixture(scope="module")
def table() -> WellTable:
    shift = np.zeros((48, 60))
    shift[24:, :20] = 2.0
    made = wells_of(
        ["DMSO"] * 24 + ["a1"] * 6 + ["a2"] * 6 + ["b1"] * 6 + ["b2"] * 6, features=60, plates=2, shift=shift
    )
    made.wells["Metadata_kind"] = made.wells["Metadata_x"].str[0]
    return made


def answers(table: WellTable) -> dict[str, pd.DataFrame]:
    measured = pd.DataFrame({"nuclei": table.fires[:, 7], "brightness:DNA": table.fires[:, 9]})
    return {
        "counts": best_features(table, measured),
        "meanings": correlation_profiles(table.fires, measured).assign(source="feature", n_rows=1),
        "corrections": corrected_probes(table, "x", "plate", controls=CONTROLS, repeats=1),
        "enrichment": treatment_enrichment(table, {"round": list(range(20))}, "x", controls=CONTROLS),
        "transfer": transferred_between(table, "x", "plate", controls=CONTROLS),
        "activity": consistency(table, "kind", "x", controls=CONTROLS),
    }


def test_answers_over_several_plates_have_units(table: WellTable) -> None:
    for question, found in answers(table).items():
        assert len(found), question
        units = units_of(question, map(str, found.columns))
        numbers = found.select_dtypes("number").columns
        assert not [name for name in numbers if units[name] == NAME], question
        assert "n_wells" in found or question == "meanings"


def test_a_column_that_nobody_described_is_an_error() -> None:
    for question in QUESTIONS:
        with pytest.raises(KeyError, match="sparkle"):
            units_of(question, ["feature", "sparkle"])


def test_cells_are_in_the_unit_of_the_reading() -> None:
    assert units_of("cells", ["#3 DNA"]) == {"#3 DNA": VALUE}
    assert units_of("cells", ["#3 DNA"], along=True) == {"#3 DNA": ALONG}
    assert units_sentence(units_of("effects", ["name", "treated", "control", "q"])) == (
        "treated, control: part of patches, 0 to 1; q: false-discovery rate, 0 to 1"
    )


def test_the_reference_has_the_unit_of_every_column() -> None:
    page = Path(__file__).parents[2].joinpath("docs/reference/answers.md").read_text(encoding="utf-8")
    assert set(OF_QUESTION) == set(QUESTIONS)
    for question, units in OF_QUESTION.items():
        own = page.split(f"### {question}\n", 1)[1].split("\n### ", 1)[0]
        for column, unit in units.items():
            assert f"| `{column}` | {unit} |" in own, (question, column)
    for column, unit in {**EVERYWHERE, **COUNTED}.items():
        assert f"| `{column}` | {unit} |" in page.split("\n### ", 1)[0], column
