"""Lists what fires at the clicked place, in the cell under it or in a region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_lexicon.viewer.regions import LabelledCell, Regions
from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.basic.words import counted, shortened
from napari_lexicon.widgets.features.place.page import CELL, PATCH, REGION
from napari_lexicon.widgets.features.spot_list import FiringFeature
from napari_lexicon.widgets.workspace.alike_search import AskedRegion
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.pointing import Pointed
from napari_lexicon.widgets.workspace.remedies import open_teaching

if TYPE_CHECKING:
    import pandas as pd

    from napari_lexicon.lexicons import FieldCodes, LexiconPlate
    from napari_lexicon.viewer.conversion import Placement
    from napari_lexicon.viewer.regions import Outline
    from napari_lexicon.widgets.features.place.page import PlacePage
    from napari_lexicon.widgets.features.tiles import Tile
    from napari_lexicon.widgets.workspace.state import Spot
    from napari_lexicon.widgets.workspace.workspace import Workspace

_ERRAND = "region"
_PAUSE_MS = 120
_MOST_LINES = 40
_LONG_NAME = 36
_NO_LABELS = "There is no Labels layer yet: find cells in the Cells dock, or open label images."


@dataclass(frozen=True)
class ReadRegion:
    """Features of a region.

    Parameters
    ----------
    table : pandas.DataFrame
        As from :func:`napari_lexicon.analysis.alike.region_code`.
    pixels : int
        Pixels of the field in it.
    places : tuple of (int, int)
        Its patches.
    """

    table: pd.DataFrame
    pixels: int
    places: tuple[tuple[int, int], ...]


def read_region(
    codes: FieldCodes, what: Outline | LabelledCell, placement: Placement, shape: tuple[int, int], patch: int
) -> ReadRegion:
    """Read the features of a region of a field, each patch by how much of it lies inside."""
    import numpy as np

    from napari_lexicon.analysis.alike import patch_weights, region_code

    rows, columns = what.pixels(placement, shape)
    weights = patch_weights(rows, columns, patch, (codes.indices.shape[1], codes.indices.shape[2]))
    places = tuple((int(gy), int(gx)) for gy, gx in np.argwhere(weights > 0))
    return ReadRegion(region_code(codes, weights), len(rows), places)


class PlaceController(Controller):
    """The clicked place to the page; choices in the page to the state."""

    def __init__(self, workspace: Workspace, page: PlacePage) -> None:
        super().__init__(workspace, page)
        self._page = page
        self._scope = PATCH
        self._world: tuple[float, ...] | None = None
        self._seen: bytes | None = None
        self.regions = Regions(workspace.viewer())
        self._pause = later(self, _PAUSE_MS, self._shape_changed)
        state = workspace.state
        self.link(state.spotChanged, self._new_spot)
        for signal in (state.picksChanged, state.nameChanged, state.shownChanged, workspace.reading.changed):
            self.link(signal, self.refresh)
        self.link(workspace.canvas.sideShown, self.refresh)
        self.link(workspace.canvas.pointed, self._pointed)
        self.link(page.spots.featureClicked, state.set_feature)
        self.link(page.alikeRequested, workspace.alike.from_spot)
        self.link(page.teachRequested, self.point)
        self.link(page.gallery.teachWanted, self.point_at_tile)
        self.link(page.scopeChosen, self._choose)
        self._deaf = self.regions.watch(self._layers_told)
        self.refresh()

    # what is read ---------------------------------------------------------------------------------------------------

    def _choose(self, scope: str) -> None:
        again = scope == self._scope == REGION
        self._scope = scope
        placement = self.workspace.canvas.placement()
        if scope == REGION and placement is not None and (again or self.regions.outline() is None):
            self.regions.draw(placement)
        self.refresh()

    def point(self) -> None:
        """Point at what is listed, to teach a feature by it; the page where that is done comes up with the first."""
        state, region, number = self.workspace.state, self.workspace.alike.region, self.workspace.state.field_number()
        plate, spot = state.lexicon_plate, state.spot
        if plate is None or number is None or (region is None and spot is None):
            return
        if region is not None:
            what = region.of.removesuffix(f" in {plate.fields[number].well}")
            self._point(plate, number, what, tuple(region.places), like=True)
        elif spot is not None:
            self._point(plate, number, f"patch {spot.row}, {spot.column}", ((spot.row, spot.column),), like=True)

    def point_at_tile(self, tile: Tile, like: bool) -> None:
        """Point at a picture of a gallery: its patch and those around it have what is to be found, or have it not.

        A single patch teaches what it lies on as much as what is meant (docs/benchmarks/dictionaries.md).
        """
        plate, place = self.workspace.state.lexicon_plate, tile.example
        if plate is not None:
            rows, columns = plate.fields[place.field_index].grid
            around = tuple(
                (gy, gx)
                for gy in range(max(place.gy - 1, 0), min(place.gy + 2, rows))
                for gx in range(max(place.gx - 1, 0), min(place.gx + 2, columns))
            )
            self._point(plate, place.field_index, f"around {place.gy}, {place.gx}", around, like=like)

    def _point(
        self, plate: LexiconPlate, number: int, what: str, places: tuple[tuple[int, int], ...], *, like: bool
    ) -> None:
        field, pointing = plate.fields[number], self.workspace.pointing
        pointing.add(Pointed(what, field.well, number, (field.grid[0], field.grid[1]), places, like))
        found = self.workspace.alike.found
        if len(pointing.pointed) == 1:
            open_teaching(self.workspace)
        elif found is None or not found.pointed:  # the pictures that are judged say it themselves
            count = counted(len(pointing.pointed), "place")
            self.workspace.state.notice(f"{count} to teach by: Dictionary dock, Teach.")

    def _new_spot(self, spot: Spot | None) -> None:
        """Another place was clicked: what fires there comes first again, unless a picture of the gallery led there."""
        found = self.workspace.alike.found
        if spot is not None and found is not None and not self._is_found(spot):
            self.workspace.alike.stop()
        self.refresh()

    def _pointed(self, world: tuple[float, ...]) -> None:
        self._world = world
        if self._scope == REGION and not self.regions.drawing():
            self._scope = PATCH
        self.refresh()

    def _is_found(self, spot: Spot) -> bool:
        found, number = self.workspace.alike.found, self.workspace.state.field_number()
        if found is None:
            return False
        places = (*found.places, *([] if found.own is None else [found.own]))
        return any((p.field_index, p.gy, p.gx) == (number, spot.row, spot.column) for p in places)

    def _layers_told(self, what: str) -> None:
        if what == "shapes":
            self._pause.start()
        else:
            self._show_scope()

    def _shape_changed(self) -> None:
        """A shape was drawn, moved or selected: it is read, whatever was read before."""
        outline = self.regions.outline()
        seen = None if outline is None else outline.corners.tobytes()
        if seen is not None and seen != self._seen:
            self._scope = REGION
            self.workspace.alike.stop()
        if seen != self._seen:
            self._seen = seen
            self.refresh()

    def _show_scope(self) -> None:
        has = self.regions.has_labels()
        self._page.setCellReason(None if has else _NO_LABELS)
        if self._scope == CELL and not has:
            self._scope = PATCH
        self._page.setScope(self._scope)

    # what fires -----------------------------------------------------------------------------------------------------

    def refresh(self, _: object = None) -> None:
        """Show what fires at the place."""
        state, codes = self.workspace.state, self.workspace.canvas.codes
        self._show_scope()
        self.workspace.alike.region = None
        self.workspace.background.forget(_ERRAND)
        if state.lexicon_plate is None or state.lexicon is None or state.field is None or codes is None:
            self._page.setSpots("Open a field that has been computed, then click in it.", [])
        elif self._scope == REGION:
            self._read(self.regions.outline(), codes, "Draw around something in the image, mouse button held.")
        elif self._scope == CELL:
            cell = None if self._world is None or state.spot is None else self.regions.cell_at(self._world)
            self._read(cell, codes, "Click a cell of a Labels layer in the image.")
        else:
            self._show_patch(codes)

    def _show_patch(self, codes: FieldCodes) -> None:
        from napari_lexicon.analysis.maps import features_at

        place, spot = self.workspace.state.field, self.workspace.state.spot
        assert place is not None
        if spot is None:
            self._page.setSpots("Click in the image to see which features fire there.", [])
            return
        lines = self._lines(features_at(codes, spot.row, spot.column, self.workspace.state.picks))
        where = f"{shortened(place.well, _LONG_NAME)}, patch {spot.row}, {spot.column}"
        if lines:
            self._page.setSpots(f"{where}: {len(lines)} activations. Click one to choose it.", lines)
        else:
            self._page.setSpots(f"{where} is dark in every channel: there is nothing to read.", [])

    def _read(self, what: Outline | LabelledCell | None, codes: FieldCodes, nothing: str) -> None:
        canvas, lexicon = self.workspace.canvas, self.workspace.state.lexicon
        placement, field = canvas.placement(), canvas.shown_field()
        if what is None or placement is None or field is None or lexicon is None:
            self._page.setSpots(nothing, [])
            return
        patch, shape = lexicon.backbone.patch, field.shape
        self.workspace.background.start(
            _ERRAND,
            lambda: read_region(codes, what, placement, shape, patch),
            lambda found: self._take(found, what),
            lambda error: self._page.setSpots(str(error), []),
        )

    def _take(self, found: ReadRegion, what: Outline | LabelledCell) -> None:
        state, number = self.workspace.state, self.workspace.state.field_number()
        if state.field is None or state.lexicon_plate is None or number is None:
            return
        cell = what if isinstance(what, LabelledCell) else None
        name = f"Cell {cell.label} of {cell.layer}" if cell is not None else "The region"
        if not found.pixels:
            self._page.setSpots(f"{name} lies beside {state.field.well}: draw it over the image.", [])
            return
        found_lines = self._lines(found.table.rename(columns={"mean": "value"}).head(_MOST_LINES))
        if not found_lines:
            self._page.setSpots(f"{name} is dark in every channel: there is nothing to read.", [])
            return
        query = found.table.groupby("feature")["mean"].sum()
        of = f"{'the region' if cell is None else f'cell {cell.label}'} in {state.field.well}"
        code = dict(zip(query.index.to_numpy().tolist(), query.to_numpy().tolist(), strict=True))
        self.workspace.alike.region = AskedRegion(of, number, code, found.places)
        self._page.setSpots(
            f"{name}, {self._area(found.pixels)} in {state.field.well}: mean activation over its area, "
            f"{len(found_lines)} of {len(found.table)}. Click one to choose it.",
            found_lines,
        )

    def _area(self, pixels: int) -> str:
        field = self.workspace.canvas.shown_field()
        if field is None or field.pixel_size_um is None:
            return f"{pixels:,} pixels"
        return f"{pixels * field.pixel_size_um[0] * field.pixel_size_um[1]:,.0f} µm²"

    def _lines(self, found: pd.DataFrame) -> list[FiringFeature]:
        state, plate, lexicon = self.workspace.state, self.workspace.state.lexicon_plate, self.workspace.state.lexicon
        assert plate is not None and lexicon is not None
        names = [channel.name for channel in plate.header.channels]
        return [
            FiringFeature(
                int(feature),
                lexicon.names.label(int(feature)),
                state.color_of(int(feature)),
                "" if plate.joint or len(names) < 2 else names[int(channel)],
                float(value),
            )
            for feature, channel, value in zip(found["feature"], found["channel"], found["value"], strict=True)
        ]

    def close(self) -> None:
        """Cut every connection, also those to the layers."""
        self._pause.stop()
        self._deaf()
        self.workspace.background.forget(_ERRAND)
        super().close()
