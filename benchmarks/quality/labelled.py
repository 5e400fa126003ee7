"""Real images with labels: are the features of one dictionary more selective for what people drew than another's?

    LEXICON_DATA=... python benchmarks/quality/labelled.py [--quick | --full] [--json FILE] [--only NAME ...]

Patches are labelled by what covers them: white cell, red cell, platelet or nothing in blood smears (BCCD, boxes);
nucleus or nothing in fluorescence of many instruments (DSB 2018, outlines); nucleus, cytoplasm or nothing in Cell
Painting (cytodataframe, outlines). Dictionaries learn from the tokens of one half of the images, whitened on them; for
every class the one feature in one channel is chosen there, and scored on the other half.

- *selectivity*: P(fires | class) minus the mean over the other classes; *maximal*: minus the largest of them (the two
  definitions of the ICFL paper, section 6.1), of the feature chosen by it; *along*: the same where a feature fires in
  the patches that lie more than one standard deviation of controls along it.
- *AUROC* of the best feature, by its code and by its direction.
- *probe*: balanced accuracy of a logistic probe on all codes, and on the five best features.
- *chance*: the same AUROC where the labels of every image are those of another one.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
import pandas as pd
import tifffile
import torch
from planted import OF_256, RATES, TUNED, Contender, settings_for
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from table import Cell, add_options, finish, write

from napari_lexicon.backbones import Backbone, IntensityWindow, apply_windows, estimate_windows, field_tokens
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.backbones.loading import load_backbone
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import train_dictionary
from napari_lexicon.dictionaries.whitening import Whitening, WhiteningAccumulator
from napari_lexicon.lexicons import BEYOND

Floats = npt.NDArray[np.float32]
CACHE = Path(tempfile.gettempdir()) / "napari-lexicon-benchmark" / "real"
SCORED = 12_000  # patches on each side, drawn once
PROBED = 6000  # of these, by the logistic probes


@dataclass(frozen=True, eq=False)
class LabelledTokens:
    """Tokens of some images and what covers each patch.

    Parameters
    ----------
    tokens : torch.Tensor
        ``(N, C, dim)`` float16.
    labels, others : numpy.ndarray
        ``(N,)`` class of the patch, 0 for nothing, and of the same place in another image.
    image : numpy.ndarray
        ``(N,)`` number of the image.
    names : tuple of str
        Of the classes, the first for nothing.
    """

    tokens: torch.Tensor
    labels: npt.NDArray[np.int64]
    others: npt.NDArray[np.int64]
    image: npt.NDArray[np.int64]
    names: tuple[str, ...]

    def rows(self, chosen: npt.NDArray[np.int64]) -> LabelledTokens:
        """Only these patches."""
        labels, others, image = self.labels[chosen], self.others[chosen], self.image[chosen]
        return LabelledTokens(self.tokens[torch.from_numpy(chosen)], labels, others, image, self.names)


def main() -> None:
    """Run, print the tables, write the rows."""
    parser = add_options(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter))
    parser.add_argument("--only", action="append", choices=[c.name for c in OF_256], help="contenders to run")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    data = Path(os.environ["LEXICON_DATA"])
    steps, seeds = (60, 1) if options.quick else (2000, 5) if options.full else (400, 3)
    backbone = load_backbone("builtin", device="cpu")
    cells: list[Cell] = []
    for name, images in SETS.items():
        seen = labelled_tokens(name, images(data), backbone, 16 if options.quick else 40)
        halves = np.random.default_rng(0).permutation(seen.image.max() + 1)[seen.image] % 2 == 0
        for contender in OF_256:
            left_out = contender not in QUICK if options.quick else contender in LONG and not options.full
            if contender.name not in options.only if options.only else left_out:
                continue
            found = [_scores(seen, halves, contender, steps, seed) for seed in range(seeds)]
            for metric in found[0]:
                cells.append(Cell(name, contender.name, metric, np.array([one[metric] for one in found])))
            shown = ", ".join(
                f"{c.metric} {c.text()}" for c in cells if (c.task, c.contender) == (name, contender.name)
            )
            print(f"{name}, {contender.name}: {shown}", flush=True)
            write(cells, options, ours="icfl, 48 directions", skip=("chance",))
    finish(cells, options, ours="icfl, 48 directions", skip=("chance",))


QUICK = tuple(c for c in OF_256 if c.components and c.changes["algorithm"] in ("icfl", "icfl-anchored", "topk", "pca"))
LONG = tuple(c for c in OF_256 if not c.components and c.changes["algorithm"] not in ("icfl", "topk", "pca"))


def _scores(
    seen: LabelledTokens, learnt: npt.NDArray[np.bool_], contender: Contender, steps: int, seed: int
) -> dict[str, float]:
    """Scores of one dictionary, learnt from some patches and scored on the others; mean over the classes."""
    tokens = seen.tokens[torch.from_numpy(learnt)]
    sums = WhiteningAccumulator(tokens.shape[-1])
    sums.update(tokens.flatten(0, 1).float())
    whitening = sums.fit(contender.form, components=contender.components)
    dictionary = _trained(tokens, seen.image[learnt], whitening, contender, steps, seed)
    scored = np.concatenate([_some(np.flatnonzero(side), SCORED) for side in (learnt, ~learnt)])
    learnt, seen = learnt[scored], seen.rows(scored)
    codes, along = _features(dictionary, seen.tokens)
    classes = range(1, len(seen.names))
    scores: dict[str, list[float]] = {}
    for read, fires in (("", (codes > 0).astype(np.float32)), (", along", (along > BEYOND[0]).astype(np.float32))):
        rates = [[np.asarray(fires[side & (seen.labels == c)].mean(axis=0)).ravel() for c in range(len(seen.names))]
                 for side in (learnt, ~learnt)]  # fmt: skip
        for c in classes:
            for metric, against in (("selectivity", np.mean), ("maximal selectivity", np.max)):
                chosen, held = (
                    rate[c] - against([rate[o] for o in range(len(rate)) if o != c], axis=0) for rate in rates
                )
                scores.setdefault(metric + read, []).append(float(held[np.argmax(chosen)]))
    for c in classes:
        for metric, values, labels in (
            ("AUROC, code", codes, seen.labels),
            ("AUROC, direction", along, seen.labels),
            ("chance", along, seen.others),
        ):
            chosen = column_aurocs(values, labels == c, learnt)
            scores.setdefault(metric, []).append(
                float(column_aurocs(values[:, [int(np.argmax(chosen))]], labels == c, ~learnt)[0])
            )
    result = {metric: float(np.mean(values)) for metric, values in scores.items()}
    best = [int(np.argmax(column_aurocs(codes, seen.labels == c, learnt))) for c in classes]
    often = np.asarray((codes[learnt] > 0).mean(axis=0)).ravel()
    few = list(dict.fromkeys([*best, *np.argsort(-often)]))[:5]
    result["probe"] = _probe(codes, seen.labels, learnt)
    result["probe, 5 features"] = _probe(codes[:, few], seen.labels, learnt)
    return result


def _some(rows: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(0).permutation(rows)[:most]


def _trained(
    tokens: torch.Tensor,
    image: npt.NDArray[np.int64],
    whitening: Whitening,
    contender: Contender,
    steps: int,
    seed: int,
) -> Dictionary:
    groups = torch.from_numpy(image).repeat_interleave(tokens.shape[1])
    source = ArrayTokens(tokens.flatten(0, 1), groups)
    results = [
        train_dictionary(settings_for(contender, steps, seed, rate), source, whitening)
        for rate in (RATES if contender.changes["algorithm"] in TUNED else (2e-3,))
    ]
    return min(results, key=lambda result: float(result.metrics["loss"])).dictionary


def _features(dictionary: Dictionary, tokens: torch.Tensor) -> tuple[sparse.csc_array, Floats]:
    """``(N, C * M)`` positive parts of the codes, and directions, channel by channel."""
    codes, along = [], []
    for channel in tokens.unbind(1):
        found = dictionary.encode(channel.float()).merged()
        values = found.values.clamp_min(0).reshape(-1).numpy()
        starts = np.arange(0, len(values) + 1, found.indices.shape[1])
        shape = (len(channel), dictionary.n_features)
        codes.append(sparse.csr_array((values, found.indices.reshape(-1).numpy(), starts), shape=shape))
        along.append((dictionary.whitening.whiten(channel.float()) @ dictionary.atoms.T).numpy())
    return sparse.csc_array(sparse.hstack(codes)), np.concatenate(along, axis=1)


def column_aurocs(
    values: sparse.csc_array | Floats, positive: npt.NDArray[np.bool_], side: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """AUROC of every column over the rows of one side, from 512 quantiles of each column."""
    chosen = values[side]
    is_it = positive[side]
    found = np.empty(chosen.shape[1])
    for column in range(chosen.shape[1]):
        one = chosen[:, [column]]
        one = one.toarray().ravel() if sparse.issparse(one) else np.asarray(one).ravel()
        edges = np.unique(np.quantile(one, np.linspace(0, 1, 513)))
        place = np.searchsorted(edges, one)
        counts = np.stack([np.bincount(place[is_it == truth], minlength=len(edges) + 1) for truth in (True, False)])
        below = np.cumsum(counts[1]) - counts[1] / 2
        found[column] = float((counts[0] * below).sum() / max(1, counts[0].sum() * counts[1].sum()))
    return found


def _probe(codes: sparse.csc_array, labels: npt.NDArray[np.int64], learnt: npt.NDArray[np.bool_]) -> float:
    rows = [_some(np.flatnonzero(side), PROBED) for side in (learnt, ~learnt)]
    sides = [codes[own].toarray() for own in rows]
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300, class_weight="balanced"))
    probe.fit(sides[0], labels[rows[0]])
    return float(balanced_accuracy_score(labels[rows[1]], probe.predict(sides[1])))


def labelled_tokens(
    name: str, images: Iterator[tuple[Floats, npt.NDArray[np.int64], tuple[str, ...]]], backbone: Backbone, most: int
) -> LabelledTokens:
    """Tokens of up to ``most`` images; embedded once and kept. Dark patches are left out."""
    CACHE.mkdir(parents=True, exist_ok=True)
    kept = CACHE / f"{name.replace(' ', '-')}-{backbone.spec.fingerprint}-{most}.npz"
    if not kept.is_file():
        tokens, labels, others, image = [], [], [], []
        before: npt.NDArray[np.int64] | None = None
        for number, (pixels, covered, names) in enumerate(images):
            if number == most:
                break
            found = field_tokens(backbone, pixels, batch=16)
            classes = patch_classes(covered, backbone.spec.patch, len(names))
            other = np.flip(classes) if before is None else resized(before, classes.shape)
            before = classes
            lit = lit_patches(pixels, backbone.spec.patch).any(axis=0).ravel()
            tokens.append(found.flatten(1, 2).transpose(0, 1)[torch.from_numpy(lit)].half().numpy())
            labels.append(classes.ravel()[lit])
            others.append(other.ravel()[lit])
            image.append(np.full(int(lit.sum()), number))
        arrays = {"tokens": tokens, "labels": labels, "others": others, "image": image}
        np.savez(kept, names=np.array(names), **{key: np.concatenate(parts) for key, parts in arrays.items()})
    read = np.load(kept)
    return LabelledTokens(
        torch.from_numpy(read["tokens"]), read["labels"], read["others"], read["image"], tuple(read["names"].tolist())
    )


def patch_classes(covered: npt.NDArray[np.int64], patch: int, classes: int) -> npt.NDArray[np.int64]:
    """Class that covers most of every patch, and at least a quarter of it; 0 elsewhere."""
    height, width = (-(-side // patch) * patch for side in covered.shape)
    whole = np.pad(covered, ((0, height - covered.shape[0]), (0, width - covered.shape[1])))
    blocks = whole.reshape(height // patch, patch, width // patch, patch)
    shares = np.stack([(blocks == c).mean(axis=(1, 3)) for c in range(1, classes)])
    return np.where(shares.max(axis=0) >= 0.25, shares.argmax(axis=0) + 1, 0)


def resized(classes: npt.NDArray[np.int64], shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Classes of another image, repeated or cut to a shape."""
    rows, columns = (np.arange(side) % own for side, own in zip(shape, classes.shape, strict=True))
    return classes[np.ix_(rows, columns)]


