"""Read the features of a plate, find those that tell its treatments apart, and paint the best one.

python examples/read_a_plate.py PLATE [FOLDER]      # PLATE.zarr, or a folder of images with a plate map beside it
"""

import sys
from pathlib import Path

import napari_lexicon as lexicon

plate, out = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else ".")
features = out / f"{plate.stem}.lexicon"
lexicon.apply(plate, features)  # goes on where it was, when it is started again

table = lexicon.features(features, by="Metadata_perturbation")
best = table.sort_values("selectivity", ascending=False).head(10)
print(best[["name", "fires", "channel", "best_value", "selectivity", "n_wells"]].to_string())

feature, row = best.index[0], best.iloc[0]
picture = out / f"{plate.stem}-feature-{feature}.png"
lexicon.overlay(features, row["well"], feature).save(picture)
print(f"Feature {feature} in well {row['well']}: {picture}")
