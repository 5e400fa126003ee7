"""The Plate dock: start page, plate, and the ways to open one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QApplication, QFileDialog, QInputDialog, QMenu, QStackedWidget

from napari_lexicon.plates.folder_names import is_part_of_a_plate, plate_name
from napari_lexicon.plates.locations import remote_address
from napari_lexicon.widgets.basic.scroll import TallContent
from napari_lexicon.widgets.plate import status
from napari_lexicon.widgets.plate.controller import PlateController
from napari_lexicon.widgets.plate.map_controller import MapController
from napari_lexicon.widgets.plate.map_page import MapPage
from napari_lexicon.widgets.plate.moved_page import MovedPage
from napari_lexicon.widgets.plate.pattern_controller import PatternController
from napari_lexicon.widgets.plate.pattern_page import PatternPage
from napari_lexicon.widgets.plate.planes_dialog import PlanesDialog
from napari_lexicon.widgets.plate.start_page import StartPage
from napari_lexicon.widgets.plate.view import PlateView
from napari_lexicon.widgets.workspace.links import Dock
from napari_lexicon.widgets.workspace.opening import results_path
from napari_lexicon.widgets.workspace.workspace import workspace_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qtpy.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent

    from napari_lexicon.lexicons.relinking import PlateGoneError
    from napari_lexicon.widgets.workspace.links import Controller


class PlateDock(Dock):
    """Open a plate and find your way around it."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(workspace_of(napari_viewer), "plate")
        self.setAcceptDrops(True)
        self.view, self.start, self.pattern_page = PlateView(), StartPage(), PatternPage()
        self.pages = QStackedWidget()
        self.pages.addWidget(TallContent(self.start))
        self.pages.addWidget(self.view)
        self.pages.addWidget(TallContent(self.pattern_page))
        self.moved_page = MovedPage()
        self.pages.addWidget(TallContent(self.moved_page))
        self.map_page = MapPage()
        self.pages.addWidget(TallContent(self.map_page))
        self.view.open_button.setMenu(self._menu())
        self.set_content(self.pages)

    def make_controller(self) -> Controller:
        controller = PlateController(self.workspace, self.view)
        controller.link(self.workspace.state.plateChanged, self._turn_page)
        controller.link(self.view.mapClicked, lambda: self._take_map(controller.likely_map))
        controller.link(self.start.openRequested, self.ask_for_plate)
        controller.link(self.start.addressRequested, self.ask_for_address)
        controller.link(self.start.sampleRequested, self.open_sample)
        controller.link(self.start.recentRequested, self._open_recent)
        controller.link(self.workspace.opening.failed, self._maybe_ask_for_pattern)
        controller.link(self.workspace.opening.gone, self.show_moved_page)
        controller.link(self.pattern_page.backClicked, self._turn_page)
        controller.link(self.moved_page.backClicked, self._turn_page)
        controller.link(self.map_page.backClicked, self._turn_page)
        controller.link(self.moved_page.againClicked, self.workspace.opening.lexicon)
        controller.link(self.moved_page.chooseClicked, self.ask_for_place)
        controller.link(self.workspace.opening.opened, self._turn_page)
        self._patterns = PatternController(self.workspace, self.pattern_page.form, controller, "pattern page")
        self._maps = MapController(self.workspace, self.map_page, controller, self.add_map)
        self._turn_page()
        return controller

    def ask_for_plate(self) -> None:
        """Open what a person chooses in a dialog."""
        path = QFileDialog.getExistingDirectory(self, "A plate (.zarr), a folder of images, or a lexicon")
        if path:
            self.workspace.opening.plate(Path(path))

    def ask_for_address(self) -> None:
        """Open an address that a person types or pastes; returns at once."""
        dialog = QInputDialog(self)
        dialog.setObjectName("address_dialog")
        dialog.setWindowTitle("Open an address")
        dialog.setLabelText("Address of an OME-Zarr plate, for example https://… or s3://bucket/plate.zarr")
        dialog.setTextValue(_copied_address())
        dialog.resize(520, dialog.height())
        dialog.textValueSelected.connect(self.open_address)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_address(self, text: str) -> None:
        """Open an address, or a path that was typed."""
        if text.strip():
            self.workspace.opening.plate(Path(text.strip()))

    def show_pattern_page(self, folder: Path, sentence: str) -> None:
        """Let a person say how the names of a folder's images are read."""
        self.pattern_page.setProblem(folder.name, sentence)
        self._patterns.set_folder(folder)
        self.pages.setCurrentIndex(2)

    def show_moved_page(self, error: PlateGoneError) -> None:
        """Let a person say where the plate of a lexicon is now."""
        self.moved_page.setValue(error)
        self.pages.setCurrentIndex(3)

    def ask_for_place(self) -> None:
        """Look for the plate of a lexicon in the folder that a person chooses in a dialog; returns at once."""
        error = self.moved_page.value()
        if error is None:
            return
        dialog = QFileDialog(self, "Where the plate is now", str(error.lexicon.parent))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda path: self.workspace.opening.moved(error.lexicon, error.plate, Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _maybe_ask_for_pattern(self, path: str, sentence: str) -> None:
        """A folder with images in it that could not be opened gets a page to say how it is read."""
        from napari_lexicon.plates.image_folder import guess_pattern

        folder = Path(path)
        if not folder.is_dir() or (folder / ".zattrs").exists() or (folder / "zarr.json").exists():
            return
        self.workspace.background.start(
            "needs pattern",
            lambda: guess_pattern(folder),
            lambda _: self.show_pattern_page(folder, sentence),
            lambda error: None,  # there are no images: the sentence that was told says all
        )

    def ask_for_planes(self) -> None:
        """Let a person say what is taken of stacks and series; returns at once."""
        plate, origin = self.workspace.state.plate, self.workspace.state.origin
        if plate is None or origin is None:
            return
        dialog = PlanesDialog(status.planes_said(plate), origin.z, origin.t, self)
        dialog.chosen.connect(lambda z, t: self.workspace.opening.origin(origin.model_copy(update={"z": z, "t": t})))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def ask_for_map(self) -> None:
        """Show how the plate map that a person chooses in a dialog would be read; returns at once."""
        dialog = QFileDialog(self, "A plate map", filter="Tables (*.csv *.tsv *.txt *.xlsx)")
        dialog.setObjectName("map_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.show_map_page(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def show_map_page(self, path: Path) -> None:
        """Let a person see and say how the columns of a plate map are read, and which wells are controls."""
        from napari_lexicon.plates.study_maps import is_study_map

        plate = self.workspace.state.plate
        if plate is None or is_study_map(path):  # a study's own files say themselves what their columns are
            self.add_map(path)
            return
        self._maps.set_table(path, plate)
        self.pages.setCurrentIndex(4)

    def read_map_again(self) -> None:
        """Show how the columns of the plate map in use are read."""
        origin = self.workspace.state.origin
        if origin is not None and origin.plate_map is not None:
            self.show_map_page(Path(origin.plate_map))
        else:
            self.ask_for_map()

    def _take_map(self, likely: Path | None) -> None:
        """Show how the table that was found would be read, or ask for one."""
        if likely is None:
            self.ask_for_map()
        else:
            self.show_map_page(likely)

    def add_map(self, path: Path) -> None:
        """Open the plate again with a plate map."""
        origin = self.workspace.state.origin
        if origin is not None:
            self.workspace.opening.origin(origin.model_copy(update={"plate_map": str(path.absolute())}))

    def open_sample(self) -> None:
        """Open the sample plate; it is made first where it is not there."""
        self.workspace.samples.open_small(self.name)

    def _open_recent(self, position: int) -> None:
        from napari_lexicon.lexicons.headers import PlateOrigin

        recent = self.workspace.opening.memory.recent()
        if position < len(recent):
            origin = dict(recent[position])
            lexicon = Path(str(origin.pop("lexicon", "")))
            there = (lexicon / "lexicon.json").exists()
            self.workspace.opening.origin(PlateOrigin.model_validate(origin), lexicon if there else None)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setObjectName("plate_menu")
        menu.addAction("Open a plate or a folder of images…", self.ask_for_plate)
        menu.addAction("Open an address (https, s3)…", self.ask_for_address)
        recent = menu.addMenu("Opened last")
        assert recent is not None
        recent.aboutToShow.connect(lambda: self._fill_recent(recent))
        menu.addAction("Sample plate", self.open_sample)
        menu.addSeparator()
        menu.addAction("Planes and time points…", self.ask_for_planes)
        menu.addAction("Add a plate map…", self.ask_for_map)
        menu.addAction("How the plate map is read…", self.read_map_again)
        return menu

    def _fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        for position, origin in enumerate(self.workspace.opening.memory.recent()):
            menu.addAction(recent_words(origin)[0], lambda position=position: self._open_recent(position))

    def _turn_page(self, _: object = None) -> None:
        plate = self.workspace.state.plate
        self.pages.setCurrentIndex(0 if plate is None else 1)
        if plate is None:
            recent = self.workspace.opening.memory.recent()
            self.start.setRecent([recent_words(origin) for origin in recent])

    # drag and drop --------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        if event is not None and _dropped_path(event) is not None:
            self._show_drop(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent | None) -> None:
        self._show_drop(False)

    def dropEvent(self, event: QDropEvent | None) -> None:
        self._show_drop(False)
        path = None if event is None else _dropped_path(event)
        if path is None or event is None:
            return
        event.acceptProposedAction()
        if path.suffix.lower() in (".csv", ".tsv", ".txt", ".xlsx") and self.workspace.state.plate is not None:
            self.add_map(path)
        else:
            self.workspace.opening.plate(path)

    def _show_drop(self, dropping: bool) -> None:
        self.start.setProperty("dropping", dropping)
        self.start.update()


def recent_words(origin: Mapping[str, Any]) -> tuple[str, str]:
    """What a plate opened before is called, and where it is: with its lexicon, where that has a name of its own."""
    path, lexicon = Path(str(origin["path"])), str(origin.get("lexicon", ""))
    own = results_path(path).name
    name = plate_name(path) if is_part_of_a_plate(path) else path.name
    if lexicon and Path(lexicon).name != own:
        name = f"{name} · {Path(lexicon).stem}"
    there = "Opens where you left it."
    return name, "\n".join(line for line in (str(path), lexicon, there) if line)


def _dropped_path(event: QDropEvent) -> Path | None:
    data = event.mimeData()
    urls = data.urls() if data is not None else []
    if len(urls) != 1:
        return None
    if urls[0].isLocalFile():
        return Path(urls[0].toLocalFile())
    address = remote_address(urls[0].toString())
    return None if address is None else Path(address)


def _copied_address() -> str:
    """The address on the clipboard, empty where there is none."""
    clipboard = QApplication.clipboard()
    return (remote_address(clipboard.text()) or "") if clipboard is not None else ""
