"""The tasks: each gives one score per describer, with its spread, from the same regions and splits for all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from describers import Array, Describer
from real import RealField
from scoring import (
    Score,
    auroc,
    auroc_probe,
    averaged,
    balanced_accuracy,
    best_feature_held_out,
    column_auroc,
    held_out,
    probe,
    spearman,
    splits,
    with_interval,
)
from simulated import PHENOTYPES, TOP_DOSE, Described, cell_question


@dataclass(frozen=True)
class Row:
    """One line of the result.

    Parameters
    ----------
    task, metric : str
        What was asked, how it was scored.
    size : str
        How much was held out.
    describer, kind : str
        Who answered, from what: tokens, codes, whitened, features, or the best single one of these.
    score : Score
    """

    task: str
    size: str
    metric: str
    describer: str
    kind: str
    score: Score


def cell_rows(name: str, train: Described, test: Described, phenotypes: Iterable[str] = PHENOTYPES) -> list[Row]:
    """Per phenotype: does this cell show it? Probe and best single feature, chosen on one plate, scored on another."""
    rows = []
    for phenotype in phenotypes:
        use_train, shows_train = cell_question(train.cell_table, phenotype)
        use_test, shows_test = cell_question(test.cell_table, phenotype)
        truth, wells = shows_test[use_test], test.cell_table["well"].to_numpy(str)[use_test]
        size = f"{int(truth.sum())} of {len(truth)} cells"
        task = f"cell: {phenotype}"
        for kind, values in train.cells.items():
            a, b = values[use_train], test.cells[kind][use_test]
            answer = auroc_probe(a, shows_train[use_train], b)
            rows.append(Row(task, size, "AUROC", name, kind, with_interval(auroc, truth, answer, wells)))
            best, sign = best_single(a, shows_train[use_train], both_signs=kind not in ("codes", "directions"))
            single = sign * b[:, best]
            rows.append(Row(task, size, "AUROC", name, f"best of {kind}", with_interval(auroc, truth, single, wells)))
    return rows


def best_single(values: Array, truth: npt.NDArray[np.bool_], both_signs: bool) -> tuple[int, float]:
    """Number of the column that separates best, and the sign to read it with.

    A feature of a dictionary has to fire where the thing is; other coordinates may point either way.
    """
    scores = column_auroc(values, truth)
    if not both_signs:
        return int(np.argmax(scores)), 1.0
    best = int(np.argmax(np.abs(scores - 0.5)))
    return best, 1.0 if scores[best] >= 0.5 else -1.0


def well_rows(name: str, train: Described, test: Described) -> list[Row]:
    """Which phenotype, or none, does this well show?"""
    use = [
        (d.well_table["dose"].to_numpy() >= TOP_DOSE) | (d.well_table["phenotype"] == "control") for d in (train, test)
    ]
    truth = test.well_table["phenotype"].to_numpy(str)[use[1]]
    known = train.well_table["phenotype"].to_numpy(str)[use[0]]
    wells = test.well_table["well"].to_numpy(str)[use[1]]
    rows = []
    for kind in train.wells:
        answer = probe("classes").fit(train.wells[kind][use[0]], known).predict(test.wells[kind][use[1]])
        score = with_interval(balanced_accuracy, truth, answer, wells)
        rows.append(Row("well: which phenotype", f"{len(truth)} wells", "balanced accuracy", name, kind, score))
    return rows


def leak_rows(name: str, plate: Described, seeds: int) -> list[Row]:
    """Which half of the plate is this untreated well in? Nothing should know."""
    control = (plate.well_table["phenotype"] == "control").to_numpy(bool)
    half = plate.well_table["column"].to_numpy()[control] > 6
    wells = plate.well_table["well"].to_numpy(str)[control]
    rows = []
    for kind, values in plate.wells.items():
        answers = [held_out(values[control], half, wells, "classes", 4, seed) for seed in range(seeds)]
        scores = [with_interval(balanced_accuracy, half, answer, wells) for answer in answers]
        rows.append(
            Row("leak: half of the plate", f"{len(half)} wells", "balanced accuracy", name, kind, averaged(scores))
        )
    return rows


def described_fields(fields: Iterable[RealField], describer: Describer) -> dict[str, Any]:
    """Descriptions by kind, and the targets, groups and areas that go with their rows."""
    kinds: dict[str, list[Array]] = {}
    target, groups, area = [], [], []
    for field in fields:
        for kind, values in describer.describe(field.image, field.regions)[0].items():
            kinds.setdefault(kind, []).append(values)
        target.append(field.target)
        groups += [field.group] * len(field.target)
        area += [field.area] * len(field.target)
    return {
        "kinds": {kind: np.concatenate(parts) for kind, parts in kinds.items()},
        "target": np.concatenate(target),
        "groups": np.array(groups),
        "area": np.array(area),
    }


def regression_rows(task: str, name: str, data: dict[str, Any], seeds: int, counts: bool, merge: bool) -> list[Row]:
    """Held-out rank correlation with a number.

    ``counts``: the target is a count, its logarithm per area is learnt, and the area put back before scoring.
    ``merge``: target and prediction are averaged over each group first, as a well has one dose.
    """
    groups, area = data["groups"], np.log(data["area"])
    learnt = np.log(np.maximum(data["target"], 1.0)) - area if counts else data["target"]
    offset = area if counts else np.zeros_like(area)
    rows = []
    for kind, values in data["kinds"].items():
        for label, predict in (("", _ridge), ("best of ", best_feature_held_out)):
            scores = []
            for seed in range(seeds):
                said = predict(values, learnt, groups, 5, seed)
                if label and counts:  # a rank within the fold knows no unit: scored on density
                    truth = learnt
                else:
                    said, truth = said + offset, data["target"]
                where = groups
                if merge:
                    where, index = np.unique(groups, return_inverse=True)
                    said, truth = (np.bincount(index, v) / np.bincount(index) for v in (said, truth))
                scores.append(with_interval(spearman, truth, said, where, seed))
            size = f"{len(np.unique(groups)) if merge else len(learnt)} {'wells' if merge else 'fields'}"
            rows.append(Row(task, size, "Spearman", name, f"{label}{kind}", averaged(scores)))
    return rows


def _ridge(values: Array, target: Array, groups: npt.NDArray[Any], folds: int, seed: int) -> Array:
    return np.asarray(held_out(values, target, groups, "number", folds, seed), np.float64)


def region_rows(task: str, name: str, data: dict[str, Any], seeds: int) -> list[Row]:
    """Held-out AUROC of a yes-or-no question about regions."""
    truth, groups = data["target"] > 0.5, data["groups"]
    rows = []
    for kind, values in data["kinds"].items():
        probe_scores, single_scores = [], []
        for seed in range(seeds):
            said, single = np.zeros(len(truth)), np.zeros(len(truth))
            for train, test in splits(groups, 5, seed):
                said[test] = auroc_probe(values[train], truth[train], values[test])
                best, sign = best_single(values[train], truth[train], kind not in ("codes", "directions"))
                column = sign * values[:, best]
                single[test] = np.searchsorted(np.sort(column[train]), column[test]) / len(train)
            probe_scores.append(with_interval(auroc, truth, said, groups, seed))
            single_scores.append(with_interval(auroc, truth, single, groups, seed))
        size = f"{int(truth.sum())} of {len(truth)} cells"
        rows.append(Row(task, size, "AUROC", name, kind, averaged(probe_scores)))
        rows.append(Row(task, size, "AUROC", name, f"best of {kind}", averaged(single_scores)))
    return rows
