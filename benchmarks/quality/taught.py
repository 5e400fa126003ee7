"""How well does a feature that is taught by pointing find single cells on a plate that nobody pointed at?

    python benchmarks/quality/taught.py [--quick] [--cache FOLDER] [--json FILE]

Four simulated plates with eight planted phenotypes, each plate with brightness, focus and illumination of its own. A
feature is taught on three of them and scored on the fourth, by the AUROC of its cells: those that show the phenotype
among those that show none, each by how far its patches lie along the direction on average. Taught by *wells*: treated
wells beside control wells, though only a part of the cells of a treated well shows anything. Taught by *cells*: the
patches of 10 or 40 cells in two treated wells of one plate, beside everything else in these fields, other cells of the
same kind among it; *beside others*: beside as many cells of two control wells. Each of these ways also chooses among
the learnt features of the built-in dictionary (*chosen*). *any feature*: the best one of all, those that the simulator
taught among them, chosen by knowing every cell of the three plates. Spread is over the plates left out, and for cells
over three draws as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from table import Cell, add_options, finish

sys.path.insert(0, str(Path(__file__).parents[1] / "backbone"))

from regions import Regions, shares
from simulated import PHENOTYPES, SimulatedField, cell_question, chosen_wells, plate_fields, plate_settings

from napari_lexicon.analysis.cells import auroc
from napari_lexicon.analysis.teaching import (
    BESIDE_THE_REST,
    SHRINKAGE,
    GroupSums,
    auroc_within,
    check_fields,
    parts_of,
)
from napari_lexicon.backbones import Backbone, field_tokens, load_backbone
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary

BUILTIN = Path(__file__).parents[2] / "src/napari_lexicon/dictionaries/builtin.safetensors"
POINTED = (10, 40)
Array = npt.NDArray[np.float32]
Told = tuple[Array, npt.NDArray[np.bool_]]
"""Whitened tokens, and which of them are like."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One field. C is the number of channels, P of patches, R of whole cells.

    Parameters
    ----------
    plate : int
    phenotype : str
        Of its well; ``control`` for controls.
    tokens, lit : (C, P, d) and (C, P)
        Whitened, and which patches show something.
    cells : (R, C, d)
        Mean tokens of cells.
    cover : (R, P) bool
        Patches that lie in a cell by half or more.
    table : pandas.DataFrame
        One row per cell.
    """

    plate: int
    phenotype: str
    tokens: Array
    lit: npt.NDArray[np.bool_]
    cells: Array
    cover: npt.NDArray[np.bool_]
    table: pd.DataFrame


def main() -> None:
    """Make plates, teach, score, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cache", type=Path, help="rendered plates are kept there")
    parser.add_argument("--shrinkage", type=float, nargs="+", help="values to compare, beside those of the product")
    options = add_options(parser).parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        fields = seen_fields(options.cache or Path(folder), options)
    atoms, learnt = load_dictionary(BUILTIN).atoms.numpy(), _learnt()
    cells: list[Cell] = []
    for phenotype in PHENOTYPES:
        found: dict[str, list[float]] = {}
        for left_out in sorted({field.plate for field in fields}):
            rest = [field for field in fields if field.plate != left_out]
            test = [field for field in fields if field.plate == left_out]
            for name, values in scores(phenotype, rest, test, atoms, learnt, options.shrinkage or ()).items():
                found.setdefault(name, []).extend(values)
        cells += [Cell(phenotype, name, "AUROC per cell", np.array(values)) for name, values in found.items()]
        print(phenotype, {name: round(float(np.mean(values)), 3) for name, values in found.items()}, flush=True)
    for name in dict.fromkeys(cell.contender for cell in cells):
        every = np.array([cell.mean for cell in cells if cell.contender == name])
        cells.append(Cell("mean", name, "AUROC per cell", np.array([every.mean()])))
    finish(cells, options, ours="wells")


def seen_fields(cache: Path, options: argparse.Namespace) -> list[Seen]:
    """Fields of all plates, as the built-in model sees them."""
    backbone, dictionary = load_backbone("builtin", device="cpu"), load_dictionary(BUILTIN)
    fields = []
    for plate in range(3 if options.quick else 4):
        settings = plate_settings(101 + plate)
        for field in plate_fields(settings, chosen_wells(settings, 2, 8), cache, options.threads):
            fields.append(_seen(field, plate, backbone, dictionary))
        print(f"plate {plate} is read", flush=True)
    return fields


