"""Shifted tilings: a finer grid, every cell the mean of the patches over it, and spots found nearer to their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_lexicon.backbones.builtin import load_builtin
from napari_lexicon.backbones.spec import Backbone, BackboneSpec
from napari_lexicon.backbones.tiling import field_tokens, fine_field_tokens

SPEC = BackboneSpec("fake", "0", 0, 1, 4, 32, 8, 1, "none", "none")


class Sums:
    """A fake backbone whose only number is the sum of the patch."""

    spec = SPEC

    def tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        return tiles.unfold(2, 4, 4).unfold(3, 4, 4).flatten(4).sum(-1, keepdim=True)


@pytest.mark.parametrize("finer", [2, 4])
@pytest.mark.parametrize("shape", [(2, 37, 50), (1, 3, 9), (1, 1, 1)])
def test_a_cell_is_the_mean_of_all_patches_over_it(finer: int, shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).random(shape, np.float32)
    fine = fine_field_tokens(Sums(), image, finer)
    step = 4 // finer
    assert fine.shape == (shape[0], -(-shape[1] // step), -(-shape[2] // step), 1)
    wide = np.pad(image, ((0, 0), (8, 8), (8, 8)), mode="reflect") if min(shape[1:]) > 8 else None
    for i, j in ((0, 0), (fine.shape[1] // 2, fine.shape[2] // 3)) if wide is not None else ():
        starts = [(8 + i * step - a * step, 8 + j * step - b * step) for a in range(finer) for b in range(finer)]
        expected = np.mean([wide[0, y : y + 4, x : x + 4].sum() for y, x in starts])
        assert fine[0, i, j, 0].item() == pytest.approx(expected, rel=1e-5)


def test_one_shift_is_the_plain_tiling() -> None:
    image = np.random.default_rng(1).random((2, 70, 45), np.float32)
    assert torch.equal(fine_field_tokens(Sums(), image, 1), field_tokens(Sums(), image))


def test_shifts_of_broken_pixels_are_refused() -> None:
    backbone = Sums()
    backbone.spec = replace(SPEC, patch=14)
    with pytest.raises(ValueError, match="patch of 14 px cannot be shifted in 4"):
        fine_field_tokens(backbone, np.zeros((1, 28, 28), np.float32), 4)


def distances(backbone: Backbone, seed: int) -> list[list[float]]:
    """Pixels from the centres of nine planted spots to the highest cell near them of a map that lights up at spots.

    By the plain tiling, at half and at a quarter of the stride.
    """
    rng = np.random.default_rng(seed)
    side, pitch = 144, 48
    y, x = np.mgrid[:side, :side]
    places = [
        (row + rng.uniform(16, 32), column + rng.uniform(16, 32))
        for row in range(0, side, pitch)
        for column in range(0, side, pitch)
    ]
    clean = sum(np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 3.0**2)) for cy, cx in places)
    image = (clean + rng.normal(0, 0.02, (side, side))).astype(np.float32)[None]
    empty = field_tokens(backbone, rng.normal(0, 0.02, (1, side, side)).astype(np.float32))[0].flatten(0, 1).mean(0)
    plain = field_tokens(backbone, image)[0] - empty
    patch = backbone.spec.patch
    direction = torch.stack([plain[int(cy) // patch, int(cx) // patch] for cy, cx in places]).mean(0)
    return [
        [_distance(found, patch // finer, place) for place in places]
        for finer in (1, 2, 4)
        for found in [((fine_field_tokens(backbone, image, finer)[0] - empty) @ direction).numpy()]
    ]


def _distance(found: np.ndarray, step: int, place: tuple[float, float], pitch: int = 48) -> float:
    top, left = (int(c // pitch) * pitch // step for c in place)
    near = found[top : top + pitch // step, left : left + pitch // step]
    rows, columns = np.nonzero(near >= near.max() - 1e-6)  # the middle of all cells that share the highest value
    peak = (np.array([top + rows.mean(), left + columns.mean()]) + 0.5) * step - 0.5
    return float(np.hypot(*(peak - place)))


def test_shifted_tilings_of_the_built_in_model_find_spots_nearer_to_their_centres() -> None:
    backbone = load_builtin()
    both = [distances(backbone, seed) for seed in (4, 5)]
    plain, half, quarter = (float(np.mean([one[k] for one in both])) for k in range(3))
    print(f"{plain:.2f} {half:.2f} {quarter:.2f} px")
    assert half < 0.8 * plain
    assert quarter < half
