"""How the two OME-Zarr versions lie on disk: NGFF 0.4 in zarr v2 (``.zattrs``), NGFF 0.5 in zarr v3 (``zarr.json``).

https://ngff.openmicroscopy.org/0.4 and https://ngff.openmicroscopy.org/0.5
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

Pixels = npt.NDArray[Any]

VERSIONED = ("plate", "well", "omero", "multiscales", "image-label")
"""Keys of NGFF 0.4 that carry the version themselves; in 0.5 it stands once, beside them."""


class Layout(Protocol):
    """Reads and writes the groups and arrays of one version."""

    def read_group(self, folder: Path) -> dict[str, Any] | None:
        """NGFF attributes of a group, None where there is no group of this version."""
        ...

    def write_group(self, folder: Path, attributes: Mapping[str, Any]) -> None:
        """Write a group at once (a reader finds the old metadata or the new), making its folder."""
        ...

    def write_array(self, folder: Path, pixels: Pixels, chunks: tuple[int, ...], axes: tuple[str, ...]) -> None:
        """Write an array with its pixels."""
        ...


class Version04:
    """NGFF 0.4 in zarr v2."""

    def read_group(self, folder: Path) -> dict[str, Any] | None:
        """NGFF attributes of a group, None where there is no group of this version."""
        if not (folder / ".zgroup").is_file():
            return None
        return _read_json(folder / ".zattrs") or {}

    def write_group(self, folder: Path, attributes: Mapping[str, Any]) -> None:
        """Write ``.zattrs`` and ``.zgroup``."""
        folder.mkdir(parents=True, exist_ok=True)
        stated = dict(attributes)
        for key in VERSIONED:
            if isinstance(stated.get(key), dict):
                stated[key] = {"version": "0.4", **stated[key]}
            elif key in stated:
                stated[key] = [{"version": "0.4", **item} for item in stated[key]]
        replace_text(folder / ".zattrs", json.dumps(stated, indent=1))
        replace_text(folder / ".zgroup", '{"zarr_format": 2}')

    def write_array(self, folder: Path, pixels: Pixels, chunks: tuple[int, ...], axes: tuple[str, ...]) -> None:
        """Write a zarr v2 array, chunks in folders as NGFF asks."""
        import zarr
        from numcodecs import Blosc  # type: ignore[import-untyped]

        array = zarr.create_array(
            folder,
            shape=pixels.shape,
            chunks=chunks,
            dtype=pixels.dtype,
            zarr_format=2,
            filters=None,
            compressors=Blosc(cname="zstd", clevel=3, shuffle=Blosc.BITSHUFFLE),
            fill_value=0,
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
        array[...] = pixels


class Version05:
    """NGFF 0.5 in zarr v3."""

    def read_group(self, folder: Path) -> dict[str, Any] | None:
        """NGFF attributes of a group, None where there is no group of this version."""
        document = _read_json(folder / "zarr.json")
        if document is None or document.get("node_type") != "group":
            return None
        attributes = document.get("attributes")
        ome = attributes.get("ome") if isinstance(attributes, dict) else None
        return ome if isinstance(ome, dict) else {}

    def write_group(self, folder: Path, attributes: Mapping[str, Any]) -> None:
        """Write ``zarr.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        stated = dict(attributes)
        for key in ("plate", "well"):  # the schema of 0.5 has the version here as well
            if key in stated:
                stated[key] = {"version": "0.5", **stated[key]}
        stated = {"ome": {"version": "0.5", **stated}} if stated else {}
        document = {"zarr_format": 3, "node_type": "group", "attributes": stated}
        replace_text(folder / "zarr.json", json.dumps(document, indent=1))

    def write_array(self, folder: Path, pixels: Pixels, chunks: tuple[int, ...], axes: tuple[str, ...]) -> None:
        """Write a zarr v3 array with the dimension names that NGFF 0.5 asks for."""
        import zarr
        from zarr.codecs import BloscCodec

        array = zarr.create_array(
            folder,
            shape=pixels.shape,
            chunks=chunks,
            dtype=pixels.dtype,
            zarr_format=3,
            compressors=BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle"),
            fill_value=0,
            dimension_names=axes,
        )
        array[...] = pixels


LAYOUTS: Mapping[str, Layout] = {"0.5": Version05(), "0.4": Version04()}


def replace_text(path: Path, text: str) -> None:
    """Write a text file so that a reader finds the old one or the new one, never a half."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return document if isinstance(document, dict) else None
