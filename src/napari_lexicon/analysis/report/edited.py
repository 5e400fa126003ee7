"""The section on edited features: every edit beside the original, with what is read of it, also where that fails."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd

from napari_lexicon.analysis.edit_pictures import SIDE, edit_pictures
from napari_lexicon.analysis.report.blocks import counted, csv_link, section, table
from napari_lexicon.analysis.report.drawing import percent
from napari_lexicon.analysis.report.findings import Findings
from napari_lexicon.analysis.report.photos import jpeg
from napari_lexicon.analysis.shown_edits import ARRIVES, EDIT_WORDS, ShownEdit, outcomes_sentence

_OPEN = 2  # features whose pictures lie open; those of the others are folded


def edits(found: Findings) -> str:
    """Features removed, scaled and added, drawn, and read again."""
    if found.edits is None:
        return ""
    told = found.edits.table
    lead = (
        "A feature is removed from one patch, halved, doubled, or added where it was not, in the model’s own space; "
        "the decoder draws the difference into the picture, and the picture is read again. If drawing and reading "
        "agreed, the feature would arrive at the value asked for and others would stay. On every picture stands "
        f"whether it did: it <i>arrived</i> where the feature is read within {100 * ARRIVES:.0f} % of the way from the "
        "value asked for; <i>not alone</i> where all other features together moved further than was asked of this one. "
        "A picture that did not arrive shows nothing of the feature."
    )
    link = csv_link(told, "edits.csv", "Save the table (CSV)")
    folded = f"<details><summary>Before and after, feature by feature</summary>{_rows(told)}</details>"
    note = (
        '<p class="faint">Codes; medians over patches drawn at random from those where the code has the feature. '
        "<i>Of the way along it</i>: how far the patch moved along the feature’s direction, whatever code came of it. "
        "<i>Others move</i>: length of the change of all other features, over what was asked of this one. Pictures are "
        "of the patch in the middle of these by the feature’s value, and, to add it, of the first drawn where it is "
        "not.</p>"
    )
    body = f'<div class="card"><p>{_verdict(found)}</p>{_pictures(found)}{folded}{note}<p>{link}</p></div>'
    return section("edits", "What features do", lead, body)


def _verdict(found: Findings) -> str:
    """Over all features: what is lost by removing, what is reached by adding, how many pictures arrived."""
    assert found.edits is not None
    told, said = found.edits.table, []
    removed, added = (told[told["edit"] == edit] for edit in ("remove", "add"))
    if len(removed):
        said.append(
            f"Removed, the {counted(len(removed), 'feature')} shown lose {percent(float(removed['moved'].median()))} "
            f"of their code (median; {percent(float(removed['moved_by_other'].median()))} when another feature is "
            f"moved as much); along their directions patches go {percent(float(removed['moved_along'].median()))} of "
            "the way asked."
        )
        if removed["moved"].median() <= removed["moved_by_other"].median():
            said.append("That is no more than any edit does, so these pictures do not show what the features are.")
    if len(added):
        said.append(
            f"Added where they were not, they reach {percent(float(added['moved'].median()))} of their usual code, "
            f"and {percent(float(added['moved_along'].median()))} of the way along their directions."
        )
    return " ".join([*said, outcomes_sentence(found.edits.shown)])


def _rows(told: pd.DataFrame) -> str:
    rows = [
        [
            escape(str(row["name"])),
            EDIT_WORDS[str(row["edit"])],
            f"{row['before']:.2f}",
            f"{row['asked']:.2f}",
            f"{row['after']:.2f}",
            f"{percent(row['moved'])} <small>({percent(row['moved_low'])} to {percent(row['moved_high'])})</small>",
            percent(row["arrived"]),
            percent(row["moved_by_other"]),
            percent(row["moved_along"]),
            percent(row["first"]),
            f"{row['others']:.1f}",
            f"{int(row['n_patches'])} <small>/ {int(row['n_wells'])}</small>",
        ]
        for _, row in told.iterrows()
    ]
    head = [("feature", ""), ("edit", ""), ("before", "n"), ("asked", "n"), ("after", "n")]
    head += [("of the way (quartiles)", "n"), ("patches that arrived", "n"), ("by another feature", "n")]
    head += [("of the way along it", "n"), ("moves most", "n"), ("others move", "n")]
    return table([*head, ("patches / wells", "n")], rows)


def _pictures(found: Findings) -> str:
    assert found.edits is not None
    names = {one.feature: one.label for one in reversed(found.chosen)}  # a feature may be chosen in several channels
    patch = found.lexicon.backbone.patch
    blocks = []
    for feature in dict.fromkeys(one.feature for one in found.edits.shown):
        own = [one for one in found.edits.shown if one.feature == feature]
        name = names.get(feature, f"#{feature}")
        blocks.append(f'<h4>{escape(name)}</h4><div class="edits">{_cards(own, name, patch)}</div>')
    first, rest = "".join(blocks[:_OPEN]), blocks[_OPEN:]
    if not rest:
        return first
    more = f"Pictures of the other {counted(len(rest), 'feature')}" if len(rest) > 1 else "Pictures of one more feature"
    return f"{first}<details><summary>{more}</summary>{''.join(rest)}</details>"


def _cards(shown: Sequence[ShownEdit], name: str, patch: int) -> str:
    cards = []
    for one in shown:
        words = ("as it is", EDIT_WORDS[one.edit], "change")
        images = "".join(
            f'<figure><img src="{jpeg(picture, (SIDE, SIDE))}" width="{SIDE}" height="{SIDE}" '
            f'alt="{escape(f"{name}, {said}", quote=True)}" loading="lazy"><figcaption>{said}</figcaption></figure>'
            for picture, said in zip(edit_pictures(one, patch), words, strict=True)
        )
        check = f"{escape(one.well)}. {escape(one.check)}"
        cards.append(f'<div class="edit"><div class="three">{images}</div><p class="faint">{check}</p></div>')
    return "".join(cards)
