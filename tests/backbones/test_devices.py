"""Devices: the processor always works, and what does not says why."""

from __future__ import annotations

import pytest

from napari_lexicon.backbones.devices import available_devices, resolve_device
from napari_lexicon.errors import BackboneError


def test_every_device_is_usable_or_has_a_reason() -> None:
    devices = {device.name: device for device in available_devices()}
    assert set(devices) == {"cpu", "cuda", "mps"}
    assert devices["cpu"].available
    for device in devices.values():
        assert device.available != bool(device.reason)


def test_auto_takes_the_first_usable_device() -> None:
    assert resolve_device("auto").type == available_devices()[0].name


def test_a_device_that_is_not_there_is_refused_with_its_reason() -> None:
    for device in available_devices():
        if not device.available:
            with pytest.raises(BackboneError, match=device.reason[:20]):
                resolve_device(device.name)
    with pytest.raises(BackboneError, match="auto, cpu, cuda, mps"):
        resolve_device("tpu")
