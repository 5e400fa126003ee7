"""Several seeds in one command: the best of them is kept, and knows which of its features the others found too."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.dictionaries.stability import matched_cosines
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.contract import Progress
from napari_lexicon.jobs.training import TrainJob, TrainJobResult, run_train


def train(embedded: Path, out: Path, seeds: int, seed: int = 3, stop_after: int | None = None) -> TrainJobResult:
    job = TrainJob(
        str(embedded), str(out), features=48, iterations=3, steps=30, batch=128, controls="all", seed=seed, seeds=seeds
    )
    last = Progress(0, 1, "")

    def report(progress: Progress) -> None:
        nonlocal last
        last = progress

    return run_train(job, report, lambda: stop_after is not None and last.done >= stop_after)


def test_stability_is_the_match_with_the_other_seeds(embedded: Path, tmp_path: Path) -> None:
    result = train(embedded, tmp_path / "three.safetensors", seeds=3)
    best = load_dictionary(tmp_path / "three.safetensors")
    single = []
    for seed in (3, 4, 5):
        train(embedded, tmp_path / f"{seed}.safetensors", seeds=1, seed=seed)
        single.append(load_dictionary(tmp_path / f"{seed}.safetensors"))
    assert single[0].stability is None
    losses = [one.header.metrics["loss"] for one in single]
    winner = min(range(3), key=losses.__getitem__)
    assert torch.equal(best.atoms, single[winner].atoms)
    others = [matched_cosines(best.atoms, one.atoms) for place, one in enumerate(single) if place != winner]
    assert best.stability is not None
    assert torch.allclose(best.stability, torch.stack(others).mean(dim=0), atol=1e-6)
    assert result.metrics["seeds"] == [3, 4, 5]
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == [f"{n}.safetensors" for n in (3, 4, 5, "three")]


def test_stopped_in_the_second_seed_and_started_again_ends_equal_to_the_byte(embedded: Path, tmp_path: Path) -> None:
    stopped = train(embedded, tmp_path / "stopped" / "d.safetensors", seeds=2, stop_after=40)
    assert stopped.stopped
    assert not train(embedded, tmp_path / "stopped" / "d.safetensors", seeds=2).stopped
    train(embedded, tmp_path / "whole" / "d.safetensors", seeds=2)
    again, whole = ((tmp_path / name / "d.safetensors").read_bytes() for name in ("stopped", "whole"))
    assert again == whole


def test_no_seed_at_all_is_refused(embedded: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="at least one seed"):
        train(embedded, tmp_path / "none.safetensors", seeds=0)
