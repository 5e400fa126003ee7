"""Pictures of the wells: from the coarsest level, a read for each channel, one well at a time, no well twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.plates.server import Server

from napari_lexicon.plates import open_plate
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter
from napari_lexicon.widgets.plate.thumbnails import SIDE, Thumbnails
from napari_lexicon.widgets.workspace.background import Background

WELLS, CHANNELS, FIELDS = ("A01", "A02", "B01", "C07"), ("DNA", "ER", "Mito"), 3


@pytest.fixture
def background(qtbot) -> Iterator[Background]:
    background = Background(threads=2)
    yield background
    background.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.close()


@pytest.fixture
def address(tmp_path: Path, server: Server) -> str:
    """A plate with pyramids behind a server that counts what is read of it."""
    channels = [Channel(name) for name in CHANNELS]
    with PlateWriter(tmp_path / "P.zarr", "P", 8, 12, channels, (0.5, 0.5), "0.5") as writer:
        for seed, (well, field) in enumerate((well, field) for well in WELLS for field in range(FIELDS)):
            pixels = np.random.default_rng(seed).integers(0, 4000, (len(CHANNELS), 1024, 1024), np.uint16)
            writer.write_field(well, str(field), pixels)
    return f"{server.url}/P.zarr"


def chunks(asked: Counter[str]) -> Counter[str]:
    """What was read of pixels: well, field and level of each chunk."""
    return Counter("/".join(path.split("/")[2:6]) for path in asked.elements() if "/c/" in path)


def test_a_well_costs_one_read_of_its_coarsest_level_for_each_channel(
    qtbot, background: Background, server: Server, address: str
) -> None:
    plate = open_plate(address)
    coarsest = next(plate.fields()).source.levels() - 1
    assert coarsest > 1 and not chunks(server.asked)
    server.most_at_once = 0
    thumbnails = Thumbnails(background)
    found: dict[str, np.ndarray] = {}
    thumbnails.read.connect(found.update)
    thumbnails.start(plate, {})
    qtbot.waitUntil(lambda: set(found) == set(WELLS), timeout=20_000)
    read = chunks(server.asked)
    assert set(read) == {f"{well[0]}/{int(well[1:]):02d}/0/{coarsest}" for well in WELLS}
    assert max(read.values()) <= len(CHANNELS)  # our writer puts all channels of a coarse level into one chunk
    assert server.most_at_once <= len(CHANNELS)
    assert all(picture.dtype == np.uint8 and SIDE <= max(picture.shape) < 2 * SIDE for picture in found.values())


def test_what_was_read_is_not_read_again_and_a_stop_ends_the_reading(
    qtbot, background: Background, server: Server, address: str
) -> None:
    plate = open_plate(address)
    thumbnails = Thumbnails(background)
    found: dict[str, np.ndarray] = {}
    thumbnails.read.connect(found.update)
    thumbnails.start(plate, {})
    qtbot.waitUntil(lambda: len(found) >= 1, timeout=20_000)
    thumbnails.stop()
    qtbot.waitUntil(lambda: not background.busy(), timeout=20_000)
    thumbnails.start(plate, {})
    qtbot.waitUntil(lambda: len(found) == len(WELLS), timeout=20_000)
    # one well may have been on its way when it was stopped
    assert sum(chunks(server.asked).values()) <= (len(WELLS) + 1) * len(CHANNELS)
    before = sum(server.asked.values())
    thumbnails.start(plate, {})
    qtbot.wait(50)
    assert sum(server.asked.values()) == before


def test_of_an_image_file_a_channel_is_read_once_and_a_broken_one_is_passed_over(
    qtbot, background: Background, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for well in WELLS:
        for channel in range(2):
            tifffile.imwrite(tmp_path / f"{well}_w{channel + 1}.tif", np.full((256, 256), 9, np.uint16))
    broken = tmp_path / "A02_w2.tif"
    plate = open_plate(tmp_path)
    broken.write_bytes(broken.read_bytes()[:1000])
    read: Counter[str] = Counter()
    lock = threading.Lock()
    from napari_lexicon.plates import files_field

    original = files_field.read_plane

    def counted(path, plane):
        with lock:
            read[Path(path).name] += 1
        return original(path, plane)

    monkeypatch.setattr(files_field, "read_plane", counted)
    thumbnails = Thumbnails(background)
    found: dict[str, np.ndarray] = {}
    thumbnails.read.connect(found.update)
    thumbnails.start(plate, {})
    qtbot.waitUntil(lambda: set(found) == set(WELLS) - {"A02"}, timeout=20_000)
    assert set(read.values()) == {1}
