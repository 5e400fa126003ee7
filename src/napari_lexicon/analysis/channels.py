"""Question 9: which stain a feature follows, and what becomes of it when a channel is taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from napari_lexicon.lexicons import FieldCodes

if TYPE_CHECKING:
    import torch

    from napari_lexicon.dictionaries.dictionary import Dictionary

_BLOCKS = 20  # groups of wells that the interval leaves out in turn
_LEAST_PATCHES = 20  # patches where a feature must fire for its correlation to be given
LEAST_R = 0.1
"""Correlation from which a feature is said to follow a stain."""


def patch_means(image: np.ndarray, patch: int) -> np.ndarray:
    """Mean intensity of every patch.

    Parameters
    ----------
    image : numpy.ndarray
        ``(C, Y, X)``.
    patch : int
        Side of a patch, pixels.

    Returns
    -------
    numpy.ndarray
        ``(C, gh, gw)`` float64; patches that reach beyond the image count what lies inside.
    """
    height, width = image.shape[1:]
    rows, columns = np.arange(0, height, patch), np.arange(0, width, patch)
    sums = np.add.reduceat(np.add.reduceat(image.astype(np.float64), rows, axis=1), columns, axis=2)
    tall, wide = np.diff(np.append(rows, height)), np.diff(np.append(columns, width))
    return np.asarray(sums / np.outer(tall, wide))


def sparse_codes(codes: FieldCodes, group: int, n_features: int, picks: int | None = None) -> sparse.csr_matrix:
    """``(tokens, M)`` merged values of one channel group, cut off below 0, tokens row by row of the grid."""
    indices = codes.indices[group, ..., :picks]
    k = indices.shape[-1]
    tokens = indices.size // k
    values = codes.values[group, ..., :picks].reshape(-1).astype(np.float64)
    columns = indices.reshape(-1).astype(np.int64)
    merged = sparse.csr_matrix((values, columns, np.arange(0, tokens * k + 1, k)), (tokens, n_features))
    merged.sum_duplicates()
    merged.data = merged.data.clip(min=0)
    return merged


class StainCorrelations:
    """Correlation over patches of feature maps with the intensity of every stain, gathered field by field.

    Maps and stains are centred within their field, so that a bright well does not correlate with everything. Memory
    does not grow with the number of fields.

    Parameters
    ----------
    n_features : int
        M.
    channels : sequence of str
        Stains of the plate, in its order.
    joint : bool
        True where all channels share one token.
    """

    def __init__(self, n_features: int, channels: Sequence[str], joint: bool = False):
        self.n_features, self.channels = n_features, tuple(channels)
        self.groups = ("all",) if joint else self.channels
        shape = (_BLOCKS, len(self.groups), n_features)
        self._zz, self._fires = np.zeros(shape), np.zeros(shape)
        self._zs, self._ss = np.zeros((*shape, len(channels))), np.zeros((*shape[:2], len(channels)))
        self._wells: dict[str, int] = {}
        self._fields = 0

    def add(self, well: str, codes: FieldCodes, image: np.ndarray, image_channels: Sequence[int], patch: int) -> None:
        """Add a field.

        Parameters
        ----------
        well : str
            Name that is unique over all plates.
        codes : FieldCodes
            Of the field.
        image : numpy.ndarray
            ``(C, Y, X)`` intensities of its channels.
        image_channels : sequence of int
            Position of each of them among the stains.
        patch : int
            Side of a patch, pixels.
        """
        block = self._wells.setdefault(well, len(self._wells)) % _BLOCKS
        self._fields += 1
        stains = patch_means(image, patch).reshape(len(image_channels), -1)
        stains -= stains.mean(axis=1, keepdims=True)
        at = np.asarray(image_channels)
        for g, channel in enumerate(codes.channels):
            row = channel if len(self.groups) > 1 else 0
            maps = sparse_codes(codes, g, self.n_features)
            n = maps.shape[0]
            sums = np.asarray(maps.sum(axis=0)).ravel()
            self._zz[block, row] += np.asarray(maps.multiply(maps).sum(axis=0)).ravel() - sums**2 / n
            self._zs[block, row][:, at] += maps.T @ stains.T  # stains are centred, so the product of means is 0
            self._ss[block, row, at] += (stains**2).sum(axis=1)
            self._fires[block, row] += np.bincount(maps.indices[maps.data > 0], minlength=self.n_features)

    def add_along(
        self,
        well: str,
        whitened: np.ndarray,
        counts: np.ndarray,
        atoms: np.ndarray,
        fires: np.ndarray,
        channels: Sequence[int],
        image: np.ndarray,
        image_channels: Sequence[int],
        patch: int,
    ) -> None:
        """Add a field whose features are read by direction: correlated is how far its patches lie along them.

        Parameters
        ----------
        well : str
            Name that is unique over all plates.
        whitened, counts : numpy.ndarray
            ``(G, gh, gw, dim_w)`` whitened tokens, and ``(G, gh, gw)`` which of them count.
        atoms : numpy.ndarray
            ``(M, dim_w)`` directions of the features.
        fires : numpy.ndarray
            ``(G, M)`` patches beyond the level that counts.
        channels : sequence of int
            Channel of each of the G groups.
        image, image_channels, patch
            As in :meth:`add`.
        """
        block = self._wells.setdefault(well, len(self._wells)) % _BLOCKS
        self._fields += 1
        stains = patch_means(image, patch).reshape(len(image_channels), -1)
        at = np.asarray(image_channels)
        for g, channel in enumerate(channels):
            row, use = channel if len(self.groups) > 1 else 0, counts[g].ravel()
            if not use.any():
                continue
            tokens = whitened[g].reshape(-1, whitened.shape[-1])[use].astype(np.float64)
            tokens -= tokens.mean(axis=0)
            own = stains[:, use] - stains[:, use].mean(axis=1, keepdims=True)
            # scores are products of tokens and atoms, so covariances of tokens hold those of all features
            self._zz[block, row] += ((atoms @ (tokens.T @ tokens)) * atoms).sum(axis=1)
            self._zs[block, row][:, at] += atoms @ (tokens.T @ own.T)
            self._ss[block, row, at] += (own**2).sum(axis=1)
            self._fires[block, row] += fires[g]

    def table(self) -> pd.DataFrame:
        """One row per feature, channel in which it fires, and stain.

        Returns
        -------
        pandas.DataFrame
            ``feature``, ``channel``, ``stain``, ``r`` (Pearson over patches, -1 to 1) with its 95 % interval ``low``,
            ``high`` (leaving out wells in turn), ``n_patches`` where it fires, ``n_fields`` and ``n_wells``. Features
            that fire in fewer than 20 patches of a channel are left out.
        """
        whole = self._correlation(self._zz.sum(axis=0), self._zs.sum(axis=0), self._ss.sum(axis=0))
        low, high = self._interval(whole)
        fires = self._fires.sum(axis=0)
        group, feature = np.nonzero(fires >= _LEAST_PATCHES)
        n_stains = len(self.channels)
        return pd.DataFrame(
            {
                "feature": np.repeat(feature, n_stains),
                "channel": np.repeat(np.asarray(self.groups, dtype=object)[group], n_stains),
                "stain": np.tile(np.asarray(self.channels, dtype=object), len(feature)),
                "r": whole[group, feature].ravel(),
                "low": low[group, feature].ravel(),
                "high": high[group, feature].ravel(),
                "n_patches": np.repeat(fires[group, feature].astype(np.int64), n_stains),
                "n_fields": self._fields,
                "n_wells": len(self._wells),
            }
        )

    @staticmethod
    def _correlation(zz: np.ndarray, zs: np.ndarray, ss: np.ndarray) -> np.ndarray:
        """``(groups, M, stains)``."""
        scale = np.sqrt(zz[..., None] * ss[:, None, :])
        return np.asarray(np.divide(zs, scale, out=np.full(zs.shape, np.nan), where=scale > 1e-12))

    def _interval(self, whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Jackknife over blocks of wells on Fisher's scale; NaN with fewer than three wells."""
        used = min(_BLOCKS, len(self._wells))
        if used < 3:
            return np.full(whole.shape, np.nan), np.full(whole.shape, np.nan)
        total = [part.sum(axis=0) for part in (self._zz, self._zs, self._ss)]
        centre = _fisher(whole)
        squares, n = np.zeros(whole.shape), np.zeros(whole.shape)
        for b in range(used):
            without = self._correlation(total[0] - self._zz[b], total[1] - self._zs[b], total[2] - self._ss[b])
            change = _fisher(without) - centre
            known = np.isfinite(change)
            squares[known] += change[known] ** 2
            n += known
        half = 1.96 * np.sqrt(squares * (n - 1).clip(min=1) / n.clip(min=1))
        return np.tanh(centre - half), np.tanh(centre + half)


