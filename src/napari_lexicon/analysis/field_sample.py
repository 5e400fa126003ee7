"""A sample of a plate's fields for looking at single features: small enough to be read while a person waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from napari_lexicon.analysis.channels import StainCorrelations, patch_means, sparse_codes
from napari_lexicon.lexicons import Example, FieldCodes, LexiconPlate

MOST_FIELDS = 48
FEWEST_FIELDS = 6
_ENTRIES = 20_000_000  # (feature, value) pairs of the fields that are held: about 80 MB

QUANTILES: tuple[tuple[str, float, float], ...] = (
    ("strongest 5 %", 0.95, 1.0),
    ("75 to 95 %", 0.75, 0.95),
    ("50 to 75 %", 0.50, 0.75),
    ("25 to 50 %", 0.25, 0.50),
    ("weakest 25 %", 0.0, 0.25),
)
"""Bins of what fires: word, and quantiles of the values above 0."""
SILENT = "does not fire"


@dataclass(frozen=True)
class QuantileBin:
    """Places of one range of activation.

    Parameters
    ----------
    title : str
        Which part of what fires.
    low, high : float
        Activation at its ends.
    places : tuple of Example
        Chosen at random in it, spread over fields.
    """

    title: str
    low: float
    high: float
    places: tuple[Example, ...]


class FieldSample:
    """Fields spread over the wells of a plate, read once and held as far as there is room.

    Parameters
    ----------
    plate : LexiconPlate
        With finished fields.
    n_features : int
        M.
    seed : int
        Of the choice of fields.
    """

    def __init__(self, plate: LexiconPlate, n_features: int, seed: int = 0):
        self.plate, self.n_features, self._seed = plate, n_features, seed
        self._codes: dict[int, FieldCodes] = {}
        self._stains: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def numbers(self, wells: Collection[str] = ()) -> list[int]:
        """Finished fields of some wells (all where none are named), well after well, as many as are worth a wait."""
        rng = np.random.default_rng(self._seed)
        by_well: dict[str, list[int]] = {}
        for number, field in enumerate(self.plate.fields):
            if self.plate.mark("codes", number) is not None and (not wells or field.well in wells):
                by_well.setdefault(field.well, []).append(number)
        queues = [list(rng.permutation(numbers)) for numbers in by_well.values()]
        order = rng.permutation(len(queues))
        found: list[int] = []
        while len(found) < MOST_FIELDS and any(queues):
            for w in order:
                if queues[w] and len(found) < MOST_FIELDS:
                    found.append(int(queues[w].pop()))
        if not found:
            return []
        gh, gw = self.plate.fields[found[0]].grid
        entries = gh * gw * 20 * (1 if self.plate.joint else len(self.plate.header.channels))
        return found[: max(FEWEST_FIELDS, _ENTRIES // entries)]

    def codes(self, number: int) -> FieldCodes:
        """Codes of a finished field."""
        with self._lock:
            known = self._codes.get(number)
        if known is not None:
            return known
        codes = self.plate.codes(number)
        assert codes is not None  # numbers() gives finished fields only
        with self._lock:
            self._codes[number] = codes
            while len(self._codes) > 1 and sum(one.indices.size for one in self._codes.values()) > _ENTRIES:
                self._codes.pop(next(iter(self._codes)))
        return codes

    def stains(self, number: int, patch: int, read: Callable[[int], np.ndarray]) -> np.ndarray:
        """``(C, gh, gw)`` mean intensities of the patches of a field; ``read`` gives its pixels."""
        if number not in self._stains:
            self._stains[number] = patch_means(read(number), patch).astype(np.float32)
        return self._stains[number]


def values_of(codes: FieldCodes, feature: int) -> np.ndarray:
    """``(G, gh, gw)`` float32: one feature in every channel, 0 where it does not fire."""
    hits = np.where(codes.indices == feature, codes.values, np.float16(0)).sum(axis=-1, dtype=np.float32)
    return np.asarray(hits.clip(min=0))


def activation_quantiles(
    sample: FieldSample,
    feature: int,
    *,
    channel: int | None = None,
    wells: Collection[str] = (),
    each: int = 4,
    seed: int = 0,
) -> list[QuantileBin]:
    """Places of a feature by how strongly it fires, and where it does not, chosen at random within each range.

    Parameters
    ----------
    sample : FieldSample
        Fields to choose from.
    feature : int
        Number of the feature.
    channel : int, optional
        One channel of the plate only.
    wells : collection of str
        These wells only; all where empty.
    each : int
        Places per range.
    seed : int
        Of the choice.

    Returns
    -------
    list of QuantileBin
        Strongest first, last the places where it does not fire though there is something to see (patches that are dark
        are left out); empty where it never fires in the sample.
    """
    rng = np.random.default_rng([seed, feature])
    values, places = _all_places(sample, feature, channel, wells)
    firing = np.flatnonzero(values > 0)
    if not len(firing):
        return []
    bins = []
    for title, low, high in QUANTILES:
        ends = np.quantile(values[firing], (low, high))
        inside = firing[(values[firing] >= ends[0]) & ((values[firing] < ends[1]) | (high == 1.0))]
        bins.append(_bin(sample, title, ends, inside, values, places, each, rng))
    silent = np.flatnonzero(values == 0)
    bins.append(_bin(sample, SILENT, (0.0, 0.0), silent, values, places, each, rng))
    return [one for one in bins if one.places]


def _all_places(
    sample: FieldSample, feature: int, channel: int | None, wells: Collection[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Values, and rows of field, channel, row and column, of every patch that is not dark."""
    values, places = [np.empty(0, np.float32)], [np.empty((0, 4), np.int64)]
    for number in sample.numbers(wells):
        codes = sample.codes(number)
        here, lit = values_of(codes, feature), (codes.values != 0).any(axis=-1)
        for g, own in enumerate(codes.channels):
            if channel is None or own == channel:
                rows, columns = np.nonzero(lit[g])
                values.append(here[g, rows, columns])
                places.append(np.stack([np.full(len(rows), number), np.full(len(rows), own), rows, columns], axis=1))
    return np.concatenate(values), np.concatenate(places)


