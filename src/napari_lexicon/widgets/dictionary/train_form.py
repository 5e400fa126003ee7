"""Settings of a training run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QComboBox, QGridLayout, QSpinBox, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.fold import Fold
from napari_lexicon.widgets.basic.words import counted
from napari_lexicon.widgets.workspace.job_status import spoken_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class TrainChoice:
    """What to train; names as in :class:`napari_lexicon.jobs.training.TrainJob`."""

    algorithm: str = "icfl-anchored"
    features: int = 256
    iterations: int = 4
    per_iteration: int = 2
    steps: int = 3000
    tokens: str = "patch"
    channels: str = "separate"
    seed: int = 0


PRESETS: dict[str, TrainChoice] = {
    "quick": TrainChoice(steps=300),
    "standard": TrainChoice(),
    "thorough": TrainChoice(features=1024, iterations=8, steps=12_000),
}
_PRESET_WORDS = {
    "quick": "quick: a first look",
    "standard": "standard",
    "thorough": "thorough: many rare features",
}
_ALGORITHM_WORDS = {
    "icfl-anchored": "ICFL beside the principal directions",
    "icfl": "ICFL as its paper has it",
    "topk": "TopK autoencoder",
    "batch-topk": "BatchTopK autoencoder",
    "relu-l1": "ReLU autoencoder with L1",
    "matryoshka": "Matryoshka TopK autoencoder",
    "mp-sae": "Matching pursuit (MP-SAE)",
    "pca": "Whitened PCA coordinates",
    "ica": "Independent components (ICA)",
    "kmeans": "Spherical k-means",
}
_TOKENS = (("patch", "every patch"), ("mean", "means of tiles"))
_CHANNELS = (
    ("separate", "each channel by itself (serves any assay)"),
    ("concat", "all channels in one vector"),
    ("mean", "the mean over channels"),
)


class TrainForm(QWidget):
    """A preset, and behind a line everything that it sets. Its value is a :class:`TrainChoice`.

    Signals
    -------
    valueChanged(TrainChoice)
        Another choice.
    """

    valueChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = TrainChoice()
        self.preset = self._combo("preset", _PRESET_WORDS.items(), "How much to learn. Everything it sets is below.")
        self.algorithm = self._combo("algorithm", _ALGORITHM_WORDS.items(), "How the dictionary is learned.")
        self.features = self._spin("features", 8, 65_536, "Number of features to learn. More find rarer things.")
        self.iterations = self._spin("iterations", 1, 200, "Rounds of the pursuit.")
        self.per_iteration = self._spin("per_iteration", 1, 64, "Features picked in each round.")
        self.steps = self._spin("steps", 10, 1_000_000, "Steps of learning.")
        self.seed = self._spin("seed", 0, 2**31 - 1, "The same seed gives the same dictionary.")
        self.tokens = self._combo("tokens", _TOKENS, "What one sample is.")
        self.channels = self._combo("channels", _CHANNELS, "How the channels of a field are read.")
        self.sparsity = Caption(step=-0.5)
        details = QWidget()
        grid = QGridLayout(details)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        rows: tuple[tuple[str, QWidget], ...] = (
            ("Algorithm", self.algorithm),
            ("Features", self.features),
            ("Rounds", self.iterations),
            ("Picks a round", self.per_iteration),
            ("", self.sparsity),
            ("Steps", self.steps),
            ("Samples", self.tokens),
            ("Channels", self.channels),
            ("Seed", self.seed),
        )
        for row, (text, widget) in enumerate(rows):
            if text:
                grid.addWidget(Caption(text, fit=True), row, 0)
            grid.addWidget(widget, row, 1)
        grid.setColumnStretch(1, 1)
        self.fold = Fold(details)
        self.fold.line.setObjectName("train_fold")
        outer = QGridLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setHorizontalSpacing(10)
        outer.addWidget(Caption("Amount", fit=True), 0, 0)
        outer.addWidget(self.preset, 0, 1)
        outer.addWidget(self.fold, 1, 0, 1, 2)
        outer.setColumnStretch(1, 1)
        self.preset.addItem("as set below", "")
        self.preset.activated.connect(self._take_preset)
        self.setValue(PRESETS["standard"])

    def value(self) -> TrainChoice:
        """The choice."""
        return self._value

    def setValue(self, choice: TrainChoice) -> None:
        """Show another choice."""
        self._setting = True
        for name in ("features", "iterations", "per_iteration", "steps", "seed"):
            getattr(self, name).setValue(getattr(choice, name))
        for name in ("algorithm", "tokens", "channels"):
            combo = getattr(self, name)
            combo.setCurrentIndex(max(0, combo.findData(getattr(choice, name))))
        self._setting = False
        self._told()

    def setAlgorithms(self, names: Sequence[str]) -> None:
        """Offer these algorithms."""
        chosen = self._value.algorithm
        self._setting = True
        self.algorithm.clear()
        for name in names:
            self.algorithm.addItem(_ALGORITHM_WORDS.get(name, name), name)
        self.algorithm.setCurrentIndex(max(0, self.algorithm.findData(chosen)))
        self._setting = False

    def setTimes(self, seconds: Mapping[str, float | None], *, measuring: bool = False) -> None:
        """Say beside each preset how long it will take on this computer; None where that is not known (yet)."""
        unknown = " · measuring the time…" if measuring else ""
        for name, words in _PRESET_WORDS.items():
            known = seconds.get(name)
            text = f"{words}{unknown}" if known is None else f"{words} · about {spoken_time(known)}"
            self.preset.setItemText(self.preset.findData(name), text)

    def setChannels(self, n: int) -> None:
        """Number of channels of the plate; what needs several is greyed, with the reason, where there is one."""
        model = self.channels.model()
        for row in range(self.channels.count()):
            several = self.channels.itemData(row) != "separate"
            item = model.item(row) if isinstance(model, QStandardItemModel) else None
            if item is not None:
                item.setEnabled(n > 1 or not several)
                item.setToolTip("This plate has one channel." if n <= 1 and several else "")
        words = dict(_CHANNELS)
        for row in range(self.channels.count()):
            plain = words[str(self.channels.itemData(row))]
            several = self.channels.itemData(row) != "separate"
            self.channels.setItemText(row, f"{plain}: this plate has one" if n <= 1 and several else plain)

    def reason(self) -> str | None:
        """Why these settings cannot work, None where they can."""
        if self._value.per_iteration > self._value.features:
            return "There are more picks a round than features: ask for fewer picks or more features."
        return None

    _setting = False

    def _combo(self, name: str, items: object, tip: str) -> QComboBox:
        combo = QComboBox()
        combo.setObjectName(name)
        combo.setToolTip(tip)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for key, text in items:  # type: ignore[attr-defined]  # pairs of str
            combo.addItem(text, key)
        combo.currentIndexChanged.connect(self._told)
        return combo

    def _spin(self, name: str, low: int, high: int, tip: str) -> QSpinBox:
        spin = QSpinBox()
        spin.setObjectName(name)
        spin.setRange(low, high)
        spin.setGroupSeparatorShown(True)
        spin.setToolTip(tip)
        spin.valueChanged.connect(self._told)
        return spin

    def _take_preset(self) -> None:
        preset = PRESETS.get(str(self.preset.currentData()))
        if preset is not None:
            self.setValue(replace(preset, seed=self._value.seed, algorithm=self._value.algorithm))

    def _told(self) -> None:
        if self._setting or not hasattr(self, "fold"):
            return
        choice = TrainChoice(
            algorithm=str(self.algorithm.currentData()),
            features=self.features.value(),
            iterations=self.iterations.value(),
            per_iteration=self.per_iteration.value(),
            steps=self.steps.value(),
            tokens=str(self.tokens.currentData()),
            channels=str(self.channels.currentData()),
            seed=self.seed.value(),
        )
        k = choice.iterations * choice.per_iteration
        self.sparsity.setText(f"at most {counted(k, 'feature')} fire in a patch")
        self.fold.setText(f"{choice.features:,} features · {k} in a patch · {choice.steps:,} steps")
        same = next(
            (
                name
                for name, preset in PRESETS.items()
                if replace(preset, seed=choice.seed, algorithm=choice.algorithm) == choice
            ),
            "",
        )
        self.preset.setCurrentIndex(self.preset.findData(same))
        if choice != self._value:
            self._value = choice
            self.valueChanged.emit(choice)
