"""What TIFF files say about pixel sizes and channels: OME-XML, ImageJ, MetaMorph and the resolution tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.ngff_metadata import sane_pixel_size, unique

if TYPE_CHECKING:
    import tifffile

_LARGEST_XML = 64 * 2**20
# Units as OME-XML, ImageJ and MetaMorph write them, in micrometres.
_UNITS: Mapping[str, float] = {
    "µm": 1.0,
    "μm": 1.0,  # a Greek letter here, the micro sign above
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25400.0,
    "å": 1e-4,
}
# Coarser than this the resolution tag speaks of paper or screens (72 dpi is 353 µm, 1200 dpi is 21 µm).
_COARSEST_TAG = 20.0
_APERIO = re.compile(r"\|\s*MPP\s*=\s*([0-9.]{1,12})")
_STAGE = re.compile(r'id="stage-position-(x|y)"[^>]*?value="([^"]{0,40})"')
_ILLUMINATION = re.compile(r'id="(_IllumSetting_|wavelength)"[^>]*?value="([^"]{0,80})"')
_METAMORPH = re.compile(r'id="spatial-calibration-(x|y|units|state)"[^>]*?value="([^"]{0,40})"')


def pixel_size_um(tif: tifffile.TiffFile, image: int = 0) -> tuple[float, float] | None:
    """Pixel size ``(y, x)`` in micrometres, None where the file does not say, or says what cannot be."""
    if tif.is_ome:
        size = _ome_size(tif, image)
    elif tif.is_imagej:
        size = _imagej_size(tif)
    else:
        size = _metamorph_size(tif) or _aperio_size(tif) or _tag_size(tif)
    if size is None or not sane_pixel_size(size):
        return None
    # Resolution tags are fractions: six digits bring 0.325 back from 3.0769.
    return float(f"{size[0]:.6g}"), float(f"{size[1]:.6g}")


def position_um(tif: tifffile.TiffFile, image: int = 0) -> tuple[float, float] | None:
    """Stage position ``(y, x)`` in micrometres, None where the file states none in a unit of length."""
    if tif.is_ome:
        pixels = _ome_image(tif, image)
        plane = None if pixels is None else pixels.find("{*}Plane")
        if plane is None:
            return None
        units = [_UNITS.get(plane.get(f"Position{axis}Unit", "").lower()) for axis in "YX"]
        values = [_coordinate(plane.get(f"Position{axis}")) for axis in "YX"]
    else:
        stated = dict(_STAGE.findall(_metamorph_xml(tif)))
        units, values = [1.0, 1.0], [_coordinate(stated.get(axis)) for axis in "yx"]
    y, x = (value * unit if value is not None and unit else None for value, unit in zip(values, units, strict=True))
    return (y, x) if y is not None and x is not None else None


def described_channels(tif: tifffile.TiffFile, count: int, image: int = 0) -> tuple[Channel, ...]:
    """Channels as the file describes them; empty where it describes none, or another number of them."""
    channels: tuple[Channel, ...] = ()
    if tif.is_ome:
        channels = _ome_channels(tif, image)
    elif tif.is_imagej:
        channels = _imagej_channels(tif, count)
    elif count == 1:
        channels = _metamorph_channel(tif)
    return channels if len(channels) == count else ()


def ome_root(tif: tifffile.TiffFile) -> Any:
    """The OME-XML as an element, None where there is none that can be parsed safely."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    text = tif.ome_metadata
    if not text or len(text) > _LARGEST_XML:
        return None
    try:
        return fromstring(text)
    except (ParseError, DefusedXmlException, ValueError):
        return None


def _ome_image(tif: tifffile.TiffFile, image: int) -> Any:
    """Pixels of one image of the OME-XML as an element, None where there is none."""
    root = ome_root(tif)
    images = [] if root is None else root.findall("{*}Image/{*}Pixels")
    return images[image] if image < len(images) else None


def _ome_size(tif: tifffile.TiffFile, image: int) -> tuple[float, float] | None:
    pixels = _ome_image(tif, image)
    if pixels is None:
        return None
    sizes = []
    for axis in "YX":
        value = _number(pixels.get(f"PhysicalSize{axis}"))
        unit = _UNITS.get(pixels.get(f"PhysicalSize{axis}Unit", "µm").lower())
        if value is None or unit is None:
            return None
        sizes.append(value * unit)
    return sizes[0], sizes[1]


