"""What the Features dock writes: asks where, then leaves the work to a job or a thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog

from napari_lexicon.widgets.workspace.field_reading import treatment_column
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.requests import (
    figure_look,
    figure_request,
    labels_request,
    report_request,
    running_reason,
    shown_maps,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qtpy.QtWidgets import QWidget

    from napari_lexicon.widgets.features.export_menu import ExportMenu
    from napari_lexicon.widgets.features.naming import NamingController
    from napari_lexicon.widgets.workspace.workspace import Workspace

_TABLES = "Tables (*.csv);;AnnData (*.h5ad)"
_KINDS = "Pictures (*.png);;Drawings (*.svg)"


class Exporting(Controller):
    """Serves one menu.

    Parameters
    ----------
    workspace : Workspace
        What is current.
    menu : ExportMenu
        The menu.
    dock : QWidget
        Over which file dialogs open.
    owner : str
        Name of the dock, whose strip shows the jobs.
    naming : NamingController
        Sends names and takes them over.
    """

    def __init__(
        self, workspace: Workspace, menu: ExportMenu, dock: QWidget, owner: str, naming: NamingController
    ) -> None:
        super().__init__(workspace, menu)
        self._menu, self._dock, self._owner, self._naming = menu, dock, owner, naming
        self.link(menu.opening, self._say_what_can_be_done)
        self.link(menu.chosen, self._chosen)

    def _say_what_can_be_done(self) -> None:
        state, job = self.workspace.state, self.workspace.jobs.status
        self._menu.setImages(state.plate is not None and state.plate.free)
        busy = None
        if job.busy:
            busy = running_reason(job)
        nothing = None if self.workspace.reading.figures is not None else "There are no features yet."
        no_map = None
        if state.feature is None:
            no_map = "Choose a feature first."
        elif self.workspace.canvas.codes is None:
            no_map = "Open a field that has been computed first."
        no_maps = no_map if not state.kept or self.workspace.canvas.codes is None else None
        named = state.lexicon is not None and nothing is None and len(state.lexicon.names) > 0
        self._menu.setReasons(
            {
                "report": busy or nothing,
                "table": nothing,
                "wells": nothing,
                "picture": busy or no_map,
                "figure": busy or no_maps,
                "labels": busy or no_maps or self._no_place(),
                "labels_folder": busy or no_maps,
                "keep": no_map,
                "names_out": nothing or (None if named else "Nothing is named yet."),
                "names_in": nothing,
            },
        )

    def _chosen(self, key: str) -> None:
        state = self.workspace.state
        if key == "keep":
            if state.feature is not None:
                self.workspace.canvas.keep_map(state.feature, state.channel)
            return
        if state.lexicon is None:
            return
        name = state.lexicon.path.name.removesuffix(".lexicon")
        if key == "report":
            self._ask("Write the report", f"{name}-report.html", "Web pages (*.html)", self.write_report)
        elif key == "table":
            self._ask("Save the table", f"{name}-features.csv", "Tables (*.csv)", self.save_table)
        elif key == "wells":
            self._ask("Save wells × features", f"{name}-wells.csv", _TABLES, self.save_wells)
        elif key == "figure" and state.field is not None:
            self._ask("Save the figure", f"{name}-{state.field.well}-features.png", _KINDS, self.save_figure)
        elif key == "labels":
            self.write_labels(None)
        elif key == "labels_folder":
            self._ask_for_folder("Folder for labels", self.write_labels)
        elif key == "names_out":
            self._ask("Send names", f"{name}-names.json", "Names (*.json)", self._naming.export)
        elif key == "names_in":
            self._naming.ask_for_file()
        elif state.field is not None and state.feature is not None:
            name = f"{name}-{state.field.well}-feature-{state.feature}.png"
            self._ask("Save the picture", name, _KINDS, self.save_picture)

    def _ask(self, title: str, name: str, kinds: str, take: Callable[[Path], None]) -> None:
        """Ask where to save; returns at once, and ``take`` hears of it when a person has answered."""
        assert self.workspace.state.lexicon is not None
        folder = self.workspace.state.lexicon.path.parent
        dialog = QFileDialog(self._dock, title, str(folder), kinds)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(Path(name).suffix[1:])
        dialog.selectFile(name)
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(kind.rpartition("*.")[2].rstrip(")")))
        dialog.fileSelected.connect(lambda path: take(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_for_folder(self, title: str, take: Callable[[Path], None]) -> None:
        assert self.workspace.state.lexicon is not None
        dialog = QFileDialog(self._dock, title, str(self.workspace.state.lexicon.path.parent))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda path: take(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _no_place(self) -> str | None:
        """Why no labels can be written beside the shown image, None where they can."""
        from napari_lexicon.plates.label_images import labels_place

        field = self.workspace.canvas.shown_field()
        if field is not None and labels_place(field) is not None:
            return None
        return "This plate is no local OME-Zarr plate that may be written: write labels to a folder instead."

    def save_figure(self, out: Path, features: Sequence[int] | None = None) -> None:
        """Start the job that draws maps as they are on the image: all of them where none are named."""
        workspace, state, plate = self.workspace, self.workspace.state, self.workspace.state.lexicon_plate
        if state.lexicon is None or plate is None or state.field is None or workspace.jobs.status.busy:
            return
        seen = workspace.canvas.layers.ranges(visible=True)
        shown = shown_maps(state, workspace.reading, features) | figure_look(state.style, seen)
        workspace.jobs.start(figure_request(state.lexicon, plate.id, state.field, shown, out, self._owner))

    def save_picture(self, out: Path) -> None:
        """Start the job that draws the chosen feature alone."""
        if self.workspace.state.feature is not None:
            self.save_figure(out, [self.workspace.state.feature])

    def write_labels(self, out: Path | None) -> None:
        """Start the job that writes all maps on the image as labels."""
        state, jobs, plate = self.workspace.state, self.workspace.jobs, self.workspace.state.lexicon_plate
        if state.lexicon is None or plate is None or state.field is None or jobs.status.busy:
            return
        shown = shown_maps(state, self.workspace.reading)
        jobs.start(labels_request(state.lexicon, plate.id, state.field, shown, out, self._owner))

    def write_report(self, out: Path) -> None:
        """Start the job that writes the report."""
        state, jobs = self.workspace.state, self.workspace.jobs
        if state.lexicon is None or state.plate is None or jobs.status.busy:
            return
        reading = self.workspace.reading
        by = reading.compare_by or treatment_column(state.plate)
        jobs.start(report_request(state.lexicon, out, by, reading.beyond, self._owner))

    def save_table(self, out: Path) -> None:
        """Write the table in a thread."""
        state, figures = self.workspace.state, self.workspace.reading.figures
        if state.lexicon is None or figures is None:
            return
        names = {feature: (given.name, given.note, ", ".join(given.tags)) for feature, given in state.lexicon.names}

        def write() -> None:
            from napari_lexicon.lexicons.files import write_bytes_whole

            table = figures.table.copy()
            table["name"] = [names.get(int(m), ("",))[0] for m in table.index]
            table["note"] = [names.get(int(m), ("", ""))[1] for m in table.index]
            table["tags"] = [names.get(int(m), ("", "", ""))[2] for m in table.index]
            write_bytes_whole(out, table.to_csv().encode())

        self.workspace.background.start(
            "save table",
            write,
            lambda _: state.notice(f"The table is in {out}."),
            lambda error: state.notice(str(error), "error"),
        )

    def save_wells(self, out: Path) -> None:
        """Write wells x features in a thread: all layers as AnnData, or the means as CSV."""
        state, lexicon = self.workspace.state, self.workspace.state.lexicon
        if lexicon is None:
            return

        def write() -> None:
            import pandas as pd

            from napari_lexicon.analysis.lexicon_tables import atoms_of
            from napari_lexicon.analysis.wells import joined_profiles
            from napari_lexicon.lexicons.files import write_bytes_whole

            data = joined_profiles(list(lexicon.plates.values()), lexicon.names, atoms_of(lexicon))
            if out.suffix.lower() == ".h5ad":
                data.write_h5ad(out)
                return
            named = [
                name if name == f"#{m}" else f"#{m} {name}"
                for m, name in zip(data.var["feature"], data.var["name"], strict=True)
            ]
            means = pd.DataFrame(data.X, index=data.obs_names, columns=named)
            write_bytes_whole(out, pd.concat([data.obs, means], axis=1).to_csv(index_label="well").encode())

        self.workspace.background.start(
            "save wells",
            write,
            lambda _: state.notice(f"Wells × features are in {out}."),
            lambda error: state.notice(str(error), "error"),
        )
