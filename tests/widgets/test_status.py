"""What the Plate and Embed docks say of a plate, and the form for another choice of planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_lexicon.plates import open_plate
from napari_lexicon.plates.model import Plate
from napari_lexicon.plates.plane_choices import TChoice, ZChoice
from napari_lexicon.widgets.embed.status import cache_lines
from napari_lexicon.widgets.plate.dock import recent_words
from napari_lexicon.widgets.plate.layout import plate_layout
from napari_lexicon.widgets.plate.planes_dialog import PlanesForm
from napari_lexicon.widgets.plate.status import problems_line
from napari_lexicon.widgets.workspace.cache_state import CacheState
from napari_lexicon.widgets.workspace.field_reading import well_words


@pytest.mark.parametrize(
    ("z", "t", "said"),
    [
        ("max", 0, "z: maximum projection of 3 planes · t: time point 0 of 2"),
        (1, "all", "z: plane 1 · t: all 2 time points, each a field"),
    ],
)
def test_what_is_shown_of_stacks_and_series_is_said(z: ZChoice, t: TChoice, said: str, tmp_path: Path) -> None:
    for well in ("A01", "A02", "A03", "B01", "B02", "B03"):
        stack = np.zeros((2, 3, 20, 30), np.uint16)
        tifffile.imwrite(tmp_path / f"{well}.ome.tif", stack, ome=True, metadata={"axes": "TZYX"})
    plate = open_plate(tmp_path, z=z, t=t)
    assert problems_line(plate, plate_layout(plate)) == said


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"Metadata_concentration": 30.0}, ["dose 30"]),
        ({"Metadata_concentration": 30.0, "Metadata_compound": "taxol"}, ["taxol", "30"]),
        ({"Metadata_concentration": 30.0, "Metadata_concentration_unit": "uM"}, ["30 µM"]),
        ({"Metadata_dose_um": 0.1, "Metadata_compound": "taxol"}, ["taxol", "0.1 µM"]),
        ({"Metadata_concentration": 0.0, "Metadata_pert_type": "negcon"}, ["negative control"]),
    ],
)
def test_a_dose_is_said_with_its_unit_or_with_what_it_is(columns: dict[str, object], said: list[str]) -> None:
    table = pd.DataFrame(columns, index=pd.Index(["A01"], name="Metadata_Well"))
    assert well_words(Plate(path="p", name="p", wells={}, channels=(), rgb=False, map=table), "A01") == said


@pytest.mark.parametrize("value", [("max", 0), ("all", "all"), (7, 3), (0, 0)])
def test_the_form_gives_back_what_it_was_given(value: tuple[ZChoice, TChoice], qtbot) -> None:
    form = PlanesForm()
    qtbot.addWidget(form)
    form.setValue(*value)
    assert form.value() == value
    assert form.plane.isEnabled() == isinstance(value[0], int)


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ({"path": "/study/P7"}, "P7"),
        ({"path": "/study/P7/images", "lexicon": "/study/P7/P7.lexicon"}, "P7"),
        ({"path": "/study/P7.zarr", "lexicon": "/elsewhere/mine.lexicon"}, "P7.zarr · mine"),
    ],
)
def test_a_plate_opened_last_is_called_what_the_window_calls_it(origin: dict[str, str], name: str) -> None:
    assert recent_words(origin)[0] == name


@pytest.mark.parametrize(("place", "said"), [("", "~/plates/P7.lexicon"), ("elsewhere", "elsewhere/P7.lexicon")])
def test_results_within_the_home_folder_are_said_from_there(
    place: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    path = tmp_path / place / "P7.lexicon" if place else tmp_path / "home" / "plates" / "P7.lexicon"
    shown = dict(cache_lines(CacheState(4, path=str(path))))["Results"]
    assert shown == (f"{tmp_path}/{said}" if place else said)
