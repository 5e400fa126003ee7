"""Wells as profiles of features, for any tool that reads AnnData: here a PCA, and which wells lie next to each other.

python examples/profiles_of_wells.py PLATE.lexicon [P.h5ad]
"""

import sys

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances

import napari_lexicon as lexicon

profiles = lexicon.profiles(sys.argv[1])
values = np.arcsin(np.sqrt(profiles.layers["fraction_beyond"]))  # parts of patches, on a scale where they vary alike
axes = PCA(n_components=min(10, *values.shape)).fit_transform(values - values.mean(axis=0))
near = pairwise_distances(axes)
np.fill_diagonal(near, np.inf)
names = profiles.obs.get("Metadata_perturbation", profiles.obs["Metadata_Well"]).astype(str).to_numpy()
for well, label, nearest in zip(profiles.obs_names, names, near.argmin(axis=1), strict=True):
    print(f"{well} ({label}): most like {profiles.obs_names[nearest]} ({names[nearest]})")

if len(sys.argv) > 2:
    profiles.write_h5ad(sys.argv[2])
