"""The pattern language reads names as its page says, and the guess reads what instruments write."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.guessing import guess, without_derived
from napari_lexicon.plates.pattern import PRESETS, Pattern, preview_pattern

WELLS = [f"{row}{column:02d}" for row in "ABCD" for column in range(1, 13)]


def read(pattern: str, path: str) -> dict[str, object] | None:
    matches = Pattern(pattern).matches([path])
    if not matches.found:
        return None
    return {key: value for key, value in vars(matches.found[0]).items() if value is not None and key != "path"}


@pytest.mark.parametrize(
    ("pattern", "path", "values"),
    [
        (
            "{*}_{well}f{field}d{channel}.TIF",
            "AS_09047_050428030001_O01f00d2.TIF",
            {"well": "O01", "field": "00", "channel": "2"},
        ),
        ("{*}_{well}f{field}d{channel}.TIF", "AS_1_o1f00d2.tif", {"well": "O01", "field": "00", "channel": "2"}),
        ("{well}_{channel}", "b3_DAPI.png", {"well": "B03", "channel": "DAPI"}),
        ("r{row}c{column}.tif", "r02c03.tif", {"well": "B03"}),
        ("{row} - {column}(fld {field})", "AF - 48(fld 7).tif", {"well": "AF48", "field": "7"}),
        ("{plate}/{plate}_{well}.tif", "P1/P1_A01.tif", {"plate": "P1", "well": "A01"}),
        ("t{t}/{well}_z{z}.tif", "t0012/C4_z3.tif", {"t": 12, "well": "C04", "z": 3}),
        ("{well}.tif", "liver 3.tif", {"well": "liver 3"}),
        ("{well}/{field}.tif", "sample a/img_1.tif", {"well": "sample a", "field": "img_1"}),
        ("{well}_s{field}_w{channel}{*}.tif", "A01_s1_w2F00DCAFE.tif", {"well": "A01", "field": "1", "channel": "2"}),
        ("*_{well}.tif", "x_y_A01.tif", {"well": "A01"}),
        ("{well}", "A01.ome.tif", {"well": "A01"}),
        ("img(1)+[{well}].tif", "img(1)+[A01].tif", {"well": "A01"}),
    ],
)
def test_a_pattern_reads_a_name(pattern: str, path: str, values: dict[str, object]) -> None:
    assert read(pattern, path) == values


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{plate}/{plate}_{well}.tif", "P1/P2_A01.tif"),
        ("{well}.tif", "folder/A01.tif"),
        ("{well}.tif", "A01.png"),
        ("r{row}c{column}.tif", "r99c01.tif"),
        ("{well}_z{z}.tif", "A01_zlast.tif"),
        ("plate_{well}.tif", "Plate_A01.tif"),
    ],
)
def test_a_name_that_does_not_fit_is_not_forced(pattern: str, path: str) -> None:
    assert read(pattern, path) is None


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "not understood"),
        ("../{well}.tif", "no .. in it"),
        ("/data/{well}.tif", "relative"),
        ("a\\{well}.tif", "with / between folders"),
        ("{vell}.tif", "unknown placeholder {vell}"),
        ("{well.tif", "brace"),
        ("image.tif", "no placeholder"),
    ],
)
def test_a_pattern_that_cannot_be_is_one_sentence(pattern: str, says: str) -> None:
    with pytest.raises(PlateError, match=says.replace(".", r"\.")):
        Pattern(pattern).matches([])


def test_wells_are_free_only_where_most_names_are_no_wells() -> None:
    pattern = Pattern("{well}.tif")
    on_plate = pattern.matches(["A01.tif", "A02.tif", "A03.tif", "empty.tif"])
    assert not on_plate.free
    assert on_plate.unmatched == ["empty.tif"]
    slides = pattern.matches(["A01.tif", "kidney.tif", "liver.tif", "lung.tif"])
    assert slides.free
    assert not slides.unmatched


def test_masks_beside_the_images_are_not_taken_for_fields() -> None:
    matches = Pattern("{*}_{well}_s{field}.tif").matches(["p_B7_s3.tif", "p_B7_s3_mask_cells.tif", "p_D6_s2.tif"])
    assert matches.unmatched == ["p_B7_s3_mask_cells.tif"]


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_pattern_or_a_sentence(text: str) -> None:
    try:
        Pattern(text).matches(["A01_s1.tif", "x/y/z.png", ""])
    except PlateError as error:
        assert str(error).endswith((".", "it"))


@given(st.lists(st.from_regex(r"[A-Za-z0-9_ ()-]{1,14}(/[A-Za-z0-9_]{1,8})?\.(tif|PNG)", fullmatch=True), max_size=12))
@settings(max_examples=60, deadline=None)
def test_any_names_get_a_guess_that_reads_some_of_them(names: list[str]) -> None:
    guessed = guess(sorted(set(names)))
    assert (guessed is None) == (not names)
    if guessed is not None:
        assert guessed.matches.found


def test_the_preview_counts_what_matched_and_names_what_did_not(tmp_path: Path) -> None:
    import tifffile

    for name in ("A01_s1.tif", "A01_s2.tif", "H12_s1.tif", "notes.tif"):
        tifffile.imwrite(tmp_path / name, np.zeros((4, 4), np.uint8))
    preview = preview_pattern(tmp_path, "{well}_s{field}.tif")
    assert preview.sentence == ("3 of 4 images match: 2 wells (A01, H12), 2 fields (1, 2). Not matched: notes.tif.")
    assert (preview.wells, preview.fields, preview.unmatched) == (("A01", "H12"), ("1", "2"), ("notes.tif",))
    assert preview_pattern(tmp_path, "{well}-{field}.tif").sentence == (
        "None of 4 images match {well}-{field}.tif; A01_s1.tif, for instance, does not fit."
    )


def guid(seed: random.Random) -> str:
    return str(uuid.UUID(int=seed.getrandbits(128))).upper()


def _names() -> list[tuple[str, list[str], str]]:
    """What instruments and public collections write, and the pattern that a person would write for it."""
    seed = random.Random(0)
    return [
        (
            "BBBC021",
            [f"Week1_150607_{w}_s{s}_w{c}{guid(seed)}.tif" for w in WELLS for s in (1, 2) for c in (1, 2, 4)],
            "Week1_150607_{well}_s{field}_w{channel}{*}.tif",
        ),
        (
            "BBBC013",
            [f"Channel{c}-{n:02d}-{w[0]}-{w[1:]}.BMP" for n, w in enumerate(WELLS) for c in (1, 2)],
            "Channel{channel}-{*}-{well}.BMP",
        ),
        (
            "BBBC005",
            [
                f"SIM_{w}_C{int(w[1:]) * 4}_F{ord(w[0]) - 64}_s{s:02d}_w{c}.TIF"
                for w in WELLS
                for s in (1, 2, 3)
                for c in (1, 2)
            ],
            "SIM_{well}_C{*}_F{*}_s{field}_w{channel}.TIF",
        ),
        (
            "ImageXpress in time and z",
            [
                f"TimePoint_{t}/ZStep_{z}/pl_{w}_s{s}_w{c}{thumb}{guid(seed)}.TIF"
                for t in (1, 2)
                for z in (1, 2)
                for w in WELLS[:9]
                for s in (1, 2)
                for c in (1, 2)
                for thumb in ("", "_thumb")
            ],
            "TimePoint_{t}/ZStep_{z}/pl_{well}_s{field}_w{channel}{*}.TIF",
        ),
        ("Incucyte", [f"{w}-1-C{c}.tif" for w in WELLS for c in (1, 2)], "{well}-{field}-C{channel}.tif"),
        ("well and dye", [f"{w}_{c}.tif" for w in WELLS for c in ("DAPI", "GFP")], "{well}_{channel}.tif"),
        (
            "dye before field",
            [f"{w}_{c}_{s}.tif" for w in WELLS for s in (1, 2) for c in ("DAPI", "GFP")],
            "{well}_{channel}_{field}.tif",
        ),
        (
            "dashes",
            [f"{w}-{s}-{c}.tif" for w in WELLS for s in (1, 2) for c in ("DAPI", "GFP")],
            "{well}-{field}-{channel}.tif",
        ),
        (
            "z and t",
            [f"exp_2023-01-05_{w}_ch{c}_z{z}_t{t}.tif" for w in WELLS[:6] for c in "01" for z in "01" for t in "01"],
            "exp_2023-01-05_{well}_ch{channel}_z{z}_t{t}.tif",
        ),
        ("colours", [f"{guid(seed)}_{c}.png" for _ in range(9) for c in ("red", "green")], "{well}_{channel}.png"),
        ("samples", [f"{s}/img_{n:03d}.png" for s in ("liver", "lung") for n in range(9)], "{well}/{field}.png"),
        ("a numbered series", [f"img_{n:03d}.png" for n in range(30)], "{well}.png"),
        ("in a folder", [f"raw/plate7_{w}.tif" for w in WELLS], "raw/plate7_{well}.tif"),
        (
            "Cytation, where a number and a dye say the same",
            [f"{w}_01_{n}_{s}_{c}_001.tif" for w in WELLS for s in "1234" for n, c in ((1, "DAPI"), (2, "GFP"))],
            "{well}_01_{*}_{field}_{channel}_001.tif",
        ),
        (
            "Nikon",
            [
                f"Well{w}_Point{w}_{s:04d}_Channel{c}_Seq{n:04d}.tif"
                for n, w in enumerate(WELLS)
                for s in (0, 1)
                for c in ("DAPI", "FITC")
            ],
            "Well{well}_Point{well}_{field}_Channel{channel}_Seq{*}.tif",
        ),
        (
            "numbers only",
            [f"HTS_plate12_{w}_0{s}_{c}.tif" for w in WELLS for s in (1, 2, 3) for c in (1, 2)],
            "HTS_plate12_{well}_{field}_{channel}.tif",
        ),
        (
            "Incucyte, dates",
            [f"VID21_{w}_{s}_2026y01m12d_{h:02d}h00m.tif" for w in WELLS for s in (1, 2) for h in (0, 4, 8)],
            "VID21_{well}_{field}_{t}.tif",
        ),
        (
            "Incucyte, time since the start",
            [f"scan_Phase_{w}_{s}_0{d}d06h00m.tif" for w in WELLS for s in (1, 2) for d in (0, 1)],
            "scan_Phase_{well}_{field}_{t}.tif",
        ),
        (
            "Micro-Manager, wells",
            [f"{w}-Site_{s}/img_000000000_{c}_000.tif" for w in WELLS for s in (0, 1) for c in ("DAPI", "FITC")],
            "{well}-Site_{field}/img_{t}_{channel}_{z}.tif",
        ),
        (
            "Micro-Manager, positions",
            [f"Pos{p}/img_000000000_{c}_{z:03d}.tif" for p in (0, 1, 2) for c in ("DAPI", "FITC") for z in (0, 1)],
            "Pos{field}/img_{t}_{channel}_{z}.tif",
        ),
        (
            "Micro-Manager 2",
            [
                f"e_1/Pos{p}/img_channel{c:03d}_position{p:03d}_time00000000{t}_z000.tif"
                for p in (0, 1)
                for c in (0, 1)
                for t in (0, 1)
            ],
            "e_1/Pos{field}/img_channel{channel}_position{*}_time{t}_z{z}.tif",
        ),
        (
            "written by hand",
            [f"My Screen {w[0]} {int(w[1:])} site {s} {c}.tif" for w in WELLS for s in (1, 2) for c in ("DAPI", "gfp")],
            "My Screen {well} site {field} {channel}.tif",
        ),
        (
            "scenes are not row S",
            [f"Experiment-01_s{s:02d}c{c}_ORG.tif" for s in (0, 1, 2) for c in (0, 1)],
            "{well}c{channel}_ORG.tif",
        ),
        ("CQ1", [f"W{w:04d}F{s:04d}T0001Z{z:03d}C1.tif" for w in (1, 2) for s in (1, 2) for z in (1, 2)],
         "W{well}F{field}T{t}Z{z}C{channel}.tif"),
        ("ImageXpress, eleven wavelengths",
         [f"P1_{w}_s{s}_w{c}{guid(seed)}.TIF" for w in WELLS for s in (1, 2) for c in range(1, 12)],
         "P1_{well}_s{field}_w{channel}{*}.TIF"),
        ("ImageXpress, a plate that is called P1",
         [f"TimePoint_1/ZStep_{z}/P1_{w}_w{c}{guid(seed)}.tif" for w in WELLS for z in (1, 2) for c in (1, 2)],
         "TimePoint_1/ZStep_{z}/P1_{well}_w{channel}{*}.tif"),
        ("several plates", [f"P{p}_{w}_w{c}.tif" for p in (1, 2) for w in WELLS for c in (1, 2)],
         "P{plate}_{well}_w{channel}.tif"),
        ("Harmony 7",
         [f"r01c{w:02d}f{s:02d}p{z:02d}-ch{c}t01.tiff" for w in (1, 12) for s in (1, 2) for z in (1, 2)
          for c in (1, 2)],
         "r{row}c{column}f{field}p{z}-ch{channel}t{t}.tiff"),
        ("IN Cell, one field", [f"{w[0]} - {w[1:]}(wv {c}).tif" for w in WELLS for c in ("DAPI - DAPI", "473 - Green")],
         "{row} - {column}(wv {channel}).tif"),
        ("IN Cell, a plate before",
         [f"Plate1_{w[0]} - {w[1:]}(fld {s} wv 390 - Blue).tif" for w in WELLS for s in (1, 2)],
         "{*}_{row} - {column}(fld {field} wv {channel}).tif"),
        ("IN Cell in time",
         [f"{w[0]} - {w[1:]}(fld {s} wv Cy5 - Cy5 time {t} - {t}000 ms).tif" for w in WELLS for s in (1, 2)
          for t in (1, 2)],
         "{row} - {column}(fld {field} wv {channel} time {t} - {*} ms).tif"),
        ("ScanR",
         [f"data/{w}--W{n:05d}--P{s:05d}--Z00000--T00000--{c}.tif" for n, w in enumerate(WELLS) for s in (1, 2)
          for c in ("dapi", "DIC")],
         "data/{well}--W{*}--P{field}--Z{z}--T{t}--{channel}.tif"),
        ("RxRx3", [f"Plate1/{w}_s1_{c}.jp2" for w in ("AA15", "AF48", "B02") for c in range(1, 7)],
         "Plate1/{well}_s{field}_{channel}.jp2"),
        ("a folder for each well, named again",
         [f"P/{w}/P_{w}_f{s}_{c}.tif" for w in WELLS for s in (1, 2) for c in ("DAPI", "GFP")],
         "P/{well}/P_{well}_f{field}_{channel}.tif"),
        ("three digits of a column",
         [f"X_{w[0]}0{w[1:]}_f{s}_ch{c}.tif" for w in WELLS for s in (1, 2) for c in (1, 2)],
         "X_{well}_f{field}_ch{channel}.tif"),
        ("hashes, of which each holds a d and a number",
         ["00ad3f1c45.png", "5e1fd8a209.png", "9cad4e2b70.png", "b2fd6c0811.png"],
         "{well}.png"),
    ]  # fmt: skip


@pytest.mark.parametrize(("names", "pattern"), [pytest.param(n, p, id=label) for label, n, p in _names()])
def test_the_guess_is_what_a_person_would_write(names: list[str], pattern: str) -> None:
    guessed = guess(sorted(names))
    assert guessed is not None
    assert guessed.pattern.text == pattern
    kept = [name for name in names if "_thumb" not in name]
    assert (len(guessed.matches.found), len(guessed.set_aside)) == (len(kept), len(names) - len(kept))


def test_time_stamps_order_time_points() -> None:
    stamps = ["2025y12m31d_20h30m", "2026y01m01d_00h30m", "2026y01m01d_04h30m", "2026y02m01d_00h00m"]
    times = [Pattern("{well}_{t}.tif").match(f"A1_{stamp}.tif").t for stamp in stamps]  # type: ignore[union-attr]
    assert times == sorted(set(times))
    assert times[2] - times[1] == 240  # type: ignore[operator]
    days = [Pattern("{well}_{t}.tif").match(f"A1_{stamp}.tif").t for stamp in ("00d23h59m", "01d00h00m", "10d02h00m")]  # type: ignore[union-attr]
    assert days == [1439, 1440, 14520]


def test_a_preview_beside_its_image_is_left_out() -> None:
    names = ["A01.jpg", "A01.tif", "A02.jpg", "A02.tif", "B01.png"]
    guessed = guess(names)
    assert guessed is not None
    assert guessed.set_aside == ("A01.jpg", "A02.jpg")
    assert [match.path for match in guessed.matches.found] == ["A01.tif", "A02.tif", "B01.png"]
    assert without_derived(names, "{well}.jpg") == (names, ())


def test_every_preset_is_understood() -> None:
    for preset in PRESETS:
        assert Pattern(preset.pattern).names - {"*"}


def test_files_at_many_depths_still_get_a_guess() -> None:
    names = [f"{'/'.join('abcd'[:depth])}/img_{n}.png".lstrip("/") for depth in range(5) for n in range(6)]
    guessed = guess(sorted(names))
    assert guessed is not None
    assert len(guessed.matches.found) >= 6


def _images(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        tifffile.imwrite(folder / name, np.zeros((20, 24), np.uint16))
    return folder


def test_names_that_begin_as_those_of_several_plates_are_said(tmp_path: Path) -> None:
    _images(tmp_path, ["B_2_C03_s1.tif", "A_1_B02_s1.tif", "A_1_B02_s2.tif", "A_1_D04_s1.tif", "A_1_D04_s1_mask.tif"])
    plate = open_plate(tmp_path)
    said = [problem.sentence for problem in plate.problems if "begin" in problem.sentence]
    assert len(said) == 1
    assert "in 2 ways before the well: A_1 (3 images), B_2 (1 image)" in said[0]
    pattern = said[0].rsplit(" ", 1)[1]
    alone = open_plate(tmp_path, pattern=pattern)
    assert list(alone.wells) == ["B02", "D04"]
    assert not any("begin" in problem.sentence for problem in alone.problems)


def test_names_that_begin_alike_or_each_in_its_own_way_are_one_plate(tmp_path: Path) -> None:
    for n, names in enumerate((["x_B02_s1.tif", "x_B03_s1.tif"], [f"{k}img_B{k:02d}_s1.tif" for k in range(1, 9)])):
        (tmp_path / str(n)).mkdir()
        plate = open_plate(_images(tmp_path / str(n), names))
        assert not any("begin" in problem.sentence for problem in plate.problems)


def test_a_pattern_leaves_out_masks_unless_it_names_them(tmp_path: Path) -> None:
    _images(tmp_path, ["B02_s1.tif", "B03_s1.tif", "B02_s1_mask.tif", "B03_s1_mask.tif"])
    plate = open_plate(tmp_path, pattern="{well}_s{field}")
    assert [field.key for field in plate.fields()] == [field.key for field in open_plate(tmp_path).fields()]
    assert any("2 images look like masks" in problem.sentence for problem in plate.problems)
    masks = open_plate(tmp_path, pattern="{well}_s{field}_mask.tif")
    assert [(field.well, field.name) for field in masks.fields()] == [("B02", "1"), ("B03", "1")]
