"""What the lexicon folders of a plate hold: a dictionary's results go where none of another one lie."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon

if TYPE_CHECKING:
    from napari_lexicon.widgets.dictionary.outline import DictionaryOutline

_FILES = ("lexicon.json", "dictionary.safetensors")


class HeldDictionaries:
    """Looks into lexicon folders, and again when their files have changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[object, ...], tuple[str, str] | None]] = {}

    def another(self, folder: Path, outline: DictionaryOutline) -> bool:
        """Whether a folder holds results of another dictionary or model, or something else altogether."""
        marks = tuple(_mark(folder / name) for name in _FILES)
        known = self._known.get(folder)
        if known is None or known[0] != marks:
            known = self._known[folder] = (marks, _read(folder))
        if known[1] is None:
            return folder.exists()
        weights, content = known[1]
        if outline.backbone and outline.backbone.get("weights_hash") != weights:
            return True
        return content not in ("", outline.content)


def _mark(file: Path) -> object:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _read(folder: Path) -> tuple[str, str] | None:
    """Hash of the model's weights, and of the dictionary's file (empty without one); None for no lexicon."""
    try:
        lexicon = Lexicon.open(folder)
        if lexicon.header.dictionary is None:
            return lexicon.backbone.weights_hash, ""
        return lexicon.backbone.weights_hash, hashlib.sha256((folder / _FILES[1]).read_bytes()).hexdigest()
    except (LexiconError, OSError):
        return None
