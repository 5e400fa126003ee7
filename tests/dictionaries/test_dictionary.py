from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.dictionaries.planted import World

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.pursuit_encoder import PursuitEncoder
from napari_lexicon.errors import DictionaryError


def test_encoding_raw_tokens_equals_encoding_whitened_ones(world: World, dictionary: Dictionary) -> None:
    unit = F.normalize(dictionary.whitening.whiten(world.tokens[:300]), dim=1)
    before = PursuitEncoder(dictionary.encoder, dictionary.atoms).encode(unit - dictionary.bias)
    folded = dictionary.encode(world.tokens[:300])
    assert torch.equal(before.indices, folded.indices)
    assert torch.allclose(before.values, folded.values, atol=1e-5)


def test_decoding_into_token_space_undoes_all_steps(world: World, dictionary: Dictionary) -> None:
    tokens = world.tokens[:500]
    codes, norms = dictionary.encode(tokens), dictionary.prepared(tokens)[1]
    rebuilt = dictionary.decode(codes, "token", norms)
    error = (rebuilt - tokens).square().sum() / (tokens - tokens.mean(0)).square().sum()
    assert float(error) < 0.05
    assert torch.allclose(
        dictionary.whitening.whiten(rebuilt), dictionary.decode(codes) * norms.unsqueeze(1), rtol=1e-3, atol=1e-2
    )


def test_many_tokens_are_coded_like_few(world: World, dictionary: Dictionary) -> None:
    many = dictionary.encode(world.tokens.repeat(6, 1)[:20000])
    few = dictionary.encode(world.tokens[:100])
    assert many.indices.shape == (20000, dictionary.k)
    assert torch.equal(many.indices[:100], few.indices)


def test_cosine_is_between_prepared_tokens_and_atoms(world: World, dictionary: Dictionary) -> None:
    found = dictionary.cosine(world.tokens[:50], [7, 3])
    white = dictionary.whitening.whiten(world.tokens[:50])
    expected = torch.stack([F.cosine_similarity(white, dictionary.atoms[f], dim=1) for f in (7, 3)], dim=1)
    assert torch.allclose(found, expected, atol=1e-5)


def test_tokens_may_be_an_array_and_a_dictionary_is_one_line(world: World, dictionary: Dictionary) -> None:
    array, tokens = world.tokens[:50].numpy(), world.tokens[:50]
    assert torch.equal(dictionary.encode(array).indices, dictionary.encode(tokens).indices)
    assert torch.equal(dictionary.cosine(array, [7]), dictionary.cosine(tokens, [7]))
    said = repr(dictionary)
    assert f"{len(dictionary.atoms)} features of {dictionary.whitening.dim} numbers" in said
    assert len(said.splitlines()) == 1


def test_the_hash_follows_what_decides_the_codes_and_nothing_else(dictionary: Dictionary) -> None:
    parts = (dictionary.atoms, dictionary.bias, dictionary.whitening)
    same = Dictionary(*parts, dictionary.encoder, dictionary.header.model_copy(update={"names": {1: "x"}}))
    refit = Dictionary(*parts, EncoderSettings(iterations=4, per_iteration=3, refit=True), dictionary.header)
    turned = Dictionary(dictionary.atoms.flip(0), *parts[1:], dictionary.encoder, dictionary.header)
    assert same.hash == dictionary.hash
    assert len({dictionary.hash, refit.hash, turned.hash}) == 3
    assert len(dictionary.hash) == 16


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "timm:vit_small"}, "backbone 'builtin'.*'timm:vit_small'"),
        ({"weights_hash": "ffff"}, "backbone weights"),
        ({"layer": 5}, "layer 4.*layer 5"),
        ({"patch": 16}, "patch size 8.*16"),
        ({"dim": 64}, "token length"),
        ({"preprocessing": "window-2"}, "preprocessing version 'window-1'.*'window-2'"),
    ],
)
def test_tokens_of_another_backbone_are_refused_by_name(dictionary: Dictionary, change: dict, says: str) -> None:
    dictionary.check_compatible(dictionary.header.backbone, "separate")
    with pytest.raises(DictionaryError, match=says):
        dictionary.check_compatible({**dictionary.header.backbone, **change}, "separate")


def test_another_channel_mode_or_other_channels_are_refused(dictionary: Dictionary) -> None:
    with pytest.raises(DictionaryError, match=r"channel mode 'separate'.*'mean'"):
        dictionary.check_compatible(dictionary.header.backbone, "mean")
    header = dictionary.header.model_copy(update={"channels_mode": "concat", "channel_names": ("DNA", "ER")})
    concat = Dictionary(dictionary.atoms, dictionary.bias, dictionary.whitening, dictionary.encoder, header)
    concat.check_compatible(header.backbone, "concat", ["DNA", "ER"])
    with pytest.raises(DictionaryError, match=r"DNA, ER in this order.*ER, DNA"):
        concat.check_compatible(header.backbone, "concat", ["ER", "DNA"])


def test_tokens_of_another_length_or_with_nan_are_refused(world: World, dictionary: Dictionary) -> None:
    with pytest.raises(DictionaryError, match="length 32"):
        dictionary.encode(torch.zeros(3, 16))
    broken = world.tokens[:4].clone()
    broken[2, 0] = torch.inf
    with pytest.raises(DictionaryError, match="infinite"):
        dictionary.encode(broken)
