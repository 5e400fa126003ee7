"""Which patches of a field show anything: the dark ones between cells are left out of dictionaries and statistics.

In a fluorescence plate most patches of most channels are empty. A token sees its surroundings, so empty patches have
tokens of their own kinds, and a dictionary spends features on them: on the 24-well demo plate three of four did
mostly fire between cells. Bright-field and stained colour images have no dark background, and nothing of them is left
out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

BACKGROUND = "dark-1"
"""Name and version of everything in this file that changes which patches are left out."""

DARK_LEVEL = 0.03
"""In units of the intensity window: a patch with nothing brighter is dark."""

_SPOT = 4  # pixels; the mean over so many squared takes the noise out and leaves small spots in


def lit_patches(image: npt.NDArray[np.float32], patch: int) -> npt.NDArray[np.bool_]:
    """Patches in which some 4 x 4 pixels are brighter than the dark level.

    Parameters
    ----------
    image : numpy.ndarray, ``(C, Y, X)`` float32
        Windowed intensities (:func:`~napari_lexicon.backbones.preprocessing.apply_windows`).
    patch : int
        Side of a patch in pixels.

    Returns
    -------
    numpy.ndarray, ``(C, ceil(Y / patch), ceil(X / patch))`` bool
    """
    channels, height, width = image.shape
    gh, gw = -(-height // patch), -(-width // patch)
    lit = np.empty((channels, gh, gw), bool)
    for plane, out in zip(image, lit, strict=True):
        smooth = ndimage.uniform_filter(plane, _SPOT, mode="nearest")
        whole = np.pad(smooth, ((0, gh * patch - height), (0, gw * patch - width)), mode="edge")
        out[...] = whole.reshape(gh, patch, gw, patch).max(axis=(1, 3)) > DARK_LEVEL
    return lit
