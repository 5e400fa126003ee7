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
from safetensors.torch import load_file, save_file
from scipy.sparse import csr_array, load_npz, save_npz, vstack

sys.path.insert(0, str(Path(__file__).parents[1] / "backbone"))
from regions import Regions, shares
from scoring import column_auroc
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


def plate_tokens(
    backbone: Backbone, name: str, seed: int, cache: Path, per: int = 3, controls: int = 12
) -> PlateTokens:
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
    place = cache / f"tokens-{name.replace(' ', '-')}-{seed}-{mark[:12]}"
    if not place.with_suffix(".csv").exists():
        tokens, weights, tables, control = [], [], [], []
        for number, field in enumerate(plate_fields(settings, wells, cache, workers=1)):
            found = field_tokens(backbone, field.image, batch=32)
            table = field.table[~field.table["cut_by_border"] & (field.table["area_px"] > 60)]
            table = table.sample(min(MOST_CELLS, len(table)), random_state=0).sort_index()
            boxes = table[["top", "left", "bottom", "right"]].to_numpy(np.int64)
            regions = Regions(boxes, field.labels, table.index.to_numpy(np.int64))
            grid = (found.shape[1], found.shape[2])
            weights.append(shares(regions.pixels(grid, backbone.spec.patch)).astype(np.float32))
            tokens.append(found.flatten(1, 2).half())
            kept = table[["phenotype", "strength", "cycle", "dead", "nuclei"]]
            tables.append(kept.assign(well=field.well, field=number))
            control.append(field.content.phenotype is None)
        save_file({"tokens": torch.stack(tokens)}, place.with_suffix(".safetensors"))
        save_npz(place.with_suffix(".npz"), vstack(weights).tocsr())
        pd.concat(tables, ignore_index=True).assign(
            control=np.repeat(control, [len(table) for table in tables])
        ).to_csv(place.with_suffix(".csv"), index=False)
    cells = pd.read_csv(place.with_suffix(".csv"))
    stacked = csr_array(load_npz(place.with_suffix(".npz")))
    fields = range(int(cells["field"].max()) + 1)
    weights = tuple(stacked[np.flatnonzero(cells["field"] == number)] for number in fields)
    control = cells.groupby("field")["control"].first().to_numpy(bool)
    return PlateTokens(load_file(place.with_suffix(".safetensors"))["tokens"], weights, cells, control)


__all__ = ["PHENOTYPES", "PlateTokens", "column_auroc", "plate_tokens"]
