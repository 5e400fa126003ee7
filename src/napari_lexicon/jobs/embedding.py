"""Embed: the tokens of every field, written field by field; also the first half of apply."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch

from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.backbones.spec import Backbone
from napari_lexicon.backbones.tiling import field_tokens
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.advice import size_advice
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent
from napari_lexicon.jobs.field_loop import FieldWork, LoopResult, Write, run_loop, tokens_mark, works_of
from napari_lexicon.jobs.lights import Light, check_light
from napari_lexicon.jobs.loading import loaded_backbone
from napari_lexicon.jobs.plates import held_lexicon, opened, origin_as_before, prepared_plate
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.headers import PlateOrigin, ProblemHeader
from napari_lexicon.lexicons.origins import of_the_plate
from napari_lexicon.lexicons.pixels import pixels_origin
from napari_lexicon.plates.model import Plate

Keep = int | Literal["all"]
KEEP_TOKENS = 200_000


@dataclass(frozen=True)
class EmbedJob:
    """Embed plates into a lexicon folder.

    Parameters
    ----------
    plates : tuple of PlateOrigin
        The plates, and how to open them.
    out : str
        ``NAME.lexicon``; made where it is not there, gone on with where it is.
    backbone : str
        ``builtin``, a timm name or a local checkpoint.
    layer : int, optional
        Block to read, from 0; the backbone's own choice where None.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    batch : int
        Tiles per forward pass.
    keep_tokens : int or "all"
        How many tokens to keep over all fields of a plate, for training; those of patches that show something first.
    recompute : bool
        Do stale fields again, and estimate the intensity windows anew.
    illumination : str, optional
        ``correct``: even out the light of every channel by a flat field estimated from the plate; ``none``: leave it.
        As an earlier job on the plate did where None, else ``none``.
    """

    plates: tuple[PlateOrigin, ...]
    out: str
    backbone: str = "builtin"
    layer: int | None = None
    device: str = "auto"
    batch: int = 16
    keep_tokens: Keep = KEEP_TOKENS
    recompute: bool = False
    illumination: Light | None = None


@dataclass(frozen=True)
class FieldsResult:
    """What embed or apply did.

    Parameters
    ----------
    lexicon : str
        Path of the folder.
    finished, kept : int
        Fields computed now, and found finished.
    stale : int
        Fields whose parts were made from something else, left as they are.
    stale_because : str
        Why, for the first of them.
    failures : tuple of ProblemHeader
        Fields that could not be read.
    stopped : bool
        True where the job was asked to stop before its end.
    advice : str
        How the plate could be read better; empty where nothing was noticed.
    """

    lexicon: str
    finished: int
    kept: int
    stale: int
    stale_because: str
    failures: tuple[ProblemHeader, ...]
    stopped: bool
    advice: str = ""


def run_embed(
    job: EmbedJob,
    report: Report = silent,
    should_stop: ShouldStop = never,
    open_already: Mapping[PlateOrigin, Plate] = MappingProxyType({}),
) -> FieldsResult:
    """Embed the plates of a job; finished fields are kept whatever happens.

    Plates that are open already are not opened again.

    Raises
    ------
    LexiconError
        If a plate or the backbone cannot be used at all, or nothing can be read.
    """
    check_light(job.illumination)
    backbone = loaded_backbone(job.backbone, job.layer, job.device, report, should_stop)
    with held_lexicon(job.out, backbone.spec) as lexicon:
        works = [
            work
            for origin in job.plates
            for work in plate_works(lexicon, origin, backbone, job.recompute, job.illumination, report, open_already)
        ]
        fields_per_plate = {work.plate.id: len(work.plate.fields) for work in works}
        todo: list[FieldWork] = []
        stale: list[FieldWork] = []
        for work in works:
            mark, kept = tokens_mark(work, backbone.spec.fingerprint), work.plate.mark("tokens", work.number)
            if kept is None or (
                kept == mark and not _keeps_enough(work, job.keep_tokens, fields_per_plate[work.plate.id])
            ):
                todo.append(work)
            elif kept != mark:
                (todo if job.recompute else stale).append(work)
        act = _EmbedField(backbone, job.batch, job.keep_tokens)
        result = run_loop(todo, len(works) - len(todo) - len(stale), act, report, should_stop, backbone.device)
    return fields_result(lexicon, result, works, stale, "tokens", backbone)


def fields_result(
    lexicon: Lexicon,
    result: LoopResult,
    works: Sequence[FieldWork],
    stale: list[FieldWork],
    kind: str,
    backbone: Backbone,
) -> FieldsResult:
    """Result of a loop; raises :class:`JobError` where there was work and none of it could be read."""
    if result.failures and not result.finished and not result.kept and not stale and not result.stopped:
        raise JobError(f"No field could be read: {result.failures[0].sentence}")
    because = stale_reason(stale[0], kind, backbone) if stale else ""
    return FieldsResult(
        str(lexicon.path),
        result.finished,
        result.kept,
        len(stale),
        because,
        (*_left_out(works), *result.failures),
        result.stopped,
        size_advice(works, backbone.spec.patch) if result.finished and not result.stopped else "",
    )


def _left_out(works: Sequence[FieldWork]) -> Iterator[ProblemHeader]:
    """Fields that the plates were opened without, because they cannot be read."""
    for plate in {work.plate.id: work.plate for work in works}.values():
        there = {(field.well, field.name) for field in plate.fields}
        told = {(one.well, one.field): one for one in plate.header.problems if one.field}  # why stands last
        yield from (one for place, one in told.items() if place not in there)


def plate_works(
    lexicon: Lexicon,
    origin: PlateOrigin,
    backbone: Backbone,
    anew: bool,
    light: Light | None,
    report: Report,
    open_already: Mapping[PlateOrigin, Plate] = MappingProxyType({}),
) -> list[FieldWork]:
    """Open a plate that is not open yet, write it down in the lexicon, and list its fields."""
    origin = origin_as_before(lexicon, origin)
    plate = open_already.get(origin)
    if plate is None:
        report(Progress(0, 0, f"opening {Path(origin.path).name}"))
        plate = opened(origin)
    inner = of_the_plate(origin, plate)
    if inner != origin and all(one.header.origin.path != origin.path for one in lexicon.plates.values()):
        origin = origin_as_before(lexicon, inner)
        plate = opened(origin)
    report(Progress(0, 0, f"measuring the intensity windows of {plate.name}"))
    return works_of(plate, prepared_plate(lexicon, plate, origin, backbone.spec, anew=anew, light=light))


def stale_reason(work: FieldWork, kind: str, backbone: Backbone) -> str:
    """Why a part of a field is stale: the first thing it was made from that has changed since."""
    made = work.plate.attributes(kind, work.number)
    now = origin_attributes(work, backbone)
    for key, said in (
        ("backbone", "it was made with another backbone"),
        ("identity", "its image file has changed"),
        ("windows", "the intensity windows of its plate have changed"),
        ("channels", "its channels have changed"),
        ("illumination", "the illumination correction of its plate has changed"),
    ):
        if made.get(key) != now.get(key):
            return f"{work.what}: {said}"
    return f"{work.what}: it was made with another dictionary or another choice of background"


def origin_attributes(work: FieldWork, backbone: Backbone) -> dict[str, object]:
    """What a field's tokens are made from, to be written beside them."""
    header = work.plate.fields[work.number]
    channels = work.plate.header.channels
    return {
        "well": header.well,
        "field": header.name,
        "backbone": backbone.spec.fingerprint,
        "identity": header.identity,
        "channels": list(header.channels),
        "windows": [[channels[c].low, channels[c].high] for c in header.channels],
        **pixels_origin(work.plate.header, header),
    }


