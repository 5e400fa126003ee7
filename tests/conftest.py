"""Small real plates, lexicons and dictionaries that several rooms test with."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_lexicon import api
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter

FIELD_SHAPE = (100, 140)  # a multiple neither of the patch nor of the tile
PIXEL_UM = 0.5


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real images, named by LEXICON_DATA."""
    folder = os.environ.get("LEXICON_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("the environment variable LEXICON_DATA names no folder of real images")
    return Path(folder)


def cell_like_image(seed: int, shape: tuple[int, int] = FIELD_SHAPE, brightness: float = 1.0) -> np.ndarray:
    """(2, Y, X) uint16: soft blobs and a fine texture over a noisy background."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    blobs = np.zeros(shape)
    for _ in range(6):
        cy, cx, r = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(6, 12)
        blobs += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r**2))
    texture = blobs * (1 + np.sin(y / 2.0 + rng.uniform(0, 6)) * np.sin(x / 3.0))
    noise = rng.normal(0, 12, (2, *shape))
    return np.clip(200 + brightness * np.stack([2500 * blobs, 1500 * texture]) + noise, 0, 65535).astype(np.uint16)


def write_tiny_plate(path: Path, *, wells: int = 6, fields: int = 2, seed: int = 0) -> Path:
    """A plate of 2 rows and 3 columns with a plate map: column 1 negative controls, the rest a dose series."""
    names = [f"{row}{column:02d}" for row in "AB" for column in (1, 2, 3)][:wells]
    channels = (Channel("DNA", "#0000FF"), Channel("Actin", "#00FF00"))
    doses = {"01": 0.0, "02": 1.0, "03": 10.0}
    plate_map = pd.DataFrame(
        {
            "Metadata_pert_type": ["negcon" if name.endswith("01") else "trt" for name in names],
            "Metadata_perturbation": ["DMSO" if name.endswith("01") else "drug" for name in names],
            "Metadata_concentration": [doses[name[1:]] for name in names],
        },
        index=pd.Index(names, name="well"),
    )
    with PlateWriter(path, path.stem, 2, 3, channels, (PIXEL_UM, PIXEL_UM)) as writer:
        writer.write_plate_map(plate_map)
        for w, name in enumerate(names):
            for field in range(fields):
                brightness = 1 + 0.1 * doses[name[1:]]
                writer.write_field(name, str(field), cell_like_image(seed + 10 * w + field, brightness=brightness))
    return path


@pytest.fixture(scope="session")
def tiny_plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OME-Zarr plate of 6 wells with 2 fields of 2 channels; not to be changed."""
    return write_tiny_plate(tmp_path_factory.mktemp("plates") / "tiny.zarr")


@pytest.fixture(scope="session")
def embedded(tiny_plate: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lexicon with all tokens of the tiny plate; not to be changed."""
    out = tmp_path_factory.mktemp("embedded") / "tiny.lexicon"
    api.embed(tiny_plate, out, keep_tokens="all", device="cpu")
    return out


@pytest.fixture(scope="session")
def tiny_dictionary(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dictionary of 64 features trained on the tiny plate; not to be changed."""
    out = tmp_path_factory.mktemp("dictionaries") / "tiny.safetensors"
    api.train(embedded, out, features=64, iterations=4, per_iteration=2, steps=40, batch=256, controls="all")
    return out


@pytest.fixture(scope="session")
def applied(tiny_plate: Path, tiny_dictionary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lexicon with codes of the tiny plate; not to be changed."""
    out = tmp_path_factory.mktemp("applied") / "tiny.lexicon"
    api.apply(tiny_plate, out, dictionary=str(tiny_dictionary), device="cpu")
    return out
