"""Stage positions and channels come from the headers of images where no index has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lexicon.plates import file_sources, open_plate

WELLS = {"A01": (0.0, 0.0), "A02": (0.0, 9000.0), "B01": (9000.0, 0.0)}


def metaxpress(folder: Path, *, moved: float = 0.0) -> None:
    """Two fields of 8 x 9 pixels of half a micrometre beside each other, in each of three wells."""
    for well, (y, x) in WELLS.items():
        for site in (1, 2):
            stated = {
                "spatial-calibration-state": "on",
                "spatial-calibration-x": 0.5,
                "spatial-calibration-y": 0.5,
                "spatial-calibration-units": "um",
                "stage-position-x": x + 4.5 * (site - 1) + moved * (well == "B01") * (site - 1),
                "stage-position-y": y,
            }
            properties = "".join(f'<prop id="{key}" type="float" value="{value}"/>' for key, value in stated.items())
            for wave in (1, 2):
                tifffile.imwrite(
                    folder / f"P_{well}_s{site}_w{wave}.TIF",
                    np.full((8, 9), 10 * site + wave, np.uint16),
                    description=f"<MetaData><PlaneInfo>{properties}</PlaneInfo></MetaData>",
                    metadata=None,
                )


def test_fields_of_metaxpress_are_stitched_by_the_stage_positions_of_their_headers(tmp_path: Path) -> None:
    metaxpress(tmp_path)
    plate = open_plate(tmp_path)
    assert [field.position_um for field in plate.wells["A02"].fields] == [(0.0, 9000.0), (0.0, 9004.5)]
    whole = plate.wells["A02"].stitched()
    assert whole.image.shape == (2, 8, 18)
    np.testing.assert_array_equal(whole.image[0].compute(), np.repeat([[11, 21]], 9, axis=1).repeat(8, axis=0))


def test_of_a_large_plate_two_wells_say_where_fields_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_sources, "_EVERY_HEADER", 4)
    monkeypatch.setattr(file_sources, "_SAMPLE", 4)
    metaxpress(tmp_path)
    plate = open_plate(tmp_path)
    for well in plate.wells.values():
        assert [field.position_um for field in well.fields] == [(0.0, 0.0), (0.0, 4.5)]
    metaxpress(tmp_path, moved=100.0)
    assert {field.position_um for field in open_plate(tmp_path).fields()} == {None}


def test_the_positions_of_an_ome_tiff_come_through_in_micrometres(tmp_path: Path) -> None:
    for n, unit in enumerate(("mm", "reference frame")):
        plane = {"PositionX": 2.5, "PositionY": -1.5, "PositionXUnit": unit, "PositionYUnit": unit}
        tifffile.imwrite(
            tmp_path / f"A0{n + 1}.ome.tif", np.ones((8, 9), np.uint16), metadata={"axes": "YX", "Plane": plane}
        )
    assert [field.position_um for field in open_plate(tmp_path).fields()] == [(-1500.0, 2500.0), None]


def test_channels_are_called_as_the_files_call_them_where_their_names_only_number_them(tmp_path: Path) -> None:
    def written(folder: Path, channel: str, setting: str, wavelength: int) -> None:
        folder.mkdir(exist_ok=True)
        properties = f'<prop id="_IllumSetting_" value="{setting}"/><prop id="wavelength" value="{wavelength}"/>'
        for well in ("A01", "B02"):
            tifffile.imwrite(
                folder / f"P_{well}_s1_{channel}.TIF",
                np.ones((8, 9), np.uint16),
                description=f"<MetaData><PlaneInfo>{properties}</PlaneInfo></MetaData>",
                metadata=None,
            )

    written(tmp_path / "numbers", "w1", "DAPI", 460)
    written(tmp_path / "numbers", "w2", "FITC", 0)
    written(tmp_path / "words", "nuclei", "DAPI", 460)
    written(tmp_path / "words", "actin", "FITC", 525)
    written(tmp_path / "alike", "w1", "Default", 0)
    written(tmp_path / "alike", "w2", "Default", 0)
    assert [(channel.name, channel.wavelength_nm) for channel in open_plate(tmp_path / "numbers").channels] == [
        ("DAPI", 460.0),
        ("FITC", None),
    ]
    assert [(channel.name, channel.wavelength_nm) for channel in open_plate(tmp_path / "words").channels] == [
        ("actin", 525.0),
        ("nuclei", 460.0),
    ]
    assert [channel.name for channel in open_plate(tmp_path / "alike").channels] == ["Channel 1", "Channel 2"]
