"""Whitening, ICFL and the algorithms it is compared with, their training, and the dictionary file.

The names below are imported when they are used, so that naming this room does not load torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PLACES = {
    "ArrayTokens": "token_source",
    "Codes": "codes",
    "Dictionary": "dictionary",
    "DictionaryHeader": "header",
    "EncoderSettings": "encoder",
    "TrainResult": "train",
    "TrainSettings": "train_settings",
    "Whitening": "whitening",
    "WhiteningAccumulator": "whitening",
    "load_dictionary": "file_format",
    "save_dictionary": "file_format",
    "train_dictionary": "train",
}

__all__ = [
    "ArrayTokens",
    "Codes",
    "Dictionary",
    "DictionaryHeader",
    "EncoderSettings",
    "TrainResult",
    "TrainSettings",
    "Whitening",
    "WhiteningAccumulator",
    "load_dictionary",
    "save_dictionary",
    "train_dictionary",
]

if TYPE_CHECKING:
    from napari_lexicon.dictionaries.codes import Codes
    from napari_lexicon.dictionaries.dictionary import Dictionary
    from napari_lexicon.dictionaries.encoder import EncoderSettings
    from napari_lexicon.dictionaries.file_format import load_dictionary, save_dictionary
    from napari_lexicon.dictionaries.header import DictionaryHeader
    from napari_lexicon.dictionaries.token_source import ArrayTokens
    from napari_lexicon.dictionaries.train import TrainResult, train_dictionary
    from napari_lexicon.dictionaries.train_settings import TrainSettings
    from napari_lexicon.dictionaries.whitening import Whitening, WhiteningAccumulator


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
