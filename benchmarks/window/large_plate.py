"""Writes the plate and the lexicon that the window is measured on, through the real writers.

    python benchmarks/window/large_plate.py DIR [--quick]

makes ``DIR/large.zarr`` and ``DIR/large.lexicon``: 384 wells of 9 fields of 5 channels, coded with 8192 features. The
first field of 32 wells is 2048 pixels wide (these are looked at, and they hold the strongest activations); the others
are small, so that the whole fits on a disk: what the window does with a field that it does not show does not depend on
its size. Codes are drawn at random, treatments favour features of their own. What is there already is kept, except a
lexicon of other weights.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from napari_lexicon.backbones import load_backbone
from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.file_format import save_dictionary
from napari_lexicon.dictionaries.header import DictionaryHeader
from napari_lexicon.dictionaries.whitening import WhiteningAccumulator
from napari_lexicon.jobs.field_loop import FieldWork, codes_mark, tokens_mark, works_of
from napari_lexicon.jobs.plates import prepared_plate
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.origins import plate_origin
from napari_lexicon.lexicons.statistics import field_statistics
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.well_names import well_name
from napari_lexicon.plates.writing import PlateWriter

FEATURES, K, CHANNELS = 8192, 16, ("DNA", "ER", "RNA", "AGP", "Mito")
LARGE, SMALL = 2048, 128
TREATMENTS = 20
TOKENS_KEPT = 800


@dataclass(frozen=True)
class Size:
    """Wells, fields in each, and how many wells have a large first field."""

    rows: int
    columns: int
    fields: int
    large: int

    @property
    def wells(self) -> list[str]:
        return [well_name(r, c) for r in range(self.rows) for c in range(self.columns)]

    def __str__(self) -> str:
        wells = self.rows * self.columns
        return f"{wells} wells x {self.fields} fields x {len(CHANNELS)} channels, {FEATURES} features"


FULL, QUICK = Size(16, 24, 9, 32), Size(8, 12, 2, 12)


def plate_map(size: Size) -> pd.DataFrame:
    """Controls in the outer columns, treatments at four doses elsewhere."""
    control = [well[1:] in ("01", f"{size.columns:02d}") for well in size.wells]
    drugs = [f"drug{n % TREATMENTS:02d}" for n in range(len(size.wells))]
    doses = [10.0 ** (n // TREATMENTS % 4 - 2) for n in range(len(size.wells))]
    return pd.DataFrame(
        {
            "Metadata_perturbation": np.where(control, "DMSO", drugs),
            "Metadata_concentration": np.where(control, 0.0, doses),
            "Metadata_pert_type": np.where(control, "negcon", "trt"),
        },
        index=pd.Index(size.wells, name="well"),
    )


def large_wells(size: Size) -> list[str]:
    """Wells whose first field is large, spread over the plate."""
    step = len(size.wells) // size.large
    return size.wells[::step][: size.large]


def texture() -> np.ndarray:
    """``(C, 512, 512)`` uint16: blobs of a cell's size over noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:512, :512]
    planes = []
    for _ in CHANNELS:
        plane = np.zeros((512, 512))
        for cy, cx, r in zip(rng.uniform(0, 512, 24), rng.uniform(0, 512, 24), rng.uniform(8, 22, 24), strict=True):
            plane += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r**2))
        planes.append(200 + 2500 * plane + rng.normal(0, 15, plane.shape))
    return np.clip(planes, 0, 65535).astype(np.uint16)


