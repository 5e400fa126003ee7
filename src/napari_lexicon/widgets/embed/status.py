"""What the Embed dock says and offers, as plain functions of what is there. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_lexicon.widgets.basic.words import counted, from_home

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.cache_state import CacheState
    from napari_lexicon.widgets.workspace.device_probe import DeviceChoice
    from napari_lexicon.widgets.workspace.requests import ComputeSettings


@dataclass(frozen=True)
class Offer:
    """What the one button does now.

    Parameters
    ----------
    text : str
        On the button.
    reason : str, optional
        Why it is disabled.
    dictionary : str
        What it applies: ``builtin``, or the lexicon's own file.
    recompute : bool
        Whether it does stale fields again.
    see : bool
        Nothing is to be computed: it shows what there is.
    """

    text: str
    reason: str | None = None
    dictionary: str = "builtin"
    recompute: bool = False
    see: bool = False


def offer(
    cache: CacheState | None,
    reason: str | None,
    lexicon_dictionary: str,
    same_backbone: bool = True,
    busy: bool = False,
) -> Offer:
    """The one button.

    Parameters
    ----------
    cache : CacheState, optional
        What is computed of the plate; None before it is known.
    reason : str, optional
        Why nothing can be computed now.
    lexicon_dictionary : str
        File of the lexicon's dictionary, empty without one.
    same_backbone : bool
        Whether the lexicon was made with the backbone of the built-in dictionary.
    busy : bool
        Whether a job runs: what it has found so far can be seen.
    """
    if cache is None or not cache.path:
        return Offer("Apply the built-in dictionary", reason)
    if not lexicon_dictionary:
        if not same_backbone:
            reason = (
                reason or "This lexicon was embedded with another model: train a dictionary on it (Dictionary dock)."
            )
        return Offer("Apply the built-in dictionary", reason)
    if busy and cache.coded:
        return Offer("See the features so far", None, lexicon_dictionary, see=True)
    if cache.stale:
        return Offer(f"Compute {counted(cache.stale, 'stale field')} again", reason, lexicon_dictionary, recompute=True)
    left = cache.fields - cache.coded
    if left > 0:
        return Offer(f"Go on: {counted(left, 'field')} left", reason, lexicon_dictionary)
    return Offer("See the features", None, lexicon_dictionary, see=True)


def cache_lines(cache: CacheState | None) -> list[tuple[str, str]]:
    """Rows of the status card: label and text."""
    if cache is None:
        return []
    if not cache.path:
        return [("Fields", f"{cache.fields:,}, none computed yet")]
    rows = [("Fields", f"{cache.coded:,} of {cache.fields:,} have features, {cache.embedded:,} have kept tokens")]
    if cache.stale:
        rows.append(("Stale", f"{counted(cache.stale, 'field')}: {cache.because}"))
    rows.append(("Model", cache.backbone))
    if cache.dictionary:
        rows.append(("Dictionary", f"{cache.dictionary}, {counted(cache.features, 'feature')}"))
    rows.append(("Results", from_home(cache.path)))
    return rows


def settings_line(settings: ComputeSettings, devices: tuple[DeviceChoice, ...]) -> str:
    """What was decided, in one line."""
    label = next((device.label for device in devices if device.name == settings.device), settings.device)
    parts = [f"Device: {label}", f"{settings.batch} tiles at a time"]
    if settings.recompute:
        parts.append("stale fields again")
    if settings.out:
        parts.append("results elsewhere")
    return " · ".join(parts)
