"""Which vision model, and which of its layers, to embed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QComboBox, QFileDialog, QGridLayout, QPushButton, QSpinBox, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.embed.model_card import ModelCard
from napari_lexicon.widgets.embed.models import ModelOffer, model_offers
from napari_lexicon.widgets.workspace.preferences import preferences
from napari_lexicon.widgets.workspace.requests import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        self._offers: dict[str, ModelOffer] = {}
        self.note = Caption(wrap=True, step=-0.5)
        self.note.setObjectName("model_note")
        self.card = QPushButton("Model card")
        self.card.setObjectName("model_card")
        self.card.setToolTip("What the built-in model was made from, how well it does, what it is not for.")
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
        grid.addWidget(self.note, 1, 0, 1, 3)
        grid.addWidget(self.card, 2, 1, 1, 2, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(Caption("Layer", fit=True), 3, 0)
        grid.addWidget(self.layer, 3, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        self.setOffers(_offers())
        self.backbone.currentTextChanged.connect(self._told)
        self.layer.valueChanged.connect(self._told)
        self.file.clicked.connect(self._browse)
        self.card.clicked.connect(self.show_card)

    def changeEvent(self, event: QEvent | None) -> None:
        """Look again at what can be used when the window comes back to the front, as from the preferences."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            offers = _offers()
            if offers != list(self._offers.values()):
                self.setOffers(offers)

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

    def setOffers(self, offers: Sequence[ModelOffer]) -> None:
        """Offer these models; one with a reason is shown, says why, and cannot be chosen."""
        chosen = self._value
        self._offers = {offer.name: offer for offer in offers}
        self.backbone.blockSignals(True)
        self.backbone.clear()
        model = self.backbone.model()
        for number, offer in enumerate(offers):
            self.backbone.addItem(offer.label, offer.name)
            self.backbone.setItemData(number, offer.reason or offer.note, Qt.ItemDataRole.ToolTipRole)
            item = model.item(number) if isinstance(model, QStandardItemModel) else None
            if item is not None and offer.reason:
                item.setEnabled(False)
        self.backbone.blockSignals(False)
        self.setValue(chosen)
        self._say()

    def reason(self) -> str | None:
        """Why the chosen model cannot be used, None where it can."""
        offer = self._offers.get(self._value.backbone)
        return offer.reason or None if offer is not None else None

    def show_card(self) -> None:
        """Show the built-in model's card."""
        self._dialog = ModelCard(self)
        self._dialog.show()

    def _say(self) -> None:
        offer = self._offers.get(self._value.backbone)
        if offer is None:
            text = "A checkpoint on this computer, or the name of a timm model. Mind its licence."
        else:
            text = offer.note if not offer.reason else f"{offer.note} {offer.reason}"
        self.note.setText(text)
        self.card.setVisible(self._value.backbone == BUILTIN)

    def _told(self) -> None:
        text = self.backbone.currentText().strip()
        at = self.backbone.findText(text)
        name = str(self.backbone.itemData(at)) if at >= 0 else text
        choice = ModelChoice(name or BUILTIN, self.layer.value() - 1 if self.layer.value() else None)
        if choice != self._value:
            self._value = choice
            self._say()
            self.valueChanged.emit(choice)

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "A checkpoint: config.json and model.safetensors")
        if path:
            self.backbone.setEditText(path)


def _offers() -> list[ModelOffer]:
    wanted = preferences()
    return model_offers(wanted.model_folder, wanted.token, wanted.mirror)
