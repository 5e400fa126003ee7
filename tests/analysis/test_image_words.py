"""Loose images are called images, wells are called wells, and what people wrote stays as they wrote it."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from tests.cli.test_report import Page

from napari_lexicon import api
from napari_lexicon.analysis.image_words import made_of_images, of_images, of_images_in_page
from napari_lexicon.lexicons import Lexicon


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Double-click a well to see its images.", "Double-click an image to see its images."),
        ("Wells that have it, 12 of 24 wells. A well.", "Images that have it, 12 of 24 images. An image."),
        ("How well is it told, as well as a well?", "How well is it told, as well as an image?"),
        ("{well}_{field}.tif from wells.csv", "{well}_{field}.tif from wells.csv"),
        ("No column x: it has plate, well, row. /a/well/b", "No column x: it has plate, well, row. /a/well/b"),
        ("The well's mean, well by well", "The image's mean, image by image"),
    ],
)
def test_a_sentence_about_wells_is_said_of_images(text: str, said: str):
    assert of_images(text) == said


def test_what_people_wrote_stays() -> None:
    kept = ("seen in a well of May", "May wells")
    said = "In 3 wells: seen in a well of May; May wells, and wells."
    assert of_images(said, kept) == "In 3 images: seen in a well of May; May wells, and images."
    page = '<p class="well">A well of <b>May wells</b></p><td data-of="wells">3</td><a href="wells">as well</a>'
    assert of_images_in_page(page, kept) == (
        '<p class="well">An image of <b>May wells</b></p><td data-of="images">3</td><a href="wells">as well</a>'
    )


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory, tiny_plate: Path, applied: Path) -> Lexicon:
    """Images in a folder, read with the dictionary of the tiny lexicon, with a note about wells on one feature."""
    folder = tmp_path_factory.mktemp("loose")
    for n, name in enumerate(("one", "two", "three", "four")):
        pixels = np.random.default_rng(n).integers(0, 4000, (160, 160)).astype(np.uint16)
        imageio.imwrite(folder / f"{name}.tif", pixels)
    path = folder.parent / "loose.lexicon"
    api.apply(folder, path, dictionary=str(applied / "dictionary.safetensors"), device="cpu", keep_tokens=0)
    lexicon = Lexicon.open(path)
    lexicon.names.set(5, "bright", note="As in a well of May.")
    return lexicon


def test_a_report_on_loose_images_speaks_of_images(loose: Lexicon, applied: Path, tmp_path: Path) -> None:
    assert made_of_images(loose) and not made_of_images(Lexicon.open(applied))
    page = Page(api.report(loose.path, tmp_path / "r.html", features=2).read_text(encoding="utf-8"))
    assert "were read in 4 images" in page.text and "The unit of every test is the image" in page.text
    assert "As in a well of May." in page.text
    left = page.text.replace("As in a well of May.", "")
    trained = Lexicon.open(loose.path).dictionary.header.control_wells  # type: ignore[union-attr]
    left = left.replace(f"{trained} wells", "").replace(loose.only_plate().header.note, "")
    assert of_images(left) == left


def test_an_answer_on_loose_images_speaks_of_images(loose: Lexicon) -> None:
    table = api.ask(loose.path, "edits")
    assert table.attrs["units"]["n_wells"] == "images"
    with pytest.raises(Exception, match="known of 4 images, and 8 are needed"):
        api.ask(loose.path, "counts")
