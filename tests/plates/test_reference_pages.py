"""The reference pages say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from napari_lexicon.plates.pattern import PLACEHOLDERS, PRESETS
from napari_lexicon.plates.plate_map_columns import _SYNONYMS

PAGES = Path(__file__).parents[2] / "docs" / "reference"


def rows(page: str) -> list[list[str]]:
    text = (PAGES / page).read_text(encoding="utf-8")
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.M)
    ]


def test_every_placeholder_and_preset_stands_in_the_page() -> None:
    first = [row[0] for row in rows("pattern-language.md")]
    assert [name for name in first if name.startswith("{")] == [f"{{{name}}}" for name in PLACEHOLDERS]
    table = {row[0]: row[1] for row in rows("pattern-language.md")}
    assert {preset.name: preset.pattern for preset in PRESETS}.items() <= table.items()


def test_every_column_of_the_vocabulary_stands_in_the_page() -> None:
    assert set(_SYNONYMS) <= {row[0] for row in rows("plate-maps.md")}
