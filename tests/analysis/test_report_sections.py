"""Sections of the report that the tiny plate cannot fill, from tables as their questions give them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tests.analysis.wells import wells_of
from tests.cli.test_report import Page

from napari_lexicon.analysis.associations import best_features, correlation_profiles
from napari_lexicon.analysis.corrected_probes import corrected_probes
from napari_lexicon.analysis.enrichment import treatment_enrichment
from napari_lexicon.analysis.matching import transferred_between
from napari_lexicon.analysis.report import Findings, ReportSettings, gathered
from napari_lexicon.analysis.report.beside import Beside
from napari_lexicon.analysis.report.cards import stain_words
from napari_lexicon.analysis.report.evidence import named
from napari_lexicon.analysis.report.head import summary_sentences
from napari_lexicon.analysis.report.methods import methods
from napari_lexicon.analysis.report.numbers import counts, enriched, probes, transfer
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.names import FeatureName

CONTROLS = "Metadata_x == 'DMSO'"


@pytest.fixture(scope="module")
def found(applied: Path) -> Findings:
    """Findings of the tiny lexicon with the tables of two simulated plates beside."""
    shift = np.zeros((40, 60))
    shift[20:, :20] = 2.0
    table = wells_of(["DMSO"] * 20 + ["dr<u>g"] * 20, features=60, plates=2, shift=shift)
    measured = pd.DataFrame({"nuclei": table.fires[:, 7], "brightness:DNA": table.fires[:, 9]})
    profiles = correlation_profiles(table.fires, measured).assign(source="feature")
    more = Beside(
        corrections=corrected_probes(table, "x", "plate", controls=CONTROLS, repeats=1),
        counts=best_features(table, measured, permutations=20),
        meanings=profiles,
        transfer=transferred_between(table, "x", controls=CONTROLS),
        enrichment=treatment_enrichment(table, {"tag: a&b": np.arange(9)}, "x", controls=CONTROLS, shuffles=50),
    )
    plain = gathered(Lexicon.open(applied), ReportSettings(pixels=False))
    return replace(plain, beside=replace(more, probes=plain.beside.probes))


def test_counts_say_what_chance_does_and_how_single_minded_features_are(found: Findings) -> None:
    page = Page(counts(found))
    assert "brightness of DNA" in page.text and "nuclei" in page.text
    assert "median entropy" in page.text and page.of("a")[0]["download"] == "meanings.csv"


def test_plates_are_set_against_each_other_and_corrections_before_and_after(found: Findings) -> None:
    page = Page(transfer(found))
    assert "plate0 → plate1" in page.text and "dr<u>g" in page.text  # as text, no tag
    assert not page.of("u")
    told = Page(probes(found))
    assert "features flagged for it" in told.text
    assert "Harmony" in told.text and "typical-variation normalisation" in told.text and "as it is" in told.text


def test_a_stain_is_followed_only_where_the_correlation_says_so() -> None:
    stains = pd.DataFrame(
        {"feature": [1, 1, 2], "channel": "RNA", "stain": ["DNA", "RNA", "DNA"], "r": [0.02, -0.03, -0.4]}
    )
    found = SimpleNamespace(stains=stains)
    said = [stain_words(found, SimpleNamespace(feature=feature, channel="RNA")) for feature in (1, 2, 3)]
    assert said == ["follows no stain (r up to 0.03)", "avoids DNA (r −0.40)", ""]


def test_names_that_came_with_the_dictionary_are_folded_below_those_that_people_gave(
    applied: Path, tmp_path: Path
) -> None:
    lexicon = Lexicon.open(shutil.copytree(applied, tmp_path / "named.lexicon"))
    lexicon.names.put(
        {3: FeatureName(name="cell?", by="napari-lexicon 0.1.0"), 5: FeatureName(name="my own", by="Ada")}
    )
    body = named(gathered(lexicon, ReportSettings(pixels=False)))
    Page(body)  # every tag is closed
    assert body.index("my own") < body.index("<summary>1 name that came with the dictionary") < body.index("cell?")


def test_names_among_called_features_are_a_table(found: Findings) -> None:
    page = Page(enriched(found))
    assert "tag: a&b" in page.text and "9 of 9" in page.text


def test_methods_speak_of_everything_that_was_asked(found: Findings) -> None:
    text = " ".join(methods(found))
    for words in (
        "Probes: logistic",
        "Corrections, fitted",
        "Counts: Spearman",
        "Entropy:",
        "Plate to plate",
        "Names: called",
    ):
        assert words in text
    assert "scikit-learn" in text


def test_nothing_found_is_said_in_plain_words(found: Findings) -> None:
    assert found.effects is not None
    silent = replace(found, effects=found.effects.assign(q=1.0))
    assert summary_sentences(silent)[0].startswith("No treatment looks different from controls")
