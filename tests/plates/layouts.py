"""Writes one small plate in every layout that can be opened, with gaps: the same wells, fields, channels and pixels.

The plate has two channels and the wells B03 (two fields), C11 (one field) and P24 (two fields). Field 2 of P24 has no
second channel where the layout can say so.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.well_names import well_position
from napari_lexicon.plates.writing import PlateWriter

from .instrument_files import write_czi, write_nd2

Pixels = npt.NDArray[Any]

SHAPE = (40, 56)
PIXEL_SIZE = (0.325, 0.325)
FIELDS = (("B03", 1), ("B03", 2), ("C11", 1), ("P24", 1), ("P24", 2))
CHANNELS = ("DNA", "ER")
GAP = ("P24", 2, "ER")


def plane(well: str, field: int, channel: str, dtype: Any = np.uint16) -> Pixels:
    """The pixels of one channel of one field."""
    row, column = well_position(well)
    seed = (row * 100 + column) * 100 + field * 10 + CHANNELS.index(channel)
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, SHAPE, dtype=dtype)


def planes(*, gap: bool = True) -> Iterator[tuple[str, int, str]]:
    """Every (well, field, channel) of the plate."""
    for well, field in FIELDS:
        for channel in CHANNELS:
            if not gap or (well, field, channel) != GAP:
                yield well, field, channel


@dataclass(frozen=True)
class Layout:
    """One way to lay the plate on disk, and what it cannot say.

    Parameters
    ----------
    name : str
    write : callable
        ``write(folder)`` writes the plate; returns the path to open where that is not the folder.
    channels : tuple of str
        Names that the layout leads to.
    dtype : numpy.dtype
    pixel_size : tuple of float or None
    has_gap : bool
        True where a single missing channel can be told.
    pattern : str, optional
        What is guessed; None where the layout is told by its content.
    positions : bool
        True where the layout has stage positions.
    choices : dict
        Options of ``open_plate`` that lead to the plate.
    """

    name: str
    write: Callable[[Path], Path | None]
    channels: tuple[str, ...] = ("Channel 1", "Channel 2")
    dtype: Any = np.uint16
    pixel_size: tuple[float, float] | None = None
    has_gap: bool = True
    pattern: str | None = None
    positions: bool = False
    choices: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def is_zarr(self) -> bool:
        """An OME-Zarr plate, which opens behind an address, too."""
        return self.name.startswith("ome_zarr")


def _tiff(path: Path, pixels: Pixels, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels, photometric=options.pop("photometric", "minisblack"), **options)


def _guid() -> str:
    _guid.count += 1  # type: ignore[attr-defined]
    return str(uuid.UUID(int=_guid.count * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)).upper()  # type: ignore[attr-defined]


_guid.count = 0  # type: ignore[attr-defined]


def phenix_names(folder: Path) -> None:
    for well, field, channel in planes():
        row, column = well_position(well)
        name = f"r{row + 1:02d}c{column + 1:02d}f{field:02d}p01-ch{CHANNELS.index(channel) + 1}sk1fk1fl1.tiff"
        _tiff(folder / "Images" / name, plane(well, field, channel))


def imagexpress_names(folder: Path) -> None:
    """MetaXpress: a GUID behind each name, thumbnails beside, and the calibration in the description."""
    calibration = "".join(
        f'<prop id="spatial-calibration-{key}" type="float" value="{value}"/>'
        for key, value in {"state": "on", "x": 0.325, "y": 0.325, "units": "um"}.items()
    )
    description = f"<MetaData><PlaneInfo>{calibration}</PlaneInfo></MetaData>"
    for well, field, channel in planes():
        name = f"Assay_7_{well}_s{field}_w{CHANNELS.index(channel) + 1}"
        folder_name = folder / "TimePoint_1"
        _tiff(folder_name / f"{name}{_guid()}.TIF", plane(well, field, channel), description=description, metadata=None)
        _tiff(folder_name / f"{name}_thumb{_guid()}.TIF", np.zeros((8, 8), np.uint16))


def rxrx_names(folder: Path) -> None:
    import imageio.v3 as imageio

    for well, field, channel in planes():
        path = folder / "Plate1" / f"{well}_s{field}_w{CHANNELS.index(channel) + 1}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        imageio.imwrite(path, plane(well, field, channel, np.uint8))


def in_cell_names(folder: Path) -> None:
    waves = {"DNA": "390 - Blue", "ER": "473 - Green"}
    for well, field, channel in planes():
        _tiff(folder / f"{well[0]} - {well[1:]}(fld {field} wv {waves[channel]}).tif", plane(well, field, channel))


def cellvoyager_names(folder: Path) -> None:
    """Three planes in z, of which the first holds the pixels and the others are darker."""
    for well, field, channel in planes():
        for z in (1, 2, 3):
            name = f"AssayPlate_Greiner_{well}_T0001F{field:03d}L01A01Z{z:02d}C{CHANNELS.index(channel) + 1:02d}.tif"
            _tiff(folder / name, plane(well, field, channel) // z)


def cellomics_names(folder: Path) -> None:
    for well, field, channel in planes():
        _tiff(
            folder / f"AS_09125_0501_{well}f{field:02d}d{CHANNELS.index(channel)}.TIF",
            plane(well, field, channel),
            resolution=(1e4 / 0.325, 1e4 / 0.325),
            resolutionunit="CENTIMETER",
        )


def folder_per_well(folder: Path) -> None:
    for well, field, channel in planes():
        _tiff(folder / well / f"{channel}_{field}.tif", plane(well, field, channel))


def folder_per_channel(folder: Path) -> None:
    for well, field, channel in planes():
        _tiff(folder / channel / f"{well}_{field}.tif", plane(well, field, channel), compression="zlib")


def time_series(folder: Path) -> None:
    for well, field, channel in planes():
        for t in (0, 1):
            _tiff(folder / f"exp1_{well}_s{field}_{channel}_t{t}.tif", plane(well, field, channel) >> t)


def _stack(well: str, field: int) -> Pixels:
    return np.stack([plane(well, field, channel) for channel in CHANNELS])


def imagej_stacks(folder: Path) -> None:
    for well, field in FIELDS:
        _tiff(
            folder / f"plate_{well}_{field}.tif",
            _stack(well, field),
            imagej=True,
            metadata={"axes": "CYX", "unit": "um"},
            resolution=(1 / 0.325, 1 / 0.325),
        )


def ome_tiffs(folder: Path) -> None:
    for well, field in FIELDS:
        _tiff(
            folder / f"{well}_field{field}.ome.tif",
            _stack(well, field),
            ome=True,
            metadata={
                "axes": "CYX",
                "PhysicalSizeX": 0.325,
                "PhysicalSizeY": 325.0,
                "PhysicalSizeYUnit": "nm",
                "Channel": {"Name": list(CHANNELS)},
            },
        )


def plain_pages(folder: Path) -> None:
    for well, field in FIELDS:
        _tiff(folder / f"{well}-{field}.tif", _stack(well, field), metadata=None)


def tiled_pages(folder: Path) -> None:
    for well, field in FIELDS:
        _tiff(folder / f"{well}_{field}.tif", _stack(well, field), tile=(16, 32), compression="lzw")


def position(field: int) -> tuple[float, float]:
    """Stage position (y, x) in micrometres that the indices give to a field."""
    return -200.0 * (field - 1), 100.0 * field


def phenix_index(folder: Path, *, version: int = 5) -> None:
    """Harmony 5 repeats the channel's description with every image, Harmony 6 has it once, in a map."""
    phenix_names(folder)
    described = [
        f"<ChannelName>{name}</ChannelName><ImageResolutionX Unit='m'>3.25E-07</ImageResolutionX>"
        f"<ImageResolutionY Unit='m'>3.25E-07</ImageResolutionY><MainEmissionWavelength Unit='nm'>{wave}"
        "</MainEmissionWavelength>"
        for name, wave in zip(CHANNELS, (456, 525), strict=True)
    ]
    images = []
    for well, field, channel in planes(gap=False):
        row, column = well_position(well)
        number = CHANNELS.index(channel) + 1
        y, x = position(field)
        images.append(
            f"<Image Version='1'><id>{row + 1:02d}{column + 1:02d}K1F{field}P1R{number}</id><State>Ok</State>"
            f"<URL>r{row + 1:02d}c{column + 1:02d}f{field:02d}p01-ch{number}sk1fk1fl1.tiff</URL><Row>{row + 1}</Row>"
            f"<Col>{column + 1}</Col><FieldID>{field}</FieldID><PlaneID>1</PlaneID><TimepointID>0</TimepointID>"
            f"<ChannelID>{number}</ChannelID><PositionX Unit='m'>{x * 1e-6}</PositionX>"
            f"<PositionY Unit='m'>{-y * 1e-6}</PositionY>{described[number - 1] if version == 5 else ''}</Image>"
        )
    entries = "".join(
        f"<Entry ChannelID='{n + 1}'>{text if version == 6 else '<FlatfieldProfile>{}</FlatfieldProfile>'}</Entry>"
        for n, text in enumerate(described)
    )
    (folder / "Images" / ("Index.idx.xml" if version == 5 else "Index.xml")).write_text(
        f"<?xml version='1.0' encoding='utf-8'?><EvaluationInputData xmlns='http://www.perkinelmer.com/PEHH/HarmonyV"
        f"{version}' Version='1'><Plates><Plate><PlateID>P1</PlateID><Name>Plate one</Name><PlateRows>16</PlateRows>"
        f"<PlateColumns>24</PlateColumns></Plate></Plates><Maps><Map>{entries}</Map></Maps>"
        f"<Images>{''.join(images)}</Images></EvaluationInputData>",
        encoding="utf-8",
    )


