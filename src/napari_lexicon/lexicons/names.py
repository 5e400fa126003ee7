"""Names that people gave to features, kept in ``names.json`` and written at every change."""

from __future__ import annotations

import datetime
import getpass
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons.files import read_json, write_json_whole


class FeatureName(BaseModel):
    """What a person said about one feature."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    note: str = ""
    tags: tuple[str, ...] = ()
    color: str | None = None
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
        return named.name if named else f"#{feature}"

    def set(
        self, feature: int, name: str, *, note: str = "", tags: tuple[str, ...] = (), color: str | None = None
    ) -> FeatureName:
        """Name a feature and write the file; an empty name removes what was there."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        given = FeatureName(name=name.strip(), note=note, tags=tags, color=color, by=_user(), when=now)
        features = dict(self._file.features)
        if given.name:
            features[feature] = given
        else:
            features.pop(feature, None)
        changed = _NamesFile(dictionary=self._file.dictionary, features=features)
        write_json_whole(self.path, changed.model_dump(mode="json"))
        self._file = changed
        return given


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return ""
