"""Where training tokens come from, and in which order they are seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from napari_lexicon.errors import DictionaryError


class TokenSource(Protocol):
    """Raw tokens that can be fetched by number."""

    @property
    def dim(self) -> int:
        """Length of a token."""
        ...

    @property
    def groups(self) -> torch.Tensor | None:
        """``(N,)`` int64: the field or well of each token, so that a group is held out whole; None where unknown."""
        ...

    def __len__(self) -> int:
        """Number of tokens."""
        ...

    def tokens(self, indices: torch.Tensor) -> torch.Tensor:
        """``(B, dim)`` float32, the raw tokens with these numbers ``(B,)`` int64."""
        ...


class ArrayTokens:
    """Tokens of an array: in memory, or mapped from a file.

    Parameters
    ----------
    array : torch.Tensor or numpy.ndarray
        ``(N, dim)`` float16 or float32, raw.
    groups : torch.Tensor or numpy.ndarray, optional
        ``(N,)`` integers, the field or well of each token.
    """

    def __init__(
        self,
        array: torch.Tensor | np.ndarray[Any, Any],
        groups: torch.Tensor | np.ndarray[Any, Any] | None = None,
    ) -> None:
        if array.ndim != 2:
            raise DictionaryError(f"Tokens must be a table of tokens by length, not of shape {tuple(array.shape)}.")
        self._array = array
        self.groups = None if groups is None else torch.as_tensor(groups, dtype=torch.int64)
        if self.groups is not None and self.groups.shape != (len(array),):
            raise DictionaryError(f"There are {len(array)} tokens and {len(self.groups)} group numbers for them.")

    @property
    def dim(self) -> int:
        """Length of a token."""
        return int(self._array.shape[1])

    def __len__(self) -> int:
        return int(self._array.shape[0])

    def tokens(self, indices: torch.Tensor) -> torch.Tensor:
        """The raw tokens with these numbers, ``(B, dim)`` float32."""
        if isinstance(self._array, torch.Tensor):
            return self._array[indices].float()
        return torch.from_numpy(np.asarray(self._array[indices.numpy()], dtype=np.float32))


def seeded(seed: int, purpose: str, position: int = 0) -> torch.Generator:
    """A generator that depends on nothing but its arguments.

    Drawing from the position instead of from a running stream means that a resumed run needs no generator state to
    go on exactly where it was, and that parallel workers agree without talking.
    """
    words = np.random.SeedSequence([seed, position, *purpose.encode()]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


@dataclass(frozen=True)
class Split:
    """Token numbers of the training part and of the held-out part, each ``(n,)`` int64 and rising."""

    train: torch.Tensor
    held_out: torch.Tensor


def split_tokens(source: TokenSource, fraction: float, most: int, seed: int) -> Split:
    """Set a part of the tokens aside, whole groups at a time where the source has groups.

    Neighbouring patches of a field resemble each other, so a held-out token beside a training token would flatter.

    Parameters
    ----------
    source : TokenSource
        The tokens.
    fraction : float
        Share of tokens or groups held out; at least one group.
    most : int
        Keep at most so many held-out tokens, drawn at random; the others are not used.
    seed : int
        Of the draw.
    """
    draw = seeded(seed, "split")
    groups = source.groups
    if groups is not None and len(torch.unique(groups)) > 1:
        names = torch.unique(groups)
        chosen = names[torch.randperm(len(names), generator=draw)[: max(1, round(fraction * len(names)))]]
        held = torch.isin(groups, chosen)
    else:
        held = torch.zeros(len(source), dtype=torch.bool)
        held[torch.randperm(len(source), generator=draw)[: max(1, round(fraction * len(source)))]] = True
    train, held_out = (~held).nonzero().flatten(), held.nonzero().flatten()
    if len(train) == 0:
        raise DictionaryError("All tokens were held out and none is left to train on: keep more tokens.")
    if len(held_out) > most:
        held_out = held_out[torch.randperm(len(held_out), generator=draw)[:most].sort().values]
    return Split(train, held_out)


class BatchOrder:
    """Batches of token numbers: every epoch is a new permutation of the whole training part.

    Parameters
    ----------
    train : torch.Tensor
        ``(n,)`` token numbers.
    batch : int
        Tokens per step. The last tokens of an epoch and the first of the next share a batch.
    seed : int
        Of the permutations.
    """

    def __init__(self, train: torch.Tensor, batch: int, seed: int) -> None:
        self._train = train
        self._batch = batch
        self._seed = seed
        self._epoch = -1
        self._order = train

    def batch(self, step: int) -> torch.Tensor:
        """``(batch,)`` token numbers of a step, from 0; any step can be asked for at any time."""
        parts, position, missing = [], step * self._batch, self._batch
        while missing:
            epoch, offset = divmod(position, len(self._train))
            part = self._permutation(epoch)[offset : offset + missing]
            parts.append(part)
            position, missing = position + len(part), missing - len(part)
        return torch.cat(parts)

    def _permutation(self, epoch: int) -> torch.Tensor:
        if epoch != self._epoch:
            order = torch.randperm(len(self._train), generator=seeded(self._seed, "order", epoch))
            self._order, self._epoch = self._train[order], epoch
        return self._order
