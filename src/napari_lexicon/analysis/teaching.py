"""Teaching a feature: the direction of tokens that tells what somebody points at from what it is compared with.

A linear discriminant (Fisher 1936) of whitened tokens. It is found from sums over groups of tokens (wells, or the
patches of a field that were pointed at and its others), so that leaving groups out, or shuffling which are which, needs
no second look at the tokens. Groups are compared within their block (plate, or field) only: what differs between blocks
teaches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lexicon.analysis.cells import auroc

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
SHRINKAGE = 0.02
"""Share of the covariance that is replaced by its mean over all directions (docs/benchmarks/dictionaries.md)."""
BESIDE_THE_REST = 0.5
"""The same where patches are told from all the rest of their fields."""
PARTS = 5
SHUFFLES = 999
_FEWEST = 2


@dataclass(frozen=True)
class Check:
    """How well a taught direction tells what had no part in finding it.

    Parameters
    ----------
    auroc : float
        Between what is like and what is not, in parts that were left out by turns; 0.5 is chance.
    p : float, optional
        Share of the shuffles of groups within their blocks that reach it, the real one counted among them. None where
        there is nothing to shuffle.
    like, unlike : int
        Groups, or patches, of either kind.
    parts : int
        Parts that were left out by turns.
    feature : int
        The one among other features that tells them best, -1 without others.
    feature_auroc : float
        How well such a feature tells them that is chosen anew without each part; NaN without others.
    """

    auroc: float
    p: float | None
    like: int
    unlike: int
    parts: int
    feature: int
    feature_auroc: float


class GroupSums:
    """Sums over groups of tokens. N is the number of groups, d the length of a whitened token.

    Parameters
    ----------
    like : (N,) bool
        Which groups were pointed at.
    block : (N,) int
        Groups are compared within a block.
    part : (N,) int
        Groups of a part are left out together; numbered from 0.
    dim : int
        d.
    """

    def __init__(self, like: npt.ArrayLike, block: npt.ArrayLike, part: npt.ArrayLike, dim: int) -> None:
        self.like = np.asarray(like, dtype=bool)
        self.block = np.asarray(block, dtype=np.int64)
        self.part = np.asarray(part, dtype=np.int64)
        self.parts = int(self.part.max()) + 1
        self.count = np.zeros(len(self.like))
        self.total = np.zeros((len(self.like), dim))
        self.products = np.zeros((self.parts, dim, dim))

    def add(self, group: int, tokens: npt.NDArray[np.float32]) -> None:
        """Add whitened tokens ``(n, d)`` of a group."""
        wide = tokens.astype(np.float64)
        self.count[group] += len(wide)
        self.total[group] += wide.sum(axis=0)
        self.products[self.part[group]] += wide.T @ wide

    def direction(self, left_out: int | None = None, shrinkage: float = SHRINKAGE) -> Floats | None:
        """Unit direction ``(d,)`` towards what was pointed at; None where no block has tokens of both kinds.

        Parameters
        ----------
        left_out : int, optional
            Part that has no say.
        shrinkage : float
            Between 0 and 1.
        """
        found = self._learnt(self.like[None], left_out, shrinkage)
        return found.directions[0] if found.directions[0].any() else None

    def distance(self, shrinkage: float = SHRINKAGE) -> float:
        """How far what was pointed at lies from the others along :meth:`direction`, in spreads of tokens in a block."""
        return self.apart(self._learnt(self.like[None], None, shrinkage).directions[0])

    def apart(self, direction: npt.NDArray[np.floating]) -> float:
        """How far what was pointed at lies from the others along any direction ``(d,)``, in the same unit."""
        learnt = self._learnt(self.like[None], None, 0.0)
        return float((_standardised(direction[None].astype(np.float64), learnt.covariance) @ learnt.difference.T)[0, 0])

    def means(self, direction: npt.NDArray[np.floating]) -> tuple[float, float]:
        """Means along a direction ``(d,)`` of what was pointed at, and of the others."""
        use = self.comparable()
        like, unlike = (
            self.total[own].sum(axis=0) / self.count[own].sum() for own in (use & self.like, use & ~self.like)
        )
        return float(like @ direction), float(unlike @ direction)

    def best_atom(self, atoms: npt.NDArray[np.float32], left_out: int | None = None) -> int:
        """The direction among ``(M, d)`` along which like groups lie farthest beyond the others."""
        use = self._used(left_out)
        along = self.total[use] / self.count[use, None] @ atoms.T.astype(np.float64)
        told = auroc_within(along, self.like[use], self.block[use])
        learnt = self._learnt(self.like[None], left_out, 0.0)
        wide = atoms.astype(np.float64)
        spread = np.sqrt(np.maximum(np.einsum("md,de,me->m", wide, learnt.covariance, wide, optimize=True), 1e-12))
        return int(np.lexsort((wide @ learnt.difference[0] / spread, np.nan_to_num(told)))[-1])

    def check(
        self,
        atoms: npt.NDArray[np.float32] | None = None,
        shrinkage: float = SHRINKAGE,
        shuffles: int = SHUFFLES,
        seed: int = 0,
    ) -> Check | None:
        """Leave every part out by turns and see where its groups lie along the direction found from the others.

        Parameters
        ----------
        atoms : numpy.ndarray, optional
            ``(M, d)`` directions of other features, to compare with.
        shrinkage : float
            As in :meth:`direction`.
        shuffles : int
            How often the groups of every block are told apart by chance.
        seed : int
            Of the shuffles.

        Returns
        -------
        Check or None
            None where fewer than two groups of a kind can be compared, or the others teach nothing without a part.
        """
        use = self.comparable()
        kinds = int((use & self.like).sum()), int((use & ~self.like).sum())
        if min(kinds) < _FEWEST or len(np.unique(self.part[use])) < _FEWEST:
            return None
        labels = np.vstack([self.like[None], _shuffled(self.like, self.block, use, shuffles, seed)])
        scores = np.zeros(labels.shape)
        rivals = np.full(len(use), np.nan)
        for part in range(self.parts):
            out = use & (self.part == part)
            learnt = self._learnt(labels, part, shrinkage)
            if out.any() and not learnt.directions[0].any():
                return None
            means = self.total[out] / self.count[out, None] - learnt.middles[self.block[out]]
            scores[:, out] = _standardised(learnt.directions, learnt.covariance) @ means.T
            if atoms is not None:
                atom = atoms[self.best_atom(atoms, part)][None].astype(np.float64)
                rivals[out] = (_standardised(atom, learnt.covariance) @ means.T)[0]
        block = self.block[use]
        told = [
            float(auroc_within(row[:, None], kind, block)[0])
            for row, kind in zip(scores[:, use], labels[:, use], strict=True)
        ]
        rival = None if atoms is None else auroc_within(rivals[use, None], self.like[use], block)
        return Check(
            auroc=told[0],
            p=float(np.mean(np.nan_to_num(told) >= told[0] - 1e-12)),
            like=kinds[0],
            unlike=kinds[1],
            parts=self.parts,
            feature=-1 if atoms is None else self.best_atom(atoms),
            feature_auroc=float("nan") if rival is None else float(rival[0]),
        )

    def comparable(self) -> Mask:
        """``(N,)``: groups with tokens, in a block that has some of either kind."""
        use = self._used(None)
        both = np.intersect1d(self.block[use & self.like], self.block[use & ~self.like])
        return use & np.isin(self.block, both)

    def _used(self, left_out: int | None) -> Mask:
        use = self.count > 0
        return use if left_out is None else use & (self.part != left_out)

    def _learnt(self, labels: Mask, left_out: int | None, shrinkage: float) -> _Learnt:
        """Directions of ``(P, N)`` labellings; 0 where a labelling has no block with tokens of both kinds."""
        use = self._used(left_out)
        dim = self.total.shape[1]
        middles = np.zeros((int(self.block.max()) + 1, dim))
        difference, weights = np.zeros((len(labels), dim)), np.zeros(len(labels))
        scatter = sum((self.products[n] for n in range(self.parts) if n != left_out), np.zeros((dim, dim)))
        for block in np.unique(self.block[use]):
            own = use & (self.block == block)
            count, total = self.count[own], self.total[own]
            middles[block] = total.sum(axis=0) / count.sum()
            scatter -= count.sum() * np.outer(middles[block], middles[block])
            like = labels[:, own] @ count
            unlike = count.sum() - like
            both = (like > 0) & (unlike > 0)
            sums = labels[both][:, own] @ total
            apart = sums / like[both, None] - (total.sum(axis=0) - sums) / unlike[both, None]
            weight = like[both] * unlike[both] / count.sum()
            difference[both] += apart * weight[:, None]
            weights[both] += weight
        difference /= np.maximum(weights, 1e-12)[:, None]
        degrees = max(1.0, self.count[use].sum() - len(np.unique(self.block[use])))
        covariance = scatter / degrees
        ridge = (np.trace(covariance) / dim + 1e-12) * np.eye(dim)
        found = np.linalg.solve((1 - shrinkage) * covariance + shrinkage * ridge + 1e-9 * ridge, difference.T).T
        length = np.linalg.norm(found, axis=1, keepdims=True)
        return _Learnt(found / np.where(length > 0, length, 1), difference, covariance, middles)


@dataclass(frozen=True, eq=False)
class _Learnt:
    """``(P, d)`` unit directions and differences, ``(d, d)`` covariance within blocks, ``(B, d)`` means of blocks."""

    directions: Floats
    difference: Floats
    covariance: Floats
    middles: Floats


def _standardised(directions: Floats, covariance: Floats) -> Floats:
    """Directions along which tokens spread by 1 within blocks."""
    spread = np.sqrt(np.maximum(np.einsum("pd,de,pe->p", directions, covariance, directions, optimize=True), 1e-12))
    return np.asarray(directions / spread[:, None])


def parts_of(like: npt.ArrayLike, block: npt.ArrayLike, parts: int = PARTS) -> npt.NDArray[np.int64]:
    """Number of the part of every group: each kind of each block is dealt out over the parts, in turn.

    Parameters
    ----------
    like, block
        As in :class:`GroupSums`.
    parts : int
        At most so many, and at most as many as there are groups of the rarer kind.
    """
    like, block = np.asarray(like, dtype=bool), np.asarray(block)
    parts = max(1, min(parts, int(like.sum()), int((~like).sum())))
    found = np.zeros(len(like), np.int64)
    for kind in (True, False):
        dealt = 0
        for one in np.unique(block):
            own = np.flatnonzero((like == kind) & (block == one))
            found[own] = (dealt + np.arange(len(own))) % parts
            dealt += len(own)
    return found


def paired_parts(has_like: npt.ArrayLike, has_unlike: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Number of the part of every field, so that as many parts as can be hold both kinds.

    Parameters
    ----------
    has_like, has_unlike : (F,) bool
        Which fields have patches of either kind.
    """
    has_like, has_unlike = np.asarray(has_like, dtype=bool), np.asarray(has_unlike, dtype=bool)
    found = np.zeros(len(has_like), np.int64)
    both = np.flatnonzero(has_like & has_unlike)
    found[both] = np.arange(len(both))
    alone = [np.flatnonzero(has_like & ~has_unlike), np.flatnonzero(has_unlike & ~has_like)]
    pairs = min(len(one) for one in alone)
    parts = len(both) + pairs
    for one in alone:
        # those that find no partner join the parts that there are
        found[one] = [len(both) + n if n < pairs else n % max(1, parts) for n in range(len(one))]
    return found


