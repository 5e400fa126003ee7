"""Sample data are layers that napari can take."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_lexicon.plates import open_plate
from napari_lexicon.samples import contributions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["small_plate", "large_plate"])
def test_a_sample_gives_layers_and_a_plate_in_the_cache(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contributions, "cache_folder", lambda: tmp_path)
    layers = getattr(contributions, name)()
    assert [kind for _, _, kind in layers] == ["image"] * 5 + ["labels"] * 2
    for data, options, _ in layers:
        assert data.shape == layers[0][0].shape
        assert options["scale"] == (0.65, 0.65)
    plate = open_plate(layers[0][1]["metadata"]["lexicon_plate"])
    assert layers[0][1]["metadata"]["lexicon_well"] in plate.wells
    assert not list(tmp_path.rglob("*.truth/cells.csv"))  # the plate is not whole yet


def test_samples_load_neither_napari_nor_torch() -> None:
    code = (
        "import sys, napari_lexicon.samples.contributions; "
        "bad = {'napari', 'torch', 'qtpy'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
