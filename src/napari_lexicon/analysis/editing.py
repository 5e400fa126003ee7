"""Question 10: what a feature does. A feature is taken out of a patch, scaled or put in, decoded and embedded again.

The edit is made in token space and leaves alone what the dictionary does not explain: the token moves along the
feature's atom and along nothing else. What the decoder draws differently is added to the original pixels, so that the
blur of decoding is no part of the edit. The picture is then embedded and coded again, which is the check: does the
feature move as asked, and do others stay? Only models of the built-in family have a decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_lexicon.backbones import load_like
from napari_lexicon.backbones.decoder import TokenDecoder, load_decoder
from napari_lexicon.errors import LexiconError

if TYPE_CHECKING:
    from napari_lexicon.backbones.spec import Backbone
    from napari_lexicon.dictionaries.dictionary import Dictionary
    from napari_lexicon.lexicons import Lexicon

SIDE = 11  # patches of a tile; the one in the middle is edited
_AT_ONCE = 32  # tiles per forward pass


@dataclass(frozen=True)
class Edited:
    """N patches before and after an edit.

    Parameters
    ----------
    before, after : numpy.ndarray
        ``(N, M)`` codes of the middle patch: of the original, and of the edited picture embedded again.
    asked : numpy.ndarray
        ``(N,)`` value that the feature was to have.
    feature : numpy.ndarray
        ``(N,)`` which one was edited.
    along : numpy.ndarray
        ``(N,)`` how far the whitened token of unit norm went along the feature's atom, whatever code came of it.
    pictures : numpy.ndarray
        ``(N, Y, X)`` float32 edited tiles, in units of the intensity window.
    """

    before: np.ndarray
    after: np.ndarray
    asked: np.ndarray
    feature: np.ndarray
    along: np.ndarray
    pictures: np.ndarray

    def moved(self) -> np.ndarray:
        """``(N,)`` change of the feature's value, in parts of what was asked."""
        rows = np.arange(len(self.asked))
        return self._in_parts(self.after[rows, self.feature] - self.before[rows, self.feature])

    def moved_along(self) -> np.ndarray:
        """``(N,)`` the same of the token along the atom."""
        return self._in_parts(self.along)

    def _in_parts(self, change: np.ndarray) -> np.ndarray:
        wanted = self.asked - self.before[np.arange(len(self.asked)), self.feature]
        return np.asarray(np.divide(change, wanted, out=np.zeros(len(wanted)), where=np.abs(wanted) > 1e-9))

    def rank(self) -> np.ndarray:
        """``(N,)`` place of the edited feature among all by how much they moved, 1 for the first."""
        change = np.abs(self.after - self.before)
        own = change[np.arange(len(change)), self.feature]
        return np.asarray((change > own[:, None]).sum(axis=1) + 1)

    def others(self) -> np.ndarray:
        """``(N,)`` length of the change of all other features' values, over the change that was asked of the one."""
        change = self.after - self.before
        change[np.arange(len(change)), self.feature] = 0
        return np.asarray(np.abs(self._in_parts(np.linalg.norm(change, axis=1))))


@dataclass(frozen=True)
class Original:
    """N tiles as they are: their pixels ``(N, Y, X)``, tokens, codes ``(N, M)`` of the middle patch, and decoded."""

    tiles: np.ndarray
    tokens: torch.Tensor
    codes: np.ndarray
    decoded: np.ndarray


