"""Reads how much there is to see where features fire, from images that are at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.errors import LexiconError, PlateError
from napari_lexicon.widgets.features.tiles import field_of

if TYPE_CHECKING:
    from napari_lexicon.analysis.detail import Detail
    from napari_lexicon.lexicons import Lexicon, LexiconPlate
    from napari_lexicon.plates.model import Plate


def read_detail(lexicon: Lexicon, plate: LexiconPlate, images: Plate, beyond: float) -> Detail | None:
    """Detail where features fire; None where images cannot be read, or would have to be fetched from afar."""
    from napari_lexicon.analysis.detail import detail_of_features

    def read(number: int) -> np.ndarray:
        field = field_of(images, plate, number)
        if field is None:
            raise PlateError("The plate has lost a field: its images cannot be read.")
        return np.asarray(field.image())

    if "://" in plate.header.origin.path:
        return None
    try:
        return detail_of_features(lexicon, plate, beyond, read)
    except (LexiconError, OSError):
        return None
