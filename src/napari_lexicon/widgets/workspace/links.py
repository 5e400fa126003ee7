"""Connections of a dock, cut when it goes, and the dock that knows when it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QDockWidget, QSizePolicy, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.image_words import tell
from napari_lexicon.widgets.workspace.job_status import JobStatus
from napari_lexicon.widgets.workspace.job_strip import JobStrip
from napari_lexicon.widgets.workspace.remedies import remedy_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_lexicon.plates.model import Plate
    from napari_lexicon.widgets.workspace.workspace import Workspace


class Controller(QObject):
    """Between a view and the workspace. Everything it connects is in one list, so that nothing outlives the dock."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self._links: list[tuple[Any, Callable[..., Any]]] = []

    def link(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect, and remember it for :meth:`close`."""
        signal.connect(slot)
        self._links.append((signal, slot))

    def n_links(self) -> int:
        """Connections held now."""
        return len(self._links)

    def close(self) -> None:
        """Cut every connection."""
        links, self._links = self._links, []
        for signal, slot in links:
            signal.disconnect(slot)


def open_file(path: str) -> None:
    """Open a file with the program that this computer uses for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(path))


class Dock(QWidget):
    """Base of the dock widgets: a view, its controller, and the strip of the job that it started.

    napari gives a closed dock's widget no close event (napari issue 8071): it only takes it out of its dock. So the
    controller lives from the moment the widget is put into a dock to the moment it is taken out.

    Parameters
    ----------
    workspace : Workspace
        Of the viewer.
    name : str
        Owner's name of the jobs started here.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        super().__init__()
        self.workspace, self.name = workspace, name
        self.setObjectName(f"lexicon_{name}")
        self.strip = JobStrip()
        self.controller: Controller | None = None
        # napari fills docks up with empty space unless they say that they use it themselves
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 4, 8, 8)
        box.setSpacing(4)

    def set_content(self, content: QWidget) -> None:
        """Put the view above the strip."""
        box = self.layout()
        assert isinstance(box, QVBoxLayout)
        box.addWidget(content, 1)
        box.addWidget(self.strip)
        self.open()

    def make_controller(self) -> Controller:
        """A controller for the view, showing what is current."""
        raise NotImplementedError

    def open(self) -> None:
        """Connect the view; does nothing while it is connected."""
        if self.controller is not None:
            return
        controller = self.controller = self.make_controller()
        jobs = self.workspace.jobs
        controller.link(jobs.changed, self._show_job)
        controller.link(self.workspace.state.plateChanged, self._tell)
        controller.link(self.strip.stopRequested, jobs.stop)
        controller.link(self.strip.dismissed, jobs.forget)
        controller.link(self.strip.resumeRequested, self._resume)
        controller.link(self.strip.openRequested, open_file)
        controller.link(self.strip.remedyRequested, self._remedy)
        self._show_job(jobs.status)
        self._tell(self.workspace.state.plate)

    def _tell(self, plate: Plate | None) -> None:
        """A plate of loose images has no wells."""
        tell(self, images=plate is not None and plate.free)

    def close_links(self) -> None:
        """Disconnect the view."""
        controller, self.controller = self.controller, None
        if controller is not None:
            controller.close()

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if isinstance(self.parent(), QDockWidget):
                self.open()
            elif self.parent() is None:
                self.close_links()
        return super().event(event)

    def _resume(self) -> None:
        request = self.workspace.jobs.status.request
        if request is not None:
            self.workspace.jobs.start(request)

    def _show_job(self, status: JobStatus) -> None:
        mine = status.request is not None and status.request.owner == self.name
        self.strip.setValue(status if mine else JobStatus())
        remedy = remedy_of(status, self.workspace) if mine else None
        self.strip.setRemedy("" if remedy is None else remedy.text)

    def _remedy(self) -> None:
        remedy = remedy_of(self.workspace.jobs.status, self.workspace)
        if remedy is not None:
            remedy.act()
