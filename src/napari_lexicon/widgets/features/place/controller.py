"""Lists what fires at the clicked place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lexicon.widgets.features.spot_list import FiringFeature
from napari_lexicon.widgets.workspace.links import Controller

if TYPE_CHECKING:
    import pandas as pd

    from napari_lexicon.widgets.features.place.page import PlacePage
    from napari_lexicon.widgets.workspace.state import Spot
    from napari_lexicon.widgets.workspace.workspace import Workspace


class PlaceController(Controller):
    """The clicked place to the page; choices in the page to the state."""

    def __init__(self, workspace: Workspace, page: PlacePage) -> None:
        super().__init__(workspace, page)
        self._page = page
        state = workspace.state
        self.link(state.spotChanged, self._new_spot)
        self.link(state.picksChanged, self.refresh)
        self.link(state.nameChanged, self.refresh)
        self.link(state.shownChanged, self.refresh)
        self.link(workspace.reading.changed, self.refresh)
        self.link(page.spots.featureClicked, state.set_feature)
        self.link(page.alikeRequested, workspace.alike.from_spot)
        self.refresh()

    def _new_spot(self, spot: Spot | None) -> None:
        """Another place was clicked: what fires there comes first again, unless a picture of the gallery led there."""
        found = self.workspace.alike.found
        if spot is not None and found is not None and not self._is_found(spot):
            self.workspace.alike.stop()
        self.refresh()

    def _is_found(self, spot: Spot) -> bool:
        found, number = self.workspace.alike.found, self.workspace.state.field_number()
        if found is None:
            return False
        places = (*found.places, *([] if found.own is None else [found.own]))
        return any((p.field_index, p.gy, p.gx) == (number, spot.row, spot.column) for p in places)

    def refresh(self, _: object = None) -> None:
        """Show what fires at the place."""
        state, codes = self.workspace.state, self.workspace.canvas.codes
        place, spot = state.field, state.spot
        if state.lexicon_plate is None or state.lexicon is None or place is None or codes is None:
            self._page.setSpots("Open a field that has been computed, then click in it.", [])
            return
        if spot is None:
            self._page.setSpots("Click in the image to see which features fire there.", [])
            return
        from napari_lexicon.analysis.maps import features_at

        lines = self._lines(features_at(codes, spot.row, spot.column, state.picks))
        where = f"{place.well}, patch {spot.row}, {spot.column}"
        if lines:
            self._page.setSpots(f"{where}: {len(lines)} activations. Click one to choose it.", lines)
        else:
            self._page.setSpots(f"{where} is dark in every channel: there is nothing to read.", [])

    def _lines(self, found: pd.DataFrame) -> list[FiringFeature]:
        state, plate, lexicon = self.workspace.state, self.workspace.state.lexicon_plate, self.workspace.state.lexicon
        assert plate is not None and lexicon is not None
        names = [channel.name for channel in plate.header.channels]
        return [
            FiringFeature(
                int(feature),
                lexicon.names.label(int(feature)),
                state.color_of(int(feature)),
                "" if plate.joint else names[int(channel)],
                float(value),
            )
            for feature, channel, value in zip(found["feature"], found["channel"], found["value"], strict=True)
        ]
