"""From grey values on disk to what the model sees, as a lexicon says that it was done for a plate."""

from __future__ import annotations

import numpy as np

from napari_lexicon.backbones.illumination import Illumination
from napari_lexicon.backbones.preprocessing import IntensityWindow, apply_windows
from napari_lexicon.lexicons.headers import ChannelHeader, FieldHeader, PlateHeader


def model_pixels(plate: PlateHeader, field: FieldHeader, image: np.ndarray) -> np.ndarray:
    """Pixels of a field as the model sees them: even light where that was asked for, in units of the windows.

    Parameters
    ----------
    plate, field : PlateHeader, FieldHeader
        What the lexicon says of them.
    image : numpy.ndarray, ``(C, Y, X)``
        Grey values of the channels that the field has.

    Returns
    -------
    numpy.ndarray, ``(C, Y, X)`` float32
    """
    channels = [plate.channels[c] for c in field.channels]
    windows = [IntensityWindow(channel.low, channel.high) for channel in channels]
    return apply_windows(even_light(channels, image), windows)


def even_light(channels: list[ChannelHeader], image: np.ndarray) -> np.ndarray:
    """Grey values with the fall-off of the light taken out of the channels that have a flat field."""
    if all(channel.illumination is None for channel in channels):
        return image
    planes = [
        np.asarray(plane, np.float32) if light is None else light.apply(plane)
        for plane, light in zip(image, map(illumination_of, channels), strict=True)
    ]
    return np.stack(planes)


def illumination_of(channel: ChannelHeader) -> Illumination | None:
    """The flat field of a channel, None where the light is left as it is."""
    made = channel.illumination
    return None if made is None else Illumination(made.dark, made.flat)


def pixels_origin(plate: PlateHeader, field: FieldHeader) -> dict[str, object]:
    """What was done to the pixels beside the windows, to be written beside tokens; empty where nothing was."""
    lights = [plate.channels[c].illumination for c in field.channels]
    if all(light is None for light in lights):
        return {}
    return {"illumination": [None if light is None else light.model_dump(mode="json") for light in lights]}
