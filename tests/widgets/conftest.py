"""These tests need a screen."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from tests.screen import forgotten, screen

__all__ = ["forgotten", "screen"]


@pytest.fixture(autouse=True)
def left_over() -> Iterator[None]:
    """What a test leaves goes before the next one begins, here on the main thread.

    Python collects in whichever thread happens to make an object, for example the one that reads Zarr. PySide6 deletes
    the widgets there and then, which ends the process; PyQt6 leaves that to the main thread.
    """
    yield
    from qtpy import PYSIDE6

    if PYSIDE6:
        gc.collect()
