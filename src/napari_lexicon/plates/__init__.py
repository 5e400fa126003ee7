"""What a plate is; readers, one file per layout; plate maps; writing OME-Zarr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_lexicon.plates.opening import open_plate

__all__ = ["open_plate"]


def __getattr__(name: str) -> Any:
    if name == "open_plate":
        from napari_lexicon.plates.opening import open_plate

        return open_plate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
