"""The section on layers of the network: which of them tells what."""

from __future__ import annotations

from html import escape

import pandas as pd

from napari_lexicon.analysis.depth import depth_sentences
from napari_lexicon.analysis.pooled_names import MODEL, RANDOM
from napari_lexicon.analysis.report.blocks import csv_link, section
from napari_lexicon.analysis.report.drawing import Axis, bottom_axis, dot, left_axis, number, svg
from napari_lexicon.analysis.report.findings import Findings

_WIDE, _TALL = 300.0, 210.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 10.0, 16.0, 40.0


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
