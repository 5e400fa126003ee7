"""Opening plates and lexicons: in a thread, with a sentence when it fails."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_lexicon.errors import LexiconError
from napari_lexicon.plates.folder_names import is_part_of_a_plate, plate_name
from napari_lexicon.widgets.workspace.preferences import Memory, preferences

if TYPE_CHECKING:
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.headers import PlateOrigin
    from napari_lexicon.plates.model import Plate
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.state import WorkspaceState


@dataclass(frozen=True)
class Opened:
    """A plate, and the lexicon that belongs to it where there is one."""

    plate: Plate
    origin: PlateOrigin
    lexicon: Lexicon | None
    trouble: str = ""


def results_path(plate_path: Path, folder: str = "") -> Path:
    """Where the lexicon of a plate goes.

    Parameters
    ----------
    plate_path : pathlib.Path
        The plate.
    folder : str
        A folder for all lexicons; where empty, the one that the plate lies in, or the home folder where that cannot
        be written.
    """
    name = plate_name(plate_path) if is_part_of_a_plate(plate_path) else plate_path.name
    for ending in (".zarr", ".ome"):
        name = name.removesuffix(ending)
    parent = Path(folder).expanduser() if folder else plate_path.parent
    if not folder and not os.access(parent, os.W_OK):
        parent = Path.home() / "napari-lexicon"
    return parent / f"{name}.lexicon"


def open_with_lexicon(origin: PlateOrigin, lexicon_path: Path | None) -> Opened:
    """Open a plate, and its lexicon where one is there. A lexicon that cannot be read does not keep the plate shut."""
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.origins import of_the_plate
    from napari_lexicon.lexicons.relinking import as_written, relinked
    from napari_lexicon.plates import open_plate

    plate = open_plate(origin.path, **origin.choices())
    path = lexicon_path or results_path(Path(origin.path), preferences().results_folder)
    inner = of_the_plate(origin, plate)
    if not (path / "lexicon.json").exists() and inner != origin:  # the plate's results lie beside the plate
        origin = inner
        path = lexicon_path or results_path(Path(origin.path), preferences().results_folder)
    if not (path / "lexicon.json").exists():
        return Opened(plate, origin, None)
    try:
        lexicon, trouble = Lexicon.open(path), ""
        origin = as_written(lexicon, origin)
        before = relinked(lexicon, plate, origin)
        if before is not None:
            lexicon = Lexicon.open(path)
            trouble = f"{plate.name} was at {before} when it was read: its lexicon looks for it here from now on."
        read = origin_in(lexicon, origin)
        if read != origin:  # maps lie on the pixels that were read
            plate = open_plate(read.path, **read.choices())
        return Opened(plate, read, lexicon, trouble)
    except LexiconError as error:
        return Opened(plate, origin, None, str(error))


def origin_in(lexicon: Lexicon, origin: PlateOrigin) -> PlateOrigin:
    """The origin as the lexicon read the plate: all its choices where a person made none, else its fields' size."""
    plain = origin == type(origin)(path=origin.path)
    for plate in lexicon.plates.values():
        read = plate.header.origin
        if read.path == origin.path and plain and (read.plate_map is None or Path(read.plate_map).exists()):
            return read
        if read.path == origin.path and read.size != origin.size:
            return origin.sized_as(read)
    return origin


def open_from_lexicon(path: Path) -> Opened:
    """Open a lexicon and the first of its plates that can be found.

    Raises
    ------
    LexiconError
        If the folder is no lexicon, or none of its plates can be opened; ``PlateGoneError`` where one was moved.
    """
    from napari_lexicon.errors import LexiconFolderError
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.relinking import gone, is_gone

    lexicon = Lexicon.open(path)
    sentence = f"{path} holds no plate yet: open a plate and apply a dictionary to it."
    for plate in lexicon.plates.values():
        try:
            opened = open_with_lexicon(plate.header.origin, path)
        except LexiconError as error:
            sentence = str(error)
            continue
        return Opened(opened.plate, opened.origin, lexicon)
    for plate in lexicon.plates.values():
        if is_gone(plate.header.origin):
            raise gone(lexicon, plate)
    raise LexiconFolderError(sentence)


def open_moved(path: Path, plate_id: str, place: Path) -> Opened:
    """Open a lexicon and one of its plates, which is at another place now; the lexicon is told.

    Raises
    ------
    LexiconError
        If it is another plate, or cannot be opened.
    """
    from napari_lexicon.errors import LexiconFolderError
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.relinking import difference, moved_origin, relink
    from napari_lexicon.plates import open_plate

    known = Lexicon.open(path).plates[plate_id]
    origin = moved_origin(known.header.origin, place)
    other = difference(known, open_plate(origin.path, **origin.choices()))
    if other:
        raise LexiconFolderError(other)
    relink(known, origin)
    return open_with_lexicon(origin, path)


