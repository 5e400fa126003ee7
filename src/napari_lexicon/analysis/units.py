"""The unit of every column of every answer: what a number is counted in, and what it is a part of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from napari_lexicon.analysis.image_words import of_images

_KEY = "units"
NAME, NUMBER, YES = "name", "number of a feature", "yes or no"
PATCHES, CELLS, SPLITS = "part of patches, 0 to 1", "part of cells, 0 to 1", "part of splits, 0 to 1"
R, RHO = "Pearson correlation, -1 to 1", "Spearman correlation, -1 to 1"
SD, ACCURACY = "standard deviations between wells (Hedges' g)", "balanced accuracy, 0 to 1"
P, Q = "probability, 0 to 1", "false-discovery rate, 0 to 1"
VALUE = "coefficient of a whitened token of unit length"
ALONG = "standard deviations of control patches along the feature"
SHARE = "share of the variation between wells, 0 to 1"
DOSE = "unit of the dose column"
WAY = "part of the way from the value before to the value asked for"

EVERYWHERE = {
    **dict.fromkeys(
        ("plate", "well", "treatment", "value", "channel", "name", "other", "group", "label", "field"), NAME
    ),
    **dict.fromkeys(("measurement", "nuisance", "correction", "told", "source", "stain", "network", "asked"), NAME),
    **dict.fromkeys(("field", "kind", "metric", "warning", "how", "change", "edit", "about", "first", "second"), NAME),
    **dict.fromkeys(("feature", "match"), NUMBER),
    **dict.fromkeys(("flagged", "mutual", "best", "turn"), YES),
    "p": P,
    "q": Q,
    "effect": SD,
    "layer": "layer of the network, from 0",
    "folds": "parts of the wells, each told from the others",
    "rank": "place, 1 for the first",
}
"""Columns that mean the same in every answer; ``n_`` columns are counted in what follows."""

OF_QUESTION: dict[str, dict[str, str]] = {
    "effects": {
        **dict.fromkeys(("treated", "control"), PATCHES),
        **dict.fromkeys(("difference", "low", "high"), "difference of parts of patches, -1 to 1"),
        "auroc": "chance that a treated well has more, 0 to 1",
    },
    "selectivity": {
        **dict.fromkeys(("selectivity", "selectivity_max", "low", "high"), "difference of parts of patches, -1 to 1"),
        **dict.fromkeys(("fires", "fires_elsewhere"), PATCHES),
        "p_family": "probability over all features and values, 0 to 1",
    },
    "selective": {
        "selectivity": "difference of parts of patches, at least; -1 to 1",
        **dict.fromkeys(("features", "chance", "chance_high"), "number of features"),
    },
    "activity": dict.fromkeys(("map", "chance"), "mean average precision, 0 to 1"),
    "alike": {
        "cosine": "cosine of profiles, -1 to 1",
        "strength": "length of the mean profile, in lengths of single control wells",
    },
    "enrichment": {"fold": "times as many as by chance", "p_independent": P},
    "doses": {
        "rho": RHO,
        **dict.fromkeys(("bottom", "top"), PATCHES),
        **dict.fromkeys(("ec50", "ec50_low", "ec50_high"), DOSE),
        "slope": "Hill coefficient",
        "r2": "share of the variation between wells that the curve explains, 0 to 1",
    },
    "confounds": dict.fromkeys(("explained", "biology", "biology_beyond", "explained_beyond"), SHARE),
    "corrections": {
        **dict.fromkeys(("balanced_accuracy", "low", "high", "chance"), ACCURACY),
        "flagged": "number of features",
        "median_explained": SHARE,
    },
    "probes": dict.fromkeys(("balanced_accuracy", "low", "high", "chance", "chance_high"), ACCURACY),
    "depth": dict.fromkeys(
        ("score", "low", "high", "chance", "chance_high"), "that of the row's metric: accuracy 0 to 1, correlation"
    ),
    "counts": {
        **dict.fromkeys(("rho_chosen", "rho", "low", "high", "chance_high"), RHO),
        "same_feature": SPLITS,
    },
    "meanings": {
        "strongest": RHO,
        **dict.fromkeys(("entropy", "entropy_chance"), "entropy, 0 (one measurement) to 1 (all alike)"),
    },
    "stains": dict.fromkeys(("r", "low", "high"), R),
    "channels": {
        **dict.fromkeys(("mean", "mean_without"), f"{VALUE}, mean over patches"),
        **dict.fromkeys(("change", "moved"), "part of the mean as it is; -1: gone"),
    },
    "cells": {"cell": "label of the cell", "area_px": "pixels", "y_px": "pixels", "x_px": "pixels"},
    "responders": {
        **dict.fromkeys(("responders", "control", "above", "below", "none", "control_like"), CELLS),
        **dict.fromkeys(("difference", "low", "high"), "difference of parts of cells, -1 to 1"),
    },
    "composition": {
        **dict.fromkeys(("responders", "above", "below", "none", "control_like"), CELLS),
        "control": YES,
    },
    "edits": {
        **dict.fromkeys(("before", "asked", "after"), VALUE),
        **dict.fromkeys(("moved", "moved_low", "moved_high", "moved_by_other", "moved_along"), WAY),
        **dict.fromkeys(("right_way", "arrived", "first"), PATCHES),
        "others": "length of the change of all other features, over what was asked of this one",
    },
    "match": dict.fromkeys(("r", "r_next"), R),
    "transfer": {
        **dict.fromkeys(("same_sign", "called_again"), "part of the features called first, 0 to 1"),
        **dict.fromkeys(("r", "r_selectivity"), R),
    },
}

COUNTED = {
    "n_wells": "wells",
    "n_wells_elsewhere": "wells of other values",
    "n_wells_other": "wells of the other",
    "n_wells_second": "wells of the second",
    "n_controls": "control wells",
    "n_others": "wells of other kinds",
    "n_features": "features",
    "n_hits": "called features of the group",
    "n_group": "features of the group",
    "n_hits_all": "called features",
    "n_called": "called features",
    "n_doses": "doses",
    "n_columns": "columns",
    "n_values": "values",
    "n_groups": "groups that stay on one side of a split",
    "n_rows": "wells, or fields where rows are fields",
    "n_splits": "splits",
    "n_patches": "patches",
    "n_tokens": "tokens",
    "n_fields": "fields",
    "n_cells": "cells",
}


def units_of(question: str, columns: Iterable[str], *, along: bool = False) -> dict[str, str]:
    """What each column of an answer is counted in.

    Parameters
    ----------
    question : str
        Name of the question.
    columns : iterable of str
        Columns of its answer.
    along : bool
        Whether features were read by direction.

    Raises
    ------
    KeyError
        If nothing is known of a column: an answer without units is a mistake of ours.
    """
    own = {**EVERYWHERE, **COUNTED, **OF_QUESTION.get(question, {})}
    made = {"rho:": RHO, "#": ALONG if along else VALUE}  # one column per measurement, or per feature and channel
    return {
        name: next((unit for begins, unit in made.items() if name.startswith(begins)), None) or own[name]
        for name in columns
    }


def with_units(table: pd.DataFrame, question: str, *, along: bool = False, images: bool = False) -> pd.DataFrame:
    """The table with the units of its columns in ``table.attrs``, of images instead of wells where it is about them."""
    units = units_of(question, map(str, table.columns), along=along)
    table.attrs[_KEY] = {name: of_images(unit) if images else unit for name, unit in units.items()}
    return table


def units_in(table: pd.DataFrame) -> dict[str, str]:
    """Units that travel with a table."""
    return dict(table.attrs.get(_KEY, {}))


def units_sentence(units: Mapping[str, str]) -> str:
    """Units of some columns in one line, those together that are counted alike; what only names is left out."""
    columns: dict[str, list[str]] = {}
    for column, unit in units.items():
        if unit not in (NAME, NUMBER):
            columns.setdefault(unit, []).append(column)
    return "; ".join(f"{', '.join(names)}: {unit}" for unit, names in columns.items())
