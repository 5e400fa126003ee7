"""The page around the sections: one file with its style and pictures inside and nothing from elsewhere."""

from __future__ import annotations

import datetime
from html import escape
from importlib.resources import files

from napari_lexicon import __version__
from napari_lexicon.analysis.image_words import made_of_images, of_images_in_page, words_of
from napari_lexicon.analysis.reading import Told, untold
from napari_lexicon.analysis.report.findings import Findings
from napari_lexicon.analysis.report.head import summary
from napari_lexicon.analysis.report.photos import photos_of
from napari_lexicon.analysis.report.sections import SECTIONS

# nothing may be loaded from elsewhere or run, whatever names the plate map holds
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_page(found: Findings, told: Told = untold, *, title: str | None = None) -> str:
    """A report as one HTML page.

    Parameters
    ----------
    found : Findings
        What was asked of the lexicon.
    told : callable
        Told of every feature whose pictures are made.
    title : str, optional
        Of the page; the name of the lexicon where None.

    Returns
    -------
    str
        HTML without scripts, readable in light and dark, on a phone and on a desk.
    """
    photos = photos_of(found, told)
    bodies = [(name, words, section(found, photos)) for name, words, section in SECTIONS]
    inside = (summary(found) + "\0" + "".join(body for _, _, body in bodies)).replace(" %", "\N{NO-BREAK SPACE}%")
    if made_of_images(found.lexicon):
        inside = of_images_in_page(inside, words_of(found.lexicon))
    head, rest = inside.split("\0")
    links = "".join(f'<a href="#{name}">{words}</a>' for name, words, body in bodies if body)
    heading = escape(title or found.lexicon.name)
    plates = ", ".join(plate.header.name for plate in found.lexicon.plates.values())
    today = datetime.date.today().isoformat()
    style = files("napari_lexicon.analysis.report").joinpath("style.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{heading} · napari-lexicon</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="generator" content="napari-lexicon {__version__}"><style>{style}</style></head><body><main>'
        f'<header><h1>{heading}</h1><p class="faint">What a vision model’s features say of '
        f"{escape(plates)} · {today} · napari-lexicon {__version__}</p></header>"
        f"{head}<nav>{links}</nav>{rest}</main></body></html>"
    )
