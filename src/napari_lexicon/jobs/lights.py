"""The light of a plate: whether its fall-off is taken out, and the flat fields estimated for that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np

from napari_lexicon.backbones.illumination import ILLUMINATION, estimate_illumination
from napari_lexicon.errors import JobError
from napari_lexicon.lexicons import LexiconPlate
from napari_lexicon.lexicons.headers import IlluminationHeader
from napari_lexicon.plates.model import Plate

Light = Literal["none", "correct"]
"""What is done about uneven light."""

Planes = Callable[[int], Iterator[np.ndarray]]
"""``(Y, X)`` planes of one channel, from fields spread over the plate."""


def check_light(light: str | None) -> None:
    """Raise :class:`JobError` unless it is ``none``, ``correct`` or None."""
    if light not in (None, "none", "correct"):
        raise JobError(f"Illumination is 'none' or 'correct', not {light!r}: correct the option.")


def plate_lights(
    plate: Plate, old: LexiconPlate | None, light: Light | None, planes: Planes
) -> Sequence[IlluminationHeader | None]:
    """Flat field of every channel as a job asks for it; those of an earlier job on the plate are kept.

    Parameters
    ----------
    plate : Plate
        The plate, opened.
    old : LexiconPlate, optional
        What the lexicon says of it already; None to begin anew.
    light : str, optional
        As the earlier job did where None.
    planes : callable
        Reads planes of a channel.

    Raises
    ------
    JobError
        If finished fields were made with the other choice, or the plate does not allow a correction.
    """
    kept = None if old is None else [channel.illumination for channel in old.header.channels]
    if kept is not None and len(kept) == len(plate.channels):
        before: Light = "none" if all(one is None for one in kept) else "correct"
        if light in (None, before):
            return kept
        if old is not None and (old.n_done("tokens") or old.n_done("codes")):
            did = "without" if before == "none" else "with"
            raise JobError(
                f"{plate.name} was read {did} illumination correction here: give --recompute to do its fields again, "
                "or another --out."
            )
    if light != "correct":
        return [None] * len(plate.channels)
    if plate.rgb:
        raise JobError(
            f"{plate.name} holds colour images, whose white balance a flat field would change: leave out "
            "--illumination correct."
        )
    return [_estimated(plate, c, planes(c)) for c in range(len(plate.channels))]


def _estimated(plate: Plate, channel: int, planes: Iterator[np.ndarray]) -> IlluminationHeader:
    try:
        found = estimate_illumination(planes)
    except ValueError as error:
        raise JobError(
            f"The light of {plate.channels[channel].name} in {plate.name} cannot be estimated. {error} "
            "Leave out --illumination correct."
        ) from error
    return IlluminationHeader(version=ILLUMINATION, dark=found.dark, flat=found.flat)
