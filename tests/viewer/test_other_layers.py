"""Layers without units lie on the field that they are of; what nobody can tell stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points

from napari_lexicon.viewer.conversion import OWNER
from napari_lexicon.viewer.other_layers import OtherLayers

SHAPE = (40, 60)


def viewer_with_field(**placed) -> tuple[ViewerModel, OtherLayers]:
    viewer = ViewerModel()
    viewer.add_image(np.zeros(SHAPE), metadata={OWNER: {"channel": "DNA"}}, **placed)
    return viewer, OtherLayers(viewer, lambda: viewer.layers[0])


def units(layer) -> list[str]:
    return [str(unit) for unit in layer.units]


@pytest.mark.parametrize(
    "layer",
    [
        Labels(np.zeros(SHAPE, int)),
        Labels(np.zeros((3, *SHAPE), int)),
        Image(np.zeros((*SHAPE, 3)), rgb=True),
        Labels(np.zeros(SHAPE, int), scale=(0.65, 0.65), translate=(3, 0)),
    ],
    ids=["labels", "stack", "colour", "scaled"],
)
def test_what_has_the_pixels_of_the_field_lies_on_it_in_its_units(layer):
    viewer, _others = viewer_with_field(scale=(0.65, 0.65), translate=(3, 0), units=("um", "um"))
    viewer.add_layer(layer)
    assert units(layer)[-2:] == ["micrometer", "micrometer"]
    assert layer.scale[-2:].tolist() == [0.65, 0.65]
    assert layer.translate[-2:].tolist() == [3, 0]
    assert viewer.layers.extent.units is not None  # without which napari warns of inconsistent units


@pytest.mark.parametrize(
    "layer",
    [
        Labels(np.zeros((41, 60), int)),
        Labels(np.zeros(SHAPE, int), translate=(5, 5)),
        Labels(np.zeros(SHAPE, int), units=("mm", "mm")),
        Points([[3, 4]]),
    ],
    ids=["larger", "placed", "measured", "points"],
)
def test_what_may_be_something_else_stays_as_it_is(layer):
    before = units(layer), layer.scale.tolist(), layer.translate.tolist()
    viewer, _others = viewer_with_field(scale=(0.65, 0.65), units=("um", "um"))
    viewer.add_layer(layer)
    assert (units(layer), layer.scale.tolist(), layer.translate.tolist()) == before


def test_beside_a_field_in_pixels_nothing_changes():
    viewer, _others = viewer_with_field()
    labels = viewer.add_labels(np.zeros(SHAPE, int))
    assert units(labels) == ["pixel", "pixel"]
