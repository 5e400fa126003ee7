"""Read what a vision model sees in microscopy plates, feature by feature.

Importing the package loads neither torch nor napari nor Qt; the names below are imported when they are used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PLACES = {
    "apply": "napari_lexicon.api",
    "ask": "napari_lexicon.api",
    "convert": "napari_lexicon.api",
    "embed": "napari_lexicon.api",
    "export_names": "napari_lexicon.api",
    "features": "napari_lexicon.api",
    "import_names": "napari_lexicon.api",
    "info": "napari_lexicon.api",
    "model_card": "napari_lexicon.api",
    "overlay": "napari_lexicon.api",
    "profiles": "napari_lexicon.api",
    "report": "napari_lexicon.api",
    "teach": "napari_lexicon.api",
    "train": "napari_lexicon.api",
    "open_plate": "napari_lexicon.plates",
    "simulate_plate": "napari_lexicon.samples.plate",
    "load_backbone": "napari_lexicon.backbones",
    "load_dictionary": "napari_lexicon.dictionaries",
    "Lexicon": "napari_lexicon.lexicons",
    "LexiconError": "napari_lexicon.errors",
}

__all__ = ["__version__", *_PLACES]

if TYPE_CHECKING:
    from napari_lexicon.api import apply as apply
    from napari_lexicon.api import ask as ask
    from napari_lexicon.api import convert as convert
    from napari_lexicon.api import embed as embed
    from napari_lexicon.api import export_names as export_names
    from napari_lexicon.api import features as features
    from napari_lexicon.api import import_names as import_names
    from napari_lexicon.api import info as info
    from napari_lexicon.api import model_card as model_card
    from napari_lexicon.api import overlay as overlay
    from napari_lexicon.api import profiles as profiles
    from napari_lexicon.api import report as report
    from napari_lexicon.api import teach as teach
    from napari_lexicon.api import train as train
    from napari_lexicon.backbones import load_backbone as load_backbone
    from napari_lexicon.dictionaries import load_dictionary as load_dictionary
    from napari_lexicon.errors import LexiconError as LexiconError
    from napari_lexicon.lexicons import Lexicon as Lexicon
    from napari_lexicon.plates import open_plate as open_plate
    from napari_lexicon.samples.plate import simulate_plate as simulate_plate


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
