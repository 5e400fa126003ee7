"""What features are compared by before anybody chooses: the column of the plate map that tells most."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from napari_lexicon.plates.model import Plate
from napari_lexicon.widgets.workspace.field_reading import telling_column

COMPOUNDS = ["DMSO", "DMSO", "taxol", "taxol"]
TYPES = ["negcon", "negcon", "trt", "trt"]


@pytest.mark.parametrize(
    ("columns", "column"),
    [
        ({}, None),
        ({"Metadata_batch": [1, 1, 2, 2]}, None),
        ({"Metadata_pert_type": TYPES, "Metadata_compound": COMPOUNDS}, "Metadata_compound"),
        ({"Metadata_pert_type": TYPES, "Metadata_compound": ["a", "b", "c", "d"]}, "Metadata_pert_type"),
        ({"Metadata_compound": ["taxol"] * 4, "Metadata_dose_um": [0, 0, 1.5, 3]}, "Metadata_dose_um"),
        ({"Metadata_pert_type": TYPES, "Metadata_dose_um": [0, 0, 1.5, 3]}, "Metadata_dose_um"),
        ({"Metadata_compound": ["taxol", None, None, None]}, None),
    ],
)
def test_treatments_come_first_then_doses_then_controls(columns: dict[str, Any], column: str | None) -> None:
    table = pd.DataFrame(columns, index=pd.Index(["A01", "A02", "B01", "B02"], name="Metadata_Well"))
    assert telling_column(Plate(path="p", name="p", wells={}, channels=(), rgb=False, map=table)) == column
