"""What all sections are made of: tables, links, headings, words, and what is said of a chosen feature."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from napari_lexicon.analysis.report.findings import Chosen, Findings

MOST_ROWS = 60  # of a table on the page; the rest is in the file behind its link
MOST_COLUMNS = 40
MOST_PLATES = 4  # whose maps are drawn
_COLORS = 10

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


def short(row: pd.Series) -> str:
    """Name of a row of a table, with its channel."""
    return str(row["name"]) if row["channel"] == "all" else f"{row['name']} {row['channel']}"


def points(part: float) -> str:
    """A part as points of a percentage, signed."""
    value = 100 * part
    return "–" if not np.isfinite(value) else f"{value:+.1f}".replace("-", "−")


def counted(n: int, word: str) -> str:
    """A number with its word, in the plural where it is not one."""
    return f"{n} {word}{'' if n == 1 else 's'}"


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names joined as in a sentence."""
    shown = [str(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
