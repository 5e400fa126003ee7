"""Corrections for plates and batches, each fitted on control wells, each offered with what it costs.

None is applied silently: a dictionary's own whitening is global and frozen in its file; what is here acts on profiles
of wells afterwards, and questions report before and after on the same splits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from napari_lexicon.analysis.harmony import harmonised
from napari_lexicon.errors import PlateMapError

CONTROLS_PER_DIRECTION = 5  # control wells wanted for each direction of a covariance
_LEAST_CONTROLS = 4
_UNLIKE_PLACES = 0.05  # p of Fisher's test from which controls lie elsewhere than treatments


def standardised_on_controls(values: np.ndarray, control: np.ndarray, batches: np.ndarray) -> np.ndarray:
    """Values in robust standard deviations of the control wells of their own plate.

    Centre is the median of the plate's controls, scale their MAD. Among a dozen controls the MAD is small by chance
    for some of thousands of features, so the scale never falls below half of the controls' standard deviation, half of
    the scale over all plates, or a hundredth of the spread over all wells.

    Parameters
    ----------
    values : numpy.ndarray
        ``(W, F)``.
    control : numpy.ndarray
        ``(W,)`` bool.
    batches : numpy.ndarray
        ``(W,)`` plate of each well.

    Returns
    -------
    numpy.ndarray
        ``(W, F)`` float64. A plate without controls is centred and scaled on all its wells.
    """
    values = values.astype(np.float64)
    centred = np.empty_like(values)
    for batch in np.unique(batches):
        here = batches == batch
        own = values[here & control] if (here & control).any() else values[here]
        centred[here] = values[here] - np.median(own, axis=0)
    source = centred[control] if control.any() else centred
    over_all = 1.4826 * np.median(np.abs(source), axis=0)
    least = np.maximum(0.01 * centred.std(axis=0), 1e-9)
    result = np.empty_like(values)
    for batch in np.unique(batches):
        here = batches == batch
        own = centred[here & control] if (here & control).sum() >= _LEAST_CONTROLS else source
        floors = (0.5 * own.std(axis=0), 0.5 * over_all, least)
        result[here] = centred[here] / np.maximum.reduce([1.4826 * np.median(np.abs(own), axis=0), *floors])
    return result


def standardised(values: np.ndarray, control: np.ndarray, batches: np.ndarray) -> np.ndarray:
    """Values in standard deviations of all wells of their own plate; ``control`` is not used."""
    result = values.astype(np.float64).copy()
    for batch in np.unique(batches):
        here = batches == batch
        spread = result[here].std(axis=0)
        result[here] = (result[here] - result[here].mean(axis=0)) / np.where(spread > 1e-12, spread, 1)
    return result


def typical_variation_normalised(
    values: np.ndarray,
    control: np.ndarray,
    batches: np.ndarray,
    *,
    components: int | None = None,
    shrinkage: float = 0.5,
) -> np.ndarray:
    """Typical-variation normalisation (TVN): whiten on controls, then align the control covariance of every batch.

    Parameters
    ----------
    values : numpy.ndarray
        ``(W, F)``.
    control : numpy.ndarray
        ``(W,)`` bool.
    batches : numpy.ndarray
        ``(W,)`` plate or batch of each well.
    components : int, optional
        Principal directions kept; as many as the control wells support where None.
    shrinkage : float
        Added to the diagonal of each batch's covariance.

    Returns
    -------
    numpy.ndarray
        ``(W, components)``. Columns are directions, not features any more.

    Raises
    ------
    PlateMapError
        If there are fewer than three control wells.

    References
    ----------
    Ando, McLean and Berndl, bioRxiv 161422 (2017); Kraus et al., CVPR 2024.
    """
    n_control = int(control.sum())
    if n_control < 3:
        raise PlateMapError(
            f"Typical-variation normalisation needs three control wells at least; there are {n_control}."
        )
    x = _scaled_on(values.astype(np.float64), control)
    most = min(n_control - 1, x.shape[1])
    kept = min(most, components or max(2, n_control // CONTROLS_PER_DIRECTION))
    centre = x[control].mean(axis=0)
    _, _, directions = np.linalg.svd(x[control] - centre, full_matrices=False)
    x = _scaled_on((x - centre) @ directions[:kept].T, control)
    target = _root(_covariance(x[control]) + shrinkage * np.eye(kept), 0.5)
    for batch in np.unique(batches):
        here = batches == batch
        own = x[here & control]
        if len(own) < 2:
            continue
        moved = x[here] - own.mean(axis=0)
        x[here] = moved @ _root(_covariance(own) + shrinkage * np.eye(kept), -0.5) @ target
    return x


def _scaled_on(values: np.ndarray, control: np.ndarray) -> np.ndarray:
    spread = values[control].std(axis=0)
    spread = np.where(spread > 1e-9, spread, np.maximum(values.std(axis=0), 1e-9))
    return np.asarray((values - values[control].mean(axis=0)) / spread)


def _covariance(values: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.cov(values, rowvar=False))


def _root(matrix: np.ndarray, power: float) -> np.ndarray:
    sizes, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * sizes.clip(min=1e-12) ** power) @ vectors.T)


Correction = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""From values ``(W, F)``, controls ``(W,)`` and batches ``(W,)`` to corrected values ``(W, D)``."""


