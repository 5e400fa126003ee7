"""From a lexicon folder to what the tables need."""

from __future__ import annotations

import numpy as np
from safetensors import SafetensorError, safe_open

from napari_lexicon.analysis.features import PlateStatistics
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons import Lexicon


def plate_statistics(lexicon: Lexicon) -> list[PlateStatistics]:
    """Statistics of every plate with finished fields.

    Raises
    ------
    LexiconFolderError
        If no field has codes yet.
    """
    found = [
        PlateStatistics(
            plate.header.name,
            plate.statistics(),
            plate.map,
            ("all channels",) if plate.joint else tuple(channel.name for channel in plate.header.channels),
            (plate.header.rows, plate.header.columns),
        )
        for plate in lexicon.plates.values()
        if plate.n_done()
    ]
    if not found:
        raise LexiconFolderError(f"{lexicon.path} has no codes yet: run apply with a dictionary first.")
    return found


def stability_of(lexicon: Lexicon) -> np.ndarray | None:
    """``(M,)`` reproducibility of every feature across seeds, None where the dictionary does not say.

    Read without torch, so that napari's own process can.
    """
    try:
        with safe_open(lexicon.path / "dictionary.safetensors", framework="numpy") as file:
            has_it = "stability" in set(file.keys())
            return np.asarray(file.get_tensor("stability")) if has_it else None
    except (OSError, SafetensorError):
        return None


def atoms_of(lexicon: Lexicon) -> np.ndarray:
    """``(M, dim_w)`` float32 unit directions of the features, read without torch.

    Raises
    ------
    LexiconFolderError
        If the dictionary's file is missing or damaged.
    """
    path = lexicon.path / "dictionary.safetensors"
    try:
        with safe_open(path, framework="numpy") as file:
            return np.asarray(file.get_tensor("atoms"), dtype=np.float32)
    except (OSError, SafetensorError) as error:
        raise LexiconFolderError(f"{path} cannot be read ({error}): run apply again.") from error
