"""Features shown together are never taken for one another."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lexicon.viewer.colors import feature_color
from napari_lexicon.viewer.distinct import LEAST_DISTANCE, MOST_KEPT, distance, shown_colors


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 8191), unique=True, min_size=2, max_size=MOST_KEPT + 1))
def test_colors_shown_together_are_apart_for_every_reader(features):
    colors = shown_colors(features, {})
    assert set(colors) == set(features)
    assert all(distance(a, b) >= LEAST_DISTANCE for a, b in combinations(colors.values(), 2))
    assert colors[features[0]] == feature_color(features[0])


def test_red_and_green_of_one_lightness_are_alike_for_some():
    assert distance("#D55E00", "#7A8B00") < LEAST_DISTANCE < distance("#000000", "#FFFFFF")
    assert distance("#123456", "#123456") == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 63), unique=True, min_size=3, max_size=MOST_KEPT + 1))
def test_a_feature_keeps_its_color_when_others_come_and_go(features):
    before = shown_colors(features, {})
    after = shown_colors([*features[1:], 4000], {}, before)
    assert all(after[feature] == before[feature] for feature in features[1:])


@pytest.mark.parametrize("order", [(3, 11, 5), (5, 11, 3)])
def test_what_a_person_chose_stays_and_others_give_way(order):
    own = feature_color(3)
    colors = shown_colors(order, {11: own})
    assert colors[11] == own
    assert all(distance(colors[feature], own) >= LEAST_DISTANCE for feature in (3, 5))
