"""The head of a report: what was found, in sentences and figures, and what to keep in mind."""

from __future__ import annotations

from html import escape

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
    first = (
        f"{len(hit)} of {counted(len(apart), 'treatment')} differ from {counted(n_controls, 'control well')} in at "
        f"least one feature at a false-discovery rate of {100 * found.settings.fdr:g} %."
    )
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
    silent = [name for name, n in apart.items() if not n]
    if silent and hit:
        said.append(f"No feature tells {listed(silent)} from controls.")
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
            f"({listed([str(n) for n in tested.index[tested == 'beyond']])}) beyond its treatment."
        )
    if (tested == "alone").any():
        said.append(
            f"{len(measured[keys].drop_duplicates())} go with "
            f"{listed([str(n) for n in tested.index[tested == 'alone']])} "
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
