"""Weights from the Hugging Face hub or a mirror: with progress, going on where a download broke off, checked by hash.

huggingface_hub 2.4 begins an interrupted file anew and compares no hashes, so the file is fetched here and put into its
cache, by the layout that it documents: https://huggingface.co/docs/huggingface_hub/guides/manage-cache. What is in
that cache already is taken from there, by whichever program it came.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lexicon.backbones.presets import Preset
from napari_lexicon.errors import BackboneError

if TYPE_CHECKING:
    import requests

WEIGHTS, CONFIG = "model.safetensors", "config.json"
HUB = "hf-hub:"
"""Before the name of a repository, as timm writes it."""
Told = Callable[[int, int], None]
"""Told of the bytes that are here and of all; 0 where the server does not say how many there are."""

_PIECE = 2**16
_MB = 10**6
_TIMEOUT = (10.0, 60.0)  # seconds for a connection, and for the next bytes
_WAITS = (0.5, 2.0, 5.0)


def _untold(done: int, total: int) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """Who is told of a download, and who may stop it."""

    told: Told = _untold
    should_stop: Callable[[], bool] = _never


def in_megabytes(tell: Told) -> Told:
    """Tells of whole megabytes, each once, of what is told of every piece that comes."""
    last = -1

    def told(done: int, total: int) -> None:
        nonlocal last
        if done // _MB != last:
            last = done // _MB
            tell(last, total // _MB)

    return told


class _Broken(Exception):
    """The bytes stopped coming; what has come is kept."""


class _Stopped(_Broken):
    """A person stopped it."""


class _Refused(Exception):
    """The server answered with another status than that of a file."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"the server answers {status} {code}".strip())
        self.status, self.code = status, code


@dataclass(frozen=True)
class _Remote:
    """One file of the hub: its hash as the hub states it, and its size where that is known."""

    url: str
    etag: str
    size: int


def downloaded(
    name: str, repository: str, preset: Preset | None = None, watch: Watch | None = None, file: str = WEIGHTS
) -> Path:
    """The safetensors file of a hub repository, or another one of it, from the cache or the net.

    Parameters
    ----------
    name : str
        Of the backbone, for sentences.
    repository : str
        ``OWNER/NAME`` on the hub.
    preset : Preset, optional
        Where the backbone is one.
    watch : Watch, optional
        Who is told of the download.
    file : str
        Which file of the repository.

    Raises
    ------
    BackboneError
        If it cannot be had; the sentence says which file to put where.
    """
    import huggingface_hub

    if not repository:
        raise BackboneError(
            f"--backbone {name}: its weights exist only in a pickled form, which is not read here; convert them to "
            "model.safetensors, put a config.json beside them and give the folder."
        )
    known = cached(repository, file)
    if known is not None:
        return known
    place = _by_hand(name, repository, preset)
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        raise BackboneError(
            f"--backbone {name}: its weights are not on this computer, and downloads are switched off "
            f"(HF_HUB_OFFLINE): {place}."
        )
    try:
        return _fetched(repository, file, watch or Watch())
    except _Refused as error:
        if error.status in (401, 403):
            raise BackboneError(
                f"--backbone {name}: its authors ask you to accept their terms at huggingface.co/{repository} and to "
                f"set HF_TOKEN; or {place}."
            ) from error
        if error.status == 404:
            raise BackboneError(
                f"--backbone {name}: {repository} has no {file}"
                + ("; pickles are not read. Convert its weights to safetensors, then " if file == WEIGHTS else ": ")
                + f"{place}."
            ) from error
        raise BackboneError(f"--backbone {name}: the download failed ({error}): {place}.") from error
    except _Broken as error:
        raise BackboneError(f"--backbone {name}: {error}; or {place}.") from error
    except OSError as error:
        raise BackboneError(
            f"--backbone {name}: its weights cannot be downloaded now (offline? {_first_words(error)}): {place}."
        ) from error


def cached(repository: str, file: str) -> Path | None:
    """A file of a hub repository that is on this computer, None where it is not, or the name is none."""
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError

    try:
        known = huggingface_hub.try_to_load_from_cache(repository, file)
    except HFValidationError as error:
        raise BackboneError(f"--backbone {HUB}{repository}: a repository is called OWNER/NAME: correct it.") from error
    return Path(known) if isinstance(known, str) else None


def _by_hand(name: str, repository: str, preset: Preset | None) -> str:
    """Which file to put where."""
    if preset is None:
        return (
            f"put config.json and model.safetensors of huggingface.co/{repository} into one folder and give that "
            "folder as --backbone"
        )
    file = "pytorch_model.bin, converted to model.safetensors," if preset.pickled else "model.safetensors"
    return (
        f"put {file} of huggingface.co/{repository} into a folder, beside it a config.json with "
        f'{{"preset": "{name}"}}, and give that folder as --backbone'
    )


