"""Question 8: which part of the cells of a well responds, and which stays like controls?

A cell responds in a feature where its value lies outside the middle 95 % of the control cells of its plate. Control
wells are held against the other control wells. Parts of cells are figures of wells, and wells are what is tested.

A feature may rise or fall, and codes cannot fall below 0. Where a part of the control cells has none of a feature, no
cell lies below their middle 95 %, and a fall shows in more cells that have none: these are counted by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.false_discovery import benjamini_hochberg
from napari_lexicon.analysis.well_table import WellTable, in_order
from napari_lexicon.errors import PlateMapError

OUTSIDE = 0.05  # of control cells, by definition
_LEAST_CELLS = 20  # control cells of a plate from which their middle is known


RISES, FALLS = "rises", "falls"


def responding(
    values: np.ndarray, wells: np.ndarray, plates: np.ndarray, control: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which cells lie above, within or below the middle of the control cells of their plate.

    Parameters
    ----------
    values : numpy.ndarray
        ``(n, F)`` of cells.
    wells, plates : numpy.ndarray
        ``(n,)`` numbers of the well and of the plate of each cell.
    control : numpy.ndarray
        ``(n,)`` bool: cells of control wells.

    Returns
    -------
    side : numpy.ndarray
        ``(n, F)`` int8: 1 above, -1 below, 0 within; all 0 for plates with fewer than twenty control cells.
    none : numpy.ndarray
        ``(n, F)`` bool: no higher than the lowest control cell, where that is 2.5 % of the control cells or more.
    """
    side, none = np.zeros(values.shape, dtype=np.int8), np.zeros(values.shape, dtype=bool)
    for plate in np.unique(plates):
        here = plates == plate
        own = here & control
        if own.sum() < _LEAST_CELLS:
            continue
        side[here], none[here] = _sides(values[here], values[own])
        for well in np.unique(wells[own]):
            mine = own & (wells == well)
            others = own & ~mine
            if others.sum() >= _LEAST_CELLS:
                side[mine], none[mine] = _sides(values[mine], values[others])
    return side, none


