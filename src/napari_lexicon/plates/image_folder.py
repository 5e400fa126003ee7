"""Opens a folder of images by a file-name pattern, given or guessed, and single image files."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.file_listing import DEEPEST, Listing, image_listing, pattern_listing
from napari_lexicon.plates.folder_names import plate_name
from napari_lexicon.plates.guessing import guess, without_derived
from napari_lexicon.plates.image_entries import ImageEntry
from napari_lexicon.plates.image_files import extension_of
from napari_lexicon.plates.image_table import TableFacts, plate_of_entries
from napari_lexicon.plates.model import Plate, Problem
from napari_lexicon.plates.ome_plate import plate_entries
from napari_lexicon.plates.pattern import Match, Matches, Pattern, PatternPreview, listed, preview_of
from napari_lexicon.plates.plane_choices import Pages, TChoice, ZChoice

_LOOKED_AT = 1000  # files, for telling what a folder without images holds
_MOST_BEGINNINGS = 24  # more are rather numbers of images


def open_image_folder(
    folder: Path,
    pattern: str | None = None,
    name: str | None = None,
    z: ZChoice = "max",
    t: TChoice = 0,
    pages: Pages | None = None,
) -> Plate:
    """A folder of images as a plate.

    Parameters
    ----------
    folder : pathlib.Path
        The plate's folder.
    pattern : str, optional
        Guessed where it is not given; the note says what was guessed.
    name : str, optional
        Instead of the folder's.
    z : int or "max"
        Plane of stacks, or their maximum projection.
    t : int
        Time point of series.
    pages : {"z", "t", "c"}, optional
        What the pages of files are that do not say it.

    Raises
    ------
    PlateError
        If there are no images, the pattern fits none of them, or they are several plates.
    """
    if pattern is not None:
        compiled = Pattern(pattern)
        listing = image_listing(folder, compiled.depth)
        if not listing.files:
            _check_depth(folder, pattern)
        _check_not_empty(folder, listing)
        kept, aside = without_derived(listing.files, pattern)
        matches, how = compiled.matches(kept), f"pattern {pattern}"
        if not matches.found:
            raise PlateError(f"{folder}: {preview_of(compiled, matches).sentence} Change the pattern.")
    else:
        listing = image_listing(folder)
        _check_not_empty(folder, listing)
        guessed = guess(listing.files)
        assert guessed is not None
        compiled, matches, aside = guessed.pattern, guessed.matches, guessed.set_aside
        how = f"pattern {compiled.text} guessed{f' ({guessed.preset})' if guessed.preset else ''}"
    problems = [
        *listing_problems(listing, matches, aside),
        *(_beginnings(compiled, matches) if pattern is None else ()),
    ]
    title = single_plate(folder, compiled, matches, name) or plate_name(folder)
    entries = [_entry(match, title) for match in matches.found]
    facts = TableFacts(free=matches.free)
    return plate_of_entries(folder, title, entries, facts, z=z, t=t, pages=pages, note=how, problems=problems)


def single_plate(folder: Path, pattern: Pattern, matches: Matches, name: str | None = None) -> str | None:
    """Name of the plate that the files are of; None where their names do not say.

    Of files of several plates those of the one that is asked for by ``name`` are kept in ``matches``. Files of one
    plate are called as is asked for.

    Raises
    ------
    PlateError
        If they are of several, none of them asked for.
    """
    plates = sorted({match.plate for match in matches.found if match.plate is not None})
    if len(plates) > 1:
        if name not in plates:
            raise PlateError(
                f"{folder} holds {len(plates)} plates ({listed(plates)}): open one of them, by its name, or write its "
                f"name into the pattern {pattern.text} in place of {{plate}}."
            )
        matches.found = [match for match in matches.found if match.plate == name]
    return name or (plates[0] if plates else None)


def guess_pattern(folder: str | Path) -> PatternPreview:
    """The pattern that `open_plate` would use for a folder, with its preview.

    Raises
    ------
    PlateError
        If there are no images.
    """
    place = Path(folder)
    listing = pattern_listing(place)
    _check_not_empty(place, listing)
    guessed = guess(listing.files)
    assert guessed is not None
    return preview_of(guessed.pattern, guessed.matches)


def open_image_file(
    path: Path, name: str | None = None, z: ZChoice = "max", t: TChoice = 0, pages: Pages | None = None
) -> Plate:
    """One image file as a plate with one free well.

    Raises
    ------
    PlateError
        If it cannot be read as an image.
    """
    title = name or path.name.rsplit(".", 1)[0].removesuffix(".ome")
    placed = plate_entries(path)
    entries = placed or [ImageEntry(path.name, title, "0")]
    how = "one image file with the wells of a plate" if placed else "one image file"
    facts = TableFacts(free=not placed)
    plate = plate_of_entries(path.parent, title, entries, facts, z=z, t=t, pages=pages, note=how)
    return Plate(path, **{key: value for key, value in vars(plate).items() if key != "path"})


def _entry(match: Match, plate: str) -> ImageEntry:
    well = match.well if match.well is not None else plate
    return ImageEntry(match.path, well, match.field or "0", match.channel, match.z or 0, match.t or 0)


def _check_not_empty(folder: Path, listing: Listing) -> None:
    if listing.files:
        return
    if listing.others and any(place.suffix.lower() == ".flex" for place in islice(folder.glob("*"), _LOOKED_AT)):
        raise PlateError(
            f"{folder} holds FLEX files of an Opera, which are not read here: export the measurement as TIFF from "
            "Columbus or Harmony, or convert it with bioformats2raw, and open what that writes."
        )
    if listing.others:
        raise PlateError(
            f"{folder} has {listing.others} files, but no image among them: TIFF, PNG, JPEG and BMP images, OME-Zarr, "
            "CZI, ND2 and LIF files and the folders of common instruments can be opened."
        )
    if any(folder.iterdir()):
        raise PlateError(
            f"{folder} has no image, nor have the {DEEPEST} levels of folders in it: choose a folder with images or an "
            "OME-Zarr plate."
        )
    raise PlateError(f"{folder} is empty: choose a folder with images or an OME-Zarr plate.")


def _check_depth(folder: Path, pattern: str) -> None:
    """Images that lie deeper than a pattern looks are found by writing their folders into it."""
    deeper = image_listing(folder, most=1).files
    if deeper:
        lead, _, name = deeper[0].rpartition("/")
        raise PlateError(
            f"{folder}: the pattern {pattern} looks in {pattern.count('/')} levels of folders, and the images lie "
            f"deeper ({lead}/{name}, for instance): write their folders into it, {lead}/{pattern} for these."
        )


def _beginnings(guessed: Pattern, matches: Matches) -> list[Problem]:
    """What is said where names begin differently before the well, as those of several plates in one folder do."""
    head, well, tail = guessed.text.partition("{well}")
    if not well or head.count("{*}") != 1 or "{plate}" in guessed.text:
        return []
    named = Pattern(f"{head.replace('{*}', '{plate}')}{well}{tail}").matches([match.path for match in matches.found])
    images = Counter(match.plate for match in named.found if match.plate is not None)
    if matches.free and not _share_names(named):  # samples with names of their own, each in its folder
        return []
    if not 2 <= len(images) <= min(_MOST_BEGINNINGS, len(matches.found) // 2):
        return []
    said = listed([f"{name} ({count} image{'s' * (count > 1)})" for name, count in sorted(images.items())])
    largest = max(images, key=lambda name: images[name])
    alone = guessed.text.replace("{*}", largest, 1)
    return [
        Problem(
            f"File names begin in {len(images)} ways before the well: {said}. They are read as one plate. Are they "
            f"several? Open one of them with the pattern {alone}"
        )
    ]


def _share_names(named: Matches) -> bool:
    """True where one name of a well stands behind two beginnings."""
    return len({(match.plate, match.well) for match in named.found}) > len({match.well for match in named.found})


def listing_problems(listing: Listing, matches: Matches, aside: tuple[str, ...]) -> list[Problem]:
    """What of the files of a folder is not read, and why."""
    problems = []
    if matches.unmatched:
        count = len(matches.unmatched)
        problems.append(
            Problem(f"{count} of {count + len(matches.found)} images do not match: {listed(matches.unmatched)}.")
        )
    if aside:
        problems.append(
            Problem(f"{len(aside)} images look like masks, thumbnails or previews and are left out: {listed(aside)}.")
        )
    if listing.beside:
        ending = extension_of(listing.beside[0])
        problems.append(
            Problem(
                f"{len(listing.beside)} files of an instrument beside the images are not read: "
                f"{listed(listing.beside)}. To open these, give a pattern that ends in .{ending}."
            )
        )
    if listing.outside:
        problems.append(Problem(f"Links that lead out of the folder are not followed: {listed(listing.outside)}."))
    if not listing.complete:
        problems.append(Problem(f"The folder has too many files; the first {len(listing.files)} were looked at."))
    return problems
