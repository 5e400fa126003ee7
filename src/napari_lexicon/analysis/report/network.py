"""Sections on the network: what a feature does when it is edited, and which layer tells what."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from napari_lexicon.analysis.depth import depth_sentences
from napari_lexicon.analysis.pictures import inferno
from napari_lexicon.analysis.pooled_names import MODEL, RANDOM
from napari_lexicon.analysis.report.blocks import csv_link, section, table
from napari_lexicon.analysis.report.drawing import Axis, bottom_axis, dot, left_axis, number, percent, svg
from napari_lexicon.analysis.report.extras import EditedPatch
from napari_lexicon.analysis.report.findings import Findings
from napari_lexicon.analysis.report.photos import jpeg

_WIDE, _TALL = 300.0, 210.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 10.0, 16.0, 40.0
_SIDE = 132  # pixels of a picture of a patch on the page
_AROUND = 3  # patches shown on each side
_EDIT_WORDS = {"remove": "removed", "halve": "halved", "double": "doubled", "add": "put in where it was not"}


def layers(found: Findings) -> str:
    """One small figure per concept and nuisance: how well each layer tells it."""
    if found.depth is None:
        return ""
    charts = []
    for (asked, kind), rows in found.depth.groupby(["asked", "kind"], sort=False):
        words = "concept" if kind == "concept" else "nuisance"
        name = escape(str(asked).removeprefix("Metadata_"))
        charts.append(f"<div><h4>{name} <small>{words}</small></h4>{depth_chart(rows)}</div>")
    sentences = [escape(sentence[0].upper() + sentence[1:]) for sentence in depth_sentences(found.depth)]
    said = "".join(f"<li>{sentence}</li>" for sentence in sentences)
    key = (
        '<p class="faint"><span class="tag"><i class="swatch" style="background:var(--more)"></i>the model</span>'
        '<span class="tag"><i class="swatch cs"></i>the same network with random weights</span>'
        '<span class="tag">dashed: chance (95th percentile)</span></p>'
    )
    link = csv_link(found.depth, "layers.csv", "Save the figures of all layers (CSV)")
    lead = (
        f"From the mean tokens of {int(found.depth['n_wells'].max())} wells at every layer, a probe tells wells that "
        "it has not seen, by ridge regression: words as balanced accuracy, numbers as correlation. "
        f"Features were read at layer {found.lexicon.backbone.layer + 1}. What a random network tells "
        "as well was not learned."
    )
    drawn = f'<div class="charts">{"".join(charts)}</div>'
    body = f'<div class="card"><ul class="plain">{said}</ul>{key}{drawn}<p>{link}</p></div>'
    return section("layers", "Layer by layer", lead, body)


def depth_chart(rows: pd.DataFrame) -> str:
    """Score against layer for one question; the ring marks where a concept appears or a nuisance fades."""
    at = sorted(rows["layer"].unique())
    x = Axis(at[0] + 0.5, at[-1] + 1.5, _LEFT, _WIDE - _RIGHT)
    low = min(0.0, float(rows["low"].min()))
    y = Axis(low, 1.0, _TALL - _BOTTOM, _TOP)
    metric = str(rows["metric"].iloc[0])
    parts = [
        left_axis(y, _LEFT, _WIDE - _RIGHT, metric, [(v, number(v)) for v in y.ticks(4)]),
        bottom_axis(x, _TALL - _BOTTOM, "layer", [(v + 1, str(v + 1)) for v in at]),
    ]
    for network, kind in ((RANDOM, "still"), (MODEL, "more")):
        own = rows[rows["network"] == network].sort_values("layer")
        if own.empty:
            continue
        px = x(own["layer"].to_numpy(dtype=float) + 1)
        up, down = y(own["high"].to_numpy()), y(own["low"].to_numpy())
        band = " ".join(
            f"{a:.1f},{b:.1f}" for a, b in [*zip(px, up, strict=True), *zip(px[::-1], down[::-1], strict=True)]
        )
        parts.append(f'<polygon points="{band}" class="{kind}" opacity="0.15"/>')
        py = y(own["score"].to_numpy())
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True))
        parts.append(f'<polyline points="{line}" fill="none" style="stroke:var(--{kind});stroke-width:2"/>')
        for a, b, (_, row) in zip(px, py, own.iterrows(), strict=True):
            said = f"layer {int(row['layer']) + 1}: {row['score']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
            parts.append(dot(float(a), float(b), 3, kind, said))
            if network == MODEL and row["turn"]:
                parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="7" fill="none" style="stroke:var(--ink)"/>')
        if network == MODEL:
            chance = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, y(own["chance_high"].to_numpy()), strict=True))
            parts.append(f'<polyline points="{chance}" fill="none" style="stroke:var(--axis);stroke-dasharray:4 3"/>')
    return svg(_WIDE, _TALL, parts, f"{rows['asked'].iloc[0]} by layer")


def edits(found: Findings) -> str:
    """Features taken out and put in, drawn, and read again."""
    if found.edits is None:
        return ""
    rows = [
        [
            escape(str(row["name"])),
            _EDIT_WORDS[str(row["edit"])],
            f"{row['before']:.2f}",
            f"{row['asked']:.2f}",
            f"{row['after']:.2f}",
            f"{percent(row['moved'])} <small>({percent(row['moved_low'])} to {percent(row['moved_high'])})</small>",
            percent(row["moved_by_other"]),
            percent(row["moved_along"]),
            percent(row["first"]),
            f"{row['others']:.1f}",
            f"{int(row['n_patches'])} <small>/ {int(row['n_wells'])}</small>",
        ]
        for _, row in found.edits.table.iterrows()
    ]
    head = [("feature", ""), ("edit", ""), ("before", "n"), ("asked", "n"), ("after", "n")]
    head += [("of the way (quartiles)", "n"), ("by another feature", "n")]
    head += [("of the way along it", "n"), ("moves most", "n"), ("others move", "n")]
    head += [("patches / wells", "n")]
    shown = _pictures(found.edits.patches, found)
    removed = found.edits.table[found.edits.table["edit"] == "remove"]
    added = found.edits.table[found.edits.table["edit"] == "add"]
    verdict = (
        f"Taken out, the {len(removed)} features shown lose {percent(float(removed['moved'].median()))} of their code "
        f"(median; {percent(float(removed['moved_by_other'].median()))} when another feature is moved as much); along "
        f"their directions patches go {percent(float(removed['moved_along'].median()))} of the way asked."
        if len(removed)
        else ""
    )
    if len(removed) and removed["moved"].median() <= removed["moved_by_other"].median():
        verdict += " That is no more than any edit does, so these pictures do not show what the features are."
    if len(added):
        verdict += (
            f" Put in where they were not, they reach {percent(float(added['moved'].median()))} of their usual code, "
            f"and {percent(float(added['moved_along'].median()))} of the way along their directions."
        )
    lead = (
        "A feature is taken out of one patch, or put in, in the model’s own space; the decoder draws the difference "
        "into the picture, and the picture is read again. If drawing and reading agreed, the feature would arrive at "
        "the value asked for and others would stay. Where it does not, the picture is no proof of what the feature is."
    )
    link = csv_link(found.edits.table, "edits.csv", "Save the table (CSV)")
    folded = f"<details><summary>Before and after, feature by feature</summary>{table(head, rows)}</details>"
    note = (
        '<p class="faint">Codes; medians over patches drawn at random from those where the code has the feature. '
        "<i>Of the way along it</i>: how far the patch moved along the feature’s direction, whatever code came of it. "
        "<i>Others move</i>: length of the change of all other features, over what was asked of this one.</p>"
    )
    body = f'<div class="card"><p>{verdict}</p><div class="edits">{shown}</div>{folded}{note}<p>{link}</p></div>'
    return section("edits", "What features do", lead, body)


def _pictures(patches: tuple[EditedPatch, ...], found: Findings) -> str:
    names = {one.feature: one.label for one in found.chosen}
    parts = []
    for one in patches:
        change = _middle(one.edited - one.original, found.lexicon.backbone.patch)
        reach = max(float(np.abs(change).max()), 0.05)
        grey = [_grey(_middle(p, found.lexicon.backbone.patch)) for p in (one.original, one.edited)]
        heat = inferno(np.abs(change) / reach)
        images = "".join(
            f'<figure><img src="{jpeg(picture, (_SIDE, _SIDE))}" width="{_SIDE}" height="{_SIDE}" '
            f'alt="{escape(names.get(one.feature, str(one.feature)), quote=True)}, {words}" loading="lazy">'
            f"<figcaption>{words}</figcaption></figure>"
            for picture, words in zip((*grey, heat), ("as it is", "without it", "what changed"), strict=True)
        )
        parts.append(
            f'<div class="edit"><h4>{escape(names.get(one.feature, f"#{one.feature}"))}</h4>'
            f'<div class="three">{images}</div>'
            f'<p class="faint">{escape(one.well)}: code {one.before:.2f}, asked 0, read again '
            f"{one.after:.2f}</p></div>"
        )
    return "".join(parts)


def _middle(tile: np.ndarray, patch: int) -> np.ndarray:
    y, x = (side // 2 for side in tile.shape)
    half = _AROUND * patch + patch // 2
    return tile[y - half : y + half, x - half : x + half]


def _grey(tile: np.ndarray) -> np.ndarray:
    return np.repeat(np.sqrt(tile.clip(0, 1))[..., None], 3, axis=2)
