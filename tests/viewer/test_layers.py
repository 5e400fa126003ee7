"""Fields and maps in a real napari viewer."""

from __future__ import annotations

import numpy as np
import pytest
from tests.viewer.test_conversion import field_of

from napari_lexicon.plates.model import Channel
from napari_lexicon.viewer.conversion import OWNER, Placement, channel_layers, cropped_map
from napari_lexicon.viewer.field_layers import FieldLayers
from napari_lexicon.viewer.field_names import FieldNames
from napari_lexicon.viewer.napari_compat import camera as camera_of
from napari_lexicon.viewer.napari_compat import scale_bar
from napari_lexicon.viewer.overlay import ActivationMap, ActivationOverlay, OverlayStyle
from napari_lexicon.viewer.side_by_side import SideBySide
from napari_lexicon.viewer.spot_frame import SpotFrame

CHANNELS = (Channel("DNA"), Channel("Mito"))


@pytest.fixture
def viewer():
    from napari.components import ViewerModel

    return ViewerModel()


def show(layers: FieldLayers, image: np.ndarray, pixel_um=(0.5, 0.5), channels=(0, 1)) -> None:
    made = channel_layers(field_of(image, pixel_um, channels), CHANNELS, image, layers.ranges())
    layers.remove_others(made)
    for layer in made:
        layers.put(layer)
    layers.look_at(made[0])


def random_image(seed: int, channels: int = 2, shape=(40, 60)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1000, (channels, *shape)).astype(np.uint16)


def test_the_next_field_reuses_the_layers_and_what_was_done_to_them(viewer):
    layers = FieldLayers(viewer)
    show(layers, random_image(0))
    first = list(viewer.layers)
    viewer.layers["Mito"].contrast_limits = (5, 77)
    viewer.layers["Mito"].visible = False
    second = random_image(1)
    show(layers, second)
    assert list(viewer.layers) == first
    np.testing.assert_array_equal(viewer.layers["Mito"].data, second[1])
    assert viewer.layers["Mito"].contrast_limits == [5, 77]
    assert not viewer.layers["Mito"].visible


def test_a_field_that_lacks_channels_is_as_bright_as_the_others_unless_a_person_dimmed_it(viewer):
    layers, image = FieldLayers(viewer), random_image(0, channels=5)
    stains = tuple(Channel(name) for name in ("DNA", "ER", "RNA", "Actin", "Mito"))

    def show_channels(*present: int) -> None:
        made = channel_layers(field_of(image[: len(present)], (0.5, 0.5), present), stains, image[list(present)], {})
        layers.remove_others(made)
        for layer in made:
            layers.put(layer)

    show_channels(0, 1, 2, 3, 4)
    assert {layer.opacity for layer in viewer.layers} == {0.52}
    show_channels(0, 1)
    assert [layer.opacity for layer in viewer.layers] == [1, 1]
    show_channels(0, 1, 2, 3, 4)
    assert {layer.opacity for layer in viewer.layers} == {0.52}
    viewer.layers["DNA"].opacity = 0.3
    show_channels(0, 1)
    assert (viewer.layers["DNA"].opacity, viewer.layers["ER"].opacity) == (0.3, 1)


def test_a_map_that_comes_after_the_names_of_fields_lies_under_them(viewer):
    fields = (field_of(random_image(0)), field_of(random_image(1)))
    FieldNames(viewer).show(SideBySide.of(fields), ["A01", "A02"], 0)
    shown = ActivationMap(np.ones((2, 2), np.float32), Placement((1.0, 1.0)), "#1", "#FF9F1C", 1.0)
    ActivationOverlay(viewer).show(shown, OverlayStyle())
    assert [layer.name for layer in viewer.layers] == ["#1", "fields"]


def test_layers_that_a_person_removed_or_renamed_are_no_surprise(viewer):
    layers = FieldLayers(viewer)
    show(layers, random_image(0))
    viewer.layers.remove("DNA")
    viewer.layers["Mito"].name = "my mitochondria"
    show(layers, random_image(1))
    assert {layer.name for layer in viewer.layers} == {"DNA", "my mitochondria"}


def test_a_missing_channel_takes_its_layer_away(viewer):
    layers = FieldLayers(viewer)
    show(layers, random_image(0))
    show(layers, random_image(1, channels=1), channels=(1,))
    assert [layer.name for layer in viewer.layers] == ["Mito"]


