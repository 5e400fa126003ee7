"""Plain numbers of the labelled cells of a field: how many, how large."""

from __future__ import annotations

import numpy as np


def labelled_cells(labels: np.ndarray) -> dict[str, float]:
    """Number and median area of the cells of a ``(Y, X)`` label image, 0 for background.

    Returns
    -------
    dict of str to float
        ``cells`` (count) and ``median area`` (pixels; NaN without cells).
    """
    area = np.bincount(np.unique(labels[labels > 0], return_inverse=True)[1])
    return {"cells": float(len(area)), "median area": float(np.median(area)) if len(area) else float("nan")}
