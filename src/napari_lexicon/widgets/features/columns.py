"""Columns of the feature table: what they are called, how their numbers are written, what they mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.analysis.image_words import of_images
from napari_lexicon.widgets.basic.words import shortened
from napari_lexicon.widgets.plate.coloring import spoken
from napari_lexicon.widgets.workspace.figures import MOST_SHUFFLES

if TYPE_CHECKING:
    import pandas as pd

    from napari_lexicon.widgets.workspace.figures import Figures, Significance


_LONG_NAME = 36


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    key : str
        Column of :func:`napari_lexicon.analysis.features.features_table`.
    title : str
        Header.
    tip : str
        What it says, for a biologist.
    kind : str
        ``"name"``, ``"part"`` (0 to 1, written in percent), ``"number"``, ``"signed"``, ``"q"`` (small is sure) or
        ``"text"``.
    spare : int
        Where the dock is narrow, columns with a higher number go first; 0 always stays.
    wanted : bool
        Shown unless a person hides it; the others are shown when they are asked for.
    """

    key: str
    title: str
    tip: str
    kind: str
    spare: int = 0
    wanted: bool = True


NAME = Column("name", "feature", "Number of the feature, or the name that was given to it.", "name")
FIRES = Column("fires", "fires", "Part of all patches of the plate in which the feature fires.", "part")
STRENGTH = Column("mean_when_active", "strength", "Mean activation over the patches in which it fires.", "number", 3)
CHANNEL = Column("channel", "channel", "The channel in which it fires most often.", "text", 1)
WELL = Column("well", "top well", "The well where its mean activation is highest.", "text", 2)
STABILITY = Column("stability", "stable", "How well other training runs find the same feature, 0 to 1.", "number", 4)
STRONGEST = Column("strongest", "peak", "Largest activation anywhere on the plate.", "number", 5, wanted=False)
WELLS = Column("wells", "wells", "Number of wells in which it fires at all.", "number", 6, wanted=False)
SHARE = Column("channel_share", "of it", "Part of its firing that is in that channel.", "part", 7, wanted=False)
DEAD = Column("dead", "dead", "Never fires on this plate.", "text", 8, wanted=False)
FLAG = Column(
    "flag",
    "beware",
    "What it follows more than the treatment: row, column or edge of the plate, batch. It may be an artefact.",
    "text",
    1,
)


def fires_column(beyond: float | None) -> Column:
    """How often a feature fires, by its code or by its direction."""
    if beyond is None:
        return FIRES
    return replace(
        FIRES,
        tip=f"Part of all patches of the plate that lie more than {beyond:g} standard deviations of control patches "
        "along the feature, whether or not their code holds it.",
    )


def columns_of(figures: Figures) -> tuple[Column, ...]:
    """Columns that the table has now."""
    table = figures.table
    channels = (CHANNEL, SHARE) if figures.read.tokens.shape[1] > 1 else ()  # one alone says nothing
    found = [one for one in (NAME, fires_column(figures.beyond), STRENGTH, *channels[:1]) if one.key in table.columns]
    by = (figures.compared_by or "").removeprefix("Metadata_").replace("_", " ")
    if "selectivity" in table.columns:
        found.append(
            Column(
                "selectivity",
                "selective",
                f"How much more often it fires in one {by} than in the others: the difference of the two parts.",
                "signed",
            )
        )
        if "q" in table.columns:
            found.append(Column("q", "q", significance_tip(figures, by), "q"))
        found.append(Column("best_value", "for", f"The {by} for which it is most selective.", "text"))
    elif "spearman" in table.columns:
        found.append(
            Column("spearman", "trend", f"Rank correlation over wells between how often it fires and {by}.", "signed")
        )
        if "q" in table.columns:
            found.append(Column("q", "q", trend_tip(figures, by), "q"))
    found.append(WELL)
    if "stability" in table.columns:
        found.append(STABILITY)
    if "flag" in table.columns:
        found.append(replace(FLAG, wanted=bool((table["flag"] != "").any())))  # empty, it only takes room from names
    found += [one for one in (STRONGEST, WELLS, *channels[1:], DEAD) if one.key in table.columns]
    if figures.images:
        found = [replace(one, title=of_images(one.title), tip=of_images(one.tip)) for one in found]
    return tuple(found)


