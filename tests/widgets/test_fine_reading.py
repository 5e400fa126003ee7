"""The process that reads fields finer, as the window hears it."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from napari_lexicon.lexicons import Lexicon
from napari_lexicon.plates import open_plate
from napari_lexicon.widgets.workspace.background import Background
from napari_lexicon.widgets.workspace.compute import Compute
from napari_lexicon.widgets.workspace.fine_reading import FinePlace, FineReading
from napari_lexicon.widgets.workspace.job_runner import JobRunner
from napari_lexicon.widgets.workspace.opening import Opening
from napari_lexicon.widgets.workspace.state import WorkspaceState

FETCHES = """
import json, sys
question = json.loads(sys.stdin.readline())
for done in (1, 2):
    print(json.dumps({**question, "fetching": f"downloading a model (MB): {done} of 3"}), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def reading(qtbot: QtBot, applied: Path, tmp_path: Path) -> FineReading:
    script = tmp_path / "fetches.py"
    script.write_text(textwrap.dedent(FETCHES))
    state = WorkspaceState()
    background = Background(state)
    opening = Opening(state, background, state)
    lexicon = Lexicon.open(applied)
    origin = lexicon.only_plate().header.origin
    state.set_plate(open_plate(origin.path), origin)
    state.set_lexicon(lexicon)
    compute = Compute(state, JobRunner(state), opening.memory, state)
    found = FineReading(state, background, compute, state, (sys.executable, str(script)))
    yield found
    found.close()
    background.close()


def test_a_download_is_said_while_it_lasts(reading: FineReading, qtbot: QtBot, applied: Path) -> None:
    plate = Lexicon.open(applied).only_plate()
    assert not reading.fetching
    reading.want([FinePlace(str(Lexicon.open(applied).path), plate.id, 3, 2)])
    qtbot.waitUntil(lambda: reading.fetching == "downloading a model (MB): 2 of 3", timeout=20_000)
    assert reading.reading
    reading.want([])  # nobody looks any more
    assert not reading.fetching
