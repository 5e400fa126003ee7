"""What the strip says about a job."""

from __future__ import annotations

import pytest

from napari_lexicon.widgets.workspace.job_status import (
    JobPhase,
    JobRequest,
    JobStatus,
    death_sentence,
    progress_line,
    spoken_time,
)
from napari_lexicon.widgets.workspace.job_strip import JobStrip, end_sentence

APPLY = JobRequest("apply", {}, "Applying", "embed")
TRAIN = JobRequest("train", {}, "Training", "dictionary", gentle=True)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "a few seconds"), (42, "40 s"), (150, "2 min"), (3600, "1 h"), (7900, "2 h 12 min")],
)
def test_time_is_no_more_exact_than_it_is_known(seconds, said):
    assert spoken_time(seconds) == said


def test_a_running_job_says_what_how_far_and_how_long():
    status = JobStatus(JobPhase.RUNNING, APPLY, 57, 192, "B03, field 0", 130)
    assert progress_line(status) == "57 of 192 · 2 min left · B03, field 0"


@pytest.mark.parametrize(
    ("code", "crashed", "words", "expected"),
    [
        (9, True, "", "memory ran out"),
        (11, True, "", "crashed"),
        (1, False, "torch.OutOfMemoryError: CUDA out of memory", "smaller batch"),
        (3, False, "ValueError: no", "ValueError: no"),
    ],
)
def test_a_dying_job_tells_why_and_that_nothing_is_lost(code, crashed, words, expected):
    sentence = death_sentence("Applying", code, crashed, words)
    assert expected in sentence
    assert "Finished fields are kept" in sentence


def test_the_end_names_what_was_done_kept_stale_and_not_read():
    result = {
        "finished": 3,
        "kept": 4,
        "stale": 1,
        "stale_because": "B03, field 0: its image has changed",
        "failures": [{"sentence": "C04 is truncated."}, {"sentence": "x"}],
    }
    said = end_sentence(JobStatus(JobPhase.DONE, APPLY, result=result))
    for part in ("3 fields done now", "4 were there already", "1 fields are stale", "C04 is truncated.", "1 more"):
        assert part in said


@pytest.mark.parametrize(
    ("status", "visible"),
    [
        (JobStatus(), set()),
        (JobStatus(JobPhase.RUNNING, APPLY), {"stop"}),
        (JobStatus(JobPhase.STOPPING, APPLY), {"stop"}),
        (JobStatus(JobPhase.STOPPED, APPLY), {"resume", "dismiss"}),
        (JobStatus(JobPhase.FAILED, APPLY, sentence="no"), {"resume", "dismiss"}),
        (JobStatus(JobPhase.DONE, APPLY), {"dismiss"}),
    ],
)
def test_only_buttons_that_mean_something_are_there(qtbot, status, visible):
    strip = JobStrip()
    qtbot.addWidget(strip)
    strip.show()
    strip.setValue(status)
    buttons = {"stop": strip.stop_button, "resume": strip.resume_button, "dismiss": strip.dismiss_button}
    assert {name for name, button in buttons.items() if not button.isHidden()} == visible


def test_training_is_stopped_gently_and_then_at_once(qtbot):
    strip = JobStrip()
    qtbot.addWidget(strip)
    strip.setValue(JobStatus(JobPhase.RUNNING, TRAIN))
    assert strip.stop_button.text() == "Pause"
    assert "best" in strip.stop_button.toolTip()
    strip.setValue(JobStatus(JobPhase.STOPPING, TRAIN))
    assert strip.stop_button.text() == "End now"
    assert strip.stop_button.isEnabled()


def test_how_a_job_of_a_long_name_ended_and_how_long_it_takes_fit_a_narrow_dock(qtbot):
    strip = JobStrip()
    qtbot.addWidget(strip)
    strip.setFixedWidth(300)
    name = "0a7d30b252359a10fd298b638b90cb9ada3acced4e0c0e5a3692013f432ee4e9"
    request = JobRequest("apply", {}, f"Applying the built-in dictionary to {name}", "embed")
    strip.setValue(JobStatus(JobPhase.DONE, request, 541, 541, result={"finished": 541}))
    strip.show()
    qtbot.waitExposed(strip)
    assert strip.title.shownText().startswith("Applying")
    assert strip.title.shownText().endswith("· done")
    strip.setValue(JobStatus(JobPhase.RUNNING, request, 30, 541, f"reading features in {name}", 130))
    qtbot.wait(10)
    assert "30 of 541 · 2 min left" in strip.line.shownText()
