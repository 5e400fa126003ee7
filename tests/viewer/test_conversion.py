"""Maps and images lie where they belong, to the pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_lexicon.analysis.outlines import outline_map
from napari_lexicon.plates.model import Channel, Field
from napari_lexicon.viewer.conversion import (
    Placement,
    channel_layers,
    composite_opacity,
    cropped_map,
    display_range,
    patch_at,
)

sizes = st.tuples(st.integers(1, 300), st.integers(1, 300))
scales = st.floats(0.05, 20, allow_nan=False)


class Pixels:
    """A field's source that gives a fixed array."""

    def __init__(self, image: np.ndarray) -> None:
        self.pixels = image

    def shape(self) -> tuple[int, int]:
        return self.pixels.shape[1:]

    def dtype(self) -> np.dtype:
        return self.pixels.dtype

    def image(self, level: int = 0):
        import dask.array as da

        return da.from_array(self.pixels)

    def levels(self) -> int:
        return 1

    def identity(self) -> str:
        return "pixels"


def field_of(image: np.ndarray, pixel_size_um=None, channels=None) -> Field:
    return Field("p", "B03", "0", 0, channels or tuple(range(len(image))), Pixels(image), pixel_size_um)


@given(sizes, st.sampled_from([1, 2, 7, 8, 14, 16]), scales, scales)
def test_a_map_covers_each_pixel_with_its_own_patch(shape, patch, sy, sx):
    """The pixel edges of patch (i, j) in the world are those of pixels i*p and (i+1)*p of the image."""
    image = Placement((sy, sx), (3.0, -2.0), "um")
    patches = image.of_patches(patch)
    i, j = (shape[0] - 1) // patch, (shape[1] - 1) // patch
    first_edge = patches.world_of((i - 0.5, j - 0.5))
    last_edge = patches.world_of((i + 0.5, j + 0.5))
    np.testing.assert_allclose(first_edge, image.world_of((i * patch - 0.5, j * patch - 0.5)))
    np.testing.assert_allclose(last_edge, image.world_of(((i + 1) * patch - 0.5, (j + 1) * patch - 0.5)))


@given(sizes, st.sampled_from([4, 8, 14, 16]), st.data())
def test_the_patch_under_a_pixel_is_the_one_that_holds_it(shape, patch, data):
    y, x = data.draw(st.integers(0, shape[0] - 1)), data.draw(st.integers(0, shape[1] - 1))
    placement = Placement((0.325, 0.65), units="um")
    grid = (-(-shape[0] // patch), -(-shape[1] // patch))
    world = placement.world_of((y, x))
    assert patch_at(placement, (0.0, *world), patch, grid, shape) == (y // patch, x // patch)


def test_outside_the_image_there_is_no_patch():
    placement = Placement((2.0, 2.0))
    for world in ((-1.1, 5.0), (5.0, -1.1), (2 * 99.6, 5.0), (5.0, 2 * 139.6)):
        assert patch_at(placement, world, 16, (7, 9), (100, 140)) is None


@given(sizes, st.sampled_from([1, 4, 6, 8, 14, 16]))
def test_a_cropped_map_shows_every_pixel_the_value_of_its_patch(shape, patch):
    grid = (-(-shape[0] // patch), -(-shape[1] // patch))
    values = np.arange(grid[0] * grid[1], dtype=np.float32).reshape(grid)
    cropped, stride = cropped_map(values, patch, shape)
    on_pixels = np.repeat(np.repeat(cropped, stride, axis=0), stride, axis=1)
    expected = np.repeat(np.repeat(values, patch, axis=0), patch, axis=1)[: shape[0], : shape[1]]
    np.testing.assert_array_equal(on_pixels, expected)


def test_a_map_that_ends_with_its_image_stays_on_its_grid():
    values = np.zeros((8, 8), np.float32)
    assert cropped_map(values, 16, (128, 128))[0] is values


def test_one_layer_per_channel_with_scale_units_contrast_and_colour():
    image = np.stack([np.full((20, 30), 500, np.uint16), np.full((20, 30), 900, np.uint16)])
    channels = (Channel("DNA", "#0000FF", (100, 4000)), Channel("ER"), Channel("Mito"))
    layers = channel_layers(field_of(image, (0.5, 0.25), channels=(0, 2)), channels, image, {"Mito": (1.0, 2.0)})
    assert [layer.name for layer in layers] == ["DNA", "Mito"]
    assert [layer.contrast_limits for layer in layers] == [(100, 4000), (1.0, 2.0)]
    assert layers[0].color == "#0000FF"
    kwargs = layers[0].as_kwargs()
    assert kwargs["scale"] == (0.5, 0.25)
    assert kwargs["units"] == ("um", "um")
    assert kwargs["blending"] == "additive"


def test_without_a_pixel_size_the_world_is_in_pixels():
    image = np.zeros((1, 4, 4), np.uint8)
    (layer,) = channel_layers(field_of(image), (Channel("grey"),), image, {})
    assert layer.placement.scale == (1.0, 1.0)
    assert layer.placement.units == "pixel"


def test_a_colour_image_is_one_layer():
    image = np.zeros((3, 5, 6), np.uint8)
    channels = tuple(Channel(name) for name in "RGB")
    (layer,) = channel_layers(field_of(image), channels, image, {}, rgb=True)
    assert layer.rgb
    assert layer.data.shape == (5, 6, 3)


def test_contrast_ignores_a_few_hot_pixels_and_a_flat_image_has_a_range():
    image = np.full((200, 200), 100, np.uint16)
    image[50:150, 50:150] = 1000
    image[0, 0] = 65_535
    assert display_range(image)[1] == pytest.approx(1000)
    low, high = display_range(np.full((8, 8), 7, np.uint8))
    assert low < high


def test_many_channels_are_dimmed_so_that_their_sum_is_not_white():
    assert composite_opacity(1) == composite_opacity(3) == 1
    assert 5 * composite_opacity(5) < 3


def test_outlines_run_inside_the_patches_that_fire_and_enclose_them():
    values = np.zeros((5, 6), np.float32)
    values[1:3, 2:5] = 0.7
    outlines, stride = outline_map(values, 8, (40, 45), 0.5)
    assert stride == 2
    assert outlines.shape == (20, 23)  # the image ends within the last patches
    filled = ndimage.binary_fill_holes(outlines > 0)
    np.testing.assert_array_equal(filled, np.repeat(np.repeat(values > 0, 4, 0), 4, 1)[:20, :23])
    assert set(np.unique(outlines)) == {0.0, 0.5}
    assert not outlines[5:11, 9:19].any()  # patches that touch have no line between them
    assert outline_map(values, 8, (40, 45), 0.5, most=400)[1] == 4
