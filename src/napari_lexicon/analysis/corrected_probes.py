"""Question 4, second half: what corrections for plates leave of the biology and of the nuisance, on the same splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.confounds import corrected_confounds
from napari_lexicon.analysis.corrections import CONTROLS_PER_DIRECTION, CORRECTIONS, control_problems
from napari_lexicon.analysis.probes import Split, held_out_accuracy
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError


def corrected_probes(
    table: WellTable,
    by: str = "perturbation",
    nuisance: str = "plate",
    *,
    controls: str = CONTROLS,
    across: str | None = None,
    corrections: Sequence[str] = tuple(CORRECTIONS),
    statistic: str = "fires",
    repeats: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """How well wells are told by biology and by nuisance, before and after every correction.

    A correction sees where a well lies and which wells are controls, and never what was done to the others; it is
    fitted on all wells, as it is in use. Splits are the same for all.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    by : str
        Column of interest.
    nuisance : str
        Column that corrections are to take away: plate, batch.
    controls : str
        Question that chooses the control wells.
    across : str, optional
        Column whose values stay on one side of the splits for ``by``; the nuisance is always told by single wells.
    corrections : sequence of str
        Names in :data:`napari_lexicon.analysis.corrections.CORRECTIONS`.
    statistic : {"fires", "mean"}
        What of the features.
    repeats : int
        Random splits.
    seed : int
        Of the splits.

    Returns
    -------
    pandas.DataFrame
        One row per correction and column told: ``correction``, ``label``, ``told`` (``by`` or ``nuisance``),
        ``balanced_accuracy`` with ``low`` and ``high`` over splits, ``chance``, ``n_columns``, ``n_wells``,
        ``n_controls``, ``warning`` (what the controls are too few for). Where the nuisance is told and the correction
        keeps features apart, ``flagged`` (features that go with it, as :func:`confounds` flags them) and
        ``median_explained`` (share of their variation between wells, median); else NaN.

    Raises
    ------
    PlateMapError
        If the nuisance or the biology does not differ between enough wells, or there are no controls.
    """
    control = table.where(controls)
    if not control.any():
        raise PlateMapError(f"No well is a control by {controls!r}: choose others with --controls.")
    batches = table.labels(nuisance).astype(str).to_numpy()
    asked = {
        by: Split.of(table.names(by), None if across is None else table.labels(across), across),
        nuisance: Split.of(table.labels(nuisance).astype(str).rename(nuisance), None),
    }
    rows: list[dict[str, object]] = []
    for name in corrections:
        one = CORRECTIONS[name]
        try:
            values = one.apply(table.values(statistic), control, batches)
        except PlateMapError as error:
            rows.append({"correction": name, "label": one.label, "told": by, "warning": str(error)})
            continue
        directions = None if one.keeps_features or name == "harmony" else values.shape[1]
        said = [] if name in ("none", "standard", "harmony") else control_problems(table.wells, control, directions)
        for told, split in asked.items():
            scores = [
                held_out_accuracy(values[split.known], split.values, split.groups, split.folds, None, 1.0, seed + r)
                for r in range(repeats)
            ]
            rows.append(
                {
                    "correction": name,
                    "label": one.label,
                    "told": told,
                    "balanced_accuracy": float(np.mean(scores)),
                    "low": min(scores),
                    "high": max(scores),
                    "chance": 1 / len(split.names),
                    "n_columns": values.shape[1],
                    "n_wells": int(split.known.sum()),
                    "n_controls": int(control.sum()),
                    "warning": " ".join(said) or _few(name, control),
                }
            )
    return _with_flags(pd.DataFrame(rows), table, by, nuisance, controls)


def _with_flags(found: pd.DataFrame, table: WellTable, by: str, nuisance: str, controls: str) -> pd.DataFrame:
    """The same with the features that go with the nuisance after each correction that leaves features to be flagged."""
    kept = [name for name in dict.fromkeys(found["correction"]) if CORRECTIONS[name].keeps_features]
    flags = corrected_confounds(
        table, by, controls=controls, corrections=kept, nuisances=[nuisance], across=nuisance
    ).set_index("correction")
    of_nuisance = found["told"] == nuisance
    for column in ("flagged", "median_explained"):
        found[column] = found["correction"].map(flags[column]).where(of_nuisance).astype(float)
    return found


def _few(name: str, control: np.ndarray) -> str:
    """Says where a covariance rests on few controls although it was cut down to what they support."""
    if name != "tvn" or control.sum() >= 10 * CONTROLS_PER_DIRECTION:
        return ""
    n = int(control.sum())
    kept = max(2, n // CONTROLS_PER_DIRECTION)
    return f"{n} control wells support {kept} directions: the rest of the variation is cut away."
