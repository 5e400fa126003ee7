"""How long it takes to open a plate, beside ngio and napari-ome-zarr where they are installed.

    python benchmarks/plates/listing.py [DIR] [--peers FOLDER] [--quick] [--json FILE]

Each figure is the best of five in a process of its own, with the disk cache warm; the first opening in that process is
reported beside it, since it includes what Python and the libraries load lazily. "computing" is processor time, which
does not depend on what else the machine does. "fields" says what was listed: a
reader that shows one field per well is not doing the same work.

napari-ome-zarr is installed by uv into an environment of its own, where ``--peers`` names a folder for it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from create_plates import create

READERS = {
    "napari-lexicon": """
from napari_lexicon.plates import open_plate
def listed(path):
    plate = open_plate(path)
    return len(list(plate.fields())), sum(len(field.channels) for field in plate.fields())
""",
    "ngio, paths of images": """
from ngio import open_ome_zarr_plate
def listed(path):
    return len(open_ome_zarr_plate(path, mode="r").images_paths(max_workers="auto")), 0
""",
    "ngio, images opened": """
from ngio import open_ome_zarr_plate
def listed(path):
    images = open_ome_zarr_plate(path, cache=True, mode="r").get_images(max_workers="auto")
    return len(images), sum(len(image.channel_labels) for image in images.values())
""",
    "napari-ome-zarr": """
from napari_ome_zarr import napari_get_reader
def listed(path):
    napari_get_reader(str(path))(str(path))
    return 0, 0  # one image of the first field of each well; nothing is listed
""",
    "openreadout": """
import openreadout
def listed(path):
    found = openreadout.info(str(path))["images"]
    return len(found), sum(image["size_c"] for image in found)
""",
}
ONLY_ZARR = {"ngio, paths of images", "ngio, images opened", "napari-ome-zarr"}
INDICES = {"phenix": "Images/Index.idx.xml", "imagexpress": "plate.HTD"}

LIMITS = {"OME-Zarr": 1.0, "vendor": 1.5}
"""Seconds within which a plate of 384 wells is to be listed."""
METRICS = {
    "first opening": ("s", "first_s"),
    "opening, best of five": ("s", "best_s"),
    "processor time": ("s", "best_cpu_s"),
    "peak memory": ("MiB", "peak_mib"),
}

TIMING = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
times, computing = [], []
for _ in range(6):
    before, cpu = time.perf_counter(), time.process_time()
    fields, channels = listed(sys.argv[1])
    times.append(time.perf_counter() - before)
    computing.append(time.process_time() - cpu)
try:  # what getrusage says begins with the peak of the process that started this one
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
except OSError:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
figures = {"first_s": times[0], "best_s": min(times[1:]), "best_cpu_s": min(computing[1:])}
figures.update(fields=fields, channels=channels, peak_mib=peak)
print(json.dumps(figures))
"""


def peer_python(folder: Path) -> str:
    """The Python of an environment with napari-ome-zarr, which is made where it is missing."""
    python = folder / "bin" / "python"
    if not python.exists():
        uv = shutil.which("uv") or str(Path(__file__).parents[2] / ".uv" / "bin" / "uv")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run([uv, "venv", "--quiet", "--python", version, str(folder)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python), "napari-ome-zarr"]
        subprocess.run(install, check=True)
    return str(python)


def timed(reader: str, path: Path, python: str) -> dict[str, float] | None:
    """Figures of one reader on one plate, None where it is not installed or cannot open it."""
    if reader in ONLY_ZARR and path.suffix != ".zarr":
        return None
    target = path / INDICES.get(path.name, "") if reader == "openreadout" else path
    done = subprocess.run(
        [python, "-c", READERS[reader] + TIMING, str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return None
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def compared(rows: list[dict[str, Any]], size: str) -> list[dict[str, Any]]:
    """One row per plate and figure: ours beside each peer, and beside the limit; ``ratio`` is theirs over ours."""
    found = []
    for plate in dict.fromkeys(row["plate"] for row in rows):
        here = {row["reader"]: row for row in rows if row["plate"] == plate}
        ours = here.pop("napari-lexicon", None)
        if ours is None:
            continue
        limit = LIMITS["OME-Zarr" if plate.startswith("OME-Zarr") else "vendor"]
        for metric, (unit, key) in METRICS.items():
            peers = [(name, row[key]) for name, row in here.items()]
            peers += [("limit", limit)] if key in ("first_s", "best_s") else []
            for name, value in peers:
                found.append(
                    {
                        "task": f"list {plate}",
                        "size": size,
                        "metric": metric,
                        "unit": unit,
                        "ours": round(ours[key], 4),
                        "peer": name,
                        "peer_value": round(value, 4),
                        "ratio": round(value / ours[key], 3),
                    }
                )
    return found


def main() -> None:
    """Make the plates, time the readers, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--peers", type=Path, help="folder of napari-ome-zarr's environment, made where it is missing")
    parser.add_argument("--quick", action="store_true", help="24 wells, 2 fields, 3 channels")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    apart = sys.executable if options.peers is None else peer_python(options.peers)
    size = (24, 2, 3) if options.quick else (384, 9, 5)
    with tempfile.TemporaryDirectory() as scratch:
        plates = create(options.folder or Path(scratch), *size)
        rows = []
        for name, path in plates.items():
            for reader in READERS:
                figures = timed(reader, path, apart if reader == "napari-ome-zarr" else sys.executable)
                if figures is not None:
                    rows.append({"plate": name, "reader": reader, **figures})
                    print(
                        f"{name:15} {reader:22} {figures['fields']:6.0f} fields  first {figures['first_s']:6.2f} s  "
                        f"best {figures['best_s']:6.2f} s  computing {figures['best_cpu_s']:6.2f} s  "
                        f"{figures['peak_mib']:5.0f} MiB"
                    )
    if options.json is not None:
        size_text = f"{size[0]} wells, {size[1]} fields, {size[2]} channels"
        options.json.write_text(json.dumps(compared(rows, size_text), indent=1))


if __name__ == "__main__":
    main()
