"""Tokens of simulated plates with the cells they belong to, embedded once and kept."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.sparse import csr_array

sys.path.insert(0, str(Path(__file__).parents[1] / "backbone"))
from regions import Regions
from simulated import cell_question, chosen_wells, plate_fields, plate_settings

from napari_lexicon.backbones import Backbone, field_tokens
from napari_lexicon.samples.phenotypes import PHENOTYPES

MOST_CELLS = 60  # per field


@dataclass(frozen=True, eq=False)
class PlateTokens:
    """One field of each chosen well of a simulated plate.

    Parameters
    ----------
    tokens : torch.Tensor
        ``(F, C, G, dim)`` float16, G patches per field.
    weights : tuple of csr_array
        Per field ``(cells, G)``: the share of every patch in every cell; rows sum to 1.
    cells : pandas.DataFrame
        One row per cell, in the order of the fields: well, phenotype, strength.
    control : numpy.ndarray
        ``(F,)`` bool: negative control wells.
    """

    tokens: torch.Tensor
    weights: tuple[csr_array, ...]
    cells: pd.DataFrame
    control: npt.NDArray[np.bool_]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.tokens.shape[1])

    def flat(self, fields: npt.NDArray[np.bool_] | None = None) -> torch.Tensor:
        """``(N, dim)`` float16 tokens of all or some fields, every channel a sample."""
        chosen = self.tokens if fields is None else self.tokens[torch.from_numpy(fields)]
        return chosen.reshape(-1, chosen.shape[-1])

    def groups(self) -> torch.Tensor:
        """``(N,)`` number of the field of each token."""
        fields, channels, patches, _ = self.tokens.shape
        return torch.arange(fields).repeat_interleave(channels * patches)

    def question(self, phenotype: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Which cells take part in the question after a phenotype, and which of them show it."""
        use, shows = cell_question(self.cells, phenotype)
        return use, shows[use]


def plate_tokens(backbone: Backbone, name: str, seed: int, cache: Path, per: int = 3, controls: int = 12) -> PlateTokens:
    """Tokens of the strongest wells of every phenotype and of negative controls; rendered and embedded once.

    Parameters
    ----------
    backbone, name : Backbone, str
        The model and what its tokens are filed under.
    seed : int
        Of the plate: cells, layout, brightness, focus, illumination.
    cache : Path
        Where pictures and tokens are kept.
    per, controls : int
        Wells per phenotype, and of negative controls.
    """
    settings = plate_settings(seed)
    wells = chosen_wells(settings, per, controls)
    mark = hashlib.sha256(f"{name} {backbone.spec.fingerprint} {seed} {sorted(wells)} {settings}".encode()).hexdigest()
    place = cache / f"tokens-{name}-{seed}-{mark[:12]}.pt"
    if not place.exists():
        tokens, weights, tables, control = [], [], [], []
        for field in plate_fields(settings, wells, cache):
            found = field_tokens(backbone, field.image, batch=32)
            table = field.table[~field.table["cut_by_border"] & (field.table["area_px"] > 60)]
            table = table.sample(min(MOST_CELLS, len(table)), random_state=0).sort_index()
            boxes = table[["top", "left", "bottom", "right"]].to_numpy(np.int64)
            regions = Regions(boxes, field.labels, table.index.to_numpy(np.int64))
            grid = (found.shape[1], found.shape[2])
            weights.append(regions.patch_weights(grid, backbone.spec.patch).astype(np.float32))
            tokens.append(found.flatten(1, 2).half())
            tables.append(table[["phenotype", "strength", "cycle", "dead", "nuclei"]].assign(well=field.well))
            control.append(field.content.phenotype is None)
        found = PlateTokens(torch.stack(tokens), tuple(weights), pd.concat(tables, ignore_index=True), np.array(control))
        torch.save(found.__dict__, place)  # a cache of this benchmark, read by nobody else
    return PlateTokens(**torch.load(place, weights_only=False))


__all__ = ["PHENOTYPES", "PlateTokens", "plate_tokens"]