def _sides(values: np.ndarray, controls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.percentile(controls, [100 * OUTSIDE / 2, 100 * (1 - OUTSIDE / 2)], axis=0)
    side = (values > high).astype(np.int8) - (values < low).astype(np.int8)
    return side, (values == low) & (low <= controls.min(axis=0))


def composition(
    cells: pd.DataFrame, features: Sequence[tuple[int, str, str]], table: WellTable, by: str, controls: str = CONTROLS
) -> pd.DataFrame:
    """Responding and control-like cells of every well.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row per cell: ``plate``, ``well``, and a column of values for each feature, in their order, at the end.
    features : sequence of tuple
        Number, channel and name of each feature.
    table : WellTable
        Wells that the cells lie in.
    by, controls : str
        Column that names the treatment, and question that chooses the control wells.

    Returns
    -------
    pandas.DataFrame
        One row per well with cells and feature: ``plate``, ``well``, ``treatment``, ``control`` (bool), ``feature``,
        ``channel``, ``name``, ``responders`` (part of its cells outside the middle 95 % of control cells), ``above``,
        ``below``, ``control_like`` (the rest), ``none`` (part that has none of the feature, as some control cells do;
        0 where they all have some), ``n_cells``.

    Raises
    ------
    PlateMapError
        If there are no control wells with twenty cells.
    """
    known = table.wells[["plate", "well"]].astype(str).assign(treatment=table.names(by), control=table.where(controls))
    merged = cells.merge(known, on=["plate", "well"], how="inner")
    keys = pd.MultiIndex.from_frame(merged[["plate", "well"]])
    wells, plates = pd.factorize(keys)[0], pd.factorize(merged["plate"])[0]
    control = merged["control"].to_numpy(dtype=bool)
    counts = pd.Series(plates[control]).value_counts()
    enough = np.isin(plates, counts.index[counts >= _LEAST_CELLS])
    if not enough.any():
        raise PlateMapError(
            f"Fewer than {_LEAST_CELLS} cells lie in control wells ({controls!r}) of any plate: choose others with "
            "--controls."
        )
    values = cells.columns[-len(features) :]
    merged, wells, plates, control = merged[enough], wells[enough], plates[enough], control[enough]
    side, none = responding(merged[values].to_numpy(dtype=float), wells, plates, control)
    parts = []
    for f, (feature, channel, name) in enumerate(features):
        own = merged[["plate", "well"]].assign(above=side[:, f] > 0, below=side[:, f] < 0, none=none[:, f])
        one = own.groupby(["plate", "well"], sort=False).agg(
            above=("above", "mean"), below=("below", "mean"), none=("none", "mean"), n_cells=("above", "size")
        )
        parts.append(one.reset_index().assign(feature=feature, channel=channel, name=name))
    frame = pd.concat(parts, ignore_index=True).merge(known, on=["plate", "well"])
    frame["responders"] = frame["above"] + frame["below"]
    frame["control_like"] = 1 - frame["responders"]
    columns = ["plate", "well", "treatment", "control", "feature", "channel", "name", "responders", "above", "below"]
    return frame[[*columns, "control_like", "none", "n_cells"]]


def responders(composed: pd.DataFrame, *, permutations: int = 200, seed: int = 0) -> pd.DataFrame:
    """Part of responding cells under every treatment, against control wells.

    Parameters
    ----------
    composed : pandas.DataFrame
        Of :func:`composition`.
    permutations : int
        Not used for ``p``; kept small for the rates of the underlying comparison.
    seed : int
        Of the shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per treatment and feature, surest first: ``treatment``, ``feature``, ``channel``, ``name``; ``change``
        (``rises``: more cells above the control cells; ``falls``: more below them, or with none of the feature);
        ``responders`` and ``control`` (mean over wells of the part of cells on that side, 0 to 1), ``difference`` with
        its 95 % interval ``low``, ``high`` over wells; ``above``, ``below``, ``none`` (means over treated wells) and
        ``control_like`` (cells that neither respond nor lie outside on the other side); ``effect`` (Hedges' g of the
        part of cells), ``p`` (t-test over wells, twice that of the surer
        side), ``q`` (Benjamini-Hochberg over all rows); ``n_cells``, ``n_wells``, ``n_controls``.
    """
    sides = []
    for change, part in ((RISES, composed["above"]), (FALLS, composed["below"] + composed["none"])):
        table = _as_wells(composed.assign(part=part))
        side = treatment_effects(table, "x", controls="role == 'control'", permutations=permutations, seed=seed)
        one_sided = np.where(side["difference"] > 0, side["p"] / 2, 1 - side["p"] / 2)  # are they more?
        sides.append(side.assign(change=change, p=one_sided))
    both = pd.concat(sides).sort_values("p", kind="stable")
    found = both.groupby(["treatment", "feature", "channel"], sort=False).head(1).reset_index(drop=True)
    found["p"] = np.minimum(1, 2 * found["p"])  # the surer of two sides
    found = found.rename(columns={"treated": "responders"}).drop(columns=["auroc", "q"])
    treated = composed[~composed["control"]]
    keys = ["treatment", "feature", "channel"]
    more = treated.groupby(keys, as_index=False).agg(
        above=("above", "mean"),
        below=("below", "mean"),
        none=("none", "mean"),
        n_cells=("n_cells", "sum"),
    )
    found = found.merge(more, on=keys, how="left")
    other = np.where(found["change"] == RISES, found["below"], found["above"])
    found["control_like"] = 1 - found["responders"] - other
    found["q"] = benjamini_hochberg(found["p"].to_numpy())
    columns = ["treatment", "feature", "channel", "name", "change", "responders", "control", "difference"]
    columns += [
        "low",
        "high",
        "above",
        "below",
        "none",
        "control_like",
        "effect",
        "p",
        "q",
        "n_cells",
        "n_wells",
        "n_controls",
    ]
    return found[columns].sort_values("p", kind="stable", ignore_index=True)


def _as_wells(composed: pd.DataFrame) -> WellTable:
    """Parts of cells (``part``) as a table of wells: what every comparison of treatments starts from."""
    features = composed[["feature", "channel", "name"]].drop_duplicates().reset_index(drop=True)
    wide = composed.pivot_table(
        index=["plate", "well"], columns=["feature", "channel"], values=["part", "n_cells"], sort=False
    )
    order = pd.MultiIndex.from_frame(features[["feature", "channel"]])
    about = composed.drop_duplicates(["plate", "well"]).set_index(["plate", "well"]).loc[wide.index]
    wells = pd.DataFrame(index=wide.index).reset_index()
    wells["Metadata_x"] = about["treatment"].to_numpy()
    wells["Metadata_role"] = np.where(about["control"].to_numpy(dtype=bool), "control", "other")
    parts = wide["part"][order].to_numpy(dtype=np.float32)
    return WellTable(wells, features, parts, parts, wide["n_cells"][order].to_numpy(dtype=np.float64))


def told_treatments(composed: pd.DataFrame) -> list[str]:
    """Treatments in the table, in order."""
    return in_order(composed.loc[~composed["control"], "treatment"])
