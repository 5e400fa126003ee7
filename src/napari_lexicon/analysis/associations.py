"""Question 3: which feature counts cells, or measures what somebody measured, and is it one thing or many?

The largest of thousands of correlations flatters, so the best feature of a measurement is chosen on one half of the
wells and scored on the other (as in Le et al., arXiv 2407.10785, for cell counts of slides; the split is ours).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError
from napari_lexicon.plates.well_names import canonical_well

_LEAST_WELLS = 8


def best_features(
    table: WellTable,
    measured: pd.DataFrame,
    *,
    statistic: str = "fires",
    across: str | None = None,
    splits: int = 20,
    permutations: int = 100,
    seed: int = 0,
) -> pd.DataFrame:
    """The feature that goes best with each measurement, scored on wells that did not choose it.

    Parameters
    ----------
    table : WellTable
        Features over wells (or images, where every image is a well of its own).
    measured : pandas.DataFrame
        One row per well of ``table`` in its order, numbers; NaN where not measured.
    statistic : {"fires", "mean"}
        What of the features.
    across : str, optional
        Column whose values stay on one side of a split.
    splits : int
        Random halves; the feature given is that chosen on all wells.
    permutations : int
        Shuffles of the measurement over wells behind ``chance_high``, in which the best is chosen and scored anew.
    seed : int
        Of splits and shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per measurement: ``measurement``, ``feature``, ``channel``, ``name``; ``rho_chosen`` (Spearman over all
        wells, where it was chosen: flattering); ``rho`` (signed so that it is positive where the sign holds, median
        over splits of the score in the other half) with ``low`` and ``high`` (5th and 95th percentile over splits);
        ``chance_high`` (95th percentile of single scores under shuffles); ``same_feature`` (part of the splits that
        chose this feature); ``n_wells``, ``n_splits``.

    Raises
    ------
    PlateMapError
        If fewer than eight wells have a measurement.
    """
    values = table.values(statistic).astype(np.float64)
    groups = np.arange(len(table)) if across is None else pd.factorize(table.labels(across).astype(str))[0]
    rng = np.random.default_rng(seed)
    rows = []
    for name in measured.columns:
        known = measured[name].notna().to_numpy()
        if known.sum() < _LEAST_WELLS:
            raise PlateMapError(
                f"{name} is known of {int(known.sum())} wells, and {_LEAST_WELLS} are needed to choose and to score."
            )
        y, x, own = measured[name].to_numpy(dtype=float)[known], values[known], groups[known]
        if len(np.unique(y)) < 2:
            continue
        every = _ranked(x).T @ _ranked(y[:, None])[:, 0]
        best = int(np.abs(every).argmax())
        found = [_held_out(x, y, _half(own, rng)) for _ in range(splits)]
        null = [_held_out(x, rng.permutation(y), _half(own, rng))[1] for _ in range(permutations)]
        scores = np.array([score for _, score in found])
        row = table.features.iloc[best]
        rows.append(
            {
                "measurement": str(name),
                "feature": int(row["feature"]),
                "channel": row["channel"],
                "name": row["name"],
                "rho_chosen": float(every[best]),
                "rho": float(np.median(scores)),
                "low": float(np.percentile(scores, 5)),
                "high": float(np.percentile(scores, 95)),
                "chance_high": float(np.percentile(null, 95)) if null else np.nan,
                "same_feature": float(np.mean([chosen == best for chosen, _ in found])),
                "n_wells": int(known.sum()),
                "n_splits": splits,
            }
        )
    return pd.DataFrame(rows)


def _half(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    names = rng.permutation(np.unique(groups))
    return np.isin(groups, names[: max(1, len(names) // 2)])


def _held_out(x: np.ndarray, y: np.ndarray, choose: np.ndarray) -> tuple[int, float]:
    """The best feature in one half and its correlation in the other, positive where the sign holds."""
    first = _ranked(x[choose]).T @ _ranked(y[choose, None])[:, 0]
    best = int(np.abs(first).argmax())
    second = _ranked(x[~choose][:, [best]])[:, 0] @ _ranked(y[~choose, None])[:, 0]
    return best, float(np.sign(first[best]) * second)


def _ranked(columns: np.ndarray) -> np.ndarray:
    """Ranks, centred, of unit norm; 0 for constant columns."""
    ranks = stats.rankdata(columns, axis=0)
    ranks -= ranks.mean(axis=0)
    norms = np.linalg.norm(ranks, axis=0)
    return np.asarray(np.divide(ranks, norms, out=np.zeros_like(ranks), where=norms > 1e-9))


def profile_of_correlations(table: WellTable, measured: pd.DataFrame, statistic: str = "fires") -> pd.DataFrame:
    """Correlation of every feature with every measurement, and how much it is about one of them.

    Returns
    -------
    pandas.DataFrame
        One row per feature: ``feature``, ``channel``, ``name``, ``rho:MEASUREMENT`` each (Spearman over wells with all
        measurements), ``entropy`` of their squares (0: one measurement alone, 1: all alike; NaN where the feature is
        constant) and ``n_wells``.
    """
    known = measured.notna().all(axis=1).to_numpy()
    rho = _ranked(table.values(statistic)[known]).T @ _ranked(measured[known].to_numpy(dtype=float))  # (F, m)
    frame = table.features[["feature", "channel", "name"]].copy()
    for m, name in enumerate(measured.columns):
        frame[f"rho:{name}"] = rho[:, m]
    total = (rho**2).sum(axis=1, keepdims=True)
    share = np.divide(rho**2, total, out=np.full_like(rho, np.nan), where=total > 1e-12)
    entropy = -(share * np.log(share.clip(min=1e-300))).sum(axis=1)
    frame["entropy"] = entropy / np.log(rho.shape[1]) if rho.shape[1] > 1 else np.nan
    return frame.assign(n_wells=int(known.sum()))


def measurements_from_csv(path: str | Path, wells: pd.DataFrame) -> pd.DataFrame:
    """Measurements of wells from a table with a column ``well`` and, for several plates, ``plate``.

    Several rows of a well (fields, cells) are averaged; text columns are left out.

    Raises
    ------
    PlateMapError
        If the file cannot be read, has no column ``well`` or no numbers, or names no well of the lexicon.
    """
    try:
        table = pd.read_csv(path, sep=None, engine="python")
    except (OSError, ValueError) as error:
        raise PlateMapError(f"{path} cannot be read as a table ({error}): give a CSV with a column well.") from error
    names = {str(column).lower().removeprefix("metadata_"): column for column in table.columns}
    if "well" not in names:
        raise PlateMapError(f"{path} has no column well: it has {', '.join(map(str, table.columns))}.")
    own = set(wells["well"])
    said = table[names["well"]].astype(str)
    keys = [said.where(said.isin(own), said.map(canonical_well)).rename("well")]
    if "plate" in names:
        keys.append(table[names["plate"]].astype(str).rename("plate"))
    numbers = table.drop(columns=[names[n] for n in ("well", "plate") if n in names]).select_dtypes("number")
    if numbers.empty:
        raise PlateMapError(f"{path} has no column of numbers beside the well: add one.")
    means = numbers.groupby(keys if len(keys) > 1 else keys[0]).mean()
    index = pd.MultiIndex.from_frame(wells[["well", "plate"]]) if len(keys) > 1 else pd.Index(wells["well"])
    found = means.reindex(index).reset_index(drop=True)
    if found.isna().all(axis=None):
        raise PlateMapError(f"{path} names no well of this lexicon: it has {', '.join(said.unique()[:5])}.")
    return found
