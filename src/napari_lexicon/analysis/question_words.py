"""The questions in words; apart from their answers, so that the window can list them and load nothing else."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "effects": "which features tell each treatment from its controls",
    "selectivity": "which features fire for one value of a column and not for the others",
    "selective": "how many features are selective, and how many would be by chance",
    "activity": "do replicates find each other among controls; with a column of kinds: do treatments of a kind",
    "alike": "which treatments look alike",
    "enrichment": "which names and tags are more common among the features called for a treatment",
    "doses": "which features follow the dose, and at which dose they change by half",
    "confounds": "which features go with plate, place, brightness, sharpness or nuclei",
    "corrections": "what centring, typical-variation normalisation and Harmony leave of the column and of the plate",
    "probes": "how well a column is told by a probe of features, beside embeddings, a random network and morphology",
    "depth": "at which layer the column appears, and where plate, place and brightness fade",
    "counts": "which feature goes with each measurement, or with nuclei, scored on other wells",
    "meanings": "whether a feature is about one measurement or about many, beside dimensions of the embedding",
    "stains": "which stain each feature follows",
    "channels": "what becomes of a feature when a channel is removed or shuffled (dictionaries of joined channels)",
    "cells": "values of the chosen feature in every cell",
    "responders": "which part of the cells responds to each treatment, and which stays like controls",
    "composition": "responding and control-like cells of every well",
    "edits": "what a feature does: it is removed, scaled or added in patches, drawn, and read again",
    "match": "which feature of another lexicon is the same feature",
    "transfer": "do effects and selectivity come back on other plates, or in another lexicon",
}
"""Question by its name, as ``napari-lexicon ask`` takes it."""

ASKED: dict[str, str] = {
    "effects": "What does each treatment do?",
    "selectivity": "Which features tell the values of a column apart?",
    "selective": "How many features are selective?",
    "activity": "Do replicates look alike?",
    "alike": "Which treatments look alike?",
    "enrichment": "Which names does a treatment bring up?",
    "doses": "Which features follow the dose?",
    "confounds": "Which features may be artefacts?",
    "corrections": "What would a correction leave?",
    "probes": "How well is a column told by features?",
    "depth": "At which layer does a column appear?",
    "counts": "Which feature counts nuclei?",
    "meanings": "Is a feature about one measurement?",
    "stains": "Which stain does each feature follow?",
    "channels": "What if a channel were missing?",
    "cells": "How strong is the feature in every cell?",
    "responders": "Which part of the cells responds?",
    "composition": "What cells is each well made of?",
    "edits": "What changes when the feature is edited?",
    "match": "Which feature is the same in another lexicon?",
    "transfer": "Do effects come back on other plates?",
}
"""The same as a person would ask it, for the window."""

OF_A_FEATURE = ("cells", "edits")
"""Questions about chosen features."""

OF_NO_COLUMN = ("stains", "counts", "meanings", "channels", "cells", "edits", "match")
"""Questions that ask nothing of what was done to wells; all others need a column of the plate map."""

OF_TWO = ("match",)
"""Questions that need a second lexicon."""

DRAWN = ("edits",)
"""Questions whose answer has a picture."""