class Editor:
    """Edits features of patches and looks at what becomes of them.

    Parameters
    ----------
    backbone : Backbone
        A model of the built-in family.
    decoder : TokenDecoder
        Its decoder, for the same layer.
    dictionary : Dictionary
        Of separate channels.
    """

    def __init__(self, backbone: Backbone, decoder: TokenDecoder, dictionary: Dictionary) -> None:
        self.backbone, self.decoder, self.dictionary = backbone, decoder, dictionary

    @classmethod
    def of(cls, lexicon: Lexicon) -> Editor:
        """Editor for the features of a lexicon.

        Raises
        ------
        LexiconError
            If its model has no decoder, or a token of its dictionary is more than one channel.
        """
        dictionary = lexicon.dictionary
        if dictionary is None:
            raise LexiconError(f"{lexicon.path} has no dictionary yet: run apply first.")
        if lexicon.backbone.id != "builtin":
            raise LexiconError(
                f"Features of {lexicon.backbone.id} cannot be drawn: only the built-in model came with a decoder."
            )
        if dictionary.header.channels_mode != "separate":
            raise LexiconError(
                "Features over several channels at once cannot be drawn: the decoder knows tokens of one channel."
            )
        backbone = load_like(lexicon.backbone, device="cpu")
        return cls(backbone, load_decoder(layer=lexicon.backbone.layer), dictionary)

    def tokens(self, tiles: np.ndarray) -> torch.Tensor:
        """``(N, gh, gw, dim)`` tokens of ``(N, Y, X)`` tiles of one channel each."""
        pictures = torch.from_numpy(np.ascontiguousarray(tiles, np.float32))[:, None]
        return torch.cat([self.backbone.tokens(part)[:, 0] for part in torch.split(pictures, _AT_ONCE)])

    def codes(self, tokens: torch.Tensor) -> np.ndarray:
        """``(N, M)`` values of the features in the middle patch of ``(N, gh, gw, dim)`` tokens."""
        found = self.dictionary.encode(_middle(tokens)).merged()
        full = torch.zeros(len(tokens), self.dictionary.n_features)
        return np.asarray(full.scatter_add_(1, found.indices, found.values).numpy())

    def edited_tokens(self, tokens: torch.Tensor, feature: np.ndarray, change: np.ndarray) -> torch.Tensor:
        """Tokens whose middle patch has ``change (N,)`` more of ``feature (N,)``.

        Values are coefficients of unit atoms for whitened tokens of unit norm, so the step is scaled with the norm that
        the whitened token had, and the whitening is undone.
        """
        norms = self.dictionary.prepared(_middle(tokens))[1]
        atoms = self.dictionary.atoms[torch.from_numpy(np.asarray(feature, np.int64))]
        amount = torch.from_numpy(np.asarray(change, np.float32)) * norms
        result = tokens.clone()
        row, column = (side // 2 for side in tokens.shape[1:3])
        result[:, row, column] += (amount[:, None] * atoms) @ self.dictionary.whitening.inverse.T
        return result

    def original(self, tiles: np.ndarray) -> Original:
        """Read ``(N, Y, X)`` tiles of one channel each, an odd number of patches along each side."""
        tokens = self.tokens(tiles)
        return Original(tiles, tokens, self.codes(tokens), self.decoder.pixels(tokens).numpy())

    def edit(self, start: Original, feature: np.ndarray, asked: np.ndarray) -> Edited:
        """Give the middle patch of every tile another value of a feature.

        Parameters
        ----------
        start : Original
            The tiles.
        feature : numpy.ndarray
            ``(N,)`` number of the feature.
        asked : numpy.ndarray
            ``(N,)`` value that it is to have; 0 removes it.
        """
        feature = np.asarray(feature, np.int64)
        change = np.asarray(asked) - start.codes[np.arange(len(feature)), feature]
        edited = self.decoder.pixels(self.edited_tokens(start.tokens, feature, change)).numpy()
        pictures = start.tiles + edited - start.decoded
        again = self.tokens(pictures)
        units = [self.dictionary.prepared(_middle(one))[0] for one in (start.tokens, again)]
        along = ((units[1] - units[0]) * self.dictionary.atoms[torch.from_numpy(feature)]).sum(dim=1).numpy()
        return Edited(start.codes, self.codes(again), np.asarray(asked), feature, along, pictures)


def _middle(tokens: torch.Tensor) -> torch.Tensor:
    return tokens[:, tokens.shape[1] // 2, tokens.shape[2] // 2]
