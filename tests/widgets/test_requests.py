"""The jobs that the window asks for are those that the child process understands."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace

from napari_lexicon import api
from napari_lexicon.jobs.applying import ApplyJob
from napari_lexicon.jobs.embedding import EmbedJob
from napari_lexicon.jobs.reporting import ReportJob
from napari_lexicon.jobs.running import job_from_json
from napari_lexicon.jobs.shown_maps import FigureJob, LabelsJob
from napari_lexicon.jobs.simulating import SimulateJob
from napari_lexicon.jobs.training import TrainJob
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.headers import PlateOrigin
from napari_lexicon.viewer.overlay import OverlayStyle
from napari_lexicon.widgets.dictionary.train_form import TrainChoice
from napari_lexicon.widgets.workspace.cache_state import read_cache_state
from napari_lexicon.widgets.workspace.job_status import JobRequest
from napari_lexicon.widgets.workspace.opening import open_with_lexicon, results_path
from napari_lexicon.widgets.workspace.requests import (
    ComputeSettings,
    apply_request,
    dictionary_out_path,
    embed_request,
    figure_look,
    figure_request,
    labels_request,
    model_out_path,
    report_request,
    train_request,
)
from napari_lexicon.widgets.workspace.state import FieldPlace

ORIGIN = PlateOrigin(path="/data/p.zarr", plate_map="/data/map.csv")
OUT = Path("/data/p.lexicon")


def understood(request: JobRequest) -> object:
    return job_from_json(json.dumps(request.to_json()))


def test_apply():
    settings = ComputeSettings(device="cpu", batch=7, recompute=True, illumination="correct")
    job = understood(apply_request(ORIGIN, OUT, "builtin", settings, "embed", "p"))
    wanted = {"device": "cpu", "batch": 7, "recompute": True, "illumination": "correct"}
    assert job == ApplyJob((ORIGIN,), str(OUT), "builtin", **wanted)
    files = {"builtin": "the built-in dictionary", "/d/mine.safetensors": "mine"}
    for file, said in (files | {str(OUT / "dictionary.safetensors"): "its dictionary"}).items():
        assert apply_request(ORIGIN, OUT, file, settings, "embed", "p").title == f"Applying {said} to p"


def test_embed_with_another_model_and_layer():
    settings = ComputeSettings(backbone="vit_small", layer=3, device="cuda", batch=1)
    job = understood(embed_request(ORIGIN, OUT, settings, "embed", "p"))
    assert job == EmbedJob((ORIGIN,), str(OUT), "vit_small", 3, "cuda", 1)


def test_a_pixel_size_goes_with_the_plate():
    job = understood(embed_request(ORIGIN, OUT, ComputeSettings(um_per_pixel=0.65), "embed", "p"))
    assert isinstance(job, EmbedJob)
    assert job.plates == (ORIGIN.model_copy(update={"um_per_pixel": 0.65}),)


def test_train_with_every_setting_of_the_form():
    choice = TrainChoice("icfl", 99, 3, 2, 10, "mean", "concat", 5)
    settings = {"lexicon": str(OUT), "out": "/d.safetensors", "controls": "all"} | asdict(choice)
    job = understood(train_request(settings, "dictionary"))
    assert isinstance(job, TrainJob)
    assert {f.name: getattr(job, f.name) for f in fields(TrainChoice)} == asdict(choice)


def test_the_sample():
    assert understood(JobRequest("simulate", {"sample": "small"}, "", "plate")) == SimulateJob("small")


def test_a_report_and_a_figure(applied):
    lexicon = Lexicon.open(applied)
    out = Path("/data/r.html")
    assert understood(report_request(lexicon, out, "Metadata_gene", None, "features")) == ReportJob(
        str(applied), str(out), by="Metadata_gene"
    )
    assert understood(report_request(lexicon, out, None, 2.0, "features")) == ReportJob(
        str(applied), str(out), beyond=2.0
    )
    shown = {"features": [7, 3], "colors": ["#123456", "#654321"], "channel": "DNA", "threshold": 0.2, "finer": 2}
    shown |= {"readings": ["code", "direction"], "picks": 2, "above_control": True, "drawn_from": 2.0}
    settings = {"channel": "DNA", "plate": "id", "threshold": 0.2, "colors": ("#123456", "#654321"), "finer": 2}
    settings |= {"readings": ("code", "direction"), "picks": 2, "above_control": True, "drawn_from": 2.0}
    place, look = FieldPlace("B02", 1), figure_look(OverlayStyle(opacity=0.5, outline=True), {"DNA": (3.0, 9.0)})
    assert understood(figure_request(lexicon, "id", place, shown | look, out, "features")) == FigureJob(
        *(str(applied), str(out), "B02", (7, 3), 1),
        **settings,
        outline=True,
        opacity=0.5,
        ranges={"DNA": (3.0, 9.0)},
    )
    assert understood(labels_request(lexicon, "id", place, shown, None, "features")) == LabelsJob(
        str(applied), (7, 3), "B02", 1, **settings
    )


def test_results_lie_beside_the_plate_unless_said_otherwise(tmp_path):
    assert results_path(tmp_path / "BR1.ome.zarr") == tmp_path / "BR1.lexicon"
    assert results_path(tmp_path / "P7", str(tmp_path / "all")) == tmp_path / "all" / "P7.lexicon"


def test_results_of_a_folder_called_images_have_the_name_of_its_plate(tmp_path):
    """Else all plates whose images lie in such a folder would share one lexicon."""
    (tmp_path / "P7").mkdir()
    assert results_path(tmp_path / "P7" / "images") == tmp_path / "P7" / "P7.lexicon"
    results = {results_path(tmp_path / plate / "images", str(tmp_path / "all")) for plate in ("P7", "P8")}
    assert results == {tmp_path / "all" / "P7.lexicon", tmp_path / "all" / "P8.lexicon"}


def test_another_dictionary_gets_a_folder_of_its_own():
    taken = {OUT}
    for name in ("p-my-dictionary.lexicon", "p-my-dictionary-2.lexicon"):
        out = dictionary_out_path(OUT, "my dictionary", taken.__contains__)
        assert out.name == name
        taken.add(out)
    assert dictionary_out_path(OUT, "p-64", taken.__contains__).name == "p-64.lexicon"
    assert dictionary_out_path(OUT, "my dictionary", {OUT.with_name("other")}.__contains__) == OUT


def test_another_model_gets_a_folder_of_its_own_named_after_the_plate_whatever_is_open(tmp_path: Path):
    small = ComputeSettings(backbone="timm:vit_small", layer=3)
    bare = SimpleNamespace(origin=PlateOrigin(path=str(tmp_path / "p.zarr")), lexicon=None)
    assert model_out_path(bare, small) == tmp_path / "p-vit_small-L4.lexicon"
    assert model_out_path(bare, ComputeSettings()) == tmp_path / "p.lexicon"
    mine = SimpleNamespace(path=tmp_path / "mine.lexicon", backbone=SimpleNamespace(id="timm:vit_small", layer=3))
    opened = SimpleNamespace(origin=bare.origin, lexicon=mine)
    assert model_out_path(opened, small) == mine.path  # it goes on there
    assert model_out_path(opened, ComputeSettings(backbone="timm:vit_small")) == mine.path
    other_layer = ComputeSettings(backbone="timm:vit_small", layer=2)
    assert model_out_path(opened, other_layer) == tmp_path / "p-vit_small-L3.lexicon"
    assert model_out_path(opened, ComputeSettings()) == tmp_path / "p.lexicon"


def test_the_window_is_built_without_torch():
    """Jobs run in their own process, so napari's needs no torch: importing it after Qt fails on Windows."""
    code = (
        "import sys\n"
        "import napari_lexicon.widgets.plate.dock, napari_lexicon.widgets.embed.dock\n"
        "import napari_lexicon.widgets.dictionary.dock, napari_lexicon.widgets.features.dock\n"
        "import napari_lexicon.widgets.workspace.docking\n"
        "from napari_lexicon.lexicons import Lexicon\n"
        "from napari_lexicon.plates import open_plate\n"
        "from napari_lexicon.analysis import maps, wells, features, lexicon_tables\n"
        "from napari_lexicon.jobs.field_loop import tokens_mark\n"
        "from napari_lexicon.samples import contributions\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_plate_opens_at_the_size_that_its_lexicon_was_read_at(tiny_plate: Path, tmp_path: Path):
    out = tmp_path / "x.lexicon"
    api.embed(tiny_plate, out, device="cpu", keep_tokens=8, um_per_pixel=1.0)
    opened = open_with_lexicon(PlateOrigin(path=str(tiny_plate / ".." / tiny_plate.name)), out)
    assert opened.lexicon is not None
    assert opened.origin.um_per_pixel == 1.0
    assert opened.origin.path == str(tiny_plate)  # as the lexicon has it, or nothing of it would be found there
    read = opened.lexicon.plates["tiny"]
    assert next(opened.plate.fields()).shape == read.fields[0].shape == (50, 70)
    (tmp_path / "above").mkdir()
    copytree(tiny_plate, tmp_path / "above" / tiny_plate.name)
    copytree(out, tmp_path / "above" / "tiny.lexicon")
    above = open_with_lexicon(PlateOrigin(path=str(tmp_path / "above")), None)
    assert above.origin.path == str(tmp_path / "above" / tiny_plate.name)
    assert above.lexicon is not None  # that beside the plate, not one beside the folder above
    state = read_cache_state(opened.plate, opened.lexicon, read)
    assert (state.embedded, state.stale) == (12, 0)


def test_a_plate_opens_with_the_map_that_its_lexicon_was_read_with(tiny_plate: Path, tmp_path: Path):
    out, treatments = tmp_path / "x.lexicon", tmp_path / "map.csv"
    treatments.write_text("well,dose\nA01,1\nA02,2\n")
    api.embed(tiny_plate, out, device="cpu", keep_tokens=8, plate_map=treatments)
    plain = PlateOrigin(path=str(tiny_plate))
    assert "Metadata_concentration" in open_with_lexicon(plain, out).plate.map
    assert open_with_lexicon(plain.model_copy(update={"z": 0}), out).origin.plate_map is None
    treatments.unlink()
    assert open_with_lexicon(plain, out).origin == plain
