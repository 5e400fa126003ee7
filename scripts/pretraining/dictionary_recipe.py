"""How the dictionary over a backbone is made: whitening on controls, ICFL on the mix, several seeds compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import torch
import torch.nn.functional as F

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


def taught_anew(
    dictionary: Dictionary, sample: TokenSample, directions: Mapping[str, torch.Tensor], dropped: Sequence[str] = ()
) -> Dictionary:
    """The same dictionary with other directions for some of what it was taught; all features keep their numbers.

    What is new takes the places of ``dropped`` features, and otherwise comes after all others.

    Parameters
    ----------
    dictionary : Dictionary
        Its first features were learnt, all others were taught.
    sample : TokenSample
        What it was made from: figures are counted on the part that was held out then.
    directions : dict of str to torch.Tensor
        By what they are taught, ``(dim_w,)``; what is not there stays as it was.
    dropped : sequence of str
        What was taught, and is not any more; there must be as much that is new.
    """
    header = dictionary.header
    settings = TrainSettings(**header.training)
    new = iter([name for name in directions if name not in header.taught.values()])
    numbered = {feature: next(new) if name in dropped else name for feature, name in sorted(header.taught.items())}
    numbered.update(enumerate(new, start=dictionary.n_features))
    taught = {
        name: directions[name] if name in directions else dictionary.atoms[feature]
        for feature, name in numbered.items()
    }
    learnt = Dictionary(
        dictionary.atoms[: settings.features],
        dictionary.bias,
        dictionary.whitening,
        dictionary.encoder,
        header.model_copy(update={"taught": {}}),
    )
    source = ArrayTokens(sample.tokens, sample.groups)
    split = split_tokens(source, settings.validation_fraction, settings.validation_tokens, settings.seed)
    larger = with_taught(learnt, taught, source.tokens(split.held_out))
    atoms = larger.atoms.clone()
    kept = [feature for feature in range(dictionary.n_features) if numbered.get(feature) not in directions]
    atoms[kept] = dictionary.atoms[kept]  # unit rows scaled again differ in the last bit
    return Dictionary(
        atoms, larger.bias, larger.whitening, larger.encoder, larger.header, _lengthened(dictionary, larger)
    )


def _lengthened(dictionary: Dictionary, larger: Dictionary) -> torch.Tensor | None:
    """The stability of the features; that of new ones is 1, as of all that is taught: every seed is given the same."""
    known = dictionary.stability
    return None if known is None else F.pad(known, (0, larger.n_features - len(known)), value=1.0)
