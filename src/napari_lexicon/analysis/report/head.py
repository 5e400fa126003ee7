"""The head of a report: what was found, in sentences and figures, and what to keep in mind."""

from __future__ import annotations

from html import escape

import numpy as np

from napari_lexicon.analysis.morphology import CELLPROFILER, MORPHOLOGY
from napari_lexicon.analysis.probed_readings import BY_CHANNEL, CODES, DIRECTIONS
from napari_lexicon.analysis.report.blocks import counted, effect_of, listed
from napari_lexicon.analysis.report.drawing import number, percent
from napari_lexicon.analysis.report.findings import Findings


def summary_sentences(found: Findings) -> list[str]:
    """What was found, in sentences."""
    wells, n_controls = len(found.table), int(found.control.sum())
    if found.effects is None:
        return [
            (
                f"{counted(found.n_features, 'feature')} were read in {counted(wells, 'well')}; "
                f"{len(set(found.table.features['feature']))} of them fire often enough to be looked at."
            )
        ]
    apart = found.told_apart()
    hit = [name for name, n in apart.items() if n]
    rate = f"at a false-discovery rate of {100 * found.settings.fdr:g} % against {counted(n_controls, 'control well')}"
    if hit:
        first = (
            f"{len(hit)} of {counted(len(apart), 'treatment')} {'looks' if len(apart) == 1 else 'look'} different from "
            f"controls: {listed(hit)}. At least one feature is called for each, {rate}."
        )
    else:
        first = f"No treatment looks different from controls: no feature is called {rate}."
    said = [first]
    if found.chosen and hit:
        one = found.chosen[0]
        row = effect_of(found, one)
        assert row is not None
        said.append(
            f"Most telling: {one.label} fires in {percent(row['treated'])} of the patches under "
            f"{one.treatment} against {percent(row['control'])} in controls "
            f"(g {number(row['effect'])}, {counted(int(row['n_wells']), 'well')})."
        )
    said += _said_of_doses(found)
    silent = [name for name, n in apart.items() if not n]
    if silent and hit:
        said.append(f"No feature tells {listed(silent)} from controls.")
    said += _said_of_probes(found)
    said += _said_of_nuisances(found)
    return said


def _said_of_doses(found: Findings) -> list[str]:
    """Treatments whose dose some features follow."""
    if found.doses is None:
        return []
    called = found.doses[found.doses["q"] <= found.settings.fdr]
    counts = called.groupby("treatment").size().sort_values(ascending=False)
    if counts.empty:
        return ["No feature follows a dose."]
    best = called.iloc[int(np.lexsort((-called["rho"].abs().to_numpy(), called["q"].to_numpy()))[0])]
    name = str(best["name"]) if best["channel"] == "all" else f"{best['name']} in {best['channel']}"
    n = len(called[["feature", "channel"]].drop_duplicates())
    wells = f"{counted(int(best['n_wells']), 'treated well')} at {counted(int(best['n_doses']), 'dose')}"
    most = "" if n == 1 else " most"
    sentence = (
        f"{counted(n, 'feature')} {'follows' if n == 1 else 'follow'} the dose of "
        f"{listed([str(t) for t in counts.index])}, {name}{most} (ρ {number(best['rho'])} with controls as dose 0; "
        f"{wells} of {best['treatment']})."
    )
    return [sentence]


def _said_of_probes(found: Findings) -> list[str]:
    """Whether features tell treatments better than chance and than what is plain."""
    told = found.beside.probes
    if told is None:
        return []
    rows = told.set_index("source")
    own = rows.loc["all features"]
    chance = f"chance up to {own['chance_high']:.2f}"
    score = f"{own['balanced_accuracy']:.2f}"
    if own["balanced_accuracy"] <= own["chance_high"]:
        return [
            f"On wells not seen, all features together do not tell treatments better than chance ({score}; {chance})."
        ]
    plain = rows[rows.index.isin(["brightness", "number of nuclei", "random network", MORPHOLOGY, CELLPROFILER])]
    best = plain["balanced_accuracy"].sort_values(ascending=False).head(1)
    other = "".join(f", {name} with {value:.2f}" for name, value in best.items())
    apart = {BY_CHANNEL: "channel by channel", DIRECTIONS: "by direction", CODES: "by code"}
    scores = rows["balanced_accuracy"]
    known = [f"{words} {scores[name]:.2f}" for name, words in apart.items() if name in scores.index]
    read = f" ({', '.join(known)})" if known else ""
    told_by = f"a probe of all features names the treatment with an accuracy of {score}{read}{other}"
    return [f"On wells not seen, {told_by} ({chance})."]


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
            f"{len(placed[keys].drop_duplicates())} of {_tested(found)} follow where a well lies "
            f"({listed([str(n) for n in tested.index[tested == 'beyond']])}) beyond its treatment."
        )
    if (tested == "alone").any():
        said.append(
            f"{len(measured[keys].drop_duplicates())} of {_tested(found)} go with "
            f"{listed([str(n) for n in tested.index[tested == 'alone']])} "
            "more than the treatment adds, which may itself be what the treatment does."
        )
    return said


def _tested(found: Findings) -> str:
    """How many features were tested; a feature of several channels is tested in each."""
    rows = found.table.features
    apart = " (features of single channels)" if rows["feature"].duplicated().any() else ""
    return f"{len(rows):,} tested{apart}"


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
        (
            "code" if found.settings.beyond is None else f"direction over {found.settings.beyond:g} SD",
            "features read by",
        ),
    ]
    body = "".join(f"<div><b>{escape(value)}</b><span>{name}</span></div>" for value, name in facts)
    first, *rest = (escape(sentence) for sentence in summary_sentences(found))
    more = f'<ul class="plain">{"".join(f"<li>{sentence}</li>" for sentence in rest)}</ul>' if rest else ""
    assert reference is not None  # there are codes
    read = f'<p class="faint">A feature fires in a patch {found.reading}.</p>'
    card = f'<div class="card"><p class="lead">{first}</p>{more}<div class="facts">{body}</div>{read}</div>'
    return card + _notes(found)


def _notes(found: Findings) -> str:
    notes = [*found.notes, *(found.confounds.notes if found.confounds is not None else ())]
    if found.effects is not None:
        few = found.effects.groupby("treatment")["n_wells"].first()
        lone = [str(name) for name, n in few.items() if n < 3]
        if lone:
            notes.insert(
                0,
                f"Fewer than three wells of {listed(lone)}: differences that hold for these wells may not hold for "
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
