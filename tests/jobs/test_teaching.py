"""Teaching a feature: by wells, by patches, stopped and gone on with, refused in a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import write_tiny_plate

from napari_lexicon import api
from napari_lexicon.analysis.lessons import PointedAt
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.errors import LexiconError
from napari_lexicon.jobs.lessons import lessons_of_asked_wells
from napari_lexicon.jobs.running import job_from_json, job_to_json
from napari_lexicon.jobs.teaching import TeachJob, TeachResult, run_teach
from napari_lexicon.lexicons import Lexicon, LexiconPlate
from napari_lexicon.lexicons.names import FeatureNames

BRIGHT = "Metadata_concentration == 10"


@pytest.fixture(scope="module")
def named(applied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny lexicon, copied, with a name that a person gave."""
    out = tmp_path_factory.mktemp("named") / "tiny.lexicon"
    shutil.copytree(applied, out)
    Lexicon.open(out).names.set(3, "rim", note="seen by me", confidence="sure")
    return out


@pytest.fixture(scope="module")
def taught(named: Path) -> tuple[TeachResult, Path]:
    out = named.with_name("taught.lexicon")
    return api.teach(named, out, "bright", wells=BRIGHT, device="cpu"), out


def test_wells_teach_a_feature_and_the_plate_is_read_with_it(named: Path, taught):
    result, out = taught
    old, new = Lexicon.open(named), Lexicon.open(out)
    assert result.feature == old.dictionary.n_features == new.dictionary.n_features - 1
    assert not result.stopped and result.channel in ("DNA", "Actin")
    assert torch.equal(new.dictionary.atoms[:-1], old.dictionary.atoms)
    assert new.dictionary.header.taught == {result.feature: "bright"}
    assert new.dictionary.header.taught_channels == {result.feature: result.channel}
    assert new.names.get(3) == old.names.get(3)
    assert new.names.label(result.feature) == "bright"
    assert new.names.get(result.feature).note == result.message
    assert "2 wells beside 2" in result.message and f"#{result.other}" in result.message
    plate = new.only_plate()
    assert plate.n_done() == len(plate.fields) == 12
    # the wells that taught it lie farther along it than the others, in the channel it was learnt in
    along = plate.directions().centres @ new.dictionary.atoms.numpy()[result.feature]
    channel = [one.name for one in plate.header.channels].index(result.channel)
    doses = plate.map.loc[list(plate.wells), "Metadata_concentration"].to_numpy()
    assert along[doses == 10, channel].min() > along[doses == 0, channel].max()


def test_what_there_was_stays(named: Path, taught):
    lexicon = Lexicon.open(named)
    assert lexicon.dictionary.n_features == 64 and not lexicon.dictionary.header.taught


def test_a_stopped_lesson_goes_on_where_it_was(named: Path, taught, tmp_path: Path):
    _, whole = taught
    out = tmp_path / "again.lexicon"
    asked = iter(range(100))
    job = TeachJob(str(named), str(out), "bright", wells=BRIGHT, device="cpu")
    part = run_teach(job, should_stop=lambda: next(asked) > 4)
    assert part.stopped and 0 < Lexicon.open(out).only_plate().n_done() < 12
    Lexicon.open(out).names.set(5, "given in between")
    assert not run_teach(job).stopped
    one, other = Lexicon.open(out), Lexicon.open(whole)
    assert one.names.label(5) == "given in between"
    for number in range(12):
        assert one.only_plate().mark("codes", number) == other.only_plate().mark("codes", number)
        assert np.array_equal(one.only_plate().codes(number).values, other.only_plate().codes(number).values)


