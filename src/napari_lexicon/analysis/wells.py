"""A feature over the wells of a plate, and the profiles of all features as AnnData."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons import FeatureNames, LexiconPlate, WellDirections, WellStatistics

if TYPE_CHECKING:
    import anndata

STATISTICS = ("mean", "fraction_active", "strongest")


def well_values(
    statistics: WellStatistics, feature: int, statistic: str = "mean", channel: int | None = None
) -> pd.Series:
    """One feature's figure for every well; NaN where a well has no finished field.

    Parameters
    ----------
    statistics : WellStatistics
        Of the plate.
    feature : int
        Number of the feature.
    statistic : {"mean", "fraction_active", "strongest"}
        Mean value per token, part of the tokens where it fires, or largest value.
    channel : int, optional
        One channel only.
    """
    if statistic not in STATISTICS:
        raise ValueError(f"statistic {statistic!r} is none of {STATISTICS}")
    pick = slice(None) if channel is None else slice(channel, channel + 1)
    tokens = statistics.tokens[:, pick].sum(axis=1).astype(np.float64)
    known = tokens > 0
    values = np.full(len(statistics.wells), np.nan)
    if statistic == "strongest":
        values[known] = statistics.strongest[known, pick, feature].max(axis=1)
    else:
        sums = statistics.total if statistic == "mean" else statistics.active
        values[known] = sums[known, pick, feature].sum(axis=1, dtype=np.float64) / tokens[known]
    return pd.Series(values, index=pd.Index(statistics.wells, name="well"), name=f"feature {feature}")


def robust_z(values: pd.Series, controls: Sequence[str]) -> pd.Series:
    """By how many robust standard deviations of the controls each well differs from their median.

    Parameters
    ----------
    values : pandas.Series
        By well.
    controls : sequence of str
        Wells of the controls.

    Returns
    -------
    pandas.Series
        ``(x - median) / (1.4826 * MAD)`` with median and MAD (median absolute deviation) of the controls; NaN
        everywhere where fewer than three controls have a value, or where they all have the same.
    """
    known = values.reindex(list(controls)).dropna().to_numpy(dtype=np.float64)
    middle = float(np.median(known)) if len(known) >= 3 else np.nan
    spread = 1.4826 * float(np.median(np.abs(known - middle))) if len(known) >= 3 else np.nan
    if not spread > 0:
        return pd.Series(np.nan, index=values.index, name=values.name)
    return (values.astype(np.float64) - middle) / spread


def directions_from_controls(statistics: WellStatistics, controls: Sequence[str]) -> np.ndarray:
    """In which direction of feature space every well differs from the controls.

    Parameters
    ----------
    statistics : WellStatistics
        Of the plate, ``W`` wells and ``M`` features.
    controls : sequence of str
        Wells of the controls; without any, wells are compared with the average well.

    Returns
    -------
    numpy.ndarray
        ``(W, M)`` float32 of length 1: how often each feature fires, in standard deviations of the controls, centred on
        their mean. NaN for wells without a finished field, 0 for wells that do not differ.
    """
    from napari_lexicon.analysis.corrections import standardised_on_controls

    fires = statistics.fraction_active()
    known = np.isfinite(fires).all(axis=1)
    control = np.isin(np.array(statistics.wells), list(controls))[known]
    profiles = standardised_on_controls(fires[known], control, np.zeros(int(known.sum())))
    profiles -= profiles[control].mean(axis=0) if control.any() else profiles.mean(axis=0)
    lengths = np.linalg.norm(profiles, axis=1, keepdims=True)
    found = np.full(fires.shape, np.nan, dtype=np.float32)
    found[known] = np.divide(profiles, lengths, out=np.zeros_like(profiles), where=lengths > 0)
    return found


def likeness(directions: np.ndarray, wells: Sequence[str], well: str) -> pd.Series:
    """How alike every well is to one of them: the cosine of their directions, 1 for the well itself.

    Parameters
    ----------
    directions : numpy.ndarray
        ``(W, M)``, from :func:`directions_from_controls`.
    wells : sequence of str
        Names of the rows.
    well : str
        One of them.

    Returns
    -------
    pandas.Series
        By well, -1 to 1; NaN where nothing is known.
    """
    cosines = directions @ directions[list(wells).index(well)]
    return pd.Series(cosines.astype(np.float64), index=pd.Index(list(wells), name="well"), name=f"likeness to {well}")


def field_means(plate: LexiconPlate, feature: int, channel: int | None = None) -> pd.DataFrame:
    """A feature's mean in every finished field.

    Parameters
    ----------
    plate : LexiconPlate
        A plate with finished fields.
    feature : int
        Number of the feature.
    channel : int, optional
        One channel only.

    Returns
    -------
    pandas.DataFrame
        Columns ``well`` and ``mean`` (per patch that counts); fields without such a patch are left out.
    """
    rows = []
    for number, header in enumerate(plate.fields):
        if plate.mark("codes", number) is None:
            continue
        one = plate.field_statistics(number)
        channels = (0,) if plate.joint else header.channels
        if channel is not None and channel not in channels:
            continue
        pick = slice(None) if channel is None else [channels.index(channel)]
        tokens = float(one.tokens[pick].sum())
        if tokens > 0:
            rows.append((header.well, float(one.total[pick, feature].sum(dtype=np.float64)) / tokens))
    return pd.DataFrame(rows, columns=["well", "mean"])


def over_fields(means: pd.DataFrame, statistic: str) -> pd.Series:
    """Median of a well's fields, or how much they differ.

    Parameters
    ----------
    means : pandas.DataFrame
        Of :func:`field_means`.
    statistic : {"median", "cv"}
        Median; or coefficient of variation, the standard deviation (n - 1) over the mean, which needs two fields.
    """
    grouped = means.groupby("well", sort=False)["mean"]
    if statistic == "median":
        return grouped.median()
    if statistic != "cv":
        raise ValueError(f"statistic {statistic!r} is neither median nor cv")
    mean = grouped.mean()
    return (grouped.std(ddof=1) / mean.where(mean > 0)).rename("cv")


def profiles(
    plate: LexiconPlate, names: FeatureNames | None = None, atoms: np.ndarray | None = None
) -> anndata.AnnData:
    """Profiles of the wells of a plate.

    Parameters
    ----------
    plate : LexiconPlate
        A plate with finished fields.
    names : FeatureNames, optional
        Put into ``var["name"]``.
    atoms : numpy.ndarray, optional
        ``(M, dim_w)`` directions of the features, for the layer ``direction``.

    Returns
    -------
    anndata.AnnData
        ``obs``: wells with finished fields (index: well name) with the columns of the plate map, ``Metadata_Well``,
        ``Metadata_Plate`` and ``n_tokens``; ``var``: features; ``X (wells, features)`` float32: mean activation over
        the tokens of all channels; ``layers["fraction_active"]``; for channel-wise lexicons also
        ``layers["mean:CHANNEL"]`` and ``layers["fraction_active:CHANNEL"]``. With ``atoms`` also
        ``layers["direction"]`` and ``layers["direction:CHANNEL"]``: how far the tokens lie along the feature on
        average, in standard deviations of control tokens; it may be negative, and is there for features that the
        pursuit did not pick; and ``layers["fraction_beyond"]`` (and per channel): part of the tokens that lie more than
        one standard deviation along it.
    """
    import anndata

    statistics = plate.statistics()
    tokens = statistics.tokens.sum(axis=1)
    done = tokens > 0
    wells = pd.Index(np.asarray(statistics.wells)[done].astype(str), name="well")
    said = plate.map.reindex(wells)
    obs = said[
        [column for column in said.columns if column not in ("Metadata_Plate", "Metadata_Well", "n_tokens")]
    ].copy()
    obs.insert(0, "Metadata_Plate", plate.header.name)
    obs["Metadata_Well"] = wells
    obs["n_tokens"] = tokens[done].astype(np.int64)
    var = pd.DataFrame(index=pd.Index([f"feature_{m}" for m in range(statistics.n_features)]))
    var["feature"] = np.arange(statistics.n_features)
    var["name"] = [names.label(m) if names else f"#{m}" for m in range(statistics.n_features)]
    layers = {"fraction_active": statistics.fraction_active()[done].astype(np.float32)}
    if not plate.joint:
        for c, channel in enumerate(plate.header.channels):
            layers[f"mean:{channel.name}"] = statistics.mean(c)[done].astype(np.float32)
            layers[f"fraction_active:{channel.name}"] = statistics.fraction_active(c)[done].astype(np.float32)
    if atoms is not None and (directions := plate.directions()) is not None:
        layers |= _directions(plate, directions, statistics.tokens.astype(np.float64), atoms, done)
    data = anndata.AnnData(statistics.mean()[done].astype(np.float32), obs=_writable(obs), var=var, layers=layers)
    data.uns["plate"] = plate.header.name
    data.uns["software"] = "napari-lexicon"
    return data


def _directions(
    plate: LexiconPlate, directions: WellDirections, tokens: np.ndarray, atoms: np.ndarray, done: np.ndarray
) -> dict[str, np.ndarray]:
    """Layers of the wells that are done, from ``(W, C)`` numbers of tokens."""
    centres, tokens = directions.centres[done], tokens[done]
    weights = tokens[:, :, None] / tokens.sum(axis=1)[:, None, None]
    layers = {"direction": (np.nansum(centres * weights, axis=1) @ atoms.T).astype(np.float32)}
    if directions.beyond is not None:
        beyond = directions.beyond[0][done]
        layers["fraction_beyond"] = (beyond.sum(axis=1) / tokens.sum(axis=1)[:, None]).astype(np.float32)
    if not plate.joint:
        for c, channel in enumerate(plate.header.channels):
            layers[f"direction:{channel.name}"] = (centres[:, c] @ atoms.T).astype(np.float32)
            if directions.beyond is not None:
                with np.errstate(invalid="ignore", divide="ignore"):
                    share = (beyond[:, c] / tokens[:, c, None]).astype(np.float32)
                layers[f"fraction_beyond:{channel.name}"] = share
    return layers


def _writable(obs: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed type as text, which is all that h5ad can hold of them."""
    for column in obs.columns:
        if obs[column].dtype == object or isinstance(obs[column].dtype, pd.StringDtype):
            missing = obs[column].isna()
            obs[column] = obs[column].astype(str).mask(missing, "")
    return obs


def joined_profiles(
    plates: Sequence[LexiconPlate], names: FeatureNames | None = None, atoms: np.ndarray | None = None
) -> anndata.AnnData:
    """Profiles of several plates in one table.

    One plate keeps its well names as index; wells of several are indexed ``PLATE/WELL``. Layers of single channels
    are kept where all plates have them.
    """
    import anndata

    parts = [profiles(plate, names, atoms) for plate in plates if plate.n_done()]
    if not parts:
        raise LexiconFolderError("No field of these plates has codes yet: run apply with a dictionary first.")
    if len(parts) == 1:
        return parts[0]
    for part in parts:
        part.obs_names = [f"{part.uns['plate']}/{well}" for well in part.obs_names]
    joined = anndata.concat(parts, join="inner", merge="same", uns_merge="same")
    joined.obs = _writable(joined.obs)
    return joined
