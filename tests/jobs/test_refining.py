"""Fields read finer than the patches: what the map is made of, when it is made again, and what stays as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from napari_lexicon import api
from napari_lexicon.analysis.maps import direction_map
from napari_lexicon.backbones import load_backbone
from napari_lexicon.backbones.tiling import fine_field_tokens
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.field_loop import FieldWork, windowed_image
from napari_lexicon.jobs.plates import plate_field
from napari_lexicon.jobs.refining import RefineJob, run_refine
from napari_lexicon.jobs.running import job_from_json, job_to_json
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.plate import fine_is_current


@pytest.fixture
def lexicon(applied: Path, tmp_path: Path) -> Path:
    """A copy of the applied lexicon, to be changed."""
    return Path(shutil.copytree(applied, tmp_path / "own.lexicon"))


def refined(lexicon: Path, number: int, finer: int) -> tuple[Lexicon, int]:
    """The lexicon after one field was read finer, and how many fields were read."""
    result = run_refine(RefineJob(str(lexicon), "tiny", (number,), finer, device="cpu"))
    return Lexicon.open(lexicon), result.finished


def test_once_finer_is_the_field_as_it_was(lexicon: Path):
    opened, _ = refined(lexicon, 3, 1)
    plate = opened.plates["tiny"]
    fine, codes = plate.fine(3), plate.codes(3)
    assert fine is not None
    assert codes is not None
    np.testing.assert_array_equal(fine.codes.values, codes.values)
    np.testing.assert_array_equal(fine.codes.indices[codes.values != 0], codes.indices[codes.values != 0])


def test_twice_finer_holds_the_whitened_mean_of_the_shifted_tilings(lexicon: Path):
    opened, _ = refined(lexicon, 3, 2)
    plate, dictionary = opened.plates["tiny"], opened.dictionary
    fine, grid = plate.fine(3), plate.fields[3].grid
    assert fine is not None
    assert dictionary is not None
    assert fine.finer == 2
    height, width = plate.fields[3].shape
    step = opened.backbone.patch // 2
    assert fine.whitened.shape[:3] == (2, -(-height // step), -(-width // step))
    assert fine.codes.values.shape[1] > grid[0]
    image = windowed_image(FieldWork(plate, 3, plate_field(plate, 3)))
    tokens = fine_field_tokens(load_backbone("builtin", device="cpu"), image, 2)
    cosine = dictionary.cosine(tokens[1].flatten(0, 1), [7]).reshape(tokens.shape[1:3]).numpy()
    lit = np.abs(fine.whitened[1]).sum(axis=-1) > 0
    assert 0 < lit.sum() < lit.size
    found = direction_map(fine.whitened, fine.codes.channels, dictionary.atoms[7].numpy(), 1, "cosine")
    np.testing.assert_allclose(found[lit], cosine[lit], atol=2e-3)
    assert not found[~lit].any()
    whitened = dictionary.whitening.whiten(tokens[1].flatten(0, 1)) @ dictionary.atoms[7]
    along = direction_map(fine.whitened, fine.codes.channels, dictionary.atoms[7].numpy(), 1)
    np.testing.assert_allclose(along[lit], whitened.reshape(lit.shape).numpy()[lit], atol=2e-2)


def test_a_field_is_read_again_only_when_what_it_refines_has_changed(lexicon: Path):
    opened, finished = refined(lexicon, 0, 2)
    assert finished == 1
    statistics = opened.plates["tiny"].statistics().total
    opened, finished = refined(lexicon, 0, 2)
    assert finished == 0
    opened, finished = refined(lexicon, 0, 4)
    assert finished == 1
    plate = opened.plates["tiny"]
    assert not fine_is_current(plate, 0, 2)
    np.testing.assert_array_equal(plate.statistics().total, statistics)
    file = next((plate.folder / "codes").glob("A01_0.*"))
    file.rename(file.with_name(f"A01_0.{'0' * 16}.zarr.zip"))
    plate.refresh()
    assert not fine_is_current(plate, 0, 4)


def test_what_cannot_be_read_finer_is_said(lexicon: Path, embedded: Path):
    with pytest.raises(JobError, match="16 px cannot be read 3 times finer"):
        refined(lexicon, 0, 3)
    with pytest.raises(JobError, match="has no dictionary yet: run apply first"):
        run_refine(RefineJob(str(embedded), "tiny", (0,)))


def test_the_job_survives_json_and_stops(lexicon: Path):
    job = RefineJob(str(lexicon), "tiny", (0, 1), 2, device="cpu")
    assert job_from_json(job_to_json(job)) == job
    asked: list[int] = []
    result = run_refine(job, should_stop=lambda: bool(asked.append(1)) or len(asked) > 1)
    assert result.stopped
    assert result.finished == 1


def test_every_reading_gives_a_picture_of_its_own(lexicon: Path):
    pictures = [
        np.asarray(api.overlay(lexicon, "B03", 5, finer=finer, reading=reading))
        for finer, reading in ((1, "code"), (2, "code"), (2, "direction"), (2, "cosine"))
    ]
    for one, other in pairwise(pictures):
        assert one.shape == other.shape
        assert (one != other).any()


def test_the_standing_process_answers_the_latest_question(lexicon: Path):
    command = [sys.executable, "-m", "napari_lexicon.jobs.standing"]
    about = {"lexicon": str(lexicon), "plate": "tiny", "finer": 2, "device": "cpu"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("what?\n")
        process.stdin.flush()
        assert "no question" in json.loads(process.stdout.readline())["error"]
        for number in (0, 1, 2):  # while torch is loading for the first, two more are asked for
            process.stdin.write(json.dumps({**about, "number": number}) + "\n")
            process.stdin.flush()
            time.sleep(0.3)
        answers = [json.loads(process.stdout.readline())]
        while answers[-1]["number"] != 2:
            answers.append(json.loads(process.stdout.readline()))
        assert all(answer["done"] for answer in answers)
        assert len(answers) < 3
        process.stdin.write(json.dumps({**about, "number": 3, "finer": 5}) + "\n")
        process.stdin.flush()
        assert "5 times finer" in json.loads(process.stdout.readline())["error"]
        process.stdin.close()
        assert process.wait(20) == 0
    plate = Lexicon.open(lexicon).plates["tiny"]
    assert fine_is_current(plate, 2, 2)
    assert plate.fine(1) is None
