"""Everything that the docks of one viewer share, made with the first dock and gone with the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QApplication

from napari_lexicon.viewer.napari_compat import free_on_the_canvas, main_window, open_viewers, unwrapped
from napari_lexicon.viewer.pointer import bind_keys
from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.workspace.alike_search import AlikeSearch
from napari_lexicon.widgets.workspace.background import Background
from napari_lexicon.widgets.workspace.canvas import Canvas
from napari_lexicon.widgets.workspace.collecting import main_thread_collecting
from napari_lexicon.widgets.workspace.compute import Compute
from napari_lexicon.widgets.workspace.device_probe import DeviceProbe
from napari_lexicon.widgets.workspace.fine_reading import FineReading
from napari_lexicon.widgets.workspace.first_look import FirstLook
from napari_lexicon.widgets.workspace.front import bring_to_front, dock_of
from napari_lexicon.widgets.workspace.job_runner import JobRunner
from napari_lexicon.widgets.workspace.job_status import JobPhase, JobRequest, JobStatus
from napari_lexicon.widgets.workspace.opening import Opening
from napari_lexicon.widgets.workspace.pointing import Pointing
from napari_lexicon.widgets.workspace.reading import LexiconReading
from napari_lexicon.widgets.workspace.restoring import Restoring
from napari_lexicon.widgets.workspace.sample_plate import SamplePlate
from napari_lexicon.widgets.workspace.settling import settle, unsettle
from napari_lexicon.widgets.workspace.state import WorkspaceState
from napari_lexicon.widgets.workspace.taught_channel import TaughtChannel
from napari_lexicon.widgets.workspace.training_pace import TrainingPace
from napari_lexicon.widgets.workspace.training_watch import TrainingWatch
from napari_lexicon.widgets.workspace.trial import Trial
from napari_lexicon.widgets.workspace.walking import Walking

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_lexicon.widgets.workspace.state import Notice

_READING = ("apply", "embed", "teach")
_WORKSPACES: WeakKeyDictionary[Any, Workspace] = WeakKeyDictionary()


class Workspace(QObject):
    """State, reading, opening, layers, keys and the job of one viewer."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = ref(viewer)
        free_on_the_canvas(viewer)
        self.state = WorkspaceState(self)
        self.background = Background(self)
        self.reading = LexiconReading(self.state, self.background, self)
        self.opening = Opening(self.state, self.background, self)
        self.jobs = JobRunner(self)
        self.devices = DeviceProbe(self)
        self.compute = Compute(self.state, self.jobs, self.opening.memory, self)
        self.training = TrainingWatch(self.jobs, self)
        self.pace = TrainingPace(self.opening.memory, self)
        self.samples = SamplePlate(self.opening, self.jobs, self.background, self)
        self.fine = FineReading(self.state, self.background, self.compute, self)
        self.pointing = Pointing(self.state, self)
        self.trial = Trial(self.state, self.pointing, self.fine, self.background, self)
        self.canvas = Canvas(self.state, viewer, self.background, self.reading, self.fine, self.trial, self)
        self.walking = Walking(self.state, self.reading, self)
        self.restoring = Restoring(self.state, self.reading, self.opening, self.canvas, self.background, self)
        self.first = FirstLook(self.state, self.reading, self.jobs, self.opening, self.background, self)
        self.alike = AlikeSearch(self.state, self.background, self.reading, self)
        self._taught_channel = TaughtChannel(self.state, self.reading, self)
        bind_keys(viewer, {**self.walking.actions(), "more_like_this": self.alike.from_spot})
        self._settled = self._collects = False
        self._soon = later(self, 0, self._settle)
        self._soon.start()  # when all docks are made
        self.jobs.figures.connect(self._job_told)
        self.jobs.ended.connect(self._job_ended)
        self.first.openedWithFeature.connect(self._show_features)
        self.state.noticed.connect(self._show_notice)
        window = main_window(viewer)
        if window is not None:
            window.destroyed.connect(self.close)
            window.installEventFilter(self)
        app = QApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.close)

    def viewer(self) -> Any | None:
        """The viewer, None once it is gone."""
        return self._viewer()

    def close(self) -> None:
        """End the job and drop what is awaited; the window is closing."""
        self.restoring.hold()
        self.jobs.close()
        self.fine.close()
        self.canvas.close()
        self.devices.close()
        self.pace.close()
        self.background.close()
        self._soon.stop()
        if self._collects:
            self._collects = False
            main_thread_collecting().end()
        if self._settled:
            self._settled = False
            unsettle()
        viewer = self._viewer()
        if viewer is not None:
            _WORKSPACES.pop(viewer, None)

    def _settle(self) -> None:
        viewer = self._viewer()
        if viewer is not None and main_window(viewer) is not None and viewer in _WORKSPACES:
            self._collects = True
            main_thread_collecting().begin()
            self._settled = settle(open_viewers(viewer))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Layers go while the window closes: what was on the image is written down before."""
        if event is not None and event.type() == QEvent.Type.Close:
            self.restoring.hold()
        elif event is not None and event.type() == QEvent.Type.WindowActivate:
            self.restoring.go_on()
        return False

    def _job_told(self, extra: dict[str, Any]) -> None:
        """A field is finished: show what it brings while the job goes on."""
        request = self.jobs.status.request
        if request is None or "well" not in extra or not self._concerns_open_plate(request):
            return
        path = Path(str(request.settings["out"]))
        lexicon = self.state.lexicon
        known = lexicon is not None and lexicon.path == path and self.state.lexicon_plate is not None
        if known and lexicon is not None and (request.kind == "embed" or lexicon.header.dictionary is not None):
            self.state.tell_growth()
        elif not self.background.busy("lexicon"):
            self.opening.lexicon_of_plate(path)

    def _job_ended(self, status: JobStatus) -> None:
        request = status.request
        if request is not None and request.kind in _READING and self._concerns_open_plate(request):
            path = Path(str(request.settings["out"]))
            if (path / "lexicon.json").exists():
                feature, channel = self._chosen_in(path)
                self._again(path, status.result.get("feature", feature), channel)
        if status.phase is JobPhase.FAILED:
            self.state.notice(status.sentence, "error")

    def _chosen_in(self, path: Path) -> tuple[int | None, int | None]:
        """Feature and channel that a person looks at in a lexicon; in another one their numbers mean other things."""
        lexicon, feature, channel = self.state.lexicon, self.state.feature, self.state.channel
        if lexicon is None or lexicon.path != path:
            return None, None
        return feature, None if channel == self.reading.taught_channel(feature) else channel

    def _concerns_open_plate(self, request: JobRequest) -> bool:
        """Whether a job writes the lexicon of the plate on the screen; another one may have been opened since."""
        origin, lexicon = self.state.origin, self.state.lexicon
        if request.kind == "teach":
            ours = (request.settings["lexicon"], request.settings["out"])
            return lexicon is not None and str(lexicon.path) in ours and self.state.lexicon_plate is not None
        return origin is not None and any(plate["path"] == origin.path for plate in request.settings.get("plates", []))

    def _again(self, path: Path, feature: int | None, channel: int | None) -> None:
        """Read the lexicon once more when its job has ended, and go on with the feature that was chosen."""
        state = self.state

        def take(lexicon: Any) -> None:
            state.set_lexicon(lexicon)
            state.set_channel(channel)
            state.set_feature(feature)

        from napari_lexicon.lexicons import Lexicon

        self.background.start(
            "lexicon", lambda: Lexicon.open(path), take, lambda error: state.notice(str(error), "error")
        )

    def _show_features(self) -> None:
        """All is computed: what is to be read is in front, not how to compute it."""
        embed = dock_of(self.viewer(), "Embed")
        if embed is not None and not embed.visibleRegion().isEmpty():
            bring_to_front(self.viewer(), "Features")

    def _show_notice(self, notice: Notice) -> None:
        from napari.utils.notifications import show_error, show_info, show_warning

        show = {"error": show_error, "warning": show_warning}.get(notice.kind, show_info)
        QTimer.singleShot(0, lambda: show(notice.sentence))


def workspace_of(napari_viewer: Any) -> Workspace:
    """The workspace of a viewer, made when it is asked for first."""
    viewer = unwrapped(napari_viewer)
    workspace = _WORKSPACES.get(viewer)
    if workspace is None:
        workspace = _WORKSPACES[viewer] = Workspace(viewer)
    return workspace
