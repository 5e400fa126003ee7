"""The map of a feature over the fields on the screen, as the look and the style ask for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.analysis.outlines import LINE, outline_map
from napari_lexicon.viewer.distinct import free_color
from napari_lexicon.viewer.overlay import ActivationMap
from napari_lexicon.widgets.workspace.drawn_maps import (
    TRIAL_TOP,
    DrawnMaps,
    empty_maps,
    maps_of_codes,
    maps_of_fine,
    maps_of_trial,
)
from napari_lexicon.widgets.workspace.fine_reading import FinePlace
from napari_lexicon.widgets.workspace.state import MapLook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_lexicon.lexicons import FieldCodes, Lexicon
    from napari_lexicon.viewer.side_by_side import SideBySide
    from napari_lexicon.widgets.workspace.fine_reading import FineReading
    from napari_lexicon.widgets.workspace.reading import LexiconReading
    from napari_lexicon.widgets.workspace.state import WorkspaceState
    from napari_lexicon.widgets.workspace.trial import Trial

_WHY = {"taught": ", which was taught", "silent": " (its code is in no patch of the plate)"}

TRIAL = MapLook("direction", 1)


def feature_title(lexicon: Lexicon, feature: int) -> str:
    """``"#412 fragmented mitochondria"``, or ``"#412"`` without a name."""
    named = lexicon.names.get(feature)
    return f"#{feature} {named.name}" if named and named.name else f"#{feature}"


class MapMaking:
    """Makes maps from codes, or from fields that were read closer where the look asks for it."""

    def __init__(self, state: WorkspaceState, reading: LexiconReading, fine: FineReading, trial: Trial) -> None:
        self._state, self._reading, self._fine, self._trial = state, reading, fine, trial

    def want(self, side: SideBySide | None, codes: Mapping[str, FieldCodes | None]) -> None:
        """Have the fields on the screen read closer where a map on the image asks for it."""
        if self._trial.shown:
            self._fine.want(list(self._places(side, codes, TRIAL).values()))
            return
        shown = [*self._state.kept, *([] if self._state.feature is None else [self._state.feature])]
        close = [look for feature in shown if not (look := self._reading.look_of(feature)).plain]
        self._fine.want(list(self._places(side, codes, close[0]).values()) if close else [])

    def chosen(self, side: SideBySide, codes: Mapping[str, FieldCodes | None]) -> ActivationMap | None:
        """The map of the chosen feature, or of what the places pointed at find while that is wanted."""
        if self._trial.shown:
            return self._of_trial(side, codes)
        feature = self._state.feature
        return None if feature is None else self.map(side, codes, feature, self._state.channel)

    def map(
        self, side: SideBySide, codes: Mapping[str, FieldCodes | None], feature: int, channel: int | None
    ) -> ActivationMap | None:
        """The map of a feature over the fields on the screen; None without a lexicon."""
        lexicon, style = self._state.lexicon, self._state.style
        if lexicon is None:
            return None
        drawn = self._drawn(side, codes, feature, channel)
        maps, top = drawn.maps, drawn.top
        if style.above_control and self._reading.look_of(feature).plain:
            usual = self._reading.usual_in_controls(feature, channel)
            maps = [None if values is None else (values - usual).clip(min=0) for values in maps]
            top = max(top - usual, 1e-6)
        drawn = replace(drawn, maps=maps, top=top)
        return self._laid(side, drawn, feature_title(lexicon, feature), self._state.color_of(feature))

    def _of_trial(self, side: SideBySide, codes: Mapping[str, FieldCodes | None]) -> ActivationMap | None:
        """How far patches lie along what the places pointed at find; nothing until it and all fields are there."""
        found, places = self._trial.found, self._places(side, codes, TRIAL)
        if not places:
            return None
        fine = {key: self._fine.get(place) for key, place in places.items()}
        if found is None or any(each is None for each in fine.values()):
            drawn = empty_maps([codes.get(field.key) for field in side.fields], TRIAL_TOP)
        else:
            drawn = maps_of_trial([fine.get(field.key) for field in side.fields], found, self._reading.drawn_from)
        taken = [self._state.shown_colors[feature] for feature in self._state.kept]
        return self._laid(side, drawn, f"found by {self._trial.by}", free_color(taken))

    def _remark_on_trial(self, side: SideBySide, codes: Mapping[str, FieldCodes | None], shown: ActivationMap) -> str:
        coming = any(self._fine.coming(place) for place in self._places(side, codes, TRIAL).values())
        by, found = self._trial.by, self._trial.found
        if self._trial.why_not:
            return f"{by} find nothing"
        if found is None or coming:
            return f"reading what {by} find…"
        how = f"over {self._reading.drawn_from:g} SD" if found.means is None else "1: like them"
        return f"found by {by} ({how})" if shown.values.any() else f"nothing here is found by {by}"

    def _laid(self, side: SideBySide, drawn: DrawnMaps, title: str, color: str) -> ActivationMap:
        """Maps of the fields on the screen as one map over all of them."""
        lexicon, style, top, bottom = self._state.lexicon, self._state.style, drawn.top, drawn.bottom
        assert lexicon is not None
        # blending and outlines need the patches themselves
        exact = not (style.smooth or style.outline)
        values, patch = side.map(drawn.maps, lexicon.backbone.patch // drawn.finer, exact=exact)
        if style.outline:
            values = np.where(values >= style.threshold * top, values, 0)
            values, patch = outline_map(values, patch, side.shape, bottom + LINE * (top - bottom))
        return ActivationMap(values, side.whole.of_patches(patch), title, color, top, bottom)

    def remark(self, side: SideBySide, codes: Mapping[str, FieldCodes | None], shown: ActivationMap) -> str:
        """What the image says of how the map is read, in a line of its own: nothing of a code that is seen."""
        feature = self._state.feature
        if self._fine.fetching:
            return self._fine.fetching
        if self._trial.shown:
            return self._remark_on_trial(side, codes, shown)
        if feature is None:
            return ""
        look = self._reading.look_of(feature)
        if look.kind == "code":
            return "" if shown.values.any() else f"#{feature} is in no patch here: try Map, direction"
        places = list(self._places(side, codes, look).values())
        if any(self._fine.coming(place) for place in places):
            return f"reading the direction of #{feature}…"
        if any(self._fine.get(place) is None for place in places):
            return f"code of #{feature}: its direction could not be read"
        why = self._reading.why_direction(feature) if self._state.look.kind == "auto" else None
        more = _WHY.get(why or "", "")
        if not shown.values.any():
            return f"no patch here lies over {self._reading.drawn_from:g} SD along #{feature}{more}"
        return f"direction of #{feature}{more}, over {self._reading.drawn_from:g} SD"

    def _drawn(
        self, side: SideBySide, by_key: Mapping[str, FieldCodes | None], feature: int, channel: int | None
    ) -> DrawnMaps:
        """Maps of the fields on the screen as they are wanted; of whole patches until all of them were read closer."""
        codes = {field.key: by_key.get(field.key) for field in side.fields}
        look, strongest = self._reading.look_of(feature), self._reading.strongest(feature)
        places = self._places(side, by_key, look)
        fine = {key: self._fine.get(place) for key, place in places.items()}
        if not fine or any(each is None for each in fine.values()):
            if look.kind == "direction" and any(self._fine.coming(place) for place in places.values()):
                from napari_lexicon.analysis.maps import direction_top

                level = self._reading.drawn_from
                return empty_maps(list(codes.values()), direction_top(0, level), level)
            return maps_of_codes(list(codes.values()), feature, channel, strongest, self._state.picks)
        return maps_of_fine(
            [fine.get(key) for key in codes],
            look,
            self._fine.atom(feature),
            feature,
            channel,
            strongest,
            self._reading.drawn_from,
            self._state.picks,
        )

    def _places(
        self, side: SideBySide | None, codes: Mapping[str, FieldCodes | None], look: MapLook
    ) -> dict[str, FinePlace]:
        """The fields on the screen that have codes, as they are to be read; none where the codes are enough."""
        lexicon, plate = self._state.lexicon, self._state.lexicon_plate
        if lexicon is None or plate is None or side is None or look.plain:
            return {}
        return {
            field.key: FinePlace(str(lexicon.path), plate.id, number, look.finer)
            for field in side.fields
            if codes.get(field.key) is not None and (number := plate.number_of(field.well, field.name)) is not None
        }
