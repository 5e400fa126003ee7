"""Apply: the codes of every field of a plate, and from them the statistics of every well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from napari_lexicon.backbones.spec import Backbone
from napari_lexicon.dictionaries.channel_groups import grouped_tokens
from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.errors import DictionaryError, JobError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent
from napari_lexicon.jobs.directions import FieldDirections, directions_of
from napari_lexicon.jobs.embedding import (
    KEEP_TOKENS,
    FieldsResult,
    Keep,
    fields_result,
    image_tokens,
    lit_tokens,
    origin_attributes,
    plate_works,
    write_tokens,
)
from napari_lexicon.jobs.field_loop import Background, FieldWork, Write, codes_mark, run_loop, tokens_mark
from napari_lexicon.jobs.lights import Light, check_light
from napari_lexicon.jobs.loading import loaded_backbone
from napari_lexicon.jobs.plates import held_lexicon
from napari_lexicon.lexicons.headers import PlateOrigin, ProblemHeader
from napari_lexicon.lexicons.statistics import field_statistics
from napari_lexicon.plates.model import Plate


@dataclass(frozen=True)
class ApplyJob:
    """Apply a dictionary to plates.

    Parameters
    ----------
    plates : tuple of PlateOrigin
        The plates, and how to open them.
    out : str
        ``NAME.lexicon``; made where it is not there, gone on with where it is.
    dictionary : str
        ``builtin`` or the path of a dictionary file.
    backbone : str, optional
        The one that the dictionary was made for where None; needed for local checkpoints.
    layer : int, optional
        The dictionary's where None.
    device, batch, keep_tokens, recompute, illumination
        As in :class:`napari_lexicon.jobs.embedding.EmbedJob`.
    background : str
        ``skip``: dark patches get no code and do not count in any statistic; ``keep``: they are read like all others.
    """

    plates: tuple[PlateOrigin, ...]
    out: str
    dictionary: str = "builtin"
    backbone: str | None = None
    layer: int | None = None
    device: str = "auto"
    batch: int = 16
    keep_tokens: Keep = KEEP_TOKENS
    recompute: bool = False
    background: Background = "skip"
    illumination: Light | None = None


def check_background(background: str) -> None:
    """Raise :class:`JobError` unless it is ``skip`` or ``keep``."""
    if background not in ("skip", "keep"):
        raise JobError(f"The background is 'skip' or 'keep', not {background!r}: correct the option.")


def dictionary_path(name: str) -> Path:
    """File of the built-in dictionary, or of the one named."""
    if name != "builtin":
        return Path(name)
    return Path(str(resources.files("napari_lexicon.dictionaries").joinpath("builtin.safetensors")))


def backbone_name(dictionary: str) -> str:
    """Name of the backbone that a dictionary was made for."""
    return str(load_dictionary(dictionary_path(dictionary)).header.backbone.get("id", ""))


def backbone_of(
    dictionary: Dictionary,
    source: str,
    name: str | None,
    layer: int | None,
    device: str,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> Backbone:
    """Load the backbone that a dictionary was made for, and check that it is the one.

    Raises
    ------
    DictionaryError
        If the dictionary was made for another backbone than the one asked for, naming what differs.
    """
    made_for = dictionary.header.backbone
    identity = str(made_for.get("id", ""))
    if name is None and identity.startswith("file:"):
        raise DictionaryError(
            f"Dictionary {source} was made for the local checkpoint {identity.removeprefix('file:')}: "
            "give its path with --backbone."
        )
    wanted = made_for.get("layer") if layer is None else layer
    backbone = loaded_backbone(name or identity, wanted, device, report, should_stop)
    header = dictionary.header
    dictionary.check_compatible(backbone.spec.to_json(), header.channels_mode, header.channel_names)
    return backbone


def run_apply(
    job: ApplyJob,
    report: Report = silent,
    should_stop: ShouldStop = never,
    open_already: Mapping[PlateOrigin, Plate] = MappingProxyType({}),
) -> FieldsResult:
    """Apply a dictionary to the plates of a job; finished fields are kept whatever happens.

    Plates that are open already are not opened again.

    Raises
    ------
    LexiconError
        If a plate, the backbone or the dictionary cannot be used at all, or nothing can be read.
    """
    check_background(job.background)
    check_light(job.illumination)
    report(Progress(0, 0, "loading the dictionary and its backbone"))
    file = dictionary_path(job.dictionary)
    dictionary = load_dictionary(file)
    backbone = backbone_of(dictionary, job.dictionary, job.backbone, job.layer, job.device, report, should_stop)
    with held_lexicon(job.out, backbone.spec) as lexicon:
        lexicon.set_dictionary(dictionary, file, replace=job.recompute)
        works = [
            work
            for origin in job.plates
            for work in plate_works(lexicon, origin, backbone, job.recompute, job.illumination, report, open_already)
        ]
        works, lacking = _with_channels(works, dictionary)
        todo: list[FieldWork] = []
        stale: list[FieldWork] = []
        for work in works:
            mark = codes_mark(tokens_mark(work, backbone.spec.fingerprint), dictionary.hash, job.background)
            made = work.plate.mark("codes", work.number)
            if made is None:
                todo.append(work)
            elif made != mark:
                (todo if job.recompute else stale).append(work)
        act = _ApplyField(backbone, dictionary, job.batch, job.keep_tokens, job.background)
        result = run_loop(todo, len(works) - len(todo) - len(stale), act, report, should_stop, backbone.device)
        result.failures.extend(lacking)
        if not result.stopped:
            for plate in {work.plate.id: work.plate for work in works}.values():
                what = "images" if plate.header.rows == 0 else "wells"
                report(Progress(len(works), len(works), f"gathering the {what} of {plate.header.name}"))
                plate.write_summary()
    return fields_result(lexicon, result, works, stale, "codes", backbone)


def _with_channels(works: list[FieldWork], dictionary: Dictionary) -> tuple[list[FieldWork], list[ProblemHeader]]:
    """Fields that have every channel that a joint dictionary needs, and the reasons of the rest."""
    needed = dictionary.header.channel_names if dictionary.header.channels_mode != "separate" else ()
    whole, lacking = [], []
    for work in works:
        missing = [name for name in needed if name not in _channel_names(work)]
        if missing:
            said = f"{work.what} lacks {', '.join(missing)}, which the dictionary needs: train one without."
            lacking.append(ProblemHeader(sentence=said, well=work.field.well, field=work.field.name))
        else:
            whole.append(work)
    return whole, lacking


def _channel_names(work: FieldWork) -> list[str]:
    return [work.plate.header.channels[c].name for c in work.field.channels]


def tokens_for(
    dictionary: Dictionary, work: FieldWork, tokens: torch.Tensor, lit: np.ndarray
) -> tuple[torch.Tensor, np.ndarray]:
    """Tokens of a field as a dictionary takes them, and which of them show something.

    Parameters
    ----------
    dictionary : Dictionary
        Its channel mode decides.
    work : FieldWork
        The field.
    tokens : torch.Tensor
        ``(G, gh, gw, dim)`` of all its channels.
    lit : numpy.ndarray
        ``(G, gh, gw)`` bool.

    Returns
    -------
    tokens : torch.Tensor
        See :func:`~napari_lexicon.dictionaries.channel_groups.grouped_tokens`.
    lit : numpy.ndarray
        The same axes but the last, bool; in any of the channels where they share a token.
    """
    header, names = dictionary.header, _channel_names(work)
    order = [names.index(name) for name in header.channel_names]
    grouped = grouped_tokens(tokens, header.channels_mode, order)
    if header.channels_mode != "separate" and len(lit) > 1:
        lit = np.asarray(lit[order].any(axis=0, keepdims=True))
    return grouped, lit


@dataclass(frozen=True)
class _ApplyField:
    backbone: Backbone
    dictionary: Dictionary
    batch: int
    keep: Keep
    background: Background
    verb: str = "reading features in"

    def __call__(self, work: FieldWork, image: np.ndarray) -> Write:
        tokens = image_tokens(self.backbone, image, self.batch)
        lit = lit_tokens(image, self.backbone, len(tokens))
        grouped, counts = tokens_for(self.dictionary, work, tokens, lit)
        dim = grouped.shape[-1]
        if self.background == "keep":
            counts = np.ones_like(counts)
        codes = encoded_tokens(self.dictionary, grouped.reshape(-1, dim), torch.from_numpy(counts.reshape(-1)))
        along = directions_of(self.dictionary, grouped, counts)

        def write() -> None:
            if work.plate.mark("tokens", work.number) != tokens_mark(work, self.backbone.spec.fingerprint):
                write_tokens(work, tokens, lit, self.backbone, self.keep)
            self._write(work, codes, counts, along)

        return write

    def _write(self, work: FieldWork, codes: Codes, counts: np.ndarray, along: FieldDirections) -> None:
        n_features = self.dictionary.n_features
        # statistics come from the rounded values, so that whoever sums the stored codes finds the same
        rounded = Codes(codes.indices, codes.values.half().float())
        merged = rounded.merged()
        shape = (*counts.shape, codes.indices.shape[1])
        n_counted = counts.sum(axis=(1, 2), dtype=np.uint32)
        one = field_statistics(
            merged.indices.numpy().reshape(shape), merged.values.numpy().reshape(shape), n_features, n_counted
        )
        arrays = {
            "indices": stored_indices(codes, n_features).reshape(shape),
            "values": codes.values.numpy().astype(np.float16).reshape(shape),
            "total": one.total,
            "active": one.active,
            "strongest": one.strongest,
            "place": one.place,
            "tokens": one.tokens,
            "centre": along.centre,
            "beyond": along.beyond,
            "farthest": along.farthest,
            "farthest_place": along.farthest_place,
        }
        attributes = {
            **origin_attributes(work, self.backbone),
            "channels": channels_coded(self.dictionary, work),
            "dictionary": self.dictionary.hash,
        }
        mark = codes_mark(tokens_mark(work, self.backbone.spec.fingerprint), self.dictionary.hash, self.background)
        work.plate.write_field("codes", work.number, mark, arrays, attributes)


def channels_coded(dictionary: Dictionary, work: FieldWork) -> list[int]:
    """Channel of the plate for each group of codes; ``[0]`` where channels share a token."""
    return list(work.field.channels) if dictionary.header.channels_mode == "separate" else [0]


def stored_indices(codes: Codes, n_features: int) -> np.ndarray:
    """Feature numbers in the type they are stored in: uint16 where that is enough, else uint32."""
    return codes.indices.numpy().astype(np.uint16 if n_features <= 65_536 else np.uint32)


def encoded_tokens(dictionary: Dictionary, tokens: torch.Tensor, counts: torch.Tensor) -> Codes:
    """Codes of the ``(N, dim)`` tokens that count, ``(N,)`` bool; the others have values of 0."""
    some = dictionary.encode(tokens[counts])
    shape = (len(tokens), some.indices.shape[1])
    indices, values = some.indices.new_zeros(shape), some.values.new_zeros(shape)
    indices[counts], values[counts] = some.indices, some.values
    return Codes(indices, values)