def columbus_export(folder: Path) -> None:
    """As Columbus exports: an index of the measurement, and a folder for the one time point; lengths in their units."""
    images = []
    for well, field, channel in planes(gap=False):
        row, column = well_position(well)
        number = CHANNELS.index(channel) + 1
        name = f"{row + 1:03d}{column + 1:03d}-{field}-001{number:03d}001.tif"
        y, x = position(field)
        if (well, field, channel) != GAP:
            _tiff(folder / "2017-03-01" / name, plane(well, field, channel))
        images.append(
            f'<Image Version="1"><id>{row + 1:03d}{column + 1:03d}{number:03d}{field:03d}</id><State>Ok</State>'
            f'<URL BufferNo="0">{name}</URL><Row>{row + 1}</Row><Col>{column + 1}</Col><FieldID>{field}</FieldID>'
            f"<PlaneID>1</PlaneID><TimepointID>1</TimepointID><ChannelID>{number}</ChannelID>"
            f"<ChannelName>{channel}</ChannelName><ChannelColor>4278190335</ChannelColor>"
            '<ImageResolutionX Unit="nm">325</ImageResolutionX><ImageResolutionY Unit="nm">325</ImageResolutionY>'
            f'<PositionX Unit="m">{x * 1e-6}</PositionX><PositionY Unit="m">{-y * 1e-6}</PositionY>'
            '<MainEmissionWavelength Unit="nm">525</MainEmissionWavelength></Image>'
        )
    (folder / "2017-03-01" / "ImageIndex.ColumbusIDX.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?><EvaluationInputData Version="1"><Plates><Plate>'
        "<MeasurementStartTime>2017-03-01T10:00:00</MeasurementStartTime></Plate></Plates>"
        f"<Images>{''.join(images)}</Images></EvaluationInputData>",
        encoding="utf-8",
    )
    (folder / "MeasurementIndex.ColumbusIDX.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?><ColumbusMeasurementIndex Version="1"><ScreenName>S</ScreenName>'
        "<PlateName>Plate one</PlateName><PlateRows>16</PlateRows><PlateColumns>24</PlateColumns><Measurement "
        'MeasurementID="7">m</Measurement><Reference>2017-03-01/ImageIndex.ColumbusIDX.xml</Reference>'
        "</ColumbusMeasurementIndex>",
        encoding="utf-8",
    )


