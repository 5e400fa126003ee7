"""Conditions on plate maps compare and do nothing else."""

from __future__ import annotations

import contextlib

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lexicon.analysis.conditions import wells_where
from napari_lexicon.errors import PlateMapError

MAP = pd.DataFrame(
    {
        "Metadata_pert_type": ["negcon", "trt", "trt", None],
        "Metadata_concentration": [0.0, 1.0, 10.0, float("nan")],
        "Metadata_gene": ["", "TP53", "PLK1", "TP53"],
    },
    index=pd.Index(["A01", "A02", "A03", "A04"], name="well"),
)

AGREEING = [
    "Metadata_pert_type == 'negcon'",
    "Metadata_pert_type != 'negcon'",
    "Metadata_concentration > 1",
    "0 < Metadata_concentration <= 10",
    "Metadata_gene in ['TP53', 'PLK1'] and not Metadata_concentration == 10",
    "Metadata_gene not in ['TP53'] or Metadata_concentration >= 1",
]


@pytest.mark.parametrize("question", AGREEING)
def test_answers_agree_with_pandas(question: str) -> None:
    assert wells_where(MAP, question) == MAP.query(question).index.tolist()


def test_wells_may_be_named() -> None:
    assert wells_where(MAP, "well in ['A02', 'A04'] and gene == 'TP53'") == ["A02", "A04"]
    assert wells_where(pd.DataFrame(index=MAP.index), "not well in ['A02']") == ["A01", "A03", "A04"]


def test_the_prefix_may_be_left_out() -> None:
    assert wells_where(MAP, "pert_type == 'negcon'") == ["A01"]


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(PlateMapError, match=r"no column dose .* it has Metadata_pert_type, Metadata_concentration"):
        wells_where(MAP, "dose > 1")


@pytest.mark.parametrize(
    "question",
    [
        "__import__('os').system('true')",
        "Metadata_gene.str.len() > 1",
        "(lambda: 1)() == 1",
        "[x for x in (1,)]",
        "@os == 1",
        "Metadata_gene ==",
        "1 == 1",
        "Metadata_concentration > 'high'",
        "",
    ],
)
def test_anything_but_a_comparison_is_refused_in_a_sentence(question: str) -> None:
    with pytest.raises(PlateMapError):
        wells_where(MAP, question)


@given(st.text(max_size=40))
def test_no_text_does_worse_than_a_sentence(question: str) -> None:
    with contextlib.suppress(PlateMapError):
        wells_where(MAP, question)
