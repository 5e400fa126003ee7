"""Shows what the search for similar patches finds, each picture a way to go there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_lexicon.widgets.basic.words import counted
from napari_lexicon.widgets.features.tile_reading import TileReading
from napari_lexicon.widgets.features.tiles import Tile, tile_of
from napari_lexicon.widgets.workspace.links import Controller

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_lexicon.lexicons import Example
    from napari_lexicon.widgets.features.place.page import PlacePage
    from napari_lexicon.widgets.workspace.alike_search import AlikeFound
    from napari_lexicon.widgets.workspace.workspace import Workspace

_FRAME = "#FFFFFF"


class AlikeController(Controller):
    """The search to the gallery.

    Parameters
    ----------
    workspace : Workspace
        With the search.
    page : PlacePage
        With the gallery.
    bring_up : callable
        Brings the page to the front.
    go_to : callable
        Shows the place of a tile.
    ranges : callable
        Display ranges of tiles by channel name.
    """

    def __init__(
        self,
        workspace: Workspace,
        page: PlacePage,
        bring_up: Callable[[], None],
        go_to: Callable[[Tile], None],
        ranges: Callable[[], dict[str, tuple[float, float]]],
    ) -> None:
        super().__init__(workspace, page)
        self._page, self._bring_up, self._go_to, self._ranges = page, bring_up, go_to, ranges
        self._tiles: dict[tuple[int, int, int], Tile | None] = {}
        self._reading = TileReading(workspace.background, "alike")
        search = workspace.alike
        self.link(search.changed, self._show)
        self.link(page.furtherRequested, search.further)
        self.link(page.backRequested, search.stop)
        self.link(page.gallery.tileClicked, self._clicked)
        self.link(page.gallery.alikeWanted, self.look_from)
        self.link(workspace.pointing.changed, self._mark)
        self._show(search.found)

    def look_from(self, tile: Tile) -> None:
        """Look for patches like that of a tile."""
        self.workspace.alike.from_example(tile.example)

    def _show(self, found: AlikeFound | None) -> None:
        if found is None:
            self._reading.forget()
            self._tiles.clear()
            self._page.gallery.setValue([])
            self._page.showAlike(False)
            return
        if not found.fields:  # a new search: the same patch is called otherwise, and may be seen in one channel
            self._tiles.clear()
        if not self._page.showsAlike() or not found.fields:
            self._bring_up()
        self._page.showAlike(True, further=not found.searching and found.fields < found.all_fields)
        self._page.alike_line.setText(_line(found))
        places = [*([found.own] if found.own is not None else []), *found.places]
        self._page.gallery.setValue([self._tiles.get(_key(place)) for place in places], _FRAME)
        self._mark()
        self._read(places, found)

    def _read(self, places: list[Example], found: AlikeFound) -> None:
        """Read the pictures that are not there yet; those that nobody waits for any more are dropped."""
        state = self.workspace.state
        plate, part, lexicon, ranges = state.plate, state.lexicon_plate, state.lexicon, self._ranges()
        self._reading.forget()
        if plate is None or part is None or lexicon is None:
            return

        def read(place: Example) -> Tile | None:
            whole = found.channel is None
            tile = tile_of(plate, part, place, lexicon.backbone.patch, ranges, all_channels=whole)
            return None if tile is None else _worded(tile, place, own=place is found.own, pointed=found.pointed)

        def take(arrived: list[tuple[int, Tile]]) -> None:
            self._tiles.update((_key(places[position]), tile) for position, tile in arrived)
            self._page.gallery.setTiles(arrived)

        missing = [(position, place) for position, place in enumerate(places) if _key(place) not in self._tiles]
        self._reading.read(missing, read, take)

    def _mark(self) -> None:
        """Mark the pictures of places that are pointed at: they have what is to be taught, or have it not."""
        pointed = self.workspace.pointing.pointed
        self._page.gallery.setMarks({(each.number, *place): each.like for each in pointed for place in each.places})

    def _clicked(self, tile: Tile) -> None:
        self._go_to(tile)

    def close(self) -> None:
        """Cut every connection, and drop the tiles that are still being read."""
        self._reading.forget()
        super().close()


def _key(place: Example) -> tuple[int, int, int]:
    return place.field_index, place.gy, place.gx


def _worded(tile: Tile, place: Example, *, own: bool, pointed: bool) -> Tile:
    if own:
        return replace(tile, caption="this patch", tip=f"{place.well}: the patch that is asked about.")
    if pointed:
        tip = f"{place.well}: cosine {place.value:.2f} with what was found, as far as the codes of the patch say it."
        return replace(tile, caption=f"{place.well}  {place.value:.2f}", tip=tip)
    tip = f"{place.well}: cosine {place.value:.2f} between the codes of the two patches; 1 would be the same."
    return replace(tile, caption=f"{place.well}  {place.value:.2f}", tip=tip)


def _line(found: AlikeFound) -> str:
    judge = " Teach by them, or by what they are not: with + and −, or by a right click." if found.pointed else ""
    if found.searching:
        so_far = f"{found.fields:,} of {counted(found.all_fields, 'field')}" if found.all_fields else "the plate"
        return f"Patches like {found.of}: looking through {so_far}…"
    if not found.places:
        return f"No patch like {found.of} was found."
    if found.fields < found.all_fields:
        return (
            f"Most like {found.of}, of {found.fields:,} of {found.all_fields:,} fields: those of the wells in which "
            f"its features are strongest. Click a picture to go there.{judge}"
        )
    return f"Most like {found.of}, of all {counted(found.all_fields, 'field')}. Click a picture to go there.{judge}"
