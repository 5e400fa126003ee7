"""Attention in squares is timm's own attention under the mask of the neighbourhood."""

from __future__ import annotations

import pytest
import torch

from napari_lexicon.backbones import near_attention
from napari_lexicon.backbones.builtin import Shape, architecture, neighbourhood, through_blocks
from napari_lexicon.backbones.near_attention import through_near_blocks


@pytest.mark.parametrize("grid", [(1, 1), (4, 4), (7, 10), (13, 3), (1, 9)])
@pytest.mark.parametrize("reach", [1, 2, 5])
@pytest.mark.parametrize("strip", [1, 2048])
def test_squares_give_what_the_mask_gives(
    grid: tuple[int, int], reach: int, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_attention, "STRIP", strip)
    model = architecture(Shape(dim=24, depth=3, heads=2)).eval()
    generator = torch.Generator().manual_seed(reach)
    for parameter in model.parameters():  # biases begin at zero, which would hide a wrong one
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    x = torch.randn(3, grid[0] * grid[1], 24, generator=generator)
    rope = model.rope.get_embed(shape=list(grid))
    blocks = list(model.blocks)
    with torch.no_grad():
        expected = through_blocks(blocks, x, rope, neighbourhood(grid, reach))
        found = through_near_blocks(blocks, x, rope, grid, reach)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_the_mask() -> None:
    grid, model = (6, 5), architecture(Shape(dim=24, depth=2, heads=2))
    x = torch.randn(1, 30, 24, generator=torch.Generator().manual_seed(0))
    rope, blocks = model.rope.get_embed(shape=list(grid)), list(model.blocks)
    sums = [through_blocks(blocks, x, rope, neighbourhood(grid, 2)), through_near_blocks(blocks, x, rope, grid, 2)]
    theirs, ours = (torch.autograd.grad(found[-1].square().sum(), list(model.blocks[0].parameters())) for found in sums)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)
