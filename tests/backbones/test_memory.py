"""Too large a batch shrinks with a message; what comes out is what a machine with more memory would give."""

from __future__ import annotations

import logging

import pytest
import torch

from napari_lexicon.backbones.builtin import load_builtin
from napari_lexicon.backbones.channelwise import ChannelwiseBackbone, read_block
from napari_lexicon.backbones.memory import ran_out_of_memory
from napari_lexicon.errors import BackboneError

TILES = torch.rand((7, 3, 64, 64), generator=torch.Generator().manual_seed(0))


def small_machine(room: int, error: type[RuntimeError]) -> tuple[ChannelwiseBackbone, list[int]]:
    """The built-in model on a device that takes so many planes at once; and the sizes that it was given."""
    whole = load_builtin(layer=1)
    given: list[int] = []

    def read(model: torch.nn.Module, pictures: torch.Tensor, layer: int) -> torch.Tensor:
        given.append(len(pictures))
        if len(pictures) > room:
            raise error("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes.")
        return whole._read(model, pictures, layer)

    return ChannelwiseBackbone(whole.spec, whole.model, whole._prepare, torch.device("cpu"), read), given


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_a_batch_halves_until_it_fits_and_stays_small(
    error: type[RuntimeError], caplog: pytest.LogCaptureFixture
) -> None:
    backbone, given = small_machine(6, error)
    with caplog.at_level(logging.WARNING):
        tokens = backbone.tokens(TILES)
    torch.testing.assert_close(tokens, load_builtin(layer=1).tokens(TILES), rtol=1e-4, atol=1e-5)
    assert given == [21, 10, 5, 5, 5, 5, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "The cpu ran out of memory on 21 tiles at once: going on with 10.",
        "The cpu ran out of memory on 10 tiles at once: going on with 5.",
    ]
    given.clear()
    backbone.tokens(TILES)
    assert given == [5, 5, 5, 5, 1]


def test_a_single_tile_that_does_not_fit_is_said() -> None:
    with pytest.raises(BackboneError, match="out of memory on a single tile"):
        small_machine(0, RuntimeError)[0].tokens(TILES)


def test_other_errors_are_not_swallowed() -> None:
    whole = load_builtin(layer=1)

    def read(model: torch.nn.Module, pictures: torch.Tensor, layer: int) -> torch.Tensor:
        return read_block(model, pictures[:, :, :, :63] @ torch.zeros(5, 5), layer)

    backbone = ChannelwiseBackbone(whole.spec, whole.model, whole._prepare, torch.device("cpu"), read)
    with pytest.raises(RuntimeError, match=r"must match|cannot be multiplied|shape"):
        backbone.tokens(TILES)


def test_the_cpus_own_error_is_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)  # more than any machine has
    assert ran_out_of_memory(caught.value)
