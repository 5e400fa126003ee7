"""The pictures of a report: fields of a treated and a control well, and the strongest places, each beside its map."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.analysis.pictures import heated, on_pixels, stretched
from napari_lexicon.analysis.reading import OpenedPlates, ReadField
from napari_lexicon.analysis.report.findings import Chosen, Findings
from napari_lexicon.analysis.well_table import ALL_CHANNELS
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
    for done, one in enumerate(found.chosen):
        told(done, len(found.chosen), f"pictures of {one.label}")
        try:
            photos[one.row] = _photos(found, one, plates)
        except LexiconError:
            return photos  # the findings have said why
    return photos


def _photos(found: Findings, one: Chosen, plates: OpenedPlates) -> Photos:
    by_name = {plate.header.name: plate for plate in found.lexicon.plates.values()}
    top = max(_strongest(plate, one) for plate in by_name.values())
    fields = []
    for well, what in _wells(found, one):
        row = found.table.wells.iloc[well]
        plate = by_name[row["plate"]]
        number = _field_of(plate, str(row["well"]), one, highest=what != "control")
        if number is not None:
            fields.append(_field_photo(found, plates.field(plate, number), one, top, what))
    return Photos(tuple(fields), tuple(_tiles(found, one, plates, top)), top)


def _channel(plate: LexiconPlate, one: Chosen) -> int | None:
    """Channel of the plate whose map is drawn; None for all."""
    names = [channel.name for channel in plate.header.channels]
    return None if one.channel == ALL_CHANNELS or one.channel not in names else names.index(one.channel)


def _strongest(plate: LexiconPlate, one: Chosen) -> float:
    strongest = plate.statistics().strongest
    channel = _channel(plate, one)
    own = strongest[:, :, one.feature] if channel is None or plate.joint else strongest[:, channel, one.feature]
    return max(float(own.max()), 1e-6)


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


def _field_of(plate: LexiconPlate, well: str, one: Chosen, *, highest: bool) -> int | None:
    """The field of a well where the feature fires most, or the middle one."""
    numbers = [n for n, f in enumerate(plate.fields) if f.well == well and plate.mark("codes", n) is not None]
    fires = []
    for number in numbers:
        codes = plate.codes(number)
        assert codes is not None  # it is finished
        fires.append(float((activation_map(codes, one.feature, _map_channel(plate, one)) > 0).mean()))
    order = np.argsort(fires, kind="stable")
    return numbers[int(order[-1] if highest else order[len(order) // 2])] if numbers else None


def _map_channel(plate: LexiconPlate, one: Chosen) -> int | None:
    return None if plate.joint else _channel(plate, one)


def _map(field: ReadField, one: Chosen) -> np.ndarray:
    """``(gh, gw)`` activation map of the feature."""
    return activation_map(field.codes, one.feature, _map_channel(field.plate, one))


def _grey(field: ReadField, one: Chosen, window: tuple[slice, slice]) -> np.ndarray:
    """The stain in a window of the field, 0 to 1, dark parts lifted; only what is shown is read."""
    assert field.source is not None  # opened with its pixels
    channel = _channel(field.plate, one)
    rows = range(len(field.header.channels)) if channel is None else [field.header.channels.index(channel)]
    lazy, windows = field.source.image(), field.windows
    planes = [stretched(np.asarray(lazy[row][window]), *windows[row]) for row in rows]
    return np.asarray(np.sqrt(np.mean(planes, axis=0)))


def _field_photo(found: Findings, field: ReadField, one: Chosen, top: float, what: str) -> Photo:
    height, width = field.header.shape
    scale = min(1.0, _FIELD_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = _resized(_grey(field, one, np.s_[:, :]), size)
    values = _map(field, one)
    patch = found.lexicon.backbone.patch
    y, x = ((np.arange(n) / scale).astype(int) // patch for n in (size[1], size[0]))
    heat = values[y.clip(max=values.shape[0] - 1)][:, x.clip(max=values.shape[1] - 1)]
    bar_um, bar_px = _bar(field, scale, size[0])
    caption = f"{what}, well {field.header.well}: fires in {100 * float((values > 0).mean()):.1f} % of this field"
    return Photo(jpeg(_rgb(grey), size), jpeg(heated(grey, heat, top), size), size, caption, bar_um, bar_px)


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


def _tiles(found: Findings, one: Chosen, plates: OpenedPlates, top: float) -> list[Photo]:
    """The strongest places of the feature in its channel, over all plates, at most one per field."""
    examples = []
    for plate in found.lexicon.plates.values():
        channel = _channel(plate, one)
        for example in plate.examples(plate.statistics(), one.feature, 64):
            if channel is None or plate.joint or example.channel == channel:
                examples.append((example.value, example, plate))
    examples.sort(key=lambda entry: -entry[0])
    patch = found.lexicon.backbone.patch
    photos = []
    for _, example, plate in examples[: found.settings.tiles]:
        field = plates.field(plate, example.field_index)
        side = (2 * _CONTEXT + 1) * patch
        place = (example.gy * patch + patch // 2, example.gx * patch + patch // 2)
        shape = field.header.shape
        y, x = (int(np.clip(c - side // 2, 0, max(0, n - side))) for c, n in zip(place, shape, strict=True))
        window = np.s_[y : y + side, x : x + side]
        grey = _grey(field, one, window)
        overlay = heated(grey, on_pixels(_map(field, one), patch, shape)[window], top)
        size = (_TILE_SIDE, _TILE_SIDE)
        photos.append(
            Photo(
                jpeg(_rgb(grey), size),
                jpeg(overlay, size),
                size,
                f"{example.well} · {example.value:.2f}",
            )
        )
    return photos


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
