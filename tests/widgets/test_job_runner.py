"""Jobs run in processes that can be cancelled, that may die, and that say what they like on standard output."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_lexicon.widgets.workspace.job_runner import JobRunner
from napari_lexicon.widgets.workspace.job_status import JobPhase, JobRequest

REQUEST = JobRequest("apply", {"out": "x"}, "Applying", "embed")
GENTLE = JobRequest("train", {"out": "x"}, "Training", "dictionary", gentle=True)
TELL = """
import json, sys, time
job = json.loads(sys.stdin.readline())
def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)
def progress(done, total=10, **extra):
    tell("progress", done=done, total=total, message=f"step {done}", seconds_left=None, extra=extra)
"""


@pytest.fixture
def run(qtbot):
    runners = []

    def start(code: str, request: JobRequest = REQUEST) -> JobRunner:
        runner = JobRunner(command=(sys.executable, "-c", TELL + code))
        runners.append(runner)
        runner.start(request)
        return runner

    yield start
    for runner in runners:
        runner.close()


def ended(qtbot, runner: JobRunner, timeout: int = 20_000):
    if runner.status.busy:
        with qtbot.waitSignal(runner.ended, timeout=timeout):
            pass
    return runner.status


def test_a_job_gets_its_description_and_brings_its_result(qtbot, run):
    runner = run("tell('result', got=job)")
    status = ended(qtbot, runner)
    assert status.phase is JobPhase.DONE
    assert status.result["got"] == {"job": "apply", "out": "x"}


def test_every_figure_arrives_though_the_screen_is_told_less_often(qtbot, run):
    heard, told = [], []
    runner = run("[progress(i, 500, step=i) for i in range(500)]\ntell('result')")
    runner.figures.connect(heard.append)
    runner.changed.connect(told.append)
    ended(qtbot, runner)
    assert [figures["step"] for figures in heard] == list(range(500))
    assert len(told) < 200


def test_what_libraries_print_does_no_harm(qtbot, run):
    runner = run("print('hello'); print('[1, 2]'); print('{\"a\": 1}'); tell('result', done=1)")
    assert ended(qtbot, runner).phase is JobPhase.DONE


def test_an_error_is_its_sentence(qtbot, run):
    runner = run("tell('error', sentence='Well B03 has no image: choose another.'); sys.exit(2)")
    status = ended(qtbot, runner)
    assert status.phase is JobPhase.FAILED
    assert status.sentence == "Well B03 has no image: choose another."


def test_a_polite_job_stops_when_asked(qtbot, run):
    runner = run("progress(1)\nassert sys.stdin.readline().strip() == 'stop'\ntell('stopped', finished=1, kept=0)")
    qtbot.waitUntil(lambda: runner.status.done == 1, timeout=20_000)
    runner.stop()
    status = ended(qtbot, runner)
    assert status.phase is JobPhase.STOPPED
    assert status.result["finished"] == 1


@pytest.mark.parametrize("deaf", ["", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"])
def test_a_deaf_job_is_gone_within_two_seconds(qtbot, run, deaf):
    runner = run(deaf + "progress(1)\ntime.sleep(60)")
    qtbot.waitUntil(lambda: runner.status.done == 1, timeout=20_000)
    start = time.monotonic()
    runner.stop()
    status = ended(qtbot, runner)
    assert time.monotonic() - start < 2.3  # two seconds, and the time to notice on a busy machine
    assert status.phase is JobPhase.STOPPED


def test_a_gentle_job_may_write_down_its_best(qtbot, run):
    runner = run("progress(1)\nsys.stdin.readline()\ntime.sleep(2.2)\ntell('stopped', dictionary='best')", GENTLE)
    qtbot.waitUntil(lambda: runner.status.done == 1, timeout=20_000)
    runner.stop()
    assert ended(qtbot, runner).result["dictionary"] == "best"


def test_a_gentle_job_that_is_asked_twice_is_ended(qtbot, run):
    runner = run("progress(1)\ntime.sleep(60)", GENTLE)
    qtbot.waitUntil(lambda: runner.status.done == 1, timeout=20_000)
    runner.stop()
    runner.stop()
    assert ended(qtbot, runner).phase is JobPhase.STOPPED


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to die of")
def test_a_killed_job_tells_what_probably_happened(qtbot, run):
    runner = run("progress(3)\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    status = ended(qtbot, runner)
    assert status.phase is JobPhase.FAILED
    assert "memory ran out" in status.sentence
    assert status.done == 3


def test_a_job_that_breaks_shows_its_last_words(qtbot, run):
    runner = run("raise ValueError('the reason')")
    assert "ValueError: the reason" in ended(qtbot, runner).sentence


def test_another_job_can_start_after_a_dead_one(qtbot, run):
    runner = run("sys.exit(1)")
    ended(qtbot, runner)
    with pytest.raises(RuntimeError):
        runner.start(REQUEST)
        runner.start(REQUEST)
    ended(qtbot, runner)


def test_python_that_is_not_there_is_said(qtbot):
    runner = JobRunner(command=("/no/such/python",))
    runner.start(REQUEST)
    status = ended(qtbot, runner)
    assert status.phase is JobPhase.FAILED
    assert "/no/such/python" in status.sentence


@pytest.mark.skipif(sys.platform == "win32", reason="asks for the process by its number")
def test_closing_the_window_takes_the_job_along(qtbot, run):
    runner = run("import os\nprogress(1, pid=os.getpid())\ntime.sleep(60)")
    with qtbot.waitSignal(runner.figures, timeout=20_000) as told:
        pass
    pid = told.args[0]["pid"]
    runner.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def test_a_burst_of_reports_does_not_hold_the_window_up(qtbot, run):
    beats, heard = [], []
    heart = QTimer()
    heart.timeout.connect(lambda: beats.append(time.thread_time()))
    heart.start(0)
    runner = run("[progress(i, 20000, step=i) for i in range(20000)]\ntell('result')")
    runner.figures.connect(heard.append)
    status = ended(qtbot, runner, 60_000)
    heart.stop()
    assert status.phase is JobPhase.DONE
    assert heard == [{"step": i} for i in range(20000)]
    assert np.diff(beats).max() < 0.1  # processor time of this thread between two beats
