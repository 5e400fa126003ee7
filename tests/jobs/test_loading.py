"""A model's weights are brought before a job computes, with progress that a person sees."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from napari_lexicon.backbones import loading as backbone_loading
from napari_lexicon.backbones.downloads import Watch
from napari_lexicon.jobs import loading, standing
from napari_lexicon.jobs.asking import AskJob, run_ask
from napari_lexicon.jobs.contract import Progress, never
from napari_lexicon.jobs.refining import RefineJob, run_refine


def test_a_download_is_counted_in_megabytes_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []

    def bring(name: str, watch: Watch) -> None:
        for done in range(0, 3_000_001, 100_000):
            watch.told(done, 3_000_000)
        assert watch.should_stop is never

    monkeypatch.setattr(loading, "bring_weights", bring)
    backbone = loading.loaded_backbone("random", None, "cpu", told.append, never)
    assert backbone.spec.id == "random"
    assert [(one.done, one.total, one.message) for one in told] == [
        *((done, 3, "downloading random (MB)") for done in range(4)),
        (0, 0, "loading the backbone"),
    ]


def test_what_comes_with_the_plugin_is_not_looked_for_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    told: list[Progress] = []
    assert loading.loaded_backbone("builtin", None, "cpu", told.append, never).spec.id == "builtin"
    assert [one.message for one in told] == ["loading the backbone"]


def download(watch: Watch, megabytes: int = 3) -> None:
    for done in range(0, megabytes * 10**6 + 1, 100_000):
        watch.told(done, megabytes * 10**6)


@pytest.mark.parametrize(
    "asked",
    [
        {"question": "stains", "beyond": 2.0},
        {"question": "depth"},
        {"question": "cells", "features": (3,), "beyond": 2.0},
    ],
    ids=lambda asked: str(asked["question"]),
)
def test_a_question_tells_of_the_download_of_its_model_and_can_be_stopped(
    asked: dict[str, Any], applied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbone_loading, "bring_weights", lambda name, watch: download(watch))
    told: list[Progress] = []
    job = AskJob(str(applied), out=str(tmp_path / "out.csv"), **asked)
    result = run_ask(job, told.append, lambda: bool(told) and "downloading" in told[-1].message and told[-1].done == 2)
    of_download = [(one.done, one.total) for one in told if one.message == "downloading builtin (MB)"]
    assert (result.stopped, of_download) == (True, [(0, 3), (1, 3), (2, 3)])


def test_reading_finer_tells_of_the_download_of_its_model(
    applied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lexicon = Path(shutil.copytree(applied, tmp_path / "own.lexicon"))
    monkeypatch.setattr(loading, "bring_weights", lambda name, watch: download(watch))
    told: list[Progress] = []
    run_refine(RefineJob(str(lexicon), "tiny", (3,), 1, device="cpu"), told.append)
    assert [one.done for one in told if one.message == "downloading builtin (MB)"] == [0, 1, 2, 3]


def test_the_process_that_reads_finer_tells_of_the_download_of_its_model(
    applied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lexicon = Path(shutil.copytree(applied, tmp_path / "own.lexicon"))
    monkeypatch.setattr(loading, "bring_weights", lambda name, watch: download(watch))
    question = {"lexicon": str(lexicon), "plate": "tiny", "number": 3, "finer": 1, "device": "cpu"}
    answers = io.StringIO()

    def asking() -> Iterator[str]:
        yield json.dumps(question)
        while '"done"' not in answers.getvalue():  # the end of the input ends the process
            time.sleep(0.02)

    standing.serve(asking(), answers)
    lines = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert [line.pop("fetching") for line in lines[:-1]] == [
        f"downloading builtin (MB): {done} of 3" for done in range(4)
    ]
    assert all(line == question for line in lines[:-1]) and lines[-1] == {**question, "done": True}
