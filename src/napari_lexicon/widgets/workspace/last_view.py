"""Where a person was in a plate and its lexicon, in one small file of the user's settings, so that it opens again."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from napari_lexicon.lexicons.statistics import BEYOND
from napari_lexicon.viewer.overlay import OverlayStyle
from napari_lexicon.widgets.plate.color_by import STATISTICS, ColorBy
from napari_lexicon.widgets.workspace.state import MapLook

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
NAMED_FIRST = ("", True)
"""Order of the feature table where a person chose none: features whose names say something, then the most frequent."""
_MOST = 60
_LOG = logging.getLogger(__name__)


class LastView(BaseModel):
    """What was on the screen.

    Parameters
    ----------
    plate, lexicon : str
        Paths; the lexicon is empty where there was none.
    well : str
        Shown well; empty for none.
    field : int
        Index of the shown field within it.
    selection : tuple of str
        Selected wells.
    beside : str
        What was shown beside the field.
    feature, channel, picks : int, optional
        Chosen feature, its channel, and how many features of a patch are drawn.
    kept : tuple of (int, int or None)
        Features whose maps stay on the image, with their channels.
    compare_by : str, optional
        Column of the plate map that features are compared by.
    compared_by_hand : bool
        Whether a person chose that, or that nothing is compared; before they do, it is what the plate map suggests.
    beyond : float, optional
        How far along a feature a patch must lie to count as firing; None where codes are read.
    sort : (str, bool)
        Column of the feature table, and whether it falls.
    search : str
        Filter of the table.
    silent : bool
        Whether the table shows features that never fire.
    style : OverlayStyle
        Threshold, opacity and the rest.
    look : MapLook
        What the map is made of.
    color_by : ColorBy
        Colours of the wells.
    color_by_hand : bool
        Whether a person chose them: then they stay when another feature is chosen.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    plate: str
    lexicon: str = ""
    well: str = ""
    field: int = 0
    selection: tuple[str, ...] = ()
    beside: str = ""
    feature: int | None = None
    channel: int | None = None
    picks: int | None = None
    kept: tuple[tuple[int, int | None], ...] = ()
    compare_by: str | None = None
    compared_by_hand: bool = False
    beyond: float | None = None
    sort: tuple[str, bool] = NAMED_FIRST
    search: str = ""
    silent: bool = False
    style: OverlayStyle = OverlayStyle()
    look: MapLook = MapLook()
    color_by: ColorBy = ColorBy()
    color_by_hand: bool = False

    @field_validator("style")
    @classmethod
    def _in_range(cls, style: OverlayStyle) -> OverlayStyle:
        if not (0 <= style.threshold <= 1 and 0 <= style.opacity <= 1):
            raise ValueError("threshold and opacity lie between 0 and 1")
        return style

    @field_validator("look")
    @classmethod
    def _divides(cls, look: MapLook) -> MapLook:
        if look.finer not in (1, 2, 4):
            raise ValueError("a map is 1, 2 or 4 times finer than the patches")
        return look

    @field_validator("beyond")
    @classmethod
    def _counted(cls, beyond: float | None) -> float | None:
        if beyond is not None and beyond not in BEYOND:
            raise ValueError(f"patches beyond {beyond:g} standard deviations are not counted")
        return beyond

    @field_validator("color_by")
    @classmethod
    def _known(cls, by: ColorBy) -> ColorBy:
        if by.statistic not in STATISTICS:
            raise ValueError(f"there is no figure {by.statistic} of a feature")
        return by


def read_views(path: Path) -> list[LastView]:
    """Views kept in a file, the latest first. What cannot be read is left out, and the log says so."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        _LOG.warning("%s cannot be read (%s): plates open as if for the first time.", path, error)
        return []
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("views"), list):
        _LOG.warning("%s is of another version: plates open as if for the first time.", path)
        return []
    views = []
    for entry in found["views"]:
        try:
            views.append(LastView.model_validate(entry))
        except ValidationError as error:
            _LOG.warning("A view in %s is damaged and left out (%s).", path, error.errors()[0]["msg"])
    return views


def keep_view(path: Path, view: LastView) -> None:
    """Put a view first in the file, in the place of an older one of the same plate and lexicon.

    The file is read anew, so that two windows do not forget for each other, and written whole.
    """
    from napari_lexicon.lexicons.files import write_bytes_whole

    others = [old for old in read_views(path) if (old.plate, old.lexicon) != (view.plate, view.lexicon)]
    views: list[Any] = [each.model_dump(mode="json") for each in [view, *others][:_MOST]]
    write_bytes_whole(path, (json.dumps({"format": FORMAT, "views": views}, ensure_ascii=False) + "\n").encode())


def view_of(views: list[LastView], plate: str, lexicon: str) -> LastView | None:
    """The view of a plate and lexicon; failing that, what another lexicon of the plate had that is the plate's."""
    for view in views:
        if (view.plate, view.lexicon) == (plate, lexicon):
            return view
    for view in views:
        if view.plate == plate:
            return view.model_copy(
                update={
                    "lexicon": lexicon,
                    "feature": None,
                    "channel": None,
                    "picks": None,
                    "kept": (),
                    "look": MapLook(),
                    "beyond": None,
                }
            )
    return None
