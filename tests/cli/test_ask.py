"""Every question by its command: a tidy table with the wells behind it, or one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from napari_lexicon import api
from napari_lexicon.analysis.edit_pictures import CELL
from napari_lexicon.analysis.probed_readings import BY_CHANNEL, DIRECTIONS
from napari_lexicon.analysis.questions import QUESTIONS
from napari_lexicon.analysis.units import units_of
from napari_lexicon.cli import app
from napari_lexicon.lexicons import Lexicon

MORE: dict[str, list[str]] = {
    "alike": ["--by", "perturbation,concentration"],
    "probes": ["--no-pictures"],
    "selectivity": ["--active", "0.05"],
    "cells": ["--features", "3,7"],
    "responders": ["--features", "3,7"],
    "composition": ["--features", "3,7"],
    "edits": ["--features", "3,7"],
    "match": ["--other", "APPLIED"],
    "transfer": ["--other", "APPLIED"],
}


OTHERWISE = ("counts", "meanings", "activity", "corrections", "channels", "enrichment")
"""Questions that the tiny plate does not answer without more."""


def ask(lexicon: Path, question: str, *words: str) -> Result:
    return CliRunner().invoke(app, ["ask", str(lexicon), question, *words])


@pytest.mark.parametrize("question", [name for name in QUESTIONS if name not in OTHERWISE])
def test_every_question_has_an_answer_on_the_tiny_plate(question: str, applied: Path, tmp_path: Path) -> None:
    out = tmp_path / "answer.csv"
    words = [str(applied) if word == "APPLIED" else word for word in MORE.get(question, [])]
    result = ask(applied, question, *words, "--out", str(out))
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out)
    assert len(table)
    assert {"n_wells", "well"} & set(table.columns)  # cells say their own well
    if "n_wells" in table:
        assert table["n_wells"].between(1, 6).all()
    assert "Units. " in result.stdout and set(units_of(question, table.columns)) == set(table.columns)


def test_activity_by_treatment(applied: Path, tmp_path: Path) -> None:
    out = tmp_path / "answer.csv"
    assert ask(applied, "activity", "--out", str(out), "--quiet").exit_code == 0
    (row,) = pd.read_csv(out).to_dict("records")
    assert (row["treatment"], row["n_wells"], row["n_controls"]) == ("drug", 4, 2)
    assert api.ask(applied, "activity").attrs["units"]["map"] == "mean average precision, 0 to 1"


def test_a_lexicon_transfers_to_itself_and_cells_lie_in_their_field(applied: Path, tmp_path: Path) -> None:
    out = tmp_path / "answer.csv"
    assert ask(applied, "transfer", "--other", str(applied), "--out", str(out), "--quiet").exit_code == 0
    assert pd.read_csv(out)["r"].tolist() == pytest.approx([1.0])
    assert ask(applied, "cells", "--features", "3,7", "--out", str(out), "--quiet").exit_code == 0
    cells = pd.read_csv(out)
    assert {"plate", "well", "field", "cell", "area_px", "#3 DNA", "#7 Actin"} <= set(cells.columns)
    height, width = Lexicon.open(applied).only_plate().fields[0].shape
    assert cells["y_px"].between(0, height + 16).all() and cells["x_px"].between(0, width + 16).all()


def test_edits_are_drawn_beside_their_table(applied: Path, tmp_path: Path) -> None:
    out, drawn = tmp_path / "answer.csv", tmp_path / "made" / "edits.png"
    words = ("--features", "3,7", "--out", str(out), "--picture", str(drawn), "--quiet")
    assert ask(applied, "edits", *words).exit_code == 0
    with Image.open(drawn) as sheet:
        assert sheet.size == (4 * CELL[0], pd.read_csv(out)["feature"].nunique() * CELL[1])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["effects", "--picture", "no.png"], "no picture of effects: only of edits"),
        (["why"], "There is no question why"),
        (["effects", "--by", "moa"], "has no column moa"),
        (["cells"], "Say which features"),
        (["cells", "--features", "3;7"], "numbers joined by commas"),
        (["match"], "needs a second lexicon"),
        (["transfer"], "give --other"),
        (["corrections"], "fewer than two values"),
        (["counts", "--no-pictures"], "nothing to hold features against"),
        (["counts"], "known of 6 wells, and 8 are needed"),
        (["effects", "--channel", "ER"], "There is no channel ER"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(applied: Path, words: list[str], sentence: str) -> None:
    result = ask(applied, *words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.output


def test_measurements_of_a_file_go_beside_the_probe(applied: Path, tmp_path: Path) -> None:
    wells = Lexicon.open(applied).only_plate().wells
    path, out = tmp_path / "m.csv", tmp_path / "answer.csv"
    pd.DataFrame({"well": wells, "age": np.arange(len(wells))}).to_csv(path, index=False)
    assert (
        ask(applied, "probes", "--measurements", str(path), "--no-pictures", "--out", str(out), "--quiet").exit_code
        == 0
    )
    assert pd.read_csv(out)["source"].tolist()[-4:] == ["best 10", BY_CHANNEL, DIRECTIONS, "age"]


def test_a_channel_is_taken_from_features_of_joined_channels(
    tiny_plate: Path, embedded: Path, applied: Path, tmp_path: Path
) -> None:
    out, joint, dictionary = tmp_path / "answer.csv", tmp_path / "joint.lexicon", tmp_path / "joint.safetensors"
    api.train(
        embedded, dictionary, channels="concat", features=16, iterations=2, per_iteration=2, steps=20, batch=64,
        controls="all",
    )  # fmt: skip
    api.apply(tiny_plate, joint, dictionary=str(dictionary), device="cpu", keep_tokens="all")
    assert ask(joint, "channels", "--out", str(out), "--quiet").exit_code == 0
    table = pd.read_csv(out)
    bare = tmp_path / "bare.lexicon"
    api.apply(tiny_plate, bare, dictionary=str(dictionary), device="cpu", keep_tokens=0)
    none = ask(bare, "channels", "--no-pictures")
    assert none.exit_code == 2
    assert "keeps no tokens of all of DNA, Actin" in none.output
    assert ask(bare, "channels", "--out", str(out), "--quiet").exit_code == 0
    again = pd.read_csv(out)  # the first field of each well, embedded again
    assert (again["n_wells"] == 6).all()
    both = table.merge(again, on=["feature", "channel", "how"], suffixes=("", "_again")).dropna()
    assert np.corrcoef(both["change"], both["change_again"])[0, 1] > 0.9
    page = tmp_path / "r.html"
    api.report(bare, page, features=2)
    text = page.read_text(encoding="utf-8")
    assert "Without a channel" in text and "without Actin" in text and "channels.csv" in text
    assert "Channels taken away: tokens of one field" in text
    assert set(table["how"]) == {"removed", "shuffled"}
    assert set(table["channel"]) == {"DNA", "Actin"}
    assert len(table) == 2 * 2 * 16
    assert (table["n_wells"] == 6).all()
    fired = table.dropna(subset=["moved"])
    assert len(fired) and (fired["moved"] > 0).any() and (fired["change"] >= -1 - 1e-6).all()
    some = ask(joint, "channels", "--features", "3", "--out", str(out), "--quiet")
    assert some.exit_code == 0
    assert set(pd.read_csv(out)["feature"]) == {3}
    apart = ask(applied, "channels")
    assert apart.exit_code == 2
    assert "Features of this dictionary read one channel each" in apart.output


def test_an_answer_is_printed_in_columns_that_fit_and_says_what_is_left_out(
    applied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    printed = ask(applied, "effects").stdout
    assert max(len(line) for line in printed.splitlines()[:20]) <= 80
    assert "treatment  feature  channel" in printed and "…" not in printed
    assert "more columns (" in printed and "n_controls" in printed
