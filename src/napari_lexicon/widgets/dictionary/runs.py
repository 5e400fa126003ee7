"""Training runs beside each other: what was asked for, how good it is, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.workspace.job_status import spoken_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.jobs.training_record import TrainingRecord

COLUMNS = (
    ("run", "Dictionary that the run wrote, and when it began."),
    ("features", "Number of features asked for."),
    ("in a patch", "How many features fire in a patch at most. Runs with more explain more by that alone."),
    ("steps", "Steps done, of those asked for where the run ended before."),
    ("explains", "Part of the variance of held-out tokens that the dictionary explains."),
    ("dead", "Features that no recent token used."),
    ("took", "Time at work."),
)
_ROW, _MOST_ROWS = 24, 6


@dataclass(frozen=True)
class RunRow:
    """A run as the table shows it.

    Parameters
    ----------
    out : str
        File of its dictionary.
    cells : tuple of str
        One for each of :data:`COLUMNS`.
    tip : str
        All settings and how it ended.
    there : bool
        Whether its dictionary is on the disk.
    can_go_on : bool
    best : bool
        Whether it explains most.
    """

    out: str
    cells: tuple[str, ...]
    tip: str
    there: bool
    can_go_on: bool
    best: bool


def run_rows(records: Sequence[TrainingRecord]) -> list[RunRow]:
    """Rows of the table, in the order of the records."""
    explained = {r.out: float(r.best.get("explained_variance", float("-inf"))) for r in records if r.out.is_file()}
    top = max(explained, key=lambda out: explained[out], default=None)
    rows = []
    for record in records:
        job, best = record.job, record.best
        k = int(job.get("iterations", 1)) * int(job.get("per_iteration", 1))
        steps = f"{record.step:,}" if record.step >= record.steps else f"{record.step:,} of {record.steps:,}"
        rows.append(
            RunRow(
                str(record.out),
                (
                    record.name,
                    f"{int(job.get('features', 0)):,}",
                    str(k),
                    steps,
                    _percent(best.get("explained_variance"), 1),
                    _percent(best.get("dead"), 1),
                    spoken_time(record.seconds),
                ),
                _tip(record),
                record.out.is_file(),
                record.can_go_on,
                record.out == top,
            )
        )
    return rows


def _percent(value: Any, digits: int) -> str:
    return "" if value is None else f"{100 * float(value):.{digits}f} %"


def _tip(record: TrainingRecord) -> str:
    shown = ("algorithm", "tokens", "channels", "controls", "whitening", "learning_rate", "batch", "seed", "seeds")
    lines = [f"{record.out.name}, begun {record.began.replace('T', ' ').removesuffix('+00:00')} UTC"]
    lines += [f"{name.replace('_', ' ')}: {record.job[name]}" for name in shown if name in record.job]
    return "\n".join([*lines, record.message or f"{record.phase} at step {record.step:,}"])


class RunsView(QWidget):
    """A table of runs and what to do with the chosen one. Its value is the list of :class:`RunRow`.

    Signals
    -------
    applyClicked(str), resumeClicked(str)
        Dictionary file of the run.
    chosen(str)
        Show the curves of this run.
    """

    applyClicked = Signal(str)
    resumeClicked = Signal(str)
    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[RunRow] = []
        self._reason: str | None = None
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setObjectName("training_runs")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)  # Tab leaves a table; the arrows walk in it
        side, header = self.table.verticalHeader(), self.table.horizontalHeader()
        assert side is not None and header is not None
        side.hide()
        side.setDefaultSectionSize(_ROW)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(34)
        for column, (title, tip) in enumerate(COLUMNS):
            item = QTableWidgetItem(title)
            item.setToolTip(tip)
            self.table.setHorizontalHeaderItem(column, item)
        self.apply_best = QPushButton("Apply the best")
        self.apply_best.setObjectName("apply_best")
        self.apply = QPushButton("Apply this")
        self.apply.setObjectName("apply_run")
        self.resume = QPushButton("Continue")
        self.resume.setObjectName("resume_run")
        buttons = QHBoxLayout()
        for button in (self.apply_best, self.apply, self.resume):
            buttons.addWidget(button, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(Caption("Training runs on these tokens", bold=True, strength=0.9))
        box.addWidget(self.table)
        box.addLayout(buttons)
        self.table.itemSelectionChanged.connect(self._choose)
        self.apply_best.clicked.connect(lambda: self.applyClicked.emit(next(r.out for r in self._rows if r.best)))
        self.apply.clicked.connect(lambda: self._with_chosen(self.applyClicked))
        self.resume.clicked.connect(lambda: self._with_chosen(self.resumeClicked))
        self.setValue([])

    def value(self) -> list[RunRow]:
        """Runs shown."""
        return list(self._rows)

    def setValue(self, rows: Sequence[RunRow]) -> None:
        """Show other runs."""
        kept = self._chosen()
        self._rows = list(rows)
        self.setVisible(bool(rows))
        self.table.blockSignals(True)
        self.table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row.cells):
                item = QTableWidgetItem(text + ("  (best)" if row.best and column == 0 and len(rows) > 1 else ""))
                item.setToolTip(row.tip)
                side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                font = item.font()
                font.setBold(row.best)
                item.setFont(font)
                self.table.setItem(number, column, item)
            if kept is not None and kept.out == row.out:
                self.table.selectRow(number)
        self.table.blockSignals(False)
        header = self.table.horizontalHeader()
        assert header is not None
        self.table.setFixedHeight(header.sizeHint().height() + _ROW * min(max(1, len(rows)), _MOST_ROWS) + 20)
        self._offer()

    def setReason(self, reason: str | None) -> None:
        """Why nothing can be done with a run now, None where it can."""
        self._reason = reason
        self._offer()

    def _chosen(self) -> RunRow | None:
        at = self.table.currentRow()
        selected = bool(self.table.selectedItems())
        return self._rows[at] if selected and 0 <= at < len(self._rows) else None

    def _choose(self) -> None:
        run = self._chosen()
        self._offer()
        if run is not None:
            self.chosen.emit(run.out)

    def _with_chosen(self, signal: Any) -> None:
        run = self._chosen()
        if run is not None:
            signal.emit(run.out)

    def _offer(self) -> None:
        run = self._chosen()
        nothing = None if run is not None else "Choose a run in the table first."
        best = None if any(row.best for row in self._rows) else "No run has written a dictionary yet."
        gone = None if run is None or run.there else "The dictionary of this run is no longer there."
        done = None if run is None or run.can_go_on else "This run came to its end, or its checkpoint is gone."
        for button, reason, tip in (
            (self.apply_best, best, "Apply the dictionary that explains most of what it did not see in training."),
            (self.apply, nothing or gone, "Apply the dictionary of the chosen run to the open plate."),
            (self.resume, nothing or done, "Go on from its last checkpoint; nothing is learned twice."),
        ):
            why = self._reason or reason
            button.setEnabled(why is None)
            button.setToolTip(why or tip)
