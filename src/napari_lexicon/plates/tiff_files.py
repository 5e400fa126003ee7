"""TIFF files of all kinds that tifffile knows: plain, ImageJ, OME, MetaMorph, tiled and pyramidal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import IO, TYPE_CHECKING

import numpy as np

from napari_lexicon.plates.image_files import RGB, ImageHeader, Plane
from napari_lexicon.plates.lazy import Pixels
from napari_lexicon.plates.plane_choices import Pages
from napari_lexicon.plates.tiff_metadata import described_channels, pixel_size_um, position_um

if TYPE_CHECKING:
    import tifffile

# Pages without a stated meaning are channels up to this number, and frames of a film beyond.
_MOST_UNNAMED_CHANNELS = 8
# Photometric interpretations of the TIFF standard.
_RGB, _PALETTE, _YCBCR = 2, 3, 6


def tiff_header(source: str | IO[bytes], scene: int = 0, pages: Pages | None = None) -> ImageHeader:
    """Header of one image of a TIFF file, by its path or open; ``pages`` as in :class:`Plane`."""
    with _opened(source) as tif:
        numbers = _scenes(tif)
        series = _series(tif, numbers, scene)
        sizes = _sizes(series, pages)
        page = series.keyframe
        _check_whole(series, tif.filehandle.size)
        if page.is_tiled and not page.tilelength * page.tilewidth:
            raise ValueError("its tiles have no size")
        samples, rgb = _colors(series)
        remarks = ["transparency left out"] if samples < sizes.get("S", 1) else []
        if int(page.photometric) == _PALETTE:
            # In microscopy a palette is how the grey values were shown, not what was measured.
            remarks.append("palette ignored: grey values are the stored numbers")
        remarks += _said_of_pages(series, pages)
        if len(numbers) > 1:
            remarks.append(f"files with {len(numbers)} images, each a field")
        channels = samples * sizes.get("C", 1)
        return ImageHeader(
            shape=(sizes["Y"], sizes["X"]),
            dtype=np.dtype(series.dtype).newbyteorder("="),
            channels=channels,
            depth=sizes.get("Z", 1),
            times=sizes.get("T", 1),
            rgb=rgb,
            described=RGB if rgb else described_channels(tif, channels, numbers[scene]),
            pixel_size_um=pixel_size_um(tif, numbers[scene]),
            levels=len(series.levels),
            together=samples,
            tile=(page.tilelength, page.tilewidth) if page.is_tiled else None,
            scenes=len(numbers),
            remark="; ".join(remarks),
            position_um=position_um(tif, numbers[scene]),
        )


def tiff_plane(source: str | IO[bytes], plane: Plane) -> Pixels:
    """``(C, Y, X)`` pixels of a TIFF file, by its path or open."""
    with _opened(source) as tif:
        series = _series(tif, _scenes(tif) if plane.scene else [0], plane.scene)
        sizes = _sizes(series, plane.pages)
        samples, _ = _colors(series)
        depth, times, channels = sizes.get("Z", 1), sizes.get("T", 1), samples * sizes.get("C", 1)
        if plane.t >= times or (plane.z != "max" and plane.z >= depth):
            raise ValueError(f"it has {depth} planes in z and {times} time points")
        if plane.channels is not None and max(plane.channels) >= channels:
            raise ValueError(f"it has {channels} channels; channel {max(plane.channels) + 1} was asked for")
        wanted = range(channels) if plane.channels is None else plane.channels
        pages: dict[int, Pixels] = {}  # samples of one page are stored together, so they are read together
        for page in dict.fromkeys(channel // samples for channel in wanted):
            planes = range(depth) if plane.z == "max" else (plane.z,)
            pages[page] = reduce(np.maximum, (_samples(source, series, plane, page, z) for z in planes))
        pixels = np.stack([pages[channel // samples][channel % samples] for channel in wanted])
        return pixels.max(axis=0, keepdims=True) if plane.channels is None else pixels


def _opened(source: str | IO[bytes]) -> tifffile.TiffFile:
    import tifffile

    # A multi-file OME-TIFF names its other files, anywhere on the disk; each file is read for itself here.
    return tifffile.TiffFile(source, _multifile=False)


def _scenes(tif: tifffile.TiffFile) -> list[int]:
    """Numbers of the series that are images of their own; not the label, the overview and the thumbnail of a slide."""
    main = _sizes(tif.series[0])
    return [0, *(n for n, other in enumerate(tif.series) if n and _is_image(other, main))]


def _series(tif: tifffile.TiffFile, numbers: Sequence[int], scene: int) -> tifffile.TiffPageSeries:
    if scene >= len(numbers):
        raise ValueError(f"it has {len(numbers)} images; image {scene} was asked for")
    return tif.series[numbers[scene]]


def _roles(series: tifffile.TiffPageSeries, pages: Pages | None = None) -> dict[str, str]:
    """What each axis of a series is to us: T, Z, C, Y, X, S, or "." for an axis of which the first is taken."""
    roles = {axis: axis if axis in "TZCYXS" else "." for axis in series.axes}
    lengths = dict(zip(series.axes, series.shape, strict=True))
    unnamed = _unnamed(series)
    if unnamed is None:
        return roles
    few = lengths[unnamed] <= _MOST_UNNAMED_CHANNELS and lengths.get("S", 1) == 1 and "C" not in roles
    role = (pages or ("c" if few else "t")).upper()
    if role not in roles and not (role == "C" and lengths.get("S", 1) > 1):
        roles[unnamed] = role
    return roles


def _unnamed(series: tifffile.TiffPageSeries) -> str | None:
    """The axis of the pages, where the file does not say what they are."""
    lengths = dict(zip(series.axes, series.shape, strict=True))
    unknown = [axis for axis in series.axes if axis not in "TZCYXS" and lengths[axis] > 1]
    return unknown[0] if len(unknown) == 1 else None


def _said_of_pages(series: tifffile.TiffPageSeries, pages: Pages | None) -> list[str]:
    """What the pages were taken for, where the file does not say what they are."""
    unnamed = _unnamed(series)
    if unnamed is None or (role := _roles(series, pages)[unnamed]) == ".":
        return []
    count = dict(zip(series.axes, series.shape, strict=True))[unnamed]
    words = {"Z": "planes in z", "T": "time points", "C": "channels"}[role]
    why = "as chosen"
    if pages is None:
        why = "as the files do not say what they are: choose below the pattern or with --pages"
    return [f"{count} pages a file taken as {words}, {why}"]


def _sizes(series: tifffile.TiffPageSeries, pages: Pages | None = None) -> dict[str, int]:
    """Length of each axis by its role."""
    roles = _roles(series, pages)
    sizes = {roles[axis]: int(length) for axis, length in zip(series.axes, series.shape, strict=True)}
    if "Y" not in sizes or "X" not in sizes:
        raise ValueError(f"its axes are {series.axes}, which is no image")
    return sizes


def _colors(series: tifffile.TiffPageSeries) -> tuple[int, bool]:
    """How many samples of a pixel are intensities, not transparency, and whether they are one colour image."""
    samples = dict(zip(series.axes, series.shape, strict=True)).get("S", 1)
    page = series.keyframe
    colored = samples in (3, 4) and int(page.photometric) in (_RGB, _YCBCR)
    if colored and int(page.planarconfig) == 2 and (series.dtype != np.uint8 or series.kind == "shaped"):
        colored = False  # fluorescence channels that were saved as if they were red, green and blue
    if colored:
        return 3, True
    alpha = sum(int(extra) in (1, 2) for extra in page.extrasamples or ())
    return max(1, samples - alpha), False


def _is_image(series: tifffile.TiffPageSeries, main: Mapping[str, int]) -> bool:
    """True for a further image; False for the label, the overview and the thumbnail of a slide."""
    lengths = dict(zip(series.axes, series.shape, strict=True))
    named = series.name.lower() in ("label", "macro", "thumbnail", "map", "overview")
    return not named and 4 * min(lengths.get("Y", 0), lengths.get("X", 0)) >= min(main["Y"], main["X"])


def _check_whole(series: tifffile.TiffPageSeries, size: int) -> None:
    """Find a file that was cut off without reading it: its pages point behind its end."""
    if series.dataoffset is not None:
        end = series.dataoffset + math.prod(series.shape) * np.dtype(series.dtype).itemsize
    else:
        last = series.pages[-1]
        if last is None:
            return
        places = zip(last.dataoffsets, last.databytecounts, strict=False)
        end = max((offset + count for offset, count in places), default=0)
    if end > size:
        raise ValueError(f"it is cut off: {size} of {end} bytes are there")


def _samples(source: str | IO[bytes], series: tifffile.TiffPageSeries, plane: Plane, page: int, z: int) -> Pixels:
    """``(S, Y, X)`` pixels of one page."""
    roles = _roles(series, plane.pages)
    place: dict[str, int | slice] = {"T": plane.t, "Z": z, "C": page, ".": 0, "Y": plane.rows, "X": plane.columns}
    region = {axis: place.get(roles[axis], slice(None)) for axis in series.axes}
    pixels = _read(source, series, plane.level, region)
    left = [axis for axis in series.axes if axis in "SYX"]
    if "S" not in left:
        left, pixels = ["S", *left], pixels[None]
    return pixels.transpose([left.index(axis) for axis in "SYX"])


def _read(
    source: str | IO[bytes], series: tifffile.TiffPageSeries, number: int, region: Mapping[str, int | slice]
) -> Pixels:
    """The region of a level, by the way that reads least."""
    level = series.levels[number]
    index = tuple(region[axis] for axis in level.axes)
    if level.dataoffset is not None:
        stored = np.dtype(level.dtype).newbyteorder(level.keyframe.parent.byteorder)
        if isinstance(source, str):
            return np.array(np.memmap(source, stored, "r", level.dataoffset, level.shape)[index])
        source.seek(level.dataoffset)
        content = source.read(math.prod(level.shape) * stored.itemsize)
        return np.frombuffer(content, stored).reshape(level.shape)[index]
    if level.keyframe.is_tiled:
        import zarr

        return np.asarray(zarr.open_array(series.aszarr(level=number), mode="r")[index])
    # Pages hold the last axes; the axes before them number the pages.
    lead = len(level.axes) - len(level.keyframe.axes)
    numbers = [number for number in index[:lead] if isinstance(number, int)]
    if len(numbers) == lead and len(level.pages) == math.prod(level.shape[:lead]):
        page = level.pages[int(np.ravel_multi_index(numbers, level.shape[:lead])) if lead else 0]
        if page is None:
            raise ValueError("a page of it lies in another file")
        return np.asarray(page.asarray()[index[lead:]])
    return np.asarray(level.asarray()[index])
