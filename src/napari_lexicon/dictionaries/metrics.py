"""Figures of a dictionary over held-out tokens, from float64 sums over all of them: nothing is averaged over batches.

All of them live in the space the encoder sees: centred on controls, whitened, unit norm.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

from napari_lexicon.dictionaries.codes import Codes

#: What the figures mean; written into the header of every dictionary.
NOTES = (
    "Held-out tokens, whitened and of unit norm. explained_variance is about the mean of the held-out tokens; loss and "
    "trivial_loss are mean squared errors of the reconstruction and of that mean; cosine is between token and "
    "reconstruction; l0 counts nonzero values after picks of the same feature are added up; a feature is active where "
    "its added value is over 0; dead_held_out is the share of features active on no held-out token; dead is the share "
    "active on none of the last training tokens (setting dead_window); coherence is the largest cosine in size "
    "between two atoms."
)


@dataclass
class CodeStatistics:
    """Sums over tokens and their codes; merges exactly with those of other tokens.

    Parameters
    ----------
    features, dim : int
        M and dim_w.
    """

    features: int
    dim: int
    count: int = 0
    squared_error: float = 0.0
    squared_norm: float = 0.0
    cosine: float = 0.0
    nonzero: int = 0
    negative: int = 0
    total: torch.Tensor = field(init=False)
    active: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.total = torch.zeros(self.dim, dtype=torch.float64)
        self.active = torch.zeros(self.features, dtype=torch.int64)

    def update(self, unit: torch.Tensor, codes: Codes, atoms: torch.Tensor, bias: torch.Tensor) -> None:
        """Add ``(N, dim_w)`` prepared tokens and their codes."""
        merged = codes.merged()
        rebuilt = F.embedding_bag(merged.indices, atoms, per_sample_weights=merged.values, mode="sum") + bias
        self.count += len(unit)
        self.squared_error += float((unit - rebuilt).double().square().sum())
        self.squared_norm += float(unit.double().square().sum())
        self.cosine += float(F.cosine_similarity(unit, rebuilt, dim=1).sum(dtype=torch.float64))
        self.nonzero += int((merged.values != 0).sum())
        self.negative += int((merged.values < 0).sum())
        self.total += unit.sum(dim=0, dtype=torch.float64).cpu()
        self.active += torch.bincount(merged.indices[merged.values > 0], minlength=self.features).cpu()

    def merge(self, other: CodeStatistics) -> None:
        """Add the sums over other tokens."""
        for name in (
            "count",
            "squared_error",
            "squared_norm",
            "cosine",
            "nonzero",
            "negative",
            "total",
            "active",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def figures(self) -> dict[str, float]:
        """The ratios, each one division at the end.

        Where tokens do not vary, as a single one cannot, nothing is explained: 0, or 1 where they are rebuilt exactly.
        """
        count = max(self.count, 1)
        trivial = self.squared_norm - float(self.total.square().sum()) / count
        varies = trivial > 1e-12 * self.squared_norm
        return {
            "held_out_tokens": self.count,
            "loss": self.squared_error / count,
            "trivial_loss": trivial / count,
            "explained_variance": 1 - self.squared_error / trivial if varies else float(self.squared_error == 0),
            "cosine": self.cosine / count,
            "l0": self.nonzero / count,
            "negative_share": self.negative / max(self.nonzero, 1),
            "dead_held_out": float((self.active == 0).double().mean()),
        }


def coherence(atoms: torch.Tensor, block: int = 1024) -> float:
    """The largest cosine in size between two different atoms."""
    largest = 0.0
    for start in range(0, len(atoms), block):
        rows = (atoms[start : start + block] @ atoms.T).abs_()
        rows.diagonal(offset=start).zero_()
        largest = max(largest, float(rows.max()))
    return largest
