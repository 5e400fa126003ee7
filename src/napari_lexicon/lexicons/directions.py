"""How the wells of a plate lie along the directions of features, gathered field by field."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_lexicon.lexicons.statistics import BEYOND, StrongestPlaces, WellStatistics


@dataclass(frozen=True)
class WellDirections:
    """Directions over wells. W is the number of wells, C that of channels (1 for joint modes), M that of features.

    Parameters
    ----------
    centres : numpy.ndarray
        ``(W, C, dim_w)`` float64: mean whitened token, NaN where a well has none. Its product with an atom is how far
        the well lies along that feature, in standard deviations of control tokens.
    beyond : numpy.ndarray, optional
        ``(len(BEYOND), W, C, M)`` uint32: tokens that lie farther along the feature than each level. None where a field
        was computed by a version that did not count them.
    places : StrongestPlaces, optional
        Where tokens lie farthest along each feature, in standard deviations of control tokens. None where a field was
        computed by a version that did not keep it.
    """

    centres: np.ndarray
    beyond: np.ndarray | None
    places: StrongestPlaces | None = None

    def read(self, statistics: WellStatistics, atoms: np.ndarray, level: float) -> WellStatistics | None:
        """Statistics in which a token counts as firing where it lies beyond a level along the feature.

        Parameters
        ----------
        statistics : WellStatistics
            Of the codes of the same wells. Strongest values stay those of the codes.
        atoms : numpy.ndarray
            ``(M, dim_w)`` directions of the features.
        level : float
            One of :data:`~napari_lexicon.lexicons.statistics.BEYOND`.

        Returns
        -------
        WellStatistics or None
            ``active`` counts these tokens, ``total`` sums how far all tokens lie along the feature, and may be
            negative; the strongest places are the farthest, where they were kept. None where tokens were not counted.
        """
        if self.beyond is None:
            return None
        along = np.nan_to_num(self.centres) @ atoms.T.astype(np.float64)
        total = along * statistics.tokens.astype(np.float64)[:, :, None]
        read = replace(statistics, total=total, active=self.beyond[BEYOND.index(level)])
        return read if self.places is None else read.with_places(self.places)


class DirectionsGatherer:
    """Adds fields up to wells.

    Parameters
    ----------
    wells : tuple of str
        Canonical names.
    channels : int
        C.
    """

    def __init__(self, wells: tuple[str, ...], channels: int) -> None:
        self._position = {well: w for w, well in enumerate(wells)}
        self._tokens = np.zeros((len(wells), channels, 1))
        self._total: np.ndarray | None = None
        self._beyond: np.ndarray | None = None
        self._counted = True
        self._places: StrongestPlaces | None = None
        self._placed = True

    def add_places(
        self, field: int, channels: tuple[int, ...], farthest: np.ndarray | None, place: np.ndarray | None
    ) -> None:
        """Add how far tokens of a field lie and where, each ``(G, M)``; None where it was not kept."""
        self._placed &= farthest is not None and place is not None
        if farthest is None or place is None or not self._placed:
            return
        if self._places is None:
            self._places = StrongestPlaces.empty(farthest.shape[1])
        for group, channel in enumerate(channels):
            self._places.keep(field, channel, farthest[group].astype(np.float32), place[group])

    def add(
        self, well: str, channels: tuple[int, ...], tokens: np.ndarray, centre: np.ndarray, beyond: np.ndarray | None
    ) -> None:
        """Add a field: ``(G,)`` tokens that count, ``(G, dim_w)`` centre and ``(len(BEYOND), G, M)`` counts."""
        row, places = self._position[well], np.asarray(channels, dtype=np.int64)
        if self._total is None:
            self._total = np.zeros((*self._tokens.shape[:2], centre.shape[1]))
        self._total[row, places] += centre.astype(np.float64) * tokens[:, None]
        self._tokens[row, places] += tokens[:, None]
        self._counted &= beyond is not None
        if beyond is None or not self._counted:
            return
        if self._beyond is None:
            self._beyond = np.zeros((len(beyond), *self._tokens.shape[:2], beyond.shape[2]), np.uint32)
        self._beyond[:, row, places] += beyond

    def directions(self) -> WellDirections | None:
        """Of all fields that were added; None where there are none."""
        if self._total is None:
            return None
        with np.errstate(invalid="ignore"):
            centres = self._total / self._tokens
        return WellDirections(centres, self._beyond if self._counted else None, self._places if self._placed else None)
