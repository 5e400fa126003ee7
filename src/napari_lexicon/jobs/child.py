"""A job in a process of its own: ``python -m napari_lexicon.jobs.child``.

The first line of standard input is the job as JSON. The line ``stop``, or the end of the input, asks it to stop: a
window that closes takes its jobs along, and what they finished is on disk. One JSON object per line comes back on
standard output: ``progress``, then one of ``result``, ``stopped`` and ``error``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import IO, Any

from napari_lexicon.errors import LexiconError
from napari_lexicon.jobs.contract import Progress

EVENTS = ("progress", "result", "stopped", "error")


def serve(inputs: IO[str], outputs: IO[str]) -> int:
    """Run the job that ``inputs`` describes, telling ``outputs``; returns the exit status (0, or 2 after an error)."""
    stop = threading.Event()
    telling = threading.Lock()

    def tell(event: str, **fields: Any) -> None:
        with telling:
            outputs.write(json.dumps({"event": event, **fields}, allow_nan=True) + "\n")
            outputs.flush()

    def report(progress: Progress) -> None:
        tell(
            "progress",
            done=progress.done,
            total=progress.total,
            message=progress.message,
            seconds_left=progress.seconds_left,
            extra=progress.extra,
        )

    first_line = inputs.readline()

    def listen() -> None:
        for line in inputs:
            if line.strip() == "stop":
                break
        stop.set()

    threading.Thread(target=listen, daemon=True, name="listen-for-stop").start()
    report(Progress(0, 0, "starting"))  # before torch is imported: the window sees that something lives
    try:
        from napari_lexicon.jobs.running import job_from_json, result_to_json, run_job

        result = result_to_json(run_job(job_from_json(first_line), report, stop.is_set))
    except LexiconError as error:
        tell("error", sentence=str(error), error=type(error).__name__)
        return 2
    except MemoryError:
        tell(
            "error", sentence="This machine has too little memory for the job: lower the batch size and start it again."
        )
        return 2
    tell("stopped" if result.get("stopped") else "result", **result)
    return 0


def main() -> None:
    """Entry point; output of libraries goes to standard error, so that standard output stays one object a line."""
    outputs = sys.stdout
    sys.stdout = sys.stderr
    if hasattr(os, "nice"):
        os.nice(10)  # a job takes every core it can get; the window that watches it must still be served first
    sys.exit(serve(sys.stdin, outputs))


if __name__ == "__main__":
    main()
