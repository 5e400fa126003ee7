"""Reads the long lists in vendor XML as flat records, quickly and without what makes XML dangerous.

Document types, and with them entities of any kind, are refused as defusedxml does; the standard library's expat is used
directly because a plate's index has half a million elements and a tree of them takes longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from napari_lexicon.errors import PlateError

LARGEST_INDEX = 2 * 2**30
_BLOCK = 2**20
_DEEPEST = 100
_LONGEST_TEXT = 2**16


@dataclass
class Record:
    """One element of a list.

    Parameters
    ----------
    name : str
        Of the element, without namespace.
    attributes : dict
        Of the element, without namespaces.
    values : dict
        Texts of the elements within it, the first of each name; with ``inner``, their attributes as
        ``"ELEMENT@ATTRIBUTE"``.
    text : str
        Its own text.
    """

    name: str
    attributes: dict[str, str]
    values: dict[str, str] = field(default_factory=dict)
    text: str = ""


def _attach(parser: expat.XMLParserType, names: Collection[str], done: list[Record], inner: bool) -> None:
    """Let a parser append the elements of some names to a list. Closures, since they run a million times."""
    record: Record | None = None
    depth = opened_at = 0
    text = ""

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal record, depth, opened_at, text
        depth += 1
        text = ""
        if record is None:
            if depth > _DEEPEST:
                raise ValueError("its elements are nested too deeply")
            name = name.rpartition(":")[2]
            if name in names:
                plain = {key.rpartition(":")[2]: value for key, value in attributes.items()}
                record, opened_at = Record(name, plain), depth
        elif inner and attributes:
            plain_name = name.rpartition(":")[2]
            for key, value in attributes.items():
                record.values.setdefault(f"{plain_name}@{key.rpartition(':')[2]}", value)

    def end(name: str) -> None:
        nonlocal record, depth, text
        if record is not None:
            if depth == opened_at:
                record.text = text.strip()
                done.append(record)
                record = None
            elif text and name not in record.values:
                record.values[name.rpartition(":")[2]] = text.strip()
        depth -= 1
        text = ""

    def characters(data: str) -> None:
        nonlocal text
        if len(text) < _LONGEST_TEXT:
            text += data

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = _refuse
    parser.buffer_text = True


def _refuse(*_: object) -> None:
    raise ValueError("it has a document type declaration, which no microscope writes")


def records(path: Path, names: Collection[str], *, inner: bool = False) -> Iterator[Record]:
    """Elements of some names, wherever they stand.

    Parameters
    ----------
    path : pathlib.Path
        XML file.
    names : collection of str
        Element names without namespace.
    inner : bool
        Keep the attributes of the elements within, too; it takes longer.

    Raises
    ------
    PlateError
        If the file cannot be read, is no XML, or declares entities.
    """
    done: list[Record] = []
    parser = expat.ParserCreate()
    _attach(parser, names, done, inner)
    try:
        if path.stat().st_size > LARGEST_INDEX:
            raise ValueError("it is larger than any plate's index")
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                parser.Parse(block, False)
                yield from done
                done.clear()
            parser.Parse(b"", True)
            yield from done
    except (OSError, ValueError, LookupError, expat.ExpatError) as error:  # LookupError: an unknown encoding
        raise PlateError(f"The index {path} cannot be read: {error}.") from error


def whole_number(text: str | None) -> int | None:
    """A number of at most nine digits, None for any other text."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None


def number(text: str | None) -> float | None:
    """A number that a microscope may mean, None for any other text."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None


def starts_with(path: Path, word: bytes, within: int = 4096) -> bool:
    """True where a word stands near the beginning of a file, in any encoding; False where there is no such file."""
    try:
        with open(path, "rb") as file:
            return word in file.read(within).replace(b"\0", b"")  # UTF-16 has one between the letters
    except OSError:
        return False
