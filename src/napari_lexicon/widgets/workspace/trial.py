"""What wells or places find so far: a lesson before anything is taught, seen on the image as one selects or points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_lexicon.widgets.workspace.fine_reading import FinePlace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from napari_lexicon.lexicons import Lexicon, LexiconPlate
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.fine_reading import FineReading
    from napari_lexicon.widgets.workspace.pointing import Pointed, Pointing
    from napari_lexicon.widgets.workspace.state import WorkspaceState

_ERRAND = "trial"


@dataclass(frozen=True, eq=False)
class Tried:
    """What was found.

    Parameters
    ----------
    direction : numpy.ndarray
        ``(dim_w,)`` unit direction among whitened tokens.
    channel : int, optional
        Channel of the plate that it is found in; None where channels share a token.
    means : (float, float), optional
        Along the direction, of places that have it and of such that have it not; None by wells, of which only some
        patches show anything.
    sentence : str
        From how much, and how it fares on what was left out.
    """

    direction: npt.NDArray[np.floating]
    channel: int | None
    means: tuple[float, float] | None
    sentence: str


class Trial(QObject):
    """Finds the direction anew whenever it is asked for by others, while somebody wants to see it.

    Signals
    -------
    changed()
        Something was found, is being looked for, or nobody wants to see it any more.
    """

    changed = Signal()

    def __init__(
        self,
        state: WorkspaceState,
        pointing: Pointing,
        fine: FineReading,
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._pointing, self._fine, self._background = state, pointing, fine, background
        self._on = self._awaits = False
        self._channel = ""
        self._wells: tuple[str, str] | None = None
        self._found: Tried | None = None
        self._why_not = ""
        pointing.changed.connect(self._begin)
        fine.changed.connect(self._fields_came)
        for signal in (state.featureChanged, state.lexiconChanged):  # something else is to be seen
            signal.connect(lambda _: self.set_on(False))

    @property
    def on(self) -> bool:
        """Whether somebody wants to see it."""
        return self._on

    @property
    def shown(self) -> bool:
        """Whether the map on the image is that of the trial: it is wanted, and there is something to find it by."""
        return self._on and self.can_be

    @property
    def can_be(self) -> bool:
        """Whether there is something to find it by: wells, or places that have it."""
        pointed = any(each.like for each in self._pointing.pointed)
        return pointed if self._wells is None else all(self._wells)

    @property
    def by(self) -> str:
        """What it is found by: ``"the places pointed at"`` or ``"the selected wells"``."""
        return "the places pointed at" if self._wells is None else "the selected wells"

    @property
    def found(self) -> Tried | None:
        """What was found, None while it is looked for."""
        return self._found

    @property
    def why_not(self) -> str:
        """Why nothing can be found, empty where nothing speaks against it."""
        return self._why_not

    def set_on(self, on: bool) -> None:
        """Show what is found, or what was shown before."""
        if on != self._on:
            self._on = on
            self._begin()

    def set_channel(self, channel: str) -> None:
        """Learn in the channel of this name; in the best one where empty."""
        if channel != self._channel:
            self._channel = channel
            self._begin()

    def ask_by(self, wells: tuple[str, str] | None) -> None:
        """Find it by wells: questions for those that have it, and for those that have not. By places where None."""
        if wells != self._wells:
            self._wells = wells
            self._begin()

    def _begin(self) -> None:
        """Have the fields read that are pointed into."""
        before, self._found, self._why_not = self._found, None, ""
        self._background.forget(_ERRAND)
        self._awaits = self.shown
        if self._awaits:
            self._found = before  # until there is more to see
        self._fine.prepare(self._places() if self._awaits else [])
        self.changed.emit()
        self._fields_came()

    def _places(self) -> list[FinePlace]:
        lexicon, plate = self._state.lexicon, self._state.lexicon_plate
        if lexicon is None or plate is None or self._wells is not None:
            return []
        numbers = dict.fromkeys(each.number for each in self._pointing.pointed)
        return [FinePlace(str(lexicon.path), plate.id, number, 1) for number in numbers]

    def _fields_came(self) -> None:
        """Look for the direction once all fields are there."""
        lexicon, plate, places = self._state.lexicon, self._state.lexicon_plate, self._places()
        if not self._awaits or lexicon is None or plate is None:
            return
        for place in places:
            if self._fine.failed(place):
                self._end(None, f"{plate.fields[place.number].well} cannot be read: {self._fine.failed(place)}")
                return
        if all(self._fine.ready(place) for place in places):
            self._awaits = False
            pointed, channel, wells = self._pointing.pointed, self._channel, self._wells
            self._background.start(
                _ERRAND,
                lambda: (
                    tried(lexicon, plate, pointed, channel)
                    if wells is None
                    else tried_by_wells(lexicon, plate, wells, channel, self._background.give_way)
                ),
                self._take,
                lambda error: self._end(None, str(error)),
            )

    def _take(self, found: Tried | str | None) -> None:
        if isinstance(found, str):
            self._end(None, found)
        elif found is None:
            self._awaits = True
            self._fine.prepare(self._places(), anew=True)
        else:
            self._end(found, "")

    def _end(self, found: Tried | None, why_not: str) -> None:
        self._awaits = False
        self._found, self._why_not = found, why_not
        self.changed.emit()


def tried(lexicon: Lexicon, plate: LexiconPlate, pointed: Sequence[Pointed], channel: str) -> Tried | str | None:
    """The direction that places teach in one channel, or in the best one where none is named.

    A sentence where there is none; None where a field was read otherwise in the meantime.
    """
    from napari_lexicon.analysis.lessons import PointedAt, best_lesson, lesson_sentence, lessons_of_patches
    from napari_lexicon.analysis.lexicon_tables import atoms_of
    from napari_lexicon.lexicons.plate import fine_is_current

    plate.refresh()
    numbers = list(dict.fromkeys(each.number for each in pointed))
    if not all(fine_is_current(plate, number, 1) for number in numbers):
        return None
    names = [""] if plate.joint else [channel.name for channel in plate.header.channels]
    fields = [
        (
            plate,
            number,
            [PointedAt(plate.id, number, each.places, each.like) for each in pointed if each.number == number],
        )
        for number in numbers
    ]
    asked = [channel] if channel in names else names
    lessons = lessons_of_patches(fields, asked, atoms_of(lexicon))
    if not lessons:
        return "What is pointed at is dark, or there is nothing to tell it from: point at other places."
    best = best_lesson(lessons)
    sentence = lesson_sentence(best, len(lessons), "patch", learnt="Found from")
    return Tried(best.direction, names.index(best.channel) if best.channel else None, best.means, sentence)


def tried_by_wells(
    lexicon: Lexicon, plate: LexiconPlate, wells: tuple[str, str], channel: str, give_way: Callable[[], None]
) -> Tried | str:
    """The direction that wells teach, from the tokens that are kept of them; a sentence where there is none."""
    import numpy as np

    from napari_lexicon.analysis.lessons import best_lesson, lesson_sentence, lessons_of_wells, wells_of
    from napari_lexicon.analysis.lexicon_tables import atoms_of, whitening_of

    if plate.joint:
        return "This dictionary reads channels together, so wells cannot be tried: teach, and see."
    mean, matrix = whitening_of(lexicon)
    channels = [one.name for one in plate.header.channels]

    def tokens_of(plate: LexiconPlate, number: int) -> dict[str, npt.NDArray[np.float32]]:
        give_way()
        kept = plate.tokens(number)
        if kept is None:
            return {}
        return {
            channels[at]: (kept.tokens[kept.lit[:, g], g].astype(np.float32) - mean) @ matrix.T
            for g, at in enumerate(kept.channels)
        }

    asked = [channel] if channel in channels else channels
    lessons = lessons_of_wells([(plate, wells_of(plate, *wells))], asked, atoms_of(lexicon), tokens_of)
    if not lessons:
        return "No tokens are kept of these wells: apply the dictionary again, or select others."
    best = best_lesson(lessons)
    sentence = lesson_sentence(best, len(lessons), "well", learnt="Found from")
    return Tried(best.direction, channels.index(best.channel), None, sentence)
