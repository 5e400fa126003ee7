"""Keeps the Questions dock in step with lexicon and job; a question is a job in a process of its own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from napari_lexicon.analysis.question_words import DRAWN, OF_A_FEATURE, OF_NO_COLUMN, OF_TWO
from napari_lexicon.analysis.units import units_of
from napari_lexicon.analysis.well_table import plain
from napari_lexicon.widgets.basic.image_words import tell_items
from napari_lexicon.widgets.workspace.field_reading import telling_column, treatment_column
from napari_lexicon.widgets.workspace.job_status import JobPhase
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.requests import ask_request, running_reason
from napari_lexicon.widgets.workspace.state import FieldPlace

if TYPE_CHECKING:
    from napari_lexicon.widgets.questions.view import QuestionsView
    from napari_lexicon.widgets.workspace.job_status import JobStatus
    from napari_lexicon.widgets.workspace.workspace import Workspace

OWNER = "questions"
_NAMES = dict.fromkeys(
    ("plate", "well", "field", "treatment", "value", "other", "group", "name", "first", "second"), str
)


def read_answer(path: Path) -> pd.DataFrame:
    """The table of a job; what is a name stays one, also where it is called 10 or None."""
    return pd.read_csv(path, dtype=_NAMES, keep_default_na=False, na_values=["", "nan"])


class QuestionsController(Controller):
    """The question to the job, its table to the view, and the chosen row to everything else."""

    def __init__(self, workspace: Workspace, view: QuestionsView) -> None:
        super().__init__(workspace, view)
        self._view = view
        self._folder = tempfile.TemporaryDirectory(prefix="lexicon-answers-")  # goes with us, or with napari
        self._answer: Path | None = None
        self._drawn: Path | None = None
        state = workspace.state
        self.link(state.lexiconChanged, self._lexicon_changed)
        self.link(state.plateChanged, self._lexicon_changed)
        self.link(state.featureChanged, self._show_reason)
        self.link(workspace.reading.changed, self._show_reason)
        self.link(workspace.jobs.changed, self._show_reason)
        self.link(workspace.jobs.ended, self._job_ended)
        self.link(view.valueChanged, self._show_reason)
        self.link(view.askClicked, self.ask)
        self.link(view.rowChosen, self.choose_row)
        self._lexicon_changed()

    def close(self) -> None:
        """Cut every connection and leave no file behind."""
        super().close()
        self._folder.cleanup()

    def ask(self) -> None:
        """Start the job that answers."""
        state = self.workspace.state
        if state.lexicon is None or self._reason() is not None:
            return
        question, column = self._view.value()
        settings: dict[str, Any] = ({"by": column} if column else {}) | self._view.options.value()
        if self.workspace.reading.beyond is not None and "active" not in settings:
            settings["beyond"] = self.workspace.reading.beyond
        if question in OF_A_FEATURE:
            settings["features"] = [state.feature]
        out = Path(self._folder.name) / f"{state.lexicon.name}-{question}.csv"
        self.workspace.jobs.start(ask_request(state.lexicon, question, out, settings, OWNER))

    def save(self, out: Path) -> None:
        """Copy the answer to where a person wants it, and its picture, where it has one, beside it."""
        if self._answer is None:
            return
        try:
            shutil.copyfile(self._answer, out)
            if self._drawn is not None:
                shutil.copyfile(self._drawn, out.with_suffix(".png"))
        except OSError as error:
            self.workspace.state.notice(
                f"{out} could not be written ({error.strerror}): choose another place.", "error"
            )
            return
        beside = "" if self._drawn is None else f", its picture in {out.with_suffix('.png').name} beside it"
        self.workspace.state.notice(f"The table is in {out}{beside}.")

    def answer_name(self) -> str:
        """File name that is offered for the answer."""
        return "answer.csv" if self._answer is None else self._answer.name

    def choose_row(self, row: int) -> None:
        """Show what a row is about: its feature over the image, its well, or the wells of its treatment."""
        state, values = self.workspace.state, self._view.model.table().iloc[row]
        if "feature" in values and pd.notna(values["feature"]):
            state.set_feature(int(values["feature"]))
            plate = state.lexicon_plate
            names = [] if plate is None else [channel.name for channel in plate.header.channels]
            if "channel" in values and str(values["channel"]) in names:
                state.set_channel(names.index(str(values["channel"])))
        if state.plate is None:
            return
        elsewhere = "plate" in values and str(values["plate"]) != state.plate.name
        if elsewhere:  # a well of the same name on the open plate is another well
            state.notice(f"{values['well']} lies on plate {values['plate']}: open that plate to look at it.")
            return
        if "well" in values and str(values["well"]) in state.plate.wells:
            fields = state.plate.wells[str(values["well"])].fields
            if fields:
                state.set_field(FieldPlace(str(values["well"]), fields[0].index))
        label = next((str(values[name]) for name in ("treatment", "value") if name in values), None)
        column = self._view.value()[1]
        if label is not None and column in state.plate.map:
            chosen = state.plate.map.index[state.plate.map[column].map(plain) == label]
            if len(chosen):
                state.set_selection(frozenset(map(str, chosen)))

    # reasons and answers --------------------------------------------------------------------------------------------

    def _lexicon_changed(self, _: object = None) -> None:
        plate = self.workspace.state.plate
        if plate is not None:
            columns = [str(c) for c in plate.map.columns if plate.map[c].nunique() > 1]
            self._view.setColumns(columns, treatment_column(plate) or telling_column(plate))
            for box in (self._view.question, *self._view.options.of_wells):
                tell_items(box, images=plate.free)
        self._answer = self._drawn = None
        self._view.setAnswer("", None)
        self._show_reason()

    def _reason(self) -> str | None:
        job, state = self.workspace.jobs.status, self.workspace.state
        if job.busy:
            return running_reason(job)
        if state.lexicon is None or self.workspace.reading.figures is None:
            return "There are no features yet: apply a dictionary first."
        question, column = self._view.value()
        if not column and question not in OF_NO_COLUMN:
            return "Add a plate map in the Plate dock first, with a column that tells treatments apart."
        if question in OF_A_FEATURE and state.feature is None:
            return "Choose a feature in the Features dock first."
        if question in OF_TWO and "other" not in self._view.options.value():
            return "Choose a second lexicon first."
        return None

    def _show_reason(self, _: object = None) -> None:
        self._view.setReason(self._reason())

    def _job_ended(self, status: JobStatus) -> None:
        request = status.request
        if request is None or request.kind != "ask" or request.owner != OWNER or status.phase is not JobPhase.DONE:
            return
        path, question = Path(str(request.settings["out"])), str(request.settings["question"])

        def take(table: pd.DataFrame) -> None:
            self._answer = path
            self._drawn = path.with_suffix(".png") if question in DRAWN else None
            known = units_of(question, map(str, table.columns), along="beyond" in request.settings)
            units = {name: self.workspace.state.said(unit) for name, unit in known.items()}
            self._view.setAnswer(question, table, self._drawn, units)
            if self.workspace.jobs.status is status:
                self.workspace.jobs.forget()  # the answer is there to be seen: nothing is left to say

        self.workspace.background.start(
            "answer", lambda: read_answer(path), take, lambda error: self.workspace.state.notice(str(error), "error")
        )
