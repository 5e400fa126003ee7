"""Vendor indices: what they say of missing and broken images is passed on, and hostile ones cost nothing."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.xml_records import records

from .layouts import cellvoyager_mlf, columbus_export, imagexpress_htd, load_data, phenix_index, plane, sample_sheet


def sentences(folder: Path) -> list[str]:
    return [problem.sentence for problem in open_plate(folder).problems]


def test_images_that_the_index_lists_and_the_disk_lacks_are_named(tmp_path: Path) -> None:
    phenix_index(tmp_path)
    (tmp_path / "Images" / "r03c11f01p01-ch1sk1fk1fl1.tiff").unlink()
    (tmp_path / "Images" / "r03c11f01p01-ch2sk1fk1fl1.tiff").write_bytes(b"")
    said = sentences(tmp_path)
    assert "r03c11f01p01-ch1sk1fk1fl1.tiff is absent." in said
    assert "r03c11f01p01-ch2sk1fk1fl1.tiff is empty (0 bytes)." in said
    assert list(open_plate(tmp_path).wells) == ["B03", "P24"]


def test_a_well_that_was_selected_and_not_imaged_is_named(tmp_path: Path) -> None:
    imagexpress_htd(tmp_path)
    htd = tmp_path / "Assay_7.HTD"
    text = htd.read_text()
    htd.write_text(text.replace('"WellsSelection1", FALSE', '"WellsSelection1", TRUE'))
    said = sentences(tmp_path)
    assert "Well A01 was selected for the run and has no images." in said
    assert "Site 2 of well C11 was selected and has no images." in said


def test_a_renamed_htd_file_still_finds_its_images(tmp_path: Path) -> None:
    imagexpress_htd(tmp_path)
    (tmp_path / "Assay_7.HTD").rename(tmp_path / "copy of run.htd")
    assert list(open_plate(tmp_path).wells) == ["B03", "C11", "P24"]


def htd(folder: Path, *lines: str, encoding: str = "latin-1") -> None:
    """An HTD file of a plate of 96 wells of which A01 and A02 are selected."""
    folder.mkdir(parents=True, exist_ok=True)
    wells = '"WellsSelection1", TRUE, TRUE' + ", FALSE" * 10
    head = ['"HTSInfoFile", Version 1.0', '"Description", "Screen of June"', '"XWells", 12', '"YWells", 8', wells]
    (folder / "BR1.HTD").write_text("\r\n".join([*head, *lines, '"EndFile"']), encoding=encoding)


def test_selected_sites_are_numbered_in_their_order_wherever_they_are(tmp_path: Path) -> None:
    """MetaXpress writes the middle four of 16 sites as s1 to s4; a plate is called as its images are."""
    cells = ["FALSE, TRUE, TRUE, FALSE" if row in (2, 3) else "FALSE, FALSE, FALSE, FALSE" for row in range(1, 5)]
    sites = [f'"SiteSelection{row}", {flags}' for row, flags in enumerate(cells, 1)]
    htd(tmp_path, '"Sites", TRUE', '"XSites", 4', '"YSites", 4', *sites)
    for well in ("A01", "A02"):
        for site in (1, 2, 3, 4):
            if (well, site) != ("A02", 4):
                tifffile.imwrite(tmp_path / f"BR1_{well}_s{site}.TIF", np.ones((8, 9), np.uint16))
    plate = open_plate(tmp_path)
    assert plate.name == "BR1"
    assert [problem.sentence for problem in plate.problems] == ["Site 4 of well A02 was selected and has no images."]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "utf-16"])
def test_names_with_guids_in_brackets_and_two_digits_belong_to_the_htd(encoding: str, tmp_path: Path) -> None:
    """As plates of IDR's screens have them; the HTD may lie in the folder of the first time point."""
    waves = [f'"WaveName{n}", "dye {n}"' for n in range(1, 12)]
    htd(tmp_path / "TimePoint_1", '"Waves", TRUE', '"NWavelengths", 11', *waves, encoding=encoding)
    for n in range(1, 12):
        for well in ("A01", "A02"):
            guid = uuid.uuid5(uuid.NAMESPACE_DNS, f"{well}{n}")
            name = f"BR1_{well}_w{n}_[{guid}].tif" if well == "A01" else f"BR1_{well}_w{n}{guid}.tif"
            tifffile.imwrite(tmp_path / "TimePoint_1" / name, np.full((8, 9), n, np.uint16))
    plate = open_plate(tmp_path)
    assert "MetaXpress" in plate.note and not plate.problems
    assert [channel.name for channel in plate.channels] == [f"dye {n}" for n in range(1, 12)]
    assert [int(value) for value in plate.wells["A02"].fields[0].image().max(axis=(1, 2)).compute()] == [*range(1, 12)]


