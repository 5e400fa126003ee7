"""The model of a job: its weights are brought first, so that a download is seen and can be stopped like any work."""

from __future__ import annotations

from napari_lexicon.backbones import load_backbone
from napari_lexicon.backbones.downloads import Watch, in_megabytes
from napari_lexicon.backbones.loading import bring_weights
from napari_lexicon.backbones.spec import Backbone
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop


def loaded_backbone(name: str, layer: int | None, device: str, report: Report, should_stop: ShouldStop) -> Backbone:
    """A backbone, ready to run.

    Raises
    ------
    BackboneError
        As :func:`~napari_lexicon.backbones.loading.load_backbone`, and where the download was stopped.
    """
    told = in_megabytes(lambda done, total: report(Progress(done, total, f"downloading {name} (MB)")))
    bring_weights(name, Watch(told, should_stop))
    report(Progress(0, 0, "loading the backbone"))
    return load_backbone(name, layer=layer, device=device)