def _fetched(repository: str, file: str, watch: Watch) -> Path:
    """The file in huggingface's cache, after it has been brought there."""
    from filelock import FileLock
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    remote = _asked(repository, file)
    blobs = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}" / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    part = blobs / f"{remote.etag}.part"
    with FileLock(f"{part}.lock"):  # another job may be bringing the same model
        if not (blobs / remote.etag).exists():
            _bring(remote, part, watch)
            os.replace(part, blobs / remote.etag)
    try:
        # The file is there, so nothing is downloaded: it is entered under the name of its version.
        return Path(hf_hub_download(repository, file))
    except LocalEntryNotFoundError as error:
        raise _Broken(
            f"the file is here, but {constants.ENDPOINT} did not say of which version: start again"
        ) from error
    except HfHubHTTPError as error:
        raise _Refused(error.response.status_code if error.response is not None else 0, "") from error


def _asked(repository: str, file: str) -> _Remote:
    """What the hub says of the file, without its bytes."""
    from huggingface_hub import hf_hub_url

    url = hf_hub_url(repository, file)
    # Of a large file, the hash and the size stand in the answer that leads to where it lies.
    answer = _head(url)
    etag = (answer.headers.get("X-Linked-Etag") or answer.headers.get("ETag") or "").removeprefix("W/").strip('"')
    if not etag or not etag.replace("-", "").isalnum():
        raise _Refused(answer.status_code, "without the hash of the file")
    size = answer.headers.get("X-Linked-Size") or ("" if answer.is_redirect else answer.headers.get("Content-Length"))
    return _Remote(url, etag, int(size) if size and size.isdigit() else 0)


def _head(url: str) -> requests.Response:
    """The answer of the hub itself: redirects within it are followed, one that leads to the file is not."""
    from urllib.parse import urljoin

    import requests

    for _ in range(5):
        answer = requests.head(url, headers=_headers(), timeout=_TIMEOUT, allow_redirects=False)
        if answer.status_code >= 400:
            raise _Refused(answer.status_code, answer.headers.get("X-Error-Code", ""))
        target = answer.headers.get("Location", "")
        if not answer.is_redirect or not target.startswith("/"):  # a repository that was renamed
            return answer
        url = urljoin(url, target)
    raise _Refused(answer.status_code, "and leads in circles")


def _headers() -> dict[str, str]:
    """With the token of the person, if there is one; without compression, in which a file could not be gone on with."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    return {**build_hf_headers(), "Accept-Encoding": "identity"}


def _bring(remote: _Remote, part: Path, watch: Watch) -> None:
    """All bytes of a file, right by its hash; a second time where they are wrong."""
    for last in (False, True):
        waits = iter(_WAITS)
        while not remote.size or _size(part) < remote.size:
            before = _size(part)
            try:
                _go_on(remote, part, watch)
                break
            except _Broken as broken:
                if isinstance(broken, _Stopped):
                    raise
                if _size(part) > before:
                    waits = iter(_WAITS)
                wait = next(waits, None)
                if wait is None:
                    raise
                time.sleep(wait)
        if _is_right(part, remote.etag):
            return
        part.unlink()
        if last:
            raise _Broken(
                "what came is not the file that its authors published (another hash), and is not kept: try again "
                "later, or from another mirror"
            )


def _go_on(remote: _Remote, part: Path, watch: Watch) -> None:
    """Ask for the bytes that are not here yet, and write them as they come."""
    import requests

    here = _size(part)
    headers = _headers() | ({"Range": f"bytes={here}-"} if here else {})
    total = remote.size
    try:
        with requests.get(remote.url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            if answer.status_code == 416:  # more is here than there is
                part.unlink()
                raise requests.ConnectionError("the server has less of the file than is here")
            if answer.status_code >= 400 and answer.status_code not in (408, 429, 500, 502, 503, 504):
                raise _Refused(answer.status_code, answer.headers.get("X-Error-Code", ""))
            answer.raise_for_status()
            follows = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {here}-")
            here = here if follows else 0
            total = total or here + int(answer.headers.get("Content-Length") or 0)
            with open(part, "ab" if follows else "wb") as file:
                watch.told(here, total)
                for piece in answer.iter_content(_PIECE):
                    file.write(piece)
                    here += len(piece)
                    watch.told(here, total)
                    if watch.should_stop():
                        raise _Stopped(_broke_off(here, total, "it was stopped"))
    except requests.RequestException as error:
        raise _Broken(_broke_off(_size(part), total, _first_words(error))) from error
    if total and here < total:
        raise _Broken(_broke_off(here, total, "the connection ended"))


def _broke_off(here: int, total: int, reason: str) -> str:
    of = f" of {total / 1e6:.0f}" if total else ""
    return (
        f"the download broke off at {here / 1e6:.0f}{of} MB ({reason}); what has come is kept: start again, and it "
        "goes on from there"
    )


def _is_right(part: Path, etag: str) -> bool:
    """Whether the bytes have the hash that the hub states: SHA-256 of a large file, git's SHA-1 of a small one."""
    if len(etag) == 64:
        digest = hashlib.sha256()
    elif len(etag) == 40:
        digest = hashlib.sha1(f"blob {_size(part)}\0".encode(), usedforsecurity=False)
    else:
        return True
    with open(part, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest() == etag.lower()


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _first_words(error: BaseException) -> str:
    inner = error
    while (deeper := getattr(inner, "reason", None) or inner.__cause__ or inner.__context__) is not None:
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    text = " ".join(str(inner).split()).rstrip(".")
    return text[:160] or type(inner).__name__
