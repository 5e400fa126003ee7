"""The short way round the window, shown once and found again in the Plugins menu, and the list of keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtWidgets import QDialog, QDockWidget, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_lexicon.viewer.napari_compat import main_window, unwrapped
from napari_lexicon.viewer.pointer import KEYS
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.image_words import tell
from napari_lexicon.widgets.workspace.front import bring_to_front
from napari_lexicon.widgets.workspace.preferences import Memory

KEY_WORDS = {
    "next_well": "next well; within the selection where several wells are selected",
    "previous_well": "previous well",
    "next_field": "next field",
    "previous_field": "previous field",
    "next_hit": "the well where the chosen feature fires most, then the next one down",
    "beside_control": "a control well beside this one",
    "more_like_this": "patches of the plate that look like the clicked one",
}


@dataclass(frozen=True)
class Step:
    """One page of the guide: the dock that it speaks of, a headline, a few words."""

    dock: str
    headline: str
    words: str


STEPS = (
    Step("Plate", "1. A plate", "Open one, drop its folder here, or try the sample. Double-click a well to see it."),
    Step("Embed", "2. One button", "Apply the built-in dictionary. Features appear as wells finish."),
    Step(
        "Features",
        "3. Features",
        "Compare by a column of your plate map, sort, click a feature: image and plate show it.",
    ),
    Step("Features", "4. A name", "Look at its strongest places. When you know what it is, give it a name."),
    Step("Dictionary", "5. Your own", "Later: train a dictionary on your plate and watch its features form."),
)


def keys_rows() -> list[tuple[str, str]]:
    """Key and what it does, in the order of :data:`~napari_lexicon.viewer.pointer.KEYS`."""
    return [(key, KEY_WORDS.get(name, name.replace("_", " "))) for name, key in KEYS.items()]


class KeysPage(QWidget):
    """The keys, which work while the image has the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        rows = [*keys_rows(), ("Shift", "held while clicking or dragging on the plate: add wells to the selection")]
        for row, (key, words) in enumerate(rows):
            grid.addWidget(Caption(key, bold=True, fit=True, strength=0.95), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(Caption(words, wrap=True), row, 1)


class Guide(QDialog):
    """Five pages beside the docks they speak of, and the keys. Nothing waits for it.

    Parameters
    ----------
    viewer : napari.Viewer
        With the workspace open.
    """

    def __init__(self, viewer: Any) -> None:
        window = main_window(viewer)
        super().__init__(window)
        self.setObjectName("lexicon_guide")
        self.setWindowTitle("Guide")
        self.setWindowFlag(Qt.WindowType.Tool)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._viewer, self._at = viewer, 0
        self.headline = Caption(bold=True, strength=1.0, step=2)
        self.words = Caption(wrap=True, strength=0.9)
        self.words.setMinimumHeight(58)
        self.keys = KeysPage()
        self.back = self._button("guide_back", "Back", "The page before.")
        self.next = self._button("guide_next", "Next", "The next page.")
        self.sample = self._button("guide_sample", "Try the sample plate", "Simulated cells, made in about a minute.")
        self.finish = self._button("guide_done", "Close", "Plugins › napari-lexicon › Guide and keys brings it back.")
        buttons = QHBoxLayout()
        for button in (self.sample, self.back, self.next, self.finish):
            buttons.addWidget(button)
        box = QVBoxLayout(self)
        for widget in (self.headline, self.words, self.keys):
            box.addWidget(widget)
        box.addStretch(1)
        box.addLayout(buttons)
        self.back.clicked.connect(lambda: self.setValue(self._at - 1))
        self.next.clicked.connect(lambda: self.setValue(self._at + 1))
        self.sample.clicked.connect(self._open_sample)
        self.finish.clicked.connect(self.close)
        self.resize(380, 180)
        self.setValue(0)

    def value(self) -> int:
        """Page shown; the last one lists the keys."""
        return self._at

    def setValue(self, page: int) -> None:
        """Show another page and bring its dock to the front."""
        self._at = min(max(0, page), len(STEPS))
        last = self._at == len(STEPS)
        step = Step("", "Keys", "They work while the image has the focus.") if last else STEPS[self._at]
        self.headline.setText(step.headline)
        self.words.setText(step.words)
        self.keys.setVisible(last)
        self.back.setEnabled(self._at > 0)
        self.next.setEnabled(not last)
        self.sample.setVisible(self._at == 0)
        self._tell()
        self._go_to(step.dock)

    def _tell(self) -> None:
        """Speak of images where the open plate is made of loose ones."""
        from napari_lexicon.widgets.workspace.workspace import workspace_of

        plate = workspace_of(self._viewer).state.plate
        tell(self, images=plate is not None and plate.free)

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setToolTip(tip)
        return button

    def _go_to(self, name: str) -> None:
        window = main_window(self._viewer)
        dock = bring_to_front(self._viewer, name)
        if dock is None or window is None:
            return
        place = dock.mapToGlobal(QPoint(0, 0))
        on_the_right = place.x() > window.mapToGlobal(QPoint(window.width() // 2, 0)).x()
        x = place.x() - self.width() - 16 if on_the_right else place.x() + dock.width() + 16
        self.move(x, place.y() + 60)

    def _open_sample(self) -> None:
        from napari_lexicon.widgets.workspace.workspace import workspace_of

        workspace_of(self._viewer).samples.open_small("plate")
        self.setValue(1)


def show_guide(viewer: Any) -> Guide:
    """Show the guide; it counts as seen from now on."""
    Memory().note_guide_seen()
    guide = Guide(viewer)
    guide.show()
    return guide


class GuideCommand(QWidget):
    """Opens the workspace and the guide, and takes itself away again: napari's menu can hold widgets only."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        viewer = unwrapped(napari_viewer)
        QTimer.singleShot(0, lambda: self._give_way(viewer))

    def _give_way(self, viewer: Any) -> None:
        from napari_lexicon.widgets.workspace.docking import open_workspace

        dock = self.parent()
        if isinstance(dock, QDockWidget):
            viewer.window.remove_dock_widget(dock)
        open_workspace(viewer)
        show_guide(viewer)
        self.deleteLater()
