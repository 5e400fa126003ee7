"""Question 4 for a report: nuisances channel by channel, joined to one table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from napari_lexicon.analysis.confounds import HAND_IN_HAND, Confounds, confounds
from napari_lexicon.analysis.measurements import of_channel
from napari_lexicon.errors import PlateMapError

if TYPE_CHECKING:
    from napari_lexicon.analysis.report.findings import Findings


def confounded(found: Findings) -> Findings:
    """The same findings with what features follow beside treatments, channel by channel."""
    if found.effects is None:
        return found
    parts: list[Confounds] = []
    for channel in dict.fromkeys(found.table.features["channel"]):
        own = found.table.take(features=(found.table.features["channel"] == channel).to_numpy())
        measured = None if found.measured is None else of_channel(found.measured, str(channel))
        try:
            parts.append(confounds(own, found.settings.by, measurements=measured))
        except PlateMapError as error:
            return replace(found, notes=(*found.notes, f"Confounds were not looked for. {error}"))
    table = pd.concat([part.table for part in parts], ignore_index=True)
    nuisances = pd.concat([part.nuisances for part in parts if len(part.nuisances)] or [pd.DataFrame()])
    if len(nuisances):
        nuisances = nuisances.groupby("nuisance", sort=False, as_index=False).agg(
            {
                "groups": "first",
                "n_wells": "first",
                "told_by_biology": "max",
                "tells_biology": "max",
                "tested": "first",
                "flagged": "sum",
                "median_explained": "median",
            }
        )
    notes = [note for part in parts for note in part.notes if "hand in hand" not in note]
    notes += _hand_in_hand(nuisances, found.settings.by)
    return replace(found, confounds=Confounds(table, nuisances, tuple(dict.fromkeys(notes))))


def _hand_in_hand(nuisances: pd.DataFrame, by: str) -> list[str]:
    """One sentence for all nuisances that cannot be told from the treatment, whatever their channel."""
    if nuisances.empty:
        return []
    known = nuisances[["told_by_biology", "tells_biology"]].max(axis=1)
    together = [
        f"{name} ({100 * part:.0f} %)"
        for name, part in zip(nuisances["nuisance"], known, strict=True)
        if part > HAND_IN_HAND
    ]
    if not together:
        return []
    sentence = (
        f"What goes hand in hand with {by.removeprefix('Metadata_')} (part of the one that is known from the other): "
        f"{', '.join(together)}. Whether a feature follows this or the treatment cannot be told by these wells."
    )
    return [sentence]