def write_images(path: Path, size: Size) -> None:
    """The plate as OME-Zarr."""
    cells, large = texture(), set(large_wells(size))
    channels = [Channel(name) for name in CHANNELS]
    with PlateWriter(path, path.stem, size.rows, size.columns, channels, (0.65, 0.65)) as writer:
        writer.write_plate_map(plate_map(size))
        for w, well in enumerate(size.wells):
            moved = np.roll(cells, (37 * w % 512, 91 * w % 512), axis=(1, 2))
            for field in range(size.fields):
                if writer.has_field(well, str(field)):
                    continue
                if field == 0 and well in large:
                    image = np.tile(moved, (1, LARGE // 512, LARGE // 512))
                else:
                    image = np.ascontiguousarray(moved[:, 40 * field : 40 * field + SMALL, :SMALL])
                writer.write_field(well, str(field), image)


def random_dictionary(spec: BackboneSpec) -> Dictionary:
    """8192 random atoms behind a whitening fitted on random tokens."""
    generator = torch.Generator().manual_seed(0)
    accumulator = WhiteningAccumulator(spec.dim)
    accumulator.update(torch.randn(8 * spec.dim, spec.dim, generator=generator))
    whitening = accumulator.fit("pca")
    atoms = torch.nn.functional.normalize(torch.randn(FEATURES, whitening.dim_whitened, generator=generator), dim=1)
    header = DictionaryHeader(name="random atoms", backbone=spec.to_json(), created="")
    settings = EncoderSettings(iterations=K // 2, per_iteration=2)
    return Dictionary(atoms, torch.zeros(whitening.dim_whitened), whitening, settings, header)


def codes_of(work: FieldWork, treatment: str) -> tuple[np.ndarray, np.ndarray]:
    """``(G, gh, gw, k)`` features, distinct within a token, and values."""
    rng = np.random.default_rng([7, work.number])
    header = work.plate.fields[work.number]
    shape = (len(header.channels), *header.grid, K)
    step = FEATURES // K  # one feature from each of k ranges: distinct without a search
    own = 0 if treatment == "DMSO" else 1 + int(treatment[-2:])
    skew = rng.random(shape, dtype=np.float32) ** (1 + 0.05 * own)
    indices = (skew * step).astype(np.uint16).clip(max=step - 1) + np.arange(K, dtype=np.uint16) * step
    strength = 2.0 if header.shape[0] == LARGE else 0.3  # the gallery shows large fields
    return indices, (rng.standard_exponential(shape, dtype=np.float32) * strength).astype(np.float16)


def write_codes(work: FieldWork, dictionary: Dictionary, spec: BackboneSpec, treatment: str) -> None:
    """Codes and statistics of a field, as apply writes them; of large fields also tokens to train on."""
    tokens = tokens_mark(work, spec.fingerprint)
    mark = codes_mark(tokens, dictionary.hash)
    header, channels = work.plate.fields[work.number], work.plate.header.channels
    attributes = {
        "well": header.well,
        "field": header.name,
        "backbone": spec.fingerprint,
        "identity": header.identity,
        "channels": list(header.channels),
        "windows": [[channels[c].low, channels[c].high] for c in header.channels],
    }
    if work.plate.mark("codes", work.number) != mark:
        indices, values = codes_of(work, treatment)
        one = field_statistics(indices, values.astype(np.float32), FEATURES)
        names = ("total", "active", "strongest", "place", "tokens")
        arrays = {"indices": indices, "values": values} | {name: getattr(one, name) for name in names}
        work.plate.write_field("codes", work.number, mark, arrays, attributes | {"dictionary": dictionary.hash})
    if header.shape[0] == LARGE and work.plate.mark("tokens", work.number) != tokens:
        rng = np.random.default_rng([8, work.number])
        shape = (TOKENS_KEPT, len(header.channels), spec.dim)
        places = np.stack(np.divmod(np.arange(TOKENS_KEPT), header.grid[1]), axis=1).astype(np.int32)
        kept = {
            "tokens": rng.standard_normal(shape, dtype=np.float32).astype(np.float16),
            "places": places,
            "lit": np.ones(shape[:2], bool),
            "means": rng.standard_normal((64, *shape[1:]), dtype=np.float32),
        }
        work.plate.write_field("tokens", work.number, tokens, kept, attributes | {"places": TOKENS_KEPT})


def drop_of_other_weights(path: Path, spec: BackboneSpec) -> None:
    """Delete a lexicon that was made with other weights: every code in it would be stale."""
    if (path / "lexicon.json").exists() and Lexicon.open(path).backbone.fingerprint != spec.fingerprint:
        print(f"{path} was made with other weights and is made anew", flush=True)
        shutil.rmtree(path)


def make(folder: Path, size: Size) -> tuple[Path, Path]:
    """Plate and lexicon; what is finished is kept."""
    plate_path, lexicon_path = folder / "large.zarr", folder / "large.lexicon"
    spec = load_backbone("builtin", device="cpu").spec
    marker, made = folder / "finished.json", [str(size), spec.fingerprint]
    if marker.exists() and json.loads(marker.read_text()) == made:
        return plate_path, lexicon_path
    folder.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    start = time.monotonic()
    write_images(plate_path, size)
    print(f"images after {time.monotonic() - start:.0f} s", flush=True)
    drop_of_other_weights(lexicon_path, spec)
    dictionary, file = random_dictionary(spec), folder / "random.safetensors"
    save_dictionary(dictionary, file)
    lexicon = Lexicon.create(lexicon_path, spec)
    lexicon.set_dictionary(dictionary, file, replace=True)
    plate = open_plate(plate_path)
    prepared = prepared_plate(lexicon, plate, plate_origin(plate_path), spec, anew=False)
    treatments = plate_map(size)["Metadata_perturbation"]
    for work in works_of(plate, prepared):
        write_codes(work, dictionary, spec, str(treatments[work.field.well]))
    prepared.write_summary()
    marker.write_text(json.dumps(made))
    print(f"{size} after {time.monotonic() - start:.0f} s", flush=True)
    return plate_path, lexicon_path


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="96 wells of 2 fields")
    options = parser.parse_args()
    make(options.folder, QUICK if options.quick else FULL)


if __name__ == "__main__":
    main()
