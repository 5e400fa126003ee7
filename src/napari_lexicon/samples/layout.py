"""What is in which well: plate formats, control columns, treatments in dose series, and the plate map of it all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_lexicon.errors import SampleError
from napari_lexicon.plates.well_names import well_name

from .phenotypes import PHENOTYPES

FORMATS: dict[int, tuple[int, int]] = {
    6: (2, 3),
    12: (3, 4),
    24: (4, 6),
    48: (6, 8),
    96: (8, 12),
    384: (16, 24),
    1536: (32, 48),
}
"""Rows and columns by number of wells."""

CONTROL_COLUMNS: dict[int, tuple[int, ...]] = {
    6: (0,),
    12: (0,),
    24: (0, 5),
    48: (0, 7),
    96: (0, 11),
    384: (0, 1, 22, 23),
    1536: (0, 1, 2, 3, 44, 45, 46, 47),
}
"""Columns, from 0, that hold negative controls: the outer ones, as on most screens."""

TOP_DOSE_UM = 10.0
_HALF_DOSE = 0.12  # of the top dose
_HILL = 1.6


@dataclass(frozen=True)
class WellContent:
    """What was done to one well. ``dose`` is relative to the top dose, 0 for controls."""

    perturbation: str
    pert_type: str
    phenotype: str | None
    dose: float


def doses(count: int) -> tuple[float, ...]:
    """Relative doses of a series with half-logarithmic steps, rising to 1."""
    return tuple(float(10 ** (-0.5 * step)) for step in reversed(range(count)))


def effect(dose: float) -> float:
    """Effect of a relative dose, 0 to 1: a Hill curve that reaches 1 at the top dose."""
    hill: float = dose**_HILL / (dose**_HILL + _HALF_DOSE**_HILL)
    return float(min(1.0, hill * (1 + _HALF_DOSE**_HILL)))


def conditions(wells: int, phenotypes: tuple[str, ...], nulls: bool = True) -> list[tuple[str, str | None, float]]:
    """Treatments that fit a number of wells: ``(name, phenotype, relative dose)``.

    Every phenotype gets a dose series as long as fits, the rest are compounds that do nothing.
    """
    limit = wells if wells < 40 or not nulls else int(0.8 * wells)
    steps = next((n for n in (6, 4, 3, 2, 1) if n * len(phenotypes) <= limit), 1)
    active: list[tuple[str, str | None, float]] = []
    for name in phenotypes:
        active.extend((name, name, dose) for dose in doses(steps))
    active = active[:wells]
    if not nulls:
        return active
    spare = wells - len(active)
    inactive_steps = 1 if spare < 16 else 4
    compounds = min(spare // inactive_steps, max(4, len(phenotypes) // 2)) if wells > 100 else spare // inactive_steps
    series = doses(inactive_steps)
    return active + [(f"null_{number + 1}", None, dose) for number in range(compounds) for dose in series]


def plate_contents(
    wells: int,
    *,
    phenotypes: tuple[str, ...] = PHENOTYPES,
    poscon: str | None = None,
    nulls: bool = True,
    shuffled: bool = True,
    seed: int = 0,
) -> dict[str, WellContent]:
    """Content of every well of a plate, by canonical well name.

    Parameters
    ----------
    wells : int
        6, 12, 24, 48, 96, 384 or 1536.
    phenotypes : tuple of str
        Planted phenotypes, one compound each.
    poscon : str, optional
        Phenotype of a positive control, put into every second well of the last control column.
    nulls : bool
        Whether to add compounds that do nothing.
    shuffled : bool
        Whether treatments lie at random; otherwise series run along the rows.
    seed : int
        Of the shuffling.

    Raises
    ------
    SampleError
        If the number of wells is no plate format or a phenotype is unknown.
    """
    if wells not in FORMATS:
        raise SampleError(f"A plate has 6, 12, 24, 48, 96, 384 or 1536 wells, not {wells}.")
    for name in (*phenotypes, *((poscon,) if poscon else ())):
        if name not in PHENOTYPES:
            raise SampleError(f"Unknown phenotype {name!r}: choose from {', '.join(PHENOTYPES)}.")
    rows, columns = FORMATS[wells]
    control = CONTROL_COLUMNS[wells]
    contents: dict[str, WellContent] = {}
    places = [(row, column) for row in range(rows) for column in range(columns)]
    for row, column in places:
        if column in control:
            positive = poscon is not None and column == control[-1] and row % 2 == 1
            contents[well_name(row, column)] = (
                WellContent(f"poscon_{poscon}", "poscon", poscon, 1.0)
                if positive
                else WellContent("DMSO", "negcon", None, 0.0)
            )
    free = [place for place in places if place[1] not in control]
    plan = conditions(len(free), phenotypes, nulls)
    if shuffled:
        free = [free[i] for i in np.random.default_rng([seed, 11]).permutation(len(free))]
    for index, (row, column) in enumerate(free):
        name, phenotype, dose = plan[index % len(plan)]
        contents[well_name(row, column)] = WellContent(name, "trt", phenotype, dose)
    return {well_name(row, column): contents[well_name(row, column)] for row, column in places}


def plate_map(contents: dict[str, WellContent], plate: str, batch: str, cell_line: str = "U2OS-like") -> pd.DataFrame:
    """Plate map with ``Metadata_*`` columns, indexed by canonical well name."""
    rows = [
        {
            "Metadata_Plate": plate,
            "Metadata_Batch": batch,
            "Metadata_perturbation": content.perturbation,
            "Metadata_concentration": round(content.dose * TOP_DOSE_UM, 4),
            "Metadata_concentration_unit": "uM",
            "Metadata_pert_type": content.pert_type,
            "Metadata_cell_line": cell_line,
        }
        for content in contents.values()
    ]
    return pd.DataFrame(rows, index=pd.Index(contents, name="Metadata_Well"))
