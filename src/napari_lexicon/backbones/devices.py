"""Where a model can run on this computer, and why not where it cannot."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from napari_lexicon.errors import BackboneError

DEVICE_NAMES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Device:
    """One choice of device.

    Parameters
    ----------
    name : str
        ``"cpu"``, ``"cuda"`` or ``"mps"``.
    label : str
        For a person: the name of the card where there is one.
    available : bool
        Whether it can be used here and now.
    reason : str
        Why it cannot; empty where it can.
    """

    name: str
    label: str
    available: bool
    reason: str = ""


def available_devices() -> list[Device]:
    """Every device that is known, usable or not, the preferred one first."""
    devices = [_cuda(), _mps(), Device("cpu", "Processor", True)]
    return sorted(devices, key=lambda device: not device.available)


def resolve_device(name: str = "auto") -> torch.device:
    """The device for a choice.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda", "mps"}
        ``auto`` takes a GPU where one can be used.

    Raises
    ------
    BackboneError
        If the name is unknown, or the device cannot be used here.
    """
    if name not in DEVICE_NAMES:
        raise BackboneError(f"--device {name!r} is not known: choose one of {', '.join(DEVICE_NAMES)}.")
    if name == "cpu":
        return torch.device("cpu")
    devices = available_devices()
    if name == "auto":
        return torch.device(devices[0].name)
    device = next(device for device in devices if device.name == name)
    if not device.available:
        raise BackboneError(f"--device {name} cannot be used: {device.reason} Choose auto or cpu.")
    return torch.device(name)


def _cuda() -> Device:
    if torch.version.cuda is None and torch.version.hip is None:
        return Device("cuda", "NVIDIA GPU", False, "The installed PyTorch was built without CUDA.")
    if not torch.cuda.is_available():
        return Device("cuda", "NVIDIA GPU", False, "PyTorch finds no NVIDIA GPU or no working driver.")
    return Device("cuda", torch.cuda.get_device_name(), True)


def _mps() -> Device:
    if not torch.backends.mps.is_built():
        return Device("mps", "Apple GPU", False, "The installed PyTorch was built without Apple's Metal.")
    if not torch.backends.mps.is_available():
        return Device("mps", "Apple GPU", False, "This Mac or its system is too old for Metal in PyTorch.")
    return Device("mps", "Apple GPU", True)
