"""Editing features: exact in token space, nothing without an edit, and on pixels checked by embedding again."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from napari_lexicon.analysis.edit_pictures import CELL, edit_pictures, edit_sheet
from napari_lexicon.analysis.edited_places import EDITS, drawn_places, edited_features
from napari_lexicon.analysis.editing import SIDE, Editor
from napari_lexicon.analysis.shown_edits import ShownEdit, outcomes_sentence
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
    made = edited_features(lexicon, [feature], each=2)
    table = made.table
    assert table["edit"].tolist() == ["remove", "halve", "double", "add"]
    assert (table["n_patches"] == 2).all() and table["n_wells"].between(1, 2).all()
    removed, added = table.iloc[0], table.iloc[3]
    assert removed["asked"] == 0 and removed["before"] > 0
    assert added["asked"] > added["before"]
    for _, row in table.iterrows():
        assert row["moved_low"] <= row["moved"] <= row["moved_high"]
        assert 0 <= row["arrived"] <= 1
    with pytest.raises(LexiconError, match="There is no feature 9999"):
        edited_features(lexicon, [9999])


def test_every_edit_is_shown_beside_its_original_with_what_is_read_of_it(lexicon: Lexicon, editor: Editor) -> None:
    features = np.argsort(-lexicon.only_plate().statistics().active.sum(axis=(0, 1)))[:2].tolist()
    shown = edited_features(lexicon, features).shown
    assert {(one.feature, one.edit) for one in shown} == {(f, e) for f in features for e in EDITS}
    for one in shown:
        assert (one.before == 0) == (one.edit == "add")
        read = [editor.codes(editor.tokens(tile[None]))[0] for tile in (one.original, one.edited)]
        assert [codes[one.feature] for codes in read] == pytest.approx([one.before, one.after], abs=1e-3)
        assert one.moved == pytest.approx((one.after - one.before) / (one.asked - one.before))
        rest = np.delete(read[1] - read[0], one.feature)
        assert one.others == pytest.approx(np.linalg.norm(rest) / abs(one.asked - one.before), rel=0.02, abs=0.02)


@pytest.mark.parametrize(
    ("edit", "before", "asked", "after", "others", "mark", "words"),
    [
        ("remove", 0.4, 0.0, 0.0, 0.3, "arrived", "It arrived, and little else moved."),
        ("remove", 0.4, 0.0, 0.04, 2.1, "arrived, not alone", "moved 0.90 of the way; other features moved 2.1 times"),
        ("halve", 0.4, 0.2, 0.0, 0.1, "did not arrive", "do not read this picture"),  # twice as far as asked
        ("add", 0.0, 0.3, 0.0, 0.5, "did not arrive", "0.00 to 0.00, asked 0.30; moved 0.00 of the way"),
    ],
)
def test_an_edit_that_does_not_arrive_says_so_on_its_picture(
    edit: str, before: float, asked: float, after: float, others: float, mark: str, words: str
) -> None:
    tile = np.full((176, 176), 0.25, np.float32)
    one = ShownEdit(5, edit, "DNA", "A01", before, asked, after, others, tile, tile)
    assert one.mark == mark and words in one.check
    original, edited, change = edit_pictures(one, 16)
    assert np.ptp(original) < 0.01  # the original bears no mark
    band = edited[-20:, :6].reshape(-1, 3).mean(axis=0)
    assert np.argmax(band) == (1 if mark == "arrived" else 0) and np.ptp(band) > 0.2
    assert np.abs(edited[:150] - original[:150]).max() < 0.01 and change.max() < 0.05


def test_a_sheet_has_a_place_for_every_edit_and_says_where_there_is_none() -> None:
    tile = np.full((176, 176), 0.25, np.float32)
    shown = [ShownEdit(f, "remove", "DNA", "A01", 0.4, 0.0, 0.0, 2.0, tile, tile) for f in (5, 3)]
    sheet = np.asarray(Image.open(io.BytesIO(edit_sheet(shown, {5: "bright", 3: "#3"}, 16))))
    assert sheet.shape == (2 * CELL[1], 4 * CELL[0], 3)
    cells = sheet.reshape(2, CELL[1], 4, CELL[0], 3).transpose(0, 2, 1, 3, 4)
    assert all(cells[row, column].std() > 2 for row in range(2) for column in range(4))
    assert (cells[0, 1] != cells[0, 2]).any()  # which edit has no picture is said
    assert outcomes_sentence(shown) == "Pictures that arrived: removed 2 of 2 (0 alone)."


def test_places_hold_what_they_say(lexicon: Lexicon, editor: Editor) -> None:
    feature = int(lexicon.only_plate().statistics().active.sum(axis=(0, 1)).argmax())
    firing, silent = drawn_places(lexicon, [feature], each=3)
    assert all(place.value > 0 for place in firing) and all(place.value == 0 for place in silent)
    found = editor.codes(editor.tokens(np.stack([place.tile for place in firing])))[:, feature]
    # a tile around the patch is not the tile of the field: values are near, not equal
    assert np.corrcoef(found, [place.value for place in firing])[0, 1] > 0.5 or len(firing) < 3
    assert (found > 0).mean() > 0.5
