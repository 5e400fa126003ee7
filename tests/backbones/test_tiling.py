"""Tiling: every patch of a field gets its own token, wherever the field is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_lexicon.backbones import tiling
from napari_lexicon.backbones.builtin import load_builtin
from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.backbones.tiling import field_grid, field_tokens

SPEC = BackboneSpec("fake", "0", 0, 1, 4, 32, 8, 3, "none", "none")


class PatchMeans:
    """A fake backbone whose tokens say which pixels they saw: (mean, minimum, maximum) of the patch."""

    def __init__(self, spec: BackboneSpec = SPEC) -> None:
        self.spec = spec
        self.largest_batch = 0

    def tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        self.largest_batch = max(self.largest_batch, tiles.shape[0] * tiles.shape[1])
        patches = tiles.unfold(2, self.spec.patch, self.spec.patch).unfold(3, self.spec.patch, self.spec.patch)
        flat = patches.flatten(4)
        return torch.stack([flat.mean(-1), flat.amin(-1), flat.amax(-1)], dim=-1)


@pytest.mark.parametrize("shape", [(2, 64, 64), (1, 61, 45), (3, 7, 5), (1, 1, 1), (1, 200, 33), (1, 16, 1)])
@pytest.mark.parametrize("batch", [1, 5, 64])
def test_token_belongs_to_its_own_pixels(shape: tuple[int, int, int], batch: int) -> None:
    image = np.random.default_rng(0).random(shape, np.float32)
    tokens = field_tokens(PatchMeans(), image, batch)
    gh, gw = field_grid(shape, SPEC)
    assert tokens.shape == (shape[0], gh, gw, 3)
    for i in range(shape[1] // 4):
        for j in range(shape[2] // 4):
            patch = image[:, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
            np.testing.assert_allclose(tokens[:, i, j, 0].numpy(), patch.mean((1, 2)), rtol=1e-5)
            np.testing.assert_array_equal(tokens[:, i, j, 2].numpy(), patch.max((1, 2)))


def test_pixels_beyond_the_border_are_mirrored() -> None:
    image = np.arange(6, dtype=np.float32)[None, None].repeat(4, 1)  # (1, 4, 6): the second patch is 4 5 | 4 3
    tokens = field_tokens(PatchMeans(), image)
    assert tokens[0, 0, 1].tolist() == [4.0, 3.0, 5.0]


def test_batch_bounds_the_planes_of_a_pass() -> None:
    backbone = PatchMeans()
    field_tokens(backbone, np.zeros((3, 128, 128), np.float32), batch=7)
    assert backbone.largest_batch == 6


def test_margin_zero_is_allowed() -> None:
    image = np.random.default_rng(1).random((1, 70, 70), np.float32)
    with_margin, without = (field_tokens(PatchMeans(replace(SPEC, margin=m)), image) for m in (8, 0))
    torch.testing.assert_close(with_margin, without)


def test_an_empty_field_is_refused() -> None:
    with pytest.raises(ValueError, match="none of them empty"):
        field_tokens(PatchMeans(), np.zeros((0, 8, 8), np.float32))


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:512, :512]
    image = sum(
        a * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * s**2))
        for a, cy, cx, s in zip(
            rng.uniform(0.3, 1.5, 60),
            rng.uniform(0, 512, 60),
            rng.uniform(0, 512, 60),
            rng.uniform(4, 16, 60),
            strict=True,
        )
    )
    return (image + rng.normal(0, 0.02, image.shape)).astype(np.float32)[None]


def test_builtin_tokens_hardly_depend_on_how_the_field_is_cut(field: np.ndarray) -> None:
    """Stated tolerance: in the median a tenth of the distance between unlike tokens, two patches from the cut."""
    backbone = load_builtin()
    whole = field_tokens(backbone, field)[0]
    cut = field_tokens(backbone, field[:, 80:, 112:])[0][2:, 2:]
    same = whole[7:, 9:]
    assert cut.shape == same.shape
    moved = (cut - same).norm(dim=-1)
    spread = (same - same.mean((0, 1))).norm(dim=-1)
    assert float(moved.median() / spread.median()) < 0.1


def test_builtin_tokens_are_the_same_beyond_their_reach_from_the_cut(field: np.ndarray) -> None:
    backbone = load_builtin()
    reach = backbone.spec.reach
    whole = field_tokens(backbone, field)[0]
    cut = field_tokens(backbone, field[:, 80:, 112:])[0]
    torch.testing.assert_close(cut[reach:, reach:], whole[5 + reach :, 7 + reach :], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("largest", [3, 7, 31])
def test_builtin_tokens_do_not_show_the_parts_of_a_large_field(
    field: np.ndarray, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load_builtin(layer=1)
    whole = field_tokens(backbone, field[:, :300, :333])
    monkeypatch.setattr(tiling, "LARGEST_PART", largest)
    torch.testing.assert_close(field_tokens(backbone, field[:, :300, :333]), whole, rtol=1e-4, atol=1e-4)


def test_builtin_tokens_do_not_depend_on_the_batch(field: np.ndarray) -> None:
    backbone = load_builtin()
    torch.testing.assert_close(
        field_tokens(backbone, field, 1), field_tokens(backbone, field, 32), rtol=1e-4, atol=1e-4
    )