def test_other_peoples_layers_are_left_alone(viewer):
    mine = viewer.add_points([[1, 2, 3]], name="mine", ndim=3)
    layers = FieldLayers(viewer)
    show(layers, random_image(0))
    layers.clear()
    assert list(viewer.layers) == [mine]


def test_the_view_stays_from_field_to_field_and_fits_a_field_of_another_size(viewer):
    layers = FieldLayers(viewer)
    show(layers, random_image(0))
    camera_of(viewer).center = (0, 3, 4)
    show(layers, random_image(1))
    assert camera_of(viewer).center[1:] == (3, 4)
    show(layers, random_image(2, shape=(80, 80)))
    assert camera_of(viewer).center[1:] != (3, 4)


def test_the_view_fits_the_field_whatever_map_of_before_still_lies_on_it(viewer):
    """Beside its control a field is shown in half the width; the map goes after the image."""
    layers = FieldLayers(viewer)
    show(layers, random_image(0))
    alone = camera_of(viewer)
    center, zoom = alone.center, alone.zoom
    show(layers, random_image(1, shape=(40, 128)))
    assert camera_of(viewer).center != center
    viewer.add_image(np.zeros((40, 128)), scale=(0.5, 0.5), metadata={OWNER: {"feature": 3}})
    show(layers, random_image(2))
    assert camera_of(viewer).center == center
    assert camera_of(viewer).zoom == zoom


def test_a_scale_bar_that_came_with_a_plate_goes_with_it(viewer):
    bar = scale_bar(viewer)
    layers = FieldLayers(viewer)
    shown = []
    for pixel_um in ((0.5, 0.5), None, (0.5, 0.5)):
        show(layers, random_image(0), pixel_um)
        shown.append(bar.visible)
        layers.clear()
    show(layers, random_image(0), None)
    bar.visible = True  # a person wants it, in pixels
    layers.clear()
    show(layers, random_image(0), None)
    assert shown == [True, False, True]
    assert bar.visible


