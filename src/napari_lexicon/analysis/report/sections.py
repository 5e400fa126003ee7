"""The sections of a report in their order, each from findings to HTML; empty where there is nothing to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from napari_lexicon.analysis.report.cards import features
from napari_lexicon.analysis.report.edited import edits
from napari_lexicon.analysis.report.evidence import (
    confounding,
    methods_text,
    named,
    stain_correlations,
    without_channels,
)
from napari_lexicon.analysis.report.findings import Findings
from napari_lexicon.analysis.report.matched import matched
from napari_lexicon.analysis.report.network import layers
from napari_lexicon.analysis.report.numbers import cells, counts, probes, selective, transfer
from napari_lexicon.analysis.report.photos import Photos
from napari_lexicon.analysis.report.treatments import heat, plates, treatments, volcanos

SECTIONS: tuple[tuple[str, str, Callable[[Findings, Mapping[int, Photos]], str]], ...] = (
    ("plate", "The plate", lambda found, photos: plates(found)),
    ("treatments", "Treatments", lambda found, photos: treatments(found)),
    ("features", "In pictures", features),
    ("volcano", "Volcano plots", lambda found, photos: volcanos(found)),
    ("heat", "Heat map", lambda found, photos: heat(found)),
    ("selectivity", "Selectivity", lambda found, photos: selective(found)),
    ("cells", "Cells", lambda found, photos: cells(found)),
    ("names", "Names", lambda found, photos: named(found)),
    ("probes", "Probes", lambda found, photos: probes(found)),
    ("counts", "Counts", lambda found, photos: counts(found)),
    ("transfer", "Plate to plate", lambda found, photos: transfer(found)),
    ("match", "Another lexicon", lambda found, photos: matched(found)),
    ("confounds", "Confounds", lambda found, photos: confounding(found)),
    ("stains", "Stains", lambda found, photos: stain_correlations(found)),
    ("channels", "Without a channel", lambda found, photos: without_channels(found)),
    ("edits", "What they do", lambda found, photos: edits(found)),
    ("layers", "Layers", lambda found, photos: layers(found)),
    ("methods", "Methods", lambda found, photos: methods_text(found)),
)
