"""Sections on the questions beside treatments: selectivity, probes, counts, cells, other plates."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from napari_lexicon.analysis.meanings import meaning_sentences
from napari_lexicon.analysis.probed_readings import BY_CHANNEL, CODES, DIRECTIONS
from napari_lexicon.analysis.report import curves
from napari_lexicon.analysis.report.blocks import MOST_ROWS, csv_link, points, section, short, table
from napari_lexicon.analysis.report.drawing import chance, number, percent
from napari_lexicon.analysis.report.findings import Findings


def selective(found: Findings) -> str:
    """Selectivity of features for every treatment, over all features and the best."""
    answer = found.beside.selective
    if answer is None:
        return ""
    rows = []
    for value, about in answer.values.head(MOST_ROWS).iterrows():
        own = answer.table[answer.table["value"] == value]
        best = own.iloc[int(own["selectivity"].to_numpy().argmax())]
        rows.append(
            [
                escape(str(value)),
                str(int(about["n_wells"])),
                str(int(about["found"])),
                escape(short(best)),
                f"{_two(best['selectivity'])} <small>({_two(best['low'])} to {_two(best['high'])})</small>",
                _two(best["selectivity_max"]),
                _two(about["chance_best"]),
            ]
        )
    head = [("value", ""), ("wells", "n"), ("selective features", "n"), ("most selective", "")]
    head += [("average selectivity (95 %)", "n"), ("against the next", "n"), ("best of all by chance", "n")]
    link = csv_link(_best_rows(answer.table), "selectivity.csv", "Save the selectivity of all features (CSV)")
    key = (
        '<p class="faint"><span class="tag"><i class="swatch" style="background:var(--more)"></i>features here</span>'
        '<span class="tag">dashed: in one of twenty shuffles</span></p>'
    )
    lead = (
        "How much more often a feature is active under one treatment than under all others, in patches (average "
        "selectivity), and than under the next best (against the next). Tested by shuffling which well has which "
        "treatment, over all features and treatments. The figure counts all features, not only the best."
    )
    said = "".join(f"<li>{sentence}</li>" for sentence in _reached(answer.distribution))
    chart = (
        f'<div class="pair"><div>{curves.selective_features(answer.distribution)}{key}</div>'
        f'<ul class="plain">{said}</ul></div>'
    )
    body = f'<div class="card">{chart}{table(head, rows)}<p>{link}</p></div>'
    return section("selectivity", "How selective features are", lead, body)


def _reached(distribution: pd.DataFrame) -> list[str]:
    """How many features reach some selectivities, beside chance."""
    said = []
    for level in (0.05, 0.1, 0.2, 0.5):
        row = distribution.iloc[int(np.abs(distribution["selectivity"] - level).to_numpy().argmin())]
        if row["features"] or row["chance_high"] >= 1:
            said.append(
                f"{int(row['features']):,} features reach {level:g}; by chance {row['chance']:.0f} on average, and "
                f"{row['chance_high']:.0f} or more in one of twenty shuffles."
            )
    return said


def _best_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The value of highest selectivity of every feature."""
    best = rows.groupby(["feature", "channel"], sort=False)["selectivity"].idxmax()
    return rows.loc[best]


def probes(found: Findings) -> str:
    """How well treatments are told from features and from what stands beside them, and what corrections leave."""
    told = found.beside.probes
    if told is None:
        return ""
    score, low, high, by_chance = (
        told[name].to_numpy(dtype=float) for name in ("balanced_accuracy", "low", "high", "chance_high")
    )
    names, title = list(told["source"].astype(str)), "balanced accuracy on wells not seen"
    chart = curves.bars_with_chance(names, score, low, high, by_chance, title)
    first = told.iloc[0]
    lead = (
        f"A logistic probe tells the {int(first['n_values'])} values of {found.settings.by.removeprefix('Metadata_')} "
        f"(controls are one) in {int(first['n_wells'])} wells from each other, on wells that it has not "
        f"seen ({int(first['folds'])} parts, five splits; the line through a bar spans them). The upright mark "
        "is what shuffled treatments reach in one of twenty cases. A bar in grey does not pass its mark."
    )
    beside = _corrections(found.beside.corrections)
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in _best_sources(told))
    body = f'<div class="card"><div class="pair"><div>{chart}</div><ul class="plain">{said}</ul></div>{beside}</div>'
    return section("probes", "What tells treatments", lead, body)


