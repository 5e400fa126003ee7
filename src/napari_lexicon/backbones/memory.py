"""A batch that does not fit into memory is halved until it does, and stays that small."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

from napari_lexicon.errors import BackboneError

_log = logging.getLogger(__name__)

_SIGNS = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


class ShrinkingBatch:
    """Runs a function over a batch in as large parts as memory allows.

    Parameters
    ----------
    run : callable
        From ``(N, ...)`` to ``(N, ...)``, each row by itself.
    where : str
        Name of the device, for the message.
    """

    def __init__(self, run: Callable[[torch.Tensor], torch.Tensor], where: str) -> None:
        self._run = run
        self._where = where
        self.most: int | None = None
        """Rows at a time since memory first ran out; none before."""

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Result for the whole batch.

        Raises
        ------
        BackboneError
            If a single row does not fit.
        """
        done: list[torch.Tensor] = []
        start = 0
        while start < len(batch):
            part = batch[start : start + (self.most or len(batch))]
            found = self._attempt(part)
            if found is None:  # outside of the except block: the error there keeps the memory that was in use
                self._halve(len(part))
            else:
                done.append(found)
                start += len(part)
        return done[0] if len(done) == 1 else torch.cat(done)

    def _attempt(self, part: torch.Tensor) -> torch.Tensor | None:
        try:
            return self._run(part)
        except RuntimeError as error:
            if not ran_out_of_memory(error):
                raise
            return None

    def _halve(self, rows: int) -> None:
        if self._where == "cuda":
            torch.cuda.empty_cache()
        if rows == 1:
            raise BackboneError(
                f"The {self._where} ran out of memory on a single tile: close other programs, choose a smaller "
                "backbone, or another --device."
            )
        self.most = rows // 2
        _log.warning("The %s ran out of memory on %d tiles at once: going on with %d.", self._where, rows, self.most)


def ran_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of PyTorch is about memory; the CPU and Apple's GPU have no class of their own for it."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    said = str(error).lower()
    return any(sign in said for sign in _SIGNS)
