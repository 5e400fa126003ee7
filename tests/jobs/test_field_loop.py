"""Several fields at once: the same results in the same order, and what fails ends as it did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import torch

from napari_lexicon import api
from napari_lexicon.jobs.contract import Progress, never
from napari_lexicon.jobs.field_loop import MOST_STREAMS, FieldWork, Write, run_loop, works_of
from napari_lexicon.jobs.plates import opened
from napari_lexicon.lexicons import Lexicon


@pytest.fixture
def cores() -> Iterator[int]:
    """Two cores for torch, whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield 2
    torch.set_num_threads(before)


@pytest.fixture
def works(embedded: Path) -> list[FieldWork]:
    plate = Lexicon.open(embedded).only_plate()
    return works_of(opened(plate.header.origin), plate)


class Meets:
    """Two fields at a time have to meet in it."""

    verb = "reading"

    def __init__(self) -> None:
        self.barrier = Barrier(2, timeout=30)
        self.written: list[int] = []

    def __call__(self, work: FieldWork, image: np.ndarray) -> Write:
        self.barrier.wait()
        assert torch.get_num_threads() == 1
        return lambda: self.written.append(work.number)


def test_as_many_fields_as_cores_are_computed_at_once_and_written_in_order(works: list[FieldWork], cores: int) -> None:
    act, told = Meets(), list[Progress]()
    result = run_loop(works, 0, act, told.append, never)
    assert result.finished == len(works) == 12
    assert act.written == [work.number for work in works]
    done = [one for one in told if one.message.endswith(" done")]
    assert [one.done for one in done] == list(range(1, 13))
    assert [one.extra["number"] for one in done] == act.written
    assert torch.get_num_threads() == cores


def test_a_graphics_card_gets_one_field_at_a_time(works: list[FieldWork], cores: int) -> None:
    class Alone(Meets):
        def __call__(self, work: FieldWork, image: np.ndarray) -> Write:
            assert self.barrier.n_waiting == 0 and torch.get_num_threads() == cores
            return lambda: self.written.append(work.number)

    act = Alone()
    assert run_loop(works, 0, act, lambda _: None, never, torch.device("cuda")).finished == 12
    assert act.written == [work.number for work in works]


def test_a_stop_keeps_what_is_being_computed(works: list[FieldWork], cores: int) -> None:
    act, told = Meets(), list[Progress]()
    result = run_loop(works, 0, act, told.append, lambda: sum("done" not in one.message for one in told) == 4)
    assert result.stopped and result.finished == 4
    assert act.written == [work.number for work in works[:4]]


def test_what_ends_the_job_is_raised_and_the_cores_are_given_back(works: list[FieldWork], cores: int) -> None:
    class FullDisk(Meets):
        def __call__(self, work: FieldWork, image: np.ndarray) -> Write:
            if work.number == 5:
                raise OSError("No space left on device")
            return lambda: self.written.append(work.number)

    act = FullDisk()
    with pytest.raises(OSError, match="No space left"):
        run_loop(works, 0, act, lambda _: None, never)
    assert act.written == [0, 1, 2, 3, 4] and torch.get_num_threads() == cores


def test_tokens_and_codes_do_not_depend_on_how_many_fields_are_read_at_once(
    tiny_plate: Path, tiny_dictionary: Path, tmp_path: Path
) -> None:
    before, found = torch.get_num_threads(), {}
    try:
        for threads in (1, MOST_STREAMS):
            torch.set_num_threads(threads)
            out = tmp_path / f"{threads}.lexicon"
            api.apply(tiny_plate, out, dictionary=str(tiny_dictionary), keep_tokens="all", device="cpu")
            found[threads] = Lexicon.open(out).only_plate()
    finally:
        torch.set_num_threads(before)
    for number in range(12):
        one, other = (plate.tokens(number).tokens for plate in found.values())
        np.testing.assert_array_equal(one, other)
        one, other = (plate.codes(number).values for plate in found.values())
        np.testing.assert_array_equal(one, other)
