"""Says what this computer and installation offer: ``python -m napari_lexicon.jobs.offering`` prints one line of JSON.

``devices``: every device that is known, usable or not, the preferred one first; ``algorithms``: their names.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from napari_lexicon.backbones import available_devices
from napari_lexicon.dictionaries.learners import ALGORITHMS


def offered() -> dict[str, Any]:
    """What can be chosen."""
    return {"devices": [asdict(device) for device in available_devices()], "algorithms": list(ALGORITHMS)}


if __name__ == "__main__":
    print(json.dumps(offered()))
