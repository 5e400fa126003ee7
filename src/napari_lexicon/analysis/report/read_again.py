"""What a report has the model read again: directions patch by patch, channels taken away, layers, edited features."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_lexicon.analysis.edited_places import edited_features
from napari_lexicon.analysis.reading import Told
from napari_lexicon.analysis.report.extras import Pooled, can_edit, depth_in, pooled_of
from napari_lexicon.analysis.report.stains import MOST_READ_AGAIN, stains_along
from napari_lexicon.errors import LexiconError

if TYPE_CHECKING:
    from napari_lexicon.analysis.report.findings import Findings


def read_along(found: Findings, told: Told) -> Findings:
    """Stains by direction, and what reads fields again for pictures and cells; codes stay where that cannot be."""
    from napari_lexicon.analysis.along import FieldsAlong

    sentence = "Pictures, stains and cells show codes, not directions"
    if not found.settings.network:
        return replace(found, notes=(*found.notes, f"{sentence}: the images were not read by the model again."))
    try:
        along = FieldsAlong(found.lexicon, told)
        stains = stains_along(found, along, told)
    except LexiconError as error:
        return replace(found, notes=(*found.notes, f"{sentence}. {error}"))
    if len(found.table) > MOST_READ_AGAIN:
        found = replace(found, notes=(*found.notes, "Cells are read by code: too many wells to be read again."))
    return replace(found, along=along, stains=stains)


def without_channels(found: Findings, told: Told) -> Findings:
    """What becomes of the chosen features when a channel is taken away, for dictionaries of joined channels."""
    from napari_lexicon.analysis.channel_removal import removed_channels

    chosen = sorted({one.feature for one in found.chosen})
    try:
        table = removed_channels(found.lexicon, features=chosen, seed=found.settings.seed, told=told)
    except LexiconError as error:
        return replace(found, notes=(*found.notes, f"No channel was taken away. {error}"))
    return replace(found, channels=table)


def of_network(found: Findings, told: Told) -> tuple[Findings, Pooled | None]:
    """Layers and edited features, where the model allows them, and the mean tokens that layers were asked by."""
    settings, lexicon = found.settings, found.lexicon
    if not can_edit(lexicon):
        return found, None
    channels = {one.feature: one.channel for one in reversed(found.chosen)}  # of several the most telling
    edits = depth = pooled = None
    try:
        edits = edited_features(lexicon, list(reversed(channels)), channels=channels, seed=settings.seed, told=told)
    except LexiconError as error:
        found = replace(found, notes=(*found.notes, f"No feature was edited. {error}"))
    if found.effects is not None:
        try:
            pooled = pooled_of(lexicon, found.table, found.control, seed=settings.seed, told=told)
            depth = depth_in(pooled, found.table, settings.by, seed=settings.seed, told=told)
        except LexiconError as error:
            found = replace(found, notes=(*found.notes, f"Layers were not compared. {error}"))
    return replace(found, edits=edits, depth=depth), pooled