def test_load_data_of_a_stack_has_its_planes_sizes_and_positions(tmp_path: Path) -> None:
    """The columns that pe2loaddata takes over from Harmony's index; the path of a Windows computer."""
    named = ["Plate", "Well", "Site", "FieldID", "PlaneID", "TimepointID", "ImageResolutionX", "ImageResolutionY"]
    named += ["PositionX", "PositionY", "AbsPositionZ"]
    lines = [",".join([*(f"Metadata_{name}" for name in named), "FileName_OrigDNA", "PathName_OrigDNA"])]
    for well in ("A01", "B02"):
        for site in (1, 2):
            for z in (1, 2, 3):
                name = f"{well}f{site}p{z}.tiff"
                tifffile.imwrite(tmp_path / name, np.full((8, 9), 10 * site + z, np.uint16))
                place = f"{site * 1e-4},{site * -2e-4},0.13"
                lines.append(f"BR1,{well},{site},{site},{z},0,2.99E-07,2.98E-07,{place},{name},D:\\images\\BR1")
    (tmp_path / "load_data.csv").write_text("\n".join(lines))
    plate = open_plate(tmp_path)
    assert not plate.problems and "maximum projection of 3 planes" in plate.note
    field = plate.wells["B02"].fields[1]
    assert field.pixel_size_um == pytest.approx((0.298, 0.299))
    assert field.position_um == pytest.approx((400.0, 200.0))
    assert int(field.image().max()) == 23
    assert int(next(open_plate(tmp_path, z=0).fields()).image().max()) == 11
    micrometres = "\n".join(line.replace("2.99E-07,2.98E-07", "0.299,0.298") for line in lines)
    (tmp_path / "load_data.csv").write_text(micrometres)
    assert next(open_plate(tmp_path).fields()).pixel_size_um == pytest.approx((0.298, 0.299))
    # of planes that were projected the table keeps the last: a number that says nothing
    kept = [line for line in lines if not any(f"p{z}.tiff" in line for z in (1, 2))]
    (tmp_path / "load_data.csv").write_text("\n".join(kept))
    assert "projection" not in open_plate(tmp_path).note


def test_cellvoyager_images_that_were_compressed_to_png_are_found(tmp_path: Path) -> None:
    """The index goes on listing TIFF; of a filter the middle of its band is the wavelength."""
    cellvoyager_mlf(tmp_path)
    before = open_plate(tmp_path)
    for file in tmp_path.glob("*.tif"):
        Image.fromarray(tifffile.imread(file)).save(file.with_suffix(".png"))
        file.unlink()
    after = open_plate(tmp_path)
    assert [channel.wavelength_nm for channel in after.channels] == [445.0, 445.0]
    assert [problem.sentence for problem in after.problems] == [problem.sentence for problem in before.problems]
    for field in after.fields():
        image = plane(field.well, int(field.name), "DNA")
        np.testing.assert_array_equal(field.image()[0].compute(), image)


@pytest.mark.parametrize("name", ["LoadData.csv", "loaddata_BR1.csv", "Load Data.CSV"])
def test_load_data_is_found_under_names_that_people_give_it(name: str, tmp_path: Path) -> None:
    """Rows without a site are the fields of their well, in their order."""
    lines = ["Metadata_Plate,Metadata_Well,FileName_OrigDNA,PathName_OrigDNA"]
    for number, well in enumerate(("A01", "A01", "B02")):
        tifffile.imwrite(tmp_path / f"img{number}.tif", np.full((8, 9), number, np.uint16))
        lines.append(f"BR1,{well},img{number}.tif,/data")
    (tmp_path / name).write_text("\n".join(lines), encoding="utf-16" if "_" in name else "utf-8-sig")
    plate = open_plate(tmp_path)
    assert (plate.name, plate.problems, [channel.name for channel in plate.channels]) == ("BR1", (), ["DNA"])
    assert [(field.key, int(field.image().max())) for field in plate.fields()] == [
        ("A01/0", 0),
        ("A01/1", 1),
        ("B02/0", 2),
    ]


def test_what_a_run_of_metaxpress_lacks_in_all_wells_is_said(tmp_path: Path) -> None:
    waves = [f'"WaveName{n}", "{name}"' for n, name in enumerate(("DAPI", "FITC", "unused"), 1)]
    stated = ['"TimePoints", 1', '"ZSteps", 3', '"NWavelengths", 3', *waves, '"WaveCollect3", 0']
    htd(tmp_path, *stated)
    for z in (1, 2):
        for well in ("A01", "A02"):
            tifffile.imwrite(
                _made(tmp_path / "TimePoint_1" / f"ZStep_{z}" / f"BR1_{well}_w1.TIF"), np.ones((8, 9), np.uint16)
            )
    assert sentences(tmp_path) == [
        "Wavelength 2 (FITC) was selected for the run and has no images.",
        "The run has 3 planes in z, and images of 2 are there.",
    ]


