"""The section on a second lexicon: which feature of another dictionary is the same feature."""

from __future__ import annotations

from html import escape

from napari_lexicon.analysis.report.blocks import counted, csv_link, section, table
from napari_lexicon.analysis.report.findings import Findings

_LEVELS = (0.9, 0.7, 0.5)


def matched(found: Findings) -> str:
    """Which feature of the other dictionary is the same feature."""
    told = found.matched
    if told is None or told.empty:
        return ""
    n, r = len(told), told["r"]
    reach = ", ".join(f"{least:g} or more in {int((r >= least).sum())}" for least in _LEVELS)
    best = f"The correlation with the best match is {reach} of them. Median {r.median():.2f}"
    said = [
        f"{counted(n, 'feature')} fire in 20 patches or more. {best}, of the second {told['r_next'].median():.2f}.",
        f"{counted(int(told['mutual'].sum()), 'feature')} and their match are each other’s best.",
    ]
    rows = []
    for feature in dict.fromkeys(one.feature for one in found.chosen):  # of several channels once
        own = told[told["feature"] == feature]
        if own.empty:
            continue
        row = own.iloc[0]
        rows.append(
            [
                escape(found.lexicon.names.label(feature)),
                f"#{int(row['match'])}",
                f"{row['r']:.2f}",
                f"{row['r_next']:.2f}",
                "yes" if row["mutual"] else "no",
                f"{int(row['n_patches']):,} <small>/ {int(row['n_wells'])}</small>",
            ]
        )
    head = [("feature", ""), ("match", ""), ("r of activations", "n"), ("r of the next best", "n")]
    head += [("each other’s best", ""), ("patches / wells", "n")]
    lead = (
        f"The features of this dictionary beside those of {escape(found.other)}: Pearson correlation of their "
        f"activations over the patches of {counted(int(told['n_fields'].max()), 'field')} that both have read. A "
        "feature that another training finds again is less likely to be a whim of this one."
    )
    items = "".join(f"<li>{sentence}</li>" for sentence in said)
    link = csv_link(told, "matches.csv", "Save the matches of all features (CSV)")
    body = f'<div class="card"><ul class="plain">{items}</ul>{table(head, rows) if rows else ""}<p>{link}</p></div>'
    return section("match", "In another lexicon", lead, body)
