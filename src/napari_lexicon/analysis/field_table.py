"""Features and measurements over single fields (tiles of a slide), for questions about what lies in them.

Fields of a well are no independent repeats: whoever splits or shuffles them keeps the wells whole.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_lexicon.analysis.labelled_cells import labelled_cells
from napari_lexicon.analysis.lexicon_tables import atoms_of, plate_statistics
from napari_lexicon.analysis.measurements import field_measurements
from napari_lexicon.analysis.reading import Told, chosen_plates, finished_fields, untold
from napari_lexicon.analysis.segmentation import labels_from
from napari_lexicon.analysis.well_table import ALL_CHANNELS, WellTable
from napari_lexicon.errors import PlateMapError
from napari_lexicon.lexicons import BEYOND, Lexicon


def field_table(lexicon: Lexicon, channel: str | None = None, beyond: float | None = None) -> WellTable:
    """Features over the finished fields of a lexicon.

    Parameters
    ----------
    lexicon : Lexicon
        With codes.
    channel : str, optional
        One channel; all together where None.
    beyond : float, optional
        Read features by their direction, as :func:`napari_lexicon.analysis.lexicon_tables.plate_statistics` does.

    Returns
    -------
    WellTable
        One row per field with tokens; ``wells`` has the columns ``plate``, ``well``, ``field`` and those of the plate
        maps. Places on the plate are left out.

    Raises
    ------
    PlateMapError
        If no plate has the channel, or every channel by itself is asked for.
    LexiconFolderError
        If directions were not counted.
    """
    if beyond is not None:
        plate_statistics(lexicon, beyond)  # says what is missing
    atoms = None if beyond is None else atoms_of(lexicon).T.astype(np.float64)
    if channel == "each":
        raise PlateMapError("Fields are asked about one channel or all together: give --channel NAME, or leave it out.")
    reference = lexicon.header.dictionary
    n_features = 0 if reference is None else reference.n_features
    rows, fires, mean, tokens = [], [], [], []
    maps = {plate.id: plate.map for plate in lexicon.plates.values()}
    for one in finished_fields(chosen_plates(lexicon)):
        names = [ALL_CHANNELS] if one.plate.joint else [one.plate.header.channels[c].name for c in one.header.channels]
        pick = [g for g, name in enumerate(names) if channel is None or name == channel]
        figures = one.plate.field_statistics(one.number)
        counted = float(figures.tokens[pick].sum())
        if not pick or not counted:
            continue
        plate_map = maps[one.plate.id]
        said = plate_map.loc[one.header.well] if one.header.well in plate_map.index else pd.Series(dtype=object)
        own = {"plate": one.plate.header.name, "well": one.header.well, "field": one.header.name}
        rows.append({**{str(k): v for k, v in said.items() if k not in own}, **own})
        active, total = figures.active, figures.total
        if beyond is not None and atoms is not None:
            centre, counts = one.plate.field_centre(one.number), one.plate.field_beyond(one.number)
            assert centre is not None and counts is not None  # the wells were counted
            active, total = counts[BEYOND.index(beyond)], centre @ atoms * figures.tokens[:, None]
        fires.append(active[pick].sum(axis=0, dtype=np.float64) / counted)
        mean.append(total[pick].sum(axis=0, dtype=np.float64) / counted)
        tokens.append([counted])
    if not rows:
        raise PlateMapError(f"No field has codes in channel {channel}: choose another, or run apply again.")
    frame = pd.DataFrame({"feature": np.arange(n_features), "channel": channel or ALL_CHANNELS})
    frame["name"] = [lexicon.names.label(m) for m in range(n_features)]
    first = ["plate", "well", "field"]
    wells = pd.DataFrame(rows)
    wells = wells[first + [c for c in wells.columns if c not in first]]
    return WellTable(
        wells, frame, np.array(fires, dtype=np.float32), np.array(mean, dtype=np.float32), np.array(tokens)
    )


def measurements_of_fields(
    lexicon: Lexicon, table: WellTable, labels: str | None = None, told: Told = untold
) -> pd.DataFrame:
    """Brightness, sharpness and nuclei of every field of a table, in its order; cells of ``labels`` where given."""
    found = {}
    cells = None if labels is None else labels_from(labels)
    for one in finished_fields(chosen_plates(lexicon), pixels=True, told=told):
        measured = field_measurements(one, nuclei=cells is None and not one.plate.header.rgb)
        if cells is not None:
            measured |= labelled_cells(cells(one))
        found[one.plate.header.name, one.header.well, one.header.name] = measured
    keys = zip(table.wells["plate"], table.wells["well"], table.wells["field"], strict=True)
    return pd.DataFrame([found.get(key, {}) for key in keys])
