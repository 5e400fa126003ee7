"""From a lexicon folder to what the tables need."""

from __future__ import annotations

import json

import numpy as np
from safetensors import SafetensorError, safe_open

from napari_lexicon.analysis.features import PlateStatistics
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons import BEYOND, Lexicon, LexiconPlate, WellStatistics
from napari_lexicon.plates.plate_map_columns import PERT_TYPE, PERTURBATION


def plate_statistics(lexicon: Lexicon, beyond: float | None = None) -> list[PlateStatistics]:
    """Statistics of every plate with finished fields.

    Parameters
    ----------
    lexicon : Lexicon
        Opened.
    beyond : float, optional
        Read features by their direction: a token counts as firing where it lies more than so many standard deviations
        of control tokens along the feature (one of :data:`~napari_lexicon.lexicons.BEYOND`), and means are of how far.
        By the sparse code where None.

    Raises
    ------
    LexiconFolderError
        If no field has codes yet, or directions were not counted.
    """
    found = [
        PlateStatistics(
            plate.header.name,
            plate.statistics() if beyond is None else statistics_along(lexicon, plate, beyond),
            plate.map,
            ("all channels",) if plate.joint else tuple(channel.name for channel in plate.header.channels),
            (plate.header.rows, plate.header.columns),
            beyond,
        )
        for plate in lexicon.plates.values()
        if plate.n_done()
    ]
    if not found:
        raise LexiconFolderError(f"{lexicon.path} has no codes yet: run apply with a dictionary first.")
    return found


def statistics_along(lexicon: Lexicon, plate: LexiconPlate, beyond: float) -> WellStatistics:
    """Statistics of a plate with features read by their direction; see :func:`plate_statistics`.

    Raises
    ------
    LexiconFolderError
        If the level was not counted, or the plate was read by a version that did not count.
    """
    if beyond not in BEYOND:
        levels = ", ".join(f"{level:g}" for level in BEYOND)
        raise LexiconFolderError(f"Patches beyond {beyond:g} standard deviations were not counted: choose {levels}.")
    directions = plate.directions()
    found = None if directions is None else directions.read(plate.statistics(), atoms_of(lexicon), beyond)
    if found is None:
        raise LexiconFolderError(
            f"Plate {plate.header.name} of {lexicon.path} was read by an earlier version, which did not count "
            "directions: run apply with --recompute."
        )
    return found


def stability_of(lexicon: Lexicon) -> np.ndarray | None:
    """``(M,)`` reproducibility of every feature across seeds, None where the dictionary does not say.

    NaN for what was taught: every seed is given the same, so that finding it again says nothing. Read without torch,
    so that napari's own process can.
    """
    try:
        with safe_open(lexicon.path / "dictionary.safetensors", framework="numpy") as file:
            if "stability" not in set(file.keys()):
                return None
            stability = np.array(file.get_tensor("stability"))
    except (OSError, SafetensorError):
        return None
    stability[list(taught_of(lexicon))] = np.nan
    return stability


def taught_of(lexicon: Lexicon) -> dict[int, str]:
    """Features that were taught something, and what; none where the dictionary does not say. Read without torch."""
    return _numbered(lexicon, "taught")


def taught_channels_of(lexicon: Lexicon) -> dict[int, str]:
    """Names of the channels that features were taught in, of those that mean something there only."""
    return _numbered(lexicon, "taught_channels")


def _numbered(lexicon: Lexicon, key: str) -> dict[int, str]:
    try:
        with safe_open(lexicon.path / "dictionary.safetensors", framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get("lexicon", "{}"))
            return {int(feature): str(what) for feature, what in header.get(key, {}).items()}
    except (OSError, SafetensorError, ValueError, AttributeError):
        return {}


def atoms_of(lexicon: Lexicon) -> np.ndarray:
    """``(M, dim_w)`` float32 unit directions of the features, read without torch.

    Raises
    ------
    LexiconFolderError
        If the dictionary's file is missing or damaged.
    """
    (atoms,) = _tensors(lexicon, "atoms")
    return atoms


def whitening_of(lexicon: Lexicon) -> tuple[np.ndarray, np.ndarray]:
    """``(dim,)`` mean and ``(dim_w, dim)`` matrix by which tokens are whitened, read without torch.

    Raises
    ------
    LexiconFolderError
        If the dictionary's file is missing or damaged.
    """
    mean, matrix = _tensors(lexicon, "whitening.mean", "whitening.matrix")
    return mean, matrix


def _tensors(lexicon: Lexicon, *names: str) -> list[np.ndarray]:
    path = lexicon.path / "dictionary.safetensors"
    try:
        with safe_open(path, framework="numpy") as file:
            return [np.asarray(file.get_tensor(name), dtype=np.float32) for name in names]
    except (OSError, SafetensorError) as error:
        raise LexiconFolderError(f"{path} cannot be read ({error}): run apply again.") from error


def treatment_column(lexicon: Lexicon, by: str) -> str:
    """The column of treatments; that of control types where the plate maps name no treatment.

    A plate of one compound in many doses has a plate map of doses and controls alone.
    """
    maps = [plate.map for plate in lexicon.plates.values()]
    if by != PERTURBATION or any(PERTURBATION in one for one in maps) or not any(PERT_TYPE in one for one in maps):
        return by
    return PERT_TYPE
