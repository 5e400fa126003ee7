"""Every example runs as it is written, on a small plate."""

from __future__ import annotations

import runpy
import shutil
import sys
from pathlib import Path

import anndata
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs an example and returns what it prints."""

    def said(name: str, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return capsys.readouterr().out

    return said


def test_read_a_plate(run, tiny_plate: Path, tmp_path: Path) -> None:
    said = run("read_a_plate", tiny_plate, tmp_path)
    assert "drug" in said
    assert len(list(tmp_path.glob("tiny-feature-*.png"))) == 1
    assert (tmp_path / "tiny.lexicon").is_dir()


def test_teach_a_feature(run, applied: Path, tmp_path: Path) -> None:
    said = run("teach_a_feature", applied, "bright", "concentration == 10", tmp_path / "bright.lexicon")
    assert "Taught by 2 wells beside 2" in said
    first, *_ = [line for line in said.splitlines() if "standard deviations" in line]
    assert first[:3] in ("A03", "B03")


def test_ask_about_treatments(run, applied: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(applied, tmp_path / "x.lexicon")
    said = run("ask_about_treatments", copied, tmp_path)
    assert said.count("Features with an effect") == 2
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert (tmp_path / "effects-direction.csv").read_text() != (tmp_path / "effects-code.csv").read_text()


def test_train_a_dictionary(run, tiny_plate: Path, tmp_path: Path) -> None:
    said = run("train_a_dictionary", tiny_plate, tmp_path, 20)
    assert "of 256 features fire on tiny.zarr" in said


def test_maps_as_arrays(run, applied: Path) -> None:
    said = run("maps_as_arrays", applied, "A03", 5)
    assert [line.split(":")[0] for line in said.splitlines()] == ["DNA", "Actin"]


def test_profiles_of_wells(run, applied: Path, tmp_path: Path) -> None:
    said = run("profiles_of_wells", applied, tmp_path / "p.h5ad")
    assert said.count("most like") == 6
    assert anndata.read_h5ad(tmp_path / "p.h5ad").shape == (6, 64)
