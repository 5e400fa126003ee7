"""What the Plate dock shows before there is a plate: two buttons, and the plates opened last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QPainter
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_lexicon.viewer.colors import FEATURE_COLORS, feature_ramp
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.image_words import AS_WRITTEN
from napari_lexicon.widgets.basic.ink import ground, small_font
from napari_lexicon.widgets.basic.scroll import LowContent
from napari_lexicon.widgets.plate.geometry import GridGeometry
from napari_lexicon.widgets.plate.layout import PlateLayout, WellPlace
from napari_lexicon.widgets.plate.painting import paint_plate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent

    from napari_lexicon.viewer.colors import RGB


class _PlatePicture(QWidget):
    """A small plate with a dose series, to say what will be here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        wells = [WellPlace(f"{row}-{column}", row, column, 1) for row in range(4) for column in range(6)]
        self._layout = PlateLayout(4, 6, {well.name: well for well in wells if (well.row, well.column) != (3, 5)})

    def sizeHint(self) -> QSize:
        return QSize(240, 150)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 0)  # the first to go where there is little room

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if self.height() < 60:
            return
        geometry = GridGeometry(4, 6, self.width(), self.height(), 17.0)
        colors: dict[str, RGB] = {}
        for row, name in enumerate(FEATURE_COLORS[:4]):
            ramp = feature_ramp(name, ground(self).name())
            for column in range(6):
                red, green, blue = ramp[int(255 * (column / 5) ** 1.5)]
                colors[f"{row}-{column}"] = (int(red), int(green), int(blue))
        with QPainter(self) as painter:
            painter.setOpacity(0.55)
            paint_plate(painter, self, geometry, self._layout, colors)


class StartPage(LowContent):
    """Offers to open a plate.

    Signals
    -------
    openRequested(), sampleRequested(), addressRequested()
        The two buttons, and the small one.
    recentRequested(int)
        One of the plates opened last, by its position.
    """

    openRequested = Signal()
    sampleRequested = Signal()
    addressRequested = Signal()
    recentRequested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.open_button = QPushButton("Open a plate…")
        self.open_button.setObjectName("open_plate")
        self.open_button.setToolTip("An OME-Zarr plate, a folder of images, or a lexicon made before.")
        self.sample_button = QPushButton("Try the sample plate")
        self.sample_button.setObjectName("open_sample")
        self.sample_button.setToolTip("24 simulated wells with eight phenotypes in dose series. About half a minute.")
        self.open_button.clicked.connect(self.openRequested)
        self.sample_button.clicked.connect(self.sampleRequested)
        for button in (self.open_button, self.sample_button):
            button.setMinimumHeight(32)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.address_button = QPushButton("an address…")
        self.address_button.setObjectName("open_address")
        self.address_button.setFlat(True)
        self.address_button.setFont(small_font(self, -0.5))
        self.address_button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.address_button.setToolTip(
            "An OME-Zarr plate on a web server (https) or in a bucket (s3): fields are read as needed."
        )
        self.address_button.clicked.connect(self.addressRequested)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(3)
        box = QVBoxLayout(self)
        box.setContentsMargins(6, 10, 6, 6)
        box.setSpacing(7)
        box.addWidget(_PlatePicture())
        box.addSpacing(2)
        box.addWidget(Caption("Read a plate through its features", bold=True, strength=1.0, step=2, centred=True))
        box.addWidget(
            Caption(
                "Open a plate and its wells appear here. Then one button shows which learned features fire where, "
                "over the pixels.",
                wrap=True,
                centred=True,
            )
        )
        box.addSpacing(4)
        box.addWidget(self.open_button)
        box.addWidget(self.sample_button)
        others = QHBoxLayout()
        others.addStretch(1)
        others.addWidget(Caption("or drop a folder here, or", fit=True, step=-0.5, strength=0.55))
        others.addWidget(self.address_button)
        others.addStretch(1)
        box.addLayout(others)
        box.addLayout(self._recent)
        box.addStretch(1)

    def setRecent(self, names: Sequence[tuple[str, str]]) -> None:
        """Offer these plates again: ``(name, path)``, the latest first."""
        while self._recent.count():
            item = self._recent.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        if names:
            self._recent.addWidget(Caption("Opened last", step=-0.5, bold=True))
        for position, (name, path) in enumerate(names[:4]):
            button = QPushButton(name)
            button.setObjectName(f"recent_{position}")
            button.setToolTip(path)
            button.setProperty(AS_WRITTEN, True)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(lambda checked=False, position=position: self.recentRequested.emit(position))
            self._recent.addWidget(button)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if self.property("dropping"):
            with QPainter(self) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                from napari_lexicon.widgets.basic.ink import accent

                painter.setPen(accent(self))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)