def _best_sources(told: pd.DataFrame) -> list[str]:
    """What tells treatments best, and where features stand."""
    rows = told.set_index("source")["balanced_accuracy"]
    best, own = str(rows.idxmax()), float(rows["all features"])
    said = [f"All features together: {own:.2f}. Best: {best} ({rows[best]:.2f})."]
    if best != "all features":
        said.append(
            f"What features say of these treatments, {best} says as well or better. Features are worth their names, "
            "not their accuracy."
        )
    if "embeddings" in rows and "reconstructions" in rows:
        said.append(f"Of what embeddings tell ({rows['embeddings']:.2f}), codes rebuild {rows['reconstructions']:.2f}.")
    apart = [name for name in (BY_CHANNEL, DIRECTIONS, CODES) if name in rows]
    if apart:
        said.append("The same features read in other ways: " + ", ".join(f"{n} {rows[n]:.2f}" for n in apart) + ".")
    few = [name for name in rows.index if str(name).startswith("best")]
    if few:
        said.append("From few features: " + ", ".join(f"{name} {rows[name]:.2f}" for name in few) + ".")
    return said


def _corrections(corrections: pd.DataFrame | None) -> str:
    if corrections is None:
        return ""
    rows = []
    for _, row in corrections.iterrows():
        known = np.isfinite(row.get("balanced_accuracy", np.nan))
        spread = f"{row['balanced_accuracy']:.2f} <small>({row['low']:.2f} to {row['high']:.2f})</small>"
        rows.append(
            [
                escape(str(row["label"])),
                escape(str(row["told"]).removeprefix("Metadata_")),
                spread if known else "–",
                number(row["chance"]) if known else "–",
                f"{row['flagged']:.0f}" if np.isfinite(row.get("flagged", np.nan)) else "–",
                escape(str(row["warning"])) or "–",
            ]
        )
    head = [
        ("correction", "w"),
        ("told", ""),
        ("balanced accuracy (splits)", "n"),
        ("1 / values", "n"),
        ("features flagged for it", "n"),
        ("warning", "w"),
    ]
    return f"<h3>Before and after corrections for plates, same splits</h3>{table(head, rows)}"


def counts(found: Findings) -> str:
    """The best feature of every measurement on wells that did not choose it, and whether features are about one."""
    told = found.beside.counts
    if told is None or told.empty:
        return ""
    rows = [
        [
            escape(str(row["measurement"]).replace(":", " of ")),
            escape(str(row["name"])),
            f"{_two(row['rho'])} <small>({_two(row['low'])} to {_two(row['high'])})</small>",
            _two(row["chance_high"]),
            _two(row["rho_chosen"]),
            percent(float(row["same_feature"])),
        ]
        for _, row in told.iterrows()
    ]
    head = [("measurement", ""), ("best feature", ""), ("ρ on other wells (splits)", "n"), ("by chance up to", "n")]
    head += [("ρ where chosen", "n"), ("chosen again in", "n")]
    sentences = [] if found.beside.meanings is None else meaning_sentences(found.beside.meanings)
    said = "".join(f"<li>{escape(one)}</li>" for one in sentences)
    more = ""
    if found.beside.meanings is not None:
        link = csv_link(found.beside.meanings, "meanings.csv", "Save the correlations of all features (CSV)")
        more = (
            "<h3>About one measurement, or about many</h3><p>Entropy of a feature’s correlations with all of these "
            f'measurements, beside that of raw dimensions of the embedding:</p><ul class="plain">{said}</ul>'
            f"<p>{link}</p>"
        )
    lead = (
        f"The feature that goes best with each plain measurement, chosen on half of {int(told['n_wells'].max())} wells "
        "and scored on the other half, twenty times. What a feature says beyond a count is what it is worth."
    )
    body = f'<div class="card">{table(head, rows)}{more}</div>'
    return section("counts", "What features measure", lead, body)


