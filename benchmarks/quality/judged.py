"""Does judging proposed pictures, as *Find more on the plate* offers them, make a taught feature better?

    python benchmarks/quality/judged.py [--quick] [--cache FOLDER] [--json FILE]

The plates, phenotypes and score of ``taught.py``: a feature is taught on one plate and scored on another, by the AUROC
of its cells along the direction. It begins with three cells that show the phenotype in treated wells beside three of
control wells. Then twelve patches are judged by the simulator's truth, as a person would with + and −, and taught by as
well; twice. *proposed*: those that lie farthest along what has been found so far, by the codes of all fields of the
plate. *random*: lit patches of the treated wells. Taught by the patch itself, by the patch with the eight *around* it,
as the window does, or by the whole *cell*; the last two only where there is a cell. Three draws of the first cells.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from table import Cell, add_options, finish
from taught import BUILTIN, Seen, _told, seen_fields

sys.path.insert(0, str(Path(__file__).parents[1] / "backbone"))

from simulated import PHENOTYPES, cell_question

from napari_lexicon.analysis.alike import PER_FIELD
from napari_lexicon.analysis.lessons import Lesson, best_lesson
from napari_lexicon.analysis.teaching import SHRINKAGE, GroupSums, check_fields, parts_of
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary

FIRST, JUDGED, ROUNDS = 3, 12, 2
Place = tuple[int, tuple[int, ...], bool]
"""Field, patches, and whether they have it."""


def main() -> None:
    """Make plates, teach, judge, score, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cache", type=Path, help="rendered plates are kept there")
    options = add_options(parser).parse_args()
    torch.set_num_threads(options.threads)
    dictionary = load_dictionary(BUILTIN)
    with tempfile.TemporaryDirectory() as folder:
        fields = seen_fields(options.cache or Path(folder), options)
    codes = [along_codes(field, dictionary) for field in fields]
    cells: list[Cell] = []
    for phenotype in PHENOTYPES:
        found: dict[str, list[float]] = {}
        plates = sorted({field.plate for field in fields})
        for plate, other in zip(plates, [*plates[1:], plates[0]], strict=True):
            own = [n for n, field in enumerate(fields) if field.plate == plate]
            test = [field for field in fields if field.plate == other]
            for seed in range(1 if options.quick else 3):
                for way in ("proposed", "random"):
                    for unit in ("patch", "around", "cell"):
                        told = judged(
                            phenotype, [fields[n] for n in own], [codes[n] for n in own], test, way, unit, seed
                        )
                        for asked, score in told.items():
                            name = f"{way}, {asked}, {unit}" if asked else "three cells"
                            found.setdefault(name, []).append(score)
        cells += [Cell(phenotype, name, "AUROC per cell", np.array(values)) for name, values in found.items()]
        print(phenotype, {name: round(float(np.mean(values)), 3) for name, values in found.items()}, flush=True)
    for name in dict.fromkeys(cell.contender for cell in cells):
        every = np.array([cell.mean for cell in cells if cell.contender == name])
        cells.append(Cell("mean", name, "AUROC per cell", np.array([every.mean()])))
    finish(cells, options, ours=f"proposed, {JUDGED * ROUNDS}, around")


def along_codes(field: Seen, dictionary: Dictionary) -> npt.NDArray[np.float32]:
    """``(C, P, d)``: what the codes of patches sum up to."""
    channels, patches, dim = field.tokens.shape
    whitened = torch.from_numpy(field.tokens.reshape(-1, dim))
    summed = dictionary.decode(dictionary.encode(dictionary.whitening.unwhiten(whitened)))
    return summed.numpy().reshape(channels, patches, dim) * field.lit[..., None]


def judged(
    phenotype: str,
    fields: Sequence[Seen],
    codes: Sequence[npt.NDArray[np.float32]],
    test: Sequence[Seen],
    way: str,
    unit: str,
    seed: int,
) -> dict[int, float]:
    """AUROC on the other plate after so many judgements."""
    rng = np.random.default_rng(seed)
    places = first_places(phenotype, fields, rng)
    scores = {}
    for turn in range(ROUNDS + 1):
        channel, direction = learnt(fields, places)
        scores[turn * JUDGED] = _told(phenotype, test, channel, direction)
        if turn < ROUNDS:
            for field, patch in proposed(phenotype, fields, codes, places, channel, direction, way, rng):
                judgement = _judgement(fields[field], patch, phenotype, unit)
                if judgement is not None:
                    places.append((field, *judgement))
    return scores


