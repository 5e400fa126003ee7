"""The sections of a report, each from findings to HTML; an empty string where there is nothing to say."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd

from napari_lexicon.analysis.corrections import standardised_on_controls
from napari_lexicon.analysis.report import charts
from napari_lexicon.analysis.report.drawing import chance, number, percent
from napari_lexicon.analysis.report.findings import Chosen, Findings
from napari_lexicon.analysis.report.methods import methods
from napari_lexicon.analysis.report.photos import Photo, Photos

_MOST_VOLCANOS = 9
_MOST_ROWS = 60  # of a table on the page; the rest is in the file behind its link
_MOST_COLUMNS = 40
_COLORS = 10
_MOST_PLATES = 4  # whose maps are drawn

Row = Sequence[str]


def table(head: Sequence[tuple[str, str]], rows: Sequence[Row], *, stack: bool = True) -> str:
    """A table of ready HTML cells; ``head`` gives names and classes (``n`` for numbers, ``w`` for words)."""
    cells = "".join(f'<th class="{kind}">{name}</th>' for name, kind in head)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{kind}" data-of="{escape(name, quote=True)}"><span>{cell}</span></td>'
            for (name, kind), cell in zip(head, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    kind = ' class="stack"' if stack else ""
    return f'<div class="wide"><table{kind}><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def csv_link(frame: pd.DataFrame, name: str, words: str) -> str:
    """A link that saves a table, which lies inside the page."""
    content = base64.b64encode(frame.to_csv(index=False, float_format="%.6g").encode()).decode()
    return f'<a download="{escape(name)}" href="data:text/csv;base64,{content}">{escape(words)}</a>'


def section(name: str, title: str, lead: str, body: str) -> str:
    """A titled part of the page."""
    return f'<section id="{name}"><h2>{title}</h2><p class="faint">{lead}</p>{body}</section>' if body else ""


def treatment_colors(found: Findings) -> dict[str, int]:
    """Colour number of every treatment."""
    labels = found.labels
    if labels is None:
        return {}
    names = sorted({str(name) for name in labels[~found.control].dropna()})
    return {name: n % _COLORS for n, name in enumerate(names)}


def summary_sentences(found: Findings) -> list[str]:
    """What was found, in sentences."""
    wells, n_controls = len(found.table), int(found.control.sum())
    if found.effects is None:
        return [
            (
                f"{_count(found.n_features, 'feature')} were read in {_count(wells, 'well')}; "
                f"{len(set(found.table.features['feature']))} of them fire often enough to be looked at."
            )
        ]
    apart = found.told_apart()
    hit = [name for name, n in apart.items() if n]
    first = (
        f"{len(hit)} of {_count(len(apart), 'treatment')} differ from {_count(n_controls, 'control well')} in at least "
        f"one feature at a false-discovery rate of {100 * found.settings.fdr:g} %."
    )
    said = [first]
    if found.chosen and hit:
        one = found.chosen[0]
        row = effect_of(found, one)
        assert row is not None
        said.append(
            f"Most telling: {one.label} fires in {percent(row['treated'])} of the patches under "
            f"{one.treatment} against {percent(row['control'])} in controls "
            f"(g {number(row['effect'])}, {_count(int(row['n_wells']), 'well')})."
        )
    silent = [name for name, n in apart.items() if not n]
    if silent and hit:
        said.append(f"No feature tells {_listed(silent)} from controls.")
    said += _said_of_nuisances(found)
    return said


def _said_of_nuisances(found: Findings) -> list[str]:
    if found.confounds is None or not len(found.confounds.table):
        return []
    flagged = found.confounds.table[found.confounds.table["flagged"]]
    tested = found.confounds.nuisances.set_index("nuisance")["tested"]
    keys = ["feature", "channel"]
    placed = flagged[(flagged["nuisance"].map(tested) == "beyond").to_numpy()]
    measured = flagged[(flagged["nuisance"].map(tested) == "alone").to_numpy()]
    said = []
    if (tested == "beyond").any():
        said.append(
            f"{len(placed[keys].drop_duplicates())} of {len(found.table.features)} features follow where a well lies "
            f"({_listed([str(n) for n in tested.index[tested == 'beyond']])}) beyond its treatment."
        )
    if (tested == "alone").any():
        said.append(
            f"{len(measured[keys].drop_duplicates())} go with "
            f"{_listed([str(n) for n in tested.index[tested == 'alone']])} "
            "more than the treatment adds, which may itself be what the treatment does."
        )
    return said


def summary(found: Findings) -> str:
    """The head of the page."""
    plates = list(found.lexicon.plates.values())
    fields = sum(plate.n_done() for plate in plates)
    channels = list(dict.fromkeys(c.name for plate in plates for c in plate.header.channels))
    spec, reference = found.lexicon.backbone, found.lexicon.header.dictionary
    facts = [
        (str(len(found.table)), "wells"),
        (str(int(found.control.sum())), "control wells"),
        (str(fields), "fields"),
        (", ".join(channels), "channels"),
        (str(found.n_features), "features in the dictionary"),
        (f"{spec.id}, block {spec.layer}", "vision model"),
    ]
    body = "".join(f"<div><b>{escape(value)}</b><span>{name}</span></div>" for value, name in facts)
    lead = " ".join(escape(sentence) for sentence in summary_sentences(found))
    assert reference is not None  # there are codes
    return f'<div class="card"><p class="lead">{lead}</p><div class="facts">{body}</div></div>' + _notes(found)


def _notes(found: Findings) -> str:
    notes = [*found.notes, *(found.confounds.notes if found.confounds is not None else ())]
    if found.effects is not None:
        few = found.effects.groupby("treatment")["n_wells"].first()
        lone = [str(name) for name, n in few.items() if n < 3]
        if lone:
            notes.insert(
                0,
                f"Fewer than three wells of {_listed(lone)}: differences that hold for these wells may not hold for "
                "the treatment. Three wells or more, on two plates or more, would say.",
            )
    for plate in found.lexicon.plates.values():
        missing = len(plate.fields) - plate.n_done()
        if missing:
            notes.append(f"{missing} fields of plate {plate.header.name} have no codes and are not in this report.")
        notes += [problem.sentence for problem in plate.header.problems[:5]]
    if not notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>" for note in dict.fromkeys(notes))
    return f'<div class="notes"><p>What to keep in mind</p><ul>{items}</ul></div>'


def plates(found: Findings) -> str:
    """Which treatment is where."""
    labels, control = found.labels, found.control
    if labels is None:
        return ""
    colors = treatment_colors(found)
    drawn = []
    for name in list(dict.fromkeys(found.table.wells["plate"]))[:_MOST_PLATES]:
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
    ][:_MOST_COLUMNS]
    body = f'<div class="card charts"><div>{"".join(drawn)}</div><div>{"".join(named)}</div></div>'
    return section("plate", "The plate", "Which treatment is in which well, and the number of wells of each.", body)


def treatments(found: Findings) -> str:
    """One row per treatment."""
    if found.effects is None:
        return ""
    rows = []
    apart, placed = found.told_apart(), found.placed()
    activity = None if found.activity is None else found.activity.set_index("treatment")
    for name, n in list(apart.items())[:_MOST_ROWS]:
        own = found.effects[found.effects["treatment"] == name]
        best = next((one for one in found.shown if one.treatment == name), None)
        row = own.iloc[_best_row(own)] if best is None else own.iloc[best.row]
        label = _short(row)
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
                f"{_points(row['difference'])} <small>({_points(row['low'])} to {_points(row['high'])})</small>",
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
        rest = _count(len(rows) - n_called, "treatment")
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


def _short(row: pd.Series) -> str:
    return str(row["name"]) if row["channel"] == "all" else f"{row['name']} {row['channel']}"


def _points(part: float) -> str:
    value = 100 * part
    return "–" if not np.isfinite(value) else f"{value:+.1f}".replace("-", "−")


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
        names = {n: _short(row) for n, row in own.iterrows()}
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
    names = list(found.told_apart())[:_MOST_COLUMNS]
    means = np.stack(
        [values[(labels.astype(str) == name).to_numpy() & ~control].mean(axis=0) for name in names], axis=1
    )
    q = found.effects.pivot(index=["feature", "channel"], columns="treatment", values="q")
    keys = [(one.feature, one.channel) for one in found.shown]
    starred = (q.reindex(pd.MultiIndex.from_tuples(keys))[names] <= found.settings.fdr).to_numpy()
    top = float(np.clip(np.percentile(np.abs(means), 95), 3, 20))
    short = [_short(found.table.features.iloc[one.row]) for one in found.shown]
    chart = charts.heat_map(means.clip(-3 * top, 3 * top), short, names, starred, top)
    lead = (
        "The most telling features (rows) under every treatment, in standard deviations of the control wells of the "
        "same plate (arcsine-root scale). Dots: called. Rows and columns that are alike lie side by side."
    )
    return section("heat", "Features and treatments", lead, f'<div class="card wide">{chart}</div>')


def effect_of(found: Findings, one: Chosen) -> pd.Series | None:
    """Row of the effects for a feature and the treatment that it was chosen for."""
    if found.effects is None or not one.treatment:
        return None
    own = found.effects[found.effects["treatment"] == one.treatment]
    return own.iloc[one.row]


def flag_of(found: Findings, one: Chosen) -> str:
    """Nuisances that a feature is flagged for."""
    if found.confounds is None or not len(found.confounds.table):
        return ""
    own = found.confounds.table
    rows = own[(own["feature"] == one.feature) & (own["channel"] == one.channel) & own["flagged"]]
    return ", ".join(rows.sort_values("explained", ascending=False)["nuisance"].astype(str))


def features(found: Findings, photos: Mapping[int, Photos]) -> str:
    """The chosen features, each with its figures, pictures, plate map and doses."""
    cards = [_feature_card(found, one, photos.get(one.row)) for one in found.chosen]
    lead = (
        "The most telling feature of each treatment in turn. " if found.effects is not None else "Most frequent first. "
    )
    if found.effects is not None and found.stains is not None:
        lead += "What follows the place of a well comes last, before it what fires on empty ground. "
    if photos:
        lead += (
            "Left of each pair the stain alone, right the same place with the feature’s activation, from dark to "
            "bright; one scale for all pictures of a feature. Small pictures: the strongest places, at most one per "
            "field. They show what the feature is at its clearest, not what it usually is."
        )
    return section("features", "The features in pictures", lead, "".join(cards))


def _feature_card(found: Findings, one: Chosen, photos: Photos | None) -> str:
    row = effect_of(found, one)
    said = found.lexicon.names.get(one.feature)
    about = found.features.iloc[one.feature]
    facts = []
    if row is not None:
        facts.append(
            f"Under <b>{escape(one.treatment)}</b> it fires in {percent(row['treated'])} of the patches, in controls "
            f"in {percent(row['control'])}: {_points(row['difference'])} points (95 % {_points(row['low'])} to "
            f"{_points(row['high'])}), g {number(row['effect'])}, AUROC {row['auroc']:.2f}, FDR {chance(row['q'])}, "
            f"{_count(int(row['n_wells']), 'well')} against {_count(int(row['n_controls']), 'control well')}."
        )
    else:
        facts.append(
            f"Fires in {percent(float(about['fires']))} of all patches, in {_count(int(about['wells']), 'well')}."
        )
    if said is not None and said.note:
        facts.append(escape(said.note))
    tags = [f'<span class="tag">{escape(tag)}</span>' for tag in (said.tags if said else ())]
    stain = _stain_words(found, one)
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


def _stain_words(found: Findings, one: Chosen) -> str:
    if found.stains is None:
        return ""
    own = found.stains[(found.stains["feature"] == one.feature) & (found.stains["channel"] == one.channel)]
    own = own[own["r"].notna()]
    if own.empty:
        return ""
    best = own.iloc[int(own["r"].abs().to_numpy().argmax())]
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
    for name in names[:_MOST_PLATES]:
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


def named(found: Findings) -> str:
    """Features that people named."""
    rows = []
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
        rows.append(
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
    head = [("name", ""), ("feature", "n"), ("tags", ""), ("fires", "n"), ("most in", "")]
    head += [("called for", "w"), ("note", "w"), ("named by", "")]
    body = f'<div class="card">{table(head, rows)}</div>' if rows else ""
    return section("names", "Named features", "What people recognised and called by name.", body)


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
            escape(_short(row)),
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
        rows.append(_short(found.table.features.iloc[one.row]))
        parts.append(indexed.reindex(pd.MultiIndex.from_tuples(keys))[["r", "low", "high"]].to_numpy())
    if not rows or len(names) < 2:
        return ""
    values = np.stack(parts)
    chart = charts.stains(rows, names, values[..., 0], values[..., 1], values[..., 2])
    lead = (
        f"Correlation, over patches of {found.n_measured} fields, of where a feature fires with how bright each stain "
        "is there. A feature sees the channel it is named with; a correlation with another stain says that they lie "
        "together."
    )
    return section("stains", "Which stain they follow", lead, f'<div class="card wide">{chart}</div>')


def methods_text(found: Findings) -> str:
    """Every setting and version."""
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in methods(found))
    lead = "Every setting and version, to be copied into a paper."
    return section("methods", "Methods", lead, f'<div class="card methods">{body}</div>')


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def _listed(names: Sequence[str], most: int = 6) -> str:
    shown = [str(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


SECTIONS: tuple[tuple[str, str, Callable[[Findings, Mapping[int, Photos]], str]], ...] = (
    ("plate", "The plate", lambda found, photos: plates(found)),
    ("treatments", "Treatments", lambda found, photos: treatments(found)),
    ("features", "In pictures", features),
    ("volcano", "Volcano plots", lambda found, photos: volcanos(found)),
    ("heat", "Heat map", lambda found, photos: heat(found)),
    ("names", "Names", lambda found, photos: named(found)),
    ("confounds", "Confounds", lambda found, photos: confounding(found)),
    ("stains", "Stains", lambda found, photos: stain_correlations(found)),
    ("methods", "Methods", lambda found, photos: methods_text(found)),
)
