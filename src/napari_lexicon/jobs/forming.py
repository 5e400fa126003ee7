"""Features while they form: from time to time the places that a few atoms are most like, cut out of the plate.

Made in the training job's own process from its latest checkpoint. Atoms are compared with kept tokens by cosine, which
says the same for every algorithm and costs one product; the finished dictionary's codes are the final word.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_lexicon.dictionaries.file_format import read_tensors
from napari_lexicon.dictionaries.whitening import Whitening
from napari_lexicon.errors import LexiconError
from napari_lexicon.jobs.plates import opened
from napari_lexicon.lexicons import Lexicon, LexiconPlate
from napari_lexicon.plates.model import Field

FEATURES, TILES, SIDE = 4, 6, 96
_FIELDS, _TOKENS, _AROUND, _GAP = 16, 6000, 3, 4
_DOUBLE = 0.9


@dataclass(frozen=True)
class _Place:
    field: Field
    channel: int
    row: int
    column: int


class Forming:
    """Pictures of a few features of a run, the same ones all along.

    Parameters
    ----------
    lexicon : Lexicon
        With kept tokens; its first plate with some is shown.
    whitening : Whitening
        Of the run.
    checkpoint : Path
        Of the run; it may not be there yet.
    picture : Path
        PNG to write: a row of tiles for each feature.
    """

    def __init__(self, lexicon: Lexicon, whitening: Whitening, checkpoint: Path, picture: Path) -> None:
        self._checkpoint, self._picture, self._patch = checkpoint, picture, lexicon.backbone.patch
        self._seen = 0
        self._chosen: list[int] = []
        self._tiles: dict[int, np.ndarray] = {}  # by token: most features keep most of their places
        plate = next((plate for plate in lexicon.plates.values() if plate.n_done("tokens")), None)
        self._plate = plate
        self._places, tokens = ([], None) if plate is None else _gathered(plate)
        self._unit = None if tokens is None else whitening.prepared(torch.from_numpy(tokens))[0]

    def news(self) -> dict[str, Any] | None:
        """What to show, where there is a checkpoint that has not been shown; None else, or where it cannot be read."""
        if self._unit is None or not self._checkpoint.exists():
            return None
        written = self._checkpoint.stat().st_mtime_ns
        if written == self._seen:
            return None
        self._seen = written
        try:
            return self._drawn(read_tensors(self._checkpoint))
        except (LexiconError, OSError, KeyError):  # a picture is not worth a training run
            return None

    def _drawn(self, tensors: dict[str, torch.Tensor]) -> dict[str, Any] | None:
        assert self._unit is not None
        atoms = torch.nn.functional.normalize(tensors["parameters.atoms"], dim=1)
        if atoms.shape[1] != self._unit.shape[1]:
            return None
        cosine = self._unit @ atoms.T
        if not self._chosen:
            liked = torch.bincount(cosine.argmax(dim=1), minlength=len(atoms))
            self._chosen = [int(f) for f in liked.argsort(descending=True)[:FEATURES]]
        rows = [(feature, "") for feature in self._chosen] + _doubles(atoms)
        dead = torch.nonzero(tensors["last_active"] == 0).flatten()
        if len(dead):
            rows.append((int(dead[0]), f"no token has used it yet, like {len(dead):,} features"))
        strips = [self._strip(cosine[:, feature]) for feature, _ in rows]
        from imageio.v3 import imwrite

        imwrite(self._picture, np.concatenate(strips), compress_level=1)
        return {
            "picture": str(self._picture),
            "rows": [{"feature": feature, "note": note} for feature, note in rows],
            "version": self._seen,
        }

    def _strip(self, likeness: torch.Tensor) -> np.ndarray:
        """``(SIDE + gap, width, 4)`` uint8: the most similar places side by side, each of another field and channel."""
        strip = np.zeros((SIDE + _GAP, TILES * (SIDE + _GAP), 4), np.uint8)
        used: set[tuple[str, int]] = set()
        for token in likeness.argsort(descending=True)[:400].tolist():
            place = self._places[token]
            if (place.field.key, place.channel) in used:
                continue
            left = len(used) * (SIDE + _GAP)
            used.add((place.field.key, place.channel))
            if token not in self._tiles:
                self._tiles[token] = self._tile(place)
            strip[:SIDE, left : left + SIDE] = self._tiles[token]
            if len(used) == TILES:
                break
        return strip

    def _tile(self, place: _Place) -> np.ndarray:
        assert self._plate is not None
        patch, (height, width) = self._patch, place.field.shape
        side = min((2 * _AROUND + 1) * patch, height, width)
        top = min(max((place.row - _AROUND) * patch, 0), height - side)
        left = min(max((place.column - _AROUND) * patch, 0), width - side)
        at = place.field.channels.index(place.channel)
        pixels = place.field.region(slice(at, at + 1), slice(top, top + side), slice(left, left + side))[0]
        window = self._plate.header.channels[place.channel]
        grey = ((pixels.astype(np.float32) - window.low) / max(window.high - window.low, 1e-6)).clip(0, 1)
        nearest = (np.arange(SIDE) * side // SIDE).clip(max=side - 1)
        tile = np.full((SIDE, SIDE, 4), 255, np.uint8)
        tile[..., :3] = (255 * grey[nearest][:, nearest])[..., None].astype(np.uint8)
        y, x = (min(round(n * SIDE / side), SIDE - 2) for n in (place.row * patch - top, place.column * patch - left))
        n = max(2, round(patch * SIDE / side))  # the last patches may reach beyond the image: slices end with the tile
        bottom, right = min(y + n, SIDE) - 1, min(x + n, SIDE) - 1
        for edge in (np.s_[y : y + n, x], np.s_[y : y + n, right], np.s_[y, x : x + n], np.s_[bottom, x : x + n]):
            tile[edge] = (76, 201, 240, 255)
        return tile


def _doubles(atoms: torch.Tensor) -> list[tuple[int, str]]:
    """The closest pair among the atoms, where it is close; both, so that they are seen to be one."""
    some = atoms[:4096]
    gram = (some @ some.T).fill_diagonal_(0)
    at = int(gram.argmax())
    a, b = divmod(at, len(some))
    if float(gram[a, b]) < _DOUBLE:
        return []
    return [(a, f"nearly the same as #{b} (cosine {float(gram[a, b]):.2f})"), (b, f"nearly the same as #{a}")]


def _gathered(plate: LexiconPlate) -> tuple[list[_Place], np.ndarray | None]:
    """Places and ``(N, dim)`` float32 tokens of fields spread over the plate; dark patches are left out."""
    try:
        by_key = {field.key: field for field in opened(plate.header.origin).fields()}
    except LexiconError:  # the images are elsewhere; the run needs none
        return [], None
    kept = [number for number in range(len(plate.fields)) if plate.mark("tokens", number) is not None]
    chosen = [kept[int(n)] for n in np.unique(np.linspace(0, len(kept) - 1, _FIELDS).round())]
    places: list[_Place] = []
    tokens: list[np.ndarray] = []
    most = _TOKENS // max(1, len(chosen))
    for number in chosen:
        header = plate.fields[number]
        field, part = by_key.get(f"{header.well}/{header.name}"), plate.tokens(number)
        if field is None or part is None:
            continue
        lit = np.argwhere(part.lit)
        for n, group in lit[:: max(1, len(lit) // most)][:most]:
            row, column = part.places[n]
            places.append(_Place(field, part.channels[group], int(row), int(column)))
            tokens.append(part.tokens[n, group].astype(np.float32))
    return (places, np.stack(tokens)) if tokens else ([], None)