def blood(data: Path) -> Iterator[tuple[Floats, npt.NDArray[np.int64], tuple[str, ...]]]:
    """Boxes of blood cells; the ellipse in a box stands for the cell."""
    folder, names = data / "bccd_blood", ("nothing", "white cell", "red cell", "platelet")
    boxes = pd.read_csv(folder / "boxes.csv")
    for image_id, own in list(boxes.groupby("image_id"))[::6]:
        image = np.moveaxis(iio.imread(folder / "images" / f"{image_id}.jpg")[..., :3], -1, 0)
        covered = np.zeros(image.shape[1:], np.int64)
        y, x = np.mgrid[: image.shape[1], : image.shape[2]]
        for number, kind in ((2, "RBC"), (3, "Platelets"), (1, "WBC")):
            for box in own[own["class"] == kind].itertuples():
                cy, cx = (box.ymin + box.ymax) / 2, (box.xmin + box.xmax) / 2
                ry, rx = max(1, (box.ymax - box.ymin) / 2), max(1, (box.xmax - box.xmin) / 2)
                covered[((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1] = number
        yield apply_windows(image, [IntensityWindow(0.0, 255.0)] * 3), covered, names


def nuclei(data: Path) -> Iterator[tuple[Floats, npt.NDArray[np.int64], tuple[str, ...]]]:
    """Outlines of nuclei of many instruments."""
    folder = data / "dsb2018_fluorescence"
    table = pd.read_csv(folder / "labels.csv").iloc[::9]
    for row in table.itertuples():
        image = iio.imread(folder / str(row.image))[None]
        inside = iio.imread(folder / str(row.label_map)) > 0
        yield apply_windows(image, estimate_windows([image])), inside.astype(np.int64), ("nothing", "nucleus")


def painting(data: Path) -> Iterator[tuple[Floats, npt.NDArray[np.int64], tuple[str, ...]]]:
    """Outlines of cells and nuclei in three stains."""
    folder = data / "cytodataframe_cellpainting_mini"
    for path in sorted(folder.glob("*_mask_cells.tif")):
        stem = path.name.removesuffix("_mask_cells.tif")
        image = tifffile.imread(folder / f"{stem}.tif")
        cells, inner = tifffile.imread(path) > 0, tifffile.imread(folder / f"{stem}_mask_nuclei.tif") > 0
        image = image if image.shape[0] < image.shape[-1] else np.moveaxis(image, -1, 0)
        covered = np.where(inner, 1, np.where(cells, 2, 0))
        yield apply_windows(image, estimate_windows([image])), covered, ("nothing", "nucleus", "cytoplasm")


SETS: dict[str, Callable[[Path], Iterator[tuple[Floats, npt.NDArray[np.int64], tuple[str, ...]]]]] = {
    "blood smears": blood,
    "nuclei": nuclei,
    "Cell Painting": painting,
}


if __name__ == "__main__":
    main()
