"""One field, from settings and a generator of random numbers: image, outlines of every cell, and what is true of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .anatomy import Scene, build_scene
from .cells import Crowd, populate
from .debris import litter
from .markers import PAINTERS
from .optics import Optics, digitise, expose, spread
from .phenotypes import plant
from .truth import describe, label_images

if TYPE_CHECKING:
    import pandas as pd

    from .textures import Array

CHANNELS = ("DNA", "ER", "RNA", "AGP", "Mito")
"""The five channels of Cell Painting."""

BRIGHTNESS = {"DNA": 12500.0, "ER": 8500.0, "RNA": 10500.0, "AGP": 6800.0, "Mito": 7000.0}
"""Grey values of light about 1."""
USUAL_BRIGHTNESS = 6500.0
"""Grey values of light about 1 in the other markers."""


@dataclass(frozen=True)
class FieldSettings:
    """Everything that a field depends on besides chance.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` in pixels.
    pixel_size_um : float
        Only for the table of cells; sizes are set in pixels, in ``crowd``.
    channels : tuple of str
        Markers to render, from ``markers.PAINTERS``.
    crowd : Crowd
        How many cells, how large, how alike.
    optics : Optics
        Microscope and camera.
    gain : tuple of float
        Brightness of each channel relative to usual, 1 where the tuple ends early.
    reporter_in : str, optional
        Channel that a tagged protein shares with its stain; it is what ``translocation`` moves into the nucleus.
    phenotype : str, optional
        One of ``phenotypes.PHENOTYPES``.
    strength, penetrance : float
        How strongly the responding cells respond, and which part of the cells does; 0 to 1.
    """

    shape: tuple[int, int] = (512, 512)
    pixel_size_um: float = 0.65
    channels: tuple[str, ...] = CHANNELS
    crowd: Crowd = field(default_factory=Crowd)
    optics: Optics = field(default_factory=Optics)
    gain: tuple[float, ...] = ()
    reporter_in: str | None = "ER"
    phenotype: str | None = None
    strength: float = 1.0
    penetrance: float = 1.0


@dataclass(frozen=True, eq=False)
class RenderedField:
    """A field and its truth.

    Parameters
    ----------
    image : (C, Y, X) uint16
    cells, nuclei : (Y, X) int32
        Label images; 0 is ground, a cell and its nuclei have the same number.
    table : pandas.DataFrame
        One row per cell that is seen, indexed as in ``cells``; see ``describe``.
    """

    image: npt.NDArray[np.uint16]
    cells: npt.NDArray[np.int32]
    nuclei: npt.NDArray[np.int32]
    table: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Stage:
    """Cells in their places before anything is stained, each cell's strength, and seeds of what comes after."""

    scene: Scene
    strength: Array
    dirt: int
    paint: int
    camera: int


def stage(settings: FieldSettings, rng: np.random.Generator) -> Stage:
    """Populate a field and treat it; what every way of looking at it starts from.

    Cells, treatment, dirt and camera draw from streams of their own: a field of another strength or blur shows the
    same cells.
    """
    seeds = [int(seed) for seed in rng.integers(0, 2**63, 6)]
    cells = populate(settings.crowd, settings.shape, tuple(PAINTERS), np.random.default_rng(seeds[0]))
    strength = np.zeros(len(cells), np.float32)
    if settings.phenotype is not None:
        treatment = np.random.default_rng(seeds[1])
        strength = plant(cells, settings.phenotype, settings.strength, settings.penetrance, treatment)
    scene = build_scene(cells, settings.crowd, settings.shape, np.random.default_rng(seeds[2]))
    return Stage(scene, strength, *seeds[3:])


def render_field(settings: FieldSettings, rng: np.random.Generator) -> RenderedField:
    """Render one fluorescence field; the same settings and state of ``rng`` give the same field, to the bit."""
    staged = stage(settings, rng)
    image = np.empty((len(settings.channels), *settings.shape), np.uint16)
    dirt_rng = np.random.default_rng(staged.dirt)
    dirt = litter(settings.shape, settings.crowd, settings.optics.dust, settings.channels, dirt_rng)
    for index, name in enumerate(settings.channels):
        image[index] = _channel(staged, settings, index, name, dirt)
    return RenderedField(image, *truth(staged, settings))


def _channel(
    staged: Stage, settings: FieldSettings, index: int, name: str, dirt: dict[str, Array]
) -> npt.NDArray[np.uint16]:
    mark = sum(ord(letter) << 3 * place for place, letter in enumerate(name))
    scene = staged.scene
    light = PAINTERS[name](scene, np.random.default_rng([staged.paint, mark]))
    if name == settings.reporter_in:
        light = 0.75 * light + 0.45 * PAINTERS["Reporter"](scene, np.random.default_rng([staged.paint, 1]))
    light += dirt[name]
    gain = settings.gain[index] if index < len(settings.gain) else 1.0
    signal = spread(light, settings.optics, scene.diameter) * np.float32(gain * BRIGHTNESS.get(name, USUAL_BRIGHTNESS))
    grey = expose(signal, settings.optics, index, np.random.default_rng([staged.camera, mark]))
    return digitise(grey, settings.optics.bit_depth)


def truth(staged: Stage, settings: FieldSettings) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], pd.DataFrame]:
    """Labels of cells and nuclei, and the table of what is true of each cell."""
    cell_labels, nucleus_labels, seen = label_images(staged.scene)
    table = describe(staged.scene, seen, cell_labels, nucleus_labels, staged.strength, settings)
    return cell_labels, nucleus_labels, table
