"""A training run can be found again, compared, gone on with, and seen forming."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from shutil import copytree

import imageio.v3 as imageio
import pytest

from napari_lexicon import api
from napari_lexicon.jobs.training import TrainJob
from napari_lexicon.jobs.training_record import (
    TrainingRecord,
    free_out,
    read_record,
    record_path,
    records_of,
    seconds_of,
)

SETTINGS = {"features": 48, "iterations": 3, "per_iteration": 2, "steps": 30, "batch": 64, "controls": "all"}


@pytest.fixture
def lexicon(embedded: Path, tmp_path: Path) -> Path:
    return Path(copytree(embedded, tmp_path / embedded.name))


def test_a_stopped_run_is_found_and_gone_on_with_and_its_features_are_pictured(lexicon: Path) -> None:
    out = lexicon.with_name("d.safetensors")
    told = []
    asked = iter(range(1000))
    result = api.train(
        lexicon, out, report=lambda p: told.append(p.extra), should_stop=lambda: next(asked) >= 16, **SETTINGS
    )
    assert result.stopped
    (record,) = records_of(lexicon)
    assert (record.phase, record.out, record.can_go_on) == ("stopped", out, True)
    assert 15 <= record.step < 30 and record.steps == 30 and record.seconds > 0
    assert record.best["loss"] == pytest.approx(result.metrics["loss"])
    news = next(extra["forming"] for extra in told if "forming" in extra)
    picture = imageio.imread(news["picture"])
    assert picture.shape[0] % len(news["rows"]) == 0
    assert picture[..., :3].max() > 50, "the tiles are empty"
    assert len({row["feature"] for row in news["rows"][:4]}) == 4

    job = TrainJob(**record.job)
    again = api.train(job.lexicon, job.out, **{k: v for k, v in asdict(job).items() if k not in ("lexicon", "out")})
    assert not again.stopped
    (ended,) = records_of(lexicon)
    assert (ended.phase, ended.step, ended.can_go_on) == ("finished", 30, False)
    assert ended.seconds > record.seconds
    assert ended.history[: len(record.history)] == record.history


def test_another_run_gets_a_file_of_its_own_and_the_same_one_its_old_file(tmp_path: Path) -> None:
    lexicon = tmp_path / "p.lexicon"
    asked = {"lexicon": str(lexicon), "features": 64, "steps": 100}
    first = free_out(lexicon, asked)
    assert first.name == "p-64.safetensors"
    TrainingRecord(asked | {"out": str(first)}, step=10, steps=100).write()
    assert free_out(lexicon, asked) == first
    assert free_out(lexicon, asked | {"steps": 200}).name == "p-64-2.safetensors"
    assert [record.out for record in records_of(lexicon)] == [first]
    assert records_of(tmp_path / "other.lexicon") == []


def test_a_damaged_record_is_no_run(tmp_path: Path) -> None:
    path = record_path(tmp_path / "d.safetensors")
    for text in ("", "[]", '{"history": []}', '{"history": 3}'):
        path.write_text(text, encoding="utf-8")
        assert read_record(path) is None


def test_time_is_guessed_from_the_pace_of_earlier_runs() -> None:
    job = {"features": 1000, "iterations": 4, "per_iteration": 2, "steps": 100}
    record = TrainingRecord(job | {"out": "d"}, step=100, steps=100, seconds=50.0)
    assert seconds_of([], job) is None
    assert seconds_of([record], job) == pytest.approx(50)
    assert seconds_of([record], job | {"steps": 400}) == pytest.approx(200)
    assert seconds_of([record], job | {"features": 2000}) == pytest.approx(100)
