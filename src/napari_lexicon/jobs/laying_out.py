"""Laying out the features of a lexicon: slow maps of neighbours, in a process of their own."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lexicon.analysis.feature_layout import feature_layout
from napari_lexicon.analysis.lexicon_tables import atoms_of
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent
from napari_lexicon.lexicons import Lexicon


@dataclass(frozen=True)
class LayoutJob:
    """Lay out the features of a lexicon; see :func:`napari_lexicon.analysis.feature_layout.feature_layout`.

    Parameters
    ----------
    lexicon : str
        ``NAME.lexicon``.
    method : str
        ``"pca"``, ``"tsne"`` or ``"umap"``.
    seed : int
        Of the neighbour maps.
    """

    lexicon: str
    method: str = "tsne"
    seed: int = 0


@dataclass(frozen=True)
class LaidOut:
    """A layout as JSON can hold it.

    Parameters
    ----------
    method, dictionary : str
        How, and hash of the dictionary.
    x, y : tuple of float
        One each per feature.
    titles : tuple of str
        Of the axes.
    message : str
        For a person.
    """

    method: str
    dictionary: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    titles: tuple[str, str]
    message: str


def run_layout(job: LayoutJob, report: Report = silent, should_stop: ShouldStop = never) -> LaidOut:
    """Run a :class:`LayoutJob`."""
    lexicon = Lexicon.open(job.lexicon)
    atoms = atoms_of(lexicon)
    report(Progress(0, 0, f"laying out {len(atoms):,} features"))
    made = feature_layout(atoms, job.method, seed=job.seed)
    reference = lexicon.header.dictionary
    x, y = (tuple(float(value) for value in column) for column in made.points.T.round(5))
    return LaidOut(
        job.method,
        "" if reference is None else reference.hash,
        x,
        y,
        made.titles,
        f"{len(atoms):,} features laid out",
    )
