"""What is computed of a plate, what is stale, and why. Read in a thread; no pixels, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_lexicon.jobs.field_loop import FieldWork
    from napari_lexicon.lexicons import Lexicon, LexiconPlate
    from napari_lexicon.plates.model import Plate


@dataclass(frozen=True)
class CacheState:
    """What a lexicon holds of a plate.

    Parameters
    ----------
    fields : int
        Fields of the plate.
    embedded, coded : int
        Fields with kept tokens, and with codes, stale ones included.
    stale : int
        Fields whose codes or tokens were made from something else than what is there now.
    because : str
        Why, for the first of them.
    dictionary : str
        Name of the dictionary, empty without one.
    features : int
        Its number of features.
    backbone : str
        The backbone in words.
    path : str
        The folder.
    """

    fields: int
    embedded: int = 0
    coded: int = 0
    stale: int = 0
    because: str = ""
    dictionary: str = ""
    features: int = 0
    backbone: str = ""
    path: str = ""

    @property
    def complete(self) -> bool:
        """Every field has fresh codes."""
        return bool(self.dictionary) and self.coded >= self.fields and not self.stale


def backbone_words(spec_id: str, layer: int, depth: int, patch: int) -> str:
    """``"built-in model, layer 5 of 6, patches of 16 pixels"``; layers are counted from 1 for people."""
    name = {"builtin": "built-in model", "random": "random weights (baseline)"}.get(spec_id, spec_id.split(":", 1)[-1])
    return f"{name}, layer {layer + 1} of {depth}, patches of {patch} pixels"


def read_cache_state(plate: Plate, lexicon: Lexicon | None, lexicon_plate: LexiconPlate | None) -> CacheState:
    """Look what a lexicon holds of a plate.

    Parameters
    ----------
    plate : Plate
        As it is on the disk now.
    lexicon, lexicon_plate : Lexicon, LexiconPlate, optional
        The lexicon and its part on the plate, None where there is none.
    """
    n_fields = sum(len(well.fields) for well in plate.wells.values())
    if lexicon is None or lexicon_plate is None:
        return CacheState(n_fields)
    spec, reference = lexicon.backbone, lexicon.header.dictionary
    lexicon_plate.refresh()
    stale = _stale_fields(plate, lexicon, lexicon_plate)
    return CacheState(
        fields=max(n_fields, len(lexicon_plate.fields)),
        embedded=lexicon_plate.n_done("tokens"),
        coded=lexicon_plate.n_done("codes"),
        stale=len(stale),
        because=stale[0][1] if stale else "",
        dictionary="" if reference is None else dictionary_name(lexicon),
        features=0 if reference is None else reference.n_features,
        backbone=backbone_words(spec.id, spec.layer, spec.depth, spec.patch),
        path=str(lexicon.path),
    )


def dictionary_name(lexicon: Lexicon) -> str:
    """Name that the lexicon's dictionary was given when it was trained."""
    import json

    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(lexicon.path / "dictionary.safetensors", framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get("lexicon", "{}"))
    except (OSError, SafetensorError, ValueError):
        return "dictionary"
    return str(header.get("name") or "dictionary")


def _stale_fields(plate: Plate, lexicon: Lexicon, lexicon_plate: LexiconPlate) -> list[tuple[int, str]]:
    """Number and reason of every field whose codes (or tokens, before there is a dictionary) are stale."""
    from napari_lexicon.jobs.field_loop import FieldWork, codes_mark, tokens_mark

    reference = lexicon.header.dictionary
    kind = "tokens" if reference is None else "codes"
    by_key = {field.key: field for field in plate.fields()}
    found = []
    for number, header in enumerate(lexicon_plate.fields):
        made = lexicon_plate.mark(kind, number)
        field = by_key.get(f"{header.well}/{header.name}")
        if made is None or field is None:
            continue
        work = FieldWork(lexicon_plate, number, field)
        mark = tokens_mark(work, lexicon.backbone.fingerprint)
        # codes of the command line's --background keep are as sound as those without dark patches
        right = {mark}
        if reference is not None:
            right = {codes_mark(mark, reference.hash, "skip"), codes_mark(mark, reference.hash, "keep")}
        if field.identity() != header.identity:
            found.append((number, f"the image of {work.what} has changed on the disk"))
        elif made not in right:
            found.append((number, _why(work, kind, lexicon)))
    return found


def _why(work: FieldWork, kind: str, lexicon: Lexicon) -> str:
    """First thing that a stale part was made from and that is another one now."""
    from napari_lexicon.lexicons.pixels import pixels_origin

    made = work.plate.attributes(kind, work.number)
    header = work.plate.fields[work.number]
    channels = work.plate.header.channels
    windows = [[channels[c].low, channels[c].high] for c in header.channels]
    done = pixels_origin(work.plate.header, header)
    reasons = (
        ("backbone", lexicon.backbone.fingerprint, "it was made with another backbone"),
        ("identity", header.identity, "its image file has changed"),
        ("windows", windows, "the intensity windows of the plate have changed"),
        ("channels", list(header.channels), "its channels have changed"),
        ("illumination", done.get("illumination"), "the illumination correction of its plate has changed"),
    )
    said = next((words for key, now, words in reasons if made.get(key) != now), "it was made with another dictionary")
    return f"{work.what}: {said}"
