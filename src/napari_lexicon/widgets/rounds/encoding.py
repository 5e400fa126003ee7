"""How the codes of a lexicon are ordered: by rounds of a pursuit, or by falling value. Read without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_lexicon.lexicons import FieldCodes

MOST_STEPS = 40
"""Steps that can still be told apart in a dock; longer orders are taken several at a time."""


@dataclass(frozen=True)
class Encoding:
    """How many features a token has, and in which steps they came.

    Parameters
    ----------
    steps : int
        Rounds of a pursuit, or places of a ranking.
    per_step : int
        Features of each.
    pursuit : bool
        The order is that of a pursuit; of falling value otherwise.
    refit : bool
        The values were solved for once more over all rounds at the end.
    """

    steps: int
    per_step: int
    pursuit: bool = True
    refit: bool = False

    @property
    def picks(self) -> int:
        """Features of a token."""
        return self.steps * self.per_step

    def picks_until(self, step: int) -> int | None:
        """Features of a token after some steps; None, all of them, after the last."""
        return None if step >= self.steps else max(step, 1) * self.per_step

    def step_of(self, picks: int | None) -> int:
        """Inverse of :meth:`picks_until`."""
        return self.steps if picks is None else min(self.steps, max(1, -(-picks // self.per_step)))

    def words(self, step: int) -> str:
        """``"2 of 4 rounds, 4 of 8 features per patch"``."""
        what = "rounds" if self.pursuit else "strongest"
        picks = min(step, self.steps) * self.per_step
        if self.per_step == 1 and not self.pursuit:
            return f"the {picks} {what} of {self.picks} features per patch"
        return f"{min(step, self.steps)} of {self.steps} {what}, {picks} of {self.picks} features per patch"


def read_encoding(dictionary: Path) -> Encoding | None:
    """Encoding of a dictionary file, None where it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(dictionary, framework="numpy") as file:
            settings = json.loads((file.metadata() or {})["encoder"])
    except (OSError, SafetensorError, ValueError, KeyError):
        return None
    if settings.get("kind") == "linear":
        return _stepped(int(settings["active"]), 1, pursuit=False)
    return _stepped(
        int(settings["iterations"]), int(settings["per_iteration"]), pursuit=True, refit=bool(settings.get("refit"))
    )


def _stepped(steps: int, per_step: int, *, pursuit: bool, refit: bool = False) -> Encoding:
    together = next(n for n in range(1, steps + 1) if steps % n == 0 and steps // n <= MOST_STEPS)
    return Encoding(steps // together, per_step * together, pursuit, refit)


def found_by_step(codes: Iterable[FieldCodes], feature: int, encoding: Encoding) -> npt.NDArray[np.float64]:
    """Activation of a feature that each step brings over some fields.

    Returns
    -------
    numpy.ndarray
        ``(steps,)`` parts of the whole, 0 where the feature is silent.
    """
    found = np.zeros(encoding.steps)
    for one in codes:
        # few of the picks are this feature's: only those are summed
        hits = np.flatnonzero(one.indices == feature)
        picked = one.values.reshape(-1)[hits].astype(np.float64).clip(min=0)
        by_pick = np.bincount(hits % one.indices.shape[-1], weights=picked, minlength=encoding.picks)[: encoding.picks]
        found += by_pick.reshape(encoding.steps, encoding.per_step).sum(axis=1)
    total = found.sum()
    return found / total if total > 0 else found