@dataclass(frozen=True)
class NamedCorrection:
    """A correction with what to call it and what it does to columns."""

    label: str
    apply: Correction
    keeps_features: bool


CORRECTIONS: dict[str, NamedCorrection] = {
    "none": NamedCorrection("as it is", lambda values, control, batches: values.astype(np.float64), True),
    "plate": NamedCorrection("centred and scaled on the controls of each plate", standardised_on_controls, True),
    "standard": NamedCorrection("centred and scaled on all wells of each plate", standardised, True),
    "tvn": NamedCorrection("typical-variation normalisation", typical_variation_normalised, False),
    "harmony": NamedCorrection("Harmony", harmonised, False),
}


def control_problems(wells: pd.DataFrame, control: np.ndarray, n_directions: int | None = None) -> list[str]:
    """What the control wells are too few for, in sentences.

    Parameters
    ----------
    wells : pandas.DataFrame
        With a column ``plate``.
    control : numpy.ndarray
        ``(W,)`` bool.
    n_directions : int, optional
        Directions whose covariance is to be fitted on the controls.
    """
    said = []
    counts = wells.loc[control, "plate"].value_counts()
    without = [str(plate) for plate in wells["plate"].unique() if plate not in counts.index]
    if without:
        said.append(
            f"Plates without control wells: {', '.join(without[:5])}. They are standardised on all their wells."
        )
    few = [f"{plate} ({n})" for plate, n in counts.items() if n < _LEAST_CONTROLS]
    if few:
        said.append(
            f"Fewer than {_LEAST_CONTROLS} control wells on {', '.join(few[:5])}: the spread of controls is borrowed "
            "from all plates."
        )
    if n_directions is not None and control.sum() < CONTROLS_PER_DIRECTION * n_directions:
        said.append(
            f"{int(control.sum())} control wells support about {int(control.sum()) // CONTROLS_PER_DIRECTION} "
            f"directions, not {n_directions}: a covariance fitted on them is mostly noise."
        )
    return said


def control_places(wells: pd.DataFrame, control: np.ndarray) -> list[str]:
    """Where the control wells lie otherwise than the others, in sentences: what that place does looks like treatment.

    Parameters
    ----------
    wells : pandas.DataFrame
        With columns ``edge`` and ``column``.
    control : numpy.ndarray
        ``(W,)`` bool.
    """
    edge = wells["edge"].to_numpy(dtype=bool)
    if not control.any() or control.all():
        return []
    counts = [[int((edge & control).sum()), int((~edge & control).sum())]]
    counts.append([int((edge & ~control).sum()), int((~edge & ~control).sum())])
    if stats.fisher_exact(counts).pvalue > _UNLIKE_PLACES:
        return []
    return [
        (
            f"{counts[0][0]} of {sum(counts[0])} control wells lie on the rim of the plate, and {counts[1][0]} of "
            f"{sum(counts[1])} others: what the rim does to cells looks like an effect of every treatment that lies "
            "elsewhere. Controls scattered over the plate would tell them apart."
        )
    ]
