"""From a field of any size to one token per patch.

A model that looks at the whole tile reads overlapping tiles, of which the inner part is kept. A model whose tokens look
so far and no further reads the field in one piece, or in large parts that have all their tokens look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

from napari_lexicon.backbones.spec import Backbone, BackboneSpec

DEFAULT_BATCH = 16
LARGEST_PART = 144
"""Tokens along a side that are read in one piece by a model with a reach: 2304 px of 16 px patches."""


def field_grid(shape: tuple[int, ...], spec: BackboneSpec) -> tuple[int, int]:
    """Tokens along Y and X of a field.

    Parameters
    ----------
    shape : tuple of int
        ``(..., Y, X)`` in pixels.
    spec : BackboneSpec
        Its patch decides.

    Returns
    -------
    tuple of int
        ``(ceil(Y / patch), ceil(X / patch))``. Token (i, j) belongs to the pixels
        ``[i * patch, (i + 1) * patch) x [j * patch, (j + 1) * patch)``.
    """
    height, width = shape[-2:]
    return -(-height // spec.patch), -(-width // spec.patch)


def field_tokens(backbone: Backbone, image: npt.NDArray[np.float32], batch: int = DEFAULT_BATCH) -> torch.Tensor:
    """Tokens of a whole field.

    The field is covered by tiles that overlap by twice the spec's margin; tokens nearer than the margin to the edge
    of a tile are dropped, since they have seen less of their surroundings. Beyond the border the field is mirrored.
    With a model that has a reach the field is read in one piece, mirrored for the width of the margin; a field of more
    than 144 patches along a side is read in parts that include all that their tokens look at, which gives the same
    tokens but for rounding.

    Parameters
    ----------
    backbone : Backbone
        Model with a layer chosen.
    image : numpy.ndarray, ``(C, Y, X)`` float32
        Windowed intensities (:func:`~napari_lexicon.backbones.preprocessing.apply_windows`).
    batch : int
        Tiles of one channel per forward pass; a pass holds at least one tile with all its channels.

    Returns
    -------
    torch.Tensor, ``(G, gh, gw, dim)`` float32
        G is C for a channel-wise backbone, 1 for a joint one; ``(gh, gw) = field_grid(image.shape, spec)``.

    Raises
    ------
    ValueError
        If the image is empty or has other axes.
    """
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(f"A field has axes (C, Y, X), none of them empty; this one has shape {image.shape}.")
    spec = backbone.spec
    if spec.reach:
        return _tokens_in_parts(backbone, image, batch)
    gh, gw = field_grid(image.shape, spec)
    result: torch.Tensor | None = None
    for origins in _batches(_tile_origins(gh, gw, spec), max(1, batch // len(image))):
        tiles = torch.from_numpy(np.stack([_cut(image, row, column, spec) for row, column in origins]))
        tokens = backbone.tokens(tiles)
        if result is None:
            result = torch.empty((tokens.shape[1], gh, gw, spec.dim), dtype=torch.float32)
        for tile_tokens, (row, column) in zip(tokens, origins, strict=True):
            _place(result, tile_tokens, row, column, spec)
    assert result is not None  # a field of at least one pixel has at least one tile
    return result


def _tokens_in_parts(backbone: Backbone, image: npt.NDArray[np.float32], batch: int) -> torch.Tensor:
    """Tokens ``(C, gh, gw, dim)`` of a field by a model with a reach."""
    spec = backbone.spec
    gh, gw = field_grid(image.shape, spec)
    result = torch.empty((len(image), gh, gw, spec.dim), dtype=torch.float32)
    for top, bottom in _parts(gh):
        rows = _read_range(top, bottom, gh, spec)
        for left, right in _parts(gw):
            columns = _read_range(left, right, gw, spec)
            area = (rows[1] - rows[0]) * (columns[1] - columns[0]) * spec.patch**2
            at_once = max(1, batch * spec.tile**2 // area)
            inner = slice(top - rows[0], bottom - rows[0]), slice(left - columns[0], right - columns[0])
            for first in range(0, len(image), at_once):
                some = slice(first, first + at_once)
                pixels = _region(image[some], rows, columns, spec.patch)
                (tokens,) = backbone.tokens(torch.from_numpy(pixels)[None])
                result[some, top:bottom, left:right] = tokens[:, inner[0], inner[1]]
    return result


def _parts(length: int) -> list[tuple[int, int]]:
    """Equal parts of a side, each short enough to be read in one piece, as (first, one past the last)."""
    edges = np.linspace(0, length, -(-length // LARGEST_PART) + 1).round().astype(int).tolist()
    return list(pairwise(edges))


def _read_range(first: int, stop: int, length: int, spec: BackboneSpec) -> tuple[int, int]:
    """Tokens along a side that must be read for ``first`` to ``stop``: all within reach, and no more than the margin
    beyond the border."""
    beyond = spec.margin // spec.patch
    return max(first - spec.reach, -beyond), min(stop + spec.reach, length + beyond)


def fine_field_tokens(
    backbone: Backbone, image: npt.NDArray[np.float32], finer: int = 2, batch: int = DEFAULT_BATCH
) -> torch.Tensor:
    """Tokens of a whole field on a finer grid: the mean over tilings shifted by ``patch / finer`` pixels.

    Every cell of the fine grid gets the mean of the tokens of all the patches, over all shifts, that cover it. It
    costs ``finer ** 2`` times the time of :func:`field_tokens`: 4 times for half the stride, 16 times for a quarter.

    Parameters
    ----------
    backbone : Backbone
        Model with a layer chosen.
    image : numpy.ndarray, ``(C, Y, X)`` float32
        Windowed intensities.
    finer : int
        By how much the grid is finer along each side; divides the patch.
    batch : int
        As in :func:`field_tokens`.

    Returns
    -------
    torch.Tensor, ``(G, ceil(Y / step), ceil(X / step), dim)`` float32
        With ``step = patch / finer``; token (i, j) belongs to the pixels
        ``[i * step, (i + 1) * step) x [j * step, (j + 1) * step)``.

    Raises
    ------
    ValueError
        If ``finer`` does not divide the patch, or the image is empty or has other axes.
    """
    patch = backbone.spec.patch
    if finer < 1 or patch % finer:
        raise ValueError(f"A patch of {patch} px cannot be shifted in {finer} equal steps of whole pixels.")
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(f"A field has axes (C, Y, X), none of them empty; this one has shape {image.shape}.")
    step = patch // finer
    height, width = (-(-side // step) for side in image.shape[1:])
    total: torch.Tensor | None = None
    for down in range(finer):
        for right in range(finer):
            tokens = field_tokens(backbone, _begun_earlier(image, down * step, right * step), batch)
            cells = tokens.repeat_interleave(finer, 1).repeat_interleave(finer, 2)
            cells = cells[:, down : down + height, right : right + width]
            total = cells.clone() if total is None else total.add_(cells)
    assert total is not None
    return total / finer**2


def _begun_earlier(image: npt.NDArray[np.float32], above: int, left: int) -> npt.NDArray[np.float32]:
    """The image with mirrored pixels added above and to the left."""
    rows = _mirrored(np.arange(-above, image.shape[1]), image.shape[1])
    columns = _mirrored(np.arange(-left, image.shape[2]), image.shape[2])
    return image[:, rows[:, None], columns]


def _inner(spec: BackboneSpec) -> int:
    """Tokens along one side of the part of a tile that is kept."""
    return (spec.tile - 2 * spec.margin) // spec.patch


def _tile_origins(gh: int, gw: int, spec: BackboneSpec) -> list[tuple[int, int]]:
    """First kept token (row, column) of each tile."""
    inner = _inner(spec)
    return [(row, column) for row in range(0, gh, inner) for column in range(0, gw, inner)]


def _batches(origins: list[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(origins), size):
        yield origins[start : start + size]


def _cut(image: npt.NDArray[np.float32], row: int, column: int, spec: BackboneSpec) -> npt.NDArray[np.float32]:
    """The ``(C, tile, tile)`` pixels around the kept tokens that start at (row, column)."""
    skip, side = spec.margin // spec.patch, spec.tile // spec.patch
    rows, columns = ((first - skip, first - skip + side) for first in (row, column))
    return _region(image, rows, columns, spec.patch)


def _region(
    image: npt.NDArray[np.float32], rows: tuple[int, int], columns: tuple[int, int], patch: int
) -> npt.NDArray[np.float32]:
    """Pixels of a range of patches, ``(first, one past the last)`` on each side, mirrored beyond the border."""
    down, above = _inside(rows[0] * patch, rows[1] * patch, image.shape[1])
    right, left = _inside(columns[0] * patch, columns[1] * patch, image.shape[2])
    within = image[:, down, right]
    if max(above) < within.shape[1] and max(left) < within.shape[2]:
        # Four times as fast as by places; of a wider border the mirror image needs a mirror image of its own.
        return np.pad(within, ((0, 0), above, left), mode="reflect")
    places = _mirrored(np.arange(rows[0] * patch, rows[1] * patch), image.shape[1])
    return image[:, places[:, None], _mirrored(np.arange(columns[0] * patch, columns[1] * patch), image.shape[2])]


def _inside(first: int, stop: int, size: int) -> tuple[slice, tuple[int, int]]:
    """The part of a range of pixels that a field has, and how many pixels it lacks on either side."""
    return slice(max(0, first), max(0, min(stop, size))), (max(0, -first), max(0, stop - size))


def _mirrored(positions: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Positions folded into ``[0, size)`` by reflection about the first and last pixel, as often as needed."""
    if size == 1:
        return np.zeros_like(positions)
    period = 2 * (size - 1)
    folded = np.mod(positions, period)
    nearer: npt.NDArray[np.int64] = np.minimum(folded, period - folded)
    return nearer


def _place(result: torch.Tensor, tokens: torch.Tensor, row: int, column: int, spec: BackboneSpec) -> None:
    """Write the inner tokens of one tile, ``(G, th, tw, dim)``, to their place in the field."""
    inner, skip = _inner(spec), spec.margin // spec.patch
    height, width = min(inner, result.shape[1] - row), min(inner, result.shape[2] - column)
    result[:, row : row + height, column : column + width] = tokens[:, skip : skip + height, skip : skip + width]
