"""What the name of a folder says: which plate it is, or only that there are images in it."""

from __future__ import annotations

from pathlib import Path

# Names that say what is in a folder, but not which plate it is.
_GENERIC = frozenset({"images", "image", "img", "imgs", "raw", "tif", "tiff", "png", "data", "timepoint_1"})


def is_part_of_a_plate(folder: Path) -> bool:
    """Whether the folder is named for what is in it: the folder above is then the plate's."""
    return folder.name.lower() in _GENERIC and bool(folder.parent.name)


def plate_name(folder: Path) -> str:
    """Name of a plate after its folder, or the folder above where the name says nothing."""
    place = folder.resolve()
    while is_part_of_a_plate(place):
        place = place.parent
    return place.name or "plate"
