"""A pursuit on a processor, each token through all its rounds at once: several times faster than round by round.

Rubinstein, Zibulevsky and Elad (2008) keep the scores of a token and subtract rows of the Gram matrix from them. Here
that matrix is kept in 16 bits, because reading its rows is what takes the time; how far the scores can be off by that
is added up, every atom that may be among the L best within it is scored exactly, from the residual and the atom, and
where too many are close together all atoms are. So the choice is that of the plain formulation in float32.

The loops are compiled by numba when first needed, a few seconds once per installation. Few tokens are coded sooner
without them, and atoms that are many against the tokens do not pay for a Gram matrix; which way is taken depends on
these numbers alone, never on a timing, so that the same call always gives the same bits.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.pursuit import Pursuit
from napari_lexicon.errors import DictionaryError

log = logging.getLogger(__name__)

COMPILED = "compiled"  # its name among the routes
_PAYS_FROM = 2**21  # tokens times atoms times rounds: some 10 ms without, and loading takes 300 once
_LARGEST_GRAM = 2**30  # entries; 2 GiB
_ATOMS_PER_TOKEN = 8  # at most, or the Gram matrix takes longer than it saves
_MOST_PER_ROUND = 16
_GROUP, _GROUPS_PER_PICK = 16, 16  # atoms in a group at most, and groups per pick at least
_NEAR = 2**16  # numbers in atoms that stay near a processor, so that it multiplies by them where they are
_SCORES = 2**20  # kept at a time, in tokens times atoms
_LARGEST_NUMBER = 32760  # in 16 bits, with room for rounding
_ROWS = 512  # of a Gram matrix made at a time


def pays(tokens: int, atoms: torch.Tensor, settings: EncoderSettings, calls: int = 1) -> bool:
    """Whether so many tokens, in so many calls alike, are to be coded by the compiled loops.

    Parameters
    ----------
    tokens : int
        Of one call.
    atoms : torch.Tensor
        ``(M, dim_w)``.
    settings : EncoderSettings
        Of the pursuit, with all its rounds: a pursuit cut short goes the same way.
    calls : int
        How many there will be.
    """
    count = len(atoms)
    return (
        count <= _ATOMS_PER_TOKEN * tokens
        and tokens * count * settings.iterations * calls >= _PAYS_FROM
        and _possible(atoms, settings)
    )


def _possible(atoms: torch.Tensor, settings: EncoderSettings) -> bool:
    return (
        atoms.device.type == "cpu"
        and atoms.dtype == torch.float32
        and settings.per_iteration <= min(_MOST_PER_ROUND, len(atoms))
        and len(atoms) ** 2 <= _LARGEST_GRAM
        and _loops() is not None
    )


@cache
def _loops() -> ModuleType | None:
    try:
        from napari_lexicon.dictionaries import loops
    except ImportError as error:  # numba can be behind numpy or Python
        log.warning("Pursuits are slower here, because numba cannot be used: %s", error)
        return None
    return loops if loops.COMPILED else None


class CompiledPursuit:
    """Pursuits on atoms that stay the same.

    Parameters
    ----------
    atoms : torch.Tensor
        ``(M, dim_w)`` float32 unit rows on a processor.
    settings : EncoderSettings
        Of the pursuit.

    Raises
    ------
    DictionaryError
        If the atoms are on a graphics card, or too many, or so many are picked in a round, or there is no numba.
    """

    def __init__(self, atoms: torch.Tensor, settings: EncoderSettings) -> None:
        loops = _loops()
        if loops is None or not _possible(atoms, settings):
            raise DictionaryError(
                f"Compiled loops do not code {settings.per_iteration} picks per round among {len(atoms)} features on "
                f"{atoms.device.type} here: leave the choice of the path out."
            )
        self._loops, self._settings = loops, settings
        group = _GROUP
        while group > 1 and len(atoms) < group * _GROUPS_PER_PICK * settings.per_iteration:
            group //= 2
        self._padded = F.pad(atoms.contiguous(), (0, 0, 0, -len(atoms) % group))
        self._groups = len(self._padded) // group
        self._atoms = self._padded[: len(atoms)].numpy()
        near = self._padded.numel() <= _NEAR
        self._columns = self._padded.T.contiguous().numpy() if near else np.empty((0, len(self._padded)), np.float32)
        longest = float(atoms.square().sum(dim=1).max()) or 1.0
        self._unit = np.float32(longest / _LARGEST_NUMBER)
        self._gram = np.empty((len(atoms), len(self._padded)), np.int16)
        space = self._padded.new_empty(min(_ROWS, len(atoms)) * len(self._padded))
        for start in range(0, len(atoms), _ROWS):
            end = min(start + _ROWS, len(atoms))
            shape = end - start, len(self._padded) - start  # what lies before is known from the rows before
            out = space[: shape[0] * shape[1]].view(shape)
            products = torch.mm(self._padded[start:end], self._padded[start:].T, out=out)
            _on_all_cores(self._round_off, products.numpy(), self._gram[start:end, start:])
            _on_all_cores(loops.copy, self._gram[start:end, end : len(atoms)].T, self._gram[end:, start:end])

    def _round_off(self, products: Any, gram: Any) -> None:
        self._loops.round_off(products, 1 / self._unit, gram)

    def pursue(self, tokens: torch.Tensor, rounds: int | None = None) -> Pursuit:
        """The pursuit, without a refit.

        Parameters
        ----------
        tokens : torch.Tensor
            ``(N, dim_w)`` float32, whitened, of unit norm, bias already subtracted.
        rounds : int, optional
            Fewer of them than the settings say.
        """
        s, count = self._settings, len(tokens)
        picks = (rounds or s.iterations) * s.per_iteration
        indices, values = np.empty((count, picks), np.int64), np.empty((count, picks), np.float32)
        # Copied by numpy: torch would share it out over its threads, which wait at full speed for more, in our way.
        residual = np.array(tokens.detach().numpy(), order="C")
        found = Pursuit(torch.from_numpy(indices), torch.from_numpy(values), torch.from_numpy(residual))
        if len(self._columns):
            _on_all_cores(self._code_near, residual, indices, values)
            return found
        step = min(max(_SCORES // len(self._padded), 128), max(count, 1))
        space = self._padded.new_empty(step, len(self._padded))
        for start in range(0, count, step):
            block = slice(start, min(start + step, count))
            scores = torch.mm(found.residual[block], self._padded.T, out=space[: block.stop - start])
            scores[:, len(self._atoms) :] = 0 if s.selection == "magnitude" else -torch.inf
            _on_all_cores(self._code, residual[block], scores.numpy(), indices[block], values[block])
        return found

    def _code(self, residual: Any, scores: Any, indices: Any, values: Any) -> None:
        s = self._settings
        fixed = self._columns, self._gram, self._unit, self._atoms, self._groups, s.selection == "magnitude"
        self._loops.pursue(residual, scores, *fixed, np.float32(s.ridge), indices, values, s.per_iteration)

    def _code_near(self, residual: Any, indices: Any, values: Any) -> None:
        self._code(residual, np.empty((1, len(self._padded)), np.float32), indices, values)


def _on_all_cores(work, *arrays: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    """Call ``work`` with equal parts of the rows of arrays, one for each of torch's threads, one of them on this."""
    threads = torch.get_num_threads()
    edges = [len(arrays[0]) * n // threads for n in range(threads + 1)]
    here, *elsewhere = [[array[a:b] for array in arrays] for a, b in pairwise(edges)]
    waiting = [_pool(threads - 1).submit(work, *part) for part in elsewhere]
    work(*here)
    for part in waiting:
        part.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "pursuit")
