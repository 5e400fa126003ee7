"""Maps and lists of features against the codes they come from."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lexicon.analysis.maps import activation_map, channel_maps, features_at, likeness_map
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import FieldCodes

# two channels (0 and 3 of the plate), one row of two patches, three picks; feature 5 stands twice in the first token
CODES = FieldCodes(
    np.array([[[[5, 2, 5], [1, 2, 3]]], [[[2, 5, 0], [4, 4, 9]]]], dtype=np.uint16),
    np.array([[[[0.5, 0.25, 0.25], [1.0, -0.5, 0.0]]], [[[2.0, 0.5, 0.0], [1.0, 1.0, 0.25]]]], dtype=np.float16),
    (0, 3),
)


def test_values_of_a_feature_that_stands_twice_add_up() -> None:
    np.testing.assert_array_equal(activation_map(CODES, 5, 0), [[0.75, 0.0]])


def test_fewer_picks_show_the_shorter_pursuit() -> None:
    np.testing.assert_array_equal(activation_map(CODES, 5, 0, picks=2), [[0.5, 0.0]])


def test_without_a_channel_the_strongest_one_shows() -> None:
    np.testing.assert_array_equal(activation_map(CODES, 2), [[2.0, 0.0]])
    assert {c: m.tolist() for c, m in channel_maps(CODES, 2).items()} == {0: [[0.25, 0.0]], 3: [[2.0, 0.0]]}


def test_a_channel_that_the_field_lacks_is_dark() -> None:
    np.testing.assert_array_equal(activation_map(CODES, 2, 1), [[0.0, 0.0]])


def test_a_channel_by_its_name_or_a_place_outside_is_refused_and_not_answered_for_another() -> None:
    with pytest.raises(LexiconError, match="is a number, not 'DNA'"):
        activation_map(CODES, 2, "DNA")
    with pytest.raises(IndexError, match="outside the grid"):
        features_at(CODES, 0, -1)


def test_features_under_the_cursor_are_ranked_with_their_channels() -> None:
    found = features_at(CODES, 0, 0)
    assert found.to_numpy().tolist() == [[2, 3, 2.0], [5, 0, 0.75], [5, 3, 0.5], [2, 0, 0.25]]
    assert features_at(CODES, 0, 1).to_numpy().tolist() == [[4, 3, 2.0], [1, 0, 1.0], [9, 3, 0.25]]


def test_likeness_is_0_halfway_and_1_where_what_has_it_lies() -> None:
    tokens = np.zeros((2, 1, 4, 2), np.float16)
    tokens[0, 0, :, 0] = [3.0, 1.0, 2.0, 0.0]  # the last patch is dark
    tokens[0, 0, :3, 1] = 5.0
    tokens[1, 0, :, 0] = [-4.0, 6.0, 0.5, 0.0]
    direction = np.array([1.0, 0.0])
    of_one = likeness_map(tokens, (0, 3), direction, (3.0, -1.0), 0)
    np.testing.assert_allclose(of_one, [[1.0, 0.0, 0.5, 0.0]])
    np.testing.assert_allclose(likeness_map(tokens, (0, 3), direction, (3.0, -1.0)), [[1.0, 2.5, 0.5, 0.0]])
    # halfway lies below 0: what does not count is still not drawn
    np.testing.assert_allclose(likeness_map(tokens, (0, 3), direction, (-1.0, -3.0), 0), [[5.0, 3.0, 4.0, 0.0]])
    assert not likeness_map(tokens, (0, 3), direction, (3.0, -1.0), 1).any()
