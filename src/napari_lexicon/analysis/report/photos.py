"""The pictures of a report: fields of a treated and a control well, and the strongest places, each beside its map."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from napari_lexicon.analysis.pictures import heated, on_pixels, stretched
from napari_lexicon.analysis.reading import OpenedPlates, ReadField
from napari_lexicon.analysis.report.findings import Chosen, Findings
from napari_lexicon.analysis.report.map_sources import AlongMaps, CodeMaps, MapSource, StrongPlace, map_channel
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import LexiconPlate

_FIELD_SIDE = 340  # pixels of a field on the page
_TILE_SIDE = 112
_CONTEXT = 3  # patches on each side of a strong place
_QUALITY = 82
_BAR_UM = (5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Photo:
    """Two pictures of one place, as data addresses: the stain in grey, and with the map over it."""

    grey: str
    overlay: str
    size: tuple[int, int]  # width, height
    caption: str
    bar_um: int = 0
    bar_px: float = 0.0  # length of the scale bar on the picture


@dataclass(frozen=True)
class Photos:
    """Pictures of one feature."""

    fields: tuple[Photo, ...]
    tiles: tuple[Photo, ...]
    top: float  # value in the brightest colour


def photos_of(found: Findings, told: Callable[[int, int, str], None]) -> dict[int, Photos]:
    """Pictures of every chosen feature by its row; empty where the images cannot be read."""
    if not found.settings.pixels:
        return {}
    plates = OpenedPlates()
    photos: dict[int, Photos] = {}
    source = _source(found, plates)
    for done, one in enumerate(found.chosen):
        told(done, len(found.chosen), f"pictures of {one.label}")
        try:
            photos[one.row] = _photos(found, one, plates, source)
        except LexiconError:
            return photos  # the findings have said why
    return photos


def _source(found: Findings, plates: OpenedPlates) -> MapSource:
    """Maps as the report reads features; of the codes where the model is not to be had, which the page says."""
    if found.along is None:
        return CodeMaps(found, plates)
    return AlongMaps(found, plates, found.along)


def _photos(found: Findings, one: Chosen, plates: OpenedPlates, source: MapSource) -> Photos:
    by_name = {plate.header.name: plate for plate in found.lexicon.plates.values()}
    shown: list[tuple[ReadField, str]] = []
    for well, what in _wells(found, one):
        row = found.table.wells.iloc[well]
        plate = by_name[row["plate"]]
        number = _field_of(plate, str(row["well"]), one, source, highest=what != "control")
        if number is not None:
            shown.append((plates.field(plate, number), what))
    places = source.strongest(one, found.settings.tiles)
    read = [*(field for field, _ in shown), *(place.field for place in places)]
    top = source.top([source.values(field, one) for field in read], one)
    return Photos(
        tuple(_field_photo(found, field, one, source, top, what) for field, what in shown),
        tuple(_tile(found, one, place, source, top) for place in places),
        top,
    )


def _wells(found: Findings, one: Chosen) -> list[tuple[int, str]]:
    """The well that shows the feature's difference best, and the control well that is most usual."""
    fires = found.table.fires[:, one.row]
    labels, control = found.labels, found.control
    if not one.treatment or labels is None or not control.any():
        return [(int(fires.argmax()), "highest")]
    treated = np.flatnonzero((labels.astype(str) == one.treatment).to_numpy() & ~control)
    controls = np.flatnonzero(control)
    more = fires[treated].mean() >= fires[controls].mean()
    best = int(treated[fires[treated].argmax() if more else fires[treated].argmin()])
    plate = found.table.wells["plate"].to_numpy()
    same = controls[plate[controls] == plate[best]]
    same = same if len(same) else controls
    usual = int(same[np.abs(fires[same] - np.median(fires[same])).argmin()])
    return [(best, one.treatment), (usual, "control")]


