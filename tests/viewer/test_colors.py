"""Colours of data rise evenly and stay the same wherever a feature is shown."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lexicon.viewer.colors import (
    FEATURE_COLORS,
    channel_color,
    feature_color,
    feature_ramp,
    from_oklab,
    hex_of,
    ramp,
    rgb_of,
    to_oklab,
)
from napari_lexicon.viewer.overlay import see_through


def test_oklab_and_back():
    rgb = np.random.default_rng(0).integers(0, 256, (500, 3))
    np.testing.assert_allclose(from_oklab(to_oklab(rgb)), rgb, atol=1)


def test_hex_and_back():
    assert hex_of(rgb_of("#12ABEF")) == "#12ABEF"


@pytest.mark.parametrize(("background", "sign"), [("#23242B", 1), ("#EBE7E6", -1)])
@pytest.mark.parametrize("color", FEATURE_COLORS)
def test_a_feature_ramp_changes_lightness_all_the_way(color, background, sign):
    """Who cannot tell hues apart reads the plate by lightness."""
    lightness = to_oklab(feature_ramp(color, background))[:, 0]
    assert sign * (lightness[-1] - lightness[0]) > 0.2
    assert (sign * np.diff(lightness)[::8] > -0.01).all()


def test_a_ramp_goes_through_its_stops():
    colors = ramp(("#000000", "#FFFFFF"), 11)
    assert tuple(colors[0]) == (0, 0, 0)
    assert tuple(colors[-1]) == (255, 255, 255)


def test_a_chosen_colour_wins():
    assert feature_color(3, "#010203") == "#010203"
    assert feature_color(3) == feature_color(3 + len(FEATURE_COLORS))


def test_the_overlay_is_clear_where_the_feature_is_silent():
    colors = see_through("#FF9F1C")
    assert colors[0, 3] == 0
    assert colors[-1, 3] == 1
    assert (np.diff(colors[:, 3]) > 0).all()


@pytest.mark.parametrize(
    ("name", "stored", "expected"),
    [("DAPI", None, "#4D7CFE"), ("Mito", "#123456", "#123456"), ("w4 Phalloidin", None, "#FFA630")],
)
def test_channel_colours_follow_the_file_then_the_name(name, stored, expected):
    assert channel_color(name, 0, 5, stored) == expected


def test_a_single_channel_is_white():
    assert channel_color("anything", 0, 1) == "#FFFFFF"
