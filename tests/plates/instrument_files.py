"""Writes CZI and ND2 files as instruments do, so that tests have them: CZI by Zeiss' own library, ND2 by hand.

Nikon gives out no writer, so `write_nd2` follows the layout that https://github.com/tlambert03/nd2 reads: chunks with a
map at the end, metadata in "CLX lite" (type, name, value; levels nest), pixels with the channels side by side.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Stack = npt.NDArray[np.uint16]
"""``(Z, C, Y, X)``."""

CHANNELS = (("DAPI", (0, 0, 255), 460.0), ("GFP", (0, 255, 0), 510.0))
"""Name, colour, and emission in nanometres (ND2 only)."""
PIXEL_SIZE_UM = 0.325


def write_czi(path: Path, scenes: Sequence[Stack], wells: Sequence[str] | None = None) -> Path:
    """Scenes side by side, 1000 pixels apart; ``wells`` are the names that ZEN gives scenes of a plate."""
    from pylibCZIrw import czi

    with czi.create_czi(str(path)) as document:
        for scene, stack in enumerate(scenes):
            for z, planes in enumerate(stack):
                for c, pixels in enumerate(planes):
                    place = {"C": c, "Z": z, "T": 0}
                    document.write(pixels[..., None], plane=place, scene=scene, location=(1000 * scene, 0))
        display = {
            number: czi.ChannelDisplaySettingsDataClass(
                True, czi.TintingMode.Color, czi.Rgb8Color(*map(np.uint8, color)), 0.0, 0.5
            )
            for number, (_, color, _) in enumerate(CHANNELS)
        }
        document.write_metadata(
            path.stem,
            channel_names={number: name for number, (name, *_) in enumerate(CHANNELS)},
            scale_x=PIXEL_SIZE_UM * 1e-6,
            scale_y=PIXEL_SIZE_UM * 1e-6,
            scale_z=1e-6,
            display_settings=display,
        )
    if wells is not None:
        _name_scenes(path, wells)
    return path


def _name_scenes(path: Path, wells: Sequence[str]) -> None:
    """Put wells into the metadata of a CZI, as a new segment at its end that the header points to."""
    content = bytearray(path.read_bytes())
    (place,) = struct.unpack_from("<q", content, 92)
    (length,) = struct.unpack_from("<i", content, place + 32)
    xml = content[place + 288 : place + 288 + length].decode("utf-8-sig")
    scenes = "".join(
        f'<Scene Index="{number}" Name="{well}"><ArrayName>{well}</ArrayName><Shape Name="{well}" Id="{number}">'
        f"<RowIndex>{ord(well[0]) - 64}</RowIndex><ColumnIndex>{int(well[1:])}</ColumnIndex></Shape></Scene>"
        for number, well in enumerate(wells)
    )
    head, dimensions, tail = xml.partition("<Dimensions>")
    assert dimensions
    text = f"{head}{dimensions}<S><Scenes>{scenes}</Scenes></S>{tail}".encode()
    data = struct.pack("<ii", len(text), 0) + bytes(248) + text
    data += bytes(-len(data) % 32)
    content += bytes(-len(content) % 32)
    struct.pack_into("<q", content, 92, len(content))
    content += b"ZISRAWMETADATA".ljust(16, b"\0") + struct.pack("<qq", len(data), len(data)) + data
    path.write_bytes(content)


def write_nd2(path: Path, positions: Sequence[Stack], stage_um: Sequence[tuple[float, float]] | None = None) -> Path:
    """Positions of one shape, each a stack; ``stage_um`` has ``(x, y)`` of each."""
    depth, n_channels, height, width = positions[0].shape
    stage = stage_um or [(0.0, 0.0)] * len(positions)
    attributes = {
        "uiWidth": width,
        "uiWidthBytes": 2 * n_channels * width,
        "uiHeight": height,
        "uiComp": n_channels,
        "uiBpcInMemory": 16,
        "uiBpcSignificant": 16,
        "uiSequenceCount": depth * len(positions),
        "eCompression": 2,
        "uiVirtualComponents": n_channels,
    }
    planes = {
        f"a{number}": {
            "uiCompCount": 1,
            "uiSampleIndex": 0,
            "sDescription": name,
            "uiColor": color[0] + 256 * color[1] + 65536 * color[2],
            "eModality": 0,
            "pFluorescentProbe": {"m_EmissionSpectrum": _peak(emission), "m_ExcitationSpectrum": _peak(emission - 50)},
        }
        for number, (name, color, emission) in enumerate(CHANNELS[:n_channels])
    }
    metadata = {
        "dCalibration": PIXEL_SIZE_UM,
        "bCalibrated": True,
        "sPicturePlanes": {"uiCount": n_channels, "uiCompCount": n_channels, "sPlaneNew": planes},
    }
    stacks = {"eType": 4, "uLoopPars": {"uiCount": depth, "dZLow": 0.0, "dZHigh": depth - 1.0, "dZStep": 1.0}}
    points = {f"i{n:010}": {"dPosX": x, "dPosY": y, "dPosZ": 0.0} for n, (x, y) in enumerate(stage)}
    experiment = {
        "eType": 2,
        "uLoopPars": {"uiCount": len(positions), "bUseZ": False, "Points": points},
        "uiNextLevelCount": 1,
        "ppNextLevelEx": {"": stacks},
    }
    chunks = {
        "ImageAttributesLV!": _lite({"SLxImageAttributes": attributes}),
        "ImageMetadataSeqLV|0!": _lite({"SLxPictureMetadata": metadata}),
        "ImageMetadataLV!": _lite({"SLxExperiment": experiment}),
    }
    frames = (planes for stack in positions for planes in stack)
    for number, frame in enumerate(frames):
        chunks[f"ImageDataSeq|{number}!"] = struct.pack("<d", number) + np.moveaxis(frame, 0, -1).tobytes()
    content = bytearray(_chunk(b"ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver3.0".ljust(64, b"\0")))
    places = b""
    for name, data in chunks.items():
        places += name.encode() + struct.pack("<QQ", len(content), len(data))
        content += _chunk(name.encode(), data)
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", len(content))
    content += _chunk(b"ND2 FILEMAP SIGNATURE NAME 0001!", places + end)
    path.write_bytes(content)
    return path


def _peak(wavelength: float) -> dict[str, Any]:
    return {"uiCount": 1, "pPoint": {"Point0": {"eType": 1, "dWavelength": wavelength, "dTValue": 1.0}}}


def _chunk(name: bytes, data: bytes) -> bytes:
    name = name.ljust(32 if name.startswith(b"ND2 ") else 4080 - 8, b"\0")  # pixels begin 4096 bytes behind the chunk
    return struct.pack("<IIQ", 0x0ABECEDA, len(name), len(data)) + name + data


def _lite(values: Mapping[str, Any]) -> bytes:
    return b"".join(_lite_item(name, value) for name, value in values.items())


def _lite_item(name: str, value: Any) -> bytes:
    kind = {bool: 1, int: 3, float: 6, str: 8}.get(type(value), 11)
    title = f"{name}\0".encode("utf-16-le")
    head = struct.pack("<BB", kind, len(title) // 2) + title
    if kind == 11:
        inner = _lite(value)
        length = len(head) + 12 + len(inner)
        return head + struct.pack("<IQ", len(value), length) + inner + bytes(8 * len(value))
    text = {1: "<B", 3: "<I", 6: "<d"}
    return head + (f"{value}\0".encode("utf-16-le") if kind == 8 else struct.pack(text[kind], value))
