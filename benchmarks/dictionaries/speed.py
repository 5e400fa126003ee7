"""How fast is ICFL, to apply and to train, and in how much memory? Side by side with plain ICFL and other libraries.

    python benchmarks/dictionaries/speed.py [--quick | --full] [--json FILE] [--threads N]

Contenders take turns, so that what else the machine does at the time hits all of them alike, and ratios are taken turn
by turn. Peers are installed by uv into an environment of their own (``--peers FOLDER``, several GB with
torch); one that cannot be installed is said so in the table. Linux only, because of how memory is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).parent
PEERS = (
    "sae-lens==6.54.12",
    "overcomplete==0.3.0",
    "dictionary-learning==0.1.0",
    "matplotlib<3.11",  # overcomplete 0.3.0 asks it for something that later versions lack
)
SAMPLES = {"planted": "mixtures of the atoms", "built-in": "built-in dictionary, simulated plate"}


@dataclass(frozen=True)
class Size:
    """Length of a token, atoms, J, L, and where tokens and atoms come from."""

    dim: int
    features: int
    rounds: int
    per_round: int
    source: str = "planted"

    @property
    def name(self) -> str:
        """For the table."""
        return f"dim {self.dim}, M {self.features}, J {self.rounds}, L {self.per_round}"


@dataclass(frozen=True)
class Contender:
    """Who takes part.

    Parameters
    ----------
    name : str
        For the table.
    function : str
        Name in ``contenders.py`` or, for peers, in ``peers.py``.
    count : int
        Tokens per run at the largest size; others scale with it.
    peer : bool
        Runs in the environment of the peers.
    """

    name: str
    function: str
    count: int
    peer: bool = False


APPLY = (
    Contender("ours", "apply_ours", 2048),
    Contender("plain ICFL", "apply_plain", 1024),
    Contender("one product + one top-k", "apply_bound", 4096),
    Contender("SAELens matching pursuit", "apply_saelens", 256, True),
    Contender("overcomplete MpSAE", "apply_overcomplete", 256, True),
    Contender("scikit-learn orthogonal_mp_gram", "apply_sklearn", 4),
    Contender("SAELens TopK", "apply_saelens_topk", 2048, True),
    Contender("dictionary_learning TopK", "apply_dictionary_learning", 2048, True),
)
TRAIN = (
    Contender("ours", "train_ours", 2048),
    Contender("plain ICFL", "train_plain", 2048),
    Contender("our TopK", "train_our_topk", 2048),
    Contender("SAELens TopK", "train_saelens_topk", 2048, True),
    Contender("dictionary_learning TopK", "train_dictionary_learning", 2048, True),
)
SIZES = (Size(384, 8192, 20, 5), Size(768, 8192, 20, 5))
BUILTIN = HERE.parents[1] / "src/napari_lexicon/dictionaries/builtin.safetensors"


class Worker:
    """A process of ``worker.py``."""

    def __init__(self, python: Path | str, module: str, threads: int) -> None:
        command = [str(python), str(HERE / "worker.py"), module, str(threads)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, **order: Any) -> dict[str, Any]:
        """One order, one answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else {"error": f"ended with status {self._process.wait()}"}

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass
class Result:
    """What was measured of one contender in one task."""

    contender: Contender
    count: int
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    error: str = ""
    note: str = ""
    ask: Callable[..., dict[str, Any]] = dict


