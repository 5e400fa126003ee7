"""All features of a dictionary as points in two dimensions: features with similar atoms lie close to each other."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from napari_lexicon.errors import LexiconError

METHODS = ("pca", "tsne", "umap")


class FeatureLayoutError(LexiconError):
    """A layout cannot be made."""


@dataclass(frozen=True)
class FeatureLayout:
    """Places of features.

    Parameters
    ----------
    method : str
        One of :data:`METHODS`.
    points : numpy.ndarray
        ``(M, 2)``.
    titles : tuple of str
        Of the two axes.
    """

    method: str
    points: np.ndarray
    titles: tuple[str, str]


def can_make(method: str) -> bool:
    """Whether what a method needs is installed; nothing is imported."""
    return method != "umap" or find_spec("umap") is not None


def feature_layout(atoms: np.ndarray, method: str = "pca", *, seed: int = 0) -> FeatureLayout:
    """Lay features out by their atoms.

    Parameters
    ----------
    atoms : numpy.ndarray
        ``(M, dim_w)`` unit rows.
    method : {"pca", "tsne", "umap"}
        The two directions in which atoms vary most (linear, distances keep their meaning, and said is how much of the
        variance they hold); or a map of neighbours by cosine (t-SNE of scikit-learn, started from PCA; or UMAP where
        umap-learn is installed), on which only nearness means something.
    seed : int
        Of the neighbour maps.

    Raises
    ------
    FeatureLayoutError
        If the method is unknown, is not installed, or there are too few features for it.
    """
    if method not in METHODS:
        raise FeatureLayoutError(f"Layout {method!r} is unknown: choose {', '.join(METHODS)}.")
    if len(atoms) < 4:
        raise FeatureLayoutError(f"{len(atoms)} features are too few for a map: take a dictionary of at least 4.")
    places, shares = _principal(np.asarray(atoms, dtype=np.float64))
    if method == "pca":
        first, second = (_axis(n, share) for n, share in enumerate(shares))
        return FeatureLayout("pca", places, (first, second))
    if method == "tsne":
        from sklearn.manifold import TSNE

        nearest = min(30.0, (len(atoms) - 1) / 3)
        found = TSNE(metric="cosine", init=_small(places), perplexity=nearest, random_state=seed).fit_transform(atoms)
        return FeatureLayout("tsne", np.asarray(found, dtype=np.float64), ("t-SNE 1", "t-SNE 2"))
    if not can_make("umap"):
        raise FeatureLayoutError("UMAP needs the package umap-learn: install it, or choose t-SNE.")
    found = (
        import_module("umap")
        .UMAP(metric="cosine", n_neighbors=min(15, len(atoms) - 1), random_state=seed)
        .fit_transform(atoms)
    )
    return FeatureLayout("umap", np.asarray(found, dtype=np.float64), ("UMAP 1", "UMAP 2"))


def _principal(atoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(M, 2)`` scores on the first two principal components, and their shares of the variance."""
    centred = atoms - atoms.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    values, vectors = values[::-1].clip(min=0), vectors[:, ::-1]
    first = vectors[:, :2] * np.sign(vectors[np.abs(vectors[:, :2]).argmax(axis=0), [0, 1]])  # a sign is arbitrary
    return centred @ first, values[:2] / max(float(values.sum()), 1e-300)


def _axis(number: int, share: float) -> str:
    return f"PC {number + 1}, {100 * share:.2g} % of the variance"


def _small(places: np.ndarray) -> np.ndarray:
    """PCA as t-SNE wants to start, the first axis 1e-4 wide (Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x)."""
    return np.asarray(places / max(float(places[:, 0].std()), 1e-300) * 1e-4, dtype=np.float32)
