"""Attention among near patches only, at a cost that grows with the number of patches and not with its square.

Masked attention (:func:`napari_lexicon.backbones.builtin.neighbourhood`) computes a score for every pair of patches and
throws most of them away; on a whole field that is out of the question. Here the grid of patches is cut into squares,
and every square attends to itself and a border as wide as the reach, which gives the same numbers. So a field is read
in one piece, and no token can tell how it was cut. Work goes from strip to strip of the grid, so that it stays in the
processor's cache whatever the size of the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.nn import functional

from napari_lexicon.backbones.quick_timm import apply_rot_embed_cat

SIDE = 4
"""Side of the squares of patches, the quickest of 2, 4 and 8 on the CPU."""

STRIP = 2048
"""Tokens of a strip, about."""

_NEVER = -1e30


def through_near_blocks(
    blocks: Sequence[torch.nn.Module], x: torch.Tensor, rope: torch.Tensor | None, grid: tuple[int, int], reach: int
) -> list[torch.Tensor]:
    """What tokens become after each of some blocks, each token looking ``reach`` patches far in each.

    Parameters
    ----------
    blocks : sequence of timm ``EvaBlock``
        As :func:`napari_lexicon.backbones.builtin.architecture` makes them: one projection for query, key and value,
        no gate, no scaled residuals.
    x : torch.Tensor, ``(N, gh * gw, dim)``
        Tokens row by row.
    rope : torch.Tensor, ``(gh * gw, 2 * head_dim)``, optional
        Rotary positions.
    grid : tuple of int
        ``(gh, gw)``.
    reach : int
        Patches, 1 or more.

    Returns
    -------
    list of torch.Tensor, ``(N, gh * gw, dim)``
        One per block.
    """
    found = []
    strips = list(_strips(len(x), grid, reach, x))
    for block in blocks:
        x = _through(block, x, rope, grid, reach, strips)
        found.append(x)
    return found


def _through(
    block: Any,
    x: torch.Tensor,
    rope: torch.Tensor | None,
    grid: tuple[int, int],
    reach: int,
    strips: list[tuple[int, int, torch.Tensor]],
) -> torch.Tensor:
    """What timm's ``EvaBlock`` gives under the mask of the neighbourhood; ``(N, T, dim)``."""
    count, _, dim = x.shape
    width = grid[1]
    parts: list[list[torch.Tensor]] = [
        _projected(
            block, x[:, top * width : bottom * width], None if rope is None else rope[top * width : bottom * width]
        )
        for top, bottom, _ in strips
    ]
    # (N, heads, gh + 2 reach, columns of whole squares + 2 reach, d), zeros around the grid
    query, key, value = (_framed(torch.cat([part[which] for part in parts], dim=2), grid, reach) for which in range(3))
    done = []
    for top, bottom, near in strips:
        rows = -(-(bottom - top) // SIDE)
        framed = slice(top, top + rows * SIDE + 2 * reach)
        asked = query[:, :, framed, :][:, :, reach : reach + rows * SIDE, reach : query.shape[3] - reach]
        seen = functional.scaled_dot_product_attention(
            _squares(asked, 0), _squares(key[:, :, framed], reach), _squares(value[:, :, framed], reach), attn_mask=near
        )
        columns = asked.shape[3] // SIDE
        seen = seen.reshape(count, rows, columns, -1, SIDE, SIDE, dim // seen.shape[1]).permute(0, 1, 4, 2, 5, 3, 6)
        seen = seen.reshape(count, rows * SIDE, columns * SIDE, dim)[:, : bottom - top, :width]
        part = x[:, top * width : bottom * width] + block.attn.proj(seen.reshape(count, -1, dim))
        done.append(part + block.mlp(block.norm2(part)))
    return torch.cat(done, dim=1)


def _projected(block: Any, x: torch.Tensor, rope: torch.Tensor | None) -> list[torch.Tensor]:
    """Query, key and value, ``(N, heads, T, d)`` each."""
    attn = block.attn
    bias = torch.cat((attn.q_bias, attn.k_bias, attn.v_bias))
    together = functional.linear(block.norm1(x), attn.qkv.weight, bias)
    parts = together.reshape(*x.shape[:2], 3, attn.num_heads, -1).permute(2, 0, 3, 1, 4)
    query, key, value = parts.unbind(0)
    if rope is not None:
        query, key = apply_rot_embed_cat(query, rope), apply_rot_embed_cat(key, rope)
    return [query, key, value]


def _framed(part: torch.Tensor, grid: tuple[int, int], reach: int) -> torch.Tensor:
    """``(N, heads, T, d)`` as a grid of whole squares with a border of zeros."""
    fill = (0, 0, reach, reach + -grid[1] % SIDE, reach, reach + -grid[0] % SIDE)
    return functional.pad(part.reshape(*part.shape[:2], *grid, -1), fill)


def _squares(part: torch.Tensor, border: int) -> torch.Tensor:
    """``(N * squares, heads, (SIDE + 2 * border) ** 2, d)``: every square of a framed grid with its border."""
    side = SIDE + 2 * border
    cut = part.unfold(2, side, SIDE).unfold(3, side, SIDE).permute(0, 2, 3, 1, 5, 6, 4)
    return cut.reshape(-1, part.shape[1], side * side, part.shape[-1])


def _strips(
    count: int, grid: tuple[int, int], reach: int, like: torch.Tensor
) -> Iterator[tuple[int, int, torch.Tensor]]:
    """Strips of the grid: first row, one past the last, and the mask of their squares."""
    height = max(1, STRIP // (count * grid[1] * SIDE)) * SIDE
    for top in range(0, grid[0], height):
        bottom = min(top + height, grid[0])
        near = _near((top, bottom), grid, reach).to(like.device, like.dtype)
        yield top, bottom, near.repeat(count, 1, 1, 1)


def _near(strip: tuple[int, int], grid: tuple[int, int], reach: int) -> torch.Tensor:
    """What is added to the scores: 0 within reach and inside the grid, almost minus infinity elsewhere.

    ``(squares, 1, SIDE ** 2, (SIDE + 2 * reach) ** 2)``. A query beyond the grid sees everything, so that no row is
    empty; its result is dropped.
    """
    side = SIDE + 2 * reach
    asks, answers = torch.arange(SIDE) + reach, torch.arange(side)
    close = (asks[:, None] - answers).abs() <= reach
    within = (close[:, None, :, None] & close[None, :, None, :]).reshape(SIDE**2, side**2)
    rows = _inside(range(strip[0], strip[1], SIDE), grid[0], reach)
    columns = _inside(range(0, grid[1], SIDE), grid[1], reach)
    inside = (rows[:, None, :, None] & columns[None, :, None, :]).reshape(-1, 1, side**2)
    allowed = within & inside
    allowed |= ~allowed.any(dim=-1, keepdim=True)
    return torch.zeros(allowed.shape).masked_fill(~allowed, _NEVER).unsqueeze(1)


def _inside(squares: range, length: int, reach: int) -> torch.Tensor:
    """``(squares, side)`` bool: places of the squares along one axis, border included, that lie on the grid."""
    places = torch.tensor(list(squares))[:, None] + torch.arange(SIDE + 2 * reach) - reach
    return (places >= 0) & (places < length)
