"""What a dictionary file says of itself, read without torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from napari_lexicon.errors import DictionaryError
from napari_lexicon.widgets.basic.words import counted
from napari_lexicon.widgets.workspace.cache_state import backbone_words
from napari_lexicon.widgets.workspace.requests import BUILTIN


@dataclass(frozen=True)
class DictionaryOutline:
    """The outline of a dictionary file.

    Parameters
    ----------
    path : str
        The file, or ``builtin``.
    name : str
        For people.
    features, k : int
        Number of features, and how many fire in a patch at most.
    backbone : dict
        The model it belongs to, as in its header.
    channels : str
        Channel mode.
    metrics : dict
        Held-out figures.
    controls : str
        How its control wells were chosen.
    content : str
        SHA-256 of the file.
    """

    path: str
    name: str
    features: int
    k: int
    backbone: dict[str, Any]
    channels: str
    metrics: dict[str, Any]
    controls: str
    content: str


def dictionary_file(path: str) -> Path:
    """File of a dictionary, which may be ``builtin``."""
    if path == BUILTIN:
        return Path(str(resources.files("napari_lexicon.dictionaries").joinpath("builtin.safetensors")))
    return Path(path)


def read_outline(path: str) -> DictionaryOutline:
    """Read the outline of a dictionary file.

    Raises
    ------
    DictionaryError
        If it is no dictionary.
    """
    from safetensors import SafetensorError, safe_open

    file = dictionary_file(path)
    if not file.is_file():
        what = "The built-in dictionary is not in this installation" if path == BUILTIN else f"There is no file {file}"
        raise DictionaryError(f"{what}: choose a dictionary file, or train one.")
    try:
        with safe_open(file, framework="numpy") as opened:
            metadata = opened.metadata() or {}
            header, encoder = json.loads(metadata["lexicon"]), json.loads(metadata["encoder"])
            features = int(opened.get_slice("atoms").get_shape()[0])
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise DictionaryError(f"{file} is not a dictionary file: choose another one.") from error
    k = int(encoder.get("k") or encoder.get("iterations", 1) * encoder.get("per_iteration", 1))
    return DictionaryOutline(
        path=path,
        name=str(header.get("name") or file.stem),
        features=features,
        k=k,
        backbone=dict(header.get("backbone") or {}),
        channels=str(header.get("channels_mode", "")),
        metrics=dict(header.get("metrics") or {}),
        controls=str(header.get("control_query", "")),
        content=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def outline_rows(outline: DictionaryOutline) -> list[tuple[str, str]]:
    """Rows of the card: label and text."""
    rows = [("Name", outline.name)]
    rows.append(("Features", f"{outline.features:,}, at most {outline.k} in a patch"))
    spec = outline.backbone
    if {"id", "layer", "depth", "patch"} <= spec.keys():
        rows.append(
            ("Model", backbone_words(str(spec["id"]), int(spec["layer"]), int(spec["depth"]), int(spec["patch"])))
        )
    reads = {"separate": "each channel by itself", "concat": "all channels together", "mean": "the mean over channels"}
    rows.append(("Reads", reads.get(outline.channels, outline.channels)))
    figures = []
    if "explained_variance" in outline.metrics:
        figures.append(f"explains {outline.metrics['explained_variance']:.0%} of the variance".replace("%", " %"))
    if "dead" in outline.metrics:
        figures.append(f"{outline.metrics['dead']:.1%} dead".replace("%", " %"))
    if figures:
        rows.append(("Held out", ", ".join(figures)))
    if outline.controls:
        rows.append(("Controls", "all wells" if outline.controls == "all" else outline.controls))
    return rows


def plate_line(fields: int) -> str:
    """What applying will go over."""
    return f"Reads {counted(fields, 'field')} of the open plate."
