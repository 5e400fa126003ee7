"""A failed job offers what helps, and settings for downloads reach the process that downloads, and nothing else."""

from __future__ import annotations

import io
import json
import os
import sys

from napari_lexicon.jobs import child
from napari_lexicon.widgets.workspace.job_runner import JobRunner
from napari_lexicon.widgets.workspace.job_status import JobPhase, JobRequest, JobStatus
from napari_lexicon.widgets.workspace.job_strip import JobStrip
from napari_lexicon.widgets.workspace.preferences import Preferences, child_environment
from napari_lexicon.widgets.workspace.remedies import remedy_of


class Started:
    """Stands where a workspace stands; notes which jobs are started."""

    def __init__(self) -> None:
        self.jobs, self.requests = self, []

    def start(self, request: JobRequest) -> None:
        self.requests.append(request)


def failed(sentence: str, error: str = "", kind: str = "apply", **settings: object) -> JobStatus:
    return JobStatus(JobPhase.FAILED, JobRequest(kind, settings, "Applying", "embed"), sentence=sentence, error=error)


def test_too_little_memory_offers_half_the_batch():
    workspace = Started()
    remedy = remedy_of(failed("Applying ended early: memory ran out: choose a smaller batch", batch=16), workspace)
    remedy.act()
    assert "8 tiles" in remedy.text
    assert [request.settings["batch"] for request in workspace.requests] == [8]
    assert remedy_of(failed("memory ran out: choose a smaller batch", batch=1), workspace) is None


def test_what_helps_depends_on_the_error_and_the_job():
    workspace = Started()
    assert remedy_of(failed("made for another model", "DictionaryError"), workspace).text == "Train one here"
    assert remedy_of(failed("made for another model", "DictionaryError", "train"), workspace) is None
    asked = failed("accept their terms and set HF_TOKEN", "BackboneError")
    assert "Token" in remedy_of(asked, workspace).text
    assert remedy_of(failed("The disk is full.", "LexiconFolderError"), workspace) is None
    assert remedy_of(JobStatus(), workspace) is None


def test_the_child_says_which_error_it_was(tmp_path):
    said = io.StringIO()
    job = {"job": "report", "lexicon": str(tmp_path / "none.lexicon"), "out": "r.html"}
    assert child.serve(io.StringIO(json.dumps(job) + "\n"), said) == 2
    last = json.loads(said.getvalue().splitlines()[-1])
    assert (last["event"], last["error"]) == ("error", "LexiconFolderError")


def test_the_strip_offers_the_remedy(qtbot):
    strip = JobStrip()
    qtbot.addWidget(strip)
    strip.show()
    strip.setValue(failed("x"))
    assert strip.remedy_button.isHidden()
    strip.setRemedy("Train one here")
    with qtbot.waitSignal(strip.remedyRequested):
        strip.remedy_button.click()
    strip.setValue(JobStatus())
    assert strip.remedy_button.isHidden()


def test_token_mirror_and_cache_go_to_the_process_by_its_environment(qtbot, monkeypatch):
    wanted = Preferences(model_folder="~/models", mirror="https://mirror.example", token="hf_secret")
    assert "hf_secret" not in repr(wanted)
    found = child_environment(wanted)
    assert found.value("HF_HUB_CACHE") == os.path.expanduser("~/models")
    assert found.value("HF_ENDPOINT") == "https://mirror.example"
    assert found.value("HF_TOKEN") == "hf_secret"
    assert child_environment(Preferences()).value("PATH") == os.environ["PATH"]
    monkeypatch.setattr("napari_lexicon.widgets.workspace.preferences.preferences", lambda: wanted)
    code = "import json, os, sys; sys.stdin.readline(); e = os.environ['HF_TOKEN']\n"
    code += "print(json.dumps({'event': 'result', 'e': e}))"
    runner = JobRunner(command=(sys.executable, "-c", code))
    request = JobRequest("apply", {"out": "x"}, "Applying", "embed")
    with qtbot.waitSignal(runner.ended, timeout=20_000):
        runner.start(request)
    assert runner.status.result["e"] == "hf_secret"
    assert "hf_secret" not in json.dumps(request.to_json())
