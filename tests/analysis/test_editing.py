"""Editing features: exact in token space, nothing without an edit, and on pixels checked by embedding again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lexicon.analysis.edited_places import drawn_places, edited_features
from napari_lexicon.analysis.editing import SIDE, Editor
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon


@pytest.fixture(scope="module")
def lexicon(applied: Path) -> Lexicon:
    return Lexicon.open(applied)


@pytest.fixture(scope="module")
def editor(lexicon: Lexicon) -> Editor:
    return Editor.of(lexicon)


@pytest.fixture(scope="module")
def tiles(lexicon: Lexicon) -> np.ndarray:
    rng = np.random.default_rng(0)
    side = SIDE * lexicon.backbone.patch
    return rng.random((3, side, side)).astype(np.float32)


def test_a_token_moves_along_one_atom_by_the_amount_asked(editor: Editor, tiles: np.ndarray) -> None:
    tokens = editor.tokens(tiles)
    moved = editor.edited_tokens(tokens, np.array([3, 3, 7]), np.array([0.2, -0.1, 0.4]))
    middle = SIDE // 2
    rest = torch.ones(SIDE, SIDE, dtype=torch.bool)
    rest[middle, middle] = False
    assert torch.equal(moved[:, rest], tokens[:, rest])
    before, norms = editor.dictionary.prepared(tokens[:, middle, middle])
    after = editor.dictionary.whitening.whiten(moved[:, middle, middle]) / norms[:, None]
    expected = torch.tensor([0.2, -0.1, 0.4])[:, None] * editor.dictionary.atoms[[3, 3, 7]]
    torch.testing.assert_close(after - before, expected, atol=2e-4, rtol=1e-3)


def test_nothing_asked_is_nothing_drawn(editor: Editor, tiles: np.ndarray) -> None:
    feature, start = np.array([0, 1, 2]), editor.original(tiles)
    same = editor.edit(start, feature, start.codes[np.arange(3), feature])
    np.testing.assert_allclose(same.pictures, tiles, atol=1e-5)
    np.testing.assert_allclose(same.after, same.before, atol=1e-3)
    assert np.abs(same.along).max() < 1e-4


def test_pixels_change_where_the_patch_is(editor: Editor, tiles: np.ndarray) -> None:
    start = editor.original(tiles)
    done = editor.edit(start, np.array([5, 5, 5]), start.codes[:, 5] + 0.5)
    patch = editor.backbone.spec.patch
    change = np.abs(done.pictures - tiles).reshape(3, SIDE, patch, SIDE, patch).mean(axis=(0, 2, 4))
    middle = SIDE // 2
    assert change[middle, middle] == change.max()
    assert change[0].max() < 0.05 * change.max()


def test_every_edit_of_a_feature_has_a_row_with_its_wells(lexicon: Lexicon) -> None:
    fires = lexicon.only_plate().statistics().active.sum(axis=(0, 1))
    feature = int(fires.argmax())
    table = edited_features(lexicon, [feature], each=2)
    assert table["edit"].tolist() == ["remove", "halve", "double", "add"]
    assert (table["n_patches"] == 2).all() and table["n_wells"].between(1, 2).all()
    removed, added = table.iloc[0], table.iloc[3]
    assert removed["asked"] == 0 and removed["before"] > 0
    assert added["asked"] > added["before"]
    for _, row in table.iterrows():
        assert row["moved_low"] <= row["moved"] <= row["moved_high"]
    with pytest.raises(LexiconError, match="There is no feature 9999"):
        edited_features(lexicon, [9999])


def test_places_hold_what_they_say(lexicon: Lexicon, editor: Editor) -> None:
    feature = int(lexicon.only_plate().statistics().active.sum(axis=(0, 1)).argmax())
    firing, silent = drawn_places(lexicon, [feature], each=3)
    assert all(place.value > 0 for place in firing) and all(place.value == 0 for place in silent)
    found = editor.codes(editor.tokens(np.stack([place.tile for place in firing])))[:, feature]
    # a tile around the patch is not the tile of the field: values are near, not equal
    assert np.corrcoef(found, [place.value for place in firing])[0, 1] > 0.5 or len(firing) < 3
    assert (found > 0).mean() > 0.5