def _two(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def cells(found: Findings) -> str:
    """Which part of the cells responds."""
    told = found.beside.responders
    if told is None or told.empty:
        return ""
    first = told.assign(more=told["difference"].where(told["q"] <= found.settings.fdr, 0))
    first = first.sort_values(["more", "p"], ascending=[False, True], kind="stable")
    first = first.groupby("treatment", sort=False).head(1)
    rows = [
        [
            escape(str(row["treatment"])),
            escape(short(row)),
            escape(str(row["change"])),
            f"{percent(float(row['responders']))} <small>/ {percent(float(row['control']))}</small>",
            f"{points(row['difference'])} <small>({points(row['low'])} to {points(row['high'])})</small>",
            percent(float(row["control_like"])),
            chance(float(row["q"])),
            f"{int(row['n_cells']):,} <small>/ {int(row['n_wells'])}</small>",
        ]
        for _, row in first.head(MOST_ROWS).iterrows()
    ]
    head = [
        ("treatment", ""),
        ("feature", ""),
        ("change", ""),
        ("cells that respond, treated / control", "n"),
        ("difference, points (95 %)", "n"),
    ]
    head += [("control-like", "n"), ("FDR", "n"), ("cells / wells", "n")]
    link = csv_link(told, "responders.csv", "Save all features and treatments (CSV)")
    lead = (
        "Nuclei were segmented in one field of every well, and the features shown above averaged over each. A cell is "
        "like controls within the middle 95 % of the control cells of its plate. Where a feature rises, the cells "
        "above respond; where it falls, those below, and those that have none of it where some control cells have "
        "none. Of each treatment the feature in which most cells respond beyond controls, of those called; wells, not "
        "cells, are what is tested."
    )
    return section("cells", "Which cells respond", lead, f'<div class="card">{table(head, rows)}<p>{link}</p></div>')


def transfer(found: Findings) -> str:
    """Whether effects and selectivity come back from plate to plate."""
    told = found.beside.transfer
    if told is None or told.empty:
        return ""
    rows = [
        [
            escape(str(row["treatment"])),
            f"{escape(str(row['first']))} → {escape(str(row['second']))}",
            str(int(row["n_called"])),
            percent(float(row["same_sign"])),
            percent(float(row["called_again"])),
            number(row["r"]),
            number(row["r_selectivity"]),
            f"{int(row['n_wells'])} / {int(row['n_wells_second'])}",
        ]
        for _, row in told.head(MOST_ROWS).iterrows()
    ]
    head = [
        ("treatment", ""),
        ("plates", "w"),
        ("called on the first", "n"),
        ("same direction", "n"),
        ("called again", "n"),
    ]
    head += [("r of effects", "n"), ("r of selectivity", "n"), ("wells", "n")]
    link = csv_link(told, "transfer.csv", "Save all pairs of plates (CSV)")
    lead = (
        "Features called on one plate, looked for on another: do they go the same way, are they called again, and how "
        "do effects and selectivity correlate over all features?"
    )
    body = f'<div class="card">{table(head, rows)}<p>{link}</p></div>'
    return section("transfer", "From plate to plate", lead, body)


def enriched(found: Findings) -> str:
    """Names and tags that are more common among called features; a table, without its section."""
    told = found.beside.enrichment
    told = None if told is None else told[told["n_hits"] > 0]
    if told is None or told.empty:
        return ""
    rows = [
        [
            escape(str(row["treatment"])),
            escape(str(row["group"])),
            f"{int(row['n_hits'])} of {int(row['n_group'])}",
            f"{int(row['n_hits_all'])} of {int(row['n_features'])}",
            number(row["fold"]),
            chance(float(row["p"])),
            chance(float(row["q"])),
        ]
        for _, row in told.head(12).iterrows()
    ]
    head = [("treatment", ""), ("name or tag", ""), ("called", "n"), ("of all features", "n"), ("fold", "n")]
    head += [("p, shuffled wells", "n"), ("q", "n")]
    title, shown = "<h3>Names among the features called for a treatment</h3>", table(head, rows)
    if (told["q"] <= found.settings.fdr).any():
        return title + shown
    return (
        f"{title}<p>No name or tag is more common among called features than among as many by chance.</p>"
        f"<details><summary>The {len(rows)} that come nearest</summary>{shown}</details>"
    )