def test_two_plates_of_metaxpress_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    htd(tmp_path)
    (tmp_path / "BR2.HTD").write_bytes((tmp_path / "BR1.HTD").read_bytes())
    for number, plate in enumerate(("BR1", "BR2")):
        for well in ("A01", "A02"):
            tifffile.imwrite(tmp_path / f"{plate}_{well}.TIF", np.full((8, 9), number, np.uint16))
    with pytest.raises(PlateError, match=r"holds 2 plates \(BR1\.HTD, BR2\.HTD\): open one of these files"):
        open_plate(tmp_path)
    for opened in (open_plate(tmp_path / "BR2.HTD"), open_plate(tmp_path, name="BR2")):
        assert (opened.name, opened.problems) == ("BR2", ())
        assert int(next(opened.fields()).image().max()) == 1


@pytest.mark.parametrize("change", ["utf-16", "small letters", "images moved beside"])
def test_a_harmony_index_is_read_as_people_leave_it(change: str, tmp_path: Path) -> None:
    phenix_index(tmp_path)
    expected = [field.key for field in open_plate(tmp_path).fields()]
    index = tmp_path / "Images" / "Index.idx.xml"
    if change == "utf-16":
        index.write_bytes(index.read_text(encoding="utf-8-sig").replace("utf-8", "utf-16").encode("utf-16"))
    elif change == "small letters":
        index.rename(index.with_name("index.idx.xml"))
    else:
        index.write_text(index.read_text(encoding="utf-8-sig").replace("<URL>", "<URL>Images\\"), encoding="utf-8")
    plate = open_plate(tmp_path)
    assert "Harmony" in plate.note
    assert [field.key for field in plate.fields()] == expected
    assert next(plate.fields()).pixel_size_um is not None


