"""timm is loaded without torch's compiler, and what asks for that still gets it."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from napari_lexicon.backbones.quick_timm import timm
assert not {"torch._dynamo", "sympy"} & set(sys.modules)
import torch
model = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=32, depth=1)
assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 192)
assert "torch._dynamo" not in sys.modules
import torchvision.ops
assert sys.modules["torchvision.ops.roi_align"].is_compile_supported("cpu")
assert torch._dynamo.disable is not None and torch._dynamo.__file__
"""


def test_the_compiler_is_loaded_when_it_is_asked_for_and_not_before():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
