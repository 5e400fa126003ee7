"""A question put to a lexicon, as a job: its table is written as CSV, its picture, where it has one, beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent
from napari_lexicon.jobs.reporting import WrittenFile


@dataclass(frozen=True)
class AskJob:
    """Put a question to a lexicon; see :func:`napari_lexicon.api.ask`.

    Parameters
    ----------
    lexicon, question, out : str
        ``NAME.lexicon``; the question's name; the CSV file to write. A picture has the same name with ``.png``.
    by : str
        Column that is asked about.
    controls : str
        Question to the plate map that chooses the controls.
    channel, active, across, kind, known, labels, dose : str, optional
        As in :class:`napari_lexicon.analysis.asked.Asked`.
    measurements, other : str, optional
        CSV of numbers per well; second lexicon.
    per : {"well", "field"}
        What a row of measurements is about.
    features : tuple of int
        For questions about chosen features.
    pixels : bool
        Open the images.
    beyond : float, optional
        Read features by their direction, as in :class:`napari_lexicon.analysis.questions.Asked`.
    """

    lexicon: str
    question: str
    out: str
    by: str = "Metadata_perturbation"
    controls: str = "Metadata_pert_type == 'negcon'"
    channel: str | None = None
    dose: str = "Metadata_concentration"
    active: str = "positive"
    across: str | None = None
    kind: str | None = None
    known: str | None = None
    measurements: str | None = None
    per: Literal["well", "field"] = "well"
    other: str | None = None
    labels: str | None = None
    features: tuple[int, ...] = ()
    pixels: bool = True
    beyond: float | None = None


class _Stopped(Exception):
    """Asked to stop."""


def run_ask(job: AskJob, report: Report = silent, should_stop: ShouldStop = never) -> WrittenFile:
    """Answer a question; what limits the answer is the message. Nothing is written when it is stopped.

    Raises
    ------
    LexiconError
        If the lexicon does not allow the question, or the file cannot be written.
    """
    from napari_lexicon.analysis.asked import Asked
    from napari_lexicon.analysis.notes import notes_of
    from napari_lexicon.analysis.question_words import DRAWN
    from napari_lexicon.analysis.questions import answer, answer_in_picture
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.files import check_place, write_bytes_whole

    def told(done: int, total: int, what: str) -> None:
        if should_stop():
            raise _Stopped
        report(Progress(done, total, what))

    asked = Asked(
        by=job.by,
        controls=job.controls,
        dose=job.dose,
        channel=job.channel,
        active=job.active,
        across=job.across,
        kind=job.kind,
        known=job.known,
        measurements=None if job.measurements is None else Path(job.measurements),
        per=job.per,
        other=None if job.other is None else Path(job.other),
        labels=job.labels,
        features=job.features,
        pixels=job.pixels,
        beyond=job.beyond,
    )
    check_place(Path(job.out))
    report(Progress(0, 0, "reading the lexicon"))
    lexicon, drawn = Lexicon.open(job.lexicon), b""
    try:
        if job.question in DRAWN:
            table, drawn = answer_in_picture(lexicon, job.question, asked, told)
        else:
            table = answer(lexicon, job.question, asked, told)
    except _Stopped:
        return WrittenFile("", "Nothing was written", stopped=True)
    if drawn:
        write_bytes_whole(Path(job.out).with_suffix(".png"), drawn)
    write_bytes_whole(Path(job.out), table.to_csv(index=False).encode())
    return WrittenFile(job.out, " ".join([f"{len(table):,} rows.", *notes_of(table)]))
