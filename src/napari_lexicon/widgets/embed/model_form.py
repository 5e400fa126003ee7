"""Which vision model, and which of its layers, to embed with."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QGridLayout, QPushButton, QSpinBox, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.workspace.requests import BUILTIN

_CHOICES = (
    ("built-in model", BUILTIN, "The small model that comes with the plugin. Reads every channel by itself."),
    ("random weights (baseline)", "random", "The same model without training: what chance alone would find."),
)


@dataclass(frozen=True)
class ModelChoice:
    """A model and a layer; layer None is the model's own choice."""

    backbone: str = BUILTIN
    layer: int | None = None


class ModelForm(QWidget):
    """Model and layer. Its value is a :class:`ModelChoice`.

    Signals
    -------
    valueChanged(ModelChoice)
        Another model or layer.
    """

    valueChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = ModelChoice()
        self.backbone = QComboBox()
        self.backbone.setObjectName("backbone")
        self.backbone.setEditable(True)
        self.backbone.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.backbone.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.backbone.setToolTip(
            "The built-in model, the name of a timm model (it is downloaded), or a checkpoint on this computer."
        )
        for text, name, tip in _CHOICES:
            self.backbone.addItem(text, name)
            self.backbone.setItemData(self.backbone.count() - 1, tip, 3)  # Qt.ToolTipRole
        self.file = QPushButton("…")
        self.file.setObjectName("backbone_file")
        self.file.setToolTip("Choose a folder with config.json and model.safetensors.")
        self.file.setFixedWidth(30)
        self.layer = QSpinBox()
        self.layer.setObjectName("layer")
        self.layer.setRange(0, 64)
        self.layer.setSpecialValueText("the model's own")
        self.layer.setToolTip("Which block's output is read, counted from 1. Early ones see texture, late ones shape.")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 2, 0, 2)
        grid.setHorizontalSpacing(10)
        grid.addWidget(Caption("Model", fit=True), 0, 0)
        grid.addWidget(self.backbone, 0, 1)
        grid.addWidget(self.file, 0, 2)
        grid.addWidget(Caption("Layer", fit=True), 1, 0)
        grid.addWidget(self.layer, 1, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        self.backbone.currentTextChanged.connect(self._told)
        self.layer.valueChanged.connect(self._told)
        self.file.clicked.connect(self._browse)

    def value(self) -> ModelChoice:
        """Model and layer."""
        return self._value

    def setValue(self, choice: ModelChoice) -> None:
        """Show another model and layer."""
        at = self.backbone.findData(choice.backbone)
        if at >= 0:
            self.backbone.setCurrentIndex(at)
        else:
            self.backbone.setEditText(choice.backbone)
        self.layer.setValue(0 if choice.layer is None else choice.layer + 1)

    def _told(self) -> None:
        text = self.backbone.currentText().strip()
        at = self.backbone.findText(text)
        name = str(self.backbone.itemData(at)) if at >= 0 else text
        choice = ModelChoice(name or BUILTIN, self.layer.value() - 1 if self.layer.value() else None)
        if choice != self._value:
            self._value = choice
            self.valueChanged.emit(choice)

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "A checkpoint: config.json and model.safetensors")
        if path:
            self.backbone.setEditText(path)
