"""Finding and measuring the cells of the shown fields: the work of a thread. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from napari_lexicon.lexicons import FieldCodes, Lexicon, LexiconPlate
    from napari_lexicon.plates.model import Field, Plate
    from napari_lexicon.viewer.side_by_side import SideBySide
    from napari_lexicon.widgets.cells.cell_set import CellSet

NUCLEI, LAYER, FILES = "nuclei", "layer", "files"


@dataclass(frozen=True)
class CellSource:
    """Where cells come from.

    Parameters
    ----------
    kind : str
        ``"nuclei"`` to find them by brightness, ``"layer"`` or ``"files"``.
    name : str
        Channel to find nuclei in, name of the layer, or path of a label image or of a folder of them.
    diameter : float
        Usual diameter of a nucleus, µm, or pixels where their size is not known.
    """

    kind: str = NUCLEI
    name: str = ""
    diameter: float = 12.0


def measure_shown(
    plate: Plate,
    lexicon: Lexicon | None,
    lexicon_plate: LexiconPlate | None,
    side: SideBySide,
    codes: Mapping[str, FieldCodes],
    source: CellSource,
    drawn: npt.NDArray[Any] | None = None,
) -> CellSet:
    """Cells of the fields on the screen.

    Parameters
    ----------
    plate : Plate
        The open plate.
    lexicon, lexicon_plate : Lexicon, LexiconPlate, optional
        What is computed of it.
    side : SideBySide
        The fields.
    codes : mapping of str to FieldCodes
        By the key of their field.
    source : CellSource
        Where cells come from.
    drawn : numpy.ndarray, optional
        Labels of the layer, over all fields.

    Raises
    ------
    LabelsError
        If there are no labels for a field, or they do not fit it.
    """
    from napari_lexicon.analysis.cell_table import measure_cells
    from napari_lexicon.widgets.cells.cell_set import CellSet

    parts = []
    for number, field in enumerate(side.fields):
        image = np.asarray(field.image())
        own = codes.get(field.key)
        labels = _labels(plate, side, number, image, source, drawn)
        parts.append(
            measure_cells(
                labels,
                image,
                [plate.channels[index].name for index in field.channels],
                own,
                1 if lexicon is None else lexicon.backbone.patch,
                n_features=None if lexicon_plate is None else lexicon_plate.n_features,
                plate=plate.name,
                well=field.well,
                field=field.name,
            )
        )
    return CellSet(side, tuple(parts))


def _labels(
    plate: Plate,
    side: SideBySide,
    number: int,
    image: npt.NDArray[Any],
    source: CellSource,
    drawn: npt.NDArray[Any] | None,
) -> npt.NDArray[np.int32]:
    from napari_lexicon.analysis.cells import LabelsError
    from napari_lexicon.analysis.segmentation import segmented_nuclei, stained

    field = side.fields[number]
    if source.kind == NUCLEI:
        names = [plate.channels[index].name for index in field.channels]
        if source.name not in names:
            raise LabelsError(f"{field.key} has no channel {source.name}: choose one of {', '.join(names)}.")
        size, plane = field.pixel_size_um, stained(image[names.index(source.name)], colour=plate.rgb)
        return segmented_nuclei(plane, source.diameter / size[1] if size else source.diameter)
    if source.kind == FILES:
        return _from_files(Path(source.name), field, alone=side.alone)
    if drawn is None:
        raise LabelsError("The layer is gone: choose another source of cells.")
    if drawn.shape != side.shape:
        raise LabelsError(
            f"The layer {source.name} has {' × '.join(map(str, drawn.shape))} pixels and what is shown "
            f"{side.shape[0]} × {side.shape[1]}: label the shown image at full resolution."
        )
    top, left = side.offset(number)
    return np.asarray(drawn[top : top + field.shape[0], left : left + field.shape[1]], dtype=np.int32)


def _from_files(path: Path, field: Field, *, alone: bool) -> npt.NDArray[np.int32]:
    from napari_lexicon.analysis.cells import LabelsError
    from napari_lexicon.plates import open_plate

    if path.is_dir():
        for other in open_plate(path).fields():
            if (other.well, other.index) == (field.well, field.index):
                return np.asarray(other.image()[0], dtype=np.int32)
        raise LabelsError(f"{path.name} has no labels of {field.key}: name the files like the images.")
    if not alone:
        raise LabelsError("One label image belongs to one field: choose a folder of them, or show one well alone.")
    import imageio.v3 as iio

    try:
        found = np.load(path, allow_pickle=False) if path.suffix == ".npy" else iio.imread(path)
    except (OSError, ValueError) as error:
        raise LabelsError(f"{path.name} cannot be read as a label image ({error}).") from error
    return np.asarray(np.squeeze(found), dtype=np.int32)
