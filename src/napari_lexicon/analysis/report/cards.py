"""The section with a card for every chosen feature: figures, pictures, plate map, doses."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from napari_lexicon.analysis.channels import LEAST_R
from napari_lexicon.analysis.report import charts
from napari_lexicon.analysis.report.blocks import MOST_PLATES, counted, effect_of, flag_of, points, section
from napari_lexicon.analysis.report.drawing import chance, number, percent
from napari_lexicon.analysis.report.findings import Chosen, Findings
from napari_lexicon.analysis.report.photos import Photo, Photos


def features(found: Findings, photos: Mapping[int, Photos]) -> str:
    """The chosen features, each with its figures, pictures, plate map and doses."""
    cards = [_feature_card(found, one, photos.get(one.row)) for one in found.chosen]
    lead = (
        "The most telling feature of each treatment in turn. "
        if found.effects is not None
        else "Most frequent first; what fires in more than 30 % of patches, or marks smooth ground, comes last. "
    )
    if found.effects is not None and found.stains is not None:
        lead += "What follows the place of a well comes last, before it what fires on empty ground. "
    if photos:
        lead += (
            f"Left of each pair the stain alone, right the same place with {_drawn(found)}, from dark to "
            f"bright; one scale for all pictures of a feature. Small pictures: the strongest places{_taken(found)}, at "
            "most one per field. They show what the feature is at its clearest, not what it usually is."
        )
    return section("features", "The features in pictures", lead, "".join(cards))


def _drawn(found: Findings) -> str:
    """What is in colour in a picture."""
    if found.along is None:
        return "the feature’s activation"
    return f"the patches that lie over {found.settings.beyond:g} SD along the feature"


def _taken(found: Findings) -> str:
    """Where the strongest places were looked for."""
    return "" if found.along is None else " of the wells where it fires most"


def _feature_card(found: Findings, one: Chosen, photos: Photos | None) -> str:
    row = effect_of(found, one)
    said = found.lexicon.names.get(one.feature)
    about = found.features.iloc[one.feature]
    facts = []
    if row is not None:
        facts.append(
            f"Under <b>{escape(one.treatment)}</b> it fires in {percent(row['treated'])} of the patches, in controls "
            f"in {percent(row['control'])}: {points(row['difference'])} points (95 % {points(row['low'])} to "
            f"{points(row['high'])}), g {number(row['effect'])}, AUROC {row['auroc']:.2f}, FDR {chance(row['q'])}, "
            f"{counted(int(row['n_wells']), 'well')} against {counted(int(row['n_controls']), 'control well')}."
        )
    else:
        facts.append(
            f"Fires in {percent(float(about['fires']))} of all patches, in {counted(int(about['wells']), 'well')}."
        )
    if said is not None and said.note:
        facts.append(escape(said.note))
    tags = [f'<span class="tag">{escape(tag)}</span>' for tag in (said.tags if said else ())]
    stain = stain_words(found, one)
    if stain:
        tags.append(f'<span class="tag">{escape(stain)}</span>')
    if "stability" in about.index and np.isfinite(about["stability"]):
        tags.append(f'<span class="tag">reproducible across seeds: {float(about["stability"]):.2f}</span>')
    flagged = flag_of(found, one)
    if flagged:
        tags.append(f'<span class="tag warn">goes with {escape(flagged)}</span>')
    return (
        f'<article class="card" id="f{one.row}"><h3>{escape(one.label)}</h3><p>{" ".join(facts)}</p>{"".join(tags)}'
        f"{_pictures(one, photos)}{_charts(found, one)}</article>"
    )


def stain_words(found: Findings, one: Chosen) -> str:
    """Which stain a feature follows or avoids most, and that it is none where no correlation says so."""
    if found.stains is None:
        return ""
    own = found.stains[(found.stains["feature"] == one.feature) & (found.stains["channel"] == one.channel)]
    own = own[own["r"].notna()]
    if own.empty:
        return ""
    best = own.iloc[int(own["r"].abs().to_numpy().argmax())]
    if abs(best["r"]) < LEAST_R:
        return f"follows no stain (r up to {abs(best['r']):.2f})"
    return f"{'follows' if best['r'] > 0 else 'avoids'} {best['stain']} (r {best['r']:+.2f})".replace("-", "−")


def _pictures(one: Chosen, photos: Photos | None) -> str:
    if photos is None:
        return ""
    fields = "".join(_figure(photo, one, lazy=False) for photo in photos.fields)
    tiles = "".join(_figure(photo, one, lazy=True) for photo in photos.tiles)
    return f'<div class="photos">{fields}</div><div class="tiles">{tiles}</div>'


def _figure(photo: Photo, one: Chosen, *, lazy: bool) -> str:
    wide, tall = photo.size
    later = ' loading="lazy"' if lazy else ""
    size = f'width="{wide}" height="{tall}"'
    bar = ""
    if photo.bar_um:
        part = 100 * photo.bar_px / (2 * wide)
        bar = f'<span class="bar" style="width:{part:.2f}%"><i>{photo.bar_um} µm</i></span>'
    words = escape(f"{one.label}, {photo.caption}", quote=True)
    return (
        f'<figure class="photo"><div class="two"><img src="{photo.grey}" {size}{later} alt="{words}, stain">'
        f'<img src="{photo.overlay}" {size}{later} alt="{words}, activation">{bar}</div>'
        f"<figcaption>{escape(photo.caption)}</figcaption></figure>"
    )


def _charts(found: Findings, one: Chosen) -> str:
    parts = []
    fires = found.table.fires[:, one.row].astype(np.float64)
    control = found.control
    top = max(float(fires.max()), 1e-6)
    names = list(dict.fromkeys(found.table.wells["plate"]))
    for name in names[:MOST_PLATES]:
        here = (found.table.wells["plate"] == name).to_numpy()
        wells = found.table.wells[here]
        if wells["row"].notna().all():
            chart = charts.plate_map(wells, fires[here], top, control[here], f"{one.label} over plate {name}")
            title = "Part of patches where it fires" + (f", plate {escape(str(name))}" if len(names) > 1 else "")
            parts.append(f"<div><h4>{title}</h4>{chart}</div>")
    parts.append(_dose(found, one, fires))
    drawn = "".join(parts)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def _dose(found: Findings, one: Chosen, fires: np.ndarray) -> str:
    labels = found.labels
    if found.doses is None or labels is None or not one.treatment:
        return ""
    own = found.doses[found.doses["treatment"] == one.treatment]
    if own.empty:
        return ""
    fit = own.iloc[one.row]
    doses = found.table.labels(found.settings.dose).to_numpy(dtype=float)
    treated = (labels.astype(str) == one.treatment).to_numpy() & ~found.control & np.isfinite(doses) & (doses > 0)
    plates_ = found.table.wells["plate"].to_numpy()
    control = found.control & np.isin(plates_, plates_[treated])
    unit = _unit_of_dose(found)
    called = bool(fit["q"] <= found.settings.fdr)
    drawn = fit if called else None
    chart = charts.dose_curve(doses[treated], fires[treated], fires[control], drawn, f"{one.label} by dose", unit)
    said = f"Dose: ρ {number(fit['rho'])}, FDR {chance(fit['q'])}"
    if np.isfinite(fit["ec50"]) and called:
        ends = (
            "below the doses tested" if fit["ec50_low"] == 0 else number(fit["ec50_low"]),
            "above those tested" if np.isinf(fit["ec50_high"]) else number(fit["ec50_high"]),
        )
        said += f"; half of the effect at {number(fit['ec50'])} {escape(unit)} (95 % {ends[0]} to {ends[1]})"
    return f"<div><h4>{said}</h4>{chart}</div>"


def _unit_of_dose(found: Findings) -> str:
    column = f"{found.settings.dose}_unit"
    if column not in found.table.wells:
        return ""
    units = found.table.wells[column].dropna().astype(str).unique()
    return {"uM": "µM", "um": "µM"}.get(units[0], str(units[0])) if len(units) == 1 else ""
