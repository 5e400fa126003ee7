"""How the tokens of a field lie along the directions of all features, whether or not the pursuit picked them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.lexicons.statistics import BEYOND

_BLOCK_SCORES = 2**22  # scores of tokens and features that are held at a time: 16 MB


@dataclass(frozen=True)
class FieldDirections:
    """Directions over one field. G is the number of channel groups, M that of features.

    Parameters
    ----------
    centre : numpy.ndarray
        ``(G, dim_w)`` float32: mean whitened token over the tokens that count, 0 where none does. Its product with an
        atom is how far the group lies along that feature, in standard deviations of control tokens.
    beyond : numpy.ndarray
        ``(len(BEYOND), G, M)`` uint32: number of tokens that lie farther along the feature than each level.
    farthest, farthest_place : numpy.ndarray
        ``(G, M)`` float16 and uint32: how far the token lies that lies farthest, and its flat grid index; 0 and 0 where
        none lies above 0.
    """

    centre: np.ndarray
    beyond: np.ndarray
    farthest: np.ndarray
    farthest_place: np.ndarray


def directions_of(dictionary: Dictionary, tokens: torch.Tensor, counts: np.ndarray) -> FieldDirections:
    """Directions of the tokens that count.

    Parameters
    ----------
    dictionary : Dictionary
        Its whitening and atoms.
    tokens : torch.Tensor
        ``(G, gh, gw, dim)`` raw tokens.
    counts : numpy.ndarray
        ``(G, gh, gw)`` bool: which of them count.
    """
    whitening, atoms = dictionary.whitening, dictionary.atoms.T
    centre = np.zeros((len(tokens), whitening.dim_whitened), np.float32)
    beyond = np.zeros((len(BEYOND), len(tokens), dictionary.n_features), np.uint32)
    farthest = np.zeros(beyond.shape[1:], np.float32)
    place = np.zeros(beyond.shape[1:], np.uint32)
    rows = max(1, _BLOCK_SCORES // dictionary.n_features)
    for group, (own, counted) in enumerate(zip(tokens, torch.from_numpy(counts), strict=True)):
        chosen = own[counted]
        if not len(chosen):
            continue
        # whitening is affine: the mean may be taken first
        centre[group] = whitening.whiten(chosen.mean(dim=0, keepdim=True))[0].cpu().numpy()
        places = counted.reshape(-1).nonzero()[:, 0]
        for block, where in zip(chosen.split(rows), places.split(rows), strict=True):
            scores = whitening.whiten(block) @ atoms
            highest, at = (part.cpu() for part in scores.max(dim=0))
            better = highest.numpy() > farthest[group]
            farthest[group, better] = highest.numpy()[better]
            place[group, better] = where[at].numpy()[better]
            scores_here = scores.cpu().numpy()
            for level, least in enumerate(BEYOND):
                beyond[level, group] += np.count_nonzero(scores_here > least, axis=0).astype(np.uint32)
    return FieldDirections(centre, beyond, farthest.astype(np.float16), place)
