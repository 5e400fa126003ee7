"""Refine: some fields read again on a grid finer than the patches, with the whitened tokens kept.

The tilings are shifted and averaged (:func:`napari_lexicon.backbones.tiling.fine_field_tokens`), which costs
``finer ** 2`` times an apply, so it is done for the fields that somebody looks at and not for the plate. The codes of
the plate, and all statistics, stay those of whole patches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.backbones.spec import Backbone
from napari_lexicon.backbones.tiling import fine_field_tokens
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.applying import backbone_of, channels_coded, encoded_tokens, stored_indices, tokens_for
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent
from napari_lexicon.jobs.field_loop import FieldWork, windowed_image
from napari_lexicon.jobs.plates import plate_field
from napari_lexicon.lexicons import Lexicon, LexiconPlate
from napari_lexicon.lexicons.plate import fine_is_current, fine_mark


@dataclass(frozen=True)
class RefineJob:
    """Read some fields on a finer grid.

    Parameters
    ----------
    lexicon : str
        ``NAME.lexicon`` after apply.
    plate : str
        Id or name of the plate in the lexicon.
    fields : tuple of int
        Numbers of the fields on the plate.
    finer : int
        By how much the grid is finer than the patches along each side: 1, 2 or 4.
    backbone : str, optional
        Needed for local checkpoints.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    batch : int
        Tiles per forward pass.
    """

    lexicon: str
    plate: str
    fields: tuple[int, ...]
    finer: int = 2
    backbone: str | None = None
    device: str = "auto"
    batch: int = 16


@dataclass(frozen=True)
class RefineResult:
    """What refine did.

    Parameters
    ----------
    lexicon : str
        Path of the folder.
    finished, kept : int
        Fields read now, and found finished.
    stopped : bool
        True where the job was asked to stop before its end.
    """

    lexicon: str
    finished: int
    kept: int
    stopped: bool


def run_refine(job: RefineJob, report: Report = silent, should_stop: ShouldStop = never) -> RefineResult:
    """Read the fields of a job on a finer grid; finished fields are kept whatever happens.

    Raises
    ------
    LexiconError
        If the lexicon has no dictionary, or its images cannot be found or read.
    """
    lexicon = Lexicon.open(job.lexicon)
    plate = lexicon.only_plate(job.plate)
    reader = FineReader(lexicon, job.backbone, job.device, job.batch, report, should_stop)
    todo = [number for number in job.fields if not fine_is_current(plate, number, job.finer)]
    kept, finished = len(job.fields) - len(todo), 0
    for number in todo:
        if should_stop():
            return RefineResult(str(lexicon.path), finished, kept, True)
        field = plate.fields[number]
        what = f"{field.well}, field {field.name}"
        report(Progress(kept + finished, len(job.fields), f"reading {what} {job.finer} times finer"))
        reader.read(plate, number, job.finer)
        finished += 1
        which = {"plate": plate.id, "number": number}
        report(Progress(kept + finished, len(job.fields), f"{what} done", None, which))
    return RefineResult(str(lexicon.path), finished, kept, False)


class FineReader:
    """Reads fields of one lexicon finer; the backbone is loaded with the first.

    Parameters
    ----------
    lexicon : Lexicon
        After apply.
    backbone : str, optional
        Needed for local checkpoints.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    batch : int
        Tiles per forward pass.
    report, should_stop
        Told of the download of the backbone, where it is not on this computer, and asked whether to end it.

    Raises
    ------
    JobError
        If the lexicon has no dictionary.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        backbone: str | None = None,
        device: str = "auto",
        batch: int = 16,
        report: Report = silent,
        should_stop: ShouldStop = never,
    ) -> None:
        dictionary = lexicon.dictionary
        if dictionary is None:
            raise JobError(f"{lexicon.path} has no dictionary yet: run apply first.")
        self._dictionary, self._batch = dictionary, batch
        self._load = partial(backbone_of, dictionary, str(lexicon.path), backbone, None, device, report, should_stop)
        self._backbone: Backbone | None = None

    def read(self, plate: LexiconPlate, number: int, finer: int) -> None:
        """Read one field and write what was found.

        Raises
        ------
        LexiconError
            If the patch cannot be divided so, the field has no codes yet, or its images cannot be found or read.
        """
        if plate.mark("codes", number) is None:
            raise JobError(f"Field {plate.fields[number].name} of well {plate.fields[number].well} has no codes yet.")
        if self._backbone is None:
            self._backbone = self._load()
        backbone = self._backbone
        if finer < 1 or backbone.spec.patch % finer:
            raise JobError(
                f"Patches of {backbone.spec.patch} px cannot be read {finer} times finer: choose a divisor of it."
            )
        work = FieldWork(plate, number, plate_field(plate, number))
        image = windowed_image(work)
        tokens = fine_field_tokens(backbone, image, finer, self._batch)
        lit = lit_patches(image, backbone.spec.patch // finer)
        if len(lit) != len(tokens):
            lit = np.asarray(lit.any(axis=0, keepdims=True))
        if plate.counts_dark_patches(number):
            lit = np.ones_like(lit)
        self._write(work, *tokens_for(self._dictionary, work, tokens, lit), finer)

    def _write(self, work: FieldWork, tokens: torch.Tensor, counts: np.ndarray, finer: int) -> None:
        flat, counted = tokens.reshape(-1, tokens.shape[-1]), torch.from_numpy(counts.reshape(-1))
        codes = encoded_tokens(self._dictionary, flat, counted)
        whitened = self._dictionary.whitening.whiten(flat) * counted[:, None]
        grid = tuple(counts.shape)
        arrays = {
            "indices": stored_indices(codes, self._dictionary.n_features).reshape(*grid, -1),
            "values": codes.values.numpy().astype(np.float16).reshape(*grid, -1),
            "whitened": whitened.numpy().astype(np.float16).reshape(*grid, -1),
        }
        attributes = {
            "channels": channels_coded(self._dictionary, work),
            "dictionary": self._dictionary.hash,
            "finer": finer,
        }
        work.plate.write_field("fine", work.number, fine_mark(work.plate, work.number, finer), arrays, attributes)
