"""One edit of one patch, to be shown beside the original: what was drawn, and whether the model reads it as asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ARRIVES = 0.5
"""An edit has arrived where the feature is read at most this part of the way asked from the value asked for."""

EDIT_WORDS = {"remove": "removed", "halve": "halved", "double": "doubled", "add": "added"}


@dataclass(frozen=True)
class ShownEdit:
    """A patch with its surroundings, as it is and with a feature edited, and what is read of the edited picture.

    Parameters
    ----------
    feature : int
        Which feature was edited.
    edit : str
        One of :data:`EDIT_WORDS`.
    channel, well : str
        Where the patch lies.
    before, asked, after : float
        Value of the feature: read of the original, asked for, read of the edited picture.
    others : float
        Length of the change of all other features' values, over the change that was asked of this one.
    original, edited : numpy.ndarray
        ``(Y, X)`` windowed intensities.
    """

    feature: int
    edit: str
    channel: str
    well: str
    before: float
    asked: float
    after: float
    others: float
    original: np.ndarray
    edited: np.ndarray

    @property
    def moved(self) -> float:
        """Part of the way from the value before to the value asked for."""
        return (self.after - self.before) / (self.asked - self.before)

    @property
    def arrived(self) -> bool:
        """Whether the feature is read nearer the value asked for than halfway."""
        return bool(abs(self.moved - 1) <= ARRIVES)

    @property
    def alone(self) -> bool:
        """Whether all other features together moved no further than was asked of this one."""
        return bool(self.others <= 1)

    @property
    def mark(self) -> str:
        """The outcome in the words that stand on the picture."""
        if not self.arrived:
            return "did not arrive"
        return "arrived" if self.alone else "arrived, not alone"

    @property
    def check(self) -> str:
        """The outcome with its figures, in sentences."""
        read = (
            f"The picture read again: {self.before:.2f} to {self.after:.2f}, asked {self.asked:.2f}; moved "
            f"{self.moved:.2f} of the way; other features moved {self.others:.1f} times what was asked of this one."
        )
        if not self.arrived:
            return f"{read} This edit did not arrive: do not read this picture."
        if not self.alone:
            return f"{read} It arrived, and not alone: what changed is not this feature only."
        return f"{read} It arrived, and little else moved."


def outcomes_sentence(shown: Sequence[ShownEdit]) -> str:
    """How many pictures arrived, edit by edit; empty where nothing is shown."""
    parts = []
    for edit, words in EDIT_WORDS.items():
        own = [one for one in shown if one.edit == edit]
        if own:
            arrived = [one for one in own if one.arrived]
            alone = sum(one.alone for one in arrived)
            said = f"{len(arrived)} of {len(own)}" + (f" ({alone} alone)" if arrived else "")
            parts.append(f"{words} {said}")
    return f"Pictures that arrived: {'; '.join(parts)}." if parts else ""
