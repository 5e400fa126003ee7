"""Train a dictionary on the tokens of a plate, whitened with its control wells, and read the plate with it.

python examples/train_a_dictionary.py PLATE [FOLDER] [STEPS]
"""

import sys
from pathlib import Path

import napari_lexicon as lexicon

plate, out = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else ".")
steps = int(sys.argv[3]) if len(sys.argv) > 3 else 500
tokens, dictionary = out / "tokens.lexicon", out / "mine.safetensors"
lexicon.embed(plate, tokens)
result = lexicon.train(tokens, dictionary, features=256, iterations=4, per_iteration=2, steps=steps)
print({name: round(value, 3) for name, value in result.metrics.items() if isinstance(value, float)})

lexicon.apply(plate, out / "mine.lexicon", dictionary=str(dictionary))
table = lexicon.features(out / "mine.lexicon")
print(f"{(table['fires'] > 0).sum()} of {len(table)} features fire on {plate.name}")