def test_patches_of_two_fields_teach_a_feature_that_is_checked_on_each(named: Path, tmp_path: Path):
    lexicon = Lexicon.open(named)
    plate = lexicon.only_plate()
    fields = [plate.field_number("A03", index=index) for index in (0, 1)]
    bright = []
    for number in fields:
        statistics = plate.codes(number)
        lit = np.argwhere((statistics.values[0] != 0).any(axis=-1))
        bright.append(tuple((int(row), int(column)) for row, column in lit[:8]))
    places = tuple(PointedAt(plate.id, n, p) for n, p in zip(fields, bright, strict=True))
    job = TeachJob(str(named), str(tmp_path / "p.lexicon"), "spots", places=places, channel="DNA", read=False)
    assert job_from_json(job_to_json(job)) == job
    result = run_teach(job)
    assert result.channel == "DNA" and result.p is None and 0 <= result.auroc <= 1
    assert "16 patches beside" in result.message and "fields left out by turns, in 2 parts" in result.message
    larger = load_dictionary(tmp_path / "p.lexicon" / "dictionary.safetensors")
    fine = plate.fine(fields[0]) or Lexicon.open(named).only_plate().fine(fields[0])
    along = fine.whitened[0].astype(np.float32) @ larger.atoms[-1].numpy()
    pointed = np.zeros(along.shape, bool)
    pointed[tuple(np.array(bright[0]).T)] = True
    shown = fine.whitened[0].any(axis=-1)
    assert along[pointed].mean() > along[shown & ~pointed].mean()
    only = TeachJob(str(named), str(tmp_path / "o.lexicon"), "spots", places=places[:1], channel="DNA", read=False)
    assert "Not checked: there are too few places to leave any out" in run_teach(only).message
    # one field alone: its places are left out by turns
    each = tuple(PointedAt(plate.id, fields[0], (place,)) for place in bright[0])
    alone = TeachJob(str(named), str(tmp_path / "a.lexicon"), "spots", places=each, channel="DNA", read=False)
    checked = run_teach(alone)
    assert "On places left out by turns, in" in checked.message and 0 <= checked.auroc <= 1
    other = PointedAt(plate.id, fields[1], bright[1], like=False)
    both = (places[0], other)
    beside = TeachJob(str(named), str(tmp_path / "b.lexicon"), "x", places=both, channel="DNA", read=False)
    assert "8 patches beside 8" in run_teach(beside).message


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "no name"),
        ({"wells": ""}, "by wells or by patches"),
        ({"wells": "Metadata_concentration == 77"}, "No well of"),
        ({"wells": BRIGHT, "against": "Metadata_concentration == 77"}, "No well of"),
        ({"wells": BRIGHT, "channel": "Mito"}, "no channel Mito"),
        ({"wells": "", "places": (PointedAt("tiny", 99, ((0, 0),)),)}, "no field number 99"),
        ({"wells": "", "places": (PointedAt("tiny", 0, ((0, 99),)),)}, "7 x 9 patches"),
        ({"wells": "", "places": (PointedAt("tiny", 0, ((0, 1),), like=False),)}, "Nothing is pointed at"),
        ({"out": "lexicon"}, "keeps its own dictionary"),
    ],
)
def test_what_cannot_teach_is_said(named: Path, tmp_path: Path, change: dict, sentence: str):
    settings = {"lexicon": str(named), "out": str(tmp_path / "x.lexicon"), "name": "x", "wells": BRIGHT, **change}
    if settings["out"] == "lexicon":
        settings["out"] = str(named)
    with pytest.raises(LexiconError, match=sentence):
        run_teach(TeachJob(**settings))
    assert not (tmp_path / "x.lexicon").exists()


def test_a_field_that_went_bad_is_named_and_the_others_are_read(
    tiny_plate: Path, tiny_dictionary: Path, tmp_path: Path
):
    plate = Path(shutil.copytree(tiny_plate, tmp_path / "tiny.zarr"))
    api.apply(plate, tmp_path / "old.lexicon", dictionary=str(tiny_dictionary), device="cpu")
    for chunk in (plate / "A" / "02" / "1" / "0" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"broken")
    result = api.teach(tmp_path / "old.lexicon", tmp_path / "new.lexicon", "bright", wells=BRIGHT, device="cpu")
    assert [(one.well, one.field) for one in result.failures] == [("A02", "1")]
    assert Lexicon.open(tmp_path / "new.lexicon").only_plate().n_done() == 11


def test_names_come_along_however_early_it_was_cut_off(named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    job = TeachJob(str(named), str(tmp_path / "cut.lexicon"), "bright", wells=BRIGHT, read=False)
    with monkeypatch.context() as patch:

        def cut(self: FeatureNames, *given: object, **more: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(FeatureNames, "put", cut)
        with pytest.raises(KeyboardInterrupt):
            run_teach(job)
    assert not (tmp_path / "cut.lexicon").exists()  # nothing is in it yet
    with monkeypatch.context() as patch:
        patch.setattr(FeatureNames, "set", cut)
        patch.setattr("napari_lexicon.jobs.plates.shutil.rmtree", lambda *args, **kwargs: None)  # as a killed process
        with pytest.raises(KeyboardInterrupt):
            run_teach(job)
    assert Lexicon.open(tmp_path / "cut.lexicon").names.get(64) is None
    run_teach(job)
    names = Lexicon.open(tmp_path / "cut.lexicon").names
    assert names.label(64) == "bright" and names.get(3) == Lexicon.open(named).names.get(3)


def test_the_wells_of_one_plate_teach_alone(tiny_dictionary: Path, tmp_path: Path):
    plates = [write_tiny_plate(tmp_path / f"{name}.zarr", seed=seed) for name, seed in (("one", 0), ("two", 500))]
    lexicon = tmp_path / "both.lexicon"
    api.apply(plates, lexicon, dictionary=str(tiny_dictionary), device="cpu")
    both = api.teach(lexicon, tmp_path / "a.lexicon", "x", wells=BRIGHT, read=False)
    one = api.teach(lexicon, tmp_path / "b.lexicon", "x", wells=BRIGHT, plate="two", read=False)
    assert "4 wells beside 4" in both.message and "2 wells beside 2" in one.message


def test_the_tokens_of_a_field_are_read_once(named: Path, monkeypatch: pytest.MonkeyPatch):
    lexicon, read = Lexicon.open(named), []
    tokens = LexiconPlate.tokens
    monkeypatch.setattr(LexiconPlate, "tokens", lambda self, number: (read.append(number), tokens(self, number))[1])
    lessons = lessons_of_asked_wells(lexicon, lexicon.dictionary, BRIGHT, "Metadata_concentration == 0", None)
    assert [lesson.channel for lesson in lessons] == ["DNA", "Actin"]
    assert len(read) == len(set(read)) == 8


def test_a_name_is_taught_once(taught, tmp_path: Path):
    _, out = taught
    with pytest.raises(LexiconError, match="taught to this dictionary before"):
        api.teach(out, tmp_path / "y.lexicon", "bright", wells=BRIGHT)