def imagexpress_htd(folder: Path) -> None:
    imagexpress_names(folder)
    lines = [
        '"HTSInfoFile", Version 1.0',
        '"Description", "Assay 7"',
        '"TimePoints", 1',
        '"XWells", 24',
        '"YWells", 16',
    ]
    selected = {well_position(well) for well, _ in FIELDS}
    for row in range(16):
        flags = ", ".join(str((row, column) in selected).upper() for column in range(24))
        lines.append(f'"WellsSelection{row + 1}", {flags}')
    lines += ['"Sites", TRUE', '"XSites", 2', '"YSites", 1', '"SiteSelection1", TRUE, TRUE', '"Waves", TRUE']
    lines += ['"NWavelengths", 2', *(f'"WaveName{n + 1}", "{name}"' for n, name in enumerate(CHANNELS)), '"EndFile"']
    (folder / "Assay_7.HTD").write_text("\r\n".join(lines), encoding="latin-1")


def cellvoyager_mlf(folder: Path) -> None:
    cellvoyager_names(folder)
    space = "xmlns:bts='http://www.yokogawa.co.jp/BTS/BTSSchema/1.0'"
    lines = [f"<?xml version='1.0' encoding='utf-8'?><bts:MeasurementData {space} bts:Version='1.0'>"]
    for well, field, channel in planes(gap=False):
        row, column = well_position(well)
        number = CHANNELS.index(channel) + 1
        y, x = position(field)
        for z in (1, 2, 3):
            broken = (well, field, channel) == GAP
            name = f"AssayPlate_Greiner_{well}_T0001F{field:03d}L01A01Z{z:02d}C{number:02d}.tif"
            lines.append(
                f"<bts:MeasurementRecord bts:Time='2024-01-01T10:00:00' bts:Column='{column + 1}' bts:Row='{row + 1}' "
                f"bts:FieldIndex='{field}' bts:TimePoint='1' bts:ZIndex='{z}' bts:Ch='{number}' "
                f"bts:X='{x}' bts:Y='{-y}' "
                f"bts:Type='{'ERR' if broken else 'IMG'}'>{'autofocus failed' if broken else name}"
                "</bts:MeasurementRecord>"
            )
    (folder / "MeasurementData.mlf").write_text("\n".join([*lines, "</bts:MeasurementData>"]), encoding="utf-8")
    sizes = "bts:HorizontalPixelDimension='0.325' bts:VerticalPixelDimension='0.325'"
    channels = "".join(f"<bts:MeasurementChannel bts:Ch='{n}' {sizes}/>" for n in (1, 2))
    (folder / "MeasurementDetail.mrf").write_text(
        f"<?xml version='1.0' encoding='utf-8'?><bts:MeasurementDetail {space} bts:RowCount='16' bts:ColumnCount='24' "
        f"bts:MeasurementSettingFileName='run.mes'>{channels}</bts:MeasurementDetail>",
        encoding="utf-8",
    )
    channels = "".join(
        f"<bts:Channel bts:Ch='{n + 1}' bts:Target='{name}' bts:Acquisition='BP445/45' bts:Color='#FF0000FF'/>"
        for n, name in enumerate(CHANNELS)
    )
    (folder / "run.mes").write_text(
        f"<?xml version='1.0' encoding='utf-8'?><bts:MeasurementSetting {space}><bts:ChannelList>{channels}"
        "</bts:ChannelList></bts:MeasurementSetting>",
        encoding="utf-8",
    )


