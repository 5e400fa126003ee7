"""Stage positions from the headers of image files: of every file, or of a large plate from two of its wells."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.image_files import ImageHeader

Key = tuple[str, str]
Position = tuple[float, float]
Header = ImageHeader | PlateError

# Fields of two wells lie alike where their offsets differ by less; a stage comes back to a micrometre or two.
_ALIKE_UM = 5.0
_MOST_FIELDS = 200


def header_positions(
    firsts: Mapping[Key, str], known: Mapping[str, Header], header: Callable[[str], Header]
) -> dict[Key, Position]:
    """Stage positions ``(y, x)`` in micrometres of the fields whose headers have one.

    Parameters
    ----------
    firsts : mapping
        The first file of each ``(well, field)``.
    known : mapping of str to header
        Headers that have been read.
    header : callable
        Reads another one. Of a large plate those of two wells are read, and where these are alike, all wells are
        taken to be so, with positions from the first field of the well.
    """
    if not any(isinstance(one, ImageHeader) and one.position_um is not None for one in known.values()):
        return {}
    if all(name in known for name in firsts.values()):
        found = {key: _position(known[name]) for key, name in firsts.items()}
        return {key: position for key, position in found.items() if position is not None}
    wells: dict[str, list[str]] = {}
    for well, field in firsts:
        wells.setdefault(well, []).append(field)
    most = max(len(fields) for fields in wells.values())
    full = [well for well, fields in wells.items() if len(fields) == most]
    if len(full) < 2 or most > _MOST_FIELDS:
        return {}
    one, other = (
        _offsets({field: _position(header(firsts[well, field])) for field in wells[well]})
        for well in (full[0], full[-1])
    )
    if one is None or other is None or one.keys() != other.keys():
        return {}
    if any(abs(a - b) > _ALIKE_UM for field in one for a, b in zip(one[field], other[field], strict=True)):
        return {}
    return {(well, field): one[field] for well, field in firsts if field in one}


def _position(header: Header) -> Position | None:
    return header.position_um if isinstance(header, ImageHeader) else None


def _offsets(positions: Mapping[str, Position | None]) -> dict[str, Position] | None:
    """Positions from that of the first field; None where one is not known."""
    first = next(iter(positions.values()))
    offsets = {}
    for field, position in positions.items():
        if first is None or position is None:
            return None
        offsets[field] = (position[0] - first[0], position[1] - first[1])
    return offsets
