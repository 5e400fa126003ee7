"""Maps and lists of features against the codes they come from."""

from __future__ import annotations

import numpy as np

from napari_lexicon.analysis.maps import activation_map, channel_maps, features_at
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


def test_features_under_the_cursor_are_ranked_with_their_channels() -> None:
    found = features_at(CODES, 0, 0)
    assert found.to_numpy().tolist() == [[2, 3, 2.0], [5, 0, 0.75], [5, 3, 0.5], [2, 0, 0.25]]
    assert features_at(CODES, 0, 1).to_numpy().tolist() == [[4, 3, 2.0], [1, 0, 1.0], [9, 3, 0.25]]
