"""What a training run is asked to do: a frozen description that can be written as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from napari_lexicon.errors import DictionaryError

INITIALISATIONS = ("tokens", "sphere")
SCHEDULES = ("cosine", "constant")
OPTIMISERS = ("adam", "sgd")
ALSO_CALLED = {"icfl-paper": "icfl"}
"""Other names of algorithms; what is written down carries the first."""

_LEAST = dict.fromkeys(("features", "iterations", "per_iteration", "steps", "batch"), 1)
_LEAST |= dict.fromkeys(("validation_tokens", "evaluate_every", "checkpoint_every"), 1)
_LEAST |= dict.fromkeys(("warmup", "seed", "reset_every", "patience", "auxiliary_window", "dead_window"), 0)


@dataclass(frozen=True)
class TrainSettings:
    """Settings of one training run.

    Parameters
    ----------
    algorithm : str
        Name of the learner; see :data:`napari_lexicon.dictionaries.learners.ALGORITHMS`.
    features : int
        M, the number of atoms.
    iterations, per_iteration : int
        J rounds of L picks; rivals without rounds take their product as their number of nonzeros.
    steps, batch : int
        Optimiser steps, and tokens in each.
    learning_rate : float
        Of the optimiser.
    optimiser : {"adam", "sgd"}
        Adam, or plain gradient steps with a momentum of 0.9.
    schedule : {"cosine", "constant"}
        ``"cosine"`` falls to a hundredth over the run, after a warm-up of ``warmup`` steps.
    warmup : int
        Steps over which the learning rate rises from 0.
    seed : int
        Decides the held-out part, the order of tokens, the initial atoms and the redraws.
    initialisation : {"tokens", "sphere"}
        Atoms start at prepared tokens, or at random directions.
    selection : {"signed", "magnitude"}
        How a pursuit ranks atoms.
    refit : bool
        Least squares over the whole support at the end of a pursuit, in training and in the dictionary made.
    ridge : float
        Added to the diagonal of the least-squares systems.
    bias : bool
        Learn a bias beside the atoms.
    reset_every : int
        Steps between redraws of one atom of each pair with a cosine over ``reset_cosine``; 0 for never.
    reset_cosine : float
        Signed cosine over which a pair counts as doubled.
    clear_at_reset : bool
        Clear the optimiser's memory of an atom that is redrawn.
    validation_fraction : float
        Share of tokens (of groups, where the source has them) held out.
    validation_tokens : int
        At most so many held-out tokens are used.
    evaluate_every, checkpoint_every : int
        Steps between evaluations, and between checkpoints.
    patience : int
        Evaluations without a better held-out loss after which the run ends; 0 for never.
    auxiliary : float
        Weight of the auxiliary loss by which autoencoders revive idle features.
    auxiliary_window : int
        Training tokens without activity after which a feature is idle.
    dead_window : int
        A feature is dead that was not active on any of the last so many training tokens.
    """

    algorithm: str = "icfl"
    features: int = 4096
    iterations: int = 20
    per_iteration: int = 5
    steps: int = 5000
    batch: int = 2048
    learning_rate: float = 1e-3
    optimiser: str = "adam"
    schedule: str = "cosine"
    warmup: int = 100
    seed: int = 0
    initialisation: str = "tokens"
    selection: str = "signed"
    refit: bool = False
    ridge: float = 1e-6
    bias: bool = True
    reset_every: int = 100
    reset_cosine: float = 0.9
    clear_at_reset: bool = True
    validation_fraction: float = 0.05
    validation_tokens: int = 20_000
    evaluate_every: int = 500
    checkpoint_every: int = 500
    patience: int = 0
    auxiliary: float = 1 / 32
    auxiliary_window: int = 200_000
    dead_window: int = 1_000_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "algorithm", ALSO_CALLED.get(self.algorithm, self.algorithm))
        _one_of("initialisation", self.initialisation, INITIALISATIONS)
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("optimiser", self.optimiser, OPTIMISERS)
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise DictionaryError(
                    f"The training setting {name} must be a whole number of at least {least}, not {value}."
                )
        if self.per_iteration > self.features:
            raise DictionaryError(
                f"{self.features} features cannot give {self.per_iteration} per iteration: ask for more features."
            )
        if not 0 < self.validation_fraction < 1:
            raise DictionaryError(f"The held-out share must lie between 0 and 1, not {self.validation_fraction}.")
        if not self.learning_rate > 0:
            raise DictionaryError(f"The learning rate must be positive, not {self.learning_rate}.")

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TrainSettings:
        """Inverse of :meth:`to_json`.

        Raises
        ------
        DictionaryError
            On a name that is not a setting.
        """
        known = {f.name for f in fields(cls)}
        for name in data:
            if name not in known:
                raise DictionaryError(f"The training setting {name!r} is unknown: choose among {', '.join(known)}.")
        return cls(**data)


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise DictionaryError(f"The training setting {name} is {value!r}: choose {' or '.join(choices)}.")