def significance_tip(figures: Figures, by: str) -> str:
    """What q means here, for a biologist, with the wells and shuffles behind it."""
    known = figures.significance
    if known is None:
        return (
            f"Is it more than chance? Found by exchanging the {by} of wells at random. A dash while it is being "
            "computed, and where the wells do not allow it."
        )
    fewer = "" if known.shuffles >= MOST_SHUFFLES else " (fewer than usual, so that a large plate need not wait)"
    return (
        f"Is it more than chance? The {by} of the {known.n_wells:,} wells was exchanged at random "
        f"{known.shuffles:,} times{fewer} to see how selective features look by chance alone. If you believe all "
        "features with q up to 0.05, about 5 in 100 of them are chance. Wells are compared, not patches: few wells "
        "cannot give a small q."
    )


def trend_tip(figures: Figures, by: str) -> str:
    """What q means for a rank correlation."""
    known = figures.significance
    wells = "" if known is None else f" of {known.n_wells:,} wells"
    return (
        f"Is the trend with {by} more than chance? Test of the rank correlation over the values{wells}, corrected for "
        "the number of features. If you believe all features with q up to 0.05, about 5 in 100 of them are chance."
    )


def written(value: object, kind: str) -> str:
    """A cell as text."""
    if kind in ("name", "text"):
        return spoken(value)
    number = float(value)  # type: ignore[arg-type]
    if kind == "q":
        return written_chance(number)
    if np.isnan(number):
        return ""
    if kind == "part":
        return written_part(number)
    if kind == "signed":
        return f"{number:+.2f}".replace("-", "−")
    return f"{number:.3g}"


def written_chance(q: float) -> str:
    """A false-discovery rate: ``"< .001"``, ``"0.012"``, ``"0.50"``, and a dash until it is known."""
    if np.isnan(q):
        return "–"
    if q < 0.001:
        return "< .001"
    return f"{q:.3f}" if q < 0.0995 else f"{q:.2f}"


def written_part(part: float) -> str:
    """A part as percent: ``"3.1 %"``, ``"0.02 %"``, ``"0"``."""
    if part == 0:
        return "0"
    percent = part * 100
    if percent < 0.01:
        return "< 0.01 %"
    return f"{percent:.2g} %" if percent < 10 else f"{percent:.0f} %"


def said_of(feature: int, figures: Figures) -> str:
    """What is known of one feature of a plate, read as the table reads it."""
    row, channels = figures.table.iloc[feature], figures.read.tokens.shape[1]
    wells = "images" if figures.images else "wells"
    return sentence_of(feature, row, figures.significance, figures.beyond, channels, wells)


def sentence_of(
    feature: int,
    row: pd.Series,
    significance: Significance | None = None,
    beyond: float | None = None,
    channels: int = 2,
    wells: str = "wells",
) -> str:
    """What is known of one feature, as a person would say it; on a plate of one channel nothing of channels."""
    if not row["fires"] > 0:
        return "Does not fire on this plate."
    often = written_part(float(row["fires"]))
    parts = [
        f"Fires in {often} of patches"
        if beyond is None
        else f"{often} of patches lie over {beyond:g} SD of controls along it"
    ]
    if row["channel"] and channels > 1:
        parts.append(f"{row['channel_share']:.0%} of it in {row['channel']}".replace("%", " %"))
    if row["well"]:
        parts.append(f"most in {shortened(str(row['well']), _LONG_NAME)}")
    if "best_value" in row and row.get("selectivity", 0) > 0:
        parts.append(f"{row['selectivity'] * 100:.2g} percentage points more in {spoken(row['best_value'])}")
        if significance is not None and np.isfinite(significance.q[feature]):
            parts[-1] += (
                f" (q {written(significance.q[feature], 'q')}, {significance.wells[feature]:,} of "
                f"{significance.n_wells:,} {wells})"
            )
    if row.get("flag"):
        parts.append(f"follows {row['flag']} more than the treatment")
    if "stability" in row and np.isfinite(row["stability"]):
        parts.append(f"found again by other training runs with a match of {row['stability']:.2f} of 1")
    return ", ".join(parts) + "."


def part_sizes(values: np.ndarray) -> np.ndarray:
    """Lengths of the bars behind a column's numbers, 0 to 1; the square root keeps rare features visible."""
    magnitude = np.abs(np.nan_to_num(np.asarray(values, dtype=float)))
    most = magnitude.max(initial=0.0)
    return np.asarray(np.sqrt(magnitude / most) if most > 0 else magnitude)