class Opening(QObject):
    """Opens plates and lexicons for one viewer.

    Signals
    -------
    began(str)
        Name of what is being opened.
    ended()
        It is open, or failed.
    failed(str, str)
        Path and sentence of what could not be opened.
    gone(PlateGoneError)
        A lexicon whose plate is no longer where it was.
    replacing()
        A plate is about to take the place of the open one.
    opened()
        It has, with its lexicon where it has one.
    """

    began = Signal(str)
    ended = Signal()
    failed = Signal(str, str)
    gone = Signal(object)
    replacing = Signal()
    opened = Signal()

    def __init__(self, state: WorkspaceState, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._background = state, background
        self.memory = Memory()
        state.lexiconChanged.connect(self._remember)

    def plate(
        self,
        path: Path,
        *,
        pattern: str | None = None,
        plate_map: Path | None = None,
        name: str | None = None,
        lexicon: Path | None = None,
    ) -> None:
        """Open a plate, or anything that can be one."""
        from napari_lexicon.lexicons.headers import PlateOrigin
        from napari_lexicon.plates.locations import absolute_location

        if path.suffix == ".lexicon":
            self.lexicon(path)
            return
        self.origin(
            PlateOrigin(
                path=absolute_location(path),
                pattern=pattern,
                plate_map=None if plate_map is None else str(plate_map.absolute()),
                name=name,
            ),
            lexicon,
        )

    def origin(self, origin: PlateOrigin, lexicon: Path | None = None) -> None:
        """Open a plate as it was opened before."""
        self._begin(Path(origin.path), lambda path: open_with_lexicon(origin, lexicon))

    def lexicon(self, path: Path) -> None:
        """Open a lexicon folder and its first plate."""
        self._begin(path, open_from_lexicon)

    def moved(self, lexicon: Path, plate_id: str, place: Path) -> None:
        """Open a lexicon whose plate is at another place now."""
        self.began.emit(place.name)
        self._background.start(
            "plate", lambda: open_moved(lexicon, plate_id, place), self._take, lambda error: self._not_moved(error)
        )

    def lexicon_of_plate(self, path: Path) -> None:
        """Open the lexicon at a path beside the plate that is open already: a job has made or changed it."""
        from napari_lexicon.lexicons import Lexicon

        self._background.start(
            "lexicon", lambda: Lexicon.open(path), self._take_lexicon, lambda error: self._not_open(path, error)
        )

    def _take_lexicon(self, lexicon: Lexicon) -> None:
        origin = self._state.origin
        if origin is not None and origin_in(lexicon, origin) != origin:
            self.origin(origin_in(lexicon, origin), lexicon.path)
        else:
            self._state.set_lexicon(lexicon)

    def tell_failure(self, error: Exception) -> None:
        """Say what went wrong; raise what is no user error, so that napari shows where it comes from."""
        self._state.notice(str(error), "error")
        if not isinstance(error, LexiconError):
            raise error

    def _begin(self, path: Path, work) -> None:  # type: ignore[no-untyped-def]
        self.began.emit(path.name)
        self._background.start("plate", lambda: work(path), self._take, lambda error: self._not_open(path, error))

    def _take(self, opened: Opened) -> None:
        self._background.forget("lexicon")
        self.replacing.emit()
        self._state.set_lexicon(None)
        self._state.set_plate(opened.plate, opened.origin)
        self._state.set_lexicon(opened.lexicon)
        if opened.lexicon is None:
            self.memory.remember(opened.origin.model_dump(mode="json"))
        self.opened.emit()
        if opened.trouble:
            self._state.notice(opened.trouble, "warning")
        self.ended.emit()

    def _remember(self, lexicon: Lexicon | None) -> None:
        """Put the open plate, with its lexicon, first on the start page."""
        if lexicon is not None and self._state.origin is not None and self._state.lexicon_plate is not None:
            self.memory.remember(self._state.origin.model_dump(mode="json"), str(lexicon.path))

    def _not_open(self, path: Path, error: Exception) -> None:
        from napari_lexicon.lexicons.relinking import PlateGoneError

        self.ended.emit()
        if not isinstance(error, LexiconError):
            self._state.notice(f"{path.name} could not be opened ({error}).", "error")
            raise error
        if isinstance(error, PlateGoneError):
            self.gone.emit(error)
            return
        self.failed.emit(str(path), str(error))
        self._state.notice(str(error), "error")

    def _not_moved(self, error: Exception) -> None:
        self.ended.emit()
        self.tell_failure(error)
