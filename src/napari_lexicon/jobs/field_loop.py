"""The loop that embed and apply share: field by field, reading ahead and writing behind while the model runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from napari_lexicon.backbones.background import BACKGROUND
from napari_lexicon.errors import JobError, LexiconError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, TimeLeft
from napari_lexicon.lexicons import LexiconPlate
from napari_lexicon.lexicons.headers import ProblemHeader
from napari_lexicon.lexicons.pixels import model_pixels, pixels_origin
from napari_lexicon.lexicons.plate import fingerprint
from napari_lexicon.plates.model import Field, Plate

Background = Literal["skip", "keep"]
"""What happens to dark patches (:mod:`napari_lexicon.backbones.background`)."""

READ_AHEAD = 2  # fields in memory beside the one in the model


@dataclass(frozen=True)
class FieldWork:
    """One field to do: its plate in the lexicon, its number there, and where its pixels are."""

    plate: LexiconPlate
    number: int
    field: Field

    @property
    def what(self) -> str:
        """For a person: well and field."""
        return f"{self.field.well}, field {self.field.name}"


@dataclass
class LoopResult:
    """What a loop over fields did."""

    finished: int = 0
    kept: int = 0
    failures: list[ProblemHeader] = field(default_factory=list)
    stopped: bool = False


def works_of(plate: Plate, prepared: LexiconPlate) -> list[FieldWork]:
    """The fields of an opened plate, matched with their numbers in the lexicon."""
    by_key = {item.key: item for item in plate.fields()}
    return [
        FieldWork(prepared, number, by_key[f"{header.well}/{header.name}"])
        for number, header in enumerate(prepared.fields)
    ]


def windowed_image(work: FieldWork) -> np.ndarray:
    """``(C, Y, X)`` float32 pixels in units of the plate's intensity windows."""
    header = work.plate.fields[work.number]
    return model_pixels(work.plate.header, header, np.asarray(work.field.image()))


def tokens_mark(work: FieldWork, backbone_fingerprint: str) -> str:
    """Fingerprint of a field's tokens: backbone, pixels on disk, channels, and what is done to their pixels."""
    header = work.plate.fields[work.number]
    windows = [(work.plate.header.channels[c].low, work.plate.header.channels[c].high) for c in header.channels]
    done = pixels_origin(work.plate.header, header)
    more = [done] if done else []  # marks of plates without such options stay what they always were
    return fingerprint(backbone_fingerprint, header.identity, header.shape, header.channels, windows, *more)


def codes_mark(tokens: str, dictionary_hash: str, background: Background = "skip") -> str:
    """Fingerprint of a field's codes: its tokens', the dictionary's, and what is left out."""
    return fingerprint(tokens, dictionary_hash, BACKGROUND if background == "skip" else "nothing")


def images_read_ahead(works: Sequence[FieldWork]) -> Iterator[tuple[FieldWork, np.ndarray | LexiconError]]:
    """Windowed images in order, the next ones read in a thread; a field that cannot be read yields its error."""

    def read(work: FieldWork) -> np.ndarray | LexiconError:
        try:
            return windowed_image(work)
        except LexiconError as error:
            return error
        except OSError as error:
            return JobError(f"Field {work.what} cannot be read ({error}): check the file and run the job again.")

    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        ahead: list[tuple[FieldWork, Future[np.ndarray | LexiconError]]] = []
        waiting = iter(works)
        try:
            while True:
                while len(ahead) <= READ_AHEAD and (work := next(waiting, None)) is not None:
                    ahead.append((work, reader.submit(read, work)))
                if not ahead:
                    return
                work, future = ahead.pop(0)
                yield work, future.result()
        finally:
            reader.shutdown(wait=True, cancel_futures=True)


class FieldProgress:
    """Reports a loop over fields: how many of how many, what, time left."""

    def __init__(self, report: Report, total: int, done: int, verb: str):
        self._report, self._total, self._done, self._verb = report, total, done, verb
        self._left = TimeLeft()
        self._left(time.monotonic(), done, total)

    def starting(self, work: FieldWork) -> None:
        """A field begins."""
        self._say(f"{self._verb} {work.what}", {})

    def finished(self, work: FieldWork) -> None:
        """A field is on disk."""
        self._done += 1
        self._say(f"{work.what} done", {"plate": work.plate.id, "well": work.field.well, "number": work.number})

    def _say(self, message: str, extra: dict[str, object]) -> None:
        left = self._left(time.monotonic(), self._done, self._total)
        self._report(Progress(self._done, self._total, message, left, dict(extra)))


Write = Callable[[], None]
"""Writes what was computed of one field; runs in a thread while the model is at the next one."""


class FieldAct(Protocol):
    """What is done to one field; ``verb`` says it to a person."""

    @property
    def verb(self) -> str:
        """What is done, as in "embedding B03"."""
        ...

    def __call__(self, work: FieldWork, image: np.ndarray) -> Write:
        """Compute the field, and give what writes it; both raise only what ends the whole job (a full disk)."""
        ...


def run_loop(
    works: Sequence[FieldWork], kept: int, act: FieldAct, progress: Report, should_stop: ShouldStop
) -> LoopResult:
    """Read every field and act on it; a field that fails is named and the others go on."""
    result = LoopResult(kept=kept)
    told = FieldProgress(progress, len(works) + kept, kept, act.verb)

    def settle(work: FieldWork, written: Future[None]) -> None:
        written.result()
        result.finished += 1
        told.finished(work)

    with ThreadPoolExecutor(1, thread_name_prefix="write-behind") as writer:
        behind: list[tuple[FieldWork, Future[None]]] = []
        for work, image in images_read_ahead(works):
            if should_stop():
                result.stopped = True
                break
            if isinstance(image, LexiconError):
                result.failures.append(ProblemHeader(sentence=str(image), well=work.field.well, field=work.field.name))
                continue
            told.starting(work)
            write = act(work, image)
            if behind:
                settle(*behind.pop())
            behind.append((work, writer.submit(write)))
        if behind:
            settle(*behind.pop())
    return result
