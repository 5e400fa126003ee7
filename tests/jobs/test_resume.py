"""Killed anywhere, a job that is started again ends where an uninterrupted one would have."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from napari_lexicon.jobs.applying import ApplyJob
from napari_lexicon.jobs.running import Job, job_to_json
from napari_lexicon.jobs.training import TrainJob
from napari_lexicon.lexicons.origins import plate_origin


def child(job: Job) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_lexicon.jobs.child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(job_to_json(job) + "\n")
    process.stdin.flush()
    return process


def told_until(process: subprocess.Popen[str], event: str, done: int = 0) -> dict[str, Any]:
    """Read what the child tells until this event with at least ``done`` units."""
    assert process.stdout is not None
    for line in process.stdout:
        told: dict[str, Any] = json.loads(line)
        if told["event"] == event and told.get("done", done) >= done:
            return told
        assert told["event"] == "progress", told
    raise AssertionError(f"the child ended without {event}")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_apply_killed_with_9_and_started_again_is_equal_to_the_byte(
    tiny_plate: Path, tiny_dictionary: Path, applied: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tiny.lexicon"
    job = ApplyJob((plate_origin(tiny_plate),), str(out), dictionary=str(tiny_dictionary), device="cpu")
    process = child(job)
    told_until(process, "progress", done=3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = len(list((out / "plates/tiny/codes").glob("[!.]*")))
    assert 3 <= finished < 12

    result = told_until(child(job), "result")
    assert result["kept"] == finished
    assert result["finished"] == 12 - finished
    again, uninterrupted = contents(out), contents(applied)
    assert {name for name in again if not name.endswith(".part")} == set(uninterrupted)
    assert all(again[name] == uninterrupted[name] for name in uninterrupted)


def test_training_killed_with_9_and_started_again_is_equal_to_the_byte(embedded: Path, tmp_path: Path) -> None:
    def job(name: str) -> TrainJob:
        out = tmp_path / name / "d.safetensors"
        return TrainJob(str(embedded), str(out), features=96, steps=200, batch=256, controls="all")

    process = child(job("killed"))
    told_until(process, "progress", done=120)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [path.name for path in (tmp_path / "killed").glob("[!.]*")] == ["d.safetensors.checkpoint"]
    resumed = child(job("killed"))
    first_step = told_until(resumed, "progress", done=1)
    assert first_step["done"] >= 100  # it goes on from the checkpoint
    told_until(resumed, "result")
    told_until(child(job("whole")), "result")
    killed, whole = ((tmp_path / name / "d.safetensors").read_bytes() for name in ("killed", "whole"))
    assert killed == whole
    assert [path.name for path in (tmp_path / "killed").glob("[!.]*")] == ["d.safetensors"]


def test_a_child_asked_to_stop_stops_after_the_field_at_hand(
    tiny_plate: Path, tiny_dictionary: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tiny.lexicon"
    job = ApplyJob((plate_origin(tiny_plate),), str(out), dictionary=str(tiny_dictionary), device="cpu")
    process = child(job)
    told_until(process, "progress", done=1)
    assert process.stdin is not None
    process.stdin.write("stop\n")
    process.stdin.flush()
    stopped = told_until(process, "stopped")
    assert 1 <= stopped["finished"] < 12
    assert process.wait(20) == 0
    assert not (out / "job.lock").exists()


def test_a_child_whose_window_has_gone_stops_too(tiny_plate: Path, tiny_dictionary: Path, tmp_path: Path) -> None:
    out = tmp_path / "tiny.lexicon"
    process = child(ApplyJob((plate_origin(tiny_plate),), str(out), dictionary=str(tiny_dictionary), device="cpu"))
    told_until(process, "progress", done=1)
    assert process.stdin is not None
    process.stdin.close()
    assert told_until(process, "stopped")["finished"] < 12
