"""What is there before anything is opened is left out of the search for garbage, and what comes later is not."""

from __future__ import annotations

import gc
import weakref

import pytest

from napari_lexicon.widgets.workspace.settling import settle, unsettle


class Viewer:
    def __init__(self, *layers: str) -> None:
        self.layers = layers


class Ring:
    """Garbage that only a search finds."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def thawed():
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_was_there_is_searched_no_more_and_what_comes_is():
    before = len(gc.get_objects())
    assert settle([Viewer()])
    assert len(gc.get_objects()) < before / 10
    ring = Ring()
    gone = weakref.ref(ring)
    del ring
    gc.collect()
    assert gone() is None


def test_afterwards_everything_is_searched_again():
    ring = Ring()
    settle([Viewer()])
    gone = weakref.ref(ring)
    del ring
    gc.collect()
    assert gone() is not None
    unsettle()
    gc.collect()
    assert gone() is None


def test_layers_that_are_open_somewhere_keep_everything_searched():
    assert not settle([Viewer(), Viewer("a large image")])
    assert not gc.get_freeze_count()


def test_only_the_first_settles():
    assert settle([Viewer()])
    assert not settle([Viewer()])
