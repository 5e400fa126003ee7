"""What a report asks of the network itself: layers (question 5), and whether features can be drawn (question 10).

Both embed images again, so few wells and few patches are read; both are left out where the model does not allow them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_lexicon.analysis.reading import Told
from napari_lexicon.analysis.well_table import WellTable, wells_at
from napari_lexicon.lexicons import Lexicon

if TYPE_CHECKING:
    from napari_lexicon.analysis.pooled_tokens import PooledTokens

_DEPTH_WELLS = 48


def can_edit(lexicon: Lexicon) -> bool:
    """Whether features of a lexicon can be drawn: the built-in model, channels apart."""
    reference = lexicon.header.dictionary
    return lexicon.backbone.id == "builtin" and reference is not None and reference.channels == "separate"


@dataclass(frozen=True)
class Pooled:
    """Mean tokens of some wells of a table.

    Parameters
    ----------
    tokens : PooledTokens
        Of W wells.
    rows : numpy.ndarray
        ``(W,)`` their rows in the table.
    """

    tokens: PooledTokens
    rows: np.ndarray


def pooled_of(
    lexicon: Lexicon, table: WellTable, control: np.ndarray, *, most_wells: int = _DEPTH_WELLS, seed: int, told: Told
) -> Pooled:
    """Embed one field of each of some wells again.

    Raises
    ------
    LexiconError
        If the model takes all channels at once.
    """
    from napari_lexicon.analysis.pooled_tokens import pooled_tokens

    pooled = pooled_tokens(lexicon, table.wells, control, most_wells=most_wells, seed=seed, told=told)
    return Pooled(pooled, wells_at(table, pooled.wells))


def depth_of(
    lexicon: Lexicon,
    table: WellTable,
    control: np.ndarray,
    by: str,
    *,
    across: str | None = None,
    most_wells: int = _DEPTH_WELLS,
    seed: int = 0,
    told: Told,
) -> pd.DataFrame:
    """Question 5 for a lexicon; see :func:`depth_in`.

    Raises
    ------
    LexiconError
        If the model takes all channels at once, or nothing differs.
    """
    pooled = pooled_of(lexicon, table, control, most_wells=most_wells, seed=seed, told=told)
    return depth_in(pooled, table, by, across=across, seed=seed, told=told)


def depth_in(
    pooled: Pooled, table: WellTable, by: str, *, across: str | None = None, seed: int = 0, told: Told
) -> pd.DataFrame:
    """The column of interest, and what wells differ in beside it, at every layer.

    Raises
    ------
    LexiconError
        If nothing differs.
    """
    from napari_lexicon.analysis.confounds import USUAL_NUISANCES
    from napari_lexicon.analysis.depth import depth

    own, tokens = table.take(wells=pooled.rows), pooled.tokens
    columns = [c for c in USUAL_NUISANCES if c in own.wells.columns and c not in by.split(",")]
    nuisances = {
        c.removeprefix("Metadata_"): own.names(c)
        for c in columns
        if c not in ("row", "column") and own.names(c).nunique() > 1
    }
    nuisances |= {
        c: own.wells[c] for c in ("row", "column") if own.wells[c].notna().all() and own.wells[c].nunique() > 2
    }
    for name in ("brightness", "sharpness", "nuclei"):
        if name in tokens.measured:
            nuisances[name] = tokens.measured[name]
    together = None if across is None else own.labels(across)
    told(1, 1, "asking every layer")
    plates = own.wells["plate"]
    return depth(
        tokens.layers,
        {by: own.names(by)},
        nuisances,
        numbers=tokens.numbers,
        together=together,
        plates=plates,
        seed=seed,
    )
