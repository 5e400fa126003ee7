"""Wells of simulated codes: features that share causes, as real ones do, and effects that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.plates.well_names import well_name

TOKENS = 400.0


def wells_of(
    labels: Sequence[object],
    *,
    features: int = 60,
    plates: int = 1,
    shared: float = 0.5,
    seed: int = 0,
    columns: dict[str, Sequence[object]] | None = None,
    shift: np.ndarray | None = None,
) -> WellTable:
    """Wells with labels in ``Metadata_x``, spread over plates of 96 wells in turn.

    ``shared`` is the part of the variation between wells that all features have in common (density, say, in either
    direction), so that tests of many features depend on each other. ``shift (W, F)`` is added to the log odds.
    """
    rng = np.random.default_rng(seed)
    n = len(labels)
    cause = rng.standard_normal((n, 2)) @ rng.standard_normal((2, features)) / np.sqrt(2)
    own = rng.standard_normal((n, features))
    log_odds = rng.normal(-3, 1, features) + 0.4 * (np.sqrt(shared) * cause + np.sqrt(1 - shared) * own)
    if shift is not None:
        log_odds = log_odds + shift
    fires = rng.binomial(int(TOKENS), 1 / (1 + np.exp(-log_odds))) / TOKENS
    where = [divmod(w // plates, 12) for w in range(n)]
    wells = pd.DataFrame(
        {
            "plate": [f"plate{w % plates}" for w in range(n)],
            "well": [well_name(row, column) for row, column in where],
            "row": [float(row) for row, _ in where],
            "column": [float(column) for _, column in where],
            "edge": [row in (0, 7) or column in (0, 11) for row, column in where],
            "Metadata_x": list(labels),
            **(columns or {}),
        }
    )
    described = pd.DataFrame(
        {"feature": np.arange(features), "channel": "all", "name": [f"#{m}" for m in range(features)]}
    )
    values = fires.astype(np.float32)
    return WellTable(wells, described, values, 0.5 * values, np.full((n, 1), TOKENS))
