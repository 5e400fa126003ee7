"""Data-parallel training: several processes, each with a share of every batch, hold the same parameters.

Start them with ``torchrun --nproc-per-node 2 your_script.py``; a script that calls ``train_dictionary`` needs no other
change. Without ``torchrun`` there is one process, and nothing here does anything.
"""

from __future__ import annotations

import atexit
import os

import torch
import torch.distributed as dist

from napari_lexicon.dictionaries.learners import Gradients

# a group of its own: torch's modules keep hold of the default one, whose threads then outlive the interpreter and now
# and then abort it
_group: dist.ProcessGroup | None = None


def join() -> None:
    """Join the other processes, if ``torchrun`` has started this one and it has not joined yet."""
    global _group
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ or not dist.is_available() or _group is not None:
        return
    if not dist.is_initialized():
        dist.init_process_group("gloo")
    group = dist.new_group(backend="gloo")
    assert isinstance(group, dist.ProcessGroup)  # all processes are in it
    _group = group
    atexit.register(_leave)


def _leave() -> None:
    """Leave the other processes: with the last reference to the group its threads end."""
    global _group
    if _group is not None and dist.is_initialized():
        dist.destroy_process_group(_group)
    _group = None


def workers() -> int:
    """Number of processes."""
    return 1 if _group is None else dist.get_world_size(_group)


def rank() -> int:
    """Number of this process, from 0; the one with number 0 writes and reports."""
    return dist.get_rank(_group) if workers() > 1 else 0


def share(indices: torch.Tensor) -> torch.Tensor:
    """The tokens of a batch that this process works on, ``(B / workers,)``."""
    return indices.tensor_split(workers())[rank()]


def gathered(found: Gradients, tokens: int, batch: int) -> Gradients:
    """Gradients over the whole batch, from those of every process over its share.

    Parameters
    ----------
    found : Gradients
        Of this process.
    tokens, batch : int
        Tokens of its share, and of all.
    """
    if workers() == 1:
        return found
    weight = tokens / batch
    names = sorted(found.by_parameter)
    # one message for all; the sum is taken in float64, so that the number of processes hardly shows
    parts = [found.by_parameter[name].double().flatten() * weight for name in names]
    message = torch.cat([*parts, found.active.double(), torch.tensor([found.loss * weight], dtype=torch.float64)])
    dist.all_reduce(message, group=_group)
    by_parameter, start = {}, 0
    for name in names:
        gradient = found.by_parameter[name]
        by_parameter[name] = message[start : start + gradient.numel()].view(gradient.shape).to(gradient.dtype)
        start += gradient.numel()
    return Gradients(by_parameter, float(message[-1]), message[start:-1] > 0)


def mean(value: torch.Tensor, tokens: int) -> torch.Tensor:
    """The mean over the whole batch, from a mean ``()`` over this process's share of ``tokens`` tokens."""
    if workers() == 1:
        return value
    sums = torch.tensor([float(value) * tokens, float(tokens)], dtype=torch.float64)
    dist.all_reduce(sums, group=_group)
    return (sums[0] / sums[1]).to(value.dtype)


def kth_largest(values: torch.Tensor, per_token: int) -> torch.Tensor:
    """The ``tokens * per_token``-th largest value of the whole batch, from the ``(tokens, M)`` values of the share."""
    if workers() == 1:
        return values.flatten().topk(len(values) * per_token).values[-1]
    tokens = torch.tensor([len(values)])
    dist.all_reduce(tokens, group=_group)
    count = int(tokens) * per_token
    mine = torch.full((count,), -torch.inf, dtype=values.dtype)
    local = values.flatten().topk(min(count, values.numel())).values
    mine[: len(local)] = local
    everyone = [torch.empty_like(mine) for _ in range(workers())]
    dist.all_gather(everyone, mine, group=_group)
    return torch.cat(everyone).topk(count).values[-1]


def agreed(stop: bool) -> bool:
    """Whether any process wants to stop: all have to end in the same step."""
    if workers() == 1:
        return stop
    votes = torch.tensor([float(stop)])
    dist.all_reduce(votes, group=_group)
    return bool(votes > 0)
