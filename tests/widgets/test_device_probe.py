"""What this computer offers is asked once, in a process of its own, for all windows."""

from __future__ import annotations

import pytest

from napari_lexicon.backbones import available_devices
from napari_lexicon.dictionaries.learners import ALGORITHMS
from napari_lexicon.widgets.workspace import device_probe
from napari_lexicon.widgets.workspace.device_probe import DeviceProbe


def test_the_second_window_knows_what_the_first_one_asked(qtbot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device_probe, "_known", {})
    first, second = DeviceProbe(), DeviceProbe()
    try:
        with qtbot.waitSignal(first.found, timeout=60_000):
            first.ask()
        assert [choice.name for choice in first.choices] == ["auto", *(one.name for one in available_devices())]
        assert first.algorithms == tuple(ALGORITHMS)
        monkeypatch.setattr(device_probe.QProcess, "start", lambda *_: pytest.fail("asked again"))
        with qtbot.waitSignal(second.found, timeout=1000):
            second.ask()
        assert second.choices == first.choices
    finally:
        first.close()
        second.close()
