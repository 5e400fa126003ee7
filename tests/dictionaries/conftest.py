"""A planted world and the dictionary that fits it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from tests.dictionaries.planted import World, make_world

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.header import DictionaryHeader


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Small problems on busy machines: threads that wait for each other would cost more than they bring."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def same_threads_after() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


@pytest.fixture(scope="session")
def dictionary(world: World) -> Dictionary:
    whitening = world.whitening()
    atoms = F.normalize(world.atoms @ whitening.matrix.T, dim=1)
    header = DictionaryHeader(
        name="planted",
        backbone={
            "id": "builtin",
            "weights_hash": "0123456789abcdef",
            "layer": 4,
            "patch": 8,
            "dim": 32,
            "preprocessing": "window-1",
        },
        control_query="Metadata_pert_type == 'negcon'",
        control_tokens=4000,
        control_wells=16,
        names={3: "nucleoli, bright"},
    )
    return Dictionary(atoms, torch.zeros(32), whitening, EncoderSettings(iterations=4, per_iteration=3), header)
