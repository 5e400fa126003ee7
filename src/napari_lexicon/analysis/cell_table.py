"""Cells × features of one or many fields: shape, brightness and features of every cell, and the same as AnnData."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import ndimage, sparse

from napari_lexicon.analysis.cells import CellFeatures, LabelsError, cell_features
from napari_lexicon.lexicons import FeatureNames, FieldCodes

if TYPE_CHECKING:
    import anndata

BRIGHTNESS = "brightness of "


@dataclass(frozen=True)
class MeasuredCells:
    """Cells of one field.

    Parameters
    ----------
    plate, well, field : str
        Where they are.
    labels : numpy.ndarray
        ``(Y, X)`` integers, 0 for background.
    table : pandas.DataFrame
        n rows, indexed by ``cell`` (label): ``area_px``, ``y_px``, ``x_px`` (centre), ``at_edge`` (bool), and
        ``"brightness of CHANNEL"``, mean grey value.
    features : CellFeatures, optional
        None where the field has no codes.
    """

    plate: str
    well: str
    field: str
    labels: np.ndarray
    table: pd.DataFrame
    features: CellFeatures | None

    def feature(self, number: int, channel: int | None = None) -> np.ndarray:
        """``(n,)`` mean of a feature over each cell, over one channel or all; NaN where nothing is computed."""
        known = self.features
        if known is None or (channel is not None and channel not in known.channels):
            return np.full(len(self.table), np.nan)
        row = slice(None) if channel is None else [known.channels.index(channel)]
        place = int(np.searchsorted(known.features, number))
        if place >= len(known.features) or known.features[place] != number:
            return np.full(len(self.table), np.nan)
        return np.asarray(known.mean[:, row, place].mean(axis=1))


def measure_cells(
    labels: np.ndarray,
    image: np.ndarray,
    channels: Sequence[str],
    codes: FieldCodes | None,
    patch: int,
    *,
    n_features: int | None = None,
    plate: str = "",
    well: str = "",
    field: str = "",
) -> MeasuredCells:
    """Measure the cells of a field.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Y, X)`` integers, 0 for background.
    image : numpy.ndarray
        ``(C, Y, X)`` grey values.
    channels : sequence of str
        Names of its channels.
    codes : FieldCodes, optional
        Codes of the field.
    patch : int
        Side of a patch, pixels.
    n_features : int, optional
        M.
    plate, well, field : str
        Where they are.

    Raises
    ------
    LabelsError
        If labels and image are of different sizes.
    """
    if labels.shape != image.shape[-2:]:
        raise LabelsError(
            f"The label image has {labels.shape[0]} × {labels.shape[1]} pixels and the field {image.shape[-2]} × "
            f"{image.shape[-1]}: give labels of the same field at full resolution."
        )
    numbers = np.unique(labels)
    numbers = numbers[numbers > 0]
    area = np.asarray(ndimage.sum_labels(np.ones(labels.shape, np.uint8), labels, numbers))
    centres = np.array(ndimage.center_of_mass(labels > 0, labels, numbers)).reshape(-1, 2)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    columns = {
        "area_px": area.astype(np.int64),
        "y_px": centres[:, 0],
        "x_px": centres[:, 1],
        "at_edge": np.isin(numbers, border),
    }
    for name, plane in zip(channels, image, strict=True):
        columns[f"{BRIGHTNESS}{name}"] = np.asarray(ndimage.mean(plane, labels, numbers), dtype=np.float64)
    table = pd.DataFrame(columns, index=pd.Index(numbers.astype(np.int64), name="cell"))
    known = None if codes is None else cell_features(codes, labels, patch, n_features=n_features)
    return MeasuredCells(plate, well, field, labels, table, known)


def cells_anndata(
    parts: Sequence[MeasuredCells],
    plate_map: pd.DataFrame,
    names: FeatureNames | None = None,
    gates: Sequence[np.ndarray] | None = None,
) -> anndata.AnnData:
    """Cells of several fields as one table.

    Parameters
    ----------
    parts : sequence of MeasuredCells
        Fields; those without codes are left out.
    plate_map : pandas.DataFrame
        Indexed by well.
    names : FeatureNames, optional
        Put into ``var["name"]``.
    gates : sequence of numpy.ndarray, optional
        ``(n,)`` bool for each part: ``obs["gate"]``.

    Returns
    -------
    anndata.AnnData
        ``obs``: cells (index ``WELL/FIELD/LABEL``) with their measurements and the columns of the plate map;
        ``var``: features; ``X``: sparse float32, mean activation over the cell and all channels;
        ``layers["strongest"]``: largest activation.

    Raises
    ------
    LabelsError
        If no field has codes.
    """
    import anndata

    kept = [(number, part) for number, part in enumerate(parts) if part.features is not None]
    if not kept:
        raise LabelsError("None of these fields has been computed: apply a dictionary to the plate first.")
    means, strongest, frames = [], [], []
    for number, part in kept:
        known = part.features
        assert known is not None
        means.append(sparse.csr_matrix(known.mean.mean(axis=1)))
        strongest.append(sparse.csr_matrix(known.strongest.max(axis=1)))
        frame = part.table.reset_index()
        frame.insert(0, "Metadata_Plate", part.plate)
        frame.insert(1, "Metadata_Well", part.well)
        frame.insert(2, "field", part.field)
        if gates is not None:
            frame["gate"] = np.asarray(gates[number], dtype=bool)
        frame.index = pd.Index([f"{part.well}/{part.field}/{cell}" for cell in part.table.index])
        frames.append(frame)
    obs = pd.concat(frames)
    for column in plate_map.columns:
        if column not in obs.columns:
            values = plate_map[column].reindex(obs["Metadata_Well"]).to_numpy()
            plain = pd.api.types.is_numeric_dtype(plate_map[column])
            obs[str(column)] = values if plain else pd.Series(values).fillna("").astype(str).to_numpy()
    first = kept[0][1].features
    assert first is not None
    var = pd.DataFrame(index=pd.Index([f"feature_{m}" for m in first.features]))
    var["feature"] = first.features
    var["name"] = [names.label(int(m)) if names else f"#{m}" for m in first.features]
    data = anndata.AnnData(sparse.vstack(means, format="csr").astype(np.float32), obs=obs, var=var)
    data.layers["strongest"] = sparse.vstack(strongest, format="csr").astype(np.float32)
    data.uns["software"] = "napari-lexicon"
    return data
