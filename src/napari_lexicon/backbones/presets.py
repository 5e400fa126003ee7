"""Models worth offering in a list: what each is good for, its licence, and how its published weights are loaded.

Sources of every line are in ``docs/reference/models.md``. Nothing here loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from napari_lexicon.errors import BackboneError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Naming = Literal["timm", "dinov2-transformers"]
Family = Literal["vit", "openphenom"]


@dataclass(frozen=True)
class Recipe:
    """How weights that are not in timm's own list become a model.

    Parameters
    ----------
    repository : str
        On the Hugging Face hub; its ``model.safetensors`` is read.
    architecture : str
        Name in timm.
    arguments : mapping
        For timm; ``mlp_layer`` is the name of a class in ``timm.layers``.
    mean, std : tuple of float
        Normalisation of the authors, in units of 0..1; one number per channel of the model.
    tile : int
        Side of a tile in pixels, the one the model was trained with.
    naming : {"timm", "dinov2-transformers"}
        How the tensors in the file are called.
    standardise : float, optional
        Every tile and channel to mean 0 and variance 1, with this added to the variance.
    family : {"vit", "openphenom"}
        Which code builds it.
    """

    repository: str
    architecture: str
    arguments: Mapping[str, Any]
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    tile: int = 224
    naming: Naming = "timm"
    standardise: float | None = None
    family: Family = "vit"


@dataclass(frozen=True)
class Preset:
    """A backbone worth offering in a list.

    Parameters
    ----------
    name : str
        For :func:`~napari_lexicon.backbones.loading.load_backbone`.
    label : str
        For a person.
    note : str
        What it is good for, one line.
    licence : str
        Of the weights; to be shown before use.
    download : bool
        Whether its weights come from the net on first use.
    patch, tile : int
        Pixels.
    channels : str
        How the channels of an image meet the model.
    preprocessing : str
        What is done to windowed intensities, after what its authors did.
    um_per_px : float, optional
        Pixel size of the images it is made for, where one is stated; see ``docs/reference/models.md`` for by whom.
    gated : bool
        Whether its authors ask for an account and consent before the download.
    pickled : bool
        Whether its authors' page had the weights as a pickle only, which is not read here.
    timm : str
        Name in timm's list of pretrained models; empty where there is a recipe.
    recipe : Recipe, optional
        How its weights are loaded where timm does not list it.
    """

    name: str
    label: str
    note: str
    licence: str
    download: bool
    patch: int
    tile: int
    channels: str
    preprocessing: str
    um_per_px: float | None = None
    gated: bool = False
    pickled: bool = False
    timm: str = ""
    recipe: Recipe | None = field(default=None, repr=False)


_ALONE = "each by itself"
_IMAGENET = "cut to 0..1, ImageNet mean and deviation"
_SWIGLU = {"mlp_layer": "SwiGLUPacked", "act_layer": "silu"}

PRESETS = (
    Preset(
        "builtin",
        "Built-in ViT-tiny/16",
        "Any stain, offline, fast without a GPU.",
        "BSD-3-Clause",
        False,
        16,
        256,
        _ALONE,
        "asinh of the window",
    ),
    Preset(
        "random",
        "Random weights",
        "Control: what a network sees without having learnt.",
        "BSD-3-Clause",
        False,
        16,
        256,
        _ALONE,
        "asinh of the window",
    ),
    Preset(
        "dinov2-s",
        "DINOv2 ViT-S/14 with registers",
        "Natural images; strong general features.",
        "apache-2.0",
        True,
        14,
        252,
        _ALONE,
        _IMAGENET,
        timm="vit_small_patch14_reg4_dinov2.lvd142m",
    ),
    Preset(
        "dinov3-s",
        "DINOv3 ViT-S/16",
        "Natural images; the successor of DINOv2, under its own licence.",
        "dinov3-license",
        True,
        16,
        256,
        _ALONE,
        _IMAGENET,
        timm="vit_small_patch16_dinov3.lvd1689m",
    ),
    Preset(
        "eva02-tiny",
        "EVA-02 ViT-Ti/14",
        "Natural images; the smallest download.",
        "mit",
        True,
        14,
        224,
        _ALONE,
        "cut to 0..1, mean and deviation of CLIP",
        timm="eva02_tiny_patch14_224.mim_in22k",
    ),
    Preset(
        "morphem",
        "MorphEm ViT-S/16",
        "Fluorescence microscopy of many assays; made for crops of single cells.",
        "MIT",
        True,
        16,
        224,
        _ALONE,
        "cut to 0..1, every tile and channel to mean 0 and variance 1",
        recipe=Recipe(
            "CaicedoLab/MorphEm",
            "vit_small_patch16_224",
            {"in_chans": 1},
            mean=(0.0,),
            std=(1.0,),
            standardise=1e-7 / 255.0**2,  # its authors add 1e-7 to the variance of 0..255
        ),
    ),
    Preset(
        "openphenom",
        "OpenPhenom CA-MAE ViT-S/16",
        "Cell Painting and other fluorescence of up to 11 channels; no commercial use.",
        "Recursion Non-Commercial End User License Agreement",
        True,
        16,
        256,
        "all channels of a tile together, a token for each",
        "cut to 0..1, every tile and channel to mean 0 and variance 1",
        recipe=Recipe(
            "recursionpharma/OpenPhenom",
            "vit_small_patch16_224",
            {},
            mean=(0.0,),
            std=(1.0,),
            tile=256,
            standardise=1e-5,
            family="openphenom",
        ),
    ),
    Preset(
        "uni2-h",
        "UNI2-h ViT-H/14",
        "Stained tissue (H&E, IHC); academic use only.",
        "CC-BY-NC-ND-4.0",
        True,
        14,
        224,
        _ALONE,
        _IMAGENET,
        um_per_px=0.5,
        gated=True,
        recipe=Recipe(
            "MahmoodLab/UNI2-h",
            "vit_giant_patch14_224",
            {
                "img_size": 224,
                "patch_size": 14,
                "depth": 24,
                "num_heads": 24,
                "init_values": 1e-5,
                "embed_dim": 1536,
                "mlp_ratio": 2.66667 * 2,
                "no_embed_class": True,
                "reg_tokens": 8,
                **_SWIGLU,
            },
        ),
    ),
    Preset(
        "virchow2",
        "Virchow2 ViT-H/14",
        "Stained tissue (H&E, IHC) at several magnifications; academic use only.",
        "CC-BY-NC-ND-4.0",
        True,
        14,
        224,
        _ALONE,
        _IMAGENET,
        gated=True,
        recipe=Recipe(
            "paige-ai/Virchow2",
            "vit_huge_patch14_224",
            {
                "img_size": 224,
                "init_values": 1e-5,
                "reg_tokens": 4,
                "mlp_ratio": 5.3375,
                "global_pool": "",
                **_SWIGLU,
            },
        ),
    ),
    Preset(
        "phikon-v2",
        "Phikon-v2 ViT-L/16",
        "Stained tissue (H&E); no account needed, no commercial use.",
        "Owkin non-commercial licence",
        True,
        16,
        224,
        _ALONE,
        _IMAGENET,
        um_per_px=0.5,
        recipe=Recipe(
            "owkin/phikon-v2",
            "vit_large_patch14_dinov2",
            {"img_size": 224, "patch_size": 16},
            naming="dinov2-transformers",
        ),
    ),
    Preset(
        "hibou-b",
        "Hibou-B ViT-B/14 with registers",
        "Stained tissue (H&E and other stains); small, no account needed.",
        "apache-2.0",
        True,
        14,
        224,
        _ALONE,
        "cut to 0..1, its own mean and deviation",
        um_per_px=0.5,
        recipe=Recipe(
            "histai/hibou-b",
            "vit_base_patch14_reg4_dinov2",
            {"img_size": 224, "init_values": 1.0, "mlp_ratio": 16 / 3, **_SWIGLU},  # 2048 gated numbers of 768
            mean=(0.7068, 0.5755, 0.7220),
            std=(0.1950, 0.2316, 0.1816),
            naming="dinov2-transformers",
        ),
    ),
    Preset(
        "h-optimus-0",
        "H-optimus-0 ViT-g/14 with registers",
        "Stained tissue (H&E); the largest here.",
        "apache-2.0",
        True,
        14,
        224,
        _ALONE,
        "cut to 0..1, its own mean and deviation",
        um_per_px=0.5,
        gated=True,
        pickled=True,
        recipe=Recipe(
            "bioptimus/H-optimus-0",
            "vit_giant_patch14_reg4_dinov2",
            {"img_size": 224, "init_values": 1e-5, "global_pool": "token"},
            mean=(0.707223, 0.578729, 0.703617),
            std=(0.211883, 0.230117, 0.177517),
        ),
    ),
)


def find_preset(name: str) -> Preset | None:
    """The preset of a name, or none."""
    return next((preset for preset in PRESETS if preset.name == name), None)


def preset_of_repository(repository: str) -> Preset | None:
    """The preset whose weights lie in a repository of the hub, or none."""
    return next((one for one in PRESETS if one.recipe is not None and one.recipe.repository == repository), None)


def recipe_of(config: Mapping[str, Any], where: str) -> Preset:
    """The preset that a local checkpoint's ``{"preset": NAME}`` asks for.

    Raises
    ------
    BackboneError
        If there is no such preset, or it needs no recipe.
    """
    preset = find_preset(str(config["preset"]))
    if preset is None or preset.recipe is None:
        known = ", ".join(preset.name for preset in PRESETS if preset.recipe is not None)
        raise BackboneError(f"{where} asks for the preset {config['preset']!r}: choose one of {known}.")
    return preset
