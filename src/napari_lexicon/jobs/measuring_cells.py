"""Cells of all finished fields of a plate, written as one AnnData table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_lexicon.analysis.cell_table import cells_anndata, measure_cells
from napari_lexicon.analysis.reading import finished_fields
from napari_lexicon.analysis.segmentation import labels_from
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent
from napari_lexicon.jobs.reporting import WrittenFile
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.files import check_place


@dataclass(frozen=True)
class CellsJob:
    """Measure the cells of a plate.

    Parameters
    ----------
    lexicon, out : str
        ``NAME.lexicon``; the ``.h5ad`` file to write.
    labels : str, optional
        Folder of label images, or name of labels inside an OME-Zarr plate; nuclei are segmented where None.
    channel : str, optional
        Channel to segment; the nuclear one by its name where None.
    diameter_um : float, optional
        Usual diameter of a nucleus.
    plate : str, optional
        Plate of the lexicon; its only one where None.
    """

    lexicon: str
    out: str
    labels: str | None = None
    channel: str | None = None
    diameter_um: float | None = None
    plate: str | None = None


def run_cells(job: CellsJob, report: Report = silent, should_stop: ShouldStop = never) -> WrittenFile:
    """Run a :class:`CellsJob`."""
    check_place(Path(job.out))
    lexicon = Lexicon.open(job.lexicon)
    plate = lexicon.only_plate(job.plate)
    labels_of = labels_from(job.labels, job.channel, job.diameter_um)
    total, parts = plate.n_done(), []
    for number, field in enumerate(finished_fields([plate], pixels=True)):
        if should_stop():
            return WrittenFile("", "stopped before the table was written", stopped=True)
        report(Progress(number, total, f"measuring {field.what}"))
        names = [plate.header.channels[c].name for c in field.header.channels]
        parts.append(
            measure_cells(
                labels_of(field),
                field.image,
                names,
                field.codes,
                lexicon.backbone.patch,
                n_features=plate.n_features,
                plate=plate.header.name,
                well=field.header.well,
                field=field.header.name,
            )
        )
    data = cells_anndata(parts, plate.map, lexicon.names)
    out = Path(job.out)
    try:
        data.write_h5ad(out)
    except OSError as error:
        raise JobError(f"{out} cannot be written ({error}): choose another place.") from error
    return WrittenFile(str(out), f"{data.n_obs:,} cells written to {out.name}")
