"""k as bars: what a shorter pursuit shows."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_lexicon.lexicons import FieldCodes
from napari_lexicon.widgets.rounds.bars import RoundBars
from napari_lexicon.widgets.rounds.encoding import Encoding, found_by_step, read_encoding


def test_the_built_in_dictionary_goes_in_four_rounds_of_two():
    from importlib.resources import files

    path = files("napari_lexicon") / "dictionaries" / "builtin.safetensors"
    assert read_encoding(path) == Encoding(4, 2, pursuit=True, refit=False)


@pytest.mark.parametrize("encoding", [Encoding(4, 2), Encoding(40, 5), Encoding(1, 8)])
def test_picks_and_steps_round_trip(encoding):
    for step in range(1, encoding.steps + 1):
        assert encoding.step_of(encoding.picks_until(step)) == step
    assert encoding.picks_until(encoding.steps) is None


def test_what_each_round_brings_is_what_the_map_gains():
    from napari_lexicon.analysis.maps import activation_map

    rng = np.random.default_rng(0)
    order = np.argsort(rng.random((1, 4, 5, 12)), axis=-1)[..., :6].astype(np.uint16)  # no feature twice in a patch
    codes = FieldCodes(order, rng.random(order.shape).astype(np.float16), (0,))
    encoding = Encoding(3, 2)
    parts = found_by_step([codes], 7, encoding)
    sums = [activation_map(codes, 7, picks=encoding.picks_until(step)).sum() for step in (1, 2, 3)]
    np.testing.assert_allclose(np.cumsum(parts), np.array(sums) / sums[-1], rtol=1e-3)


def test_bars_are_chosen_by_mouse_and_keys(qtbot):
    bars = RoundBars()
    qtbot.addWidget(bars)
    bars.resize(300, 26)
    bars.setEncoding(Encoding(4, 2))
    assert bars.value() == 4
    with qtbot.waitSignal(bars.valueChanged) as told:
        QTest.mouseClick(bars, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(*bars.barCenter(2)))
    assert told.args == [2]
    QTest.keyClick(bars, Qt.Key.Key_Left)
    QTest.keyClick(bars, Qt.Key.Key_Left)
    assert bars.value() == 1
    QTest.keyClick(bars, Qt.Key.Key_End)
    assert bars.value() == 4
