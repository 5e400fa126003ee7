"""What is said of wells, said of loose images: a plate that was made of them has images where others have wells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_lexicon.lexicons import Lexicon

# not "as well", "how well", "{well}", "wells.csv", nor a folder of that name, nor the column: "it has plate, well, row"
_WELL = re.compile(
    r"(?P<article>\ba )?(?<!as )(?<!how )(?<!plate, )(?<![{/\\])\b(?P<word>wells?)\b(?!-|\.\w|[/\\])", re.IGNORECASE
)
_TEXT = re.compile(r"(?P<begin>>)(?P<text>[^<>]+)|(?P<name>\s(?:alt|data-of|aria-label)=\")(?P<words>[^\"]+)")


def of_images(text: str, kept: Iterable[str] = ()) -> str:
    """``"Double-click a well."`` as ``"Double-click an image."``.

    Parameters
    ----------
    text : str
        What is said of wells.
    kept : iterable of str
        What people wrote themselves, and stays.
    """
    own = sorted({words for words in kept if _WELL.search(words)}, key=len, reverse=True)
    if not own:
        return _WELL.sub(_image, text)
    parts = re.split(f"({'|'.join(map(re.escape, own))})", text)
    return "".join(part if n % 2 else _WELL.sub(_image, part) for n, part in enumerate(parts))


def of_images_in_page(html: str, kept: Iterable[str] = ()) -> str:
    """:func:`of_images` for the text of a page and the words in its attributes, and for nothing else in it."""
    own = [escape(words) for words in kept]

    def said(found: re.Match[str]) -> str:
        if found["begin"]:
            return found["begin"] + of_images(found["text"], own)
        return found["name"] + of_images(found["words"], own)

    return _TEXT.sub(said, html)


def made_of_images(lexicon: Lexicon) -> bool:
    """Whether no plate of a lexicon has a grid, so that what stands for a well is an image."""
    return all(plate.header.rows == 0 for plate in lexicon.plates.values())


def words_of(lexicon: Lexicon) -> set[str]:
    """What people wrote: names, notes, plates, plate maps; and the wells that the dictionary was trained on."""
    own = {part for _, said in lexicon.names for part in (said.name, said.note, *said.tags)}
    for plate in lexicon.plates.values():
        own |= {plate.header.name, plate.header.note, *plate.wells, *map(str, plate.map.columns)}
        for column in plate.map.select_dtypes(exclude="number"):
            own |= {str(value) for value in plate.map[column].dropna().unique()}
    if lexicon.dictionary is not None:  # it was trained elsewhere, on plates that may have had wells
        header = lexicon.dictionary.header
        own |= {f"{header.control_wells} wells", str(header.control_query)}
    return own - {"well", "wells", "Well", "Wells"}


def _image(found: re.Match[str]) -> str:
    article, word = found["article"] or "", found["word"]
    said = f"{article.rstrip()}n {'image' + word[4:]}" if article else "image" + word[4:]
    return said if article or word[0].islower() else said.capitalize()
