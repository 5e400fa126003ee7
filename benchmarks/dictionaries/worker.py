"""A process that runs contenders when it is told to: prepares, runs, says how long it took and how much memory.

Reads a JSON object per line and answers with one. Needs numpy and torch, so that it runs in the environment of the
peers as well; what measures the memory works on Linux only.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Serve until the input ends. Arguments: module of the contenders, number of threads."""
    module, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    import torch

    torch.set_num_threads(threads)
    sys.path.insert(0, str(Path(__file__).parent))
    runs: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            name = order.get("contender", "")
            if order["do"] == "prepare":
                tokens, atoms = (torch.from_numpy(np.load(order[part])) for part in ("tokens", "atoms"))
                make = getattr(importlib.import_module(module), name)
                runs[name] = make(tokens[: order["count"]], atoms, order["rounds"], order["per_round"])
                if order["warm"]:
                    runs[name]()
                answer["note"] = getattr(runs[name], "note", "")
            elif order["do"] == "run":
                answer = measured(runs[name])
            elif order["do"] == "codes":
                indices, values = runs[name]()
                np.savez(order["file"], indices=indices.numpy(), values=values.numpy())
            elif order["do"] == "forget":
                runs.clear()
        except Exception as error:  # noqa: BLE001  # a peer may fail in any way; the table says how
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def measured(run: Callable[[], Any]) -> dict[str, float]:
    """Seconds on the clock and of the processor, and the largest memory on top of what was held before, in MB."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # memory that earlier runs have given back, but not to the system, counts anew
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the high-water mark starts from here
    before = _status("VmRSS")
    start, busy = time.perf_counter(), time.process_time()
    run()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    return {"seconds": seconds, "busy": busy, "megabytes": (_status("VmHWM") - before) / 1024}


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


if __name__ == "__main__":
    main()