def load_data(folder: Path) -> None:
    """LoadData as JUMP writes it: the folders of another machine, and the columns of the illumination."""
    rxrx_names(folder / "images")
    columns = [f"{kind}_{name}" for name in ("OrigDNA", "OrigER", "IllumDNA") for kind in ("FileName", "PathName")]
    lines = [",".join(["Metadata_Plate", "Metadata_Well", "Metadata_Site", *columns])]
    for well, field in FIELDS:
        cells = ["Plate1", well, str(field)]
        for number in (1, 2):
            cells += [f"{well}_s{field}_w{number}.png", "/home/ubuntu/bucket/projects/images/Plate1"]
        lines.append(",".join([*cells, "illum_DNA.npy", "/home/ubuntu/bucket/illum"]))
    (folder / "load_data.csv").write_text("\n".join(lines), encoding="utf-8")


def sample_sheet(folder: Path) -> Path:
    folder_per_channel(folder)
    lines = ["batch\tplate\twell\tsite\tchannel\tpath"]
    for well, field, channel in planes(gap=False):
        lines.append(f"b1\tP1\t{well.lower()}\t{field}\t{channel}\t./{channel}/{well}_{field}.tif")
    (folder / "sheet.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder / "sheet.tsv"


def czi_files(folder: Path) -> None:
    for well, field in FIELDS:
        write_czi(folder / f"scan_{well}_{field}.czi", [_two_planes(well, field)])


def nd2_files(folder: Path) -> None:
    for well, field in FIELDS:
        y, x = position(field)
        write_nd2(folder / f"Well{well}_Point{field}.nd2", [_two_planes(well, field)], [(x, -y)])


def _two_planes(well: str, field: int) -> Pixels:
    """``(Z, C, Y, X)``; the second plane is darker."""
    stack = np.stack([plane(well, field, channel) for channel in CHANNELS])
    return np.stack([stack, stack // 2])


def _ome_zarr(folder: Path, version: Any) -> Path:
    path = folder / "P1.zarr"
    channels = [Channel(name) for name in CHANNELS]
    with PlateWriter(path, "P1", 16, 24, channels, PIXEL_SIZE, version) as writer:
        for well, field in FIELDS:
            writer.write_field(well, str(field), _stack(well, field))
    return path


def ome_zarr_by_ngio(folder: Path, *, version: Any, acquisitions: bool = False, stacks: bool = False) -> Path:
    """A plate that ngio writes: with a second acquisition of other pixels, or with z and t axes."""
    from ngio import ImageInWellPath, create_empty_plate, create_ome_zarr_from_array

    path = folder / "P1.zarr"
    wanted = [(well, str(field), 0, _stack(well, field)) for well, field in FIELDS]
    if acquisitions:
        wanted += [(well, str(field + 10), 1, _stack(well, field) // 2) for well, field in FIELDS]
    places = [
        ImageInWellPath(row=well[0], column=int(well[1:]), path=name, acquisition_id=acquisition)
        for well, name, acquisition, _ in wanted
    ]
    plate = create_empty_plate(path, "P1", places, ngff_version=version)
    for well, name, _, pixels in wanted:
        if stacks:  # the first plane and time point hold the pixels, the others are darker
            depth = np.stack([pixels // (z + 1) for z in range(3)], axis=1)
            pixels = np.stack([depth, depth >> 1])
        create_ome_zarr_from_array(
            plate.get_image_store(well[0], int(well[1:]), name),
            pixels,
            pixelsize=PIXEL_SIZE,
            axes_names=("t", "c", "z", "y", "x") if stacks else ("c", "y", "x"),
            channels_meta=list(CHANNELS),
            levels=1,
            ngff_version=version,
            overwrite=True,
        )
    return path


def _by_ngio(name: str, choices: dict[str, Any] | None = None, **wanted: Any) -> tuple[Layout, Layout]:
    """The layout in both versions of OME-Zarr."""
    common = {"pixel_size": PIXEL_SIZE, "has_gap": False, "choices": choices or {}}
    first, second = (partial(ome_zarr_by_ngio, version=version, **wanted) for version in ("0.4", "0.5"))
    return (
        Layout(f"ome_zarr_0.4_{name}", first, CHANNELS, **common),
        Layout(f"ome_zarr_0.5_{name}", second, CHANNELS, **common),
    )


LAYOUTS: tuple[Layout, ...] = (
    *_by_ngio("by_ngio"),
    *_by_ngio("acquisitions", {"acquisition": "0"}, acquisitions=True),
    *_by_ngio("stacks", stacks=True),
    Layout("ome_zarr_0.4", lambda folder: _ome_zarr(folder, "0.4"), CHANNELS, pixel_size=PIXEL_SIZE, has_gap=False),
    Layout("ome_zarr_0.5", lambda folder: _ome_zarr(folder, "0.5"), CHANNELS, pixel_size=PIXEL_SIZE, has_gap=False),
    Layout(
        "phenix_names",
        phenix_names,
        pattern="Images/r{row}c{column}f{field}p{z}-ch{channel}sk{t}fk{*}fl{*}.tiff",
    ),
    Layout(
        "imagexpress_names",
        imagexpress_names,
        pixel_size=PIXEL_SIZE,
        pattern="TimePoint_1/Assay_7_{well}_s{field}_w{channel}{*}.TIF",
    ),
    Layout("rxrx_names", rxrx_names, dtype=np.uint8, pattern="Plate1/{well}_s{field}_w{channel}.png"),
    Layout(
        "in_cell_names",
        in_cell_names,
        channels=("390 - Blue", "473 - Green"),
        pattern="{row} - {column}(fld {field} wv {channel}).tif",
    ),
    Layout(
        "cellvoyager_names",
        cellvoyager_names,
        pattern="AssayPlate_Greiner_{well}_T{t}F{field}L01A01Z{z}C{channel}.tif",
    ),
    Layout(
        "cellomics_names",
        cellomics_names,
        channels=("Channel 0", "Channel 1"),
        pixel_size=PIXEL_SIZE,
        pattern="AS_09125_0501_{well}f{field}d{channel}.TIF",
    ),
    Layout("phenix_index_5", phenix_index, CHANNELS, pixel_size=PIXEL_SIZE, positions=True),
    Layout(
        "phenix_index_6",
        lambda folder: phenix_index(folder, version=6),
        CHANNELS,
        pixel_size=PIXEL_SIZE,
        positions=True,
    ),
    Layout("columbus_export", columbus_export, CHANNELS, pixel_size=PIXEL_SIZE, positions=True),
    Layout("imagexpress_htd", imagexpress_htd, CHANNELS, pixel_size=PIXEL_SIZE),
    Layout("cellvoyager_mlf", cellvoyager_mlf, CHANNELS, pixel_size=PIXEL_SIZE, positions=True),
    Layout("load_data", load_data, CHANNELS, dtype=np.uint8),
    Layout("sample_sheet", sample_sheet, CHANNELS),
    Layout("folder_per_well", folder_per_well, CHANNELS, pattern="{well}/{channel}_{field}.tif"),
    Layout("folder_per_channel", folder_per_channel, CHANNELS, pattern="{channel}/{well}_{field}.tif"),
    Layout("time_series", time_series, CHANNELS, pattern="exp1_{well}_s{field}_{channel}_t{t}.tif"),
    Layout("imagej_stacks", imagej_stacks, pixel_size=PIXEL_SIZE, has_gap=False, pattern="plate_{well}_{field}.tif"),
    Layout(
        "ome_tiffs", ome_tiffs, CHANNELS, pixel_size=PIXEL_SIZE, has_gap=False, pattern="{well}_field{field}.ome.tif"
    ),
    Layout(
        "czi_files",
        czi_files,
        ("DAPI", "GFP"),
        pixel_size=PIXEL_SIZE,
        has_gap=False,
        pattern="scan_{well}_{field}.czi",
    ),
    Layout(
        "nd2_files",
        nd2_files,
        ("DAPI", "GFP"),
        pixel_size=PIXEL_SIZE,
        has_gap=False,
        pattern="Well{well}_Point{field}.nd2",
        positions=True,
    ),
    Layout("plain_pages", plain_pages, has_gap=False, pattern="{well}-{field}.tif"),
    Layout("tiled_pages", tiled_pages, has_gap=False, pattern="{well}_{field}.tif"),
)
