"""The Embed dock's view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.facts import Facts
from napari_lexicon.widgets.basic.fold import Fold
from napari_lexicon.widgets.basic.primary_button import PrimaryButton
from napari_lexicon.widgets.embed.model_form import ModelForm
from napari_lexicon.widgets.embed.settings_form import SettingsForm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.widgets.embed.status import Offer


class EmbedView(QWidget):
    """What is computed of the plate, the one button, and the settings behind one line each.

    Signals
    -------
    applyClicked(), embedClicked(), preferencesClicked()
        The buttons.
    """

    applyClicked = Signal()
    embedClicked = Signal()
    preferencesClicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = Caption(bold=True, strength=1.0, step=1.5)
        self.title.setObjectName("embed_title")
        self.facts = Facts()
        self.facts.setObjectName("cache_facts")
        self.apply = PrimaryButton()
        self.apply.setObjectName("apply")
        self.note = Caption(wrap=True, step=-0.5, strength=0.65, centred=True)
        self.note.setObjectName("apply_note")
        self.form = SettingsForm()
        self.settings_fold = Fold(self.form)
        self.settings_fold.line.setObjectName("settings_fold")
        self.model = ModelForm()
        self.embed = QPushButton("Embed only")
        self.embed.setObjectName("embed")
        model_page = QWidget()
        page = QVBoxLayout(model_page)
        page.setContentsMargins(0, 0, 0, 0)
        page.addWidget(
            Caption(
                "Embedding keeps a sample of what the model says of every patch. Train a dictionary on it in the "
                "Dictionary dock.",
                wrap=True,
                step=-0.5,
            )
        )
        page.addWidget(self.model)
        self.preferences = QPushButton("Token, mirror, cache folder…")
        self.preferences.setObjectName("open_preferences")
        self.preferences.setToolTip("For models that are downloaded: napari's preferences, page napari-lexicon.")
        self.preferences.clicked.connect(self.preferencesClicked)
        page.addWidget(self.embed)
        page.addWidget(self.preferences)
        self.model_fold = Fold(model_page, "Embed only, with this or another model")
        self.model_fold.line.setObjectName("model_fold")
        box = QVBoxLayout(self)
        box.setContentsMargins(2, 2, 2, 2)
        box.setSpacing(8)
        for widget in (self.title, self.facts, self.apply, self.note, self.settings_fold, self.model_fold):
            box.addWidget(widget)
        box.addStretch(1)
        self.apply.clicked.connect(self.applyClicked)
        self.embed.clicked.connect(self.embedClicked)

    def setFacts(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        """What is computed of which plate."""
        self.title.setText(title)
        self.facts.setValue(rows)

    def setOffer(self, offer: Offer, note: str) -> None:
        """What the one button does, and how long it will take or why it is disabled."""
        self.apply.setText(offer.text)
        self.apply.setReason(offer.reason, note)
        self.note.setText(offer.reason or note)

    def setEmbedReason(self, reason: str | None) -> None:
        """Enable "Embed only", or say why it is disabled."""
        self.embed.setEnabled(reason is None)
        self.embed.setToolTip(reason or "Keep a sample of tokens of every field, without a dictionary.")
