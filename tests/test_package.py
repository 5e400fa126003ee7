"""The package as a whole: light to import, its rooms apart, its manifest in place."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import napari_lexicon

ROOT = Path(__file__).parent.parent


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_loads_neither_torch_nor_napari_nor_qt() -> None:
    loaded = modules_after("import napari_lexicon")
    assert not loaded & {"torch", "napari", "qtpy", "PyQt6", "PySide6", "numpy"}


def test_rooms_below_the_window_load_no_qt() -> None:
    loaded = modules_after(
        "import napari_lexicon.api, napari_lexicon.cli, napari_lexicon.demo, napari_lexicon.jobs.running, "
        "napari_lexicon.samples.plate, napari_lexicon.backbones.loading, napari_lexicon.plates.opening"
    )
    assert not loaded & {"napari", "qtpy", "PyQt6", "PySide6", "superqt", "magicgui"}


def test_reading_a_lexicon_loads_no_torch() -> None:
    assert "torch" not in modules_after(
        "import napari_lexicon.lexicons, napari_lexicon.analysis.maps, napari_lexicon.jobs.contract"
    )


def test_nothing_that_the_window_imports_when_it_is_needed_loads_torch() -> None:
    source = ROOT / "src"
    pages = [page for room in ("widgets", "viewer") for page in (source / "napari_lexicon" / room).rglob("*.py")]
    wanted = set()
    for page in pages:
        for function in ast.walk(ast.parse(page.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                found = (one.module or "" for one in ast.walk(function) if isinstance(one, ast.ImportFrom))
                wanted |= {name for name in found if name.startswith("napari_lexicon.")}
    assert len(wanted) > 30
    code = "import sys\nfor name in sys.argv[1:]:\n    __import__(name)\n    assert 'torch' not in sys.modules, name"
    subprocess.run([sys.executable, "-c", code, *sorted(wanted)], check=True)


def test_every_name_of_the_python_api_is_there() -> None:
    for name in napari_lexicon.__all__:
        assert getattr(napari_lexicon, name) is not None


def test_arrows_between_rooms_point_one_way() -> None:
    found = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], capture_output=True, text=True, cwd=ROOT
    )
    assert found.returncode == 0, found.stdout


def test_the_manifest_is_where_napari_looks_and_at_the_top() -> None:
    (point,) = [p for p in entry_points(group="napari.manifest") if p.name == "napari-lexicon"]
    assert point.value == "napari_lexicon:napari.yaml"
    assert (ROOT / "napari.yaml").resolve() == ROOT / "src/napari_lexicon/napari.yaml"
