"""What was taught is the same in every seed, so finding it again is not told as reproducibility."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from safetensors.numpy import save_file

from napari_lexicon.analysis.lexicon_tables import stability_of


def test_stability_is_told_of_what_was_learnt_only(tmp_path: Path):
    header = {"lexicon": json.dumps({"taught": {"2": "bright spots"}})}
    save_file({"stability": np.array([0.9, 0.4, 1.0], np.float32)}, tmp_path / "dictionary.safetensors", header)
    found = stability_of(SimpleNamespace(path=tmp_path))  # type: ignore[arg-type]
    np.testing.assert_array_equal(found, np.array([0.9, 0.4, np.nan], np.float32))


def test_a_dictionary_of_one_seed_says_nothing(tmp_path: Path):
    save_file({"atoms": np.eye(3, dtype=np.float32)}, tmp_path / "dictionary.safetensors", {"lexicon": "{}"})
    assert stability_of(SimpleNamespace(path=tmp_path)) is None  # type: ignore[arg-type]
