"""Keeps the Cells dock in step with what is current, and the cells on the canvas in step with the dock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from qtpy.QtWidgets import QFileDialog

from napari_lexicon.analysis.nuclear_channel import nuclei_channel
from napari_lexicon.errors import LexiconError
from napari_lexicon.viewer.cell_layer import CellLayer
from napari_lexicon.viewer.colors import feature_ramp, ramp
from napari_lexicon.widgets.basic.ink import ground
from napari_lexicon.widgets.basic.words import counted, shortened
from napari_lexicon.widgets.cells.cell_set import FEATURE, gate_words
from napari_lexicon.widgets.cells.measuring import FILES, LAYER, CellSource, measure_shown
from napari_lexicon.widgets.cells.view import WELL
from napari_lexicon.widgets.plate.coloring import VIRIDIS, WellColoring, category_coloring, number_coloring
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.map_making import feature_title
from napari_lexicon.widgets.workspace.requests import cells_request

if TYPE_CHECKING:
    from napari_lexicon.widgets.cells.cell_set import CellSet
    from napari_lexicon.widgets.cells.view import CellsView
    from napari_lexicon.widgets.workspace.workspace import Workspace

_NO_VALUE = (110, 116, 126)


class CellsController(Controller):
    """Finds, measures, colours and gates the cells of the shown fields."""

    def __init__(self, workspace: Workspace, view: CellsView) -> None:
        super().__init__(workspace, view)
        self._view = view
        self._cells: CellSet | None = None
        self._kept = np.empty(0, dtype=bool)
        self._gate = np.empty(0, dtype=bool)
        self._rows = np.empty(0, dtype=np.intp)
        self.layer = CellLayer(workspace.viewer())
        self._deaf = self.layer.on_layers_changed(self._offer_layers)
        state = workspace.state
        self.link(state.plateChanged, self._plate_changed)
        self.link(state.lexiconChanged, self._lexicon_changed)
        self.link(workspace.canvas.sideShown, self._side_shown)
        self.link(state.featureChanged, self._recolor_all)
        self.link(state.channelChanged, self._recolor_all)
        self.link(state.nameChanged, self._names_changed)
        self.link(state.shownChanged, self._recolor_all)
        self.link(workspace.jobs.changed, self._show_reasons)
        self.link(view.measureClicked, self.measure)
        self.link(view.source.valueChanged, self._show_reasons)
        self.link(view.source.fileWanted, self._ask_for_labels)
        self.link(view.axesChanged, self._plot)
        self.link(view.filterChanged, self._filtered)
        self.link(view.plot.valueChanged, self._gated)
        self.link(view.plot.pointClicked, self._go_to)
        self.link(view.clearClicked, self._no_gate)
        self.link(view.saveClicked, self._save)
        self.link(view.removeClicked, self.remove)
        self.link(view.themeChanged, self._plot)
        view.plot.setTip(self._tip)
        self._plate_changed()

    # what there is --------------------------------------------------------------------------------------------------

    def cells(self) -> CellSet | None:
        """The measured cells."""
        return self._cells

    def _plate_changed(self, _: object = None) -> None:
        self.remove()
        plate = self.workspace.state.plate
        if plate is not None:
            names = [channel.name for channel in plate.channels]
            sized = any(field.pixel_size_um for field in plate.fields())
            self._view.source.setChannels(names, names[nuclei_channel(names)], "µm" if sized else "px")
        self._offer_layers()
        self._show_reasons()

    def _lexicon_changed(self, _: object = None) -> None:
        """Features are other ones, or there are some now: cells that are shown are measured again."""
        if self._cells is not None:
            self.measure()

    def _offer_layers(self) -> None:
        self._view.source.setLayers(self.layer.others())
        if self._cells is not None and self.layer.layer() is None:
            self.remove()  # a person took the layer away

    def _side_shown(self) -> None:
        """Another field is on the canvas: its cells are found in the same way, unless they were drawn by hand."""
        cells, side = self._cells, self.workspace.canvas.shown_side()
        if cells is not None and side is not cells.side:
            if self._view.source.value().kind == LAYER:
                self.remove()
            else:
                self.measure()
        self._show_reasons()

    def _show_reasons(self, _: object = None) -> None:
        state, side = self.workspace.state, self.workspace.canvas.shown_side()
        reason, note = None, ""
        if state.plate is None:
            reason = "Open a plate first."
        elif side is None:
            reason = state.said("Open a well first: double-click one in the Plate dock.")
        elif self.workspace.background.busy("cells"):
            reason = "Finding cells…"
        elif self._cells is not None:
            where = ", ".join(dict.fromkeys(shortened(field.well) for field in self._cells.side.fields))
            note = f"{counted(self._cells.n, 'cell')} in {where}"
            left_out = self._cells.n - int(self._kept.sum())
            note += f", {left_out:,} left out by the filter." if left_out else "."
        elif not self.workspace.canvas.shown_codes():
            note = "Nothing is computed here yet: cells will have shapes and brightness, and no features."
        self._view.setMeasure(reason, note)

    # measuring ------------------------------------------------------------------------------------------------------

    def measure(self) -> None:
        """Find and measure the cells of the shown fields, in a thread."""
        state, canvas = self.workspace.state, self.workspace.canvas
        plate, side, source = state.plate, canvas.shown_side(), self._view.source.value()
        if plate is None or side is None:
            return
        lexicon, lexicon_plate, codes = state.lexicon, state.lexicon_plate, canvas.codes_by_field()
        drawn = self.layer.labels_of(source.name) if source.kind == LAYER else None
        self.workspace.background.start(
            "cells",
            lambda: measure_shown(plate, lexicon, lexicon_plate, side, codes, source, drawn),
            self._take,
            self._failed,
        )
        self._show_reasons()

    def _failed(self, error: Exception) -> None:
        self._show_reasons()
        self.workspace.state.notice(str(error), "error")
        if not isinstance(error, LexiconError):
            raise error

    def _take(self, cells: CellSet) -> None:
        if cells.side is not self.workspace.canvas.shown_side():
            self._show_reasons()
            return  # a person has walked on; the cells of the new field are on their way
        if not cells.n:
            self.remove()
            self.workspace.state.notice(
                "No cell was found: choose another channel, or a diameter that fits the nuclei.", "warning"
            )
            return
        self._cells = cells
        self._gate = np.zeros(cells.n, dtype=bool)
        self._kept = cells.kept(self._view.filter())
        self._view.setChoices(cells.choices(self._label), cells.unit, self.workspace.state.said("well"))
        self._view.showResults(True)
        self.layer.show(cells.labels(), cells.side.whole, self._frame())
        self._plot()
        self._show_reasons()

    def remove(self) -> None:
        """Take the cells away."""
        self.workspace.background.forget("cells")
        self._cells = None
        self._view.showResults(False)
        self.layer.clear()
        self._show_reasons()

    def _label(self, feature: int) -> str:
        lexicon = self.workspace.state.lexicon
        return f"#{feature}" if lexicon is None else feature_title(lexicon, feature)

    def _frame(self) -> pd.DataFrame:
        assert self._cells is not None
        return self._cells.frame(self._gate, self._label)

    # plot and colours -----------------------------------------------------------------------------------------------

    def _values(self, key: str) -> np.ndarray:
        assert self._cells is not None
        return self._cells.values(key, self.workspace.state.feature, self.workspace.state.channel)

    def _recolor_all(self, *_: object) -> None:
        if self._cells is not None and FEATURE in self._view.axes():
            self._plot()

    def _names_changed(self, _: object = None) -> None:
        if self._cells is not None:
            self._view.setChoices(self._cells.choices(self._label), self._cells.unit, self.workspace.state.said("well"))
            self._plot()

    def _filtered(self, _: object) -> None:
        if self._cells is not None:
            self._kept = self._cells.kept(self._view.filter())
            self._gate &= self._kept
            self._plot()
            self._show_reasons()

    def _plot(self) -> None:
        """Cells that count as points; colours and the gate in the image as well."""
        if self._cells is None:
            return
        across, up, by = self._view.axes()
        titles = self._titles()
        self._rows = np.flatnonzero(self._kept)
        coloring = self._coloring(by, titles[2])
        rgb = np.array([coloring.colors.get(str(row), _NO_VALUE) for row in range(self._cells.n)], dtype=np.uint8)
        points = np.stack([self._values(across), self._values(up)], axis=1)[self._rows]
        self._view.plot.setPoints(points, rgb[self._rows], (titles[0], titles[1]))
        self._view.plot.setValue(self._gate[self._rows])
        self._view.scale.setValue(coloring.scale)
        self._view.scale.setVisible(coloring.scale is not None)
        self._paint(rgb)
        self._say_gate()

    def _titles(self) -> tuple[str, ...]:
        feature = self.workspace.state.feature
        said = "choose a feature" if feature is None else self._label(feature)
        keys, titles = self._view.axes(), self._view.titles()
        return tuple(said if key == FEATURE else title for key, title in zip(keys, titles, strict=True))

    def _coloring(self, by: str, title: str) -> WellColoring:
        assert self._cells is not None
        if by == WELL:
            return category_coloring(pd.Series(self._cells.wells()).where(self._kept), "well")
        values = pd.Series(self._values(by)).where(self._kept)
        feature = self.workspace.state.feature if by == FEATURE else int(by[2:]) if by.startswith("f:") else None
        if feature is not None:
            color = self.workspace.state.color_of(feature)
            return number_coloring(values, title, feature_ramp(color, ground(self._view).name()), from_zero=True)
        return number_coloring(values, title, ramp(VIRIDIS))

    def _paint(self, rgb: np.ndarray) -> None:
        """Cells of the gate in full colour; the others faint while there is a gate; those left out not at all."""
        assert self._cells is not None
        some = bool(self._gate.any())
        alpha = np.where(self._kept, np.where(self._gate | (not some), 1.0, 0.22), 0.0)
        colors = {
            int(number): (*(rgb[row] / 255.0), float(alpha[row])) for row, number in enumerate(self._cells.numbers())
        }
        self.layer.paint(colors)

    # gate -----------------------------------------------------------------------------------------------------------

    def gate(self) -> np.ndarray:
        """``(n,)`` cells in the gate."""
        return self._gate.copy()

    def _gated(self, selected: np.ndarray) -> None:
        if self._cells is None or len(selected) != len(self._rows):
            return
        self._gate = np.zeros(self._cells.n, dtype=bool)
        self._gate[self._rows[selected]] = True
        self.layer.set_features(self._frame())
        self._plot()

    def _no_gate(self) -> None:
        self._gated(np.zeros(len(self._rows), dtype=bool))

    def _say_gate(self) -> None:
        assert self._cells is not None
        some = bool(self._gate.any())
        self._view.clear.setVisible(some)
        if some:
            self._view.gate.setText(gate_words(self._gate, self._kept, self._cells.wells()))
        else:
            self._view.gate.setText("Draw a line round cells; click one to go to it.")

    def _go_to(self, point: int) -> None:
        if self._cells is not None:
            self._view.plot.setCurrent(point)
            self.workspace.canvas.look_at(self._cells.centre(int(self._rows[point])))

    def _tip(self, point: int) -> str:
        if self._cells is None or point >= len(self._rows):
            return ""
        row = int(self._rows[point])
        keys = list(dict.fromkeys(self._view.axes()))
        titles = dict(zip(self._view.axes(), self._titles(), strict=True))
        lines = [f"{self._cells.wells()[row]}, cell {self._cells.numbers()[row]}"]
        lines += [f"{titles[key]}: {self._values(key)[row]:.3g}" for key in keys if key != WELL]
        return "\n".join(lines)

    # files ----------------------------------------------------------------------------------------------------------

    def _ask_for_labels(self, folder: bool) -> None:
        if folder:
            path = QFileDialog.getExistingDirectory(self._view, "A folder of label images")
        else:
            path, _ = QFileDialog.getOpenFileName(
                self._view, "A label image", filter="Label images (*.tif *.tiff *.png *.npy)"
            )
        if path:
            self._view.source.setValue(CellSource(FILES, path))

    def _save(self, what: str) -> None:
        state, lexicon, plate = self.workspace.state, self.workspace.state.lexicon, self.workspace.state.lexicon_plate
        if lexicon is None or plate is None:
            state.notice("Features are not computed yet: apply a dictionary to the plate first.")
            return
        source, busy = self._view.source.value(), self.workspace.jobs.status.busy
        if what == "plate" and (source.kind == LAYER or busy or Path(source.name).is_file()):
            state.notice(
                "A job is running: save the plate's cells when it has ended."
                if busy
                else "What is drawn or stored for one field does not say where the cells of the plate are: find "
                "nuclei, or choose a folder of label images."
            )
            return
        proposed = str(Path(lexicon.path).with_name(f"{plate.header.name}-cells.h5ad"))
        path, _ = QFileDialog.getSaveFileName(self._view, "Cells × features", proposed, "AnnData (*.h5ad)")
        if path and what == "plate":
            folder = source.name if source.kind == FILES else None
            channel = None if folder else source.name
            self.workspace.jobs.start(
                cells_request(lexicon, plate.header.name, Path(path), "cells", folder, channel, source.diameter)
            )
        elif path:
            self.save_shown(Path(path))

    def save_shown(self, path: Path) -> None:
        """Write the cells that count, in a thread."""
        state, cells = self.workspace.state, self._cells
        lexicon, plate = state.lexicon, state.lexicon_plate
        if cells is None or lexicon is None or plate is None:
            return
        kept, gate = self._kept.copy(), self._gate.copy()

        def work() -> int:
            from napari_lexicon.analysis.cell_table import cells_anndata

            ends = np.cumsum([len(part.table) for part in cells.parts])[:-1]
            data = cells_anndata(cells.parts, plate.map, lexicon.names, np.split(gate, ends))
            has = np.concatenate([np.full(len(part.table), part.features is not None) for part in cells.parts])
            data = data[kept[has]].copy()
            data.write_h5ad(path)
            return int(data.n_obs)

        def failed(error: Exception) -> None:
            state.notice(str(error), "error")

        self.workspace.background.start(
            "save cells", work, lambda n: state.notice(f"{n:,} cells written to {path.name}."), failed
        )

    def close(self) -> None:
        """Cut every connection and take the cells away."""
        self._deaf()
        self.remove()
        super().close()