def first_places(phenotype: str, fields: Sequence[Seen], rng: np.random.Generator) -> list[Place]:
    """Three cells that show it, and three of control wells."""
    places: list[Place] = []
    for like in (True, False):
        wanted = phenotype if like else "control"
        asked = [n for n, field in enumerate(fields) if field.phenotype == wanted]
        while sum(place[2] == like for place in places) < FIRST:
            n = int(rng.choice(asked))
            use, shows = cell_question(fields[n].table, phenotype)
            cell = int(rng.choice(np.flatnonzero(use & (shows == like))))
            patches = tuple(int(patch) for patch in np.flatnonzero(fields[n].cover[cell]))
            if patches:
                places.append((n, patches, like))
    return places


def learnt(fields: Sequence[Seen], places: Sequence[Place]) -> tuple[int, npt.NDArray[np.floating]]:
    """Channel and direction, as the window finds them where both kinds are pointed at."""
    lessons = []
    for channel in range(fields[0].tokens.shape[0]):
        parts: list[tuple[npt.NDArray[np.float32], bool]] = []
        for field, patches, like in places:
            use = [patch for patch in patches if fields[field].lit[channel, patch]]
            if use:
                parts.append((fields[field].tokens[channel, use], like))
        likes = [like for _, like in parts]
        if len(set(likes)) < 2:
            continue
        block = np.zeros(len(parts), int)
        part = parts_of(likes, block)
        sums = GroupSums(likes, block, part, fields[0].tokens.shape[2])
        for number, (tokens, _) in enumerate(parts):
            sums.add(number, tokens)
        whole = []
        for n in range(sums.parts):
            own = [one for one, its in zip(parts, part, strict=True) if its == n]
            kinds = np.repeat([like for _, like in own], [len(tokens) for tokens, _ in own])
            whole.append((np.concatenate([tokens for tokens, _ in own]), kinds))
        direction = sums.direction(shrinkage=SHRINKAGE)
        if direction is not None:
            check = check_fields(sums, whole, shrinkage=SHRINKAGE)
            taught = sum(len(tokens) for tokens, like in parts if like)
            lessons.append(Lesson(str(channel), direction, check, taught, 0, sums.distance(), "places", (1.0, 0.0)))
    best = best_lesson(lessons)
    return int(best.channel), best.direction


def proposed(
    phenotype: str,
    fields: Sequence[Seen],
    codes: Sequence[npt.NDArray[np.float32]],
    places: Sequence[Place],
    channel: int,
    direction: npt.NDArray[np.floating],
    way: str,
    rng: np.random.Generator,
) -> list[tuple[int, int]]:
    """Fields and patches to be judged next; at most three of a field, none that was."""
    known = {(field, patch) for field, patches, _ in places for patch in patches}
    if way == "random":
        free = [
            (n, int(patch))
            for n, field in enumerate(fields)
            if field.phenotype == phenotype
            for patch in np.flatnonzero(field.lit[channel])
            if (n, int(patch)) not in known
        ]
        return [free[int(at)] for at in rng.permutation(len(free))[:JUDGED]]
    ranked = []
    for n, field in enumerate(fields):
        along = codes[n][channel] @ direction
        along = np.where(field.lit[channel], along, -np.inf)
        order = [int(patch) for patch in np.argsort(-along) if (n, int(patch)) not in known][:PER_FIELD]
        ranked += [(float(along[patch]), n, patch) for patch in order]
    return [(n, patch) for _, n, patch in sorted(ranked, reverse=True)[:JUDGED]]


def _judgement(field: Seen, patch: int, phenotype: str, unit: str) -> tuple[tuple[int, ...], bool] | None:
    """What a person would point at, and whether it has it; None where there is no cell to judge."""
    use, shows = cell_question(field.table, phenotype)
    here = np.flatnonzero(field.cover[:, patch])
    like = bool((use & shows)[here].any())
    if unit == "patch":
        return (patch,), like
    if not len(here):
        return None
    if unit == "around":
        width = round(field.cover.shape[1] ** 0.5)
        row, column = divmod(patch, width)
        rows, columns = (range(max(at - 1, 0), min(at + 2, width)) for at in (row, column))
        return tuple(y * width + x for y in rows for x in columns), like
    cell = next((int(one) for one in here if (use & shows)[one]), int(here[0]))
    return (tuple(int(at) for at in np.flatnonzero(field.cover[cell])) if unit == "cell" else (patch,)), like


if __name__ == "__main__":
    main()
