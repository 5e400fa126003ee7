"""What the model is trained on, all at once: hidden patches, hand-made measures, and the simulator's truth.

* Masked autoencoding (He et al. 2022): from some of the patches to the pixels of all.
* Measures: the tokens of the layer that is read must give hand-made measures of their patch by a linear map. That
  keeps amount, texture and direction where a linear probe, and a dictionary, can find them.
* Truth, on simulated pictures: nucleus, cell, distance to outlines, crowding, sizes and states, again by a linear map.

All three share one pass through the encoder, in which none, some or most of the patches are hidden: on a processor a
second pass for the masked picture would cost more than it gives.

Each part is printed beside its trivial loss, that of the best constant prediction: a curve that looks normal can sit
there all night.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from timm.models.eva import Eva
from torch import nn

from napari_lexicon.backbones.builtin import Shape, architecture, compressed, neighbourhood, through_blocks
from napari_lexicon.backbones.decoder import PixelDecoder, decoder_architecture

from .truths import AMOUNTS, MARKERS, STATES

_FLAT = 0.01  # variance of a picture of which hardly anything can be told, compressed units squared


@dataclass(frozen=True)
class Weights:
    """How much each part counts.

    Parameters
    ----------
    hidden, shown : float
        Pixels of the patches that the encoder has not seen; pixels of those that it has.
    measures, truth : float
        The two sets of dense targets.
    unmasked : float
        Share of the steps in which no patch is hidden; in the others 30 to 75 % are.
    """

    hidden: float = 1.0
    shown: float = 0.3
    measures: float = 1.0
    truth: float = 1.0
    unmasked: float = 0.4


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops with standardised targets, all of one size.

    Parameters
    ----------
    pixels : (N, S, S) float32
        Windowed intensities.
    measures : (N, g, g, H) float32
        Standardised over the cache.
    truths : (N, g, g, D) float32
        Amounts standardised, states as they are; NaN where unknown.
    markers : (N,) int64
        -1 where unknown.
    """

    pixels: torch.Tensor
    measures: torch.Tensor
    truths: torch.Tensor
    markers: torch.Tensor