def sample_size(keep: Keep, n_fields: int, n_channels: int, n_places: int) -> int:
    """Places kept of one field, so that all fields of a plate together keep about ``keep`` tokens."""
    if keep == "all":
        return n_places
    return min(n_places, -(-keep // max(1, n_fields * n_channels)))


def _keeps_enough(work: FieldWork, keep: Keep, n_fields: int) -> bool:
    header = work.plate.fields[work.number]
    asked = sample_size(keep, n_fields, len(header.channels), header.grid[0] * header.grid[1])
    return int(work.plate.attributes("tokens", work.number)["places"]) >= asked


def image_tokens(backbone: Backbone, image: np.ndarray, batch: int) -> torch.Tensor:
    """``(G, gh, gw, dim)`` float32 tokens of a windowed ``(C, Y, X)`` image."""
    return field_tokens(backbone, image, batch)


def lit_tokens(image: np.ndarray, backbone: Backbone, groups: int) -> np.ndarray:
    """``(G, gh, gw)`` bool: tokens of patches that show something; for a model of all channels at once, in any."""
    lit = lit_patches(image, backbone.spec.patch)
    return lit if groups == len(lit) else np.asarray(lit.any(axis=0, keepdims=True))


def write_tokens(work: FieldWork, tokens: torch.Tensor, lit: np.ndarray, backbone: Backbone, keep: Keep) -> None:
    """Write the kept tokens of a field, those of places that show something first, and the means of squares."""
    groups, gh, gw, dim = tokens.shape
    header = work.plate.fields[work.number]
    n = sample_size(keep, len(work.plate.fields), len(header.channels), gh * gw)
    seed = int.from_bytes(hashlib.sha256(work.field.key.encode()).digest()[:8], "little")
    order = np.random.default_rng(seed).permutation(gh * gw)
    dark = ~lit.any(axis=0).reshape(-1)
    chosen = np.sort(order[np.argsort(dark[order], kind="stable")][:n])
    halved = tokens.to(torch.float16).permute(1, 2, 0, 3).reshape(gh * gw, groups, dim)
    arrays: dict[str, np.ndarray] = {
        "tokens": halved[torch.from_numpy(chosen)].numpy(),
        "places": np.stack(np.divmod(chosen, gw), axis=1).astype(np.int32),
        "lit": lit.reshape(groups, -1).T[chosen],
        "means": _square_means(tokens, max(1, backbone.spec.tile // backbone.spec.patch)),
    }
    attributes = {**origin_attributes(work, backbone), "places": n}
    work.plate.write_field("tokens", work.number, tokens_mark(work, backbone.spec.fingerprint), arrays, attributes)


def _square_means(tokens: torch.Tensor, side: int) -> np.ndarray:
    """``(t, G, dim)`` float32 means over squares of ``side`` x ``side`` tokens, the last ones smaller."""
    gh, gw = tokens.shape[1:3]
    squares = [
        tokens[:, top : top + side, left : left + side].mean(dim=(1, 2))
        for top in range(0, gh, side)
        for left in range(0, gw, side)
    ]
    return torch.stack(squares).numpy()


@dataclass(frozen=True)
class _EmbedField:
    backbone: Backbone
    batch: int
    keep: Keep
    verb: str = "embedding"

    def __call__(self, work: FieldWork, image: np.ndarray) -> Write:
        tokens = image_tokens(self.backbone, image, self.batch)

        def write() -> None:
            # Which patches are lit is found here, beside the model and not between two fields.
            write_tokens(work, tokens, lit_tokens(image, self.backbone, len(tokens)), self.backbone, self.keep)

        return write
