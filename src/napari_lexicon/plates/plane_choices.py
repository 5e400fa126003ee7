"""What is taken of stacks and series: one plane, the maximum over all, or all of them as fields of their own."""

from __future__ import annotations

from typing import Literal

from napari_lexicon.errors import PlateError

ZChoice = int | Literal["max", "all"]
"""Plane counted from 0, the maximum projection, or every plane as a field."""
TChoice = int | Literal["all"]
"""Time point counted from 0, or every time point as a field."""

Pages = Literal["z", "t", "c"]
"""What the pages of a file are that does not say it: planes in z, time points, or channels."""

MOST_PLANES = 100_000
"""Planes of the longest stack or series that is opened as fields."""


def check_wanted(z: object, t: object, pages: object = None) -> None:
    """Refuse what is neither a number nor a word that is understood.

    Raises
    ------
    PlateError
        With what there is to choose from.
    """
    if z not in ("max", "all") and (not isinstance(z, int) or z < 0):
        raise PlateError(f"z is 'max', 'all' or the number of a plane from 0, not {z!r}.")
    if t != "all" and (not isinstance(t, int) or t < 0):
        raise PlateError(f"t is 'all' or the number of a time point from 0, not {t!r}.")
    if pages not in (None, "z", "t", "c"):
        raise PlateError(f"The pages of files are 'z', 't' or 'c' (channels), not {pages!r}.")


def check_there(z: ZChoice, t: TChoice, depth: int, times: int, what: str = "The images have") -> None:
    """A plane or time point that no image has is a mistake, not a choice.

    Raises
    ------
    PlateError
        With how many there are.
    """
    if isinstance(z, int) and not 0 <= z < depth:
        raise PlateError(f"{what} {depth} plane{'s' * (depth > 1)} in z; plane {z} was asked for.")
    if isinstance(t, int) and not 0 <= t < times:
        raise PlateError(f"{what} {times} time point{'s' * (times > 1)}; time point {t} was asked for.")
    if (z == "all" and depth > MOST_PLANES) or (t == "all" and times > MOST_PLANES):
        raise PlateError(f"{what} {depth} planes in z and {times} time points: too many to be fields of their own.")


def said_of_z(z: ZChoice, depth: int) -> str:
    """What was chosen along z, in words; empty where there is nothing to choose."""
    if depth < 2:
        return ""
    words = {"max": f"z: maximum projection of {depth} planes", "all": f"z: all {depth} planes, each a field"}
    return words.get(str(z), f"z: plane {z}")


def said_of_t(t: TChoice, times: int) -> str:
    """What was chosen along t, in words; empty where there is nothing to choose."""
    if times < 2:
        return ""
    return f"t: all {times} time points, each a field" if t == "all" else f"t: time point {t} of {times}"


def as_fields(
    name: str, z: ZChoice, t: TChoice, depth: int, times: int
) -> list[tuple[str, tuple[int | Literal["max"], int]]]:
    """The fields that one stack or series is opened as.

    Parameters
    ----------
    name : str
        Of the field.
    z, t
        What was chosen.
    depth, times : int
        Planes and time points of this image.

    Returns
    -------
    list of (str, (int or "max", int))
        Name of each field with its plane and time point: ``"3z0"``, ``"3z1"`` for all planes of field 3,
        ``"3z0t1"`` where all time points are wanted as well.
    """
    planes = range(depth) if z == "all" else (z,)
    points = range(times) if t == "all" else (t,)
    return [
        (name + (f"z{plane}" if z == "all" and depth > 1 else "") + (f"t{point}" if t == "all" and times > 1 else ""),
         (plane, point))
        for plane in planes
        for point in points
    ]  # fmt: skip