@pytest.mark.parametrize("pixel_um", [(1.0, 1.0), (0.65, 0.65), (0.3, 0.45)])
@pytest.mark.parametrize("shape", [(128, 160), (100, 140), (99, 131)])
@pytest.mark.parametrize("spot", [(0, 0), (50, 77), (98, 130)])
def test_an_activation_map_lies_over_a_planted_spot(viewer, pixel_um, shape, spot):
    """Asked through napari for its value at the spot's place in the world, the map answers with the spot's patch."""
    patch = 16
    image = np.zeros((1, *shape), np.uint16)
    image[0][spot] = 60_000
    layers, overlay = FieldLayers(viewer), ActivationOverlay(viewer)
    made = channel_layers(field_of(image, pixel_um, (0,)), CHANNELS, image, {})
    layers.put(made[0])
    values = np.zeros((-(-shape[0] // patch), -(-shape[1] // patch)), np.float32)
    values[spot[0] // patch, spot[1] // patch] = 1
    fine, stride = cropped_map(values, patch, shape)
    placement = made[0].placement.of_patches(stride)
    overlay.show(ActivationMap(fine, placement, "#1", "#FF9F1C", 1.0), OverlayStyle())
    image_layer, map_layer = viewer.layers[0], overlay.layer()
    assert map_layer is viewer.layers[-1]
    world = image_layer.data_to_world(spot)
    assert image_layer.get_value(world, world=True) == 60_000
    assert map_layer.get_value(world, world=True) == 1
    hot = [
        (y, x)
        for y in range(0, shape[0], 7)
        for x in range(0, shape[1], 7)
        if map_layer.get_value(image_layer.data_to_world((y, x)), world=True) == 1
    ]
    assert all((y // patch, x // patch) == (spot[0] // patch, spot[1] // patch) for y, x in hot)
    for corner in ((-0.5, -0.5), (1, 1)):
        edges = [
            layer.data_to_world(corner if corner[0] < 0 else [n - 0.5 for n in layer.data.shape])
            for layer in (map_layer, image_layer)
        ]
        np.testing.assert_allclose(*edges, atol=1e-9)


def test_another_feature_replaces_the_data_and_adds_no_layer(viewer):
    overlay = ActivationOverlay(viewer)
    placement = Placement((1.0, 1.0)).of_patches(8)
    for feature, color in ((1, "#FF9F1C"), (2, "#4CC9F0")):
        values = np.full((4, 4), feature, np.float32)
        overlay.show(ActivationMap(values, placement, f"#{feature}", color, 2.0), OverlayStyle(opacity=0.5))
    assert [layer.name for layer in viewer.layers] == ["#2"]
    assert viewer.layers[0].data.max() == 2
    assert viewer.layers[0].colormap.name.startswith("#4CC9F0")
    assert viewer.layers[0].opacity == 0.5


def test_a_map_that_is_over_rests_and_comes_back_as_a_person_left_it(viewer):
    removed = []
    viewer.layers.events.removed.connect(removed.append)
    viewer.add_image(np.zeros((32, 32)))
    overlay, placement = ActivationOverlay(viewer), Placement((1.0, 1.0)).of_patches(8)
    first = ActivationMap(np.ones((4, 4), np.float32), placement, "#1", "#FF9F1C", 1.0)
    overlay.show(first, OverlayStyle())
    layer = overlay.layer()
    layer.blending = "additive"
    overlay.rest()
    overlay.rest()
    assert overlay.layer() is None
    assert not layer.visible
    assert (layer.name, layer.data.max()) == ("no map", 0)
    second = ActivationMap(np.full((4, 4), 2, np.float32), placement, "#2", "#4CC9F0", 2.0)
    overlay.show(second, OverlayStyle())
    assert overlay.layer() is layer
    assert layer.visible
    assert (layer.name, layer.data.max(), layer.blending) == ("#2", 2, "additive")
    assert layer.colormap.name.startswith("#4CC9F0")
    layer.visible = False  # by the eye in the list of layers
    for _ in range(2):
        overlay.show(first, OverlayStyle())
        assert not layer.visible
        overlay.rest()
    overlay.clear()
    assert len(viewer.layers) == 1
    assert [event.value for event in removed] == [layer]


def test_the_threshold_hides_what_is_below_it(viewer):
    overlay = ActivationOverlay(viewer)
    values = np.array([[0.1, 0.5, 0.9]], np.float32)
    shown = ActivationMap(values, Placement((1.0, 1.0)), "#1", "#FF9F1C", 1.0)
    overlay.show(shown, OverlayStyle(threshold=0.5))
    np.testing.assert_allclose(overlay.layer().data, [[0, 0.5, 0.9]])


def test_an_overlay_removed_by_hand_comes_back_with_the_next_map(viewer):
    overlay = ActivationOverlay(viewer)
    shown = ActivationMap(np.ones((2, 2), np.float32), Placement((1.0, 1.0)), "#1", "#FF9F1C", 1.0)
    overlay.show(shown, OverlayStyle())
    viewer.layers.clear()
    overlay.show(shown, OverlayStyle())
    assert len(viewer.layers) == 1
    overlay.clear()
    overlay.clear()
    assert len(viewer.layers) == 0


def test_the_overlay_stays_above_channels_that_come_later(viewer):
    layers, overlay = FieldLayers(viewer), ActivationOverlay(viewer)
    overlay.show(
        ActivationMap(np.ones((2, 2), np.float32), Placement((1.0, 1.0)), "#1", "#FF9F1C", 1.0), OverlayStyle()
    )
    show(layers, random_image(0))
    assert viewer.layers[-1] is overlay.layer()


def test_a_frame_that_frames_nothing_is_hidden_and_stays(viewer) -> None:
    frame, placement = SpotFrame(viewer), Placement((0.5, 0.5))
    frame.rest()
    frame.show(placement, 0, 0, 16)
    (layer,) = viewer.layers
    frame.rest()
    frame.rest()
    assert not layer.visible
    frame.show(placement, 1, 1, 16)
    assert list(viewer.layers) == [layer]
    assert layer.visible
    np.testing.assert_allclose(layer.data[0][0], (15.5, 15.5))


def test_a_frame_moves_to_another_patch_in_3d_as_well(viewer) -> None:
    viewer.add_image(np.zeros((3, 64, 64)))
    frame, placement = SpotFrame(viewer), Placement((0.5, 0.5))
    frame.show(placement, 0, 0, 16)
    for ndisplay, row in ((3, 1), (3, 2), (2, 3)):
        viewer.dims.ndisplay = ndisplay
        frame.show(placement, row, 1, 16)
        np.testing.assert_allclose(frame.layer().data[0][0], (16 * row - 0.5, 15.5))
        assert len(viewer.layers) == 2