def check_fields(
    sums: GroupSums,
    fields: Sequence[tuple[npt.NDArray[np.float32], Mask]],
    atoms: npt.NDArray[np.float32] | None = None,
    shrinkage: float = SHRINKAGE,
) -> Check | None:
    """Leave every part out by turns and see whether its patches are told apart.

    Parameters
    ----------
    sums : GroupSums
        With the parts of :func:`paired_parts`, or one for each field.
    fields : sequence of (tokens, like)
        Of every part: ``(n, d)`` whitened tokens and ``(n,)`` bool.
    atoms, shrinkage
        As in :meth:`GroupSums.check`.

    Returns
    -------
    Check or None
        AUROC is the mean over parts by the number of their patches that are like; None where fewer than two parts
        have patches of both kinds, or the others teach nothing without one.
    """
    whole = [part for part, (_, like) in enumerate(fields) if like.any() and not like.all()]
    if len(whole) < _FEWEST:
        return None
    told, rivals, weights = [], [], []
    for part in whole:
        tokens, like = fields[part]
        direction = sums.direction(part, shrinkage)
        if direction is None:  # the other parts hold both kinds, but not in one field
            return None
        told.append(float(auroc((tokens @ direction)[:, None], like)[0]))
        weights.append(int(like.sum()))
        if atoms is not None:
            rival = atoms[sums.best_atom(atoms, part)]
            rivals.append(float(auroc((tokens @ rival)[:, None], like)[0]))
    return Check(
        auroc=float(np.average(told, weights=weights)),
        p=None,
        like=sum(weights),
        unlike=sum(int((~fields[part][1]).sum()) for part in whole),
        parts=len(whole),
        feature=-1 if atoms is None else sums.best_atom(atoms),
        feature_auroc=float("nan") if atoms is None else float(np.average(rivals, weights=weights)),
    )


def auroc_within(values: npt.NDArray[np.floating], like: Mask, block: npt.NDArray[np.int64]) -> Floats:
    """Area under the ROC curve of every column ``(N, K)``, of pairs within blocks only; NaN without any ``(K,)``."""
    above, pairs = np.zeros(values.shape[1]), 0
    for one in np.unique(block):
        own = block == one
        n = int(like[own].sum()) * int((~like[own]).sum())
        if n:
            above += n * auroc(values[own], like[own])
            pairs += n
    return above / pairs if pairs else np.full(values.shape[1], np.nan)


def _shuffled(like: Mask, block: npt.NDArray[np.int64], use: Mask, times: int, seed: int) -> Mask:
    """``(times, N)`` labels, drawn anew among the groups with tokens of every block."""
    rng = np.random.default_rng(seed)
    drawn = np.repeat(like[None], times, axis=0)
    for one in np.unique(block[use]):
        own = np.flatnonzero(use & (block == one))
        drawn[:, own] = rng.permuted(drawn[:, own], axis=1)
    return drawn
