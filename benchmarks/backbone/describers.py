"""From a field and its regions to numbers: by a backbone's tokens, by their sparse codes, by hand-made features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from handmade import handmade, intensities
from regions import Regions, shares

from napari_lexicon.backbones import Backbone, field_tokens
from napari_lexicon.dictionaries.dictionary import Dictionary

Array = npt.NDArray[np.float64]


class Describer(Protocol):
    """Anything that describes regions."""

    @property
    def name(self) -> str:
        """For the table."""
        ...

    def describe(self, image: npt.NDArray[np.float32], *regions: Regions) -> list[dict[str, Array]]:
        """Descriptions ``(R, F)`` by their kind: ``tokens``, ``codes``, ``whitened``, or ``features``.

        One dict for each of ``regions``; ``image`` is ``(C, Y, X)`` windowed intensities.
        """
        ...


@dataclass(frozen=True, eq=False)
class TokenDescriber:
    """Tokens, whitened coordinates and codes of the patches of a region, channel by channel.

    Averaged by the area that each patch has in the region; ``strongest`` is the largest code of a feature in any patch
    that the region covers by a quarter or more, as in :func:`napari_lexicon.analysis.cells.cell_features`.

    Parameters
    ----------
    name : str
        For the table.
    backbone : Backbone
        A channel-wise model with its layer.
    dictionary : Dictionary, optional
        Over its tokens.
    kinds : tuple of str
        What to give, of ``tokens``, ``whitened``, ``codes``, ``strongest`` and ``directions``: how far a patch lies
        along every feature, in standard deviations of control tokens.
    """

    name: str
    backbone: Backbone
    dictionary: Dictionary | None = None
    kinds: tuple[str, ...] = field(default=("tokens", "whitened", "codes"))

    def describe(self, image: npt.NDArray[np.float32], *regions: Regions) -> list[dict[str, Array]]:
        """See :class:`Describer`."""
        tokens = field_tokens(self.backbone, image, batch=32)
        channels, gh, gw, dim = tokens.shape
        flat = tokens.reshape(-1, dim)
        planes = {"tokens": flat}
        if self.dictionary is not None and "whitened" in self.kinds:
            planes["whitened"] = self.dictionary.prepared(flat)[0]
        if self.dictionary is not None and "directions" in self.kinds:
            planes["directions"] = self.dictionary.whitening.whiten(flat) @ self.dictionary.atoms.T
        if self.dictionary is not None and {"codes", "strongest"} & set(self.kinds):
            codes = self.dictionary.encode(flat).merged()
            dense = torch.zeros((len(flat), self.dictionary.n_features))
            planes["codes"] = dense.scatter_add_(1, codes.indices, codes.values.clamp(min=0))
        by_channel = {kind: values.reshape(channels, gh * gw, -1).numpy() for kind, values in planes.items()}
        results = []
        for where in regions:
            pixels = where.pixels((gh, gw), self.backbone.spec.patch)
            weights = shares(pixels)
            result = {kind: _pooled(weights, values) for kind, values in by_channel.items() if kind in self.kinds}
            if "strongest" in self.kinds and "codes" in by_channel:
                result["strongest"] = _strongest(pixels, by_channel["codes"], self.backbone.spec.patch)
            results.append(result)
        return results


@dataclass(frozen=True, eq=False)
class PlaneDescriber:
    """Features of the box of a region, channel by channel."""

    name: str
    measure: Callable[[npt.NDArray[Any]], Array]

    def describe(self, image: npt.NDArray[np.float32], *regions: Regions) -> list[dict[str, Array]]:
        """See :class:`Describer`."""
        results = []
        for where in regions:
            rows = []
            for top, left, bottom, right in where.boxes:
                box = image[:, max(0, top) : max(top + 3, bottom), max(0, left) : max(left + 3, right)]
                rows.append(np.concatenate([self.measure(plane) for plane in box]))
            results.append({"features": np.stack(rows) if rows else np.zeros((0, 0))})
        return results


INTENSITY = PlaneDescriber("intensity statistics", intensities)
HANDMADE = PlaneDescriber("hand-made features", handmade)


def _pooled(weights: Any, values: npt.NDArray[np.float32]) -> Array:
    """``(R, T)`` weights and ``(C, T, F)`` values to ``(R, C * F)`` means."""
    return np.concatenate([np.asarray(weights @ channel, np.float64) for channel in values], axis=1)


def _strongest(pixels: Any, codes: npt.NDArray[np.float32], patch: int) -> Array:
    """``(R, C * F)`` largest codes; the patch that a region covers most counts always."""
    rows = []
    for region in range(pixels.shape[0]):
        own = slice(pixels.indptr[region], pixels.indptr[region + 1])
        area = pixels.data[own]
        counts = (area >= 0.25 * patch**2) | (area == area.max(initial=0))
        places = pixels.indices[own][counts]
        rows.append(codes[:, places].max(axis=1, initial=0).ravel())
    return np.asarray(np.stack(rows) if rows else np.zeros((0, codes.shape[0] * codes.shape[2])), np.float64)
