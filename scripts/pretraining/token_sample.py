"""Tokens for the built-in dictionary: untreated simulated cells to whiten on, and a balanced mix to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from napari_lexicon.backbones import Backbone, apply_windows, estimate_windows, field_tokens
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.samples.field import render_field

from .pictures import Array, drawn_pictures, look_of_a_plate, real_pictures, treated


@dataclass(frozen=True)
class SampleSettings:
    """How many tokens of what.

    Parameters
    ----------
    plates : int
        Simulated plates, each with a look of its own.
    fields : int
        Fields per plate; the first third is untreated.
    real, drawn : int
        Pictures of real sets and of drawn textures.
    per_channel : int
        Tokens kept of every channel of every field, of patches that show something.
    leave_out : tuple of str
        Real sets not to use.
    seed : int
        Of everything random.
    """

    plates: int = 30
    fields: int = 6
    real: int = 300
    drawn: int = 60
    per_channel: int = 160
    leave_out: tuple[str, ...] = ()
    seed: int = 1000


@dataclass(frozen=True, eq=False)
class TokenSample:
    """Raw tokens.

    Parameters
    ----------
    tokens : (N, dim) float32
    groups : (N,) int64
        Field that each comes from.
    control : (N,) bool
        Tokens to whiten on: of untreated simulated fields and of real images.
    """

    tokens: torch.Tensor
    groups: torch.Tensor
    control: torch.Tensor


def token_sample(backbone: Backbone, settings: SampleSettings) -> TokenSample:
    """Gather tokens; the same settings and backbone give the same sample."""
    return token_samples([backbone], settings)[0]


def token_samples(backbones: Sequence[Backbone], settings: SampleSettings) -> list[TokenSample]:
    """The same tokens as several backbones see them: the pictures are made once."""
    rng = np.random.default_rng([settings.seed, 9])
    tokens: list[list[torch.Tensor]] = [[] for _ in backbones]
    groups: list[int] = []
    control: list[bool] = []
    for image, is_control in _images(settings):
        seen = [field_tokens(backbone, image, batch=32).flatten(1, 2) for backbone in backbones]  # (C, T, dim)
        lit = lit_patches(image, backbones[0].spec.patch).reshape(len(image), -1)
        for channel in range(len(image)):
            patches = np.flatnonzero(lit[channel])
            if not len(patches):
                continue
            chosen = torch.from_numpy(rng.choice(patches, min(settings.per_channel, len(patches)), replace=False))
            for store, by_channel in zip(tokens, seen, strict=True):
                store.append(by_channel[channel, chosen])
            groups += [len(tokens[0])] * len(chosen)
            control += [is_control] * len(chosen)
    return [TokenSample(torch.cat(store), torch.tensor(groups), torch.tensor(control)) for store in tokens]


def _images(settings: SampleSettings) -> Iterator[tuple[Array, bool]]:
    """Windowed ``(C, Y, X)`` images, and whether they are controls."""
    rng = np.random.default_rng([settings.seed, 8])
    for _ in range(settings.plates):
        look = look_of_a_plate(rng)
        untreated = max(1, settings.fields // 3)
        plans = [look if i < untreated else treated(replace(look), rng) for i in range(settings.fields)]
        fields = [render_field(plan, rng) for plan in plans]
        windows = estimate_windows(field.image for field in fields)
        for index, field in enumerate(fields):
            yield apply_windows(field.image, windows), index < untreated
    for pictures, count, is_control in (
        (real_pictures(settings.leave_out, settings.seed), settings.real, True),
        (drawn_pictures(settings.seed), settings.drawn, False),
    ):
        for _, picture in zip(range(count), pictures, strict=False):
            yield picture.pixels[None], is_control
