"""Features read in other ways beside the probe of all features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lexicon import api
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.probed_readings import BY_CHANNEL, CODES, DIRECTIONS, LEVEL, other_readings
from napari_lexicon.analysis.well_table import well_table
from napari_lexicon.lexicons import Lexicon


@pytest.mark.parametrize(("beyond", "other"), [(None, DIRECTIONS), (2.0, CODES)])
def test_channels_are_kept_apart_by_either_reading(applied: Path, beyond: float | None, other: str) -> None:
    lexicon = Lexicon.open(applied)
    table = well_table(plate_statistics(lexicon, beyond)).take(wells=np.array([4, 1, 3]))
    found = other_readings(lexicon, table, beyond)
    assert list(found) == [BY_CHANNEL, other]
    for name, level in ((BY_CHANNEL, beyond), (other, LEVEL if beyond is None else None)):
        expected = well_table(plate_statistics(lexicon, level), channel="each").fires
        np.testing.assert_array_equal(found[name], expected[[4, 1, 3]])
    assert found[BY_CHANNEL].shape == (3, 2 * 64)


def test_they_are_rows_of_the_answer_unless_one_channel_is_asked_for(applied: Path) -> None:
    every = api.ask(applied, "probes", pixels=False)
    assert {BY_CHANNEL, DIRECTIONS} < set(every["source"])
    assert not {BY_CHANNEL, DIRECTIONS} & set(api.ask(applied, "probes", pixels=False, channel="DNA")["source"])
