"""What encoders there are, and the settings that choose between them and belong to a dictionary."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

import torch

from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.errors import DictionaryError

SELECTIONS = ("signed", "magnitude")
ACTIVATIONS = ("topk", "magnitude", "threshold")
_MOST_PICKS = 16384
_MOST_SOLVED = 1024  # picks in one system of least squares: its size grows with their square
_OF_KIND = {
    "pursuit": ("iterations", "per_iteration", "selection", "refit", "ridge"),
    "linear": ("active", "activation"),
}


@dataclass(frozen=True)
class EncoderSettings:
    """The encoder that belongs to a dictionary.

    Parameters
    ----------
    kind : {"pursuit", "linear"}
        A pursuit on the atoms, or one product with a matrix of the dictionary's own.
    iterations, per_iteration : int
        Of a pursuit: J rounds of L atoms.
    selection : {"signed", "magnitude"}
        Of a pursuit: ``"signed"`` takes the largest inner products, as the ICFL paper does; ``"magnitude"`` the
        largest in size.
    refit : bool
        Of a pursuit: solve least squares once more over the whole support at the end. Not in the paper.
    ridge : float
        Of a pursuit: added to the diagonal of every least-squares system.
    active : int
        Of a linear encoder: at most so many features per token.
    activation : {"topk", "magnitude", "threshold"}
        Of a linear encoder: the largest products, cut at 0; the largest in size with their sign; or all those over
        each feature's threshold.
    """

    kind: str = "pursuit"
    iterations: int = 20
    per_iteration: int = 5
    selection: str = "signed"
    refit: bool = False
    ridge: float = 1e-6
    active: int = 100
    activation: str = "topk"

    def __post_init__(self) -> None:
        if self.kind not in _OF_KIND:
            raise DictionaryError(f"Encoder kind {self.kind!r} is unknown: this dictionary needs a newer version.")
        if self.selection not in SELECTIONS:
            raise DictionaryError(f"Selection {self.selection!r} is unknown: choose {' or '.join(SELECTIONS)}.")
        if self.activation not in ACTIVATIONS:
            raise DictionaryError(f"Activation {self.activation!r} is unknown: choose one of {', '.join(ACTIVATIONS)}.")
        if self.iterations < 1 or self.per_iteration < 1:
            raise DictionaryError(
                f"A pursuit needs at least one iteration and one feature per iteration, not {self.iterations} "
                f"and {self.per_iteration}."
            )
        if not 1 <= self.k <= _MOST_PICKS:
            raise DictionaryError(f"An encoder takes 1 to at most {_MOST_PICKS} features per token, not {self.k}.")
        solved = self.k if self.refit else self.per_iteration
        if self.kind == "pursuit" and solved > _MOST_SOLVED:
            raise DictionaryError(
                f"A pursuit solves least squares for at most {_MOST_SOLVED} features at a time, not {solved}: take "
                "fewer per iteration, or do not refit."
            )
        if not 0 <= self.ridge < 1:
            raise DictionaryError(f"The ridge of the least squares must lie between 0 and 1, not {self.ridge}.")

    @property
    def k(self) -> int:
        """Picks per token."""
        return self.iterations * self.per_iteration if self.kind == "pursuit" else self.active

    @property
    def rounds(self) -> int:
        """How many steps the number of features per token can be cut back by: the length of its slider."""
        return self.iterations if self.kind == "pursuit" else self.active

    @property
    def fewest_features(self) -> int:
        """The smallest dictionary that this encoder can work on."""
        return self.per_iteration if self.kind == "pursuit" else self.active

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary of the settings that this kind of encoder has."""
        return {name: getattr(self, name) for name in ("kind", *_OF_KIND[self.kind])}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> EncoderSettings:
        """Inverse of :meth:`to_json`.

        Raises
        ------
        DictionaryError
            On unknown names, values of the wrong kind or out of range.
        """
        known = {f.name: type(f.default) for f in fields(cls)}
        for name, value in data.items():
            if name not in known:
                raise DictionaryError(f"Encoder setting {name!r} is unknown: this dictionary needs a newer version.")
            number = known[name] is float and isinstance(value, int) and not isinstance(value, bool)
            if not number and type(value) is not known[name]:
                raise DictionaryError(f"Encoder setting {name!r} has the value {value!r}, which is of the wrong kind.")
        return cls(**data)


class Encoder(Protocol):
    """Codes of prepared tokens."""

    def encode(self, unit: torch.Tensor, rounds: int | None = None, path: str | None = None) -> Codes:
        """Codes of prepared tokens.

        Parameters
        ----------
        unit : torch.Tensor
            ``(N, dim_w)`` prepared tokens with the bias subtracted.
        rounds : int, optional
            Fewer rounds than the settings say; the codes are then a prefix of the full ones (before a refit).
        path : str, optional
            Overrides the choice of a route by timing, where there are several.
        """
        ...


def rounds_within(settings: EncoderSettings, rounds: int | None) -> int:
    """The number of rounds asked for, or all.

    Raises
    ------
    DictionaryError
        If it is not among those that the encoder has.
    """
    if rounds is None:
        return settings.rounds
    if not 1 <= rounds <= settings.rounds:
        raise DictionaryError(
            f"This dictionary codes in 1 to {settings.rounds} iterations, so {rounds} is not possible."
        )
    return rounds
