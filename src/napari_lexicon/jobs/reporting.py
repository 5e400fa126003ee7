"""The report: what a lexicon says, written to one file that can be sent to somebody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent


@dataclass(frozen=True)
class ReportJob:
    """Write the report of a lexicon as one HTML file; see :func:`napari_lexicon.api.report`.

    Parameters
    ----------
    lexicon, out : str
        ``NAME.lexicon``; the HTML file to write.
    by, controls, dose : str
        Column of treatments, question that chooses the controls, column of doses.
    features : int
        Features shown with pictures.
    pictures : bool
        Open the images.
    network : bool
        Run the model again on some wells, for layers and edited features.
    beyond : float, optional
        Read features by their direction, as in :func:`napari_lexicon.api.report`.
    """

    lexicon: str
    out: str
    by: str = "Metadata_perturbation"
    controls: str = "Metadata_pert_type == 'negcon'"
    dose: str = "Metadata_concentration"
    features: int = 8
    pictures: bool = True
    network: bool = True
    beyond: float | None = None


@dataclass(frozen=True)
class WrittenFile:
    """What was written.

    Parameters
    ----------
    written : str
        The file.
    message : str
        That it was, for a person.
    stopped : bool
        True where the job was asked to stop: nothing is written then.
    """

    written: str
    message: str
    stopped: bool = False


class _Stopped(Exception):
    """Asked to stop."""


def run_report(job: ReportJob, report: Report = silent, should_stop: ShouldStop = never) -> WrittenFile:
    """Write a report; nothing is written when it is stopped.

    Raises
    ------
    LexiconError
        If the lexicon has no codes, or the file cannot be written.
    """
    from napari_lexicon.analysis.report import ReportSettings, gathered, report_page
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.files import check_place, write_bytes_whole

    def told(done: int, total: int, what: str) -> None:
        if should_stop():
            raise _Stopped
        report(Progress(done, total, what))

    settings = ReportSettings(
        by=job.by,
        controls=job.controls,
        dose=job.dose,
        features=job.features,
        pixels=job.pictures,
        network=job.network,
        beyond=job.beyond,
    )
    check_place(Path(job.out))
    try:
        page = report_page(gathered(Lexicon.open(job.lexicon), settings, told), told)
    except _Stopped:
        return WrittenFile("", "Nothing was written", stopped=True)
    write_bytes_whole(Path(job.out), page.encode())
    return WrittenFile(job.out, f"Written to {job.out}")
