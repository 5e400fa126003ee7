"""The loop that embed and apply share: field by field, reading ahead and writing behind while the model runs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from napari_lexicon.backbones.background import BACKGROUND
from napari_lexicon.errors import JobError, LexiconError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, TimeLeft
from napari_lexicon.lexicons import LexiconPlate
from napari_lexicon.lexicons.headers import ProblemHeader
from napari_lexicon.lexicons.pixels import model_pixels, pixels_origin
from napari_lexicon.lexicons.plate import fingerprint
from napari_lexicon.plates.model import Field, Plate

if TYPE_CHECKING:
    import torch

Background = Literal["skip", "keep"]
"""What happens to dark patches (:mod:`napari_lexicon.backbones.background`)."""

READ_AHEAD = 2  # fields in memory beside those in the model
MOST_STREAMS = 4  # fields in the model at once: each takes memory


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
        """Compute the field, and give what writes it; both raise only what ends the whole job (a full disk).

        Several fields may be computed at once, in threads.
        """
        ...


def run_loop(
    works: Sequence[FieldWork],
    kept: int,
    act: FieldAct,
    progress: Report,
    should_stop: ShouldStop,
    device: torch.device | None = None,
) -> LoopResult:
    """Read every field and act on it; a field that fails is named and the others go on.

    On a processor with several cores several fields are acted on at once, each on cores of its own: cores that share
    one field wait for each other between its steps. torch lets go of the interpreter while it computes, so threads are
    enough. ``device`` is that of the model; the processor where None.
    """
    result = LoopResult(kept=kept)
    told = FieldProgress(progress, len(works) + kept, kept, act.verb)
    computing: deque[tuple[FieldWork, Future[Write]]] = deque()
    behind: list[tuple[FieldWork, Future[None]]] = []

    def settle() -> None:
        """Wait until the field before the first one that is computed is on disk, and have that one written."""
        work, write = computing.popleft() if computing else (None, None)
        writing = None if write is None else write.result()
        for done, written in behind:
            written.result()
            result.finished += 1
            told.finished(done)
        behind.clear()
        if work is not None and writing is not None:
            behind.append((work, writer.submit(writing)))

    with _streams(device) as (actors, streams), ThreadPoolExecutor(1, thread_name_prefix="write-behind") as writer:
        for work, image in images_read_ahead(works):
            if should_stop():
                result.stopped = True
                break
            if isinstance(image, LexiconError):
                result.failures.append(ProblemHeader(sentence=str(image), well=work.field.well, field=work.field.name))
                continue
            if len(computing) >= streams:
                settle()
            told.starting(work)
            computing.append((work, actors.submit(act, work, image)))
        while computing or behind:
            settle()
    return result


@contextmanager
def _streams(device: torch.device | None) -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """Threads that act on fields, and how many there are."""
    import torch  # the window reads the marks of fields here, and never loads it

    cores = torch.get_num_threads()
    streams = min(cores, MOST_STREAMS) if device is None or device.type == "cpu" else 1
    own = max(1, cores // streams)
    try:
        with ThreadPoolExecutor(streams, "act", lambda: torch.set_num_threads(own)) as actors:
            yield actors, streams
    finally:
        torch.set_num_threads(cores)  # part of the setting is shared between threads
