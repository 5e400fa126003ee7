"""The lexicon folder as the specification has it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary, save_dictionary
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons import Lexicon, WellStatistics
from napari_lexicon.lexicons.lock import locked
from napari_lexicon.plates.plate_map import read_plate_map

SPEC = BackboneSpec("builtin", "00", 4, 6, 16, 256, 32, 192, "window-1", "BSD-3-Clause")


def test_files_are_where_the_specification_says(applied: Path) -> None:
    assert {p.name for p in applied.iterdir()} == {"lexicon.json", "dictionary.safetensors", "plates"}
    plate = applied / "plates" / "tiny"
    assert {p.name for p in plate.iterdir()} == {"plate.json", "plate_map.csv", "tokens", "codes", "summary.zarr.zip"}
    for kind in ("tokens", "codes"):
        names = sorted(p.name for p in (plate / kind).iterdir())
        assert len(names) == 12
        assert names[0].startswith("A01_0.")
        assert names[0].endswith(".zarr.zip")


def test_an_opened_lexicon_is_one_line_in_a_notebook_and_stands_for_its_path(applied: Path) -> None:
    lexicon = Lexicon.open(str(applied))
    features = lexicon.only_plate().n_features
    assert repr(lexicon) == f"<Lexicon {applied}: {features} features, plates tiny>"
    assert repr(lexicon.only_plate()) == "<LexiconPlate tiny: codes of 12 of 12 fields>"
    assert Lexicon.open(lexicon).path == Lexicon(str(applied)).path == applied


def test_the_backbone_has_the_keys_of_the_specification_and_its_fingerprint(applied: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/lexicon-folder.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith("| `backbone` | object |"))
    backbone = json.loads((applied / "lexicon.json").read_text())["backbone"]
    assert set(re.findall(r"`(\w+)`", row)) - {"backbone"} == set(backbone)
    hashed = {key: value for key, value in backbone.items() if key != "licence" and (key, value) != ("reach", 0)}
    digest = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()[:16]
    plate = Lexicon.open(applied).only_plate()
    assert plate.attributes("codes", 0)["backbone"] == digest


def test_arrays_have_the_shapes_and_types_of_the_specification(applied: Path) -> None:
    group = zarr.open_group(zarr.storage.ZipStore(next((applied / "plates/tiny/codes").iterdir()), mode="r"), mode="r")
    m, k, grid = 64, 8, (7, 9)  # 100 x 140 px in patches of 16
    dictionary = Lexicon.open(applied).dictionary
    assert dictionary is not None
    directions = dictionary.whitening.dim_whitened
    found = {name: (array.shape, str(array.dtype)) for name, array in group.arrays()}
    assert found == {
        "indices": ((2, *grid, k), "uint16"),
        "values": ((2, *grid, k), "float16"),
        "total": ((2, m), "float32"),
        "active": ((2, m), "uint32"),
        "strongest": ((2, m), "float32"),
        "place": ((2, m), "uint32"),
        "tokens": ((2,), "uint32"),
        "centre": ((2, directions), "float32"),
        "beyond": ((3, 2, m), "uint32"),
        "farthest": ((2, m), "float16"),
        "farthest_place": ((2, m), "uint32"),
    }
    assert set(group.attrs) == {"well", "field", "backbone", "identity", "channels", "windows", "dictionary"}


def test_summary_equals_what_is_gathered_from_the_fields(applied: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.lexicon"
    shutil.copytree(applied, copy)
    (copy / "plates/tiny/summary.zarr.zip").unlink()
    kept, gathered = (Lexicon.open(path).plates["tiny"].statistics() for path in (applied, copy))
    for name in WellStatistics.ARRAYS:
        np.testing.assert_array_equal(getattr(kept, name), getattr(gathered, name))


def test_summary_of_other_fields_is_not_believed(applied: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.lexicon"
    shutil.copytree(applied, copy)
    next((copy / "plates/tiny/codes").glob("A01_0.*")).unlink()
    plate = Lexicon.open(copy).plates["tiny"]
    assert plate.n_done() == 11
    assert plate.codes(0) is None
    whole = Lexicon.open(applied).plates["tiny"]
    expected = whole.statistics().tokens
    expected[0] -= whole.field_statistics(0).tokens
    np.testing.assert_array_equal(plate.statistics().tokens, expected)


def test_examples_name_places_where_the_map_is_as_high(applied: Path) -> None:
    from napari_lexicon.analysis.maps import activation_map

    plate = Lexicon.open(applied).plates["tiny"]
    statistics = plate.statistics()
    checked = 0
    for feature in range(0, 64, 7):
        for example in plate.examples(statistics.places, feature, 5):
            codes = plate.codes(example.field_index)
            assert codes is not None
            values = activation_map(codes, feature, example.channel)
            assert values[example.gy, example.gx] == values.max() == np.float32(example.value)
            checked += 1
    assert checked > 10


def test_another_backbone_is_refused_by_what_differs(tmp_path: Path) -> None:
    Lexicon.create(tmp_path / "x.lexicon", SPEC)
    other = BackboneSpec(**{**SPEC.to_json(), "layer": 5})
    with pytest.raises(LexiconFolderError, match=r"x\.lexicon was made with another backbone \(layer 4, now 5\)"):
        Lexicon.create(tmp_path / "x.lexicon", other)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("…")
    with pytest.raises(LexiconFolderError, match="exists and is not a lexicon folder"):
        Lexicon.create(tmp_path / "thesis", SPEC)
    with pytest.raises(LexiconFolderError, match=r"lexicon\.json is missing"):
        Lexicon.open(tmp_path / "thesis")
    with pytest.raises(LexiconFolderError, match="There is no lexicon folder"):
        Lexicon.open(tmp_path / "nowhere")


def test_a_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    path = Lexicon.create(tmp_path / "x.lexicon", SPEC).path / "lexicon.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 2, "new": True}))
    with pytest.raises(LexiconFolderError, match="written by a newer napari-lexicon"):
        Lexicon.open(tmp_path / "x.lexicon")


def test_names_of_a_dictionary_begin_a_lexicon_and_those_of_another_are_put_aside(
    applied: Path, tmp_path: Path
) -> None:
    lexicon = Lexicon.create(tmp_path / "new.lexicon", Lexicon.open(applied).backbone)
    first = load_dictionary(applied / "dictionary.safetensors")
    for number, names in enumerate(({3: "nucleus"}, {4: "edge"}, {})):
        header = first.header.model_copy(update={"names": names, "names_notes": {3: "seen"}, "name": f"{number}"})
        path = tmp_path / f"{number}.safetensors"
        save_dictionary(
            Dictionary(first.atoms * (1 if number else -1), first.bias, first.whitening, first.encoder, header), path
        )
        lexicon.set_dictionary(load_dictionary(path), path, replace=True)
        if number == 0:
            given = lexicon.names.get(3)
            assert given is not None
            assert (given.name, given.note, given.confidence) == ("nucleus", "seen", "guess")
            lexicon.names.set(5, "mine")
            lexicon.set_dictionary(load_dictionary(path), path)
            assert lexicon.names.label(5) == "mine"
        elif number == 1:
            assert [feature for feature, _ in Lexicon.open(lexicon.path).names] == [4]
    aside = [json.loads(path.read_text()) for path in lexicon.path.glob("names-*.json")]
    assert {"3", "5"} in [set(one["features"]) for one in aside]


def test_names_are_kept_and_can_be_taken_back(applied: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.lexicon"
    shutil.copytree(applied, copy)
    Lexicon.open(copy).names.set(12, "fragmented mitochondria", note="seen in B03", tags=("mito",))
    names = Lexicon.open(copy).names
    named = names.get(12)
    assert named is not None
    assert (named.name, named.note, named.tags) == ("fragmented mitochondria", "seen in B03", ("mito",))
    assert names.label(12) == "fragmented mitochondria"
    assert names.label(13) == "#13"
    names.set(12, "")
    assert Lexicon.open(copy).names.get(12) is None


def test_well_and_field_names_cannot_leave_the_folder(tmp_path: Path) -> None:
    lexicon = Lexicon.create(tmp_path / "x.lexicon", SPEC)
    assert "/" not in lexicon.plate_id("../../etc")
    assert lexicon.plate_id("a/b") != lexicon.plate_id("a-b")


def test_one_job_at_a_time_and_a_dead_one_does_not_block(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(LexiconFolderError, match="Another job is working"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
    import socket

    (tmp_path / "job.lock").write_text(json.dumps({"pid": 2**22 + 1, "host": socket.gethostname()}))
    with locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_held_on_a_disk_without_links_and_one_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    with locked(tmp_path), pytest.raises(LexiconFolderError, match="Another job is working"), locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LexiconFolderError, match="gone cannot be written"), locked(tmp_path / "gone"):
        pass


def test_texts_that_look_like_numbers_or_nothing_come_back_as_texts(applied: Path, tmp_path: Path) -> None:
    """``0010`` and ``10`` are two compounds, and ``None`` is what somebody wrote."""
    path = tmp_path / "map.csv"
    path.write_text(
        "well,compound,conc,batch,note\nB02,0010,0.5,20240131,None\nB03,10,1,20240201,null\nB04,1e3,2,7,x\n"
    )
    said = read_plate_map(path)
    lexicon = Lexicon.open(shutil.copytree(applied, tmp_path / "copy.lexicon"))
    plate = lexicon.write_plate(lexicon.only_plate().header, said)
    kept = plate.map.rename_axis(said.index.name)
    pd.testing.assert_frame_equal(kept, said)
    assert kept["Metadata_perturbation"].tolist() == ["0010", "10", "1e3"]
