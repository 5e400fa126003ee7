"""Cells of a field: label images that lie beside it, or a plain segmentation of nuclei.

The segmentation is scikit-image's textbook one (local threshold, distance transform, watershed). What a wide neck joins
stays whole: seeds are the maxima of the distance that stand out of it (h-maxima; Soille, Morphological Image Analysis,
2003, section 6.3.4). It counts nuclei well enough to correlate features with; whoever has better labels should give
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.filters import gaussian, threshold_local, threshold_otsu
from skimage.measure import label
from skimage.morphology import h_maxima, remove_small_objects
from skimage.segmentation import watershed

from napari_lexicon.analysis.cells import LabelsError
from napari_lexicon.analysis.nuclear_channel import nuclei_channel
from napari_lexicon.analysis.reading import ReadField
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.resampling import Resampled, nearest
from napari_lexicon.plates.zarr_field import ZarrField

Labels = Callable[[ReadField], np.ndarray]
"""From a field opened with its pixels to its ``(Y, X)`` labels."""

NUCLEUS_UM = 12.0  # usual diameter, where the pixel size is known
NUCLEUS_PX = 20.0  # and where it is not
_NECK = 0.02
"""Part of the usual diameter by which a neck is narrower, from its middle out, than what it joins, to be split."""


def segmented_nuclei(plane: np.ndarray, diameter_px: float = NUCLEUS_PX) -> np.ndarray:
    """Labels of bright blobs.

    Parameters
    ----------
    plane : numpy.ndarray
        ``(Y, X)`` of a nuclear stain, any unit.
    diameter_px : float
        Usual diameter of a nucleus, pixels.

    Returns
    -------
    numpy.ndarray
        ``(Y, X)`` int32, 0 for background.
    """
    smooth = gaussian(plane.astype(np.float64), max(1.0, diameter_px / 16))
    noise = 1.4826 * np.median(np.abs(plane - np.median(plane)))
    if np.ptp(smooth) <= 1e-9 + 0.5 * noise:
        return np.zeros(plane.shape, np.int32)
    block = 2 * round(3 * diameter_px) + 1
    over_all = threshold_otsu(smooth)
    mask = (smooth > threshold_local(smooth, block, method="gaussian")) & (smooth > 0.6 * over_all + 0.4 * smooth.min())
    mask = ndimage.binary_fill_holes(ndimage.binary_opening(mask, iterations=max(1, round(diameter_px / 12))))
    mask = remove_small_objects(mask, max_size=round(0.12 * diameter_px**2))
    depth = ndimage.distance_transform_edt(mask)
    seeds = _seeds(gaussian(depth, diameter_px / 10), label(mask), _NECK * diameter_px)
    return np.asarray(watershed(-depth, seeds, mask=mask), dtype=np.int32)


def _seeds(depth: np.ndarray, pieces: np.ndarray, height: float) -> np.ndarray:
    """Labels of the maxima that stand out by ``height``, piece by piece: most of an image is ground."""
    found = np.zeros(pieces.shape, bool)
    for number, place in enumerate(ndimage.find_objects(pieces), start=1):
        own = pieces[place] == number
        inside = np.pad(np.where(own, depth[place], 0), 1)
        found[place] |= (h_maxima(inside, min(height, inside.max() / 2))[1:-1, 1:-1] > 0) & own
    return np.asarray(label(found))


def stained(plane: np.ndarray, *, colour: bool) -> np.ndarray:
    """A plane in which what is stained is bright.

    Parameters
    ----------
    plane : numpy.ndarray
        ``(Y, X)``, any unit.
    colour : bool
        It is of a colour image. Where most of such a plane is bright, the light shone through the section or smear, and
        what is stained has taken it away; a colour image of fluorescence stays as it is.
    """
    if not colour:
        return plane
    low, middle, high = np.percentile(plane, (0.5, 50, 99.5))
    return np.asarray(high - plane.astype(np.float32)) if high - middle < middle - low else plane


def nucleus_width(planes: Iterable[np.ndarray], least: int = 10) -> float | None:
    """Usual width of a nucleus in some ``(Y, X)`` planes of a nuclear stain, pixels.

    That of a disk of the median area, segmented once more with the width that was found first; None where fewer than
    ``least`` nuclei are found. Nuclei narrower than about 8 px are taken for noise.
    """
    seen, width = list(planes), NUCLEUS_PX
    for _ in range(2):
        labels = [segmented_nuclei(plane, width) for plane in seen]
        areas = np.concatenate([np.zeros(0, np.int64), *(np.bincount(one.ravel())[1:] for one in labels)])
        if len(areas) < least:
            return None
        width = float(2 * np.sqrt(np.median(areas) / np.pi))
    return width


def built_in_labels(channel: str | None = None, diameter_um: float | None = None) -> Labels:
    """Labels by :func:`segmented_nuclei` on one channel, the nuclear one by its name where None.

    Without a pixel size, a diameter counts as so many pixels.
    """

    def labels(field: ReadField) -> np.ndarray:
        names = [field.plate.header.channels[c].name for c in field.header.channels]
        if channel is not None and channel not in names:
            raise LabelsError(f"{field.what} has no channel {channel} to segment: it has {', '.join(names)}.")
        row = nuclei_channel(names) if channel is None else names.index(channel)
        pixel = field.header.pixel_size_um
        usual = diameter_um or (NUCLEUS_UM if pixel else NUCLEUS_PX)
        plane = stained(field.windowed[row], colour=field.plate.header.rgb)
        return segmented_nuclei(plane, usual / pixel[1] if pixel else usual)

    return labels


def stored_labels(name: str) -> Labels:
    """Label images called ``name`` in the ``labels`` group of every field of an OME-Zarr plate."""

    def labels(field: ReadField) -> np.ndarray:
        source = None if field.source is None else field.source.source
        if isinstance(source, Resampled):
            source = source.inner
        if not isinstance(source, ZarrField):
            raise LabelsError(
                f"Plate {field.plate.header.name} is no OME-Zarr plate, so it holds no labels {name}: "
                "give a folder of label images."
            )
        try:
            found = np.asarray(source.storage.array(f"{source.key}/labels/{name}/0")[...])
        except (OSError, KeyError, ValueError) as error:
            raise LabelsError(
                f"{field.what} has no labels {name} ({error}): check the name, or give a folder of label images."
            ) from error
        return _on_field(found, field)

    return labels


def labels_of_folder(path: str | Path, pattern: str | None = None) -> Labels:
    """Label images in a folder of their own, named like the images: one channel, the same wells and fields."""
    plate = open_plate(path, pattern=pattern)
    sources = {(field.well, field.index): field for field in plate.fields()}

    def labels(field: ReadField) -> np.ndarray:
        found = sources.get((field.header.well, field.header.index))
        if found is None:
            raise LabelsError(f"{path} has no labels of {field.what}: name the files like the images.")
        return _on_field(np.asarray(found.image()[0]), field)

    return labels


def _on_field(labels: np.ndarray, field: ReadField) -> np.ndarray:
    """Labels of a field as it lies on disk, on the pixels of the field as it was resampled."""
    return labels if field.plate.header.origin.size == (0.0, 1.0) else nearest(labels, field.header.shape)


def labels_from(asked: str | None, channel: str | None = None, diameter_um: float | None = None) -> Labels:
    """Labels by what a person asked for: a folder, the name of labels inside the plate, or None to segment nuclei."""
    if asked is None:
        return built_in_labels(channel, diameter_um)
    return labels_of_folder(asked) if Path(asked).exists() else stored_labels(asked)
