"""The lexicon folder: reading and writing, nothing else."""

from napari_lexicon.lexicons.folder import Example, FieldCodes, FieldTokens, FineField, Lexicon, LexiconPlate
from napari_lexicon.lexicons.names import FeatureName, FeatureNames
from napari_lexicon.lexicons.statistics import FieldStatistics, WellStatistics

__all__ = [
    "Example",
    "FeatureName",
    "FeatureNames",
    "FieldCodes",
    "FieldStatistics",
    "FieldTokens",
    "FineField",
    "Lexicon",
    "LexiconPlate",
    "WellStatistics",
]
