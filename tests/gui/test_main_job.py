"""The main job in a real napari window, with clicks and keys, from an empty screen to a named feature."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.gui import main_job
from tests.gui.driver import Person

from napari_lexicon.samples.plate import PlateSettings, simulate_plate


@pytest.fixture(scope="module")
def small_plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated plate of six wells; not to be changed."""
    settings = PlateSettings(
        name="six wells", wells=6, shape=(200, 230), phenotypes=("mitotic_arrest",), nulls=False, seed=3
    )
    return simulate_plate(tmp_path_factory.mktemp("simulated") / "six.zarr", settings)


@pytest.mark.timeout(900)
def test_from_an_empty_screen_to_a_named_feature(person: Person, small_plate: Path, tmp_path: Path):
    pictures = Path(os.environ.get("LEXICON_SCREENSHOTS", tmp_path / "pictures"))
    seen: list[Path] = []

    def look(name: str) -> None:
        seen.append(person.screenshot(pictures / f"{name}.png"))

    main_job.open_plate(person, small_plate, look)
    wells = list(person.workspace.state.plate.wells)
    main_job.look_around(person, wells, look)
    assert person.layer_names() == ["DNA", "ER", "RNA", "AGP", "Mito"]
    main_job.apply_builtin(person, look)
    found = main_job.find_a_feature(person, "Metadata_pert_type", look)
    assert person.layer_names()[-1] == f"#{found.feature}"
    assert found.well in wells
    main_job.go_to_a_tile(person, 0, look)
    assert found.feature in [line.feature for line in person.docks["Features"].view.spots.value()]
    main_job.name_it(person, "round and bright", look)
    names = json.loads((small_plate.with_suffix(".lexicon") / "names.json").read_text(encoding="utf-8"))
    assert names["features"][str(found.feature)]["name"] == "round and bright"
    assert person.workspace.canvas.overlay.layer().name == f"#{found.feature} round and bright"
    assert all(path.stat().st_size > 20_000 for path in seen)
    assert [path.stem for path in seen] == ["start", "plate", "computing", "features", "click", "named"]
