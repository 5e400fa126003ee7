"""Slides as plates: each slide is a free well, and its fields are the tiles that tissue lies on.

A slide is a colour image with a pyramid. Its tissue is found on a coarse level, so the pixels that are read to open
a slide do not grow with the slide; tiles are read from the file when they are wanted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, takewhile
from pathlib import Path

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.file_listing import image_listing
from napari_lexicon.plates.folder_names import plate_name
from napari_lexicon.plates.image_files import IMAGE_EXTENSIONS, RGB, TIFF_EXTENSIONS, extension_of
from napari_lexicon.plates.model import Field, Plate, Problem, Well
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.slide_files import OPENSLIDE_EXTENSIONS, SlideFile, SlideTile, slide_file
from napari_lexicon.plates.storage import leads_out_of
from napari_lexicon.plates.tissue import tissue_tiles

SMALLEST_TILE = 64
_LOOKED_AT = 8
_THREADS = 4
# A colour image below this side is a picture, not a slide.
_SMALLEST_SLIDE = 4096


def is_slides(path: Path) -> bool:
    """True for a slide, and for a folder whose images are slides; a broken file among them decides nothing."""
    if path.is_file():
        return _is_slide(path) is True
    verdicts = (_is_slide(path / name) for name in _first_images(path))
    known = list(takewhile(lambda verdict: verdict is not False, verdicts))
    # Most folders hold no slides, and are not worth a listing of all their files.
    if True not in known or len(known) < len(_first_images(path)):
        return False
    return bool(_slide_names(path))


def _first_images(folder: Path) -> list[str]:
    known = IMAGE_EXTENSIONS | OPENSLIDE_EXTENSIONS
    try:
        with os.scandir(folder) as entries:
            return list(islice((entry.name for entry in entries if extension_of(entry.name) in known), _LOOKED_AT))
    except OSError:
        return []


def _slide_names(folder: Path) -> list[str]:
    """Images of a folder where all could be slides by their names; else none."""
    try:
        files = image_listing(folder, 0, IMAGE_EXTENSIONS | OPENSLIDE_EXTENSIONS).files
    except OSError:
        return []
    possible = TIFF_EXTENSIONS | OPENSLIDE_EXTENSIONS
    return files if all(extension_of(name) in possible for name in files) else []


def _is_slide(path: Path) -> bool | None:
    """None for a file that cannot be read, unless nothing but a slide is called so: then the sentence is about it."""
    if extension_of(path.name) not in TIFF_EXTENSIONS | OPENSLIDE_EXTENSIONS:
        return False
    try:
        slide = slide_file(path)
    except PlateError:
        return True if extension_of(path.name) in OPENSLIDE_EXTENSIONS else None
    return slide.rgb and len(slide.shapes) > 1 and max(slide.shapes[0]) >= _SMALLEST_SLIDE


def open_slides(request: Request) -> Plate:
    """A slide, or a folder of slides, as a plate of free wells.

    Parameters
    ----------
    request : Request
        ``tile`` is the side of the fields in pixels of the full resolution.

    Raises
    ------
    PlateError
        If no slide can be read, or there is no tissue on any of them.
    """
    path = request.path
    if request.tile < SMALLEST_TILE:
        raise PlateError(f"Slides are cut into fields of {SMALLEST_TILE} pixels or more, not {request.tile}.")
    folder, names = (path.parent, [path.name]) if path.is_file() else (path, _slide_names(path))
    title = request.name or (path.name.rsplit(".", 1)[0] if path.is_file() else plate_name(path))
    problems: list[Problem] = []
    if request.z not in ("max", "all", 0) or request.t not in ("all", 0):
        raise PlateError(f"Slides have one plane and one time point; z {request.z} and t {request.t} were asked for.")
    wells: dict[str, Well] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(lambda name: _slide(folder, name, request.tile), names))
    titles = _titles(names)
    for name, slide in sorted(zip(names, found, strict=True), key=lambda item: natural(item[0])):
        well = titles[name]
        if isinstance(slide, PlateError):
            problems.append(Problem(str(slide), well))
        elif not slide:
            problems.append(Problem(f"No tissue was found on slide {name}; it is left out.", well))
        else:
            wells[well] = Well(well, None, None, _fields(title, well, slide))
    if not wells:
        said = " ".join(problem.sentence for problem in problems[:3])
        raise PlateError(f"{path} has no slide with tissue that can be read. {said}".strip())
    count = sum(len(well.fields) for well in wells.values())
    note = f"{len(wells)} slide{'s' * (len(wells) > 1)}; {count} fields of {request.tile} pixels with tissue"
    return Plate(path, title, wells, RGB, True, problems=tuple(problems), note=note)


def _titles(names: Sequence[str]) -> Mapping[str, str]:
    """Names of the wells: the file names without their extension, unless two become the same."""
    short = {name: name.rsplit(".", 1)[0].removesuffix(".ome") for name in names}
    return short if len(set(short.values())) == len(names) else {name: name for name in names}


def _slide(folder: Path, name: str, tile: int) -> list[SlideTile] | PlateError:
    """Tiles of one slide that tissue lies on, or what is wrong with it."""
    try:
        if leads_out_of(folder, folder / name):
            raise PlateError(f"{name} is a link that leads out of the folder.")
        slide: SlideFile = slide_file(folder / name)
        if not slide.rgb:
            raise PlateError(f"{name} is no colour image, as the other slides are; it is left out.")
        return [SlideTile(slide, region) for region in tissue_tiles(slide, tile)]
    except PlateError as error:
        return error


def _fields(plate: str, well: str, tiles: Sequence[SlideTile]) -> tuple[Field, ...]:
    fields = []
    for index, tile in enumerate(tiles):
        size = tile.slide.pixel_size_um
        position = None if size is None else (tile.region.top * size[0], tile.region.left * size[1])
        fields.append(Field(plate, well, tile.region.name, index, (0, 1, 2), tile, size, position))
    return tuple(fields)


READER = Reader(is_slides, open_slides)