def _ome_channels(tif: tifffile.TiffFile, image: int) -> tuple[Channel, ...]:
    pixels = _ome_image(tif, image)
    if pixels is None:
        return ()
    channels: list[Channel] = []
    for index, element in enumerate(pixels.findall("{*}Channel")):
        name = (element.get("Name") or "").strip() or f"Channel {index + 1}"
        nanometres = element.get("EmissionWavelengthUnit", "nm") == "nm"
        channels.append(
            Channel(
                unique(name, [channel.name for channel in channels]),
                color=_ome_color(element.get("Color")),
                wavelength_nm=_number(element.get("EmissionWavelength")) if nanometres else None,
            )
        )
    return tuple(channels)


def _ome_color(text: str | None) -> str | None:
    """OME writes a colour as the signed integer RGBA; -1, its default, is white."""
    try:
        value = int(text or "") & 0xFFFFFFFF
    except ValueError:
        return None
    return f"#{value >> 8:06X}"


def _imagej_size(tif: tifffile.TiffFile) -> tuple[float, float] | None:
    stated = tif.imagej_metadata or {}
    unit = str(stated.get("unit", "")).encode().decode("unicode_escape", "ignore").lower().strip()
    factor = _UNITS.get(unit)
    densities = _densities(tif)
    if factor is None or densities is None:
        return None
    return factor / densities[0], factor / densities[1]


def _imagej_channels(tif: tifffile.TiffFile, count: int) -> tuple[Channel, ...]:
    stated = tif.imagej_metadata or {}
    ranges, tables = stated.get("Ranges"), stated.get("LUTs")
    if not ranges and not tables:
        return ()
    channels = []
    for index in range(count):
        window = None
        if ranges is not None and len(ranges) >= 2 * index + 2 and ranges[2 * index] < ranges[2 * index + 1]:
            window = (float(ranges[2 * index]), float(ranges[2 * index + 1]))
        color = None
        if tables is not None and len(tables) > index and tables[index].shape == (3, 256):
            red, green, blue = (int(value) for value in tables[index][:, -1])
            color = f"#{red:02X}{green:02X}{blue:02X}"
        channels.append(Channel(f"Channel {index + 1}", color, window))
    return tuple(channels)


def _metamorph_channel(tif: tifffile.TiffFile) -> tuple[Channel, ...]:
    """The one channel of a file of MetaMorph or MetaXpress, by its setting of the light; empty where it has no name."""
    stated = dict(_ILLUMINATION.findall(_metamorph_xml(tif)))
    name = stated.get("_IllumSetting_", "").strip()
    return (Channel(name, wavelength_nm=_number(stated.get("wavelength"))),) if name else ()


def _metamorph_xml(tif: tifffile.TiffFile) -> str:
    description = tif.pages.first.description
    return description[:100_000] if description.startswith("<MetaData>") else ""


def _metamorph_size(tif: tifffile.TiffFile) -> tuple[float, float] | None:
    """MetaMorph and MetaXpress write XML into the description; four of its properties are the calibration."""
    stated = dict(_METAMORPH.findall(_metamorph_xml(tif)))
    unit = _UNITS.get(stated.get("units", "").lower())
    y, x = _number(stated.get("y")), _number(stated.get("x"))
    if unit is None or y is None or x is None or stated.get("state", "on").lower() in ("off", "0", "false"):
        return None
    return y * unit, x * unit


def _aperio_size(tif: tifffile.TiffFile) -> tuple[float, float] | None:
    """Aperio writes micrometres per pixel into the description of an SVS slide."""
    found = _APERIO.search(tif.pages.first.description[:10_000]) if tif.is_svs else None
    size = _number(found[1]) if found else None
    return None if size is None else (size, size)


def _tag_size(tif: tifffile.TiffFile) -> tuple[float, float] | None:
    unit = tif.pages.first.tags.get("ResolutionUnit")
    factor = {2: 25400.0, 3: 10000.0}.get(int(unit.value) if unit is not None else 2)
    densities = _densities(tif)
    if factor is None or densities is None:
        return None
    size = factor / densities[0], factor / densities[1]
    return size if max(size) <= _COARSEST_TAG else None


def _densities(tif: tifffile.TiffFile) -> tuple[float, float] | None:
    """Pixels per unit, ``(y, x)``."""
    values = []
    for name in ("YResolution", "XResolution"):
        tag = tif.pages.first.tags.get(name)
        fraction = tag.value if tag is not None else None
        if not isinstance(fraction, tuple) or len(fraction) != 2 or not fraction[0] or not fraction[1]:
            return None
        values.append(fraction[0] / fraction[1])
    return values[0], values[1]


def _coordinate(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if abs(value) < 1e9 else None


def _number(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if 0 < value < 1e12 else None
