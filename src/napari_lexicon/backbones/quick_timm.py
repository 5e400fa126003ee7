"""timm without torch's compiler, which nothing here uses and which takes half of the seconds that timm takes to load.

Importing timm imports torchvision, and both name ``torch._dynamo`` at their top: torchvision for one question that it
asks when regions are pooled, timm to mark functions of one model as not to be compiled. That alone loads the whole
compiler, its code generator and sympy: two seconds and 150 MB in every process that reads tiles. While timm is
imported, a stand-in answers for it. The question is passed on to the real one when somebody asks it.

What the backbones use of timm is taken from here, so that it is imported in no other way.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import torch

__all__ = [
    "Eva",
    "EvaBlock",
    "ParallelScalingBlock",
    "RotaryEmbeddingCat",
    "VisionTransformer",
    "apply_rot_embed_cat",
    "timm",
]

_NAME = "torch._dynamo"


def _is_compile_supported(device_type: str) -> bool:
    from torch._dynamo.utils import is_compile_supported

    return bool(is_compile_supported(device_type))


def _disable(function: Any = None, *_: object, **__: object) -> Any:
    return function if function is not None else lambda given: given


def _stand_in() -> dict[str, ModuleType]:
    package, utils = ModuleType(_NAME), ModuleType(f"{_NAME}.utils")
    package.__dict__.update(__path__=[], utils=utils, disable=_disable)
    utils.__dict__.update(is_compile_supported=_is_compile_supported)
    return {_NAME: package, f"{_NAME}.utils": utils}


def _import_timm() -> None:
    if _NAME in sys.modules or "timm" in sys.modules:
        importlib.import_module("timm")
        return
    stand_in = _stand_in()
    sys.modules.update(stand_in)
    try:
        importlib.import_module("timm")
    except (ImportError, AttributeError):  # of a version that wants more of the compiler: it gets it below
        pass
    finally:
        for name, module in stand_in.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        if torch.__dict__.get("_dynamo") is stand_in[_NAME]:
            del torch._dynamo
    importlib.import_module("timm")


_import_timm()

import timm  # noqa: E402
from timm.layers.pos_embed_sincos import RotaryEmbeddingCat, apply_rot_embed_cat  # noqa: E402
from timm.models.eva import Eva, EvaBlock  # noqa: E402
from timm.models.vision_transformer import ParallelScalingBlock, VisionTransformer  # noqa: E402
