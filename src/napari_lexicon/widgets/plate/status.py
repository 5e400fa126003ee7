"""What the Plate dock says, as plain functions of what is shown. No Qt."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from napari_lexicon.viewer.pointer import KEYS
from napari_lexicon.widgets.basic.words import counted, listed
from napari_lexicon.widgets.plate.coloring import column_title, spoken

if TYPE_CHECKING:
    from napari_lexicon.plates.model import Plate
    from napari_lexicon.widgets.plate.layout import PlateLayout

WALK_TIP = (
    f"Next well: {KEYS['next_well']}, previous: {KEYS['previous_well']}. Next field: {KEYS['next_field']} (full stop), "
    f"previous: {KEYS['previous_field']} (comma). Next well where the chosen feature fires most: {KEYS['next_hit']}. "
    "With several wells selected, the keys walk among these."
)
BESIDE_TIPS = {
    "well": "All fields of the well where the microscope's stage was, to the nearest patch, with one map over them. "
    "A click in a field makes it the current one.",
    "control": "The well beside the nearest negative control: the same contrast, the same map, one camera. The control "
    f"stays while you walk on. Key: {KEYS['beside_control']} (slash).",
    "selection": "All selected wells on the canvas, up to nine: the same contrast, the same map, one camera. "
    "Ctrl+click adds a well. A click in an image makes its well the current one.",
}


def summary(plate: Plate) -> str:
    """``"24 wells · 2 fields each · 5 channels · 0.65 µm per pixel"``."""
    counts = Counter(len(well.fields) for well in plate.wells.values())
    usual = counts.most_common(1)[0][0] if counts else 0
    fields = (
        f"{counted(usual, 'field')} each" if len(counts) == 1 else f"up to {counted(max(counts, default=0), 'field')}"
    )
    parts = [counted(len(plate.wells), "image" if plate.free else "well"), fields]
    parts.append("colour image" if plate.rgb else counted(len(plate.channels), "channel"))
    size = next((field.pixel_size_um for field in plate.fields() if field.pixel_size_um), None)
    parts.append(f"{size[1]:.3g} µm per pixel" if size else "pixel size unknown")
    return " · ".join(parts)


def problems_line(plate: Plate, layout: PlateLayout) -> str:
    """One line on what of stacks and series is shown, and on what is missing or unreadable; empty where nothing is."""
    parts = [said] if (said := planes_said(plate)) else []
    if layout.n_missing:
        parts.append(f"{counted(layout.n_missing, 'well')} missing (small dots)")
    if plate.problems:
        parts.append(f"{counted(len(plate.problems), 'thing')} to know (hover)")
    return " · ".join(parts)


def planes_said(plate: Plate) -> str:
    """What is shown of stacks and series; empty where the plate has one plane and one time point."""
    return " · ".join(said for said in plate.note.split("; ") if said.startswith(("z: ", "t: ")))


def problems_tip(plate: Plate, most: int = 12) -> str:
    """The sentences behind :func:`problems_line`."""
    sentences = [problem.sentence for problem in plate.problems[:most]]
    if len(plate.problems) > most:
        sentences.append(f"… and {len(plate.problems) - most} more")
    return "\n".join(sentences)


def well_tip(plate: Plate, well: str, value: str) -> str:
    """Everything that is known of a well, line by line."""
    fields = plate.wells[well].fields
    lines = [f"{well}: {counted(len(fields), 'field')}" if fields else f"{well}: no image"]
    if value:
        lines.append(value)
    if well in plate.map.index:
        row = plate.map.loc[well]
        lines += [f"{column_title(str(column))}: {spoken(row[column])}" for column in row.index if spoken(row[column])]
    lacking = _lacking(plate, well)
    if lacking:
        lines.append(f"without {listed(lacking)}")
    lines += [problem.sentence for problem in plate.problems if problem.well == well][:3]
    return "\n".join(lines)


def _lacking(plate: Plate, well: str) -> list[str]:
    """Channels that some field of the well does not have."""
    have = [set(field.channels) for field in plate.wells[well].fields]
    return [channel.name for c, channel in enumerate(plate.channels) if have and any(c not in some for some in have)]


def walk_reason(plate: Plate | None) -> str | None:
    """Why the walking buttons are disabled, None where they are not."""
    if plate is None:
        return "Open a plate first."
    if not any(well.fields for well in plate.wells.values()):
        return "No well of this plate has an image."
    return None