def test_metaxpress_projections_are_no_planes_of_the_stack(tmp_path: Path) -> None:
    """Wave 1 has planes and a projection, wave 2 a projection only."""
    imagexpress_htd(tmp_path)
    for z in (1, 2):
        tifffile.imwrite(
            _made(tmp_path / "TimePoint_1" / f"ZStep_{z}" / "Assay_7_B03_s1_w1.TIF"), plane("B03", 1, "DNA") // (z + 1)
        )
    field = open_plate(tmp_path).wells["B03"].fields[0]
    assert field.channels == (0, 1)
    np.testing.assert_array_equal(field.image()[0].compute(), plane("B03", 1, "DNA") // 2)
    np.testing.assert_array_equal(field.image()[1].compute(), plane("B03", 1, "ER"))


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_what_the_instrument_reports_is_passed_on(tmp_path: Path) -> None:
    cellvoyager_mlf(tmp_path)
    assert "The instrument reports for P24/2: autofocus failed." in sentences(tmp_path)


def test_cellvoyager_opens_without_its_details_and_says_what_is_not_known(tmp_path: Path) -> None:
    cellvoyager_mlf(tmp_path)
    (tmp_path / "MeasurementDetail.mrf").write_text("<bts:Measure")
    plate = open_plate(tmp_path)
    assert [channel.name for channel in plate.channels] == ["Channel 1", "Channel 2"]
    assert next(plate.fields()).pixel_size_um is None
    assert any("Pixel sizes are not known" in problem.sentence for problem in plate.problems)


@pytest.mark.parametrize("index", ["Images/Index.idx.xml", "Images"])
def test_the_index_itself_or_the_folder_of_images_may_be_opened(tmp_path: Path, index: str) -> None:
    phenix_index(tmp_path)
    (tmp_path / "plate_map.csv").write_text("well,drug\nB3,x\n")
    assert open_plate(tmp_path / index).name == "Plate one"
    assert open_plate(tmp_path).map.loc["B03", "Metadata_perturbation"] == "x"


@pytest.mark.parametrize("path", ["../outside.tiff", "/etc/passwd", "C:\\\\secret.tiff", "a/../../b.tiff"])
def test_paths_that_leave_the_plate_are_not_read(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "plate"
    folder.mkdir()
    phenix_index(folder)
    tifffile.imwrite(tmp_path / "outside.tiff", plane("B03", 1, "DNA"))
    file = folder / "Images" / "Index.idx.xml"
    file.write_text(file.read_text().replace("r03c11f01p01-ch1sk1fk1fl1.tiff", path))
    plate = open_plate(folder)
    assert any("lies outside of the plate" in problem.sentence for problem in plate.problems)
    assert plate.wells["C11"].fields[0].channels == (1,)


def test_a_table_that_lists_images_elsewhere_says_so(tmp_path: Path) -> None:
    load_data(tmp_path)
    (tmp_path / "images" / "Plate1" / "C11_s1_w1.png").unlink()
    plate = open_plate(tmp_path)
    assert plate.wells["C11"].fields[0].channels == (1,)
    assert any("images that the table lists are not below its folder" in p.sentence for p in plate.problems)
    (tmp_path / "images").rename(tmp_path.parent / f"{tmp_path.name}_moved")
    with pytest.raises(PlateError, match="put the table into the folder of the images"):
        open_plate(tmp_path)


def test_a_table_of_several_plates_wants_a_name(tmp_path: Path) -> None:
    sheet = sample_sheet(tmp_path)
    sheet.write_text(sheet.read_text().replace("P1\tc11", "P2\tc11"))
    with pytest.raises(PlateError, match=r"2 plates \(P1, P2\)"):
        open_plate(sheet)
    assert list(open_plate(sheet, name="P2").wells) == ["C11"]


@pytest.mark.parametrize(
    "attack",
    [
        "<!DOCTYPE x [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'>]>",
        "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE x SYSTEM 'http://localhost/x.dtd'>",
    ],
)
def test_document_types_and_entities_are_refused(tmp_path: Path, attack: str) -> None:
    phenix_index(tmp_path)
    file = tmp_path / "Images" / "Index.idx.xml"
    file.write_text(file.read_text().replace("?>", f"?>{attack}", 1))
    with pytest.raises(PlateError, match="document type"):
        open_plate(tmp_path)


def test_deep_nesting_and_half_a_document_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "deep.xml"
    file.write_text("<a>" * 100_000)
    with pytest.raises(PlateError, match="nested too deeply"):
        list(records(file, {"Image"}))
    file.write_text("<a><Image>")
    with pytest.raises(PlateError, match=r"deep\.xml"):
        list(records(file, {"Image"}))
    with pytest.raises(PlateError):
        list(records(tmp_path / "nowhere.xml", {"Image"}))


def test_numbers_that_no_plate_has_are_named_and_bounded_in_time(tmp_path: Path) -> None:
    phenix_index(tmp_path)
    file = tmp_path / "Images" / "Index.idx.xml"
    text = file.read_text()
    absurd = text.replace("<PlateRows>16", "<PlateRows>" + "9" * 5000).replace("<Row>3<", "<Row>999999999<")
    file.write_text(absurd.replace("3.25E-07", "1E999"))
    before = time.monotonic()
    plate = open_plate(tmp_path)
    assert time.monotonic() - before < 5
    assert (plate.rows, plate.columns) == (16, 24)
    assert list(plate.wells) == ["B03", "P24"]
    assert next(plate.fields()).pixel_size_um is None
    imagexpress_htd(tmp_path / "htd")
    htd = tmp_path / "htd" / "Assay_7.HTD"
    htd.write_text(
        htd.read_text().replace('"XSites", 2', '"XSites", 999999999').replace('"XWells", 24', '"XWells", 999999999')
    )
    assert list(open_plate(tmp_path / "htd").wells) == ["B03", "C11", "P24"]


@example(damage=[(30, b"")])  # an encoding that nobody knows
@given(damage=st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=0, max_size=3)), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize(
    "write",
    [phenix_index, columbus_export, imagexpress_htd, cellvoyager_mlf, load_data],
    ids=lambda write: write.__name__,
)
def test_a_damaged_index_opens_or_is_one_sentence(
    write: object, damage: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = _pristine(write, tmp_path_factory)
    name = {"phenix_index": "Images/Index.idx.xml", "imagexpress_htd": "Assay_7.HTD", "load_data": "load_data.csv"}
    name["columbus_export"] = "2017-03-01/ImageIndex.ColumbusIDX.xml"
    file = folder / name.get(write.__name__, "MeasurementData.mlf")  # type: ignore[attr-defined]
    content = file.read_bytes()
    broken = content
    for place, piece in damage:
        at = place % len(broken)
        broken = broken[:at] + piece + broken[at + 1 :]
    file.write_bytes(broken)
    try:
        plate = open_plate(folder)
        assert plate.wells
    except PlateError as error:
        assert "\n" not in str(error)
    finally:
        file.write_bytes(content)


def _pristine(write: object, factory: pytest.TempPathFactory) -> Path:
    folder = factory.getbasetemp() / f"pristine_{write.__name__}"  # type: ignore[attr-defined]
    if not folder.exists():
        folder.mkdir()
        write(folder)  # type: ignore[operator]
    return folder
