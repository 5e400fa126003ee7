"""What a person set once: napari's Preferences (napari >= 0.9), and what the plugin remembers by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qtpy.QtCore import QProcessEnvironment, QSettings

from napari_lexicon.viewer.napari_compat import plugin_preferences

PLUGIN = "napari-lexicon"
_MOST_RECENT = 8


@dataclass(frozen=True)
class Preferences:
    """Preferences as declared in the manifest.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    batch : int
        Tiles per forward pass.
    results_folder : str
        Where lexicons go; empty: beside the plate.
    model_folder : str
        Where downloaded models are kept; empty: where Hugging Face keeps them.
    mirror : str
        Address to download models from in place of huggingface.co; empty for that.
    token : str
        For models whose authors ask for one. It is handed to the process that downloads, and to nothing else.
    """

    device: str = "auto"
    batch: int = 16
    results_folder: str = ""
    model_folder: str = ""
    mirror: str = ""
    token: str = field(default="", repr=False)


def preferences() -> Preferences:
    """The preferences as they are now; defaults where napari is older than 0.9."""
    settings = plugin_preferences(PLUGIN)
    if settings is None:
        return Preferences()
    return Preferences(
        device=str(settings.computing.device),
        batch=int(settings.computing.batch),
        results_folder=str(settings.results.folder),
        model_folder=str(settings.models.folder).strip(),
        mirror=str(settings.models.mirror).strip(),
        token=str(settings.models.token).strip(),
    )


def child_environment(wanted: Preferences | None = None) -> QProcessEnvironment:
    """Environment of a process that may download a model.

    The token goes this way so that it stands in no description of a job, and so in no lexicon, record or log.
    """
    wanted, found = wanted or preferences(), QProcessEnvironment.systemEnvironment()
    folder = str(Path(wanted.model_folder).expanduser()) if wanted.model_folder else ""
    for name, value in (("HF_HUB_CACHE", folder), ("HF_ENDPOINT", wanted.mirror), ("HF_TOKEN", wanted.token)):
        if value:
            found.insert(name, value)
    return found


def _may_be_there(path: str) -> bool:
    """Whether a plate is there; an address on the network is asked when it is opened."""
    from napari_lexicon.plates.locations import remote_address

    return remote_address(path) is not None or Path(path).exists()


class Memory:
    """Recent plates and measured speeds, kept between sessions."""

    def __init__(self) -> None:
        self._settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, PLUGIN, PLUGIN)

    def recent(self) -> list[dict[str, Any]]:
        """Origins of the plates opened last that are still there, or on the network, the latest first."""
        import json

        try:
            found = json.loads(str(self._settings.value("recent", "[]")))
        except ValueError:
            return []
        return [origin for origin in found if isinstance(origin, dict) and _may_be_there(str(origin.get("path")))]

    def remember(self, origin: dict[str, Any], lexicon: str = "") -> None:
        """Put a plate, with the lexicon that was open on it, first among the recent ones."""
        import json

        def replaced(old: dict[str, Any]) -> bool:
            return old.get("path") == origin.get("path") and old.get("lexicon", "") in ("", lexicon)

        others = [old for old in self.recent() if not replaced(old)]
        self._settings.setValue("recent", json.dumps([{**origin, "lexicon": lexicon}, *others][:_MOST_RECENT]))

    def views_path(self) -> Path:
        """File that keeps where a person was in each plate."""
        return Path(self._settings.fileName()).parent / "views.json"

    def training_pace(self, dim: int) -> list[dict[str, float]]:
        """Paces of training on tokens of so many numbers, as a trial measured them; none before."""
        import json

        try:
            found = json.loads(str(self._settings.value(f"training/{dim}", "[]")))
        except ValueError:
            return []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def note_training_pace(self, dim: int, pace: list[dict[str, float]]) -> None:
        """Note what a trial has measured."""
        import json

        self._settings.setValue(f"training/{dim}", json.dumps(pace))

    def layout(self) -> dict[str, Any] | None:
        """Places of the docks as :class:`LayoutMemory` wrote them, None where there are none."""
        import json

        try:
            found = json.loads(str(self._settings.value("layout", "null")))
        except ValueError:
            return None
        return found if isinstance(found, dict) and isinstance(found.get("open"), list) else None

    def note_layout(self, layout: dict[str, Any]) -> None:
        """Keep the places of the docks."""
        import json

        self._settings.setValue("layout", json.dumps(layout))

    def guide_seen(self) -> bool:
        """Whether the guide has been shown on this computer."""
        return str(self._settings.value("guide_seen", "")) == "yes"

    def note_guide_seen(self) -> None:
        """The guide has been shown."""
        self._settings.setValue("guide_seen", "yes")

    def speed(self, device: str) -> float | None:
        """Megapixels of one channel per second that a device got through last time, None before the first."""
        try:
            value = float(self._settings.value(f"speed/{device}", 0.0))
        except (TypeError, ValueError):
            return None
        return value or None

    def note_speed(self, device: str, megapixels_per_second: float) -> None:
        """Note how fast a device was, for the next estimate."""
        self._settings.setValue(f"speed/{device}", megapixels_per_second)
