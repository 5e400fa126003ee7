"""All that is known of a dictionary beside its numbers: what made it, from what, and how good it was found to be."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Literal["napari-lexicon dictionary"] = "napari-lexicon dictionary"
FORMAT_VERSION = 1


def software_version() -> str:
    """Name and version of this package."""
    try:
        return f"napari-lexicon {version('napari-lexicon')}"
    except PackageNotFoundError:
        return "napari-lexicon (not installed)"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class DictionaryHeader(BaseModel):
    """Provenance of a dictionary, stored as JSON inside its file.

    Parameters
    ----------
    format, format_version : str, int
        What kind of file this is.
    name : str
        For people.
    backbone : dict
        ``BackboneSpec.to_json()`` of the model whose tokens it was trained on; empty where unknown.
    channels_mode : {"separate", "concat", "mean"}
        How the channels of a field became tokens.
    channel_names : tuple of str
        Channels in order, for ``"concat"``.
    tokens : {"patch", "mean"}
        One token per patch, or one per tile.
    control_query : str
        The question put to the plate map that chose the control wells.
    control_tokens, control_wells : int
        How many of them the whitening was fitted on.
    whitening : dict
        Form, cut and floor.
    training : dict
        ``TrainSettings.to_json()``.
    seed : int
        Seed of the training.
    metrics : dict
        Figures over the held-out part, each with its window or definition in its name or in ``metrics_notes``.
    metrics_notes : str
        Definitions that belong to the metrics.
    names : dict
        Feature number to the name that comes with the dictionary; a new lexicon begins with it.
    names_notes : dict
        Feature number to the evidence for its name.
    taught : dict
        Feature number to what it was taught, by labels or measures, where it was; all others were learnt without.
    taught_channels : dict
        Feature number to the channel that it was taught in, where there was one: in others it means nothing.
    software, created : str
        Version that wrote it; UTC time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["napari-lexicon dictionary"] = FORMAT
    format_version: int = FORMAT_VERSION
    name: str = ""
    backbone: dict[str, Any] = Field(default_factory=dict)
    channels_mode: Literal["separate", "concat", "mean"] = "separate"
    channel_names: tuple[str, ...] = ()
    tokens: Literal["patch", "mean"] = "patch"
    control_query: str = ""
    control_tokens: int = 0
    control_wells: int = 0
    whitening: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0
    metrics: dict[str, Any] = Field(default_factory=dict)
    metrics_notes: str = ""
    names: dict[int, str] = Field(default_factory=dict)
    names_notes: dict[int, str] = Field(default_factory=dict)
    taught: dict[int, str] = Field(default_factory=dict)
    taught_channels: dict[int, str] = Field(default_factory=dict)
    software: str = Field(default_factory=software_version)
    created: str = Field(default_factory=_now)
