"""What the pages of evidence show, read and computed in a thread: no widget is touched here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_lexicon.errors import PlateError
from napari_lexicon.widgets.features.columns import written_chance, written_part
from napari_lexicon.widgets.features.evidence.condition_points import ConditionRow
from napari_lexicon.widgets.features.evidence.dose_plot import DoseSeries
from napari_lexicon.widgets.features.evidence.stain_bars import StainBar
from napari_lexicon.widgets.features.tiles import field_of
from napari_lexicon.widgets.plate.coloring import spoken

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from pathlib import Path

    from napari_lexicon.analysis.field_sample import FieldSample
    from napari_lexicon.lexicons import LexiconPlate, WellStatistics
    from napari_lexicon.plates.model import Plate
    from napari_lexicon.widgets.workspace.figures import Figures

MOST_ROWS = 40
CLASSES = 12
"""Into which the numbers of a column go that has more of them than :data:`MOST_ROWS`."""
MOST_TREATMENTS = 60
NEIGHBOURS = 6


def one_feature(statistics: WellStatistics, feature: int, channel: int | None) -> WellStatistics:
    """Statistics of one feature, in one channel or all: what the questions of analysis ask for, and small."""
    from napari_lexicon.lexicons import WellStatistics

    pick = slice(None) if channel is None else slice(channel, channel + 1)
    own = slice(feature, feature + 1)
    return WellStatistics(
        statistics.wells,
        statistics.tokens[:, pick],
        statistics.total[:, pick, own],
        statistics.active[:, pick, own],
        statistics.strongest[:, pick, own],
        *(getattr(statistics, name)[own] for name in ("top_value", "top_field", "top_channel", "top_place")),
    )


def condition_rows(
    statistics: WellStatistics,
    feature: int,
    channel: int | None,
    labels: pd.Series,
    controls: frozenset[str],
    *,
    by_median: bool = False,
) -> list[ConditionRow]:
    """Conditions with their wells: numbers in their order; names in natural order, after the controls.

    Parameters
    ----------
    statistics : WellStatistics
        Of the plate.
    feature : int
        Number of the feature.
    channel : int, optional
        One channel only.
    labels : pandas.Series
        Condition by well.
    controls : frozenset of str
        Control wells.
    by_median : bool
        After the controls, those where the feature fires most instead.
    """
    from napari_lexicon.analysis.wells import well_values
    from napari_lexicon.plates.natural_order import natural

    values = well_values(statistics, feature, "fraction_active", channel).dropna()
    given = labels.reindex(values.index)
    numbers = pd.to_numeric(given, errors="coerce")
    ordered = bool(numbers[given.notna()].notna().all())
    if ordered and numbers.nunique() > MOST_ROWS:
        given = number_classes(numbers)
    rows = []
    for label, own in values.groupby(given.map(spoken)):
        if label:
            wells = tuple(str(well) for well in own.index)
            rows.append(ConditionRow(str(label), controls.issuperset(wells), wells, tuple(own.to_numpy(float))))
    if by_median:
        return sorted(rows, key=lambda row: (not row.control, -row.median, natural(row.label)))
    if ordered:  # doses in the order of doses, wherever the controls stand
        return sorted(rows, key=lambda row: float(numbers[row.wells[0]]))
    return sorted(rows, key=lambda row: (not row.control, natural(row.label)))


def number_classes(numbers: pd.Series) -> pd.Series:
    """Classes of about as many wells each, as ``"12 to 19"``: of many numbers the strongest would tell no trend."""
    codes = pd.qcut(numbers, CLASSES, labels=False, duplicates="drop")
    ends = numbers.groupby(codes).agg(["min", "max"])
    said = {
        code: spoken(float(low)) if low == high else f"{spoken(float(low))} to {spoken(float(high))}"
        for code, low, high in ends.itertuples()
    }
    return codes.map(said)


def strongest_rows(rows: Sequence[ConditionRow], most: int = MOST_ROWS) -> list[ConditionRow]:
    """Where there are too many, the controls and those with the highest medians, in the order they had."""
    if len(rows) <= most:
        return list(rows)
    ranked = sorted(range(len(rows)), key=lambda n: (not rows[n].control, -rows[n].median))
    return [rows[n] for n in sorted(ranked[:most])]


_ALL, _TYPE = "Metadata_all_wells", "Metadata_pert_type"


def dose_series(
    plate: LexiconPlate, statistics: WellStatistics, by: str | None, dose: str, channels: tuple[str, ...]
) -> list[DoseSeries]:
    """Dose-response of one feature under every treatment, the clearest trend first.

    Parameters
    ----------
    plate : LexiconPlate
        With its plate map.
    statistics : WellStatistics
        Of this feature alone (:func:`one_feature`).
    by, dose : str
        Columns of treatment and dose. Without one of treatments the wells are those of one treatment; without control
        wells those of dose 0 stand for them.
    channels : tuple of str
        Names of the channels of the statistics.

    Raises
    ------
    PlateMapError
        If there is nothing to fit: the sentence says why.
    """
    from napari_lexicon.analysis.conditions import CONTROLS
    from napari_lexicon.analysis.doses import dose_response
    from napari_lexicon.analysis.features import PlateStatistics
    from napari_lexicon.analysis.well_table import well_table

    known = plate.map
    if by is None:
        by, known = _ALL, known.assign(**{_ALL: "all wells with a dose"})
    if _TYPE not in known or not (known[_TYPE] == "negcon").any():
        known = known.assign(**{_TYPE: np.where(known[dose] == 0, "negcon", "")})
    table = well_table([PlateStatistics(plate.header.name, statistics, known, channels)])
    found = dose_response(table, by, dose).sort_values("rho", key=lambda rho: -rho.abs(), ignore_index=True)
    control, labels = table.where(CONTROLS), table.labels(by).astype(str).to_numpy()
    doses = table.labels(dose).to_numpy(dtype=float)
    unit = _unit(plate.map, dose)
    series = []
    for row in found.head(MOST_TREATMENTS).to_dict("records"):
        treated = (labels == row["treatment"]) & ~control & (doses > 0)
        chosen = np.flatnonzero(treated | control)
        known = np.isfinite(row["ec50"])
        series.append(
            DoseSeries(
                str(row["treatment"]),
                dose_sentence(row, unit),
                tuple(table.wells["well"].iloc[chosen].astype(str)),
                tuple(float(doses[w]) if treated[w] else 0.0 for w in chosen),
                tuple(float(v) for v in table.fires[chosen, 0]),
                (float(row["bottom"]), float(row["top"]), float(row["ec50"]), float(row["slope"])) if known else None,
                unit,
            )
        )
    return series


def own_treatment(figures: Figures, by: str | None, feature: int) -> str:
    """The treatment that a feature is most selective for; empty where features are not compared by treatments."""
    if by is None or figures.compared_by != by or "best_value" not in figures.table:
        return ""
    row = figures.table.iloc[feature]
    return str(row["best_value"]) if row["selectivity"] > 0 else ""


def dose_sentence(row: Mapping[Hashable, Any], unit: str) -> str:
    """What a row of :func:`napari_lexicon.analysis.doses.dose_response` says."""
    value = row.__getitem__
    trend = f"Trend ρ {value('rho'):+.2f} (p {written_chance(value('p'))})".replace("-", "−")
    wells = f"{value('n_doses')} doses, {value('n_wells')} wells, {value('n_controls')} controls."
    if not np.isfinite(value("ec50")):
        return f"{trend}; {wells}"
    low, high = value("ec50_low"), value("ec50_high")
    if low == 0 and high == np.inf:
        half = "the half-maximal dose is not bounded by these wells"
    elif high == np.inf:
        half = f"half of the change above {low:.2g} {unit}"
    elif low == 0:
        half = f"half of the change below {high:.2g} {unit}"
    else:
        half = f"half of the change at {value('ec50'):.2g} {unit} (95 %: {low:.2g} to {high:.2g})"
    ends = f"from {written_part(max(0, value('bottom')))} to {written_part(max(0, value('top')))} of patches"
    return f"{trend}; {half.strip()}, {ends}; {wells}".replace("  ", " ")


def _unit(plate_map: pd.DataFrame, dose: str) -> str:
    if dose.endswith("_um"):
        return "µM"
    if f"{dose}_unit" not in plate_map:
        return ""
    units = plate_map[f"{dose}_unit"].dropna().unique()
    return str(units[0]).replace("uM", "µM") if len(units) == 1 else ""


@dataclass(frozen=True)
class StainEvidence:
    """Bars, and a sentence with the fields and wells behind them."""

    bars: tuple[StainBar, ...]
    sentence: str


def stain_evidence(
    sample: FieldSample, plate: Plate, feature: int, patch: int, channel: int | None, main_channel: str
) -> StainEvidence:
    """Which stain a feature follows, in the channel shown or the one in which it fires most."""
    from napari_lexicon.analysis.channels import LEAST_R
    from napari_lexicon.analysis.field_sample import stain_correlations

    def read(number: int) -> np.ndarray:
        field = field_of(plate, sample.plate, number)
        if field is None:
            raise PlateError("The plate has lost a field: its images cannot be read.")
        return np.asarray(field.image())

    table = stain_correlations(sample, feature, patch, read)
    wanted = main_channel if channel is None else sample.plate.header.channels[channel].name
    own = table if sample.plate.joint else table[table["channel"] == wanted]
    if own.empty:
        where = "" if sample.plate.joint else f" in {wanted}"
        return StainEvidence((), f"Fires in too few patches{where} of the sample to be held against the stains.")
    bars = tuple(StainBar(str(r["stain"]), r["r"], r["low"], r["high"]) for r in own.to_dict("records"))
    best = max(bars, key=lambda bar: -2.0 if np.isnan(bar.r) else bar.r)
    first = own.iloc[0]
    where = "" if sample.plate.joint else f"Where it fires in {wanted}, it"
    what = (
        f"follows {best.stain} most (r {best.r:.2f}" if best.r >= LEAST_R else f"follows no stain (r up to {best.r:.2f}"
    )
    sentence = (
        f"{where or 'It'} {what} over patches of {first['n_fields']} fields, {first['n_wells']} wells; "
        "lines: 95 % interval over wells)."
    )
    return StainEvidence(bars, sentence.replace("-", "−"))


@dataclass(frozen=True)
class NearEvidence:
    """Neighbours of a feature.

    Parameters
    ----------
    together : tuple of (int, float)
        Features that fire in the same patches, and the correlation.
    alike : tuple of (int, float)
        Features whose atoms point the same way, and the cosine.
    line : str
        What the first list says in words.
    """

    together: tuple[tuple[int, float], ...]
    alike: tuple[tuple[int, float], ...]
    line: str


def near_evidence(sample: FieldSample, atoms: np.ndarray | None, feature: int) -> NearEvidence:
    """Features near one, by firing and by direction."""
    from napari_lexicon.analysis.field_sample import fire_together, nearest_atoms

    table = fire_together(sample, feature, NEIGHBOURS)
    line = "Fire in the same patches (correlation)"
    if not len(table):
        line = "No feature fires together with it in the sample of fields."
    together = tuple((int(row["feature"]), float(row["phi"])) for row in table.to_dict("records"))
    alike = () if atoms is None else tuple(nearest_atoms(atoms, feature, NEIGHBOURS))
    return NearEvidence(together, alike, line)


def read_atoms(lexicon: Path) -> np.ndarray | None:
    """``(M, dim_w)`` atoms of the lexicon's dictionary, read without torch; None where the file cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(lexicon / "dictionary.safetensors", framework="numpy") as file:
            return np.asarray(file.get_tensor("atoms"))
    except (OSError, SafetensorError):
        return None


def stability_words(match: float | None) -> str:
    """How well other training runs find a feature, in words; empty where it is not known."""
    if match is None or not np.isfinite(match):
        return ""
    if match >= 0.9:
        words = "Practically the same atom is found by every other training run"
    elif match >= 0.75:
        words = "Other training runs find it again with small differences"
    elif match >= 0.5:
        words = "Other training runs find something like it, not the same"
    else:
        words = "Other training runs do not find it: do not lean on it alone"
    return f"{words} (mean cosine {match:.2f} of 1)."