def _fisher(r: np.ndarray) -> np.ndarray:
    return np.asarray(np.arctanh(r.clip(-1 + 1e-12, 1 - 1e-12)))


def channel_dependence(
    dictionary: Dictionary, tokens: torch.Tensor, channels: Sequence[str], *, shuffle: bool = False, seed: int = 0
) -> pd.DataFrame:
    """What becomes of every feature of a joint dictionary when one channel is taken away.

    Parameters
    ----------
    dictionary : Dictionary
        With channel mode ``concat`` or ``mean``. In ``separate`` mode a feature of one channel never sees another, and
        the question has no point.
    tokens : torch.Tensor
        ``(N, C, dim)`` tokens of all channels at the same places, as a lexicon keeps them.
    channels : sequence of str
        Names of the C channels, in the order of the dictionary.
    shuffle : bool
        Give the channel the tokens of other places, which keeps how bright it is and breaks what goes with what. By
        default it is given the mean token of the control wells everywhere, which tells the dictionary nothing.
    seed : int
        Of the shuffle.

    Returns
    -------
    pandas.DataFrame
        One row per feature and channel: ``feature``, ``channel``, ``mean`` (value per token as it is),
        ``mean_without``, ``change`` (of the mean, relative: -1 where the feature is gone), ``moved`` (mean absolute
        change per token, relative to the mean: 0 where the channel does not matter); both NaN where it never fired;
        ``n_tokens``.
    """
    import torch

    mode = dictionary.header.channels_mode
    if mode == "separate":
        raise ValueError("features of a separate dictionary depend on their own channel alone")
    generator = torch.Generator().manual_seed(seed)
    before = _values(dictionary, tokens, mode)
    mean = np.asarray(before.mean(axis=0)).ravel()
    average = dictionary.whitening.mean.cpu()
    rows = []
    for c, name in enumerate(channels):
        changed = tokens.clone()
        order = torch.randperm(len(tokens), generator=generator)
        nothing = average if mode == "mean" else average.reshape(len(channels), -1)[c]
        changed[:, c] = tokens[order, c] if shuffle else nothing
        after = _values(dictionary, changed, mode)
        without = np.asarray(after.mean(axis=0)).ravel()
        moved = np.asarray(abs(after - before).mean(axis=0)).ravel()
        frame = pd.DataFrame({"feature": np.arange(len(mean)), "channel": name, "mean": mean, "mean_without": without})
        frame["change"], frame["moved"] = _relative(without - mean, mean), _relative(moved, mean)
        rows.append(frame.assign(n_tokens=len(tokens)))
    return pd.concat(rows, ignore_index=True)


def _relative(change: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(change, mean, out=np.full(len(mean), np.nan), where=mean > 0))


def _values(dictionary: Dictionary, tokens: torch.Tensor, mode: str) -> sparse.csr_matrix:
    """``(N, M)`` values cut off below 0."""
    joined = tokens.mean(dim=1) if mode == "mean" else tokens.reshape(len(tokens), -1)
    codes = dictionary.encode(joined).merged()
    n, k = codes.indices.shape
    values = codes.values.clamp(min=0).double().numpy().ravel()
    where = (codes.indices.numpy().ravel(), np.arange(0, n * k + 1, k))
    return sparse.csr_matrix((values, *where), (n, dictionary.n_features))
