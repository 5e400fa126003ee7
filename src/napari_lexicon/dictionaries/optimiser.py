"""Adam (Kingma and Ba, arXiv 1412.6980) or descent with momentum, by the functions that torch's own classes call.

The classes themselves load torch's compiler, which nothing here uses: a second or two and 150 MB in every training.
"""

from __future__ import annotations

import torch
from torch.optim.adam import adam
from torch.optim.sgd import sgd

_MOMENTUM = 0.9
MEMORIES = {"adam": ("exp_avg", "exp_avg_sq"), "sgd": ("momentum_buffer",)}


class Optimiser:
    """Moves parameters in place, and remembers what it needs for that by their names.

    Parameters
    ----------
    method : {"adam", "sgd"}
        How.
    """

    def __init__(self, method: str) -> None:
        self._method = method
        #: for each parameter that has been moved, tensors of its shape, and for Adam the number of ``step``
        self.memory: dict[str, dict[str, torch.Tensor]] = {}

    def step(self, parameters: dict[str, torch.Tensor], gradients: dict[str, torch.Tensor], rate: float) -> None:
        """Move those parameters that have a gradient."""
        names = [name for name in parameters if name in gradients]
        moved, along = [parameters[name] for name in names], [gradients[name] for name in names]
        if self._method == "sgd":
            self._descend(names, moved, along, rate)
            return
        for name, parameter in zip(names, moved, strict=True):
            if name not in self.memory:
                self.memory[name] = {key: torch.zeros_like(parameter) for key in MEMORIES["adam"]}
                self.memory[name]["step"] = torch.zeros((), device=parameter.device)
        first, second, steps = ([self.memory[n][key] for n in names] for key in ("exp_avg", "exp_avg_sq", "step"))
        fused = all(parameter.device.type in ("cpu", "cuda") for parameter in moved)
        adam(
            moved,
            along,
            first,
            second,
            [],
            steps,
            foreach=False,
            fused=fused,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=rate,
            weight_decay=0,
            eps=1e-8,
            maximize=False,
        )

    def _descend(self, names: list[str], moved: list[torch.Tensor], along: list[torch.Tensor], rate: float) -> None:
        momenta: list[torch.Tensor | None] = [self.memory.get(name, {}).get("momentum_buffer") for name in names]
        sgd(
            moved,
            along,
            momenta,
            foreach=False,
            weight_decay=0,
            momentum=_MOMENTUM,
            lr=rate,
            dampening=0,
            nesterov=False,
            maximize=False,
        )
        self.memory.update({n: {"momentum_buffer": m} for n, m in zip(names, momenta, strict=True) if m is not None})

    def forget(self, name: str, rows: torch.Tensor) -> None:
        """Clear what is remembered of rows of a parameter."""
        for key in MEMORIES[self._method]:
            if name in self.memory:
                self.memory[name][key][rows] = 0
