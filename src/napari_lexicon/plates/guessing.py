"""Guesses the pattern of a folder: reads one name as an instrument may have meant it, and sees how many it explains.

The presets are tried, and besides them what a few of the names themselves suggest: a well somewhere, and letters
such as ``s``, ``w``, ``z``, ``t`` before numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from napari_lexicon.plates.guessing_columns import PLATE_LETTERS, column_patterns
from napari_lexicon.plates.pattern import PRESETS, TIME_STAMP, Matches, Pattern
from napari_lexicon.plates.well_names import canonical_well

# Masks, thumbnails and the like lie beside the images they were made from.
_DERIVED = re.compile(
    r"(?:^|[-_. /])(?:masks?|labels?|labelmaps?|outlines?|overlays?|seg|segmentations?|segmented|thumbs?\w*)"
    r"(?:[-_. /0-9]|$)",
    re.IGNORECASE,
)
# The same picture once more, made to be looked at.
_PREVIEWS = (".jpg", ".jpeg", ".png", ".bmp")
_ORIGINALS = (".tif", ".tiff")
_EXEMPLARS = 4
_WELL = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=[Ww]ell))((?:[A-Za-z]|[Aa][A-Fa-f])[-_ ]?0?[0-9]{1,2}|[Rr][0-9]{1,2}[Cc][0-9]{1,2})"
    r"(?![0-9])(?=$|[^A-Za-z0-9]|[a-z]+[0-9])"
)
# Letters before a number, the surest first.
_ROLES: dict[str, tuple[str, ...]] = {
    "channel": ("wv", "wavelength", "wave", "channel", "chan", "ch", "w", "c", "d", "fl"),
    "field": ("site", "field", "fld", "fov", "pos", "position", "s", "f", "xy", "m", "p"),
    "z": ("zstep", "zslice", "plane", "slice", "z", "p"),
    "t": ("timepoint", "time", "tp", "frame", "t"),
}
_LETTERED = re.compile(r"(?<![A-Za-z])([A-Za-z]+)([-_ ]?)([0-9]+)")
_STAMP = re.compile(rf"(?<![A-Za-z0-9])(?:{TIME_STAMP})(?![A-Za-z0-9])")
_FOLDER_OF_FIELD = re.compile(
    r"([A-Za-z]{1,2}[0-9]{1,2})([-_ ](?:site|pos|position|field|fov|s|f)?[-_ ]?)([0-9]+)", re.I
)
_ROW_NAME = re.compile(r"[A-Pa-p]|[Aa][A-Fa-f]")
_COLUMN_NAME = re.compile(r"0*(?:4[0-8]|[1-3]?[0-9])")
ROWS_OF_ROLES = frozenset("CFMPSTWZ")
_BEYOND_384 = ROWS_OF_ROLES - frozenset("CFMP")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{2,})*")
_WORDS = re.compile(r"[^\W_]+")  # of any alphabet
_CHANNEL_WORD = re.compile(
    r"(?:dapi|hoechst|dna|nuclei|nuc|gfp|egfp|yfp|cfp|rfp|bfp|mcherry|tomato|tritc|fitc|cy[2357](?:\.5)?"
    r"|texas ?red|actin|tubulin|mito|er|rna|agp|golgi|brightfield|bf|phase|ph|dic"
    r"|red|green|blue|yellow|cyan|magenta|far ?red|alexa ?[0-9]{3}|a[0-9]{3}|orig\w*|c[0-9]|w[0-9]|ch[0-9]+)",
    re.IGNORECASE,
)
_CHANNEL_NUMBER = re.compile(r"[0-9]{1,3}(?: - [A-Za-z0-9]+)?")
_PLANE_IN_CHANNEL = re.compile(r" (?:time|z) [0-9]")
_MOST_CHANNELS = 16
_MOST_WORDS = 4
_EXTENSION = re.compile(r"(?:\.ome)?\.[A-Za-z0-9]+$", re.IGNORECASE)
_ADJACENT = re.compile(r"\}\{(?!\*)")


@dataclass(frozen=True)
class Guess:
    """A guessed pattern.

    Parameters
    ----------
    pattern : Pattern
    preset : str or None
        Name of the instrument or habit, None where the names themselves suggested the pattern.
    matches : Matches
        Of all files that were looked at, masks and thumbnails left out.
    set_aside : tuple of str
        Files that look like masks, thumbnails or previews.
    """

    pattern: Pattern
    preset: str | None
    matches: Matches
    set_aside: tuple[str, ...]


def guess(paths: Sequence[str]) -> Guess | None:
    """The pattern that explains most of the names, None where there are no names.

    Parameters
    ----------
    paths : sequence of str
        Image files relative to the folder, sorted.
    """
    kept, aside = without_derived(paths)
    if not kept:
        return None
    candidates = list(dict.fromkeys(_candidates(kept)))
    # Most candidates fit hardly any of a few names.
    few = _sample(kept, 30)
    fitting = [one for one in candidates if 3 * len(Pattern(one[1]).matches(few).found) >= len(few)]
    candidates = fitting or candidates
    sample = _sample(kept, 240)
    candidates.sort(key=lambda one: _rank(one, sample), reverse=True)
    best = candidates[0]
    if len(kept) > len(sample) and len(Pattern(best[1]).matches(kept).found) < len(kept):
        # Samples can mislead: where the best leaves files over, the best few are compared on everything.
        best = max(candidates[:3], key=lambda one: _rank(one, kept))
    pattern = Pattern(best[1])
    return Guess(pattern, best[0], pattern.matches(kept), aside)


def without_derived(paths: Sequence[str], pattern: str = "") -> tuple[list[str], tuple[str, ...]]:
    """Files that are not made from others; and masks, thumbnails, previews: all others.

    A ``pattern`` that a person writes and that names masks, or the type of the previews, takes them. Where nothing
    would be left, nothing is left out.
    """
    derived = set() if _DERIVED.search(pattern) else {path for path in paths if _DERIVED.search(path)}
    derived = set() if len(derived) == len(paths) else derived
    # A01.jpg beside A01.tif is a preview of it: fewer grey levels, and cut to what looked well.
    originals = {_without_type(path) for path in paths if path.lower().endswith(_ORIGINALS)}
    derived |= {
        path
        for path in paths
        if path.lower().endswith(_PREVIEWS)
        and _without_type(path) in originals
        and not pattern.lower().endswith(_PREVIEWS)
    }
    return [path for path in paths if path not in derived], tuple(path for path in paths if path in derived)


def _without_type(path: str) -> str:
    return path.rpartition(".")[0]


def _sample(paths: Sequence[str], size: int) -> list[str]:
    """Runs of neighbours from the beginning, the middle and the end: neighbours are what a bad pattern confuses."""
    if len(paths) <= size:
        return list(paths)
    run = size // 3
    middle = len(paths) // 2
    return [*paths[:run], *paths[middle : middle + run], *paths[-run:]]


def _rank(candidate: tuple[str | None, str], paths: Sequence[str]) -> tuple[float, ...]:
    """How well a pattern explains the paths; larger is better."""
    preset, text = candidate
    pattern = Pattern(text)
    matches = pattern.matches(paths)
    keys = {(m.plate, m.well, m.field, m.channel, m.z, m.t) for m in matches.found}
    explained = len(keys) / len(paths)  # files that would be confused with another do not count
    likely = _likelihood(text, matches)
    certain = 2.0 if explained >= 0.5 else 0.0
    if not matches.free:
        rows = {match.well[0] for match in matches.found if match.well}
        # s00, s01, s02 are scenes rather than row S of a plate, of which the first does not fit; a plate that has a row
        # S or T at all has other rows as well.
        roles = ROWS_OF_ROLES if len(matches.found) < len(paths) else _BEYOND_384
        certain = 0.5 if len(rows) == 1 and rows <= roles else certain
    if matches.free:
        certain = 1.0
        if pattern.names & {"channel", "field"}:
            grouped = "{well}/" in text or _grouped(matches, len(keys))
            certain = 1.5 if likely > -1 and grouped else -1.0
    simple = -text.count("{*}"), preset is not None, -text.count("{plate}"), len(text)
    return certain, round(explained, 1), likely, explained, len(matches.found) / len(paths), *simple


def _likelihood(text: str, matches: Matches) -> float:
    """0 where the values look like what they are taken for, less for each thing that does not."""
    doubts = 0.0
    channels = {match.channel for match in matches.found if match.channel is not None}
    fields = {match.field for match in matches.found if match.field is not None}
    plates = {match.plate for match in matches.found if match.plate is not None}
    if len(channels) > _MOST_CHANNELS:
        doubts += 2
    if not all(_CHANNEL_NUMBER.fullmatch(channel) or _CHANNEL_WORD.fullmatch(channel) for channel in channels):
        doubts += 0.5 if all(_WORDS.fullmatch(channel) and len(channel) > 1 for channel in channels) else 1
    if any(_PLANE_IN_CHANNEL.search(channel) for channel in channels):
        doubts += 0.5
    bare = channels and all(channel.isdigit() for channel in channels) and re.search(r"(?<![A-Za-z])\{channel", text)
    if bare and not re.search(r"[A-Za-z]\{field\}", text):
        doubts += 0.25  # a bare number is rather a field
    if any(_CHANNEL_WORD.fullmatch(field) for field in fields):
        doubts += 1
    elif not all(field.isdigit() for field in fields):
        doubts += 0.2
    doubts += 0.15 * max(0, text.count("{*}") - 1)
    if len(plates) > 1 and matches.free:
        doubts += 1
    return -doubts


def _grouped(matches: Matches, keys: int) -> bool:
    """True where free wells share fields or channels, as images of one sample do and a numbered series does not."""
    wells = {match.well for match in matches.found}
    within = {(match.field, match.channel, match.z, match.t) for match in matches.found}
    if wells == {None}:  # one sample, its fields in folders
        wells = {match.field for match in matches.found}
        within = {(None, match.channel, match.z, match.t) for match in matches.found}
    alike = len(wells) * len(within) <= 1.25 * keys
    if keys == len(wells) and not any(_CHANNEL_WORD.fullmatch(match.channel or "") for match in matches.found):
        return False  # one image of each: the d4 of a name that is a hash says nothing
    return len(wells) > 1 and len(within) > 1 and (alike or all(match.field is None for match in matches.found))


def _candidates(paths: Sequence[str]) -> Iterator[tuple[str | None, str]]:
    depth = Counter(path.count("/") for path in paths).most_common(1)[0][0]
    level = [path for path in paths if path.count("/") == depth]
    folders = [path.split("/")[:-1] for path in level]
    leads = _leads(folders)
    endings = Counter(_EXTENSION.search(path)[0] for path in level)  # type: ignore[index]
    ending = endings.most_common(1)[0][0] if len({end.lower() for end in endings}) == 1 else ""
    stems = [_EXTENSION.sub("", path.rsplit("/", 1)[-1]) for path in level]
    for lead in leads:
        for preset in PRESETS:
            doubled = "{column}" in lead or ("{well}" in lead and "{row}" in preset.pattern)
            if "/" not in preset.pattern and not doubled:
                yield preset.name, lead + _without_extension(preset.pattern) + ending
        for text in column_patterns(stems, _role_of, lambda word: _CHANNEL_WORD.fullmatch(word) is not None):
            if not _names_well(lead) and not set("{}*") & set("".join(stems[:1])):
                yield None, lead + text + ending
        for stem in _exemplars(stems):
            texts = list(_suggestions(stem, inside_well=_names_well(lead)))
            if "{well}" in lead:  # a folder for each well, whose files name the well once more
                texts += [text for text in _suggestions(stem, inside_well=False) if "{well}" in text]
            for text in texts:
                if not _ADJACENT.search(text):
                    yield None, lead + text + ending
    if depth and len(set(map(tuple, folders))) > 1:
        above = _leads([folder[:-1] for folder in folders])[0]
        yield "a folder per well", f"{above}{{well}}/{{field}}{ending}"


def _role_of(letters: str) -> str | None:
    return next((role for role, words in _ROLES.items() if letters in words), None)


def _without_extension(pattern: str) -> str:
    return re.sub(r"\.[a-z]{3,4}$", "", pattern)


def _exemplars(items: Sequence[str]) -> list[str]:
    step = max(1, (len(items) - 1) // (_EXEMPLARS - 1)) if len(items) > 1 else 1
    return list(dict.fromkeys([*items[::step][:_EXEMPLARS], items[-1]]))


def _leads(folders: Sequence[Sequence[str]]) -> list[str]:
    """Ways to write the folders above the files, the most telling first; each ends with ``/`` or is empty."""
    ways = [""]
    levels = [list(dict.fromkeys(folder[level] for folder in folders)) for level in range(len(folders[0]))]
    while levels:
        names = levels.pop(0)
        choices = _folder_choices(names)
        if levels and all(map(_ROW_NAME.fullmatch, names)) and all(map(_COLUMN_NAME.fullmatch, levels[0])):
            choices = ["{row}/{column}"]
            levels.pop(0)
        ways = [way + choice + "/" for way in ways for choice in choices][:12]
    return ways


def _names_well(lead: str) -> bool:
    return "{well}" in lead or "{column}" in lead


def _folder_choices(names: Sequence[str]) -> list[str]:
    if len(names) == 1:
        return [_literal(names[0])]
    unknown = ["{plate}", "{*}"]
    if all(canonical_well(name) for name in names):
        return ["{well}", *unknown]
    placed = [_FOLDER_OF_FIELD.fullmatch(name) for name in names]  # A1-Site_0 of Micro-Manager
    between = {found[2] for found in placed if found is not None and canonical_well(found[1])}
    if len(between) == 1 and None not in placed:
        return [f"{{well}}{between.pop()}{{field}}", *unknown]
    for role in ("t", "z", "field", "channel"):
        heads = {found[1] + found[2] for name in names if (found := _numbered(name, role))}
        if len(heads) == 1 and all(_numbered(name, role) for name in names):
            return [f"{_literal(heads.pop())}{{{role}}}", *unknown]
    if all(_CHANNEL_WORD.fullmatch(name) for name in names):
        return ["{channel}"]
    return unknown


def _numbered(name: str, role: str) -> re.Match[str] | None:
    found = _LETTERED.fullmatch(name)
    return found if found and found[1].lower() in _ROLES[role] and found[1].lower() not in PLATE_LETTERS else None


def _literal(text: str) -> str:
    return text.replace("{", "{*}").replace("}", "{*}").replace("*", "{*}") if set("{}*") & set(text) else text


def _suggestions(stem: str, *, inside_well: bool) -> Iterator[str]:
    """Patterns that one file name suggests; within a folder that is the well, the name tells the rest."""
    if inside_well:
        taken: set[str] = set()
        parts = _with_roles(stem, taken)
        yield from dict.fromkeys([_literal_parts(parts), *_tail_guesses(parts, taken), "{field}"])
        return
    yield "{well}"
    for found in _WELL.finditer(stem):
        if canonical_well(found[1]) is not None:
            for head, tail in _sides(stem[: found.start()], stem[found.end() :]):
                yield f"{head}{{well}}{tail}"
    yield from _free_suggestions(stem)


def _free_suggestions(stem: str) -> Iterator[str]:
    """Free wells: a name, and then a z plane, a time point, or a channel as a number or as the last word."""
    parts = _with_roles(stem, {"field"})
    first = next((n for n, (placeholder, _) in enumerate(parts) if placeholder), None)
    if first is not None and (lead := re.search(r"[-_ .]*[A-Za-z]*[-_ ]?$", parts[0][1])) and lead.start() > 0:
        yield "{well}" + _literal_parts([(False, lead[0]), *parts[1:]])
    words = list(_WORDS.finditer(stem))
    if len(words) > 1 and _CHANNEL_WORD.fullmatch(words[-1][0]) and words[-1].end() == len(stem):
        yield f"{{well}}{stem[words[-2].end() : words[-1].start()]}{{channel}}"


def _sides(head: str, tail: str) -> Iterator[tuple[str, str]]:
    """Ways to read what stands before and after the well."""
    taken: set[str] = set()
    read_tail = _with_roles(tail, taken)
    read_head = _with_roles(head, taken, before_well=True)
    heads = dict.fromkeys([_literal_parts(read_head), _loose(read_head), "{*}" + _separator(head) if head else ""])
    plates = [match for match in _LETTERED.finditer(head) if match[1].lower() in PLATE_LETTERS]
    if plates:
        start, end = plates[0].span(3)
        heads |= {f"{_literal(head[:start])}{{plate}}{_literal(head[end:])}": None}
    tails = dict.fromkeys([_literal_parts(read_tail), *_tail_guesses(read_tail, taken)])
    for one in heads:
        for other in tails:
            yield one, other


Parts = list[tuple[bool, str]]
"""A name in pieces: ``(True, "{field}")`` for a placeholder, ``(False, "text")`` for text."""


def _with_roles(text: str, taken: set[str], *, before_well: bool = False) -> Parts:
    """Numbers after telling letters become placeholders, each role once, the surest letters first."""
    spans: dict[tuple[int, int], str] = {}
    stamp = None if "t" in taken else _STAMP.search(text)
    if stamp is not None:
        taken.add("t")
        spans[stamp.span()] = "{t}"
    found = [
        match
        for match in _LETTERED.finditer(text)
        if stamp is None or match.end() <= stamp.start() or match.start() >= stamp.end()
    ]
    if before_well:
        found = [match for match in found if match[1].lower() not in PLATE_LETTERS]
    for role, words in _ROLES.items():
        telling = [match for match in found if match[1].lower() in words and match.span(3) not in spans]
        if telling and role not in taken:
            taken.add(role)
            spans[min(telling, key=lambda match: words.index(match[1].lower())).span(3)] = f"{{{role}}}"
    parts: Parts = []
    position = 0
    for (start, end), name in sorted(spans.items()):
        parts += [(False, text[position:start]), (True, name)]
        position = end
    return [*parts, (False, text[position:])]


def _literal_parts(parts: Parts) -> str:
    return "".join(value if placeholder else _HEXADECIMAL.sub("{*}", _literal(value)) for placeholder, value in parts)


def _loose(parts: Parts) -> str:
    """Numbers and hexadecimal runs of the text may be anything."""
    return "".join(
        value if placeholder else re.sub(r"[0-9]+", "{*}", _HEXADECIMAL.sub("{*}", _literal(value)))
        for placeholder, value in parts
    )


def _separator(head: str) -> str:
    return head[-1] if head and not head[-1].isalnum() else ""


def _tail_guesses(parts: Parts, taken: set[str]) -> Iterator[str]:
    """Words after the well that no letter explains: a channel, a field, or anything."""
    yield _loose(parts)
    text = _literal_parts(parts)
    open_roles = [role for role in ("field", "channel") if role not in taken]
    # Neither what is in braces nor the letters before them, "site" in "site {field}", says anything more.
    words = [
        word
        for word in _WORDS.finditer(text)
        if "{" not in text[max(0, word.start() - 1) : word.end() + (2 if word[0].isalpha() else 1)]
    ]
    for roles in (open_roles, open_roles[::-1], *([role] for role in open_roles)):
        replaced, position = "", 0
        for word, role in zip(words, roles, strict=False):
            replaced += text[position : word.start()] + f"{{{role}}}"
            position = word.end()
        if position:
            yield replaced + text[position:]
    if "channel" in open_roles:  # a stain may have a name of several words
        for word in words[:_MOST_WORDS]:
            yield text[: word.start()] + "{channel}"
    whole = re.sub(r"[A-Za-z]*\{(field|channel)\}", r"{\1}", text)  # the letters may differ from file to file
    if whole != text:
        yield whole
    for placeholder in re.finditer(r"\{[a-z]+\}", text):  # the rest after a placeholder may be anything
        if placeholder.end() < len(text):
            yield text[: placeholder.end()] + "{*}"
