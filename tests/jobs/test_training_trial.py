"""The time that training will take, before anything was trained on this computer."""

from __future__ import annotations

import pytest

from napari_lexicon.jobs import training_trial
from napari_lexicon.widgets.workspace.training_pace import EVALUATIONS, START_SECONDS, run_seconds


def test_a_trial_times_steps_of_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_trial, "TOKENS", 3000)
    monkeypatch.setattr(training_trial, "SIZES", ((16, 2, 1), (64, 4, 2)))
    small, large = training_trial.step_seconds(24)
    assert (small["features"], large["iterations"]) == (16, 4)
    assert 0 < small["seconds"] < 10
    assert 0 < large["seconds"] < 10


def test_a_run_takes_its_steps_its_evaluations_and_a_start() -> None:
    pace = [
        {"features": 256, "iterations": 4, "per_iteration": 2, "seconds": 0.02, "evaluation": 0.5},
        {"features": 1024, "iterations": 8, "per_iteration": 2, "seconds": 0.2, "evaluation": 2.0},
    ]
    job = {"features": 256, "iterations": 4, "per_iteration": 2, "steps": 3000}
    assert run_seconds(pace, job) == pytest.approx(START_SECONDS + 60 + EVALUATIONS * 0.5)
    assert run_seconds(pace, job | {"features": 512, "steps": 100}) == pytest.approx(START_SECONDS + 2 * (2 + 5))
    assert run_seconds(pace, job | {"features": 1024, "iterations": 8}) == pytest.approx(START_SECONDS + 600 + 20)
    assert run_seconds([], job) is None
