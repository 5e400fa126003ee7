"""How much there is to see where features fire: what marks the empty parts of pictures is no feature to begin with.

No name and no model is needed for that: the patches of a picture are ranked by how much their pixels differ, and empty
ground ranks low, be it dark as in fluorescence or bright as in smears and sections.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_lexicon.analysis.channels import patch_means, sparse_codes
from napari_lexicon.analysis.field_sample import FieldSample
from napari_lexicon.analysis.lexicon_tables import atoms_of, whitening_of
from napari_lexicon.lexicons import FieldCodes, FieldTokens, Lexicon, LexiconPlate

_MOST_FIELDS = 12
_MOST_PIXELS = 60_000_000  # of all channels of all fields that are read
_LEAST_PATCHES = 20  # in which a feature fires for its detail to be given


@dataclass(frozen=True)
class Detail:
    """Mean rank of the patches in which features fire among all patches of their pictures, by standard deviation.

    0 is the smoothest patch of a picture, 1 the one with most to see, 0.5 what a feature has that fires anywhere; NaN
    where too few patches tell.

    Parameters
    ----------
    by_code : numpy.ndarray
        ``(M,)``, where a feature is in the code.
    along : numpy.ndarray
        ``(M,)``, where patches lie beyond a level along it.
    """

    by_code: np.ndarray
    along: np.ndarray


def detail_of_features(
    lexicon: Lexicon, plate: LexiconPlate, beyond: float, read: Callable[[int], np.ndarray]
) -> Detail:
    """Detail where features fire, in fields spread over the wells.

    Parameters
    ----------
    lexicon, plate : Lexicon, LexiconPlate
        With finished fields.
    beyond : float
        Standard deviations of controls beyond which a patch counts along a feature.
    read : callable
        From a field's number to its pixels ``(C, Y, X)``, in the order of the field's channels.
    """
    atoms = atoms_of(lexicon)
    mean, matrix = whitening_of(lexicon)
    directions = (atoms @ matrix).T
    code, along = _Ranks(len(atoms)), _Ranks(len(atoms))
    left = _MOST_PIXELS
    for number in FieldSample(plate, len(atoms)).numbers()[:_MOST_FIELDS]:
        image = read(number)
        ranks = detail_ranks(image, lexicon.backbone.patch)
        codes, tokens = plate.codes(number), plate.tokens(number)
        if codes is not None:
            _add_codes(code, codes, ranks, plate.fields[number].channels)
        if tokens is not None and tokens.tokens.shape[2] == len(mean):
            _add_tokens(along, tokens, ranks, plate.fields[number].channels, (directions, mean, beyond))
        left -= image.size
        if left < image.size:
            break
    return Detail(code.means(), along.means())


def detail_ranks(image: np.ndarray, patch: int) -> np.ndarray:
    """``(C, gh, gw)`` rank of every patch among those of its channel by the deviation of its pixels, 0 to 1."""
    if patch % 2 == 0:  # every second pixel along each side tells as much, in a quarter of the time
        image, patch = image[:, ::2, ::2], patch // 2
    pixels = image.astype(np.float64)
    variance = patch_means(pixels**2, patch) - patch_means(pixels, patch) ** 2
    order = variance.reshape(len(image), -1).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    return np.asarray(order / max(1, order.shape[1] - 1)).reshape(variance.shape)


class _Ranks:
    """Sums of ranks over patches, in shares of a picture's own mean so that dark patches left out do not count."""

    def __init__(self, n_features: int) -> None:
        self._total, self._count = np.zeros(n_features), np.zeros(n_features)

    def add(self, fires: np.ndarray, ranks: np.ndarray) -> None:
        """Add ``(n, M)`` 0 or 1, and the ``(n,)`` ranks of the patches."""
        among = ranks.argsort(kind="stable").argsort(kind="stable") / max(1, len(ranks) - 1)
        self._total += fires.T @ among
        self._count += np.asarray(fires.sum(axis=0)).ravel()

    def means(self) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.where(self._count >= _LEAST_PATCHES, self._total / self._count, np.nan)


def _of_group(ranks: np.ndarray, own: int, groups: int, channels: tuple[int, ...]) -> np.ndarray:
    """``(gh, gw)`` ranks that belong to a group of tokens: of its channel, or the mean where all are read at once."""
    apart = groups == len(channels) and own in channels
    return np.asarray(ranks[channels.index(own)] if apart else ranks.mean(axis=0))


def _add_codes(to: _Ranks, codes: FieldCodes, ranks: np.ndarray, channels: tuple[int, ...]) -> None:
    for group, own in enumerate(codes.channels):
        fires = sparse_codes(codes, group, len(to._total)) > 0
        here = _of_group(ranks, own, len(codes.channels), channels)
        height, width = codes.indices.shape[1:3]
        lit = (codes.values[group] != 0).any(axis=-1).reshape(-1)
        to.add(fires[lit].astype(np.float64), here[:height, :width].reshape(-1)[lit])


def _add_tokens(
    to: _Ranks,
    tokens: FieldTokens,
    ranks: np.ndarray,
    channels: tuple[int, ...],
    along: tuple[np.ndarray, np.ndarray, float],
) -> None:
    directions, mean, beyond = along
    for group, own in enumerate(tokens.channels):
        lit = tokens.lit[:, group]
        here = _of_group(ranks, own, len(tokens.channels), channels)
        rows, columns = tokens.places[lit].T
        inside = (rows < here.shape[0]) & (columns < here.shape[1])
        far = (tokens.tokens[lit, group].astype(np.float32)[inside] - mean) @ directions > beyond
        to.add(far.astype(np.float64), here[rows[inside], columns[inside]])
