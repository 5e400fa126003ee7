from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from safetensors.torch import load_file
from tests.dictionaries.planted import make_world

from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import TrainResult, train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings


def learned(algorithm: str, batch: int = 251) -> TrainResult:
    world = make_world(tokens=2000)
    settings = TrainSettings(
        algorithm=algorithm, features=128, iterations=3, per_iteration=2, steps=30, batch=batch, evaluate_every=15,
        reset_every=10, reset_cosine=0.8, auxiliary_window=500,
    )  # fmt: skip
    return train_dictionary(settings, ArrayTokens(world.tokens), world.whitening())


def test_one_and_two_processes_learn_the_same_dictionary(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from safetensors.torch import save_file
        from napari_lexicon.dictionaries import parallel
        from napari_lexicon.errors import DictionaryError
        from tests.dictionaries.test_parallel import learned
        atoms = {{name: learned(name).dictionary.atoms for name in ("icfl", "batch-topk")}}
        if parallel.rank() == 0:
            save_file(atoms, sys.argv[1])
        try:
            learned("icfl", batch=1)
        except DictionaryError as error:
            print(error)
        """)
    )
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    run = subprocess.run([*start, str(script), str(tmp_path / "two")], timeout=250, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("A batch of 1 tokens cannot be shared by 2 processes") == 2
    for name, atoms in load_file(tmp_path / "two").items():
        assert float((atoms - learned(name).dictionary.atoms).abs().max()) < 1e-4
