"""Harmony, written small: soft clusters that every batch has to share (Korsunsky et al., Nature Methods 2019)."""

from __future__ import annotations

import numpy as np
from scipy.cluster.vq import kmeans2

_BLOCKS = 20  # parts of the wells that move together


def harmonised(
    values: np.ndarray,
    control: np.ndarray,
    batches: np.ndarray,
    *,
    components: int = 30,
    clusters: int | None = None,
    diversity: float = 2.0,
    softness: float = 0.1,
    ridge: float = 1.0,
    rounds: int = 10,
    seed: int = 0,
) -> np.ndarray:
    """Harmony: soft clusters that every batch has to share, and batch shifts taken away cluster by cluster.

    Parameters
    ----------
    values : numpy.ndarray
        ``(W, F)``; brought to principal directions first.
    control : numpy.ndarray
        Not used: Harmony looks at all wells.
    batches : numpy.ndarray
        ``(W,)`` plate or batch of each well.
    components : int
        Principal directions kept.
    clusters : int, optional
        Soft clusters; a thirtieth of the wells, 2 to 100, where None.
    diversity, softness, ridge : float
        Harmony's theta, sigma and lambda.
    rounds : int
        Of clustering and correction.
    seed : int
        Of the first clusters.

    Returns
    -------
    numpy.ndarray
        ``(W, components)``.

    References
    ----------
    Korsunsky et al., Nature Methods 16 (2019) 1289-1296, Algorithms 1 to 3.
    """
    z = _principal(values, components)
    codes = np.unique(batches, return_inverse=True)[1]
    batch = np.eye(int(codes.max()) + 1)[codes]  # (W, B)
    if batch.shape[1] < 2:
        return z
    n_clusters = clusters or int(np.clip(round(len(z) / 30), 2, 100))
    expected_share = batch.mean(axis=0)
    corrected = z.copy()
    membership: np.ndarray | None = None
    for _ in range(rounds):
        unit = _unit(corrected)
        if membership is None:
            centroids = _unit(kmeans2(unit, n_clusters, minit="++", seed=seed)[0])
            membership = _soft(unit, centroids, softness)
        membership = _diverse(unit, membership, batch, expected_share, diversity, softness)
        corrected = _without_batches(z, membership, batch, ridge)
    return corrected


def _principal(values: np.ndarray, components: int) -> np.ndarray:
    x = values.astype(np.float64)
    x = x - x.mean(axis=0)
    spread = x.std(axis=0)
    x = x / np.where(spread > 1e-12, spread, 1)
    left, sizes, _ = np.linalg.svd(x, full_matrices=False)
    kept = min(components, len(sizes))
    return np.asarray(left[:, :kept] * sizes[:kept])


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def _soft(unit: np.ndarray, centroids: np.ndarray, softness: float) -> np.ndarray:
    weights = -2 * (1 - unit @ centroids.T) / softness
    weights = np.exp(weights - weights.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _diverse(
    unit: np.ndarray,
    membership: np.ndarray,
    batch: np.ndarray,
    expected_share: np.ndarray,
    diversity: float,
    softness: float,
    inner: int = 20,
) -> np.ndarray:
    """Soft k-means in which a cluster that holds too much of a batch becomes less attractive to it.

    Wells move block by block, each block seeing where the others are (Algorithm 2): when all move at once, two batches
    change places for ever.
    """
    membership = membership.copy()
    for step in range(inner):
        before = membership.copy()
        centroids = _unit(membership.T @ unit)
        base = np.exp(-2 * (1 - unit @ centroids.T) / softness)
        order = np.random.default_rng(step).permutation(len(unit))
        for block in np.array_split(order, min(_BLOCKS, len(unit))):
            rest = membership.sum(axis=0) - membership[block].sum(axis=0)
            observed = membership.T @ batch - membership[block].T @ batch[block]  # (K, B)
            penalty = ((rest[:, None] * expected_share + 1) / (observed + 1)) ** diversity
            weights = base[block] * (batch[block] @ penalty.T)
            membership[block] = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
        if np.abs(membership - before).max() < 1e-4:
            break
    return membership


def _without_batches(z: np.ndarray, membership: np.ndarray, batch: np.ndarray, ridge: float) -> np.ndarray:
    """In every cluster a ridge regression on the batches; their part is taken away, the common part stays."""
    design = np.concatenate([np.ones((len(z), 1)), batch], axis=1)
    penalty = ridge * np.eye(design.shape[1])
    penalty[0, 0] = 0
    corrected = z.copy()
    for k in range(membership.shape[1]):
        weighted = design * membership[:, k : k + 1]
        shifts = np.linalg.solve(weighted.T @ design + penalty, weighted.T @ z)
        shifts[0] = 0
        corrected -= weighted @ shifts
    return corrected
