"""The figures of a training run, step by step. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class TrainingCurves:
    """Figures of a training run, by step.

    Parameters
    ----------
    training : list of (int, float)
        Loss on the batches.
    held_out, explained, dead : list of (int, float)
        Loss, explained variance and part of dead features on held-out tokens.
    """

    training: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    explained: list[tuple[int, float]] = field(default_factory=list)
    dead: list[tuple[int, float]] = field(default_factory=list)

    def add(self, figures: Mapping[str, Any]) -> None:
        """Take one report of the trainer."""
        if "step" not in figures:
            return
        step = int(figures["step"])
        for name, curve in (
            ("training_loss", self.training),
            ("loss", self.held_out),
            ("explained_variance", self.explained),
            ("dead", self.dead),
        ):
            if figures.get(name) is not None:
                curve.append((step, float(figures[name])))

    def last(self) -> str:
        """The latest figures in words."""
        parts = []
        if self.explained:
            parts.append(f"explains {self.explained[-1][1]:.0%} of the variance".replace("%", " %"))
        if self.dead:
            parts.append(f"{self.dead[-1][1]:.1%} dead".replace("%", " %"))
        if self.held_out:
            parts.append(f"loss {self.held_out[-1][1]:.3f}")
        return " · ".join(parts)
