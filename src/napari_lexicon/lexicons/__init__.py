"""The lexicon folder: reading and writing, nothing else."""

from napari_lexicon.lexicons.directions import WellDirections
from napari_lexicon.lexicons.folder import Lexicon
from napari_lexicon.lexicons.names import FeatureName, FeatureNames
from napari_lexicon.lexicons.plate import Example, FieldCodes, FieldTokens, FineField, LexiconPlate
from napari_lexicon.lexicons.statistics import BEYOND, FieldStatistics, WellStatistics

__all__ = [
    "BEYOND",
    "Example",
    "FeatureName",
    "FeatureNames",
    "FieldCodes",
    "FieldStatistics",
    "FieldTokens",
    "FineField",
    "Lexicon",
    "LexiconPlate",
    "WellDirections",
    "WellStatistics",
]
