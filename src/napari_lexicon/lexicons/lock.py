"""One job at a time in a lexicon folder."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons.files import disk_sentence


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder/job.lock`` for the time of a job.

    A lock whose process has died (kill -9, a crash) is taken over; one held on another machine is believed.

    Raises
    ------
    LexiconFolderError
        If another job works in the folder, or it cannot be written.
    """
    path = folder / "job.lock"
    mine = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
    written = folder / f".job.lock.{os.getpid()}"
    try:
        written.write_text(mine, encoding="utf-8")
        try:
            _take(path, written)
        finally:
            written.unlink(missing_ok=True)
    except OSError as error:
        raise LexiconFolderError(disk_sentence(folder, error)) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _take(path: Path, written: Path) -> None:
    """Give ``path`` the content of ``written``, whole or not at all, unless a living job has it."""
    while True:
        try:
            try:
                os.link(written, path)
            except FileExistsError:
                raise
            except OSError:  # a disk without links, as exFAT
                with open(path, "x", encoding="utf-8") as file:
                    file.write(written.read_text(encoding="utf-8"))
            return
        except FileExistsError:
            if _holder_lives(path):
                raise LexiconFolderError(
                    f"Another job is working in {path.parent}: wait for it or cancel it, "
                    f"or remove {path} if you are sure that none is."
                ) from None
            path.unlink(missing_ok=True)


def _holder_lives(path: Path) -> bool:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        pid, host = int(holder["pid"]), str(holder["host"])
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError):  # not one of ours
        return False
    if host != socket.gethostname():
        return True
    if pid == os.getpid():
        return True
    import psutil

    return bool(psutil.pid_exists(pid))
