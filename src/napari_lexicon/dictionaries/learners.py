"""What the trainer asks of an algorithm, and the list of algorithms."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import torch

from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.linear import LinearMap
from napari_lexicon.dictionaries.train_settings import ALSO_CALLED, TrainSettings
from napari_lexicon.errors import DictionaryError


@dataclass(frozen=True)
class Gradients:
    """What one batch says.

    Parameters
    ----------
    by_parameter : dict
        Gradient of the mean loss by each parameter.
    loss : float
        Mean over the batch of the squared error, without penalties.
    active : torch.Tensor
        ``(M,)`` bool: features active on at least one token of the batch.
    """

    by_parameter: dict[str, torch.Tensor]
    loss: float
    active: torch.Tensor


class Learner(Protocol):
    """One way of learning a dictionary, driven by the trainer.

    ``parameters`` are moved in place by the optimiser, and the best of them make the dictionary; ``buffers`` are what
    else a checkpoint must hold. ``sample_tokens`` is the number of tokens a learner wants to start from, beside those
    its atoms may start at.
    """

    parameters: dict[str, torch.Tensor]
    buffers: dict[str, torch.Tensor]

    def gradients(self, unit: torch.Tensor) -> Gradients:
        """Gradients for a batch of ``(B, dim_w)`` prepared tokens."""
        ...

    def after_step(self, step: int, active: torch.Tensor, tokens: int) -> torch.Tensor | None:
        """Restore what must hold (unit norms) and, when it is time, redraw atoms.

        Parameters
        ----------
        step : int
            Of the run, from 0.
        active : torch.Tensor
            ``(M,)`` bool: features active in the batch, over all workers.
        tokens : int
            Size of the batch, over all workers.

        Returns
        -------
        torch.Tensor or None
            Numbers of redrawn atoms, whose optimiser state the trainer clears.
        """
        ...

    def encode(self, unit: torch.Tensor) -> Codes:
        """Codes of ``(N, dim_w)`` prepared tokens, bias subtracted inside."""
        ...

    def encoder(self) -> EncoderSettings:
        """The encoder of the dictionary made from the parameters."""
        ...

    def linear(self, parameters: dict[str, torch.Tensor] | None = None) -> LinearMap | None:
        """What a linear encoder needs, of the present or of given parameters; None for a pursuit."""
        ...


@dataclass(frozen=True)
class Algorithm:
    """One way of learning a dictionary.

    Parameters
    ----------
    title, source : str
        What it is called, and the paper.
    module, name : str
        Where its learner is: a class made from settings and a sample ``(S, dim_w)`` of prepared training tokens.
    steps : bool
        False for baselines that are found at once.
    """

    title: str
    source: str
    module: str
    name: str
    steps: bool = True

    def learner(self) -> LearnerClass:
        """The class."""
        found: LearnerClass = getattr(import_module(f"napari_lexicon.dictionaries.{self.module}"), self.name)
        return found


class LearnerClass(Protocol):
    """Makes a learner."""

    sample_tokens: int

    def __call__(self, settings: TrainSettings, sample: torch.Tensor) -> Learner:
        """A learner that starts from a sample of prepared training tokens."""
        ...


ALGORITHMS = {
    "icfl-anchored": Algorithm("ICFL beside the principal directions", "", "anchored", "AnchoredIcfl"),
    "icfl": Algorithm("ICFL", "arXiv 2412.16247", "icfl", "IcflLearner"),
    "topk": Algorithm("TopK with AuxK", "arXiv 2406.04093", "topk", "TopK"),
    "batch-topk": Algorithm("BatchTopK", "arXiv 2412.06410", "batch_topk", "BatchTopK"),
    "relu-l1": Algorithm("ReLU with L1", "arXiv 2407.10785", "relu_l1", "ReluL1"),
    "matryoshka": Algorithm("Matryoshka TopK", "arXiv 2503.17547", "matryoshka", "Matryoshka"),
    "mp-sae": Algorithm("MP-SAE", "arXiv 2506.03093", "mp_sae", "MatchingPursuit"),
    "pca": Algorithm("whitened PCA coordinates", "", "baselines", "PcaCoordinates", steps=False),
    "ica": Algorithm("ICA", "Hyvarinen 1999", "baselines", "IcaCoordinates", steps=False),
    "kmeans": Algorithm("spherical k-means", "", "baselines", "KMeans", steps=False),
}


def algorithm(name: str) -> Algorithm:
    """The algorithm of this name; ``icfl-paper`` is ``icfl``.

    Raises
    ------
    DictionaryError
        If there is none.
    """
    name = ALSO_CALLED.get(name, name)
    if name not in ALGORITHMS:
        raise DictionaryError(f"There is no dictionary algorithm {name!r}: choose one of {', '.join(ALGORITHMS)}.")
    return ALGORITHMS[name]
