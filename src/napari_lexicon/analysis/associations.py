"""Question 3: which feature counts cells, or measures what somebody measured, and is it one thing or many?

The largest of thousands of correlations flatters, so the best feature of a measurement is chosen on one half of the
wells and scored on the other (as in Le et al., arXiv 2407.10785, for cell counts of slides; the split is ours).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from napari_lexicon.analysis.exchange import Exchange
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
        Features over wells (or images, where every image is a well of its own), or over fields: the fields of a well
        stay on one side of every split and move together in every shuffle.
    measured : pandas.DataFrame
        One row per row of ``table`` in its order, numbers; NaN where not measured.
    statistic : {"fires", "mean"}
        What of the features.
    across : str, optional
        Column whose values stay on one side of a split.
    splits : int
        Random halves; the feature given is that chosen on all wells.
    permutations : int
        Shuffles of the measurement over the wells of every plate behind ``chance_high``, in which the best is chosen
        and scored anew.
    seed : int
        Of splits and shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per measurement: ``measurement``, ``feature``, ``channel``, ``name``; ``rho_chosen`` (Spearman over all
        wells, where it was chosen: flattering); ``rho`` (signed so that it is positive where the sign holds, median
        over splits of the score in the other half) with ``low`` and ``high`` (5th and 95th percentile over splits);
        ``chance_high`` (95th percentile of single scores under shuffles); ``same_feature`` (part of the splits that
        chose this feature); ``n_wells``, ``n_rows`` (fields, where rows are fields), ``n_splits``.

    Raises
    ------
    PlateMapError
        If fewer than eight wells have a measurement.
    """
    values = table.values(statistic).astype(np.float64)
    plates, wells = table.plates(), table.well_numbers()
    groups = wells if across is None else pd.factorize(table.labels(across).astype(str))[0]
    rng = np.random.default_rng(seed)
    rows = []
    for name in measured.columns:
        known = measured[name].notna().to_numpy()
        n_wells = len(np.unique(wells[known]))
        if n_wells < _LEAST_WELLS:
            raise PlateMapError(
                f"{name} is known of {n_wells} wells, and {_LEAST_WELLS} are needed to choose and to score."
            )
        y, x, own = measured[name].to_numpy(dtype=float)[known], values[known], groups[known]
        if len(np.unique(y)) < 2:
            continue
        every = _ranked(x).T @ _ranked(y[:, None])[:, 0]
        best = int(np.abs(every).argmax())
        found = [_held_out(x, y, _half(own, rng)) for _ in range(splits)]
        exchange = Exchange(wells[known], plates[known])
        null = [_held_out(x, y[exchange.order(rng)], _half(own, rng))[1] for _ in range(permutations)]
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
                "n_wells": n_wells,
                "n_rows": int(known.sum()),
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
    ranks = stats.rankdata(np.asarray(columns, np.float64), axis=0)
    ranks -= ranks.mean(axis=0)
    norms = np.linalg.norm(ranks, axis=0)
    return np.asarray(np.divide(ranks, norms, out=np.zeros_like(ranks), where=norms > 1e-9))


def correlation_profiles(
    values: np.ndarray, measured: pd.DataFrame, *, shuffles: int = 20, seed: int = 0
) -> pd.DataFrame:
    """Correlation of columns with measurements, and how much each is about one of them alone.

    Parameters
    ----------
    values : numpy.ndarray
        ``(n, F)``: features, or dimensions of an embedding.
    measured : pandas.DataFrame
        ``n`` rows of numbers; rows that lack one are left out.
    shuffles : int
        Behind ``entropy_chance``.
    seed : int
        Of the shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per column: ``rho:MEASUREMENT`` each (Spearman), ``strongest`` (the largest size of these), ``about``
        (the measurement it belongs to), ``entropy`` of their sizes (0: one measurement alone, 1: all alike; NaN where
        the column is constant), ``entropy_chance`` (median over shuffled rows and all columns, the same in all rows).

    References
    ----------
    Le et al., arXiv 2407.10785, for the entropy of the correlations of a feature with counts.
    """
    known = measured.notna().all(axis=1).to_numpy()
    x, y = _ranked(values[known].astype(np.float64)), _ranked(measured[known].to_numpy(dtype=float))
    rho = x.T @ y  # (F, m)
    frame = pd.DataFrame({f"rho:{name}": rho[:, m] for m, name in enumerate(measured.columns)})
    frame["strongest"] = np.abs(rho).max(axis=1)
    frame["about"] = np.asarray(measured.columns)[np.abs(rho).argmax(axis=1)]
    frame["entropy"] = _entropy(rho)
    rng = np.random.default_rng(seed)
    null = [np.nanmedian(_entropy(x.T @ y[rng.permutation(len(y))])) for _ in range(shuffles)]
    frame["entropy_chance"] = float(np.median(null)) if null else np.nan
    return frame


def _entropy(rho: np.ndarray) -> np.ndarray:
    """``(F,)`` entropy of the sizes of correlations ``(F, m)``, in parts of its largest value."""
    if rho.shape[1] < 2:
        return np.full(len(rho), np.nan)
    size = np.abs(rho)
    total = size.sum(axis=1, keepdims=True)
    share = np.divide(size, total, out=np.full_like(rho, np.nan), where=total > 1e-12)
    return np.asarray(-(share * np.log(share.clip(min=1e-300))).sum(axis=1) / np.log(rho.shape[1]))


def measurements_from_csv(path: str | Path, wells: pd.DataFrame) -> pd.DataFrame:
    """Measurements of wells from a table with a column ``well`` and, for several plates, ``plate``.

    Several rows of a well (fields, cells) are averaged; text columns are left out. Where ``wells`` has a column
    ``field`` the table must have one too, and rows are averaged by field.

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
    per_field = "field" in wells
    if per_field and "field" not in names:
        raise PlateMapError(f"{path} has no column field: add one, or ask per well.")
    own = set(wells["well"])
    said = table[names["well"]].astype(str)
    keys = [said.where(said.isin(own), said.map(canonical_well)).rename("well")]
    if "plate" in names:
        keys.append(table[names["plate"]].astype(str).rename("plate"))
    if per_field:
        keys.append(_field_names(table[names["field"]], wells["field"]))
    own_columns = [names[n] for n in ("well", "plate", "field") if n in names]
    numbers = table.drop(columns=own_columns).select_dtypes("number")
    if numbers.empty:
        raise PlateMapError(f"{path} has no column of numbers beside the well: add one.")
    means = numbers.groupby(keys if len(keys) > 1 else keys[0]).mean()
    columns = [str(key.name) for key in keys]
    index = pd.MultiIndex.from_frame(wells[columns]) if len(columns) > 1 else pd.Index(wells["well"])
    found = means.reindex(index).reset_index(drop=True)
    if found.isna().all(axis=None):
        raise PlateMapError(f"{path} names no well of this lexicon: it has {', '.join(said.unique()[:5])}.")
    return found


def _field_names(said: pd.Series, own: pd.Series) -> pd.Series:
    """Fields as the lexicon calls them: ``00`` and ``0`` are one where no two of its fields would fall together."""
    plain = {str(name): str(name).lstrip("0") or "0" for name in own}
    texts = said.astype(str)
    if len(set(plain.values())) < len(plain):
        return texts.rename("field")
    back = {short: name for name, short in plain.items()}
    return texts.map(lambda text: back.get(text.lstrip("0") or "0", text)).rename("field")
