"""Names that people gave to features, kept in ``names.json`` and written at every change; changes can be undone."""

from __future__ import annotations

import datetime
import getpass
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons.files import read_json, write_json_whole

Confidence = Literal["", "guess", "likely", "sure"]
"""How sure a person is of a name; empty where they did not say."""


class FeatureName(BaseModel):
    """What a person said about one feature; the name may be empty where there is a note, a tag or a colour."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    note: str = ""
    tags: tuple[str, ...] = ()
    color: str | None = None
    confidence: Confidence = ""
    by: str = ""
    when: str = ""


class _NamesFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dictionary: str
    features: dict[int, FeatureName] = {}


class FeatureNames:
    """The names of one lexicon's features.

    Parameters
    ----------
    path : pathlib.Path
        ``names.json``; it need not exist yet.
    dictionary_hash : str
        The dictionary that the indices belong to.

    Raises
    ------
    LexiconFolderError
        If the file is damaged or belongs to another dictionary.
    """

    def __init__(self, path: Path, dictionary_hash: str):
        self.path = path
        self._file = _NamesFile(dictionary=dictionary_hash)
        self._past: list[dict[int, FeatureName | None]] = []
        if path.exists():
            try:
                self._file = _NamesFile.model_validate(read_json(path))
            except ValidationError as error:
                raise LexiconFolderError(
                    f"{path} is damaged ({error.errors()[0]['msg']}): restore it from a copy."
                ) from error
            if self._file.dictionary != dictionary_hash:
                raise LexiconFolderError(
                    f"{path} names features of another dictionary ({self._file.dictionary}): move it away."
                )

    def __len__(self) -> int:
        return len(self._file.features)

    def __iter__(self) -> Iterator[tuple[int, FeatureName]]:
        return iter(sorted(self._file.features.items()))

    def get(self, feature: int) -> FeatureName | None:
        """Name of a feature, or None."""
        return self._file.features.get(feature)

    def label(self, feature: int) -> str:
        """``"fragmented mitochondria"`` where there is a name, ``"#412"`` otherwise."""
        named = self.get(feature)
        return named.name if named and named.name else f"#{feature}"

    def set(
        self,
        feature: int,
        name: str,
        *,
        note: str = "",
        tags: tuple[str, ...] = (),
        color: str | None = None,
        confidence: Confidence = "",
    ) -> FeatureName:
        """Say something about a feature and write the file; where nothing is left, what was there is removed."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        given = FeatureName(
            name=name.strip(), note=note, tags=tags, color=color, confidence=confidence, by=_user(), when=now
        )
        self.put({feature: given})
        return given

    def put(self, given: Mapping[int, FeatureName | None]) -> None:
        """Take over what was said of several features, as one change; None removes.

        Who said it and when stay as they are.
        """
        before = {feature: self._file.features.get(feature) for feature in given}
        self._write(given)
        self._past.append(before)

    @property
    def can_undo(self) -> bool:
        """Whether a change was made since the folder was opened."""
        return bool(self._past)

    def undo(self) -> tuple[int, ...]:
        """Take back the last change since the folder was opened; returns its features."""
        if not self._past:
            return ()
        before = self._past[-1]
        self._write(before)
        self._past.pop()
        return tuple(before)

    def _write(self, given: Mapping[int, FeatureName | None]) -> None:
        features = dict(self._file.features)
        for feature, one in given.items():
            if one is not None and (one.name or one.note or one.tags or one.color or one.confidence):
                features[feature] = one
            else:
                features.pop(feature, None)
        if not self.path.parent.is_dir():
            raise LexiconFolderError(
                f"{self.path.parent} is gone: the lexicon was moved or deleted. Open it again from where it is now."
            )
        changed = _NamesFile(dictionary=self._file.dictionary, features=features)
        write_json_whole(self.path, changed.model_dump(mode="json"))
        self._file = changed


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return ""
