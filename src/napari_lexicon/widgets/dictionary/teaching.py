"""Keeps the page that teaches a feature in step with the selection, the places pointed at and the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lexicon.analysis.conditions import CONTROLS, control_wells
from napari_lexicon.widgets.basic.words import counted, listed
from napari_lexicon.widgets.dictionary.teach_form import PLACES, WELLS
from napari_lexicon.widgets.workspace.front import bring_to_front
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.requests import apply_reason, taught_out_path, teach_request
from napari_lexicon.widgets.workspace.state import FieldPlace

if TYPE_CHECKING:
    from typing import Any

    from napari_lexicon.widgets.dictionary.teach_form import TeachForm
    from napari_lexicon.widgets.workspace.workspace import Workspace

_NOTHING = "Point at something that has it, and leave it ticked."


class TeachController(Controller):
    """What is pointed at to the form; the button to the jobs."""

    def __init__(self, workspace: Workspace, form: TeachForm) -> None:
        super().__init__(workspace, form)
        self._form = form
        state = workspace.state
        for signal in (state.selectionChanged, state.lexiconChanged, state.plateChanged):
            self.link(signal, self.refresh)
        self.link(workspace.jobs.changed, self._say)
        self.link(workspace.pointing.changed, self.refresh)
        self.link(form.valueChanged, self._ask_trial)
        self.link(form.againstChanged, self._ask_trial)
        self.link(form.likeChanged, workspace.pointing.set_like)
        self.link(form.removed, workspace.pointing.remove)
        self.link(form.placeActivated, self._show_place)
        self.link(form.channelChanged, workspace.trial.set_channel)
        self.link(form.tryChanged, workspace.trial.set_on)
        self.link(form.moreClicked, self._look_for_more)
        self.link(workspace.trial.changed, self._show_trial)
        self.link(form.teachClicked, self.teach)
        self._with_tokens = False
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Show what there is to teach by."""
        plate = self.workspace.state.lexicon_plate
        self._with_tokens = plate is not None and plate.n_done("tokens") > 0
        self._form.setPlaces(self.workspace.pointing.pointed)
        self._form.setChannels([] if plate is None or plate.joint else [one.name for one in plate.header.channels])
        chosen = self._selected()
        said = self.workspace.state.said
        many = f"{listed(chosen)} ({said(counted(len(chosen), 'well'))})"
        line = f"{many}, as selected on the plate." if chosen else said("Select wells on the plate that have it.")
        self._form.setWells(line, [(said(words), question) for words, question in self._against(chosen)])
        self._ask_trial()

    def teach(self) -> None:
        """Start the job."""
        lexicon = self.workspace.state.lexicon
        if lexicon is None or self._reason() is not None:
            return
        name = self._form.name.text().strip()
        out = taught_out_path(lexicon.path, name)
        settings = self.workspace.compute.settings
        self.workspace.trial.set_on(False)
        self.workspace.jobs.start(teach_request(lexicon, out, name, self._pointed(), settings, "dictionary"))

    def _pointed(self) -> dict[str, Any]:
        """What the feature is taught by, as :class:`napari_lexicon.jobs.teaching.TeachJob` names it."""
        plate = self.workspace.state.lexicon_plate
        assert plate is not None  # there is no reason against it
        channel = self._form.channel.currentData() or None
        if self._form.value() == WELLS:
            against = self._form.against.currentData()
            return {"wells": _named(self._selected()), "against": against, "plate": plate.id, "channel": channel}
        return {"places": [each.to_json(plate.id) for each in self.workspace.pointing.pointed], "channel": channel}

    def _selected(self) -> list[str]:
        """Wells that are selected and have been read, in plate order."""
        state, plate = self.workspace.state, self.workspace.state.lexicon_plate
        return [] if plate is None else [well for well in plate.wells if well in state.selection]

    def _against(self, chosen: list[str]) -> list[tuple[str, str]]:
        """What the selected wells can be compared with."""
        plate = self.workspace.state.lexicon_plate
        if plate is None:
            return []
        wells = list(plate.wells)
        is_control = control_wells(plate.map.reindex(wells), wells)
        controls = [well for well, one in zip(wells, is_control, strict=True) if one and well not in chosen]
        found = [(f"control wells ({len(controls)})", CONTROLS)] if controls else []
        others = len(wells) - len(chosen)
        return [*found, (f"all other wells ({others})", f"not ({_named(chosen)})")] if others else found

    def _ask_trial(self, _: object = None) -> None:
        """Have the trial look for what the form asks for."""
        chosen, against = self._selected(), self._form.against.currentData()
        by_wells = self._form.value() == WELLS
        self.workspace.trial.ask_by((_named(chosen) if chosen else "", against or "") if by_wells else None)
        self._show_trial()
        self._say()

    def _show_trial(self) -> None:
        trial, note = self.workspace.trial, ""
        if trial.shown:
            note = trial.why_not or (trial.found.sentence if trial.found else "Reading…")
        reason = None if trial.can_be else (self._no_wells() if self._form.value() == WELLS else _NOTHING)
        self._form.setTrial(trial.shown, reason, note, found=trial.shown and trial.found is not None)

    def _look_for_more(self) -> None:
        found = self.workspace.trial.found
        if found is not None:
            self.workspace.alike.from_trial(self.workspace.trial.by, found, self.workspace.pointing.pointed)
            bring_to_front(self.workspace.viewer(), "Features")

    def _reason(self) -> str | None:
        state, form = self.workspace.state, self._form
        busy = apply_reason(state, self.workspace.jobs.status)
        if busy is not None:
            return busy
        if state.lexicon_plate is None or state.lexicon is None or state.lexicon.header.dictionary is None:
            return "Apply a dictionary to the plate first: the feature is added to it."
        if not self._with_tokens:
            return "This lexicon keeps no tokens: apply its dictionary again."
        if form.value() == WELLS and (reason := self._no_wells()) is not None:
            return reason
        if form.value() == PLACES and not any(each.like for each in self.workspace.pointing.pointed):
            return _NOTHING
        return None if form.name.text().strip() else "Give it a name."

    def _no_wells(self) -> str | None:
        """Why wells cannot teach, None where they can."""
        said = self.workspace.state.said
        if not self._selected():
            return said("Select wells on the plate that have it: click, drag over them, or search for a condition.")
        if self._form.against.currentData() is None:
            return said("Every well is selected: leave some out to compare with.")
        return None

    def _say(self, _: object = None) -> None:
        lexicon, note = self.workspace.state.lexicon, ""
        name = self._form.name.text().strip()
        if lexicon is not None and name:
            out = taught_out_path(lexicon.path, name)
            whole = self.workspace.compute.estimate_sentence(anew=True)
            note = f"{whole} Results go to {out.name}; the open ones stay."
        self._form.setReason(self._reason(), note.strip())

    def _show_place(self, position: int) -> None:
        pointed, plate = self.workspace.pointing.pointed, self.workspace.state.lexicon_plate
        if plate is not None and position < len(pointed):
            one = pointed[position]
            header = plate.fields[one.number]
            row, column = one.places[len(one.places) // 2]
            self.workspace.canvas.show_patch(FieldPlace(header.well, header.index), row, column)


def _named(wells: list[str]) -> str:
    return f"well in {wells!r}"
