"""Questions put to a plate map, such as ``Metadata_pert_type == 'negcon' and Metadata_concentration > 1``.

The syntax is that of :meth:`pandas.DataFrame.query`, cut down to comparisons, ``in``, ``and``, ``or`` and ``not`` over
columns and plain values, so that a question read from a file can do nothing but compare.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from napari_lexicon.errors import PlateMapError

CONTROLS = "Metadata_pert_type == 'negcon'"
WELL = "well"

_COMPARE = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def wells_where(plate_map: pd.DataFrame, question: str) -> list[str]:
    """Wells of a plate map for which a question is true.

    Parameters
    ----------
    plate_map : pandas.DataFrame
        Indexed by well.
    question : str
        For example ``"Metadata_pert_type == 'negcon'"``. Column names may leave out ``Metadata_``; ``well`` is the name
        of the well, where no column is called so: ``"well in ['B03', 'B04']"``.

    Returns
    -------
    list of str
        In the order of the plate map; empty where none fits.

    Raises
    ------
    PlateMapError
        If the question cannot be understood or names a column that is not there.
    """
    try:
        tree = ast.parse(question.strip(), mode="eval")
    except SyntaxError as error:
        raise PlateMapError(
            f"The condition {question!r} cannot be understood ({error.msg}): write it like {CONTROLS!r}."
        ) from error
    true = _truth(tree.body, plate_map, question)
    return [str(well) for well in plate_map.index[true]]


def control_wells(plate_map: pd.DataFrame, wells: Sequence[str]) -> np.ndarray:
    """``(W,)`` bool: which of the wells are controls by :data:`CONTROLS`; none where the plate map does not say."""
    try:
        inside = set(wells_where(plate_map, CONTROLS))
    except PlateMapError:
        inside = set()
    return np.array([well in inside for well in wells], dtype=bool)


def _truth(node: ast.expr, plate_map: pd.DataFrame, question: str) -> np.ndarray:
    if isinstance(node, ast.BoolOp):
        parts = [_truth(value, plate_map, question) for value in node.values]
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return np.asarray(join.reduce(parts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_truth(node.operand, plate_map, question)
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        parts = [
            _compared(left, op, right, plate_map, question)
            for left, op, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return np.asarray(np.logical_and.reduce(parts))
    raise PlateMapError(f"The condition {question!r} is more than a comparison: write it like {CONTROLS!r}.")


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr, plate_map: pd.DataFrame, question: str) -> np.ndarray:
    a, b = _value(left, plate_map, question), _value(right, plate_map, question)
    if isinstance(op, (ast.In, ast.NotIn)):
        if not isinstance(a, pd.Series) or not isinstance(b, (list, tuple)):
            raise PlateMapError(f"The condition {question!r} must say COLUMN in [values].")
        inside = a.isin(list(b)).to_numpy()
        return inside if isinstance(op, ast.In) else ~inside
    if not isinstance(a, pd.Series) and not isinstance(b, pd.Series):
        raise PlateMapError(f"The condition {question!r} names no column of the plate map: {_columns(plate_map)}.")
    try:
        return np.asarray(pd.Series(_COMPARE[type(op)](a, b)).fillna(False), dtype=bool)
    except (TypeError, KeyError) as error:
        raise PlateMapError(f"The condition {question!r} compares text with a number: check the column.") from error


def _value(node: ast.expr, plate_map: pd.DataFrame, question: str) -> Any:
    if isinstance(node, ast.Name):
        for name in (node.id, f"Metadata_{node.id}"):
            if name in plate_map.columns:
                return plate_map[name]
        if node.id == WELL:
            return pd.Series(plate_map.index.astype(str), index=plate_map.index)
        raise PlateMapError(
            f"The plate map has no column {node.id} (asked in {question!r}): it has {_columns(plate_map)}."
        )
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise PlateMapError(
            f"The condition {question!r} is more than a comparison: write it like {CONTROLS!r}."
        ) from error


def _columns(plate_map: pd.DataFrame) -> str:
    return ", ".join(map(str, plate_map.columns)) or "no columns; give a plate map with --map"
