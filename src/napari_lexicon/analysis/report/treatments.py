"""Sections on treatments: where they are, what tells them from controls, how alike they are."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from napari_lexicon.analysis.corrections import standardised_on_controls
from napari_lexicon.analysis.report import charts
from napari_lexicon.analysis.report.blocks import (
    MOST_COLUMNS,
    MOST_PLATES,
    MOST_ROWS,
    counted,
    csv_link,
    points,
    section,
    short,
    table,
    treatment_colors,
)
from napari_lexicon.analysis.report.drawing import chance, number, percent
from napari_lexicon.analysis.report.findings import Findings

_MOST_VOLCANOS = 9


def plates(found: Findings) -> str:
    """Which treatment is where."""
    labels, control = found.labels, found.control
    if labels is None:
        return ""
    colors = treatment_colors(found)
    drawn = []
    for name in list(dict.fromkeys(found.table.wells["plate"]))[:MOST_PLATES]:
        here = (found.table.wells["plate"] == name).to_numpy()
        wells = found.table.wells[here]
        if wells["row"].notna().all():
            chart = charts.layout(wells, labels[here].reset_index(drop=True), control[here], colors)
            drawn.append(f"<div><h4>{escape(str(name))}</h4>{chart}</div>")
    if not drawn:
        return ""
    counts = labels[~control].astype(str).value_counts()
    named = [f'<span class="tag"><i class="swatch cs"></i>control ({int(control.sum())})</span>']
    named += [
        f'<span class="tag"><i class="swatch c{colors[name]}"></i>{escape(name)} ({int(counts[name])})</span>'
        for name in colors
        if name in counts.index
    ][:MOST_COLUMNS]
    body = f'<div class="card charts"><div>{"".join(drawn)}</div><div>{"".join(named)}</div></div>'
    return section("plate", "The plate", "Which treatment is in which well, and the number of wells of each.", body)


def treatments(found: Findings) -> str:
    """One row per treatment."""
    if found.effects is None:
        return ""
    rows = []
    apart, placed = found.told_apart(), found.placed()
    activity = None if found.activity is None else found.activity.set_index("treatment")
    for name, n in list(apart.items())[:MOST_ROWS]:
        own = found.effects[found.effects["treatment"] == name]
        best = next((one for one in found.shown if one.treatment == name), None)
        row = own.iloc[_best_row(own)] if best is None else own.iloc[best.row]
        label = short(row)
        found_again = "–"
        if activity is not None and name in activity.index:
            score, rate = (float(activity[part][name]) for part in ("map", "q"))
            found_again = f"{score:.2f} <small>(q {chance(rate)})</small>"
        rows.append(
            [
                escape(name),
                str(int(row["n_wells"])),
                _called(n, int((placed & (own["q"] <= found.settings.fdr).to_numpy()).sum())),
                escape(label),
                f"{percent(row['treated'])} <small>/ {percent(row['control'])}</small>",
                f"{points(row['difference'])} <small>({points(row['low'])} to {points(row['high'])})</small>",
                number(row["effect"]),
                chance(row["q"]),
                found_again,
                escape(_nearest(found, name)),
            ]
        )
    head = [
        ("treatment", ""),
        ("wells", "n"),
        ("called", "n"),
        ("most telling", ""),
        ("fires, treated / control", "n"),
        ("difference, points (95 %)", "n"),
        ("g", "n"),
        ("FDR", "n"),
        ("replicates alike, mAP", "n"),
        ("most alike", "w"),
    ]
    n_called = sum(n > 0 for n in apart.values())
    shown = table(head, rows[:n_called] or rows)
    if 0 < n_called < len(rows):
        rest = counted(len(rows) - n_called, "treatment")
        shown += f"<details><summary>{rest} without a called feature</summary>{table(head, rows[n_called:])}</details>"
    link = csv_link(
        found.hits().sort_values(["treatment", "p"]), "features_by_treatment.csv", "Save all called features (CSV)"
    )
    by_chance = "" if found.activity is None else f", {found.activity['chance'].median():.2f} by chance"
    lead = (
        f"Every treatment against {int(found.effects['n_controls'].max())} control wells. <i>Called</i>: features "
        f"that pass a false-discovery rate of {100 * found.settings.fdr:g} %; <i>by place</i>: those that "
        "follow where a well lies as well. The most telling one is that with the largest "
        "difference among them. <i>Replicates alike</i>: mean average precision with which wells of the treatment "
        f"find each other among controls, 1 at best{by_chance}."
    )
    return section("treatments", "Treatments", lead, f'<div class="card">{shown}<p>{link}</p></div>')


def _called(n: int, placed: int) -> str:
    return f"{n} <small>({placed} by place)</small>" if placed else str(n)


def _best_row(own: pd.DataFrame) -> int:
    called = own["q"].to_numpy() <= own["q"].min()
    size = np.abs(np.arcsin(np.sqrt(own["treated"])) - np.arcsin(np.sqrt(own["control"]))).to_numpy()
    return int(np.where(called, size, -1).argmax())


def _nearest(found: Findings, name: str) -> str:
    if found.alike is None:
        return "–"
    own = found.alike[(found.alike["treatment"] == name) & (found.alike["rank"] == 1)]
    return f"{own['other'].iloc[0]} ({own['cosine'].iloc[0]:.2f})" if len(own) else "–"


def volcanos(found: Findings) -> str:
    """A volcano plot per treatment."""
    if found.effects is None:
        return ""
    apart = found.told_apart()
    parts = []
    for name in list(apart)[:_MOST_VOLCANOS]:
        own = found.effects[found.effects["treatment"] == name].reset_index(drop=True)
        names = {n: short(row) for n, row in own.iterrows()}
        chart = charts.volcano(own, found.settings.fdr, names)  # type: ignore[arg-type]
        parts.append(f'<div class="card"><h4>{escape(name)}: {apart[name]} called</h4>{chart}</div>')
    rest = len(apart) - len(parts)
    lead = (
        "Every dot is a feature: to the right it fires more under the treatment, to the left less; higher is less "
        f"likely by chance. In colour: called at {100 * found.settings.fdr:g} %."
        + (f" {rest} treatments with fewer features are left out." if rest > 0 else "")
    )
    return section("volcano", "Features of each treatment", lead, f'<div class="grid">{"".join(parts)}</div>')


def heat(found: Findings) -> str:
    """Features by treatments."""
    labels = found.labels
    if found.effects is None or labels is None or len(found.shown) < 2:
        return ""
    rows = np.array([one.row for one in found.shown])
    control, plates_ = found.control, found.table.wells["plate"].to_numpy()
    rooted = np.arcsin(np.sqrt(found.table.fires[:, rows].astype(np.float64).clip(0, 1)))
    values = standardised_on_controls(rooted, control, plates_)
    names = list(found.told_apart())[:MOST_COLUMNS]
    means = np.stack(
        [values[(labels.astype(str) == name).to_numpy() & ~control].mean(axis=0) for name in names], axis=1
    )
    q = found.effects.pivot(index=["feature", "channel"], columns="treatment", values="q")
    keys = [(one.feature, one.channel) for one in found.shown]
    starred = (q.reindex(pd.MultiIndex.from_tuples(keys))[names] <= found.settings.fdr).to_numpy()
    top = float(np.clip(np.percentile(np.abs(means), 95), 3, 20))
    named = [short(found.table.features.iloc[one.row]) for one in found.shown]
    chart = charts.heat_map(means.clip(-3 * top, 3 * top), named, names, starred, top)
    lead = (
        "The most telling features (rows) under every treatment, in standard deviations of the control wells of the "
        "same plate (arcsine-root scale). Dots: called. Rows and columns that are alike lie side by side."
    )
    return section("heat", "Features and treatments", lead, f'<div class="card wide">{chart}</div>')
