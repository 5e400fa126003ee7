"""Label images beside the images of an OME-Zarr plate, or as images of their own, in the version that is there.

https://ngff.openmicroscopy.org/0.5/#labels-md and https://ngff.openmicroscopy.org/0.4/#labels-md
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.model import Field
from napari_lexicon.plates.ngff import LAYOUTS, Layout, Pixels
from napari_lexicon.plates.pyramid import label_pyramid
from napari_lexicon.plates.zarr_field import ZarrField

_CHUNK = 1024


@dataclass(frozen=True)
class LabelImage:
    """Labels of one field.

    Parameters
    ----------
    name : str
        Of the group; letters, digits, ``-`` and ``_`` are kept.
    labels : numpy.ndarray
        ``(Y, X)`` integers, 0 for background, on the pixels of the field.
    color : str
        ``"#RRGGBB"`` of what is not background.
    properties : mapping
        What is said of label 1, JSON-able.
    """

    name: str
    labels: Pixels
    color: str
    properties: Mapping[str, Any]


def labels_place(field: Field) -> Path | None:
    """Group of a field's image where labels can be written beside it: in a local OME-Zarr plate that may be written."""
    source = field.source
    if not isinstance(source, ZarrField) or not isinstance(source.storage.place, Path):
        return None
    group = source.storage.place / source.key
    if not group.is_dir() or not os.access(group, os.W_OK) or _layout_of(group) is None:
        return None
    return group


def write_beside(group: Path, field: Field, image: LabelImage) -> Path:
    """Write labels to ``labels/NAME`` in the group of an image, in place of older ones of the same name.

    Parameters
    ----------
    group : pathlib.Path
        As from :func:`labels_place`.
    field : Field
        Of which the labels are.
    image : LabelImage
        The labels.

    Returns
    -------
    pathlib.Path
        The label group.

    Raises
    ------
    PlateError
        If the disk does not take it.
    """
    layout = _layout_of(group)
    if layout is None:
        raise PlateError(f"{group} is no OME-Zarr image that is understood: write the labels to a folder instead.")
    parent, name = group / "labels", plain_name(image.name)
    try:
        listed = (layout.read_group(parent) or {}).get("labels")
        names = [str(each) for each in listed] if isinstance(listed, list) else []
        _write(layout, parent / name, field, image, beside=True)
        layout.write_group(parent, {"labels": [*names, *([] if name in names else [name])]})
    except OSError as error:
        raise PlateError(f"{parent} cannot be written ({error.strerror or error}): choose another folder.") from error
    return parent / name


def write_alone(folder: Path, field: Field, image: LabelImage) -> Path:
    """Write labels as an OME-Zarr image of their own, ``WELL_FIELD_NAME.zarr`` in a folder.

    Raises
    ------
    PlateError
        If the disk does not take it.
    """
    path = folder / f"{plain_name(field.well)}_{plain_name(field.name)}_{plain_name(image.name)}.zarr"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(LAYOUTS["0.5"], path, field, image, beside=False)
    except OSError as error:
        raise PlateError(f"{folder} cannot be written ({error.strerror or error}): choose another folder.") from error
    return path


def plain_name(text: str) -> str:
    """A name that is one folder on every disk."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "labels"


def _layout_of(group: Path) -> Layout | None:
    return next((layout for layout in LAYOUTS.values() if layout.read_group(group)), None)


def _write(layout: Layout, target: Path, field: Field, image: LabelImage, *, beside: bool) -> None:
    """Write all levels to a folder nearby, which then takes the place of the target."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    levels = label_pyramid(image.labels)
    try:
        layout.write_group(partial, _attributes(field, image, len(levels), beside=beside))
        for level, pixels in enumerate(levels):
            chunks = (min(_CHUNK, pixels.shape[0]), min(_CHUNK, pixels.shape[1]))
            layout.write_array(partial / str(level), pixels, chunks, ("y", "x"))
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _attributes(field: Field, image: LabelImage, n_levels: int, *, beside: bool) -> dict[str, Any]:
    size = field.pixel_size_um or (1.0, 1.0)
    unit = {"unit": "micrometer"} if field.pixel_size_um else {}
    datasets = []
    for level in range(n_levels):
        steps: list[dict[str, Any]] = [{"type": "scale", "scale": [size[0] * 2.0**level, size[1] * 2.0**level]}]
        if field.position_um is not None:
            steps.append({"type": "translation", "translation": list(field.position_um)})
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    axes = [{"name": axis, "type": "space", **unit} for axis in ("y", "x")]
    red, green, blue = (int(image.color[at : at + 2], 16) for at in (1, 3, 5))
    shown: dict[str, Any] = {
        "colors": [{"label-value": 1, "rgba": [red, green, blue, 255]}],
        "properties": [{"label-value": 1, **image.properties}],
    }
    if beside:
        shown["source"] = {"image": "../../"}
    return {
        "multiscales": [{"name": plain_name(image.name), "axes": axes, "datasets": datasets}],
        "image-label": shown,
    }
