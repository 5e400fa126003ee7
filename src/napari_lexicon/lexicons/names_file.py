"""A small file with which names travel from one lexicon to another, also to another dictionary of the same model.

Every name carries the direction of its atom in the space of the model's tokens, so that it can be matched to the atoms
of a dictionary that the file knows nothing of. The specification is docs/reference/names-file.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons.files import read_json, write_json_whole
from napari_lexicon.lexicons.folder import Lexicon
from napari_lexicon.lexicons.names import FeatureName

FORMAT = "napari-lexicon names"
VERSION = 1
_DIGITS = 5


class TravellingName(BaseModel):
    """A name and the direction of the atom that it was given to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature: int
    said: FeatureName
    direction: tuple[float, ...]


class NamesFile(BaseModel):
    """Names of one lexicon, ready to be sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["napari-lexicon names"] = "napari-lexicon names"
    version: Literal[1] = 1
    lexicon: str
    dictionary: str
    channels: str
    backbone: dict[str, Any]
    names: tuple[TravellingName, ...]


def read_tensor(lexicon: Lexicon, name: str) -> np.ndarray:
    """A tensor of the lexicon's dictionary, read without torch.

    Raises
    ------
    LexiconFolderError
        If the file is missing or damaged.
    """
    path = lexicon.path / "dictionary.safetensors"
    try:
        with safe_open(path, framework="numpy") as file:
            return np.asarray(file.get_tensor(name))
    except (OSError, SafetensorError) as error:
        raise LexiconFolderError(f"{path} cannot be read ({error}): run apply with the dictionary again.") from error


def names_of(lexicon: Lexicon) -> NamesFile:
    """The names of a lexicon with the directions of their atoms.

    Raises
    ------
    LexiconFolderError
        If the lexicon has no dictionary, or nothing is named yet.
    """
    said = list(lexicon.names)
    reference = lexicon.header.dictionary
    assert reference is not None  # names belong to one
    if not said:
        raise LexiconFolderError(f"{lexicon.path} has no names yet: name features first.")
    atoms, inverse = read_tensor(lexicon, "atoms"), read_tensor(lexicon, "whitening.inverse")
    names = []
    for feature, one in said:
        direction = inverse @ atoms[feature]
        direction = direction / max(float(np.linalg.norm(direction)), 1e-12)
        rounded = tuple(float(f"{v:.{_DIGITS}g}") for v in direction)
        names.append(TravellingName(feature=feature, said=one, direction=rounded))
    return NamesFile(
        lexicon=lexicon.name,
        dictionary=reference.hash,
        channels=reference.channels,
        backbone=dict(lexicon.header.backbone),
        names=tuple(names),
    )


def write_names(lexicon: Lexicon, out: Path) -> NamesFile:
    """Write the names of a lexicon to a file of their own; returns what is in it."""
    found = names_of(lexicon)
    write_json_whole(out, found.model_dump(mode="json"))
    return found


def read_names(path: Path) -> NamesFile:
    """Read a file of names.

    Raises
    ------
    LexiconFolderError
        If there is none, or it is no such file.
    """
    if not path.is_file():
        raise LexiconFolderError(f"There is no file {path}: check the path.")
    try:
        content = read_json(path)
    except LexiconFolderError as error:
        raise LexiconFolderError(f"{path} is no file of names: choose one written by names export.") from error
    try:
        return NamesFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise LexiconFolderError(
            f"{path} is no file of names of version {VERSION} ({where}: {first['msg']}): export the names again."
        ) from error