def _seen(field: SimulatedField, plate: int, backbone: Backbone, dictionary: Dictionary) -> Seen:
    tokens = field_tokens(backbone, field.image, batch=32)
    channels, gh, gw, dim = tokens.shape
    whitened = dictionary.whitening.whiten(tokens.reshape(-1, dim)).reshape(channels, gh * gw, -1).numpy()
    table = field.table[~field.table["cut_by_border"] & (field.table["area_px"] > 60)]
    boxes = table[["top", "left", "bottom", "right"]].to_numpy(np.int64)
    regions = Regions(boxes, field.labels, table.index.to_numpy(np.int64))
    pixels = regions.pixels((gh, gw), backbone.spec.patch)
    weights = shares(pixels)
    means = np.stack([weights @ channel for channel in whitened], axis=1).astype(np.float32)
    cover = pixels.toarray() >= backbone.spec.patch**2 / 2
    lit = lit_patches(field.image, backbone.spec.patch).reshape(channels, -1)
    return Seen(plate, field.content.phenotype or "control", whitened, lit, means, cover, table)


def _learnt() -> npt.NDArray[np.intp]:
    """Features that nobody taught."""
    dictionary = load_dictionary(BUILTIN)
    return np.setdiff1d(np.arange(dictionary.n_features), list(dictionary.header.taught))


def scores(
    phenotype: str,
    rest: Sequence[Seen],
    test: Sequence[Seen],
    atoms: Array,
    learnt: npt.NDArray[np.intp],
    shrinkages: Sequence[float],
) -> dict[str, list[float]]:
    """AUROC on the plate that is left out, for everyone."""
    found: dict[str, list[float]] = {}
    by_wells = [_wells(phenotype, rest, channel) for channel in range(rest[0].tokens.shape[0])]
    for shrinkage in (None, *shrinkages):
        used = SHRINKAGE if shrinkage is None else shrinkage
        channel = _best_channel(by_wells, used)
        direction = by_wells[channel].direction(shrinkage=used)
        found[_name("wells", shrinkage)] = [_told(phenotype, test, channel, direction)]
    chosen = [_best_learnt(sums, atoms[learnt]) for sums in by_wells]
    channel = max(range(len(chosen)), key=lambda c: chosen[c][1])
    found["wells, chosen"] = [_told(phenotype, test, channel, atoms[learnt][chosen[channel][0]])]
    for wanted in POINTED:
        for beside in (False, True):
            what = f"{wanted} cells" + (" beside others" if beside else "")
            for seed in range(3):
                by_cells = [_cells(phenotype, rest, wanted, seed, beside, c) for c in range(rest[0].tokens.shape[0])]
                for shrinkage in (None, *shrinkages):
                    usual = SHRINKAGE if beside else BESIDE_THE_REST
                    channel, direction = _learnt_of_cells(by_cells, usual if shrinkage is None else shrinkage)
                    told = _told(phenotype, test, channel, direction)
                    found.setdefault(_name(what, shrinkage), []).append(told)
                chosen = [_best_apart(sums, atoms[learnt]) for sums, _ in by_cells]
                channel = max(range(len(chosen)), key=lambda c: chosen[c][1])
                told = _told(phenotype, test, channel, atoms[learnt][chosen[channel][0]])
                found.setdefault(f"{what}, chosen", []).append(told)
    found["any feature"] = [_by_every_cell(phenotype, rest, test, atoms)]
    return found


def _name(what: str, shrinkage: float | None) -> str:
    return what if shrinkage is None else f"{what}, shrinkage {shrinkage:g}"


def _wells(phenotype: str, fields: Sequence[Seen], channel: int) -> GroupSums:
    """Treated wells beside control wells."""
    asked = [field for field in fields if field.phenotype in (phenotype, "control")]
    like = [field.phenotype == phenotype for field in asked]
    block = [field.plate for field in asked]
    sums = GroupSums(like, block, parts_of(like, block), asked[0].tokens.shape[2])
    for group, field in enumerate(asked):
        sums.add(group, field.tokens[channel][field.lit[channel]])
    return sums


