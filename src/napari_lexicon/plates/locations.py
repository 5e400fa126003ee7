"""Where a plate lies: a path on a disk, or an address on the network, told apart by how they are written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

SCHEMES = ("http", "https", "s3", "gs", "gcs", "az", "abfs")
"""Kinds of addresses that fsspec knows and microscopists use."""

# A path type folds the two slashes of an address into one.
_ADDRESS = re.compile(rf"({'|'.join(SCHEMES)}):/{{1,2}}([^/].*)", re.IGNORECASE | re.DOTALL)


def remote_address(path: str | os.PathLike[str]) -> str | None:
    """The address that a text or path means, without a slash at its end; None for a path on a disk."""
    found = _ADDRESS.fullmatch(os.fspath(path).strip())
    return None if found is None else f"{found[1].lower()}://{found[2].rstrip('/')}"


def local_path(path: str | os.PathLike[str]) -> Path:
    """The path that a text means; ``file://`` and ``~`` are understood."""
    text = os.fspath(path)
    if text.lower().startswith("file://"):
        return Path(unquote(urlsplit(text).path))
    return Path(text).expanduser()


def same_place(one: str, other: str) -> bool:
    """Whether two locations are one place, however it was written: through a link, or with ``..`` in it."""
    if one == other:
        return True
    if remote_address(one) or remote_address(other):
        return False
    try:
        return os.path.samefile(one, other)
    except OSError:  # nothing is there
        return False


def absolute_location(path: str | os.PathLike[str]) -> str:
    """The address, or the absolute path, as text: what to write down so that the plate is found again."""
    return remote_address(path) or str(local_path(path).absolute())
