"""Keeps the Dictionary dock in step with files, lexicon and job."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lexicon.jobs.training_record import TrainingRecord, free_out, records_of, seconds_of
from napari_lexicon.widgets.basic.words import counted
from napari_lexicon.widgets.dictionary.held import HeldDictionaries
from napari_lexicon.widgets.dictionary.outline import DictionaryOutline, outline_rows, read_outline
from napari_lexicon.widgets.dictionary.runs import run_rows
from napari_lexicon.widgets.dictionary.teaching import TeachController
from napari_lexicon.widgets.dictionary.train_form import PRESETS
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.remedies import open_features
from napari_lexicon.widgets.workspace.requests import BUILTIN, apply_reason, dictionary_out_path, out_path, own_path
from napari_lexicon.widgets.workspace.training_curves import TrainingCurves

if TYPE_CHECKING:
    from napari_lexicon.widgets.dictionary.view import DictionaryView
    from napari_lexicon.widgets.workspace.job_status import JobStatus
    from napari_lexicon.widgets.workspace.workspace import Workspace


class DictionaryController(Controller):
    """The dictionary that is looked at to the view; Apply, Train and Save to the jobs."""

    def __init__(self, workspace: Workspace, view: DictionaryView) -> None:
        super().__init__(workspace, view)
        self._view = view
        self._file = ""
        self._outline: DictionaryOutline | None = None
        self._trouble = ""
        self._with_tokens = self._coded = 0
        self._held = HeldDictionaries()
        self._records: list[TrainingRecord] = []
        self._apply_when_read = False
        self._was_busy = workspace.jobs.status.busy
        state = workspace.state
        self.link(state.plateChanged, self._plate_changed)
        self.link(state.lexiconChanged, self._lexicon_changed)
        self.link(workspace.jobs.changed, self._job_changed)
        self.link(workspace.devices.found, self._offer_algorithms)
        self.link(workspace.pace.found, self._say_times)
        self.link(view.valueChanged, self._say_times)
        self.link(view.valueChanged, self._look)
        self.link(view.fileChosen, self._choose_file)
        self.link(view.applyClicked, self.apply)
        self.link(view.trainClicked, self.train)
        self.link(view.runs.applyClicked, self.apply_run)
        self.link(view.runs.resumeClicked, self.resume_run)
        self.link(view.runs.chosen, self._show_run)
        self.link(view.controls.valueChanged, self._show)
        self.link(view.form.valueChanged, self._show)
        self._teaching = TeachController(workspace, view.teaching)
        self._offer_algorithms()
        workspace.devices.ask()
        self._plate_changed()
        self._look()
        self._job_changed(workspace.jobs.status)

    def outline(self) -> DictionaryOutline | None:
        """The dictionary that is looked at."""
        return self._outline

    def apply(self) -> None:
        """Apply the dictionary that is looked at to the open plate."""
        path = self._path()
        if not path or self._outline is None:
            return
        if self._is_applied():
            open_features(self.workspace)
            return
        self.workspace.compute.apply(path, "dictionary", self._out(self._outline))

    def train(self) -> None:
        """Train a dictionary on the open lexicon's tokens."""
        lexicon = self.workspace.state.lexicon
        if lexicon is None or self._train_reason() is not None:
            return
        choice = self._view.form.value()
        settings = {"lexicon": str(lexicon.path), "controls": self._view.controls.value(), **asdict(choice)}
        out = free_out(lexicon.path, settings)
        self.workspace.compute.train(settings | {"out": str(out)}, "dictionary")

    def copy_to(self, path: Path) -> None:
        """Save a copy of the trained dictionary."""
        trained = self.workspace.training.trained
        if trained is None:
            return
        try:
            path.write_bytes(Path(trained).read_bytes())
        except OSError as error:
            self.workspace.state.notice(
                f"{path} could not be written ({error.strerror}): choose another place.", "error"
            )

    # runs -----------------------------------------------------------------------------------------------------------

    def apply_run(self, out: str) -> None:
        """Apply the dictionary of a run to the open plate."""
        self.workspace.training.trained = out
        self._apply_when_read = True
        self._look()

    def resume_run(self, out: str) -> None:
        """Go on with a run that ended before its end, in this session or an earlier one."""
        record = next((record for record in self._records if str(record.out) == out), None)
        if record is not None:
            self.workspace.compute.train(dict(record.job), "dictionary")

    def _read_runs(self) -> None:
        lexicon = self.workspace.state.lexicon
        if lexicon is None:
            self._take_runs([])
            return
        path = lexicon.path
        self.workspace.background.start("runs", lambda: records_of(path), self._take_runs, self._no_outline)

    def _take_runs(self, records: list[TrainingRecord]) -> None:
        self._records = records
        self._view.runs.setValue(run_rows(records))
        self._say_times()
        self._show()

    def _say_times(self, _: object = None) -> None:
        """Beside each preset, how long it will take here: as an earlier run went, else as a short trial says."""
        lexicon, pace = self.workspace.state.lexicon, self.workspace.pace
        dim = 0 if lexicon is None else lexicon.backbone.dim
        times = {
            name: seconds_of(self._records, asdict(preset)) or (pace.seconds(dim, asdict(preset)) if dim else None)
            for name, preset in PRESETS.items()
        }
        self._view.form.setTimes(times, measuring=pace.measuring)
        ready = self._view.value() == "train" and self._with_tokens > 0 and not self.workspace.jobs.status.busy
        if dim and ready and any(seconds is None for seconds in times.values()):
            pace.ask(dim)
            self._view.form.setTimes(times, measuring=pace.measuring)

    def _show_run(self, out: str) -> None:
        """The curves of an earlier run; those of a running one are live."""
        record = next((record for record in self._records if str(record.out) == out), None)
        if record is None or self.workspace.jobs.status.busy:
            return
        curves = TrainingCurves()
        for figures in record.history:
            curves.add(figures)
        self._view.curves.setValue(curves)
        self._view.curves.show()
        self._view.forming.setValue(record.forming)

    # what is looked at ----------------------------------------------------------------------------------------------

    def _path(self) -> str:
        source = self._view.value()
        if source == "builtin":
            return BUILTIN
        if source == "teach":  # what the feature is added to
            lexicon = self.workspace.state.lexicon
            has = lexicon is not None and lexicon.header.dictionary is not None
            return str(lexicon.path / "dictionary.safetensors") if lexicon is not None and has else ""
        return self._file if source == "file" else (self.workspace.training.trained or "")

    def _choose_file(self, path: str) -> None:
        self._file = path
        self._look()

    def _look(self, _: object = None) -> None:
        """Read the outline of the file that is meant now."""
        path = self._path()
        self._outline, self._trouble = None, ""
        self._view.setFacts([])
        self._show()
        if not path:
            self.workspace.background.forget("outline")
            return
        self.workspace.background.start("outline", lambda: read_outline(path), self._take_outline, self._no_outline)

    def _take_outline(self, outline: DictionaryOutline) -> None:
        self._outline = outline
        self._view.setFacts(outline_rows(outline))
        self._show()
        if self._apply_when_read:
            self._apply_when_read = False
            self.apply()

    def _no_outline(self, error: Exception) -> None:
        self._apply_when_read = False
        self._trouble = str(error)
        self._show()

    def _out(self, outline: DictionaryOutline) -> Path | None:
        """Lexicon folder that applying a dictionary writes to: the open one, unless it holds another dictionary's."""
        state, settings = self.workspace.state, self.workspace.compute.settings
        out = out_path(state, settings)
        if out is None or not self._held.another(out, outline):
            return out
        own = Path(settings.out) if settings.out else own_path(state) or out
        return dictionary_out_path(own, outline.name, lambda folder: self._held.another(folder, outline))

    def _is_applied(self) -> bool:
        """Whether every field of the plate has been read with the dictionary that is looked at."""
        state, out = self.workspace.state, out_path(self.workspace.state, self.workspace.compute.settings)
        if state.plate is None or state.lexicon is None or self._outline is None or state.lexicon.path != out:
            return False
        n_fields = sum(len(well.fields) for well in state.plate.wells.values())
        coded = state.lexicon.header.dictionary is not None and 0 < n_fields <= self._coded
        return coded and not self._held.another(out, self._outline)

    # reasons --------------------------------------------------------------------------------------------------------

    def _show(self, _: object = None) -> None:
        source = self._view.value()
        busy = self.workspace.jobs.status.busy
        shown = source in ("builtin", "file") or (source == "train" and bool(self._path()))
        if self._is_applied() and not busy:
            self._view.setApply(None, "It is applied to every field of this plate.", shown, "See the features")
        else:
            self._view.setApply(self._apply_reason(), self._apply_note(), shown)
        self._view.setTraining(
            self._train_reason(), "Runs by itself; the curves below show how far it is.", self._tokens()
        )
        self._view.runs.setReason(apply_reason(self.workspace.state, self.workspace.jobs.status) if busy else None)

    def _apply_reason(self) -> str | None:
        if self._view.value() == "file" and not self._file:
            return "Choose a dictionary file first."
        if self._trouble:
            return self._trouble
        return apply_reason(self.workspace.state, self.workspace.jobs.status)

    def _apply_note(self) -> str:
        state = self.workspace.state
        note = "" if self.workspace.jobs.status.busy else self.workspace.compute.estimate_sentence()
        out = None if self._outline is None else self._out(self._outline)
        if state.lexicon is not None and out not in (None, state.lexicon.path):
            note += f" Results go to {out.name}; the open ones stay."
        return note.strip()

    def _tokens(self) -> str:
        state = self.workspace.state
        part = state.lexicon_plate
        n = 0 if part is None else part.n_done("tokens")
        if state.lexicon is None or n == 0:
            return (
                "No tokens yet. Apply a dictionary or embed the plate first (Embed dock): both keep a sample of them."
            )
        return f"Learns from the tokens of {counted(n, 'field')} in {state.lexicon.path.name}."

    def _train_reason(self) -> str | None:
        job = self.workspace.jobs.status
        if job.busy:
            return apply_reason(self.workspace.state, job)
        if self._with_tokens == 0:
            return "There are no tokens to learn from yet."
        return self._view.controls.reason() or self._view.form.reason()

    # plate and job --------------------------------------------------------------------------------------------------

    def _plate_changed(self, _: object = None) -> None:
        plate = self.workspace.state.plate
        if plate is not None:
            self._view.controls.setMap(plate.map.reindex(list(plate.wells)), images=plate.free)
            self._view.form.setChannels(len(plate.channels))
        self._lexicon_changed()

    def _lexicon_changed(self, _: object = None) -> None:
        part = self.workspace.state.lexicon_plate
        self._with_tokens, self._coded = (0, 0) if part is None else (part.n_done("tokens"), part.n_done("codes"))
        self._read_runs()
        if self._view.value() == "teach":
            self._look()
        self._show()

    def _offer_algorithms(self, _: object = None) -> None:
        self._view.form.setAlgorithms(self.workspace.devices.algorithms)

    def _job_changed(self, job: JobStatus) -> None:
        watch = self.workspace.training
        has_curves = bool(watch.curves.training or watch.curves.held_out)
        training = job.busy and job.request is not None and job.request.kind == "train"
        self._view.setLearning(training)
        if has_curves or training:
            self._view.curves.setValue(watch.curves)
            self._view.curves.show()
        self._view.forming.setValue(watch.forming)
        self._view.save.setVisible(watch.trained is not None)
        if job.busy == self._was_busy and job.busy:
            return
        ended, self._was_busy = self._was_busy and not job.busy, job.busy
        self._read_runs()
        trained = not job.busy and watch.trained is not None and self._view.value() == "train"
        if trained and (ended or self._outline is None):  # what was trained before is of no interest any more
            self._look()
        self._show()

    def close(self) -> None:
        """Cut every connection, also those of the page that teaches."""
        self._teaching.close()
        super().close()
