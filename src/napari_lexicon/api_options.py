"""Options given to the Python API: for a mistyped one a sentence with what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from napari_lexicon.errors import JobError

_CONDITIONS = ("controls", "wells", "against", "known")
_GIVEN_ALREADY = ("lexicon", "out", "name")


def check_options(command: str, described_by: type[Any], options: Mapping[str, Any]) -> None:
    """Refuse options that a command does not have, and lists of wells where a question to the plate map is meant.

    Parameters
    ----------
    command : str
        Name of the function, for the sentence.
    described_by : type
        Dataclass whose fields are the options.
    options : mapping
        Those given, by name.

    Raises
    ------
    JobError
        Naming the option, and what there is or how it is written.
    """
    known = [field.name for field in fields(described_by) if field.name not in _GIVEN_ALREADY]
    for option, value in options.items():
        if option not in known:
            near = get_close_matches(option, known, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise JobError(f"{command} has no option {option}: {meant}It has {', '.join(known)}.")
        if option in _CONDITIONS and value is not None and not isinstance(value, str):
            raise JobError(
                f"{option} is a question to the plate map, a text such as \"well in ['B03', 'B04']\", not {value!r}."
            )
