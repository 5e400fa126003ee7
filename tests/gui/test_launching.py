"""What ``napari-lexicon open`` shows, in a process of its own: a window that closes ends its application."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from tests.gui.driver import Person

from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.lexicons import Lexicon

SCRIPT = """
import json, sys
from pathlib import Path
import napari
from qtpy.QtCore import QTimer
from napari.qt import get_qapp
from napari_lexicon.widgets.launching import open_in_napari
from napari_lexicon.widgets.workspace.workspace import workspace_of

def look():
    workspace = workspace_of(napari.current_viewer())
    field, feature = workspace.canvas.shown_field(), workspace.state.feature
    if field is None or feature is None:
        QTimer.singleShot(50, look)
        return
    print(json.dumps([field.well, feature, str(workspace.state.lexicon.path), napari.current_viewer().layers[0].name]))
    workspace.close()
    napari.current_viewer().close()

get_qapp()
QTimer.singleShot(500, look)
open_in_napari(Path(sys.argv[1]))
print("closed")
"""


@pytest.mark.timeout(180)
def test_open_shows_a_feature_in_the_well_where_it_fires_most_and_returns_when_closed(plate: Path):
    lexicon = plate.with_suffix(".lexicon")
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(lexicon)], capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    seen, closed = done.stdout.splitlines()[-2:]
    well, feature, *rest = json.loads(seen)
    (one,) = plate_statistics(Lexicon.open(lexicon))
    assert well == one.statistics.wells[int(one.statistics.fraction_active()[:, feature].argmax())]
    assert rest == [str(lexicon), "DNA"]
    assert closed == "closed"


def test_the_example_opens_at_the_well_and_the_feature_asked_for(person: Person, plate: Path):
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "open_in_napari.py"))
    example["show"](person.viewer, plate.with_suffix(".lexicon"), "B03", 5)
    state = person.workspace.state
    person.wait(lambda: state.field is not None and state.field.well == "B03", what="the well")
    assert state.feature == 5
    person.wait_for_field("B03")
