"""What the simulator knows of whole cells and whole fields: traits that no single patch shows, and how many cells.

A patch of a cell with scattered Golgi may be empty. What tells such cells is the mean of the tokens that they cover; a
direction learnt on these means is a direction of tokens all the same. Cells are compared with others of their own plate
only, so that what differs between plates (brightness, focus, density) teaches nothing.

A direction learnt from cells alone may be highest where there are none, and a map of it would show that. So patches of
the ground are gathered too. Simulated ground is mostly dark, and real ground often is not (stray light, medium, another
window): each field is seen once more with the disturbances that the backbone learnt with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from napari_lexicon.backbones import Backbone, apply_windows, estimate_windows, field_tokens
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.dictionaries.whitening import Whitening
from napari_lexicon.samples.field import FieldSettings, RenderedField, render_field

from .disturbances import disturbed
from .pictures import look_of_a_plate
from .properties import NUCLEAR

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Seeing = Sequence[tuple[Backbone, Whitening]]

_SMALLEST = 24.0
"""Diameter in pixels below which a cell is hardly larger than a patch."""
_FIELDS = 3
_STRONG = 0.5
_EMPTY = 0.02
"""Part of a patch up to which cells may cover it where it counts as ground."""
_GROUND = 30
"""Patches of ground kept of a picture: those of one picture are much alike."""


@dataclass(frozen=True)
class Trait:
    """Something that a treatment does to cells, and a stain that shows it.

    Parameters
    ----------
    phenotype : str
        One of ``samples.phenotypes.PHENOTYPES``.
    stain : str
        One of ``samples.markers.PAINTERS``.
    """

    phenotype: str
    stain: str


TRAITS: dict[str, Trait] = {
    "several nuclei, in a nuclear stain": Trait("multinucleation", "DNA"),
    "small dense nucleus, in a nuclear stain": Trait("nuclear_shrinkage", "DNA"),
    "broken mitochondria, in a mitochondrial stain": Trait("mito_fragmentation", "Mito"),
    "stress fibres, in an actin stain": Trait("stress_fibres", "Actin"),
    "stress fibres, in a stain of actin, Golgi and membrane": Trait("stress_fibres", "AGP"),
    "scattered Golgi, in a Golgi stain": Trait("golgi_scatter", "Golgi"),
    "scattered Golgi, in a stain of actin, Golgi and membrane": Trait("golgi_scatter", "AGP"),
    "tagged protein in the nucleus": Trait("translocation", "Reporter"),
    "tagged protein in the nucleus, beside a stain of the cytoplasm": Trait("translocation", "ER"),
    "dividing cell, in a nuclear stain": Trait("mitotic_arrest", "DNA"),
    "dying cell, in a nuclear stain": Trait("apoptosis", "DNA"),
}


_BY_ITSELF: dict[str, Callable[[pd.DataFrame], Mask]] = {
    "multinucleation": lambda table: (table["nuclei"] > 1).to_numpy(bool),
    "mitotic_arrest": lambda table: (table["cycle"] == "M").to_numpy(bool),
    "apoptosis": lambda table: table["dead"].to_numpy(bool),
}
"""Cells that show the same without a treatment, which are left out."""


@dataclass(frozen=True, eq=False)
class TraitCells:
    """Whole cells of treated plates in the stain of one trait, and the ground between them.

    Parameters
    ----------
    tokens : (N, dim_w) float32
        Whitened, averaged over the area of each cell.
    has : (N,) bool
        Which cells show the trait; those that do weakly, or by themselves, are left out.
    plate : (N,) int64
    ground : (G, dim_w) float32
        Whitened tokens of patches that are lit and show no cell (in a nuclear stain no nucleus), less the middle of the
        cells of their picture; none where they were not asked for.
    """

    tokens: Array
    has: Mask
    plate: npt.NDArray[np.int64]
    ground: Array


def trait_cells(seeing: Seeing, name: str, seed: int, plates: int, ground: bool = False) -> list[TraitCells]:
    """Cells of ``plates`` small plates, each with a look of its own, as each of some backbones sees them.

    With ``ground`` patches between cells are gathered as well, of the fields as they are and disturbed; the cells are
    the same either way.
    """
    trait = TRAITS[name]
    rng, apart = (np.random.default_rng([seed, list(TRAITS).index(name), stream]) for stream in (5, 7))
    tokens: list[list[Array]] = [[] for _ in seeing]
    between: list[list[Array]] = [[np.empty((0, whitening.matrix.shape[0]), np.float32)] for _, whitening in seeing]
    has: list[Mask] = []
    plate: list[npt.NDArray[np.int64]] = []
    patch = seeing[0][0].spec.patch
    for number in range(plates):
        for field, pixels in _treated_fields(trait, rng):
            shows, plain = _shown(field, trait.phenotype)
            chosen = np.flatnonzero(shows | plain)
            cover = _cover(field.cells, patch)[chosen + 1]
            seen = _whitened(seeing, pixels)
            for store, patches in zip(tokens, seen, strict=True):
                store.append(np.asarray(cover @ patches, np.float32))
            has.append(shows[chosen])
            plate.append(np.full(len(chosen), number))
            if not ground or middle_of(tokens[0][-1], has[-1]) is None:
                continue
            free = _free(field.nuclei if trait.stain in NUCLEAR else field.cells, patch)
            otherwise = disturbed(pixels, apart)
            for picture, seen_so in ((pixels, seen), (otherwise, _whitened(seeing, otherwise))):
                lit = lit_patches(picture[None], patch)[0].ravel()
                places = apart.permutation(np.flatnonzero(free & lit))[:_GROUND]
                for store, patches in zip(between, seen_so, strict=True):
                    store.append(patches[places] - middle_of(np.asarray(cover @ patches, np.float32), has[-1]))
    shown, plates_of = np.concatenate(has), np.concatenate(plate)
    return [
        TraitCells(np.concatenate(store), shown, plates_of, np.concatenate(free))
        for store, free in zip(tokens, between, strict=True)
    ]


def middle_of(tokens: Array, has: Mask) -> Array | None:
    """Half-way between cells with a trait and cells without, ``(dim_w,)``; None where one kind is missing."""
    if has.all() or not has.any():
        return None
    return np.asarray((tokens[has].mean(axis=0) + tokens[~has].mean(axis=0)) / 2, np.float32)


def _whitened(seeing: Seeing, pixels: Array) -> list[Array]:
    """Tokens of a picture, ``(patches, dim_w)``, as each backbone sees it."""
    return [
        whitening.whiten(field_tokens(backbone, pixels[None], batch=16)[0].flatten(0, 1)).numpy()
        for backbone, whitening in seeing
    ]


def _free(labels: npt.NDArray[np.int32], patch: int) -> Mask:
    """Patches that hardly anything with a label lies in, ``(patches,)``."""
    height, width = labels.shape
    covered = (labels > 0).reshape(height // patch, patch, width // patch, patch).mean((1, 3))
    return np.asarray(covered.ravel() <= _EMPTY, bool)


def _treated_fields(trait: Trait, rng: np.random.Generator) -> Iterator[tuple[RenderedField, Array]]:
    """Fields of one plate in which half of the cells are treated, with their windowed pixels."""
    look = look_of_a_plate(rng)
    crowd = replace(look.crowd, cell_diameter_px=max(look.crowd.cell_diameter_px, _SMALLEST))
    reporter = trait.stain if trait.phenotype == "translocation" and trait.stain != "Reporter" else None
    look = replace(look, crowd=crowd, channels=(trait.stain,), gain=look.gain[:1], reporter_in=reporter)
    fields = [_treated_field(look, trait.phenotype, rng) for _ in range(_FIELDS)]
    windows = estimate_windows(field.image for field in fields)
    for field in fields:
        yield field, apply_windows(field.image, windows)[0]


def _treated_field(look: FieldSettings, phenotype: str, rng: np.random.Generator) -> RenderedField:
    return render_field(replace(look, phenotype=phenotype, strength=rng.uniform(_STRONG, 1.0), penetrance=0.5), rng)


def _shown(field: RenderedField, phenotype: str) -> tuple[Mask, Mask]:
    """Which whole cells show the phenotype, and which show nothing of it."""
    table = field.table
    whole = ~table["cut_by_border"].to_numpy(bool) & (table["area_px"].to_numpy() > 60)
    strength = table["strength"].to_numpy()
    by_itself = _BY_ITSELF.get(phenotype, lambda table: np.zeros(len(table), bool))(table)
    return whole & (strength >= _STRONG), whole & (strength == 0) & ~by_itself


def _cover(labels: npt.NDArray[np.int32], patch: int) -> csr_array:
    """Part of the area of every label, 0 for the ground, that lies in each patch: ``(labels, patches)``."""
    height, width = labels.shape
    where = (np.arange(height) // patch)[:, None] * (width // patch) + (np.arange(width) // patch)[None, :]
    count = int(labels.max()) + 1
    area = np.bincount(labels.ravel(), minlength=count)
    part = 1.0 / np.maximum(area, 1)[labels.ravel()]
    shape = (count, (height // patch) * (width // patch))
    return csr_array((part, (labels.ravel(), where.ravel())), shape=shape)


COUNTED = "many nuclei around, in a nuclear stain"


@dataclass(frozen=True, eq=False)
class CountedFields:
    """Fields of a nuclear stain and how many cells there are.

    Parameters
    ----------
    tokens : (N, dim_w) float32
        Whitened, averaged over the field.
    density : (N,) float64
        Cells in 100 x 100 pixels.
    """

    tokens: Array
    density: npt.NDArray[np.float64]


def counted_fields(seeing: Seeing, seed: int, plates: int) -> list[CountedFields]:
    """Sparse and crowded fields of small and of large cells; fields of one plate differ in exposure as well."""
    rng = np.random.default_rng([seed, 6])
    tokens: list[list[Array]] = [[] for _ in seeing]
    density: list[float] = []
    for _ in range(plates):
        fields = _nuclear_fields(rng)
        windows = estimate_windows(field.image for field in fields)
        for field in fields:
            pixels = apply_windows(field.image, windows)
            for store, (backbone, whitening) in zip(tokens, seeing, strict=True):
                seen = whitening.whiten(field_tokens(backbone, pixels, batch=16)[0].flatten(0, 1))
                store.append(seen.mean(0).numpy())
            density.append(len(field.table) / field.cells.size * 100**2)
    return [CountedFields(np.stack(store), np.array(density)) for store in tokens]


def _nuclear_fields(rng: np.random.Generator) -> list[RenderedField]:
    look = look_of_a_plate(rng)
    look = replace(look, channels=("DNA",), gain=look.gain[:1], reporter_in=None)
    diameter = float(np.exp(rng.uniform(np.log(12), np.log(130))))
    fields = []
    for _ in range(4):
        confluence = float(np.exp(rng.uniform(np.log(0.04), np.log(1.2))))
        crowd = replace(look.crowd, cell_diameter_px=diameter, confluence=confluence)
        field = render_field(replace(look, crowd=crowd), rng)
        exposure = float(np.exp(rng.uniform(np.log(0.2), 0.0)))
        fields.append(replace(field, image=(field.image * exposure).astype(np.uint16)))
    return fields
