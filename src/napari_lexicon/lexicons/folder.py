"""The lexicon folder: everything computed for one or more plates with one backbone and one dictionary.

The specification is docs/reference/lexicon-folder.md; where code and page differ, the code is wrong. Every finished
field is one file of its plate (:mod:`napari_lexicon.lexicons.plate`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from napari_lexicon import __version__
from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons.files import write_bytes_whole, write_json_whole
from napari_lexicon.lexicons.headers import (
    DictionaryReference,
    LexiconHeader,
    PlateHeader,
    read_header,
)
from napari_lexicon.lexicons.names import FeatureName, FeatureNames
from napari_lexicon.lexicons.plate import LexiconPlate, listed, slug

if TYPE_CHECKING:
    from napari_lexicon.dictionaries.dictionary import Dictionary


class Lexicon:
    """A lexicon folder, opened.

    Parameters
    ----------
    path : path-like
        ``NAME.lexicon``.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.header: LexiconHeader = read_header(self.path / "lexicon.json", LexiconHeader)
        self._plates: dict[str, LexiconPlate] = {}
        self._dictionary: Dictionary | None = None
        self._names: FeatureNames | None = None
        self.refresh()

    def __repr__(self) -> str:
        reference = self.header.dictionary
        made = "no dictionary yet" if reference is None else f"{reference.n_features} features"
        names = listed([plate.header.name for plate in self._plates.values()]) or "none"
        return f"<Lexicon {self.path}: {made}, plates {names}>"

    def __fspath__(self) -> str:
        """Its folder: an opened lexicon may stand wherever the path of one is asked for."""
        return str(self.path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Lexicon:
        """Open an existing folder; raises :class:`LexiconFolderError` with what is wrong."""
        path = Path(path)
        if not path.is_dir():
            raise LexiconFolderError(
                f"There is no lexicon folder {path}: make one with apply or embed, or check the path."
            )
        return cls(path)

    @classmethod
    def create(cls, path: str | Path, backbone: BackboneSpec) -> Lexicon:
        """Open the folder, or make it for this backbone.

        Raises
        ------
        LexiconFolderError
            If the folder belongs to another backbone or holds something else.
        """
        path = Path(path)
        if (path / "lexicon.json").exists():
            lexicon = cls(path)
            lexicon.check_backbone(backbone)
            return lexicon
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise LexiconFolderError(f"{path} exists and is not a lexicon folder: give another --out.")
        write_json_whole(
            path / "lexicon.json",
            LexiconHeader(software=__version__, backbone=backbone.to_json()).model_dump(mode="json"),
        )
        return cls(path)

    @property
    def name(self) -> str:
        """Folder name without its ending."""
        return self.path.name.removesuffix(".lexicon")

    @property
    def backbone(self) -> BackboneSpec:
        """The backbone that everything here was made with."""
        try:
            return BackboneSpec.from_json(dict(self.header.backbone))
        except TypeError as error:
            raise LexiconFolderError(
                f"{self.path / 'lexicon.json'} is damaged (backbone: {error}): restore it."
            ) from error

    def check_backbone(self, backbone: BackboneSpec) -> None:
        """Raise :class:`LexiconFolderError`, naming the first difference, unless the backbone is this lexicon's."""
        ours, theirs = self.backbone.to_json(), backbone.to_json()
        for key in ours:
            if key != "licence" and ours[key] != theirs[key]:
                raise LexiconFolderError(
                    f"{self.path} was made with another backbone ({key} {ours[key]}, now {theirs[key]}): "
                    "give another --out, or the backbone it was made with."
                )

    @property
    def plates(self) -> Mapping[str, LexiconPlate]:
        """Plates by id, in the order of their ids."""
        return self._plates

    def refresh(self) -> None:
        """Look again which plates and fields there are."""
        reference = self.header.dictionary
        joint = reference is not None and reference.channels != "separate"
        folders = sorted(path.parent for path in self.path.glob("plates/*/plate.json"))
        n_features = reference.n_features if reference else 0
        self._plates = {folder.name: LexiconPlate(folder, n_features, joint) for folder in folders}

    @property
    def dictionary(self) -> Dictionary | None:
        """The dictionary of the codes, None before apply."""
        if self._dictionary is None and self.header.dictionary is not None:
            from napari_lexicon.dictionaries.file_format import load_dictionary

            self._dictionary = load_dictionary(self.path / "dictionary.safetensors")
        return self._dictionary

    def set_dictionary(self, dictionary: Dictionary, file: Path, *, replace: bool = False) -> None:
        """Make this dictionary the lexicon's, copying its file.

        Names given to the features of another dictionary are kept as ``names-HASH.json``; names that come with this one
        are taken over where there are none yet.

        Raises
        ------
        LexiconFolderError
            If the folder has codes of another dictionary and ``replace`` is False.
        """
        reference = DictionaryReference(
            hash=dictionary.hash,
            n_features=dictionary.n_features,
            k=dictionary.k,
            channels=dictionary.header.channels_mode,
        )
        old = self.header.dictionary
        if old is not None and old.hash != reference.hash and not replace:
            raise LexiconFolderError(
                f"{self.path} was made with another dictionary ({old.hash}, now {reference.hash}): "
                "give another --out, or --recompute to replace its codes."
            )
        write_bytes_whole(self.path / "dictionary.safetensors", file.read_bytes())
        self.header = self.header.model_copy(update={"dictionary": reference})
        write_json_whole(self.path / "lexicon.json", self.header.model_dump(mode="json"))
        self._dictionary, self._names = dictionary, None
        self._begin_names(dictionary, None if old is None or old.hash == reference.hash else old.hash)
        self.refresh()

    def _begin_names(self, dictionary: Dictionary, before: str | None) -> None:
        """Put the names of the dictionary before aside, and begin with those that come with this one."""
        path, header = self.path / "names.json", dictionary.header
        if before is not None and path.exists():
            path.replace(path.with_name(f"names-{before}.json"))
        if not path.exists() and header.names:
            suggested = {
                feature: FeatureName(
                    name=name, note=header.names_notes.get(feature, ""), confidence="guess", by=header.software
                )
                for feature, name in header.names.items()
            }
            FeatureNames(path, dictionary.hash).put(suggested)

    @property
    def names(self) -> FeatureNames:
        """Names that people gave to features of this lexicon's dictionary."""
        if self._names is None:
            reference = self.header.dictionary
            if reference is None:
                raise LexiconFolderError(f"{self.path} has no dictionary yet, so no features to name: run apply first.")
            self._names = FeatureNames(self.path / "names.json", reference.hash)
        return self._names

    def write_plate(self, header: PlateHeader, plate_map: pd.DataFrame) -> LexiconPlate:
        """Write or replace the description of a plate."""
        folder = self.path / "plates" / header.id
        if len(plate_map.columns):
            write_bytes_whole(folder / "plate_map.csv", plate_map.to_csv().encode())
        else:
            (folder / "plate_map.csv").unlink(missing_ok=True)
        write_json_whole(folder / "plate.json", header.model_dump(mode="json"))
        self.refresh()
        return self._plates[header.id]

    def plate_id(self, name: str) -> str:
        """Folder name for a plate of this name."""
        return slug(name)

    def only_plate(self, plate: str | None = None) -> LexiconPlate:
        """The plate of this name or id, or the only one.

        Raises
        ------
        LexiconFolderError
            If there is no such plate, or several and none named.
        """
        known = listed([p.header.name for p in self._plates.values()]) or "none"
        if plate is None:
            if len(self._plates) == 1:
                return next(iter(self._plates.values()))
            raise LexiconFolderError(f"{self.path} has several plates or none ({known}): name one with --plate.")
        for candidate in self._plates.values():
            if plate in (candidate.id, candidate.header.name):
                return candidate
        raise LexiconFolderError(f"{self.path} has no plate {plate}: it has {known}.")
