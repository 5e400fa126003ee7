"""Question 3: is a feature about one measurement or about many, and are the dimensions of the embedding any worse?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_lexicon.analysis.associations import correlation_profiles
from napari_lexicon.analysis.notes import noted
from napari_lexicon.analysis.reading import chosen_plates, finished_fields
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError
from napari_lexicon.lexicons import Lexicon

FEATURE, DIMENSION = "feature", "embedding dimension"
_LEAST_ROWS = 8


def meanings(lexicon: Lexicon, table: WellTable, measured: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Correlation of every feature, and of every dimension of the embedding, with every measurement.

    Parameters
    ----------
    lexicon : Lexicon
        That the table is of.
    table : WellTable
        Features over wells or fields.
    measured : pandas.DataFrame
        One row per row of ``table`` in its order. Measurements known of fewer than eight rows, or alike in all, are
        left out.
    seed : int
        Of the shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per feature that fires and per dimension of the raw mean tokens: ``source`` (``feature`` or ``embedding
        dimension``), ``feature`` (its number; that of the dimension), ``channel``, ``name``; the columns of
        :func:`napari_lexicon.analysis.associations.correlation_profiles`; ``n_wells``, ``n_rows``. Least entropy first,
        features before dimensions.

    Raises
    ------
    PlateMapError
        If fewer than two measurements are left, or fewer than eight rows have them all.
    """
    use = [c for c in measured.columns if measured[c].notna().sum() >= _LEAST_ROWS and measured[c].nunique() > 1]
    measured = measured[use]
    known = measured.notna().all(axis=1).to_numpy()
    if len(use) < 2 or known.sum() < _LEAST_ROWS:
        raise PlateMapError(
            f"{len(use)} measurements differ, of {int(known.sum())} wells or fields: two measurements of {_LEAST_ROWS} "
            "are needed to say whether a feature is about one of them."
        )
    fires = np.asarray(table.fires[known].std(axis=0) > 0)
    own = correlation_profiles(table.fires[:, fires], measured, seed=seed)
    about = table.features.loc[fires, ["feature", "channel", "name"]].reset_index(drop=True)
    parts = [pd.concat([about.assign(source=FEATURE), own], axis=1)]
    raw = raw_means(lexicon, table)
    if raw is not None:
        own = correlation_profiles(raw, measured, seed=seed)
        numbers = np.arange(raw.shape[1])
        about = pd.DataFrame({"feature": numbers, "channel": "all", "name": [f"dimension {n}" for n in numbers]})
        parts.append(pd.concat([about.assign(source=DIMENSION), own], axis=1))
    frame = pd.concat(parts, ignore_index=True)
    n_wells = len(np.unique(table.well_numbers()[known]))
    frame = frame.assign(n_wells=n_wells, n_rows=int(known.sum()))
    frame = frame[["source", *(c for c in frame.columns if c != "source")]]
    order = frame["source"].map({FEATURE: 0, DIMENSION: 1})
    frame = frame.assign(order=order).sort_values(["order", "entropy"], kind="stable", ignore_index=True)
    return noted(frame.drop(columns="order"), meaning_sentences(frame))


def meaning_sentences(table: pd.DataFrame) -> list[str]:
    """Entropy of features beside that of dimensions, for people."""
    said = []
    for source, rows in table.groupby("source", sort=False):
        low, middle, high = rows["entropy"].quantile([0.25, 0.5, 0.75])
        said.append(
            f"{len(rows)} {source}s: median entropy {middle:.2f} (quartiles {low:.2f} to {high:.2f}; shuffled "
            f"{rows['entropy_chance'].iloc[0]:.2f}; 0: about one measurement, 1: about all alike), median of the "
            f"strongest correlation {rows['strongest'].median():.2f}."
        )
    return said


def raw_means(lexicon: Lexicon, table: WellTable) -> np.ndarray | None:
    """``(rows, dim)`` mean raw tokens of the rows of a table, over all channels; None where codes were made without."""
    dictionary = lexicon.dictionary
    if dictionary is None:
        return None
    per_field = "field" in table.wells
    columns = ["plate", "well", *(["field"] if per_field else [])]
    position = {key: n for n, key in enumerate(table.wells[columns].astype(str).itertuples(index=False, name=None))}
    total: np.ndarray | None = None
    count = np.zeros(len(table))
    for one in finished_fields(chosen_plates(lexicon)):
        key = (one.plate.header.name, one.header.well, *((one.header.name,) if per_field else ()))
        if key not in position:
            continue
        centre = one.plate.field_centre(one.number)
        if centre is None:
            return None
        tokens = one.plate.field_statistics(one.number).tokens.astype(np.float64)
        if total is None:
            total = np.zeros((len(table), centre.shape[1]))
        row = position[key]
        total[row] += np.nansum(centre * tokens[:, None], axis=0)
        count[row] += tokens.sum()
    if total is None or not (count > 0).all():
        return None
    whitening = dictionary.whitening
    return np.asarray(
        (total / count[:, None]) @ whitening.inverse.numpy().T.astype(np.float64) + whitening.mean.numpy()
    )
