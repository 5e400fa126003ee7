"""Which features are found again with another seed: several runs in one, matched atom by atom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from scipy.optimize import linear_sum_assignment

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.header import DictionaryHeader
from napari_lexicon.dictionaries.token_source import TokenSource
from napari_lexicon.dictionaries.train import ReportMetrics, TrainResult, train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import Whitening
from napari_lexicon.errors import DictionaryError

_MATCHED_ONE_TO_ONE = 4096  # features; larger dictionaries are matched to the nearest atom


def matched_cosines(atoms: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """For every atom the signed cosine with the atom it is matched to in another dictionary, ``(M,)``.

    Every atom has a partner of its own, chosen so that the sum of cosines is largest (Hungarian method), as long as
    there are at most 4096; beyond that each atom looks for its nearest, which never gives less.
    """
    cosines = atoms @ others.T
    if max(cosines.shape) > _MATCHED_ONE_TO_ONE:
        return cosines.amax(dim=1)
    rows, columns = linear_sum_assignment(cosines.numpy(), maximize=True)
    matched = torch.zeros(len(atoms))
    matched[torch.from_numpy(rows)] = cosines[torch.from_numpy(rows), torch.from_numpy(columns)]
    return matched


def stability_of(dictionary: Dictionary, others: Sequence[Dictionary]) -> torch.Tensor:
    """Mean over other dictionaries of the cosine of each atom with its match, ``(M,)``.

    Raises
    ------
    DictionaryError
        If there is nothing to compare with, or the dictionaries live in different whitened spaces.
    """
    if not others:
        raise DictionaryError("The stability of features needs at least two seeds: train more than one.")
    for other in others:
        if not torch.equal(other.whitening.matrix, dictionary.whitening.matrix):
            raise DictionaryError(
                "Dictionaries with different whitening cannot be matched: train the seeds on the same control tokens."
            )
    return torch.stack([matched_cosines(dictionary.atoms, other.atoms) for other in others]).mean(dim=0)


def with_stability(dictionary: Dictionary, others: Sequence[Dictionary]) -> Dictionary:
    """The same dictionary, knowing how well each of its features is found again in ``others``."""
    seeds = sorted({other.header.seed for other in others} | {dictionary.header.seed})
    metrics = dict(dictionary.header.metrics)
    stability = stability_of(dictionary, others)
    metrics["seeds"] = seeds
    metrics["stability"] = float(stability.mean())
    metrics["stable_share"] = float((stability > 0.9).float().mean())
    return Dictionary(
        dictionary.atoms,
        dictionary.bias,
        dictionary.whitening,
        dictionary.encoder,
        dictionary.header.model_copy(update={"metrics": metrics}),
        stability,
        dictionary.linear,
    )


def train_seeds(
    settings: TrainSettings,
    seeds: int,
    source: TokenSource,
    whitening: Whitening,
    *,
    header: DictionaryHeader | None = None,
    report: ReportMetrics | None = None,
    should_stop: Callable[[], bool] | None = None,
    checkpoint: Path | None = None,
    device: torch.device | str = "cpu",
) -> TrainResult:
    """Train with several seeds and keep the best, with the stability of its features across all of them.

    Parameters
    ----------
    settings : TrainSettings
        Of the first run; the others count the seed upwards.
    seeds : int
        Number of runs, at least 2.
    source, whitening, header, report, should_stop, checkpoint, device
        As for :func:`train_dictionary`. Steps are counted over all runs; each run has a checkpoint of its own beside
        ``checkpoint``. When it should stop, the runs finished or begun so far are compared.

    Returns
    -------
    TrainResult
        The run with the lowest held-out loss.
    """
    if seeds < 2:
        raise DictionaryError(f"The stability of features needs at least two seeds, not {seeds}.")
    total, results = seeds * settings.steps, []
    for number in range(seeds):
        before = number * settings.steps

        def told(step: int, steps: int, figures: dict[str, Any], before: int = before, number: int = number) -> None:
            if report is not None:
                report(before + step, total, {**figures, "seed": settings.seed + number})

        result = train_dictionary(
            replace(settings, seed=settings.seed + number),
            source,
            whitening,
            header=header,
            report=told,
            should_stop=should_stop or (lambda: False),
            checkpoint=None if checkpoint is None else seed_checkpoint(checkpoint, settings.seed + number),
            device=device,
        )
        results.append(result)
        if result.stopped == "stopped":
            break
    best = min(results, key=lambda r: r.metrics["loss"])
    others = [r.dictionary for r in results if r is not best]
    if not others:
        return best
    dictionary = with_stability(best.dictionary, others)
    return replace(best, dictionary=dictionary, metrics=dictionary.header.metrics, stopped=results[-1].stopped)


def seed_checkpoint(checkpoint: Path, seed: int) -> Path:
    """Where the run with this seed keeps its checkpoint."""
    return checkpoint.with_name(f"{checkpoint.name}.seed{seed}")
