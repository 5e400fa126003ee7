"""From a field and its regions to numbers: by a backbone's tokens, by their sparse codes, by hand-made features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from handmade import handmade, intensities
from regions import Regions

from napari_lexicon.backbones import Backbone, field_tokens
from napari_lexicon.dictionaries.dictionary import Dictionary

Array = npt.NDArray[np.float64]


class Describer(Protocol):
    """Anything that describes regions."""

    @property
    def name(self) -> str:
        """For the table."""
        ...

    def describe(self, image: npt.NDArray[np.float32], regions: Regions) -> dict[str, Array]:
        """Descriptions ``(R, F)`` by their kind: ``tokens``, ``codes``, ``whitened``, or ``features``.

        ``image`` is ``(C, Y, X)`` windowed intensities.
        """
        ...


@dataclass(frozen=True, eq=False)
class TokenDescriber:
    """Tokens, their whitened coordinates and their codes, averaged over the patches of a region, channel by channel.

    Parameters
    ----------
    name : str
        For the table.
    backbone : Backbone
        A channel-wise model with its layer.
    dictionary : Dictionary, optional
        Over its tokens.
    """

    name: str
    backbone: Backbone
    dictionary: Dictionary | None = None
    kinds: tuple[str, ...] = field(default=("tokens", "whitened", "codes"))

    def describe(self, image: npt.NDArray[np.float32], regions: Regions) -> dict[str, Array]:
        """See :class:`Describer`."""
        tokens = field_tokens(self.backbone, image, batch=32)
        channels, gh, gw, dim = tokens.shape
        weights = regions.patch_weights((gh, gw), self.backbone.spec.patch)
        flat = tokens.reshape(channels, gh * gw, dim)
        result = {"tokens": _pooled(weights, flat.numpy())}
        if self.dictionary is not None:
            unit, _ = self.dictionary.prepared(flat.reshape(-1, dim))
            result["whitened"] = _pooled(weights, unit.reshape(channels, gh * gw, -1).numpy())
            codes = self.dictionary.encode(flat.reshape(-1, dim)).merged()
            dense = torch.zeros((channels * gh * gw, self.dictionary.n_features))
            dense.scatter_add_(1, codes.indices, codes.values.clamp(min=0))
            result["codes"] = _pooled(weights, dense.reshape(channels, gh * gw, -1).numpy())
        return {kind: values for kind, values in result.items() if kind in self.kinds}


@dataclass(frozen=True, eq=False)
class PlaneDescriber:
    """Features of the box of a region, channel by channel."""

    name: str
    measure: Callable[[npt.NDArray[Any]], Array]

    def describe(self, image: npt.NDArray[np.float32], regions: Regions) -> dict[str, Array]:
        """See :class:`Describer`."""
        rows = []
        for top, left, bottom, right in regions.boxes:
            box = image[:, max(0, top) : max(top + 3, bottom), max(0, left) : max(left + 3, right)]
            rows.append(np.concatenate([self.measure(plane) for plane in box]))
        return {"features": np.stack(rows) if rows else np.zeros((0, 0))}


INTENSITY = PlaneDescriber("intensity statistics", intensities)
HANDMADE = PlaneDescriber("hand-made features", handmade)


def _pooled(weights: Any, values: npt.NDArray[np.float32]) -> Array:
    """``(R, T)`` weights and ``(C, T, F)`` values to ``(R, C * F)`` means."""
    return np.concatenate([np.asarray(weights @ channel, np.float64) for channel in values], axis=1)
