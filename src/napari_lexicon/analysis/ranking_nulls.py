"""Average precisions of many shuffles at once: the nulls of replicate activity and of consistency.

Rankings by wells of one plate are not independent, and treated wells that are centred on a few controls share what
these controls are off by: on nulls, random rankings (as in copairs) called 7.5 % at 5 %. Shuffles of the wells, each
centred anew, keep both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_CHUNK = 200  # shuffles at a time


@dataclass(frozen=True)
class Comparison:
    """One treatment's wells and the controls of their plates, by the inner products of their profiles.

    Parameters
    ----------
    products : numpy.ndarray
        ``(n, n)`` inner products of profiles, before centring.
    treated : numpy.ndarray
        ``(n,)`` bool.
    strata : numpy.ndarray
        ``(n,)`` number of the plate.
    allowed : numpy.ndarray
        ``(n, n)`` bool: pairs that may count as replicates.
    """

    products: np.ndarray
    treated: np.ndarray
    strata: np.ndarray
    allowed: np.ndarray

    @classmethod
    def of(cls, profiles: np.ndarray, treated: np.ndarray, plates: np.ndarray, allowed: np.ndarray) -> Comparison:
        """From ``(n, F)`` profiles."""
        return cls(profiles @ profiles.T, treated, np.unique(plates, return_inverse=True)[1], allowed)

    def precisions(self, members: np.ndarray) -> np.ndarray:
        """Average precision of every treated well among controls.

        Parameters
        ----------
        members : numpy.ndarray
            ``(P, n)`` bool: who is treated, the same number in every row.

        Returns
        -------
        numpy.ndarray
            ``(P, treated)``, NaN where a well has no replicate.
        """
        who = np.nonzero(members)[1].reshape(len(members), -1)
        similarity = self._cosines(members, who)
        rows = np.arange(len(members))[:, None, None]
        mates = self.allowed[who[:, :, None], who[:, None, :]]
        found = similarity[rows, np.arange(who.shape[1])[None, :, None], who[:, None, :]]
        others = np.where(members[:, None, :], np.inf, -similarity)  # controls from most to least alike
        others.sort(axis=2)
        return _precisions(found, mates, others)

    def null(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """``(size,)`` mean average precisions of shuffles within plates."""
        found = []
        for start in range(0, size, _CHUNK):
            members = np.stack([self._shuffled(rng) for _ in range(min(_CHUNK, size - start))])
            scores = self.precisions(members)
            known = np.isfinite(scores)
            found.append(np.where(known, scores, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
        return np.concatenate(found)

    def _shuffled(self, rng: np.random.Generator) -> np.ndarray:
        order = np.lexsort((rng.random(len(self.treated)), self.strata))
        shuffled = np.empty_like(self.treated)
        shuffled[np.argsort(self.strata, kind="stable")] = self.treated[order]
        return shuffled

    def _cosines(self, members: np.ndarray, who: np.ndarray) -> np.ndarray:
        """``(P, treated, n)`` cosines after centring on the controls of each plate, who differ from row to row."""
        plate = np.eye(int(self.strata.max()) + 1)[self.strata]  # (n, S)
        controls = ~members[:, :, None] * plate[None]
        weights = controls / np.maximum(controls.sum(axis=1, keepdims=True), 1)  # (P, n, S)
        with_mean = np.einsum("ij,pjs->pis", self.products, weights, optimize=True)  # (P, n, S)
        means = np.einsum("pis,pit->pst", weights, with_mean, optimize=True)  # (P, S, S)
        own = self.strata[None, :, None]
        to_own = np.take_along_axis(with_mean, np.broadcast_to(own, (*members.shape, 1)), axis=2)[..., 0]
        squares = np.diag(self.products)[None] - 2 * to_own + means[:, self.strata, self.strata]
        lengths = np.sqrt(squares.clip(min=1e-12))
        rows = np.arange(len(members))[:, None]
        theirs = self.strata[who]  # (P, treated)
        centred = (
            self.products[who]
            - np.take_along_axis(with_mean[rows, who], np.broadcast_to(self.strata, (*who.shape, members.shape[1])), 2)
            - with_mean[rows[:, :, None], np.arange(members.shape[1])[None, None], theirs[:, :, None]]
            + means[rows[:, :, None], theirs[:, :, None], self.strata[None, None]]
        )
        return np.asarray(centred / (lengths[rows, who][:, :, None] * lengths[:, None, :]))


def _precisions(found: np.ndarray, mates: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Average precisions from similarities of mates ``(P, m, m)`` and sorted minus those of others ``(P, m, c)``.

    Ties rank the others first.
    """
    before = (others[:, :, None, :] <= -found[..., None] + 1e-12).sum(axis=3)  # others ranked before each mate
    at = (mates[:, :, None, :] & (found[:, :, None, :] >= found[..., None])).sum(axis=3)  # mates up to and with it
    part = np.where(mates, at / np.maximum(at + before, 1), 0.0).sum(axis=2)
    count = mates.sum(axis=2)
    some = np.isfinite(others).any(axis=2)
    return np.asarray(np.where((count > 0) & some, part / np.maximum(count, 1), np.nan))


def kinds_null(
    similarity: np.ndarray,
    kinds: np.ndarray,
    treatments: np.ndarray,
    allowed: np.ndarray,
    size: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Average precisions of wells among wells of other kinds, and their means when kinds are dealt out anew.

    Parameters
    ----------
    similarity : numpy.ndarray
        ``(n, n)``.
    kinds, treatments : numpy.ndarray
        ``(n,)`` numbers; a treatment is of one kind.
    allowed : numpy.ndarray
        ``(n, n)`` bool: pairs that may find each other.
    size : int
        Shuffles of kinds over treatments.
    rng : numpy.random.Generator
        Of the shuffles.

    Returns
    -------
    scores : numpy.ndarray
        ``(n,)``, NaN where a well has nobody to find.
    null : numpy.ndarray
        ``(size, K)`` means over the wells of each kind.
    """
    order = np.argsort(-similarity, axis=1, kind="stable")
    ranked_allowed = np.take_along_axis(allowed, order, axis=1)
    n_kinds = int(kinds.max()) + 1
    of_treatment = np.zeros(int(treatments.max()) + 1, dtype=np.int64)
    of_treatment[treatments] = kinds

    def scored(labels: np.ndarray) -> np.ndarray:
        same = labels[order] == labels[:, None]
        hit = same & ranked_allowed
        counted = hit | ~same  # wells of one kind that may not find each other are left out
        precision = np.cumsum(hit, axis=1) / np.maximum(np.cumsum(counted, axis=1), 1)
        n_hits = hit.sum(axis=1)
        summed = (precision * hit).sum(axis=1)
        return np.where((n_hits > 0) & (~same).any(axis=1), summed / np.maximum(n_hits, 1), np.nan)

    null = np.full((size, n_kinds), np.nan)
    for p in range(size):
        labels = rng.permutation(of_treatment)[treatments]
        scores = scored(labels)
        known = np.isfinite(scores)
        counts = np.bincount(labels[known], minlength=n_kinds)
        sums = np.bincount(labels[known], scores[known], minlength=n_kinds)
        null[p] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return scored(kinds), null
