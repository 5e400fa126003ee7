"""How a plate is to be read: device, tiles at a time, where results go; and for embedding, which model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_lexicon.backbones.pixel_sizes import stated_um_per_pixel
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.workspace.device_probe import BEFORE
from napari_lexicon.widgets.workspace.requests import ComputeSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.widgets.workspace.device_probe import DeviceChoice


LIGHTS = (("as before, or as it is", None), ("as it is", "none"), ("evened out", "correct"))
"""What is done about uneven light: words and value."""
AT_A_SIZE, AT_THE_MODELS = -1.0, -2.0
SIZES = (
    ("as it is open", 0.0),
    ("as on disk", 1.0),
    ("enlarged 2 times", 2.0),
    ("enlarged 3 times", 3.0),
    ("enlarged 4 times", 4.0),
    ("at the model's pixel size", AT_THE_MODELS),
    ("at a pixel size of", AT_A_SIZE),
)
"""How large fields are read: words and times, or one of the two above."""


class SettingsForm(QWidget):
    """Device, batch, folder, light, recompute. Its value is a :class:`ComputeSettings`.

    Signals
    -------
    valueChanged(ComputeSettings)
        Other settings.
    """

    valueChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = ComputeSettings()
        self.device = QComboBox()
        self.device.setObjectName("device")
        self.device.setToolTip("Where the vision model runs. A device that cannot be used says why.")
        self.batch = QSpinBox()
        self.batch.setObjectName("batch")
        self.batch.setRange(1, 512)
        self.batch.setToolTip("Fewer need less memory; more are faster on a graphics card.")
        self.out = QLineEdit()
        self.out.setObjectName("results_folder")
        self.out.setPlaceholderText("beside the plate")
        self.out.setToolTip("The .lexicon folder that results are written to. Empty: the plate's own.")
        self.browse = QPushButton("…")
        self.browse.setObjectName("browse_results")
        self.browse.setToolTip("Choose a folder.")
        self.browse.setFixedWidth(30)
        self.light = QComboBox()
        self.light.setObjectName("illumination")
        self.light.setToolTip(
            "Light that falls off towards the corners dims the stain there. Evened out, every channel is divided by a\n"
            "smooth flat field estimated from the plate's own images. It is kept with the results."
        )
        for text, data in LIGHTS:
            self.light.addItem(text, data)
        self.read_at = QComboBox()
        self.read_at.setObjectName("read_at")
        self.read_at.setToolTip(
            "Fields can be read larger than they are. The model sees a patch at a time: where a nucleus is no wider\n"
            "than a patch or two, enlarge, until it is about 30 pixels wide. It takes as many times longer, squared."
        )
        for text, times in SIZES:
            self.read_at.addItem(text, times)
        self.um = QDoubleSpinBox()
        self.um.setObjectName("um_per_pixel")
        self.um.setRange(0.01, 20.0)
        self.um.setDecimals(3)
        self.um.setSingleStep(0.05)
        self.um.setValue(0.5)
        self.um.setSuffix(" µm")
        self.um.setVisible(False)
        self.um.setToolTip(
            "Micrometres per pixel that fields are resampled to before the model reads them, so that it sees cells at\n"
            "the size it was trained on. The plate has to say how large its pixels are."
        )
        self.recompute = QCheckBox("compute stale fields again")
        self.recompute.setObjectName("recompute")
        self.recompute.setToolTip(
            "Fields made with another model, dictionary or image are kept as they are unless you ask for this."
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 2, 0, 2)
        grid.setHorizontalSpacing(10)
        for row, (text, widget) in enumerate((("Device", self.device), ("Tiles at a time", self.batch))):
            grid.addWidget(Caption(text, fit=True), row, 0)
            grid.addWidget(widget, row, 1)
        folder = QHBoxLayout()
        folder.addWidget(self.out, 1)
        folder.addWidget(self.browse)
        grid.addWidget(Caption("Results", fit=True), 2, 0)
        grid.addLayout(folder, 2, 1)
        grid.addWidget(Caption("Light", fit=True), 3, 0)
        grid.addWidget(self.light, 3, 1)
        size = QHBoxLayout()
        size.addWidget(self.read_at, 1)
        size.addWidget(self.um)
        grid.addWidget(Caption("Size", fit=True), 4, 0)
        grid.addLayout(size, 4, 1)
        grid.addWidget(self.recompute, 5, 1)
        grid.setColumnStretch(1, 1)
        self.setDevices(BEFORE)
        self.setValue(self._value)
        self.device.currentIndexChanged.connect(self._told)
        self.batch.valueChanged.connect(self._told)
        self.out.editingFinished.connect(self._told)
        self.read_at.currentIndexChanged.connect(self._told)
        self.um.valueChanged.connect(self._told)
        self.light.currentIndexChanged.connect(self._told)
        self.recompute.toggled.connect(self._told)
        self.browse.clicked.connect(self._browse)

    def value(self) -> ComputeSettings:
        """The settings."""
        return self._value

    def setValue(self, settings: ComputeSettings) -> None:
        """Show other settings."""
        self._value, changed = settings, settings != self._value
        for widget in (self.device, self.batch, self.out, self.light, self.read_at, self.um, self.recompute):
            widget.blockSignals(True)
        self.device.setCurrentIndex(max(0, self.device.findData(settings.device)))
        self.batch.setValue(settings.batch)
        self.out.setText(settings.out)
        self.light.setCurrentIndex(max(0, self.light.findData(settings.illumination)))
        times = AT_A_SIZE if settings.um_per_pixel else settings.enlarge
        self.read_at.setCurrentIndex(max(0, self.read_at.findData(times)))
        if settings.um_per_pixel:
            self.um.setValue(settings.um_per_pixel)
        self.um.setVisible(bool(settings.um_per_pixel))
        self.recompute.setChecked(settings.recompute)
        self._offer_the_models_size()
        for widget in (self.device, self.batch, self.out, self.light, self.read_at, self.um, self.recompute):
            widget.blockSignals(False)
        if changed:
            self.valueChanged.emit(settings)

    def setDevices(self, devices: Sequence[DeviceChoice]) -> None:
        """Offer these devices; one with a reason is shown, says why, and cannot be chosen."""
        self.device.blockSignals(True)
        self.device.clear()
        model = self.device.model()
        for choice in devices:
            self.device.addItem(choice.label if not choice.reason else f"{choice.label}: not here", choice.name)
            if choice.reason and isinstance(model, QStandardItemModel):
                item = model.item(self.device.count() - 1)
                assert item is not None
                item.setEnabled(False)
                item.setToolTip(choice.reason)
        self.device.setCurrentIndex(max(0, self.device.findData(self._value.device)))
        self.device.blockSignals(False)
        reasons = [f"{choice.label}: {choice.reason}" for choice in devices if choice.reason]
        self.device.setToolTip("\n".join(["Where the vision model runs.", *reasons]))

    def _told(self) -> None:
        out = self.out.text().strip()
        if self.read_at.currentData(Qt.ItemDataRole.UserRole) == AT_THE_MODELS:
            self._take_the_models_size()
        times = float(self.read_at.currentData(Qt.ItemDataRole.UserRole))
        self.um.setVisible(times == AT_A_SIZE)
        settings = replace(
            self._value,
            device=str(self.device.currentData(Qt.ItemDataRole.UserRole)),
            batch=self.batch.value(),
            out=str(_lexicon_path(out)) if out else "",
            recompute=self.recompute.isChecked(),
            um_per_pixel=round(self.um.value(), 3) if times == AT_A_SIZE else 0.0,
            enlarge=0.0 if times == AT_A_SIZE else times,
            illumination=self.light.currentData(Qt.ItemDataRole.UserRole),
        )
        if settings != self._value:
            self._value = settings
            self.valueChanged.emit(settings)

    def _offer_the_models_size(self) -> None:
        name = self._value.backbone
        stated = stated_um_per_pixel(name)
        model = self.read_at.model()
        if isinstance(model, QStandardItemModel):
            item = model.item(self.read_at.findData(AT_THE_MODELS))
            assert item is not None
            item.setEnabled(stated is not None)
            item.setToolTip(
                f"{name} does not state a pixel size that it is made for."
                if stated is None
                else f"{name} is made for {stated:g} µm per pixel."
            )

    def _take_the_models_size(self) -> None:
        for widget in (self.um, self.read_at):
            widget.blockSignals(True)
        self.um.setValue(stated_um_per_pixel(self._value.backbone) or self.um.value())
        self.read_at.setCurrentIndex(self.read_at.findData(AT_A_SIZE))
        for widget in (self.um, self.read_at):
            widget.blockSignals(False)

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if path:
            self.out.setText(str(_lexicon_path(path)))
            self._told()


def _lexicon_path(text: str) -> Path:
    """A lexicon folder is called ``NAME.lexicon``; within any other folder it is called ``results.lexicon``."""
    path = Path(text).expanduser()
    return path if path.suffix == ".lexicon" else path / "results.lexicon"