def _cells(
    phenotype: str, fields: Sequence[Seen], wanted: int, seed: int, beside: bool, channel: int
) -> tuple[GroupSums, list[Told]]:
    """The patches of some cells in two treated wells of one plate.

    Beside all others of these fields, or beside as many cells in two control wells of the plate.
    """
    plates = np.unique([field.plate for field in fields])
    plate = plates[seed % len(plates)]
    rng = np.random.default_rng(seed)
    own = [field for field in fields if field.plate == plate]
    treated, controls = ([field for field in own if field.phenotype == kind][:2] for kind in (phenotype, "control"))
    seen: list[Told] = []
    for field, control in zip(treated, controls, strict=True):
        tokens, like = _of_cells(field, phenotype, True, wanted // len(treated), rng, channel)
        if beside:
            others, shown = _of_cells(control, phenotype, False, wanted // len(treated), rng, channel)
            tokens = np.concatenate([tokens[like], others[shown]])
            like = np.repeat([True, False], [int(like.sum()), int(shown.sum())])
        seen.append((tokens, like))
    number = np.repeat(np.arange(len(seen)), 2)
    block = np.zeros_like(number) if beside else number
    sums = GroupSums(np.tile([True, False], len(seen)), block, number, fields[0].tokens.shape[2])
    for part, (tokens, like) in enumerate(seen):
        sums.add(2 * part, tokens[like])
        sums.add(2 * part + 1, tokens[~like])
    return sums, seen


def _of_cells(field: Seen, phenotype: str, shown: bool, wanted: int, rng: np.random.Generator, channel: int) -> Told:
    """Lit patches of a field, and which of them lie in some cells of a kind."""
    use, shows = cell_question(field.table, phenotype)
    chosen = rng.permutation(np.flatnonzero(use & (shows == shown)))[:wanted]
    lit = field.lit[channel]
    return field.tokens[channel][lit], field.cover[chosen].any(axis=0)[lit]


def _learnt_of_cells(
    by_channel: Sequence[tuple[GroupSums, list[Told]]], shrinkage: float
) -> tuple[int, npt.NDArray[np.floating] | None]:
    """Channel and direction as the job finds them."""
    ranks = []
    for sums, seen in by_channel:
        check = check_fields(sums, seen, shrinkage=shrinkage)
        ranks.append((-1.0 if check is None else check.auroc, sums.distance(shrinkage)))
    channel = max(range(len(ranks)), key=ranks.__getitem__)
    return channel, by_channel[channel][0].direction(shrinkage=shrinkage)


def _best_channel(by_channel: Sequence[GroupSums], shrinkage: float) -> int:
    checks = [sums.check(shrinkage=shrinkage, shuffles=0) for sums in by_channel]
    ranks = [
        (-1.0 if check is None else check.auroc, sums.distance(shrinkage))
        for check, sums in zip(checks, by_channel, strict=True)
    ]
    return max(range(len(ranks)), key=ranks.__getitem__)


def _best_learnt(sums: GroupSums, atoms: Array) -> tuple[int, tuple[float, float]]:
    best = sums.best_atom(atoms)
    means = sums.total / np.maximum(sums.count, 1)[:, None]
    told = auroc_within((means @ atoms[best])[:, None], sums.like, sums.block)
    return best, (float(told[0]), sums.apart(atoms[best]))


def _best_apart(sums: GroupSums, atoms: Array) -> tuple[int, float]:
    apart = [sums.apart(atom) for atom in atoms]
    return int(np.argmax(apart)), max(apart)


def _told(phenotype: str, fields: Sequence[Seen], channel: int, direction: npt.NDArray[np.floating] | None) -> float:
    assert direction is not None
    table = pd.concat([field.table for field in fields])
    use, shows = cell_question(table, phenotype)
    along = np.concatenate([field.cells[:, channel] for field in fields]) @ direction
    return float(auroc(along[use, None], shows[use])[0])


def _by_every_cell(phenotype: str, rest: Sequence[Seen], test: Sequence[Seen], atoms: Array) -> float:
    """The feature and channel whose worst AUROC on single cells of the plates is best, as ``planted.py`` chooses it."""
    worst = np.full((rest[0].tokens.shape[0], len(atoms)), np.inf)
    for plate in np.unique([field.plate for field in rest]):
        own = [field for field in rest if field.plate == plate]
        use, shows = cell_question(pd.concat([field.table for field in own]), phenotype)
        along = np.concatenate([field.cells for field in own])[use] @ atoms.T
        told = [auroc(one, shows[use]) for one in along.transpose(1, 0, 2)]
        worst = np.minimum(worst, told)
    channel, atom = np.unravel_index(np.argmax(worst), worst.shape)
    return _told(phenotype, test, int(channel), atoms[atom])


if __name__ == "__main__":
    main()
