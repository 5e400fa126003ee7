"""A process that stays and reads fields finer, one after the other: ``python -m napari_lexicon.jobs.standing``.

Starting Python, torch and a backbone takes longer than reading a field, so a window that walks through fields keeps
one such process. Every line of standard input asks for one field, as JSON: ``lexicon``, ``plate``, ``number``,
``finer``, ``backbone``, ``device``, ``batch``. Whoever asks again before the answer has come wants the new field: only
the latest question is answered. One JSON object per line comes back: the question with ``"done": true``, or with an
``"error"`` for a person; before it, while the model has to be fetched, some with ``"fetching"`` and how far it is.
The end of the input ends the process.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from napari_lexicon.errors import LexiconError
from napari_lexicon.jobs.contract import Progress, Report


@dataclass(frozen=True)
class FineQuestion:
    """One field to read finer.

    Parameters
    ----------
    lexicon, plate, number : str, str, int
        The field.
    finer : int
        By how much the grid is finer.
    backbone, device, batch : str or None, str, int
        As in :class:`napari_lexicon.jobs.refining.RefineJob`.
    """

    lexicon: str
    plate: str
    number: int
    finer: int = 2
    backbone: str | None = None
    device: str = "auto"
    batch: int = 16


class _Latest:
    """Holds the newest line that has come in; None at the end of the input."""

    def __init__(self, inputs: Iterable[str]) -> None:
        self._line: str | None = ""
        self._came = threading.Condition()
        threading.Thread(target=self._listen, args=(inputs,), daemon=True, name="listen").start()

    def _listen(self, inputs: Iterable[str]) -> None:
        for line in inputs:
            if line.strip():
                self._put(line)
        self._put(None)

    def _put(self, line: str | None) -> None:
        with self._came:
            self._line = line
            self._came.notify()

    def take(self) -> str | None:
        """Wait for a line that was not taken yet."""
        with self._came:
            self._came.wait_for(lambda: self._line != "")
            line = self._line
            if line is not None:
                self._line = ""
            return line


def serve(inputs: Iterable[str], outputs: IO[str]) -> None:
    """Answer the questions that come in until they end."""
    readers: dict[tuple[Any, ...], Any] = {}
    latest = _Latest(inputs)
    while (line := latest.take()) is not None:
        answer: dict[str, Any] = {}
        try:
            answer = json.loads(line)
            _read(FineQuestion(**answer), readers, partial(_tell, outputs, dict(answer)))
            answer["done"] = True
        except LexiconError as error:
            answer["error"] = str(error)
        except MemoryError:
            answer["error"] = "This machine has too little memory to read the field finer: choose a smaller batch."
        except (ValueError, TypeError) as error:
            answer = {"error": f"This is no question after a field ({error})."}
        _write(outputs, answer)


def _write(outputs: IO[str], line: dict[str, Any]) -> None:
    outputs.write(json.dumps(line) + "\n")
    outputs.flush()


def _tell(outputs: IO[str], question: dict[str, Any], progress: Progress) -> None:
    """Say how much of a model has been downloaded; nothing else takes long."""
    if progress.total:
        _write(outputs, {**question, "fetching": f"{progress.message}: {progress.done} of {progress.total}"})


def _read(question: FineQuestion, readers: dict[tuple[Any, ...], Any], report: Report) -> None:
    """Read the field, with the backbone of the last question where it is the same."""
    from napari_lexicon.jobs.refining import FineReader
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.plate import fine_is_current

    lexicon = Lexicon.open(question.lexicon)
    plate = lexicon.only_plate(question.plate)
    if fine_is_current(plate, question.number, question.finer):
        return
    reference = lexicon.header.dictionary
    which = (question.lexicon, reference and reference.hash, question.backbone, question.device, question.batch)
    if which not in readers:
        readers.clear()
        readers[which] = FineReader(lexicon, question.backbone, question.device, question.batch, report)
    readers[which].read(plate, question.number, question.finer)


def main() -> None:
    """Entry point; output of libraries goes to standard error."""
    outputs = sys.stdout
    sys.stdout = sys.stderr
    if hasattr(os, "nice"):
        os.nice(5)
    serve(sys.stdin, outputs)


if __name__ == "__main__":
    main()
