"""Wells of an OME-TIFF that holds a whole plate: its OME-XML says which image lies in which well."""

from __future__ import annotations

from pathlib import Path

from napari_lexicon.plates.image_entries import ImageEntry
from napari_lexicon.plates.image_files import extension_of
from napari_lexicon.plates.lazy import READ_ERRORS
from napari_lexicon.plates.well_names import MAX_COLUMNS, MAX_ROWS, well_name
from napari_lexicon.plates.xml_records import whole_number

_NAMESPACE = "{*}"


def plate_entries(path: Path) -> list[ImageEntry]:
    """Images of a file by the wells that its OME-XML puts them in; empty where it describes no plate.

    Parameters
    ----------
    path : pathlib.Path
        Image file.
    """
    if extension_of(path.name) not in ("tif", "tiff", "tf2", "tf8", "btf"):
        return []
    import tifffile

    from napari_lexicon.plates.tiff_metadata import ome_root

    try:
        with tifffile.TiffFile(path, _multifile=False) as tif:
            root = ome_root(tif) if tif.is_ome else None
            count = len(tif.series)
    except READ_ERRORS:
        return []
    images = [] if root is None else [image.get("ID") for image in root.findall(f"{_NAMESPACE}Image")]
    if root is None or len(images) != count:
        return []
    entries = []
    for well in root.findall(f"{_NAMESPACE}Plate/{_NAMESPACE}Well"):
        row, column = whole_number(well.get("Row")), whole_number(well.get("Column"))
        if row is None or column is None or row >= MAX_ROWS or column >= MAX_COLUMNS:
            continue
        samples = [sample.find(f"{_NAMESPACE}ImageRef") for sample in well.findall(f"{_NAMESPACE}WellSample")]
        known = [ref.get("ID") for ref in samples if ref is not None and ref.get("ID") in images]
        for number, image in enumerate(known):
            entries.append(ImageEntry(path.name, well_name(row, column), str(number), scene=images.index(image)))
    return entries
