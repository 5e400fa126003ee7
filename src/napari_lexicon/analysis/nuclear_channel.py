"""Which channel is a nuclear stain, by its name."""

from __future__ import annotations

from collections.abc import Sequence

_NAMES = ("dna", "hoechst", "dapi", "nuc", "h2b", "draq", "405", "w1")


def nuclei_channel(names: Sequence[str]) -> int:
    """The channel that is most likely a nuclear stain, by its name; the first where no name tells."""
    return nuclear_stain(names) or 0


def nuclear_stain(names: Sequence[str]) -> int | None:
    """The channel that is a nuclear stain by its name, if there is one."""
    for known in _NAMES:
        for c, name in enumerate(names):
            if known in name.lower():
                return c
    return None