class Pretraining(nn.Module):
    """Encoder, decoder and linear heads.

    Parameters
    ----------
    shape : Shape
        Size of the encoder.
    measures : int
        Number of hand-made measures.
    layers : tuple of int
        Blocks whose tokens the heads read.
    """

    def __init__(self, shape: Shape, measures: int, layers: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.layers = shape, layers
        self.encoder: Eva = architecture(shape)
        self.decoder: PixelDecoder = decoder_architecture(shape)
        told = len(AMOUNTS) + len(STATES) + len(MARKERS)
        self.measure_heads = nn.ModuleList(nn.Linear(shape.dim, measures) for _ in layers)
        self.truth_heads = nn.ModuleList(nn.Linear(shape.dim, told) for _ in layers)

    def losses(self, batch: Batch, hidden_share: float, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Every part of the loss as a share of its trivial loss, so that 1 is as good as knowing nothing.

        Parameters
        ----------
        batch : Batch
            Crops and targets.
        hidden_share : float
            Part of the patches that the encoder does not see, below 1.
        generator : torch.Generator
            Chooses these patches.
        """
        picture = compressed(batch.pixels).unsqueeze(1)
        patches = _patches(picture, self.shape.patch)
        kept = _kept(patches.shape[0], patches.shape[1], hidden_share, generator)
        by_layer = self._encoded(picture, kept)
        scale = (patches.flatten(1).var(1) + _FLAT).sqrt()[:, None, None]
        decoded = self.decoder(by_layer[-1], self._grid(picture), kept).float()
        error = _bounded((decoded - patches) / scale)
        trivial = _bounded((patches - patches.mean((1, 2), keepdim=True)) / scale)
        shown = torch.zeros(error.shape, dtype=torch.bool).scatter_(1, kept, True)
        result = {"shown": error[shown].mean() / trivial.mean()}
        if hidden_share > 0:
            result["hidden"] = error[~shown].mean() / trivial.mean()
        for name, heads, loss in (
            ("measures", self.measure_heads, _measure_loss),
            ("truth", self.truth_heads, _truth_loss),
        ):
            parts = [loss(head(tokens), batch, kept) for head, tokens in zip(heads, by_layer, strict=False)]
            result[name] = torch.stack(parts).mean()
        return result

    def _encoded(self, picture: torch.Tensor, kept: torch.Tensor) -> list[torch.Tensor]:
        """Tokens ``(N, K, dim)`` of the layers that heads read, then of the last."""
        x, rope = self.encoder._pos_embed(self.encoder.patch_embed(picture))
        assert rope is not None
        mask = neighbourhood(self._grid(picture), self.shape.reach)[kept[:, :, None], kept[:, None, :]].unsqueeze(1)
        # (N, 1, K, 2 * head_dim) of rotary angles. Crops are small: all pairs at once cost less, forward and back,
        # than the windows in which whole fields are read.
        found = through_blocks(list(self.encoder.blocks), _taken(x, kept), rope[kept].unsqueeze(1), mask)
        return [*(found[layer] for layer in self.layers), found[-1]]

    def _grid(self, picture: torch.Tensor) -> tuple[int, int]:
        return picture.shape[2] // self.shape.patch, picture.shape[3] // self.shape.patch


def _patches(picture: torch.Tensor, patch: int) -> torch.Tensor:
    """``(N, 1, S, S)`` to ``(N, T, patch * patch)``."""
    return F.unfold(picture, patch, stride=patch).transpose(1, 2)


def _kept(count: int, tokens: int, hidden: float, generator: torch.Generator) -> torch.Tensor:
    """Places that stay visible, ``(N, K)``, drawn anew for every picture."""
    if hidden == 0:
        return torch.arange(tokens).expand(count, -1)
    order = torch.rand((count, tokens), generator=generator).argsort(1)
    return order[:, : max(1, round(tokens * (1 - hidden)))].sort(1).values


def _taken(values: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Rows ``kept`` ``(N, K)`` of ``(N, T, D)``."""
    return values.gather(1, kept.unsqueeze(2).expand(-1, -1, values.shape[2]))


def _bounded(error: torch.Tensor) -> torch.Tensor:
    """Mean over each patch of a loss that is linear beyond 1: a flat bright picture must not drown all others."""
    return F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none").mean(2)


def _measure_loss(predicted: torch.Tensor, batch: Batch, kept: torch.Tensor) -> torch.Tensor:
    target = _taken(batch.measures.flatten(1, 2), kept)
    return F.smooth_l1_loss(predicted.float(), target, beta=1.0) / F.smooth_l1_loss(torch.zeros_like(target), target)


def _truth_loss(predicted: torch.Tensor, batch: Batch, kept: torch.Tensor) -> torch.Tensor:
    """Amounts by their error, states and markers by cross entropy; each as a share of its trivial loss."""
    known = batch.markers >= 0
    if not known.any():
        return predicted.sum() * 0.0
    said, target = predicted[known].float(), _taken(batch.truths[known].flatten(1, 2), kept[known])
    amounts, states, markers = torch.split(said, [len(AMOUNTS), len(STATES), len(MARKERS)], dim=2)
    true_amounts, true_states = torch.split(target, [len(AMOUNTS), len(STATES)], dim=2)
    # Sizes of cells where there is no cell are not to be guessed.
    weight = torch.ones_like(true_amounts)
    in_cell = true_amounts[:, :, 1] > 0
    weight[:, :, 5:] = in_cell.unsqueeze(2).float()
    amount = (weight * (amounts - true_amounts).square()).sum() / (weight * true_amounts.square()).sum()
    rate = true_states.mean((0, 1), keepdim=True).clamp(1e-4, 0.5)
    entropy = F.binary_cross_entropy_with_logits(states, true_states, reduction="none").mean((0, 1))
    trivial = F.binary_cross_entropy(rate.expand_as(true_states), true_states, reduction="none").mean((0, 1))
    state = (entropy / (trivial + 0.02)).mean()
    which = batch.markers[known].unsqueeze(1).expand(-1, markers.shape[1]).reshape(-1)
    marker = F.cross_entropy(markers.flatten(0, 1), which) / torch.log(torch.tensor(float(len(MARKERS))))
    total: torch.Tensor = (amount + state + 0.25 * marker) / 2.25
    return total
