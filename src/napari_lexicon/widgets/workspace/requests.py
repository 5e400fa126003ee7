"""Jobs as the docks ask for them. The keys are those of the dataclasses in :mod:`napari_lexicon.jobs`; a test holds
them against these, so that the window need not import what imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lexicon.analysis.question_words import ASKED
from napari_lexicon.widgets.workspace.job_status import JobRequest
from napari_lexicon.widgets.workspace.opening import results_path
from napari_lexicon.widgets.workspace.preferences import preferences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.headers import PlateOrigin
    from napari_lexicon.viewer.overlay import OverlayStyle
    from napari_lexicon.widgets.workspace.job_status import JobStatus
    from napari_lexicon.widgets.workspace.reading import LexiconReading
    from napari_lexicon.widgets.workspace.state import FieldPlace, WorkspaceState

BUILTIN = "builtin"


@dataclass(frozen=True)
class ComputeSettings:
    """How a plate is to be read.

    Parameters
    ----------
    backbone : str
        ``builtin``, a timm name or a path; used where the dictionary does not bring its own.
    layer : int, optional
        The model's own choice where None.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    batch : int
        Tiles at a time.
    recompute : bool
        Do stale fields again.
    out : str
        Lexicon folder; empty: the plate's own.
    illumination : str, optional
        ``correct`` or ``none``; as before where None.
    um_per_pixel : float
        Size that fields are resampled to; 0: as the plate is open.
    enlarge : float
        Times that fields are enlarged; 0: as the plate is open.
    """

    backbone: str = BUILTIN
    layer: int | None = None
    device: str = "auto"
    batch: int = 16
    recompute: bool = False
    out: str = ""
    illumination: str | None = None
    um_per_pixel: float = 0.0
    enlarge: float = 0.0


def first_settings() -> ComputeSettings:
    """Settings as the preferences say."""
    wanted = preferences()
    return ComputeSettings(device=wanted.device, batch=wanted.batch)


def own_path(state: WorkspaceState) -> Path | None:
    """The open plate's own lexicon folder, which need not be there."""
    return None if state.origin is None else results_path(Path(state.origin.path), preferences().results_folder)


def out_path(state: WorkspaceState, settings: ComputeSettings) -> Path | None:
    """Lexicon folder that a job on the open plate writes to: as asked, the open one, or the plate's own."""
    if settings.out:
        return Path(settings.out)
    return own_path(state) if state.lexicon is None else state.lexicon.path


def model_out_path(state: WorkspaceState, settings: ComputeSettings) -> Path | None:
    """Lexicon folder for embedding with a chosen model: a lexicon belongs to one model and layer."""
    lexicon, own = state.lexicon, own_path(state)
    if settings.out or own is None:
        return out_path(state, settings)
    wanted = lexicon is not None and lexicon.backbone.id == settings.backbone
    if lexicon is not None and wanted and settings.layer in (None, lexicon.backbone.layer):
        return lexicon.path
    words = [] if settings.backbone == BUILTIN else [Path(settings.backbone).name.removeprefix("timm:")]
    if settings.layer is not None:
        words.append(f"L{settings.layer + 1}")
    return own.with_name("-".join([own.name.removesuffix(".lexicon"), *words]) + ".lexicon")


def dictionary_out_path(own: Path, name: str, another: Callable[[Path], bool]) -> Path:
    """Lexicon folder for one of several dictionaries of a plate: nothing is written over, nothing computed twice.

    Parameters
    ----------
    own : pathlib.Path
        The plate's own folder.
    name : str
        Of the dictionary.
    another : callable
        Whether a folder holds another dictionary's results.
    """
    return next(folder for folder in chain([own], _named(own, name)) if not another(folder))


def _named(own: Path, name: str) -> Iterator[Path]:
    """Folders beside ``own`` named after a dictionary, which may be named after the plate itself."""
    plain = "".join(c if c.isalnum() or c in "-_" else "-" for c in name) or "dictionary"
    stem = own.name.removesuffix(".lexicon")
    whole = plain if plain.startswith(f"{stem}-") else f"{stem}-{plain}"
    yield own.with_name(f"{whole}.lexicon")
    for number in count(2):
        yield own.with_name(f"{whole}-{number}.lexicon")


def apply_request(
    origin: PlateOrigin, out: Path, dictionary: str, settings: ComputeSettings, owner: str, plate_name: str
) -> JobRequest:
    """Apply a dictionary to a plate."""
    own = Path(dictionary).parent.suffix == ".lexicon"  # a copy in a lexicon is called "dictionary"
    what = "the built-in dictionary" if dictionary == BUILTIN else "its dictionary" if own else Path(dictionary).stem
    return JobRequest(
        "apply", {**_common(origin, out, settings), "dictionary": dictionary}, f"Applying {what} to {plate_name}", owner
    )


def embed_request(origin: PlateOrigin, out: Path, settings: ComputeSettings, owner: str, plate_name: str) -> JobRequest:
    """Embed a plate, to train a dictionary on."""
    common = _common(origin, out, settings)
    return JobRequest("embed", {**common, "backbone": settings.backbone}, f"Embedding {plate_name}", owner)


def train_request(settings: dict[str, Any], owner: str) -> JobRequest:
    """Train a dictionary."""
    return JobRequest("train", settings, f"Training {Path(str(settings['out'])).stem}", owner, gentle=True)


def taught_out_path(path: Path, name: str) -> Path:
    """Lexicon folder for the dictionary of the lexicon at ``path`` with a taught feature; one that is not there yet."""
    return next(folder for folder in _named(path, name) if not folder.exists())


