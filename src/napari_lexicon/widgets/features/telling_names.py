"""Which names of features say something on this plate: those that people gave, and of the others those that hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from napari_lexicon.lexicons import FeatureNames


def telling_names(table: pd.DataFrame, names: FeatureNames | None, channels: Sequence[str]) -> dict[int, int]:
    """Features that a person said something of, with 0; with 1 those whose names came with the dictionary and hold.

    Of the latter those that fire, not everywhere, and are not named for nothing to see: *red blood cell, in a smear*
    says nothing of a fluorescence image, and *background*, or *bright* over glass, nothing that anybody looks for.

    Parameters
    ----------
    table : pandas.DataFrame
        As from :func:`napari_lexicon.analysis.features.features_table`.
    names : FeatureNames, optional
        Of the lexicon.
    channels : sequence of str
        Of the plate.
    """
    given = [(feature, name) for feature, name in names or () if feature < len(table)]
    telling = {feature: 0 for feature, name in given if name.when}
    others = [(feature, name.name) for feature, name in given if not name.when]
    if not others:
        return telling
    from napari_lexicon.analysis.first_feature import MOST, NOTHING_TO_SEE
    from napari_lexicon.analysis.named_stain import name_holds

    rows = table.iloc[[feature for feature, _ in others]].assign(name=[name for _, name in others])
    fires = rows["fires"].to_numpy()
    holds = (name_holds(rows, channels) > 0) & (fires > 0) & (fires <= MOST)
    for (feature, name), held in zip(others, holds, strict=True):
        if held and NOTHING_TO_SEE.search(name) is None:
            telling[feature] = 1
    return telling
