"""Which channel a lesson is learnt in, and what it says."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lexicon.analysis.lessons import Lesson, best_lesson, lesson_sentence
from napari_lexicon.analysis.teaching import Check


def lesson(channel: str, auroc: float | None, like: int = 10, distance: float = 1.0) -> Lesson:
    check = None if auroc is None else Check(auroc, None, like, 20, 4, 7, 0.61)
    return Lesson(channel, np.array([1.0, 0.0]), check, like, 20, distance, "places", (1.0, 0.0))


@pytest.mark.parametrize(
    ("lessons", "best"),
    [
        ([lesson("DNA", 0.8), lesson("AGP", 0.9)], "AGP"),
        ([lesson("DNA", 1.0, like=2), lesson("AGP", 0.9)], "AGP"),  # most of it is dark in DNA
        ([lesson("DNA", 1.0, like=9), lesson("AGP", 0.9)], "DNA"),
        ([lesson("DNA", 0.9, distance=1.0), lesson("AGP", 0.9, distance=2.0)], "AGP"),
        ([lesson("DNA", None, distance=9.0), lesson("AGP", 0.4)], "AGP"),  # what was checked goes before what was not
        ([lesson("DNA", None, distance=2.0), lesson("AGP", None, distance=1.0)], "DNA"),
    ],
)
def test_the_channel_is_the_one_that_tells_most_of_it(lessons: list[Lesson], best: str) -> None:
    assert best_lesson(lessons).channel == best


def test_the_sentence_says_what_was_left_out() -> None:
    said = lesson_sentence(lesson("AGP", 0.9), 5, "patch", learnt="Found from")
    assert said == (
        "Found from 10 patches beside 20, in AGP, the best of 5 channels. On places left out by turns, in 4 parts: "
        "AUROC 0.90; the best other feature, #7, chosen likewise: 0.61."
    )
    assert lesson_sentence(lesson("", None, like=1), 1, "patch") == (
        "Taught by 1 patch beside 20. Not checked: there are too few places to leave any out."
    )
