"""Sections on what stands beside: names that people gave, confounds, stains, methods."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from napari_lexicon.analysis.report import charts
from napari_lexicon.analysis.report.blocks import counted, csv_link, section, short, table
from napari_lexicon.analysis.report.drawing import chance, percent
from napari_lexicon.analysis.report.findings import Findings
from napari_lexicon.analysis.report.methods import methods
from napari_lexicon.analysis.report.numbers import enriched


def named(found: Findings) -> str:
    """Features that people named; names that came with the dictionary are folded."""
    rows: list[list[str]] = []
    suggested: list[list[str]] = []
    for feature, said in found.lexicon.names:
        if feature >= found.n_features:
            continue
        about = found.features.iloc[feature]
        best = "–"
        if found.effects is not None:
            own = found.effects[(found.effects["feature"] == feature) & (found.effects["q"] <= found.settings.fdr)]
            strongest = own.loc[own.groupby("treatment")["p"].idxmin()].sort_values("p")
            best = ", ".join(
                f"{one['treatment']} ({'more' if one['effect'] > 0 else 'less'})"
                for _, one in strongest.head(4).iterrows()
            )
        (suggested if said.by.startswith("napari-lexicon") else rows).append(
            [
                escape(said.name),
                f"#{feature}",
                escape(", ".join(said.tags)) or "–",
                percent(float(about["fires"])),
                escape(str(about["channel"])),
                escape(best) or "–",
                escape(said.note) or "–",
                escape(" ".join(part for part in (said.by, said.when[:10]) if part)) or "–",
            ]
        )
    head = [("name", "w"), ("feature", "n"), ("tags", ""), ("fires", "n"), ("most in", "")]
    head += [("called for", "w"), ("note", "w note"), ("named by", "")]
    if not rows and not suggested:
        return ""
    shown = table(head, rows) if rows else "<p>Nobody has named a feature here yet.</p>"
    if suggested:
        words = f"{counted(len(suggested), 'name')} that came with the dictionary"
        shown += f"<details><summary>{words}</summary>{table(head, suggested)}</details>"
    lead = "Names that people gave, and names that came with the dictionary."
    return section("names", "Named features", lead, f'<div class="card">{shown}{enriched(found)}</div>')


def confounding(found: Findings) -> str:
    """Nuisances, and the features that go with them."""
    if found.confounds is None or found.confounds.nuisances.empty:
        return ""
    head = [("nuisance", ""), ("groups", "n"), ("features flagged", "n"), ("explains (median)", "n")]
    head += [("known from treatment", "n"), ("tested", "")]
    tested = {"beyond": "beyond the treatment", "alone": "alone"}
    rows = [
        [
            escape(str(row["nuisance"])),
            str(int(row["groups"])) if row["groups"] else "a number",
            str(int(row["flagged"])),
            percent(float(row["median_explained"])),
            percent(float(max(row["told_by_biology"], row["tells_biology"]))),
            tested[str(row["tested"])],
        ]
        for _, row in found.confounds.nuisances.iterrows()
    ]
    flagged = found.confounds.table[found.confounds.table["flagged"]].sort_values("explained", ascending=False)
    link = (
        f"<p>{csv_link(flagged, 'features_flagged.csv', 'Save all flagged features (CSV)')}</p>" if len(flagged) else ""
    )
    lead = (
        "Does a feature follow where a well lies, how bright or sharp its image is, or how many nuclei it has, more "
        "than its treatment? What is measured in a well can itself be an effect of the treatment: read those flags as "
        "a question, not as a verdict."
    )
    body = f'<div class="card">{table(head, rows)}{_flagged_rows(found, flagged)}{link}</div>'
    return section("confounds", "What else features follow", lead, body)


def _flagged_rows(found: Findings, flagged: pd.DataFrame, most: int = 12) -> str:
    if flagged.empty:
        return "<p>No feature is flagged.</p>"
    head = [("feature", ""), ("goes with", ""), ("explained by it", "n"), ("treatment adds", "n"), ("FDR", "n")]
    rows = [
        [
            escape(short(row)),
            escape(str(row["nuisance"])),
            percent(float(row["explained"])),
            percent(float(row["biology_beyond"])),
            chance(float(row["q"])),
        ]
        for _, row in flagged.head(most).iterrows()
    ]
    return f"<details><summary>The {len(rows)} features flagged most</summary>{table(head, rows)}</details>"


def stain_correlations(found: Findings) -> str:
    """Which stain the shown features follow."""
    if found.stains is None or not len(found.chosen):
        return ""
    names = list(dict.fromkeys(found.stains["stain"]))
    indexed = found.stains.set_index(["feature", "channel", "stain"])
    rows, parts = [], []
    for one in found.chosen:
        keys = [(one.feature, one.channel, name) for name in names]
        if keys[0] not in indexed.index:
            continue
        rows.append(short(found.table.features.iloc[one.row]))
        parts.append(indexed.reindex(pd.MultiIndex.from_tuples(keys))[["r", "low", "high"]].to_numpy())
    if not rows or len(names) < 2:
        return ""
    values = np.stack(parts)
    chart = charts.stains(rows, names, values[..., 0], values[..., 1], values[..., 2])
    lead = (
        f"Correlation, over patches of {int(found.stains['n_fields'].max())} fields, of {_what(found)} with how "
        f"bright each stain is there. {_sees(found)} a correlation with another stain says that they lie together."
    )
    return section("stains", "Which stain they follow", lead, f'<div class="card wide">{chart}</div>')


def _sees(found: Findings) -> str:
    """What a feature is made of, to precede what a correlation with another stain means."""
    if any(plate.joint for plate in found.lexicon.plates.values()):
        return "A feature sees all channels at once;"
    return "A feature sees the channel that it is named with alone, and stays as it is when another is taken away;"


def without_channels(found: Findings) -> str:
    """What becomes of the shown features when a channel is taken away or shuffled."""
    told = found.channels
    if told is None or told.dropna(subset=["change"]).empty:
        return ""
    channels = list(dict.fromkeys(told["channel"]))
    changes = told.set_index(["feature", "how", "channel"])["change"]
    rows = []
    for feature in dict.fromkeys(one.feature for one in found.chosen):
        own = changes.get(feature)
        if own is not None and own.notna().any():
            cells = [
                f"{_signed(own['removed', channel])} <small>({_signed(own['shuffled', channel])})</small>"
                for channel in channels
            ]
            rows.append([escape(found.lexicon.names.label(feature)), *cells])
    head = [("feature", ""), *((escape(f"without {channel}"), "n") for channel in channels)]
    lead = (
        f"In {int(told['n_tokens'].max()):,} patches of {int(told['n_wells'].max())} wells every channel was taken "
        "away in turn: its token was replaced by the mean token of controls, or, in brackets, by that of another "
        "place. By how much the mean value of a feature changed; −100 %: it is gone. A large change under shuffling "
        "means that the feature needs both channels at one place."
    )
    link = csv_link(told, "channels.csv", "Save the changes (CSV)")
    body = f'<div class="card">{table(head, rows)}<p>{link}</p></div>' if rows else ""
    return section("channels", "Without a channel", lead, body)


def _signed(part: float) -> str:
    return "–" if not np.isfinite(part) else f"{100 * part:+.0f} %".replace("-", "−")


def _what(found: Findings) -> str:
    return "where a feature fires" if found.along is None else "how far a patch lies along a feature"


def methods_text(found: Findings) -> str:
    """Every setting and version."""
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in methods(found))
    lead = "Every setting and version, to be copied into a paper."
    return section("methods", "Methods", lead, f'<div class="card methods">{body}</div>')
