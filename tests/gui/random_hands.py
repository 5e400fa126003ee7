"""Hands that do one thing after the other in no order, as scripts/random_hands.py has them at a real window."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QContextMenuEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QSlider,
    QTabBar,
    QWidget,
)

ANSWER_MS = 150
TEXTS = ("", "mito", "dose > 1", "DMSO", "B03", "1", "-3", "1e9", "µm α", 'perturbation == "x"', "'", "(((", "a" * 80)
OUT_OF_THE_DOCKS = ("references", "Quit", "Restart")  # menus of napari's own


class Hands:
    """Does one thing after the other.

    Parameters
    ----------
    person : Person
        Of tests/gui/driver.py, at a window with the docks open.
    paths : list of Path
        What can be opened.
    rng : random.Random
        Decides.
    done : list of str
        Where each thing is noted.
    """

    def __init__(self, person: Any, paths: list[Path], rng: random.Random, done: list[str]) -> None:
        self._person, self._paths, self._rng, self._done = person, paths, rng, done
        self._acts: dict[Callable[[], None], float] = {
            self.button: 10,
            self.combo: 5,
            self.number: 2,
            self.row: 6,
            self.text: 3,
            self.tab: 4,
            self.canvas: 5,
            self.layer: 1.2,
            self.open: 0.8,
            self.dock: 0.6,
            self.right_click: 1,
            self.anywhere: 4,
        }
        self._timer = QTimer()  # menus and dialogs that wait for an answer get one
        self._timer.setInterval(ANSWER_MS)
        self._timer.timeout.connect(self._answer)
        self._timer.start()

    def act(self) -> None:
        """One thing."""
        self._rng.choices(list(self._acts), list(self._acts.values()))[0]()

    # what there is --------------------------------------------------------------------------------------------------

    def _seen(self, kind: type) -> list[Any]:
        """Widgets of a kind in the docks and dialogs that are on the screen and enabled."""
        rooms = [*self._person.docks.values()]
        rooms += [top for top in QApplication.topLevelWidgets() if isinstance(top, QDialog) and top.isVisible()]
        return [one for room in rooms for one in room.findChildren(kind) if one.isVisible() and one.isEnabled()]

    def _one(self, what: str, among: list[Any]) -> Any:
        one = self._rng.choice(among)
        text = getattr(one, "text", lambda: "")
        self._done.append(f"{what} {one.objectName() or (text() if callable(text) else '') or type(one).__name__}")
        return one

    def _point(self, widget: Any) -> Any:
        return QPoint(self._rng.randrange(max(1, widget.width())), self._rng.randrange(max(1, widget.height())))

    # what is done ---------------------------------------------------------------------------------------------------

    def button(self) -> None:
        """Press a button."""
        there = [one for one in self._seen(QAbstractButton) if "preferences" not in one.objectName()]
        if there:
            QTest.mouseClick(self._one("button", there), Qt.MouseButton.LeftButton)

    def combo(self) -> None:
        """Choose from a list."""
        there = [one for one in self._seen(QComboBox) if one.count()]
        if there:
            one = self._one("list", there)
            place = self._rng.randrange(one.count())
            one.setCurrentIndex(place)
            one.activated.emit(place)

    def number(self) -> None:
        """Move a slider or a number by keys."""
        there = self._seen(QSlider) + self._seen(QAbstractSpinBox)
        if there:
            one, keys = self._one("number", there), (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_End)
            for _ in range(self._rng.randrange(1, 6)):
                QTest.keyClick(one, self._rng.choice(keys))

    def row(self) -> None:
        """Choose a row of a table or list, and press a key there now and then."""
        there = [one for one in self._seen(QAbstractItemView) if not isinstance(one, QHeaderView)]
        there = [one for one in there if one.model() is not None and one.model().rowCount()]
        if not there:
            return
        one, key = self._one("row", there), Qt.KeyboardModifier
        index = one.model().index(self._rng.randrange(one.model().rowCount()), 0)
        one.scrollTo(index)
        held = self._rng.choice((key.NoModifier, key.ControlModifier, key.ShiftModifier))
        QTest.mouseClick(one.viewport(), Qt.MouseButton.LeftButton, held, one.visualRect(index).center())
        if self._rng.random() < 0.2:
            QTest.keyClick(one, self._rng.choice((Qt.Key.Key_Delete, Qt.Key.Key_Return, Qt.Key.Key_Space)))

    def text(self) -> None:
        """Write something into a line."""
        there = [one for one in self._seen(QLineEdit) if not one.isReadOnly()]
        if there:
            one, text = self._one("line", there), self._rng.choice(TEXTS)
            one.setFocus()
            one.selectAll()
            QTest.keyClicks(one, text) if text and text.isascii() else one.insert(text)
            if self._rng.random() < 0.7:
                QTest.keyClick(one, Qt.Key.Key_Return)

    def tab(self) -> None:
        """Bring a dock or a page to the front."""
        there = [one for one in self._seen(QTabBar) if one.count()]
        if there and self._rng.random() < 0.4:
            one = self._one("page", there)
            one.setCurrentIndex(self._rng.randrange(one.count()))
        else:
            self._frame("front").raise_()

    def _frame(self, what: str) -> Any:
        name = self._rng.choice(list(self._person.docks))
        self._done.append(f"{what} {name}")
        frame = self._person.docks[name].parent()
        frame.show()
        return frame

    def canvas(self) -> None:
        """Click, turn the wheel or press a key over the image."""
        canvas, keys = self._person.canvas, Qt.Key
        if not canvas.isVisible() or min(canvas.width(), canvas.height()) < 2:
            return  # there is nothing to click on, and vispy divides by its size
        kind = self._rng.choice(("click", "click", "wheel", "key"))
        self._done.append(f"canvas {kind}")
        if kind == "click":
            QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, self._point(canvas))
        elif kind == "wheel":
            self._wheel(canvas)
        else:
            canvas.setFocus()
            walk = (keys.Key_PageDown, keys.Key_PageUp, keys.Key_Period, keys.Key_Comma, keys.Key_N)
            QTest.keyClick(
                canvas, self._rng.choice((*walk, keys.Key_Escape, keys.Key_Delete, keys.Key_Space, keys.Key_G))
            )

    def _wheel(self, canvas: Any) -> None:
        at = self._point(canvas)
        turn = QPoint(0, self._rng.choice((-240, 240)))
        where, none = (QPointF(at), QPointF(canvas.mapToGlobal(at))), Qt.MouseButton.NoButton
        phase = Qt.ScrollPhase.NoScrollPhase
        QApplication.sendEvent(
            canvas, QWheelEvent(*where, QPoint(), turn, none, Qt.KeyboardModifier.NoModifier, phase, False)
        )

    def layer(self) -> None:
        """Do something to a layer, ours or not, or add one."""
        viewer = self._person.viewer
        if not len(viewer.layers):
            return
        one = self._rng.choice(list(viewer.layers))
        what: dict[str, Callable[[], object]] = {
            "remove": lambda: viewer.layers.remove(one),
            "hide": lambda: setattr(one, "visible", not one.visible),
            "rename": lambda: setattr(one, "name", "renamed"),
            "move": lambda: viewer.layers.move(0, len(viewer.layers)),
            "choose": lambda: setattr(viewer.layers.selection, "active", one),
            "clear": viewer.layers.clear,
            "3-D": lambda: setattr(viewer.dims, "ndisplay", 5 - viewer.dims.ndisplay),
            "volume": lambda: viewer.add_image(np.random.default_rng(0).random((3, 64, 64))),
            "labels": lambda: viewer.add_labels(np.random.default_rng(0).integers(0, 4, (512, 512))),
            "shape": lambda: viewer.add_shapes([[[10, 10], [200, 300]]], shape_type="rectangle"),
        }
        name = self._rng.choice(list(what))
        self._done.append(f"layer {one.name}: {name}")
        what[name]()

    def open(self) -> None:
        """Open something, which may not be there."""
        path = self._rng.choice([*self._paths, self._paths[0].with_name("nothing.lexicon")])
        self._done.append(f"open {path.name}")
        opening = self._person.workspace.opening
        (opening.lexicon if path.suffix == ".lexicon" else opening.plate)(path)

    def dock(self) -> None:
        """Close, float or open docks, or change the size of the window."""
        kind = self._rng.choice(("close", "float", "size", "open", "open"))
        if kind == "close":
            self._frame("close").close()
        elif kind == "float":
            frame = self._frame("float")
            frame.setFloating(not frame.isFloating())
        elif kind == "size":
            self._done.append("size of the window")
            self._person.window.resize(self._rng.randrange(700, 1500), self._rng.randrange(500, 1000))
        else:
            self._done.append("workspace")
            self._person.open_workspace(self._rng.choice(list(self._person.docks)))

    def right_click(self) -> None:
        """Ask for a menu somewhere."""
        there = self._seen(QWidget)
        if there:
            one = self._one("right click", there)
            one = one.viewport() if isinstance(one, QAbstractScrollArea) else one
            at = self._point(one)
            QApplication.postEvent(one, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, one.mapToGlobal(at)))

    def anywhere(self) -> None:
        """Click or double click on whatever there is."""
        there = self._seen(QWidget)
        if there:
            one, click = (
                self._one("click", there),
                self._rng.choice((QTest.mouseClick, QTest.mouseClick, QTest.mouseDClick)),
            )
            click(one, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, self._point(one))

    def _answer(self) -> None:
        """Choose from the menu that is open, or answer the dialog, or leave it."""
        menu, dialog = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if isinstance(menu, QMenu):
            there = [one for one in menu.actions() if one.isEnabled() and not one.isSeparator() and one.menu() is None]
            there = [one for one in there if not any(word in one.text() for word in OUT_OF_THE_DOCKS)]
            menu.close()
            if there and self._rng.random() < 0.6:
                QTimer.singleShot(0, self._one("menu", there).trigger)  # not in here: a dialog may wait in it
        elif menu is not None:
            menu.close()
        elif dialog is not None:
            buttons = [one for one in dialog.findChildren(QAbstractButton) if one.isVisible() and one.isEnabled()]
            if buttons and self._rng.random() < 0.5:
                QTimer.singleShot(0, self._one(f"{type(dialog).__name__}:", buttons).click)
            else:
                QTest.keyClick(dialog, Qt.Key.Key_Escape)

    def rest(self) -> None:
        """Nothing is answered any more."""
        self._timer.stop()
