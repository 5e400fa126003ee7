"""The JSON files of a lexicon folder (docs/reference/lexicon-folder.md), validated where they meet the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons.files import read_json

FORMAT: Literal["napari-lexicon"] = "napari-lexicon"
VERSION = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DictionaryReference(_Frozen):
    """Which dictionary made the codes; its file is ``dictionary.safetensors`` in the folder."""

    hash: str
    n_features: int
    k: int
    channels: Literal["separate", "concat", "mean"]


class LexiconHeader(_Frozen):
    """``lexicon.json``: one backbone, one dictionary (or none yet), for all plates of the folder."""

    format: Literal["napari-lexicon"] = FORMAT
    version: int = VERSION
    software: str
    backbone: dict[str, Any]
    dictionary: DictionaryReference | None = None


class PlateOrigin(_Frozen):
    """How to open the plate again."""

    path: str
    pattern: str | None = None
    plate_map: str | None = None
    name: str | None = None
    z: int | Literal["max", "all"] = "max"
    t: int | Literal["all"] = 0
    acquisition: str | None = None
    tile: int = 2048
    pages: Literal["z", "t", "c"] | None = None
    um_per_pixel: float | None = None
    enlarge: float | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Micrometres per pixel that fields are resampled to, and times that they are enlarged; 0 and 1 for neither."""
        return self.um_per_pixel or 0.0, self.enlarge or 1.0

    def sized_as(self, other: PlateOrigin) -> PlateOrigin:
        """The same plate, its fields resampled or enlarged as those of another."""
        return self.model_copy(update={"um_per_pixel": other.um_per_pixel, "enlarge": other.enlarge})

    def choices(self) -> dict[str, Any]:
        """Options of `napari_lexicon.plates.open_plate` beside the path."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "path"}


class IlluminationHeader(_Frozen):
    """How the light of a channel falls on a field (:mod:`napari_lexicon.backbones.illumination`)."""

    version: str
    dark: float
    flat: tuple[float, ...]


class ChannelHeader(_Frozen):
    """A channel, its intensity window in grey values of this plate, and its flat field where one was estimated."""

    name: str
    color: str | None = None
    low: float
    high: float
    illumination: IlluminationHeader | None = None


class FieldHeader(_Frozen):
    """One field: where it is, its size and its grid of tokens."""

    well: str
    name: str
    index: int
    shape: tuple[int, int]
    grid: tuple[int, int]
    channels: tuple[int, ...]
    pixel_size_um: tuple[float, float] | None = None
    identity: str


class ProblemHeader(_Frozen):
    """Something missing or unreadable."""

    sentence: str
    well: str | None = None
    field: str | None = None


class PlateHeader(_Frozen):
    """``plates/ID/plate.json``: the plate as it was when the job began."""

    id: str
    name: str
    origin: PlateOrigin
    note: str = ""
    rgb: bool = False
    rows: int = 0
    columns: int = 0
    channels: tuple[ChannelHeader, ...]
    fields: tuple[FieldHeader, ...]
    problems: tuple[ProblemHeader, ...] = ()


def read_header(path: Path, model: type[BaseModel]) -> Any:
    """Read and validate one of the headers.

    Raises
    ------
    LexiconFolderError
        If the file is missing, damaged, or of a newer version.
    """
    if not path.exists():
        raise LexiconFolderError(
            f"{path.parent} is not a lexicon folder: {path.name} is missing; choose a .lexicon folder."
        )
    data = read_json(path)
    version = data.get("version", VERSION) if isinstance(data, dict) else VERSION
    if isinstance(version, int) and version > VERSION:
        raise LexiconFolderError(
            f"{path} was written by a newer napari-lexicon (format {version}, this one reads {VERSION}): "
            "update the plugin."
        )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise LexiconFolderError(
            f"{path} is damaged ({where}: {first['msg']}): restore it or run the job again."
        ) from error