def _bin(
    sample: FieldSample,
    title: str,
    ends: tuple[float, float] | np.ndarray,
    inside: np.ndarray,
    values: np.ndarray,
    places: np.ndarray,
    each: int,
    rng: np.random.Generator,
) -> QuantileBin:
    chosen: list[int] = []
    for position in rng.permutation(inside):  # other fields first, so that one field does not stand for all
        if len(chosen) == each:
            break
        if all(places[position, 0] != places[other, 0] for other in chosen):
            chosen.append(int(position))
    for position in rng.permutation(inside)[: 10 * each]:
        if len(chosen) < each and int(position) not in chosen:
            chosen.append(int(position))
    chosen.sort(key=lambda position: -values[position])
    found = []
    for position in chosen:
        number, channel, gy, gx = (int(v) for v in places[position])
        well = sample.plate.fields[number].well
        found.append(Example(sample.plate.id, number, well, channel, gy, gx, float(values[position])))
    return QuantileBin(title, float(ends[0]), float(ends[1]), tuple(found))


def stain_correlations(
    sample: FieldSample, feature: int, patch: int, read: Callable[[int], np.ndarray]
) -> pd.DataFrame:
    """Correlation over patches of one feature with every stain; see :meth:`StainCorrelations.table`.

    Parameters
    ----------
    sample : FieldSample
        Fields to look at.
    feature : int
        Number of the feature.
    patch : int
        Side of a patch, pixels.
    read : callable
        From a field's number to its pixels ``(C, Y, X)``.
    """
    plate = sample.plate
    found = StainCorrelations(1, [channel.name for channel in plate.header.channels], plate.joint)
    for number in sample.numbers():
        field, codes = plate.fields[number], sample.codes(number)
        alone = FieldCodes(
            np.zeros_like(codes.indices), np.where(codes.indices == feature, codes.values, 0), codes.channels
        )
        found.add(field.well, alone, sample.stains(number, patch, read), field.channels, 1)
    return found.table()


def fire_together(sample: FieldSample, feature: int, n: int = 8) -> pd.DataFrame:
    """Features that fire in the same patches, whichever channel they fire in.

    Returns
    -------
    pandas.DataFrame
        ``feature``, ``phi`` (correlation of firing over patches, -1 to 1), ``share`` (part of the patches of the
        feature asked about in which it fires too) and ``by_chance`` (part of all patches); largest ``phi`` first, the
        feature itself left out.
    """
    own, both, total = 0, np.zeros(sample.n_features), np.zeros(sample.n_features)
    patches = 0
    for number in sample.numbers():
        fires = _fires(sample.codes(number), sample.n_features)
        mine = np.asarray(fires[:, [feature]].todense()).ravel()
        patches += fires.shape[0]
        own += int(mine.sum())
        total += np.asarray(fires.sum(axis=0)).ravel()
        both += np.asarray(fires[mine].sum(axis=0)).ravel()
    if not own:
        return pd.DataFrame({"feature": [], "phi": [], "share": [], "by_chance": []})
    spread = np.sqrt(own * (patches - own) * total * (patches - total))
    phi = np.divide(both * patches - own * total, spread, out=np.full(len(total), -1.0), where=spread > 0)
    phi[feature] = -1
    order = np.argsort(-phi, kind="stable")[:n]
    order = order[phi[order] > 0]
    return pd.DataFrame(
        {"feature": order, "phi": phi[order], "share": both[order] / own, "by_chance": total[order] / patches}
    )


def _fires(codes: FieldCodes, n_features: int) -> sparse.csr_matrix:
    """``(patches, M)`` bool: fires in any channel."""
    found = sparse_codes(codes, 0, n_features) > 0
    for g in range(1, len(codes.channels)):
        found = found + (sparse_codes(codes, g, n_features) > 0)
    return found.tocsr()


def nearest_atoms(atoms: np.ndarray, feature: int, n: int = 8) -> list[tuple[int, float]]:
    """Features whose atoms point the same way: number and cosine, nearest first, the feature itself left out.

    Parameters
    ----------
    atoms : numpy.ndarray
        ``(M, dim_w)`` unit rows.
    feature : int
        Number of the feature.
    n : int
        Neighbours to give.
    """
    cosine = atoms @ atoms[feature]
    cosine[feature] = -2
    return [(int(m), float(cosine[m])) for m in np.argsort(-cosine, kind="stable")[:n] if m != feature]
