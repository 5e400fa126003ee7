"""A person at the window: real clicks and keys on real widgets, and looking at the screen.

Shared by the tests and by scripts/make_screenshots.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QGuiApplication, QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QDockWidget, QFileDialog, QLineEdit, QWidget

from napari_lexicon.viewer.napari_compat import camera as camera_of

LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Person:
    """Sits at one viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        With a window that is shown.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.docks: Mapping[str, QWidget] = {}

    @property
    def window(self) -> QWidget:
        """The main window."""
        return self.viewer.window._qt_window

    @property
    def canvas(self) -> QWidget:
        """The canvas."""
        return self.viewer.window._qt_viewer.canvas.native

    @property
    def workspace(self) -> Any:
        """What the docks share, to look at."""
        from napari_lexicon.widgets.workspace.workspace import workspace_of

        return workspace_of(self.viewer)

    # time -----------------------------------------------------------------------------------------------------------

    def wait(self, until: Callable[[], object], seconds: float = 60, what: str = "") -> None:
        """Let Qt work until something is so."""
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                raise TimeoutError(what or f"waited {seconds} s in vain")
            QApplication.processEvents()
            time.sleep(0.002)

    def breathe(self, seconds: float = 0.1) -> None:
        """Let Qt work for a while: what is drawn is drawn."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end, seconds + 5)

    # hands ----------------------------------------------------------------------------------------------------------

    def open_workspace(self, front: str = "Embed") -> None:
        """Plugins > Lexicon workspace."""
        from napari_lexicon.widgets.workspace.docking import open_workspace

        self.docks = open_workspace(self.viewer, front=front)
        self.breathe(0.3)

    def find(self, dock: str, name: str) -> QWidget:
        """A control of a dock, by its object name."""
        found = self.docks[dock].findChild(QWidget, name)
        assert found is not None, f"{dock} has no {name}"
        return found

    def click(self, dock: str, name: str) -> None:
        """Click a control in its middle, once it is there, enabled and in reach."""
        self.front(dock)
        widget = self.find(dock, name)
        self.wait(widget.isVisible, 15, f"{name} is not shown")
        self.wait(widget.isEnabled, 15, f"{name} is disabled: {widget.toolTip()}")
        self.bring_into_view(widget)
        QTest.mouseClick(widget, LEFT, PLAIN, _handle(widget))
        self.breathe(0.05)

    def answer(self, dock: str, path: Path, button: QDialogButtonBox.StandardButton) -> None:
        """Give a path to the dock's file dialog.

        Again where Qt's list of names opened under the mouse, or put one of its own into the line: it comes when the
        disk has answered, and a click only closes it.
        """
        (dialog,) = self.file_dialogs(dock)
        for _ in range(5):
            dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))
            QTest.mouseClick(dialog.findChild(QDialogButtonBox).button(button), LEFT)
            self.breathe(0.05)
            if not self.file_dialogs(dock):
                return
        raise AssertionError(f"the file dialog of {dock} does not close")

    def file_dialogs(self, dock: str) -> list[QFileDialog]:
        """Those of a dock that are open."""
        return [dialog for dialog in self.docks[dock].findChildren(QFileDialog) if dialog.isVisible()]

    def front(self, dock: str) -> None:
        """Bring a tab to the front."""
        frame = self.docks[dock].parent()
        assert isinstance(frame, QDockWidget)
        frame.show()
        frame.raise_()
        self.breathe(0.05)

    def bring_into_view(self, widget: QWidget) -> None:
        """Scroll until a control is seen, as a person does."""
        from qtpy.QtWidgets import QScrollArea

        parent = widget.parentWidget()
        while parent is not None:
            if isinstance(parent, QScrollArea):
                parent.ensureWidgetVisible(widget)
            parent = parent.parentWidget()
        self.breathe(0.02)

    def open_well(self, well: str) -> None:
        """Double click a well and wait for its image."""
        grid = self.docks["Plate"].view.grid
        self.bring_into_view(grid)
        QTest.mouseClick(grid, LEFT, PLAIN, grid.wellCenter(well))
        QTest.mouseDClick(grid, LEFT, PLAIN, grid.wellCenter(well))
        QTest.mouseRelease(grid, LEFT, PLAIN, grid.wellCenter(well))
        self.wait_for_field(well)

    def wait_for_field(self, well: str) -> None:
        """Wait until a well's image is on the screen."""
        canvas = self.workspace.canvas
        self.wait(
            lambda: canvas.shown_field() is not None and canvas.shown_field().well == well and not canvas.changing(),
            what=f"the image of {well}",
        )
        self.breathe(0.05)

    def press(self, key: Qt.Key, widget: QWidget | None = None) -> None:
        """Press a key, on the canvas where no widget is named."""
        target = widget or self.canvas
        target.setFocus()
        QTest.keyClick(target, key)
        self.breathe(0.05)

    def type(self, dock: str, name: str, text: str) -> None:
        """Type a text and press Enter."""
        widget = self.find(dock, name)
        self.bring_into_view(widget)
        widget.setFocus()
        QTest.keyClick(widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(widget, text) if text else QTest.keyClick(widget, Qt.Key.Key_Delete)
        QTest.keyClick(widget, Qt.Key.Key_Return)
        self.breathe(0.05)

    def choose_feature(self, row: int) -> int:
        """Click a row of the feature table; returns its feature."""
        self.front("Features")
        table = self.docks["Features"].view.table
        index = table.model().index(row, 0)
        table.scrollTo(index)
        QTest.mouseClick(table.viewport(), LEFT, PLAIN, table.visualRect(index).center())
        self.breathe(0.05)
        return table.value()

    def click_image(self, y: float, x: float) -> None:
        """Click in the image at a pixel of it."""
        layer = self.viewer.layers[0]
        point = self.canvas_point(layer.data_to_world((y, x)))
        canvas = self.canvas
        for kind, buttons in ((QEvent.Type.MouseMove, Qt.MouseButton.NoButton),):
            where = QPointF(point)
            QApplication.sendEvent(
                canvas, QMouseEvent(kind, where, canvas.mapToGlobal(where), Qt.MouseButton.NoButton, buttons, PLAIN)
            )
        QTest.mouseClick(canvas, LEFT, PLAIN, point)
        self.breathe(0.1)

    def canvas_point(self, world: tuple[float, ...]) -> QPoint:
        """Where a point of the world is on the canvas, from the camera alone."""
        camera = camera_of(self.viewer)
        size = self.canvas.size()
        y = (world[-2] - camera.center[-2]) * camera.zoom + size.height() / 2
        x = (world[-1] - camera.center[-1]) * camera.zoom + size.width() / 2
        return QPoint(round(x), round(y))

    # eyes -----------------------------------------------------------------------------------------------------------

    def screenshot(self, path: Path) -> Path:
        """A picture of the whole window as the screen shows it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.breathe(0.4)
        screen = QGuiApplication.primaryScreen()
        frame = self.window.frameGeometry()
        screen.grabWindow(0, frame.x(), frame.y(), frame.width(), frame.height()).save(str(path))
        return path

    def layer_names(self) -> list[str]:
        """Names of the layers, bottom first."""
        return [layer.name for layer in self.viewer.layers]


def fit_to_screen(viewer: Any, theme: str = "dark") -> None:
    """Show the window as large as the screen."""
    viewer.theme = theme
    window = viewer.window._qt_window
    window.setGeometry(QGuiApplication.primaryScreen().geometry())
    window.show()


def _handle(widget: QWidget) -> QPoint:
    """Where a person clicks a control: its middle, or the box of a check box."""
    from qtpy.QtWidgets import QCheckBox

    return QPoint(9, widget.height() // 2) if isinstance(widget, QCheckBox) else widget.rect().center()
