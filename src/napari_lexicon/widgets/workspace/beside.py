"""Which fields are shown beside the current one. Pure functions of the plate map and the selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lexicon.errors import PlateError
from napari_lexicon.viewer.side_by_side import SideBySide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.plates.model import Field, Plate
    from napari_lexicon.widgets.workspace.state import FieldPlace, WorkspaceState

ALONE, CONTROL, SELECTION, WELL = "", "control", "selection", "well"
MOST_WELLS = 9
MOST_PIXELS = 64_000_000
"""Pixels of a channel up to which fields are laid side by side."""


def negative_controls(plate: Plate) -> list[str]:
    """Wells with images whose control type in the plate map is ``negcon``."""
    if "Metadata_pert_type" not in plate.map.columns:
        return []
    kinds = plate.map["Metadata_pert_type"]
    named = {str(well) for well in plate.map.index[kinds.astype(str) == "negcon"]}
    return [name for name, well in plate.wells.items() if name in named and well.fields]


def nearest_control(plate: Plate, well: str) -> str | None:
    """The negative control nearest to a well on the plate, itself left out; the first where wells have no place.

    Near by, because what the position on the plate does to a well it does to its neighbours too.
    """
    controls = [name for name in negative_controls(plate) if name != well]
    here = plate.wells[well]

    def distance(name: str) -> float:
        there = plate.wells[name]
        if here.row is None or here.column is None or there.row is None or there.column is None:
            return 0.0
        return float((here.row - there.row) ** 2 + (here.column - there.column) ** 2)

    return min(controls, key=distance, default=None)


def wells_side_by_side(
    plate: Plate, well: str, kind: str, selection: frozenset[str], before: Sequence[str] = ()
) -> tuple[str, ...]:
    """Wells to show, in the order in which they stand.

    Parameters
    ----------
    plate : Plate
        The open plate.
    well : str
        The current one.
    kind : str
        ``""`` for it alone, ``"control"``, ``"selection"``.
    selection : frozenset of str
        Selected wells.
    before : sequence of str
        Wells shown until now. With ``"control"``, a well among them stays where it is, and the control stays the
        same one while a person walks on.
    """
    if kind == CONTROL:
        if len(before) == 2 and well in before:
            return tuple(before)
        kept = before[1] if len(before) == 2 and before[1] in negative_controls(plate) else None
        control = kept or nearest_control(plate, well)
        return (well,) if control is None else (well, control)
    if kind == SELECTION:
        chosen = [name for name, each in plate.wells.items() if each.fields and name in selection | {well}]
        start = max(0, min(chosen.index(well) - MOST_WELLS // 2, len(chosen) - MOST_WELLS)) if well in chosen else 0
        return tuple(chosen[start : start + MOST_WELLS])
    return (well,)


def fields_of(plate: Plate, place: FieldPlace, wells: Sequence[str]) -> tuple[Field, ...]:
    """The field of the current place and the fields of the same number in the other wells, else their first ones."""
    found = []
    for name in wells:
        fields = plate.wells[name].fields
        same = [field for field in fields if field.index == place.index]
        found += (same or list(fields))[:1]
    return tuple(found)


def whole_well(plate: Plate, field: Field, patch: int) -> tuple[SideBySide, str]:
    """All fields of a well where the stage was; or the one field, and why it stands alone."""
    reason = well_reason(plate, field.well)
    try:
        if reason is None:
            side = SideBySide.by_stage(plate.wells[field.well].fields, patch)
            if side.shape[0] * side.shape[1] <= MOST_PIXELS and side.number_of(field) is not None:
                return side, ""
            reason = f"Well {field.well} is too large to be shown whole, or has several images at one place."
    except PlateError as error:
        reason = str(error)
    return SideBySide.of((field,), patch), reason


def fields_to_show(state: WorkspaceState, before: SideBySide | None) -> tuple[SideBySide | None, str]:
    """What belongs on the screen now, and why not all that was asked for; ``before`` is what was to be shown until now.

    Raises
    ------
    PlateError
        If the size of a field cannot be read.
    """
    field, place = state.current_field(), state.field
    if state.plate is None or field is None or place is None:
        return None, ""
    patch = 1 if state.lexicon is None else state.lexicon.backbone.patch
    if state.beside == WELL:
        return whole_well(state.plate, field, patch)
    shown = () if before is None else tuple(each.well for each in before.fields)
    wells = wells_side_by_side(state.plate, field.well, state.beside, state.selection, shown)
    fields = fields_of(state.plate, place, wells)
    if sum(each.shape[0] * each.shape[1] for each in fields) > MOST_PIXELS:
        fields = (field,)
    return SideBySide.of(fields, patch), ""


def selection_reason(plate: Plate | None, selection: frozenset[str]) -> str | None:
    """Why selected wells cannot be shown side by side now, None where they can."""
    if plate is None:
        return "Open a plate first."
    shown = [name for name in selection if name in plate.wells and plate.wells[name].fields]
    if len(shown) < 2:
        return "Select two or more wells first: Ctrl+click them, or drag a frame."
    return None


def control_reason(plate: Plate | None, well: str | None) -> str | None:
    """Why no control can be shown beside the current well, None where one can."""
    if plate is None:
        return "Open a plate first."
    if not negative_controls(plate):
        return "The plate map names no negative control (Metadata_pert_type: negcon)."
    if well is None:
        return "Open a well first: double-click one."
    return None


def well_reason(plate: Plate | None, well: str | None) -> str | None:
    """Why the fields of the current well cannot be shown where the stage was, None where they can."""
    if plate is None:
        return "Open a plate first."
    if well is None or well not in plate.wells:
        return "Open a well first: double-click one."
    fields = plate.wells[well].fields
    if len(fields) < 2:
        return "This well has one field."
    if any(field.position_um is None or field.pixel_size_um is None for field in fields):
        return "The plate does not say where in the well its fields lie (stage positions)."
    return None
