"""The report: one page, nothing beside it, everything in it that the plate map allows."""

from __future__ import annotations

import base64
import io
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from napari_lexicon import api
from napari_lexicon.cli import app
from napari_lexicon.lexicons import Lexicon

_VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """Tags in order, attributes and text of a page; a tag that is not closed is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def report(lexicon: Path, out: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["report", str(lexicon), "--out", str(out), "--quiet", *words])


@pytest.fixture(scope="module")
def lexicon(applied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny lexicon with a named feature and a plate map that would like to run a script."""
    copied = shutil.copytree(applied, tmp_path_factory.mktemp("report") / "tiny.lexicon")
    (path,) = copied.glob("plates/*/plate_map.csv")
    said = pd.read_csv(path, index_col=0, dtype={0: str})
    said["Metadata_perturbation"] = said["Metadata_perturbation"].replace("drug", "<script>alert(1)</script>")
    said.to_csv(path)
    Lexicon.open(copied).names.set(5, "bright & round", note="seen in <b>all</b> wells", tags=("nucleus",))
    return copied


@pytest.fixture(scope="module")
def page(lexicon: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    out = tmp_path_factory.mktemp("page") / "report.html"
    result = report(lexicon, out, "--features", "3")
    assert result.exit_code == 0, result.output
    return Page(out.read_text(encoding="utf-8"))


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(page: Page) -> None:
    assert not page.of("script") and not page.of("link") and not page.of("iframe")
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            if attributes.get(name):
                assert attributes[name].startswith(("data:", "#"))
    (policy,) = [meta["content"] for meta in page.of("meta") if "Content-Security-Policy" in meta.values()]
    assert policy is not None and policy.startswith("default-src 'none'")
    assert "<script>alert(1)</script>" in page.text  # as words


def test_every_section_that_the_plate_allows_is_there(page: Page) -> None:
    found = [section["id"] for section in page.of("section")]
    always = [name for name in found if name != "heat"]  # there where features change in more than one way
    assert always == [
        *("plate", "treatments", "features", "volcano", "selectivity", "names", "probes", "confounds"),
        *("stains", "edits", "layers", "methods"),
    ]
    assert "Cells were not looked at. Fewer than 20 cells lie in control wells" in page.text
    assert {link["href"] for link in page.of("a") if link["href"].startswith("#")} == {f"#{name}" for name in found}  # type: ignore[union-attr]
    assert "bright & round" in page.text and "seen in <b>all</b> wells" in page.text


def test_the_network_is_left_alone_when_asked_to(lexicon: Path, page: Page, tmp_path: Path) -> None:
    assert report(lexicon, tmp_path / "r.html", "--features", "3", "--no-network").exit_code == 0
    found = [section["id"] for section in Page((tmp_path / "r.html").read_text(encoding="utf-8")).of("section")]
    assert found == [section["id"] for section in page.of("section") if section["id"] not in ("edits", "layers")]


def test_a_report_by_direction_says_so_and_shows_what_it_counts(lexicon: Path, tmp_path: Path) -> None:
    assert report(lexicon, tmp_path / "r.html", "--features", "2", "--beyond", "1").exit_code == 0
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "direction over 1 SD features read by" in page.text
    assert page.text.count("that lies more than 1 standard deviation of control patches along it") == 2  # and methods
    assert "the patches that lie over 1 SD along the feature" in page.text
    assert "Stains: Pearson correlation of how far patches lie along features" in page.text
    captions = re.findall(r", well (\w+): fires in ([\d.]+) % of the ([\d,]+) patches that count here", page.text)
    opened = Lexicon.open(lexicon).only_plate()
    counted = {int(opened.field_statistics(n).tokens.max()) for n in range(len(opened.fields))}
    assert captions and {int(n.replace(",", "")) for _, _, n in captions} <= counted
    assert re.search(r"\w+ · \d+\.\d SD", page.text)


def test_without_the_model_a_report_by_direction_says_that_pictures_are_of_codes(lexicon: Path, tmp_path: Path) -> None:
    words = ("--features", "2", "--beyond", "1", "--no-network")
    assert report(lexicon, tmp_path / "r.html", *words).exit_code == 0
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Pictures, stains and cells show codes, not directions: the images were not read by the model" in page.text
    assert " SD along the feature" not in page.text and page.of("img")


def test_pictures_are_inside_the_page_and_show_something(page: Page) -> None:
    pictures = page.of("img")
    assert len(pictures) >= 3 * 2 * (2 + 1)  # features x (grey, overlay) x (treated, control, a tile)
    for picture in pictures:
        assert picture["alt"]
        source = picture["src"]
        assert source is not None
        content = base64.b64decode(source.split(",", 1)[1])
        image = Image.open(io.BytesIO(content))
        assert image.format == "JPEG"
        assert image.size == (int(picture["width"] or 0), int(picture["height"] or 0))
        assert np.asarray(image).std() > 0


def test_every_edit_stands_beside_the_original_with_its_check(page: Page) -> None:
    edited = [picture["alt"] or "" for picture in page.of("img") if ", change" in (picture["alt"] or "")]
    checks = re.findall(r"The picture read again: [\d.]+ to [\d.]+, asked [\d.]+; moved -?[\d.]+ of the way", page.text)
    assert len(edited) == len(checks) >= 4
    for said in ("removed", "halved", "doubled", "added"):
        shown = [p for p in page.of("img") if str(p["alt"]).endswith(f", {said}")]
        assert shown and f"{said} " in page.text
    assert "Pictures that arrived: removed" in page.text
    failed = page.text.count("This edit did not arrive: do not read this picture.")
    assert failed + page.text.count("It arrived, and") == len(checks)


def test_methods_state_settings_and_versions(page: Page, lexicon: Path) -> None:
    opened = Lexicon.open(lexicon)
    spec, dictionary = opened.backbone, opened.dictionary
    assert dictionary is not None
    for said in (
        spec.weights_hash,
        spec.preprocessing,
        dictionary.hash,
        "Metadata_pert_type == 'negcon'",
        "200 shuffles",
        "called at 0.05",
        "maximum projection",
        '"steps": 40',
        f"numpy {np.__version__}",
    ):
        assert said in page.text, said


def test_what_limits_the_answer_is_said(page: Page) -> None:
    assert "2 control wells" in page.text
    assert "Fewer than 4 control wells" in page.text


def test_figures_of_the_table_are_those_behind_its_link(page: Page, lexicon: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    assert report(lexicon, out, "--fdr", "1", "--no-pictures").exit_code == 0
    page = Page(out.read_text(encoding="utf-8"))
    assert not page.of("img")
    (link,) = [a["href"] for a in page.of("a") if a.get("download") == "features_by_treatment.csv"]
    assert link is not None
    table = pd.read_csv(io.BytesIO(base64.b64decode(link.split(",", 1)[1])))
    plate = Lexicon.open(lexicon).only_plate()
    statistics = plate.statistics()
    row = table.iloc[0]
    channel = [c.name for c in plate.header.channels].index(row["channel"])
    fires = statistics.fraction_active(channel)[:, int(row["feature"])]
    control = (plate.map.loc[list(statistics.wells), "Metadata_pert_type"] == "negcon").to_numpy()
    assert row["control"] == pytest.approx(fires[control].mean(), rel=1e-4)
    assert row["treated"] == pytest.approx(fires[~control].mean(), rel=1e-4)
    called = re.search(r"<script>alert\(1\)</script> 4 (\d+)", page.text)
    assert called is not None and int(called.group(1)) == len(table)


def test_a_second_lexicon_has_its_features_matched_or_its_effects_compared(
    lexicon: Path, embedded: Path, tiny_plate: Path, tmp_path: Path
) -> None:
    dictionary, second = tmp_path / "d.safetensors", tmp_path / "second.lexicon"
    api.train(embedded, dictionary, features=16, iterations=2, per_iteration=2, steps=20, batch=64, controls="all")
    api.apply(tiny_plate, second, dictionary=str(dictionary), device="cpu", keep_tokens=0)
    quick = ("--features", "2", "--no-pictures", "--other")
    assert report(lexicon, tmp_path / "r.html", *quick, str(second)).exit_code == 0
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "match" in [section["id"] for section in page.of("section")]
    (link,) = [a["href"] for a in page.of("a") if a.get("download") == "matches.csv"]
    assert link is not None
    table = pd.read_csv(io.BytesIO(base64.b64decode(link.split(",", 1)[1])))
    again = api.ask(lexicon, "match", other=second).set_index("feature").loc[table["feature"]]
    np.testing.assert_allclose(table["r"], again["r"], rtol=1e-5)
    high = int((table["r"] >= 0.5).sum())
    assert f"{len(table)} features fire in 20 patches or more" in page.text and f"0.5 or more in {high} of" in page.text
    assert report(lexicon, tmp_path / "r.html", *quick, str(lexicon)).exit_code == 0
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert f"{lexicon.stem} → {lexicon.stem}" in page.text and "r of effects" in page.text


def test_a_plate_without_a_map_and_without_images_has_a_report(lexicon: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(lexicon, tmp_path / "bare.lexicon")
    (folder,) = copied.glob("plates/*")
    (folder / "plate_map.csv").unlink()
    header = (folder / "plate.json").read_text()
    path = Lexicon.open(lexicon).only_plate().header.origin.path
    (folder / "plate.json").write_text(header.replace(path, str(tmp_path / "gone.zarr")))
    out = tmp_path / "r.html"
    assert report(copied, out).exit_code == 0
    page = Page(out.read_text(encoding="utf-8"))
    assert "were not compared with controls" in page.text
    assert "No pictures and no measurements" in page.text
    assert [section["id"] for section in page.of("section")] == ["features", "names", "methods"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--by", "moa"], "has no column moa"),
        (["--controls", "Metadata_pert_type == 'vehicle'"], "No well is a control"),
        (["--dose", "time"], "has no column time"),
        (["--beyond", "1.5"], "were not counted: choose 1, 2, 3"),
    ],
)
def test_what_was_asked_for_and_is_not_there_is_one_sentence(
    applied: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    result = report(applied, tmp_path / "r.html", "--no-pictures", *words)
    assert result.exit_code == 2
    assert sentence in result.stderr and "Traceback" not in result.output
    assert not (tmp_path / "r.html").exists()
