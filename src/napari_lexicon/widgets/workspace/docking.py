"""All docks in their places: plate on the left, image in the middle, features on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

from napari_lexicon.viewer.napari_compat import main_window, unwrapped
from napari_lexicon.widgets.workspace.guide import show_guide
from napari_lexicon.widgets.workspace.layout_memory import (
    HIGH,
    NARROW,
    LayoutMemory,
    restore_layout,
    room_of,
    wanted_docks,
)
from napari_lexicon.widgets.workspace.preferences import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PLUGIN = "napari-lexicon"
_TABS = 26  # pixels of a tab bar
_TABS_WIDE = 432  # pixels that the names of all tabs need
DOCKS = ("Plate", "Embed", "Dictionary", "Features", "Feature map", "Cells", "Questions")


def open_workspace(napari_viewer: Any, *, front: str = "Embed", names: Sequence[str] = DOCKS) -> Mapping[str, QWidget]:
    """Dock all widgets in their places; ones that are there already are moved to them.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        A viewer with a window.
    front : str
        Which of the tabs on the right is in front.
    names : sequence of str
        Which docks, Plate among them.

    Returns
    -------
    mapping of str to QWidget
        The dock widgets by name.
    """
    viewer = unwrapped(napari_viewer)
    docks, widgets = {}, {}
    own = main_window(viewer)
    size = None if own is None else own.size()
    for name in names:
        # as tabs first: so many docks above each other would need a taller window than there is
        docks[name], widgets[name] = viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    window = docks["Plate"].window()
    if isinstance(window, QMainWindow):
        _place(window, docks, front if front in docks else names[-1], size)
        _remember(window, docks)
    return widgets


def reopen_workspace(napari_viewer: Any) -> Mapping[str, QWidget]:
    """The docks as a person left them; where they are open already, all of them in their first places."""
    viewer, memory = unwrapped(napari_viewer), Memory()
    window, layout = main_window(viewer), memory.layout()
    if window is None or layout is None or window.findChild(QObject, "lexicon_layout") is not None:
        return open_workspace(viewer)
    names = wanted_docks(memory, DOCKS)
    if "Plate" not in names or len(names) < 2:  # without it nothing can be opened
        return open_workspace(viewer)
    widgets = open_workspace(viewer, names=names)
    QTimer.singleShot(0, lambda: restore_layout(window, layout))  # after the first places were given
    return widgets


def _remember(window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
    """Write down from now on where docks are put; once per window."""
    old = window.findChild(QObject, "lexicon_layout")
    if old is not None:
        old.setParent(None)
        old.deleteLater()
    LayoutMemory(window, docks, Memory())


def _place(window: QMainWindow, docks: Mapping[str, QDockWidget], front: str, size: QSize | None) -> None:
    left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
    room = room_of(window.size() if size is None else size)
    narrow = room == "one column"
    front = "Plate" if narrow and front == "Embed" else front  # the way in has to be seen
    first = docks["Plate"] if narrow else next(dock for name, dock in docks.items() if name != "Plate")
    for name, dock in docks.items():
        dock.setFloating(False)
        if name == "Plate" or dock is first:
            window.addDockWidget(right if narrow or name != "Plate" else left, dock)
        else:
            window.removeDockWidget(dock)  # Qt 6.12 leaves one that is among tabs already where it is
            window.tabifyDockWidget(first, dock)
        dock.setWindowTitle(name)  # what the tab says; the full name would not fit
        dock.show()
    beneath = _place_lists(window, docks["Plate"], room)
    docks[front].raise_()
    QTimer.singleShot(0, lambda: _as_large_as_before(window, size))
    QTimer.singleShot(0, lambda: _share_out(window, docks, beneath, front))


def _place_lists(window: QMainWindow, plate: QDockWidget, room: str) -> QDockWidget | None:
    """Put napari's own two docks where there is room for them; returns the one beneath the plate."""
    lists = [found for name in ("layer list", "layer controls") if (found := _napari_dock(window, name)) is not None]
    beneath = lists[0] if lists and room in ("laptop", "large") else None
    if beneath is not None:
        window.splitDockWidget(plate, beneath, Qt.Orientation.Vertical)
    for other in lists:
        if other is not beneath:
            # the controls of a layer are taller than its list: on a laptop they would leave half a plate
            window.tabifyDockWidget(plate if beneath is None or room == "laptop" else beneath, other)
    for seen in (plate, beneath):
        if seen is not None:
            seen.raise_()
    return beneath


def _as_large_as_before(window: QMainWindow, size: QSize | None) -> None:
    """Docks that stood above each other for a moment have made the window grow, perhaps beyond the screen."""
    if size is not None and not window.isMaximized() and not window.isFullScreen():
        window.resize(size)


def _share_out(window: QMainWindow, docks: Mapping[str, QDockWidget], beneath: QDockWidget | None, front: str) -> None:
    # the room between menu and status bar; of tabs only the one in front knows it, and it may not know its tab bar yet
    wide, high, middle = window.width(), docks[front].height(), window.centralWidget()
    if middle is not None:
        high = min(high, middle.height() - _TABS)
    side = min(max(330, wide // 5), 520)
    window.resizeDocks(
        [docks["Plate"], docks[front]], [side, min(max(_TABS_WIDE, wide // 4), 560)], Qt.Orientation.Horizontal
    )
    if beneath is not None:
        below = 240 if high < HIGH else 380
        # asking for more than there is would make the window larger than the screen
        window.resizeDocks([docks["Plate"], beneath], [high - below - 12, below], Qt.Orientation.Vertical)
    _hide_left_over_bars(window)


def _hide_left_over_bars(window: QMainWindow) -> None:
    """Bars of tabs that docks have left while they found their places; Qt shows one again where it needs it."""
    titles = {dock.windowTitle() for dock in window.findChildren(QDockWidget)}
    bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    tabs = [{bar.tabText(n) for n in range(bar.count())} for bar in bars]
    seen = [own for bar, own in zip(bars, tabs, strict=True) if bar.isVisible()]
    for bar, own in zip(bars, tabs, strict=True):
        if not own <= titles or any(own < others for others in seen):  # a dock is in one bar alone
            bar.hide()
        elif window.width() < NARROW:
            bar.setUsesScrollButtons(True)  # arrows to the tabs that do not fit, instead of names of two letters
            bar.setElideMode(Qt.TextElideMode.ElideNone)


def _napari_dock(window: QMainWindow, name: str) -> QDockWidget | None:
    found = window.findChild(QDockWidget, name)
    return found if isinstance(found, QDockWidget) and found.isVisible() else None


class LexiconWorkspace(QWidget):
    """Docks the other widgets in their places and takes itself away again.

    napari's Plugins menu can hold widgets only, so this one stands for a command.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.setObjectName("lexicon_workspace")
        viewer = unwrapped(napari_viewer)
        QTimer.singleShot(0, lambda: self._give_way(viewer))

    def _give_way(self, viewer: Any) -> None:
        dock = self.parent()
        if isinstance(dock, QDockWidget):
            viewer.window.remove_dock_widget(dock)
        reopen_workspace(viewer)
        self.deleteLater()
        if not Memory().guide_seen():
            QTimer.singleShot(400, lambda: show_guide(viewer))  # when the docks have their places
