"""Mean tokens of wells, at every layer and beside a random network: what codes are compared with (questions 2 and 5).

Tokens are whitened on control wells layer by layer, as a dictionary does with its own, and then pooled over the patches
that are not dark. One pass through the network gives all layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch

from napari_lexicon.analysis.models import model_of
from napari_lexicon.analysis.pooled_names import MODEL, RANDOM
from napari_lexicon.analysis.reading import ReadField, Told, finished_fields, untold
from napari_lexicon.backbones import load_backbone
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.backbones.layers import LayeredBackbone, every_layer
from napari_lexicon.backbones.tiling import field_tokens
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon

_TOKENS_PER_FIELD = 400  # of each channel, for the covariance
_FLOOR = 1e-3  # of the mean eigenvalue, below which directions are not blown up


@dataclass(frozen=True)
class PooledTokens:
    """Mean tokens of wells.

    Parameters
    ----------
    wells : pandas.DataFrame
        W rows: ``plate``, ``well``.
    layers : dict of str to numpy.ndarray
        ``(L, W, D)`` per network: whitened mean tokens of the channels, laid end to end.
    numbers : tuple of int
        Which blocks the L layers are.
    reconstructed : numpy.ndarray
        ``(W, D)`` the same of what the dictionary rebuilds of the lexicon's own layer.
    measured : pandas.DataFrame
        ``W`` rows of what was measured in the fields that were read.
    """

    wells: pd.DataFrame
    layers: dict[str, np.ndarray]
    numbers: tuple[int, ...]
    reconstructed: np.ndarray
    measured: pd.DataFrame


@dataclass
class _Sums:
    """Sums over the fields of a plate set for one network, per well and channel."""

    total: dict[tuple[str, str, str], np.ndarray] = field(default_factory=dict)
    count: dict[tuple[str, str, str], float] = field(default_factory=dict)
    sample: list[np.ndarray] = field(default_factory=list)  # of control wells, (n, L * dim)

    def add(self, key: tuple[str, str, str], tokens: np.ndarray, rng: np.random.Generator, control: bool) -> None:
        self.total[key] = self.total.get(key, 0) + tokens.sum(axis=0, dtype=np.float64)
        self.count[key] = self.count.get(key, 0) + len(tokens)
        if control:
            self.sample.append(tokens[rng.permutation(len(tokens))[:_TOKENS_PER_FIELD]].astype(np.float32))


def pooled_tokens(
    lexicon: Lexicon,
    wells: pd.DataFrame,
    control: np.ndarray,
    *,
    layers: Sequence[int] | None = None,
    beside_random: bool = True,
    measure: bool = True,
    most_wells: int = 96,
    seed: int = 0,
    told: Told = untold,
) -> PooledTokens:
    """Embed one field of each well again and pool its tokens.

    Parameters
    ----------
    lexicon : Lexicon
        With codes, and its images where they were.
    wells : pandas.DataFrame
        Wells to read, with columns ``plate`` (name) and ``well``.
    control : numpy.ndarray
        ``(W,)`` bool: wells that tokens are whitened on; all where there are none.
    layers : sequence of int, optional
        Blocks; all where None.
    beside_random : bool
        Read the same architecture with random weights as well, where the model is the built-in one.
    measure : bool
        Measure classical morphology in the same fields.
    most_wells : int
        Wells read at most, at random.
    seed : int
        Of the draw.
    told : callable
        Told of every field.

    Raises
    ------
    LexiconError
        If the model takes all channels at once, or no well has every channel.
    """
    from napari_lexicon.analysis.morphology import WellMorphology

    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(wells))[:most_wells])
    keys = [(str(p), str(w)) for p, w in zip(wells["plate"].iloc[rows], wells["well"].iloc[rows], strict=True)]
    controls = {key for key, row in zip(keys, rows, strict=True) if control[row]} or set(keys)
    networks = _networks(lexicon, layers, beside_random, told)
    sums = {name: _Sums() for name in networks}
    rebuilt, morphology = _Sums(), WellMorphology()
    plates = list(lexicon.plates.values())
    for one in finished_fields(plates, pixels=True, fields_per_well=1, told=told):
        key = (one.plate.header.name, one.header.well)
        if key not in keys:
            continue
        image = np.clip(one.windowed, -1, 10)
        if measure:
            morphology.add(one, image)
        names = [one.plate.header.channels[c].name for c in one.header.channels]
        for network, backbone in networks.items():
            tokens = field_tokens(backbone, image).numpy()
            lit = lit_patches(image, backbone.spec.patch)
            for g, name in enumerate(names):
                if lit[g].any():
                    sums[network].add((*key, name), tokens[g][lit[g]], rng, key in controls)
            if network == MODEL:
                _add_rebuilt(rebuilt, lexicon, one, backbone, tokens, lit, key, names)
    return _pooled(
        lexicon, keys, networks, sums, rebuilt, morphology.table(pd.DataFrame(keys, columns=["plate", "well"]))
    )


def _networks(
    lexicon: Lexicon, layers: Sequence[int] | None, beside_random: bool, told: Told
) -> dict[str, LayeredBackbone]:
    model = every_layer(model_of(lexicon, told))
    found = {MODEL: model}
    if beside_random and lexicon.backbone.id == "builtin":
        found[RANDOM] = every_layer(load_backbone("random", device="cpu"))
    if layers is not None:
        found = {name: one.reading(layers) for name, one in found.items()}
    return found


def _add_rebuilt(
    sums: _Sums,
    lexicon: Lexicon,
    one: ReadField,
    backbone: LayeredBackbone,
    tokens: np.ndarray,
    lit: np.ndarray,
    key: tuple[str, str],
    names: Sequence[str],
) -> None:
    """Mean of what the stored codes rebuild; nothing for joint dictionaries."""
    from napari_lexicon.dictionaries.codes import Codes

    dictionary, own = lexicon.dictionary, lexicon.backbone.layer
    if dictionary is None or one.plate.joint or own not in backbone.layers:
        return
    dim = lexicon.backbone.dim
    at = backbone.layers.index(own) * dim
    for g, name in enumerate(names):
        use = lit[g]
        if not use.any():
            continue
        norms = dictionary.prepared(torch.from_numpy(tokens[g][use][:, at : at + dim]))[1]
        codes = Codes(
            torch.from_numpy(one.codes.indices[g][use].astype(np.int64)),
            torch.from_numpy(one.codes.values[g][use].astype(np.float32)),
        )
        back = dictionary.decode(codes, "token", norms).numpy()
        sums.total[(*key, name)] = sums.total.get((*key, name), 0) + back.sum(axis=0, dtype=np.float64)
        sums.count[(*key, name)] = sums.count.get((*key, name), 0) + len(back)


def _pooled(
    lexicon: Lexicon,
    keys: Sequence[tuple[str, str]],
    networks: dict[str, LayeredBackbone],
    sums: dict[str, _Sums],
    rebuilt: _Sums,
    measured: pd.DataFrame,
) -> PooledTokens:
    channels = list(dict.fromkeys(c.name for plate in lexicon.plates.values() for c in plate.header.channels))
    read = sums[MODEL].total
    channels = [c for c in channels if any((*key, c) in read for key in keys)]
    whole = [n for n, key in enumerate(keys) if all((*key, c) in read for c in channels)]
    if not whole:
        raise LexiconError("No well has something to see in every channel: layers cannot be compared.")
    kept = [keys[n] for n in whole]
    numbers, dim = networks[MODEL].layers, lexicon.backbone.dim
    layers = {}
    own_map: tuple[np.ndarray, np.ndarray] | None = None
    for name, one in sums.items():
        means = _means(one, kept, channels)  # (W, C, L * dim)
        sample = np.concatenate(one.sample).astype(np.float64)
        parts = []
        for n, layer in enumerate(numbers):
            span = slice(n * dim, (n + 1) * dim)
            centre, matrix = _whitening(sample[:, span])
            if name == MODEL and layer == lexicon.backbone.layer:
                own_map = centre, matrix
            parts.append(((means[..., span] - centre) @ matrix.T).reshape(len(kept), -1))
        layers[name] = np.stack(parts)
    again = np.zeros((len(kept), 0))
    if own_map is not None and rebuilt.total:
        again = ((_means(rebuilt, kept, channels) - own_map[0]) @ own_map[1].T).reshape(len(kept), -1)
    frame = pd.DataFrame(kept, columns=["plate", "well"])
    return PooledTokens(frame, layers, tuple(numbers), again, measured.iloc[whole].reset_index(drop=True))


def _means(sums: _Sums, keys: Sequence[tuple[str, str]], channels: Sequence[str]) -> np.ndarray:
    return np.stack([[sums.total[(*key, c)] / sums.count[(*key, c)] for c in channels] for key in keys])


def _whitening(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``(dim,)`` and matrix ``(dim, dim)`` of the map that gives ``(n, dim)`` tokens unit covariance."""
    centre = tokens.mean(axis=0)
    sizes, vectors = np.linalg.eigh(np.cov(tokens - centre, rowvar=False))
    floor = _FLOOR * max(float(sizes.mean()), 1e-12)
    return centre, (vectors / np.sqrt(sizes.clip(min=0) + floor)).T
