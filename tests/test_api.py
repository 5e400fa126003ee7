"""The Python functions as somebody calls them in a notebook: what is mistyped gets one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import napari_lexicon as lexicon
from napari_lexicon.analysis.asked import Asked
from napari_lexicon.plates.model import Plate


@pytest.mark.parametrize(
    ("function", "arguments", "options", "sentence"),
    [
        (lexicon.ask, ("x.lexicon", "effects"), {"control": "all"}, "ask has no option control: did you mean controls"),
        (lexicon.ask, ("x.lexicon", "effects"), {"controls": ["A01"]}, r"question to the plate map.*not \['A01'\]"),
        (lexicon.train, ("x.lexicon", "d.safetensors"), {"feature": 32}, "did you mean features"),
        (lexicon.teach, ("x.lexicon", "t.lexicon", "x"), {"well": "A01"}, "did you mean wells"),
        (lexicon.teach, ("x.lexicon", "t.lexicon", "x"), {"wells": ["A01"]}, "question to the plate map"),
    ],
)
def test_a_mistyped_option_is_named_with_those_there_are(
    function: Any, arguments: tuple[str, ...], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(lexicon.LexiconError, match=sentence):
        function(*arguments, **options)


@pytest.mark.parametrize("features", [[3, 12], np.array([3, 12]), pd.Index([3, 12]), (3, np.int64(12))])
def test_features_are_asked_for_with_any_list_of_numbers(features: Any) -> None:
    assert Asked(features=features).features == (3, 12)
    assert Asked(features=np.int64(3)).features == (3,)


def test_what_is_no_number_of_a_feature_or_no_row_is_said() -> None:
    with pytest.raises(lexicon.LexiconError, match=r"named by their numbers.*not 'nuclei'"):
        Asked(features="nuclei")
    with pytest.raises(lexicon.LexiconError, match="per 'well' or per 'field', not 'cell'"):
        Asked(per="cell")


@pytest.mark.parametrize(
    ("feature", "options", "sentence"),
    [("12", {}, "named by its number"), (12, {"reading": "cosines"}, "'direction' or 'cosine', not 'cosines'")],
)
def test_an_overlay_is_not_painted_of_something_else(
    applied: Path, feature: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(lexicon.LexiconError, match=sentence):
        lexicon.overlay(applied, "A01", feature, **options)


@pytest.mark.parametrize(
    ("plates", "options", "sentence"),
    [
        ([], {}, "No plate is given"),
        (None, {}, "given by their paths, not as NoneType"),
        (Plate("plate.zarr", "P1", {}, ()), {}, "not as Plate: give the path"),
        (["plate.zarr"], {"plate_map": pd.DataFrame({"drug": ["x"]}, index=["A01"])}, "write the table to a CSV file"),
        ("plate.zarr", {"z": "mean"}, "z is 'max', 'all' or the number of a plane"),
    ],
)
@pytest.mark.parametrize("function", [lexicon.apply, lexicon.embed])
def test_what_is_no_path_of_a_plate_is_said_before_a_lexicon_is_made(
    function: Any, plates: Any, options: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(lexicon.LexiconError, match=sentence):
        function(plates, tmp_path / "x.lexicon", **options)
    assert not (tmp_path / "x.lexicon").exists()
