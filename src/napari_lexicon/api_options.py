"""What is given to the Python API: for a mistyped option, or what is no path, a sentence with what there is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
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


def plate_paths(plates: Any) -> list[str]:
    """One path, or several, as a list of texts.

    Raises
    ------
    JobError
        If there is none, or something else stands among them.
    """
    paths = list(plates) if isinstance(plates, Iterable) and not isinstance(plates, (str, bytes)) else [plates]
    if not paths:
        raise JobError("No plate is given: the list of paths is empty, so look where they were to come from.")
    for path in paths:
        if not isinstance(path, (str, os.PathLike)):
            raise JobError(
                f"Plates are given by their paths, not as {type(path).__name__}: give the path, such as plate.path "
                "of a plate that is open."
            )
    return [str(os.fspath(path)) for path in paths]