def main() -> None:
    """Measure, print the tables, write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="under 3 minutes: one large size, fewer tokens and turns")
    how.add_argument("--full", action="store_true", help="more turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=int, help="how often each contender runs")
    folder = Path(tempfile.gettempdir()) / "napari-lexicon-peers"
    parser.add_argument("--peers", type=Path, default=folder, help="environment of the peers; made where it is missing")
    parser.add_argument("--no-peers", action="store_true", help="only what needs no other environment")
    parser.add_argument("--size", type=int, action="append", help="only sizes with tokens of this length")
    parser.add_argument("--task", choices=("apply", "train"), action="append")
    options = parser.parse_args()
    turns = options.turns or (3 if options.quick else 15 if options.full else 5)
    sizes = (*(SIZES[:1] if options.quick else SIZES), builtin_size())
    sizes = tuple(size for size in sizes if not options.size or size.dim in options.size)
    python = None if options.no_peers else peer_python(options.peers)
    print(f"{machine()}, torch {torch.__version__}, {options.threads} threads, {turns} turns", flush=True)
    rows: list[dict[str, Any]] = []
    workers = {"contenders": Worker(sys.executable, "contenders", options.threads)}
    if python is not None:
        workers["peers"] = Worker(python, "peers", options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            files = written(size, Path(scratch))
            for task, contenders in (("apply", APPLY), ("train", TRAIN)):
                if options.task and task not in options.task:
                    continue
                results = taken_in_turns(contenders, size, files, workers, turns)
                rows += table(task, size, results, Path(scratch))
        for worker in workers.values():
            worker.close()
    print(f"Load over the last minute {os.getloadavg()[0]:.1f}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def taken_in_turns(
    contenders: Sequence[Contender], size: Size, files: dict[str, str], workers: dict[str, Worker], turns: int
) -> list[Result]:
    """Every contender runs once, then every one again."""
    scale = 1 if size.source == "planted" else 8
    results = [Result(c, c.count * (scale if c.function.startswith("apply") else 1)) for c in contenders]
    for result in results:
        who = result.contender
        worker = workers.get("peers" if who.peer else "contenders")
        if worker is None:
            result.error = "not installed"
            continue
        result.ask = partial(worker.ask, contender=who.function)
        answer = result.ask(
            do="prepare", count=result.count, rounds=size.rounds, per_round=size.per_round,
            warm="sklearn" not in who.function, **files,
        )  # fmt: skip
        result.error, result.note = answer.get("error", ""), answer.get("note", "")
    for _ in range(turns):
        for result in results:
            if not result.error:
                answer = result.ask(do="run")
                result.error = answer.get("error", "")
                result.seconds.append(answer.get("seconds", 0.0))
                result.busy.append(answer.get("busy", 0.0))
                result.megabytes.append(answer.get("megabytes", 0.0))
    for result in results:  # the same codes?
        if result.contender.function in ("apply_ours", "apply_plain") and not result.error:
            result.ask(do="codes", file=files["tokens"] + result.contender.function + ".npz")
    for worker in workers.values():
        worker.ask(do="forget")
    return results


def table(task: str, size: Size, results: Sequence[Result], scratch: Path) -> list[dict[str, Any]]:
    """Print a table, give the rows. Ratios are medians over the turns, and over 1 where ours is better."""
    ours = results[0]
    apply = task == "apply"
    unit, metric = ("tokens/s", "tokens per second") if apply else ("ms", "time of a step")
    what = "apply" if apply else f"train, batch {ours.count}"
    print(f"\n{what}, {size.name} ({SAMPLES[size.source]})\n")
    best = "best" if apply else "fastest"
    head = ("contender", f"{unit}, median", best, "slowest", "ours against it", "by processor time", "memory MB")
    print(f"| {' | '.join(head)} |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows = []
    for result in results:
        if result.error or not result.seconds or not ours.seconds:
            print(f"| {result.contender.name} | {result.error or 'no result'} |")
            continue
        seconds = (median(result.seconds), min(result.seconds), max(result.seconds))
        shown = [value(result, one, apply) for one in seconds]
        turns = [a / result.count / (b / ours.count) for a, b in zip(result.seconds, ours.seconds, strict=True)]
        ratio = median(turns)
        busy = median(a / result.count / (b / ours.count) for a, b in zip(result.busy, ours.busy, strict=True))
        memory, own_memory = median(result.megabytes), median(ours.megabytes)
        figures = " | ".join(f"{v:,.0f}" if v >= 100 else f"{v:.1f}" for v in shown)
        name = f"{result.contender.name} ({result.note})" if result.note else result.contender.name
        against = f"{ratio:.2f} ({min(turns):.2f}–{max(turns):.2f}) | {busy:.2f}"
        print(f"| {name} | {figures} | {against} | {memory:.0f} |")
        if result is ours:
            continue
        common = {"task": task, "size": size.name, "peer": result.contender.name}
        compared = {"ratio": ratio, "spread": [min(turns), max(turns)], "ratio_of_processor_time": busy}
        rows.append({**common, "metric": metric, "unit": unit, "ours": value(ours, median(ours.seconds), apply),
                     "peer_value": shown[0], **compared})  # fmt: skip
        if result.count == ours.count or not apply:
            rows.append({**common, "metric": "peak memory", "unit": "MB", "ours": own_memory, "peer_value": memory,
                         "ratio": memory / max(own_memory, 1e-9)})  # fmt: skip
    if apply:
        rows += same_codes(size, scratch)
    sys.stdout.flush()
    return rows


def value(result: Result, seconds: float, apply: bool) -> float:
    """Tokens per second, or milliseconds per step."""
    return result.count / seconds if apply else 1e3 * seconds


def same_codes(size: Size, scratch: Path) -> list[dict[str, Any]]:
    """Share of tokens with the same supports as in the plain formulation, and the largest difference of values."""
    codes = [next(iter(scratch.glob(f"tokens-{size.dim}-*apply_{name}.npz")), None) for name in ("ours", "plain")]
    if None in codes:
        return []
    (own, own_values), (plain, plain_values) = (
        (torch.from_numpy(found["indices"]), torch.from_numpy(found["values"])) for found in map(np.load, codes)
    )
    own, own_values = own[: len(plain)], own_values[: len(plain)]
    same = (own.sort(dim=1).values == plain.sort(dim=1).values).all(dim=1)
    dense = [
        torch.zeros(len(plain), size.features).scatter_add(1, i, v)[same]
        for i, v in ((own, own_values), (plain, plain_values))
    ]
    share, error = float(same.float().mean()), float((dense[0] - dense[1]).abs().max())
    print(f"\nSame supports as the plain formulation: {share:.2%} of tokens; values within {error:.1e}")
    return [{"task": "apply", "size": size.name, "metric": "same supports", "unit": "1", "ours": share,
             "peer": "plain ICFL", "peer_value": 1.0, "ratio": share}]  # fmt: skip


def written(size: Size, scratch: Path) -> dict[str, str]:
    """Files of tokens and atoms."""
    tokens, atoms = builtin() if size.source == "built-in" else planted(size)
    files = {}
    for name, tensor in (("tokens", tokens), ("atoms", atoms)):
        path = scratch / f"{name}-{size.dim}-{size.features}.npy"
        np.save(path, tensor.numpy())
        files[name] = str(path)
    return files


def planted(size: Size, count: int = 4096) -> tuple[torch.Tensor, torch.Tensor]:
    """Atoms, and tokens that mix 40 of them with amounts of an exponential law and a third of noise."""
    draw = torch.Generator().manual_seed(size.dim)
    atoms = F.normalize(torch.randn(size.features, size.dim, generator=draw), dim=1)
    chosen = torch.randint(0, size.features, (count, 40), generator=draw)
    amounts = 0.1 + torch.empty(count, 40).exponential_(generator=draw)
    mixed = F.normalize(F.embedding_bag(chosen, atoms, per_sample_weights=amounts, mode="sum"), dim=1)
    noise = F.normalize(torch.randn(count, size.dim, generator=draw), dim=1)
    return F.normalize(mixed + noise / 3, dim=1), atoms


def builtin_size() -> Size:
    """Of the built-in dictionary."""
    from napari_lexicon.dictionaries.file_format import load_dictionary

    found = load_dictionary(BUILTIN)
    e = found.encoder
    return Size(found.atoms.shape[1], found.n_features, e.iterations, e.per_iteration, "built-in")


def builtin(count: int = 16384) -> tuple[torch.Tensor, torch.Tensor]:
    """The built-in dictionary, and prepared tokens of a field of a simulated plate, repeated as often as needed."""
    from napari_lexicon.backbones import apply_windows, estimate_windows, field_tokens, load_backbone
    from napari_lexicon.dictionaries.file_format import load_dictionary
    from napari_lexicon.samples.plate import PlateSettings, render_plate_field

    dictionary = load_dictionary(BUILTIN)
    settings = PlateSettings(name="speed", wells=96, seed=5)
    image = render_plate_field(settings, "B03", 0).image
    tokens = field_tokens(load_backbone("builtin", device="cpu"), apply_windows(image, estimate_windows([image])))
    unit = dictionary.prepared(tokens.reshape(-1, tokens.shape[-1]).float())[0] - dictionary.bias
    return unit.repeat(-(-count // len(unit)), 1)[:count].contiguous(), dictionary.atoms


def peer_python(folder: Path) -> Path | None:
    """The interpreter of the peers' environment, made by uv where it is missing; None where that fails."""
    python = folder / "bin" / "python"
    if python.exists():
        return python
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        print("uv was not found: set UV to its place to compare with other libraries.")
        return None
    print(f"Installing {', '.join(PEERS)} into {folder}", flush=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([uv, "venv", "--quiet", "--python", version, str(folder)], check=True)
    wanted = [*PEERS, f"torch=={torch.__version__.split('+')[0]}"]
    done = subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *wanted], check=False)
    if done.returncode:
        shutil.rmtree(folder)
        print("The other libraries could not be installed.")
        return None
    return python


def machine() -> str:
    """Processor and cores."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
