"""A plate that was moved, and the lexicon that still looks for it where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons.files import write_json_whole
from napari_lexicon.lexicons.folder import Lexicon
from napari_lexicon.lexicons.headers import PlateOrigin
from napari_lexicon.lexicons.plate import LexiconPlate
from napari_lexicon.plates.locations import absolute_location, remote_address, same_place
from napari_lexicon.plates.model import Plate

_SHAPES = 8  # fields whose size is compared


class PlateGoneError(LexiconFolderError):
    """A plate of a lexicon is no longer where it was.

    Parameters
    ----------
    sentence : str
        What is wrong and what to do.
    lexicon : pathlib.Path
        The folder.
    plate : str
        Id of the plate in it.
    """

    def __init__(self, sentence: str, lexicon: Path, plate: str) -> None:
        super().__init__(sentence)
        self.lexicon, self.plate = lexicon, plate


def is_gone(origin: PlateOrigin) -> bool:
    """Whether there is nothing any more where a plate was; addresses on the network are believed."""
    return remote_address(origin.path) is None and not Path(origin.path).exists()


def gone(lexicon: Lexicon, plate: LexiconPlate) -> PlateGoneError:
    """What to say of a plate that is gone."""
    return PlateGoneError(
        f"{plate.header.origin.path} is not there any more. If the plate was moved or copied, choose the folder where "
        "it is now: nothing has to be computed again. If it lies on another disk, connect it.",
        lexicon.path,
        plate.id,
    )


def as_written(lexicon: Lexicon, origin: PlateOrigin) -> PlateOrigin:
    """The origin with the path that the lexicon has for this plate, which may lead there by another way."""
    for plate in lexicon.plates.values():
        if same_place(plate.header.origin.path, origin.path):
            return origin.model_copy(update={"path": plate.header.origin.path})
    return origin


def moved_origin(origin: PlateOrigin, path: str | Path) -> PlateOrigin:
    """How to open the plate where it is now; a plate map that lay beside it is looked for beside it."""
    new, plate_map = absolute_location(path), origin.plate_map
    if plate_map is not None and not Path(plate_map).exists():
        old = Path(plate_map)
        base = Path(origin.path).parent
        near = Path(new).parent / old.relative_to(base) if old.is_relative_to(base) else old
        plate_map = str(near) if near.exists() else None
    return origin.model_copy(update={"path": new, "plate_map": plate_map})


def difference(old: LexiconPlate, plate: Plate) -> str:
    """What a plate lacks of that in the lexicon, as a sentence; empty where it is the same plate."""
    fields = {(field.well, field.name): field for field in plate.fields()}
    missing = [header for header in old.fields if (header.well, header.name) not in fields]
    if missing:
        return (
            f"{plate.path} is another plate: it has no field {missing[0].name} of well {missing[0].well}. Choose the "
            f"folder of {old.header.name}."
        )
    for number in np.unique(np.linspace(0, len(old.fields) - 1, _SHAPES).astype(int)) if old.fields else ():
        header = old.fields[number]
        shape = fields[header.well, header.name].shape
        if shape != header.shape:
            return (
                f"{plate.path} is another plate: field {header.name} of well {header.well} is {shape[0]} x {shape[1]} "
                f"pixels, not {header.shape[0]} x {header.shape[1]}. Choose the folder of {old.header.name}."
            )
    return ""


def relink(old: LexiconPlate, origin: PlateOrigin) -> None:
    """Write down where a plate of a lexicon is now."""
    header = old.header.model_copy(update={"origin": origin})
    write_json_whole(old.folder / "plate.json", header.model_dump(mode="json"))


def relinked(lexicon: Lexicon, plate: Plate, origin: PlateOrigin) -> str | None:
    """Where a plate that was opened lay before, if the lexicon knows it from a place where nothing is any more.

    The lexicon is told of the new place; None where nothing was to be done.
    """
    if any(one.header.origin.path == origin.path for one in lexicon.plates.values()):
        return None
    for one in lexicon.plates.values():
        before = one.header.origin
        if is_gone(before) and not difference(one, plate):
            relink(one, moved_origin(before, origin.path))
            return before.path
    return None
