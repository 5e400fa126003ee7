"""The model of a lexicon, for questions that read fields again: a download of it is told of as any work is."""

from __future__ import annotations

from napari_lexicon.analysis.reading import Told, untold
from napari_lexicon.backbones import load_like
from napari_lexicon.backbones.downloads import Watch, in_megabytes
from napari_lexicon.backbones.spec import Backbone
from napari_lexicon.lexicons import Lexicon


def model_of(lexicon: Lexicon, told: Told = untold) -> Backbone:
    """The backbone of a lexicon on the processor, checked to be the same one.

    Parameters
    ----------
    lexicon : Lexicon
        After embed or apply.
    told : callable
        Told that the model is loaded, and of the megabytes of a download. Raising an exception ends both; what has come
        of a file is kept.

    Raises
    ------
    BackboneError
        If its weights cannot be had, or are of another model.
    """
    name = lexicon.backbone.id
    watch = Watch(in_megabytes(lambda done, total: told(done, total, f"downloading {name} (MB)")))
    told(0, 0, "loading the model")
    return load_like(lexicon.backbone, device="cpu", watch=watch)