def _field_of(plate: LexiconPlate, well: str, one: Chosen, source: MapSource, *, highest: bool) -> int | None:
    """The field of a well where the feature fires most, or the middle one."""
    numbers = [n for n, f in enumerate(plate.fields) if f.well == well and plate.mark("codes", n) is not None]
    order = np.argsort([source.fires_in(plate, number, one) for number in numbers], kind="stable")
    return numbers[int(order[-1] if highest else order[len(order) // 2])] if numbers else None


def _grey(field: ReadField, one: Chosen, window: tuple[slice, slice]) -> np.ndarray:
    """The stain in a window of the field, 0 to 1, dark parts lifted; only what is shown is read."""
    assert field.source is not None  # opened with its pixels
    channel = map_channel(field.plate, one)
    rows = range(len(field.header.channels)) if channel is None else [field.header.channels.index(channel)]
    lazy, windows = field.source.image(), field.windows
    planes = [stretched(np.asarray(lazy[row][window]), *windows[row]) for row in rows]
    return np.asarray(np.sqrt(np.mean(planes, axis=0)))


def _field_photo(found: Findings, field: ReadField, one: Chosen, source: MapSource, top: float, what: str) -> Photo:
    height, width = field.header.shape
    scale = min(1.0, _FIELD_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = _resized(_grey(field, one, np.s_[:, :]), size)
    values = source.values(field, one)
    patch = found.lexicon.backbone.patch
    y, x = ((np.arange(n) / scale).astype(int) // patch for n in (size[1], size[0]))
    heat = values[y.clip(max=values.shape[0] - 1)][:, x.clip(max=values.shape[1] - 1)]
    bar_um, bar_px = _bar(field, scale, size[0])
    counted = _counted(field, map_channel(field.plate, one))
    part = 100 * np.count_nonzero(values) / max(1, counted)
    caption = f"{what}, well {field.header.well}: fires in {part:.1f} % of the {counted:,} patches that count here"
    return Photo(jpeg(_rgb(grey), size), jpeg(heated(grey, heat, top), size), size, caption, bar_um, bar_px)


def _counted(field: ReadField, channel: int | None) -> int:
    """Patches of a field that count: those of a channel that are not dark in it."""
    tokens = field.plate.field_statistics(field.number).tokens
    group = None if channel is None or field.plate.joint else field.codes.channels.index(channel)
    return int(tokens.max() if group is None else tokens[group])


def _resized(grey: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A plane at another size (width, height)."""
    return np.asarray(Image.fromarray(grey.astype(np.float32)).resize(size, Image.Resampling.BOX))


def _bar(field: ReadField, scale: float, width: int) -> tuple[int, float]:
    pixel = field.header.pixel_size_um
    if pixel is None:
        return 0, 0.0
    px_per_um = scale / pixel[1]
    fitting = [um for um in _BAR_UM if um * px_per_um <= width / 3]
    return (fitting[-1], fitting[-1] * px_per_um) if fitting else (0, 0.0)


def _tile(found: Findings, one: Chosen, place: StrongPlace, source: MapSource, top: float) -> Photo:
    """A strong place of the feature in its channel, with its surroundings."""
    patch, field = found.lexicon.backbone.patch, place.field
    side, shape = (2 * _CONTEXT + 1) * patch, field.header.shape
    middle = (place.gy * patch + patch // 2, place.gx * patch + patch // 2)
    y, x = (int(np.clip(c - side // 2, 0, max(0, n - side))) for c, n in zip(middle, shape, strict=True))
    window = np.s_[y : y + side, x : x + side]
    grey = _grey(field, one, window)
    overlay = heated(grey, on_pixels(source.values(field, one), patch, shape)[window], top)
    size = (_TILE_SIDE, _TILE_SIDE)
    said = f"{place.value:.1f}{source.unit}" if source.unit else f"{place.value:.2f}"
    return Photo(jpeg(_rgb(grey), size), jpeg(overlay, size), size, f"{field.header.well} · {said}")


def _rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


def jpeg(picture: np.ndarray, size: tuple[int, int]) -> str:
    """A picture ``(y, x, 3)`` from 0 to 1 as a data address."""
    image = Image.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8))
    if image.size != size:
        smaller = image.size[0] > size[0]
        image = image.resize(size, Image.Resampling.LANCZOS if smaller else Image.Resampling.BICUBIC)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
