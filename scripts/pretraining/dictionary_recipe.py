"""How the dictionary over a backbone is made: whitening on controls, ICFL on the mix, several seeds compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import torch

from napari_lexicon.backbones import BackboneSpec
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.header import DictionaryHeader
from napari_lexicon.dictionaries.taught import with_taught
from napari_lexicon.dictionaries.token_source import ArrayTokens, split_tokens
from napari_lexicon.dictionaries.train import TrainResult, train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import Whitening, WhiteningAccumulator

from .token_sample import SampleSettings, TokenSample

DIRECTIONS = 48
"""Principal directions kept in whitening. With all 192 the small ones, which are mostly noise, count as much as the
large ones: features are found again in other seeds a third as often, and their directions tell phenotypes apart less
well (docs/benchmarks/backbone.md)."""
WHITENING = {"form": "pca", "floor": 1e-3, "components": DIRECTIONS}


def recipe(features: int = 256, steps: int = 400, seed: int = 0, iterations: int = 4) -> TrainSettings:
    """Settings of the built-in dictionary: ``iterations`` rounds of two picks."""
    return TrainSettings(
        algorithm="icfl-anchored",
        features=features,
        iterations=iterations,
        per_iteration=2,
        steps=steps,
        batch=2048,
        learning_rate=5e-3,
        seed=seed,
        evaluate_every=max(1, steps // 6),
        checkpoint_every=max(1, steps // 6),
    )


def control_whitening(sample: TokenSample) -> Whitening:
    """PCA whitening of the control tokens of a sample."""
    accumulator = WhiteningAccumulator(sample.tokens.shape[1])
    accumulator.update(sample.tokens[sample.control])
    return accumulator.fit("pca", floor=1e-3, components=DIRECTIONS)


def fitted(
    spec: BackboneSpec,
    sample: TokenSample,
    settings: TrainSettings,
    about: SampleSettings,
    taught: Mapping[str, torch.Tensor] | None = None,
) -> TrainResult:
    """A dictionary over the tokens of a backbone; ``taught`` directions become features after all others."""
    header = DictionaryHeader(
        name="built-in",
        backbone=spec.to_json(),
        channels_mode="separate",
        control_query="untreated fields of simulated plates, and real images",
        control_tokens=int(sample.control.sum()),
        control_wells=len(torch.unique(sample.groups[sample.control])),
        whitening={**WHITENING, "sample": {key: value for key, value in asdict(about).items() if key != "seed"}},
    )
    source = ArrayTokens(sample.tokens, sample.groups)
    result = train_dictionary(settings, source, control_whitening(sample), header=header)
    if not taught:
        return result
    split = split_tokens(source, settings.validation_fraction, settings.validation_tokens, settings.seed)
    larger = with_taught(result.dictionary, taught, source.tokens(split.held_out))
    return replace(result, dictionary=larger, metrics=larger.header.metrics)


def stability(dictionary: Dictionary, others: Sequence[Dictionary]) -> torch.Tensor:
    """How well each atom is found again: mean over the other seeds of the cosine with its nearest atom, ``(M,)``."""
    return torch.stack([(dictionary.atoms @ other.atoms.T).amax(1) for other in others]).mean(0)


def with_stability(dictionary: Dictionary, others: Sequence[Dictionary]) -> Dictionary:
    """The same dictionary with the stability of its features."""
    return Dictionary(
        dictionary.atoms,
        dictionary.bias,
        dictionary.whitening,
        dictionary.encoder,
        dictionary.header,
        stability(dictionary, others),
    )