def teach_request(
    lexicon: Lexicon, out: Path, name: str, pointed: Mapping[str, Any], settings: ComputeSettings, owner: str
) -> JobRequest:
    """Teach a feature; ``pointed`` holds ``wells`` and ``against``, or ``places``."""
    local = settings.backbone if lexicon.backbone.id.startswith("file:") else None
    common = {"backbone": local, "device": settings.device, "batch": settings.batch}
    described = {"lexicon": str(lexicon.path), "out": str(out), "name": name, **pointed, **common}
    return JobRequest("teach", described, f"Teaching “{name}”", owner)


def report_request(lexicon: Lexicon, out: Path, by: str | None, beyond: float | None, owner: str) -> JobRequest:
    """Write the report of a lexicon; ``by`` names the column of treatments, None where the plate map has none.

    ``beyond`` is how features are read, as in :class:`~napari_lexicon.widgets.workspace.figures.Figures`.
    """
    settings = {"lexicon": str(lexicon.path), "out": str(out), "beyond": beyond} | ({} if by is None else {"by": by})
    return JobRequest("report", settings, f"Report of {lexicon.name}", owner)


def figure_request(
    lexicon: Lexicon, plate: str, place: FieldPlace, shown: Mapping[str, Any], out: Path, owner: str
) -> JobRequest:
    """Draw the shown features over a field; ``shown`` as from :func:`shown_maps`."""
    settings = {"lexicon": str(lexicon.path), "out": str(out), "well": place.well, "field": place.index, "plate": plate}
    return JobRequest("figure", {**settings, **shown}, f"Figure of {place.well}", owner)


def labels_request(
    lexicon: Lexicon, plate: str, place: FieldPlace, shown: Mapping[str, Any], out: Path | None, owner: str
) -> JobRequest:
    """Write the shown features as OME-Zarr labels; beside the image where ``out`` is None."""
    folder = None if out is None else str(out)
    settings = {"lexicon": str(lexicon.path), "out": folder, "well": place.well, "field": place.index, "plate": plate}
    return JobRequest("labels", {**settings, **shown}, f"Labels of {place.well}", owner)


def shown_maps(state: WorkspaceState, reading: LexiconReading, features: Sequence[int] | None = None) -> dict[str, Any]:
    """The maps on the image as :class:`napari_lexicon.jobs.shown_maps.LabelsJob` takes them: the chosen one on top.

    ``features`` names those that are wanted, where not all are.
    """
    plate, style = state.lexicon_plate, state.style
    if features is None:
        kept = [m for m in state.kept if m != state.feature]
        features = [*kept, *([] if state.feature is None else [state.feature])]
    joint = plate is None or plate.joint or state.channel is None
    return {
        "features": list(features),
        "colors": [state.color_of(feature) for feature in features],
        "channel": None if joint or plate is None else plate.header.channels[state.channel or 0].name,
        "threshold": style.threshold,
        "finer": state.look.finer,
        "readings": [reading.look_of(feature).kind for feature in features],
        "picks": state.picks,
        "above_control": style.above_control,
        "drawn_from": reading.drawn_from,
    }


def figure_look(style: OverlayStyle, ranges: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """How a figure is drawn, beyond :func:`shown_maps`; ``ranges`` of the channels that are seen."""
    return {
        "outline": style.outline,
        "smooth": style.smooth,
        "opacity": style.opacity,
        "ranges": {name: list(limits) for name, limits in ranges.items()} or None,
    }


def layout_request(lexicon: Lexicon, method: str, owner: str) -> JobRequest:
    """Lay out all features of a lexicon on a map of neighbours."""
    settings = {"lexicon": str(lexicon.path), "method": method}
    return JobRequest("layout", settings, f"Map of the features of {lexicon.name}", owner)


def cells_request(
    lexicon: Lexicon, plate: str, out: Path, owner: str, labels: str | None, channel: str | None, diameter: float
) -> JobRequest:
    """Measure the cells of all finished fields of a plate; ``labels`` as a folder, None to find nuclei."""
    settings = {
        "lexicon": str(lexicon.path),
        "out": str(out),
        "labels": labels,
        "channel": channel,
        "diameter_um": diameter,
        "plate": plate,
    }
    return JobRequest("cells", settings, f"Cells of {plate}", owner)


def ask_request(lexicon: Lexicon, question: str, out: Path, settings: dict[str, Any], owner: str) -> JobRequest:
    """Put a question to a lexicon."""
    described = {"lexicon": str(lexicon.path), "question": question, "out": str(out), **settings}
    return JobRequest("ask", described, ASKED[question], owner)


def _common(origin: PlateOrigin, out: Path, settings: ComputeSettings) -> dict[str, Any]:
    # a dictionary brings its own backbone and layer: they are named only where a person chose others
    if settings.um_per_pixel or settings.enlarge:
        size = {"um_per_pixel": settings.um_per_pixel or None, "enlarge": settings.enlarge or None}
        origin = origin.model_copy(update=size)
    return {
        "plates": [origin.model_dump(mode="json")],
        "out": str(out),
        "backbone": None if settings.backbone == BUILTIN else settings.backbone,
        "layer": settings.layer,
        "device": settings.device,
        "batch": settings.batch,
        "recompute": settings.recompute,
        "illumination": settings.illumination,
    }


def running_reason(job: JobStatus) -> str:
    """Why nothing can be started while a job runs."""
    title = f"“{job.request.title}”" if job.request else "A job"
    return f"{title} is running: wait for it or cancel it."


def apply_reason(state: WorkspaceState, job: JobStatus) -> str | None:
    """Why nothing can be computed now, None where it can."""
    if job.busy:
        return running_reason(job)
    if state.plate is None:
        return "Open a plate first."
    if not any(well.fields for well in state.plate.wells.values()):
        return "This plate has no image to read."
    return None
