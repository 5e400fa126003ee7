"""What a job noticed while it read a plate, and what a person could do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from napari_lexicon.analysis.nuclear_channel import nuclear_stain
from napari_lexicon.errors import LexiconError
from napari_lexicon.jobs.field_loop import FieldWork

_FIELDS, _PIXELS = 3, 1024  # of a plate: middles of so many fields
_MOST_TIMES = 4


def size_advice(works: Sequence[FieldWork], patch: int) -> str:
    """How the first plate with small nuclei could be read better; empty where there is none.

    A token sees a patch and a little around it. Where nuclei are narrower than one and a half patches, it sees each of
    them whole, and features that tell nuclei apart are lost (docs/benchmarks/backbone.md, small cells). Nuclei are
    looked for in the channel that is a nuclear stain by its name.
    """
    from napari_lexicon.analysis.segmentation import nucleus_width

    for own in {work.plate.id: [one for one in works if one.plate.id == work.plate.id] for work in works}.values():
        header = own[0].plate.header
        channel = nuclear_stain([one.name for one in header.channels])
        width = None if header.rgb or channel is None else nucleus_width(_middles(own, channel))
        if width is not None and width < 1.5 * patch:
            times = min(_MOST_TIMES, max(2, round(2 * patch / width))) * header.origin.size[1]
            return (
                f"Nuclei of {header.name} are about {width:.0f} pixels wide, and the model reads patches of {patch}: "
                f"it sees them whole. To tell more about them, read the plate enlarged {times:g} times, into a lexicon "
                "of its own."
            )
    return ""


def _middles(works: Sequence[FieldWork], channel: int) -> Iterator[np.ndarray]:
    """``(Y, X)`` middles of a channel in fields spread over a plate; those that cannot be read were told already."""
    having = [work for work in works if channel in work.field.channels]
    for n in np.unique(np.linspace(0, len(having) - 1, _FIELDS).round().astype(int)) if having else ():
        field = having[n].field
        top, left = (max(0, (side - _PIXELS) // 2) for side in field.shape)
        try:
            plane = field.image()[field.channels.index(channel)]
            yield np.asarray(plane[top : top + _PIXELS, left : left + _PIXELS])
        except (LexiconError, OSError):
            continue
