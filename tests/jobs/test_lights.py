"""Illumination correction as an option of embed and apply: tokens of a vignetted plate come back to the even ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import cell_like_image

from napari_lexicon import api
from napari_lexicon.backbones import apply_windows, estimate_windows, field_tokens, load_backbone
from napari_lexicon.backbones.illumination import Illumination, basis
from napari_lexicon.errors import JobError
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter

SHAPE = (192, 192)
DARK = 100


def fall_off(strength: float) -> np.ndarray:
    """Light at every pixel of a field, dimmest in the corners; its mean is 1."""
    y, x = ((np.arange(n) + 0.5) / n * 2 - 1 for n in SHAPE)
    light = 1 - strength * (y[:, None] ** 2 + x[None] ** 2) / 2
    return np.asarray(light / light.mean())


def scene(well: int, field: int) -> np.ndarray:
    """``(2, Y, X)`` grey values of cells above the dark level."""
    return cell_like_image(100 * well + field, (240, 240))[:, 24:216, 24:216].astype(float) - 150


def write_plate(path: Path, strength: float, *, wells: int = 8, fields: int = 3) -> Path:
    """The same cells under light that falls off by ``strength``."""
    light = fall_off(strength)
    names = [f"A{column:02d}" for column in range(1, wells + 1)]
    with PlateWriter(path, "p", 1, wells, (Channel("DNA"), Channel("Actin")), (0.5, 0.5)) as writer:
        for w, name in enumerate(names):
            for field in range(fields):
                writer.write_field(name, str(field), (DARK + light * scene(w, field)).clip(0).astype(np.uint16))
    return path


def tokens(lexicon: Path) -> np.ndarray:
    plate = Lexicon.open(lexicon).plates["p"]
    kept = [plate.tokens(number) for number in range(len(plate.fields))]
    return np.stack([one.tokens.astype(np.float32) for one in kept if one is not None])


def test_tokens_of_a_vignetted_plate_move_towards_those_of_even_light(tmp_path: Path) -> None:
    even, dim = write_plate(tmp_path / "even" / "p.zarr", 0.0), write_plate(tmp_path / "dim" / "p.zarr", 0.7)
    settings = {"keep_tokens": "all", "device": "cpu"}
    for plate, out, light in ((even, "e", None), (dim, "d", None), (dim, "c", "correct")):
        api.embed(plate, tmp_path / f"{out}.lexicon", illumination=light, **settings)  # type: ignore[arg-type]
    wanted, before, after = (tokens(tmp_path / f"{name}.lexicon") for name in "edc")
    assert np.abs(after - wanted).mean() < 0.65 * np.abs(before - wanted).mean()
    corners = np.ix_(range(len(wanted)), [0, 11, 132, 143])  # a grid of 12 x 12 patches
    assert np.abs(after - wanted)[corners].mean() < 0.7 * np.abs(before - wanted)[corners].mean()

    corrected = Lexicon.open(tmp_path / "c.lexicon").plates["p"]
    light = corrected.header.channels[0].illumination
    assert light is not None
    assert light.version == "illumination-2"
    assert corrected.mark("tokens", 0) != Lexicon.open(tmp_path / "d.lexicon").plates["p"].mark("tokens", 0)
    # a job that says nothing goes on as before; one that says otherwise needs to be asked to do all again
    again = api.embed(dim, tmp_path / "c.lexicon", **settings)  # type: ignore[arg-type]
    assert (again.finished, again.kept, again.stale) == (0, 24, 0)
    with pytest.raises(JobError, match="was read with illumination correction here: give --recompute"):
        api.embed(dim, tmp_path / "c.lexicon", illumination="none", **settings)  # type: ignore[arg-type]
    api.embed(dim, tmp_path / "c.lexicon", illumination="none", recompute=True, **settings)  # type: ignore[arg-type]
    np.testing.assert_array_equal(tokens(tmp_path / "c.lexicon"), before)


def test_where_the_light_is_known_tokens_are_those_of_even_light() -> None:
    """What is left of the unevenness is what the estimate leaves, not what the correction does."""
    light, backbone = fall_off(0.7), load_backbone("builtin", device="cpu")
    even = [(DARK + scene(well, 0)).clip(0).astype(np.uint16) for well in range(8)]
    dim = [(DARK + light * scene(well, 0)).clip(0).astype(np.uint16) for well in range(8)]
    terms, *_ = np.linalg.lstsq(basis(SHAPE[0]), light.ravel(), rcond=None)
    known = Illumination(float(DARK), tuple(terms))
    np.testing.assert_allclose(known.field(SHAPE), light, rtol=1e-5)
    corrected = [np.stack([known.apply(plane) for plane in image]) for image in dim]

    def read(images: list[np.ndarray]) -> np.ndarray:
        windows = estimate_windows(images)
        return np.stack([field_tokens(backbone, apply_windows(image, windows)).numpy() for image in images])

    wanted, before, after = read(even), read(dim), read(corrected)
    assert np.abs(after - wanted).mean() < 0.05 * np.abs(before - wanted).mean()


def test_what_cannot_be_corrected_is_said(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "p.zarr", 0.5, wells=1)
    with pytest.raises(JobError, match=r"light of DNA in p cannot be estimated. A flat field needs at least 8 fields"):
        api.embed(plate, tmp_path / "x.lexicon", illumination="correct", device="cpu")
    with pytest.raises(JobError, match="'none' or 'correct', not 'basic'"):
        api.embed(plate, tmp_path / "x.lexicon", illumination="basic", device="cpu")  # type: ignore[arg-type]
