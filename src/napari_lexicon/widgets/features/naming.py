"""Names, notes, tags and colours of the chosen feature to the lexicon and back; undo; files that travel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QFileDialog

from napari_lexicon.errors import LexiconError
from napari_lexicon.widgets.basic.words import counted
from napari_lexicon.widgets.features.notes import Notes, Said
from napari_lexicon.widgets.workspace.links import Controller

if TYPE_CHECKING:
    from napari_lexicon.analysis.matched_names import MatchedNames
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.widgets.features.view import FeaturesView
    from napari_lexicon.widgets.workspace.workspace import Workspace


class NamingController(Controller):
    """Serves the name in the card and the page of notes."""

    def __init__(self, workspace: Workspace, view: FeaturesView) -> None:
        super().__init__(workspace, view)
        self._view = view
        notes: Notes = view.notes
        state = workspace.state
        for signal in (workspace.reading.changed, state.featureChanged, state.nameChanged):
            self.link(signal, self._show)
        self.link(view.card.named, self._name)
        self.link(notes.valueChanged, self._say)
        self.link(notes.undoRequested, self.undo)
        # fields of text take back their own typing first; everywhere else in the dock this is the one that hears
        self._shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), view)
        self._shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.link(self._shortcut.activated, self.undo)
        self._show()

    def _lexicon(self) -> Lexicon | None:
        lexicon = self.workspace.state.lexicon
        return lexicon if lexicon is not None and lexicon.header.dictionary is not None else None

    def _show(self, _: object = None) -> None:
        lexicon, feature = self._lexicon(), self.workspace.state.feature
        notes = self._view.notes
        notes.setEnabled(lexicon is not None and feature is not None)
        notes.setCanUndo(lexicon is not None and lexicon.names.can_undo)
        given = None if lexicon is None or feature is None else lexicon.names.get(feature)
        if given is None:
            notes.setValue(Said())
            return
        who = f"{given.by or 'somebody'}, {given.when[:16].replace('T', ' ')} UTC"
        notes.setValue(Said(given.note, given.tags, given.color, given.confidence), who)

    def _name(self, name: str) -> None:
        self._write(name, self._view.notes.value())

    def _say(self, said: Said) -> None:
        lexicon, feature = self._lexicon(), self.workspace.state.feature
        given = None if lexicon is None or feature is None else lexicon.names.get(feature)
        self._write(given.name if given else "", said)

    def _write(self, name: str, said: Said) -> None:
        lexicon, feature = self._lexicon(), self.workspace.state.feature
        if lexicon is None or feature is None:
            return
        try:
            lexicon.names.set(
                feature,
                name,
                note=said.note,
                tags=said.tags,
                color=said.color,
                confidence=said.confidence,  # type: ignore[arg-type]  # one of the keys offered
            )
        except LexiconError as error:
            self.workspace.state.notice(str(error), "error")
            return
        self.workspace.state.tell_name(feature)

    def undo(self) -> None:
        """Take back the last change of names since the lexicon was opened."""
        lexicon = self._lexicon()
        if lexicon is None or not lexicon.names.can_undo:
            return
        try:
            features = lexicon.names.undo()
        except LexiconError as error:
            self.workspace.state.notice(str(error), "error")
            return
        for feature in features:
            self.workspace.state.tell_name(feature)

    def close(self) -> None:
        """Cut every connection; a dock that is opened again makes a shortcut of its own."""
        super().close()
        self._shortcut.setEnabled(False)
        self._shortcut.deleteLater()

    # files ----------------------------------------------------------------------------------------------------------

    def export(self, out: Path) -> None:
        """Write the names to a file of their own, in a thread."""
        from napari_lexicon.lexicons.names_file import write_names

        lexicon, state = self._lexicon(), self.workspace.state
        if lexicon is not None:
            self.workspace.background.start(
                "export names",
                lambda: write_names(lexicon, out),
                lambda found: state.notice(f"{counted(len(found.names), 'name')} in {out}."),
                lambda error: state.notice(str(error), "error"),
            )

    def ask_for_file(self) -> None:
        """Ask which file of names to take over."""
        lexicon = self._lexicon()
        if lexicon is None:
            return
        dialog = QFileDialog(self._view, "Take over names", str(lexicon.path.parent), "Names (*.json)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.take_over(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def take_over(self, path: Path) -> None:
        """Match the names of a file to features, in a thread, then give them as one change that can be undone."""
        from napari_lexicon.analysis.matched_names import match_names
        from napari_lexicon.lexicons.names_file import read_names

        lexicon, state = self._lexicon(), self.workspace.state
        if lexicon is None:
            return

        def take(found: MatchedNames) -> None:
            if state.lexicon is not lexicon:
                return
            try:
                lexicon.names.put(found.taken)
            except LexiconError as error:
                state.notice(str(error), "error")
                return
            for feature in found.taken:
                state.tell_name(feature)
            left = found.table["outcome"].value_counts()
            rest = [f"{n} {outcome}" for outcome, n in left.items() if outcome != "taken"]
            state.notice(", ".join([f"{counted(len(found.taken), 'name')} taken over", *rest]) + ".")

        self.workspace.background.start(
            "import names",
            lambda: match_names(lexicon, read_names(path)),
            take,
            lambda error: state.notice(str(error), "error"),
        )
