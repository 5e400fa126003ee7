"""A zarr hierarchy behind https or s3: many small documents in few and parallel requests, chunks through zarr.

Every request costs a round trip, so documents are got together (`RemoteFolder.fetch`), consolidated metadata are used
where the writer has left some, and only the names that one zarr version has are asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.storage import LARGEST_DOCUMENT, is_blosc, json_object

_TOGETHER = 32
"""Requests in flight at a time: servers answer these gladly, and refuse thousands."""
_AHEAD = 256
_ATTEMPTS = 3
_V2, _V3 = (".zattrs", ".zarray", ".zgroup"), ("zarr.json",)
_PACKAGES = {"http": "aiohttp", "https": "aiohttp", "s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}


@dataclass
class _Known:
    """What has been read already, and what will be asked for."""

    documents: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    names: tuple[str, ...] = (*_V3, *_V2)
    versions: dict[str, str] = field(default_factory=dict)
    refusal: Any = None


@dataclass(frozen=True)
class RemoteFolder:
    """A hierarchy at an address.

    Parameters
    ----------
    url : str
        ``https://...`` or ``s3://...``, without a slash at its end.
    """

    url: str
    _known: _Known = field(default_factory=_Known, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteFolder, (self.url,)

    @property
    def address(self) -> str:
        """The URL."""
        return self.url

    @property
    def place(self) -> str:
        """The URL."""
        return self.url

    @property
    def name(self) -> str:
        """Last part of the URL."""
        return self.url.split("?")[0].rstrip("/").rpartition("/")[2]

    def is_there(self) -> bool:
        """True where a zarr hierarchy is at the address; reads what its root says of everything below.

        Raises
        ------
        PlateError
            If the server does not answer, or refuses.
        """
        contents = self.contents(["zarr.json", ".zattrs", ".zmetadata"])
        root, old, gathered = (json_object(content) if content is not None else None for content in contents)
        known = self._known
        if root is not None:
            known.names = _V3
            known.documents["zarr.json"] = root
            inside = root.get("consolidated_metadata")
            metadata = inside.get("metadata") if isinstance(inside, dict) else None
            if isinstance(metadata, dict):
                known.documents |= {
                    f"{key}/zarr.json": said for key, said in metadata.items() if isinstance(said, dict)
                }
            return True
        known.names = _V2
        known.documents[".zattrs"] = old
        gathered_there = gathered.get("metadata") if gathered is not None else None
        known.documents |= {key: said for key, said in _objects(gathered_there).items() if key != ".zattrs"}
        if old is None and known.refusal is not None:
            raise PlateError(
                f"{self.url} cannot be read: {reason_of(known.refusal)}. Check the address, and "
                "whether you may read it."
            )
        return old is not None

    def fetch(self, groups: Iterable[str]) -> None:
        """Get the documents of some groups in parallel."""
        name = "zarr.json" if self._known.names == _V3 else ".zattrs"
        self._get([f"{group}/{name}" for group in groups])

    def expect(self, documents: Iterable[str]) -> None:
        """Note which documents will be asked for; with the first of them the next ones are got as well."""
        known = self._known
        for key in documents:
            if key.rpartition("/")[2] in known.names and key not in known.expected:
                known.expected[key] = len(known.order)
                known.order.append(key)

    def document(self, key: str) -> dict[str, Any] | None:
        """A JSON object, None where there is none or it is broken."""
        known = self._known
        if key.rpartition("/")[2] not in known.names:
            return None
        if key not in known.documents:
            place = known.expected.get(key)
            self._get([key] if place is None else known.order[place : place + _AHEAD])
        return known.documents[key]

    def _get(self, keys: Sequence[str]) -> None:
        missing = [key for key in dict.fromkeys(keys) if key not in self._known.documents]
        for key, content in zip(missing, self.contents(missing), strict=True):
            self._known.documents[key] = None if content is None else json_object(content)

    def contents(self, keys: Sequence[str]) -> list[bytes | None]:
        """Bytes below the address, None where there is nothing, or nothing that may be read.

        Raises
        ------
        PlateError
            If the server does not answer.
        """
        found: dict[str, bytes | None] = {}
        waiting = list(dict.fromkeys(keys))
        trouble: BaseException | None = None
        for _ in range(_ATTEMPTS):
            if not waiting:
                break
            paths = {self._path(key): key for key in waiting}
            answers: dict[str, Any] = self._filesystem.cat(list(paths), on_error="return", batch_size=_TOGETHER)
            waiting = []
            for path, key in paths.items():
                answer = answers.get(path)
                if isinstance(answer, bytes):
                    found[key] = answer if len(answer) <= LARGEST_DOCUMENT else None
                elif answer is None or isinstance(answer, (FileNotFoundError, IsADirectoryError, NotADirectoryError)):
                    found[key] = None
                elif _is_refused(answer):
                    # A bucket that may not be listed says so of everything that is not there.
                    found[key], self._known.refusal = None, answer
                else:
                    trouble = answer
                    waiting.append(key)
        if waiting:
            raise PlateError(f"{self.url} cannot be read: {reason_of(trouble)}. Check the address and the connection.")
        return [found[key] for key in keys]

    def leads_out(self, key: str) -> bool:
        """False: there are no links behind an address."""
        return False

    def state(self, key: str) -> str:
        """Digest of the address, the array's header, and what the server says of its first chunk's version.

        Whoever writes an image anew writes its first chunk, and every chunk would cost a request.

        Raises
        ------
        PlateError
            If the server does not answer.
        """
        header = self._array_header(key)
        text = json.dumps([self.url, key, header, self._version(key)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def _array_header(self, key: str) -> dict[str, Any] | None:
        return self.document(f"{key}/zarr.json") or self.document(f"{key}/.zarray")

    def _version(self, key: str) -> str:
        """Version of the first chunk of an array; those that are expected next are asked for with it."""
        from napari_lexicon.plates.remote_files import Versions

        known = self._known
        if key not in known.versions:
            place = min(known.expected.get(f"{key}/{name}", len(known.order)) for name in ("zarr.json", ".zarray"))
            ahead = [document.rpartition("/")[0] for document in known.order[place : place + _AHEAD]]
            chunks = {one: _first_chunk(self._array_header(one)) for one in dict.fromkeys([key, *ahead])}
            places = {one: f"{self.url}/{one}/{chunk}" for one, chunk in chunks.items() if chunk}
            try:
                found = Versions(list(places.values())).of(list(places.values()))
            except OSError as error:
                raise PlateError(f"{self.url} cannot be read: {error}. Check the connection.") from error
            known.versions |= dict.fromkeys(chunks, "") | dict(zip(places, found, strict=True))
        return known.versions[key]

    def array(self, key: str) -> Any:
        """The zarr array at a key, for reading."""
        import zarr
        from zarr.storage import FsspecStore

        from napari_lexicon.plates.whole_chunks import RemoteChunks

        new = self.document(f"{key}/zarr.json")
        header = new or self.document(f"{key}/.zarray") or {}
        store = FsspecStore.from_url(f"{self.url}/{key}", storage_options=_options(self.url), read_only=True)
        chunks = RemoteChunks(store, blosc=is_blosc(header))
        return zarr.open_array(chunks, mode="r", zarr_format=2 if new is None else 3)

    def _path(self, key: str) -> str:
        return str(self._filesystem._strip_protocol(f"{self.url}/{key}"))

    @cached_property
    def _filesystem(self) -> Any:
        return filesystem_of(self.url)


def _objects(metadata: Any, ending: str = "") -> dict[str, dict[str, Any]]:
    """Consolidated metadata: the documents of a hierarchy by their keys."""
    stated = metadata if isinstance(metadata, dict) else {}
    return {f"{key}{ending}": said for key, said in stated.items() if isinstance(said, dict)}


def _first_chunk(header: dict[str, Any] | None) -> str:
    """Where the first chunk of an array lies below it, by either version of zarr; empty where the header is broken."""
    shape = (header or {}).get("shape")
    if header is None or not isinstance(shape, list):
        return ""
    zeros = ["0"] * len(shape)
    if header.get("zarr_format") == 2:
        separator = header.get("dimension_separator")
        return ("/" if separator == "/" else ".").join(zeros)
    encoding = header.get("chunk_key_encoding")
    stated = encoding if isinstance(encoding, dict) else {}
    settings = stated.get("configuration")
    default = stated.get("name", "default") == "default"
    separator = settings.get("separator") if isinstance(settings, dict) else None
    separator = separator if separator in ("/", ".") else "/" if default else "."
    return separator.join(["c", *zeros] if default else zeros)


def filesystem_of(url: str) -> Any:
    """The fsspec file system of an address.

    Raises
    ------
    PlateError
        If a package is missing.
    """
    scheme = url.partition(":")[0]
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(url, **_options(url))[0]
    except ImportError as error:
        package = _PACKAGES.get(scheme, "an fsspec package")
        raise PlateError(
            f"Images at {scheme}:// addresses need fsspec and {package}, which are not installed: "
            "pip install 'napari-lexicon[remote]'."
        ) from error
    except ValueError as error:
        raise PlateError(f"{url} is no address that can be read: {error}.") from error


def _options(url: str) -> dict[str, Any]:
    if url.startswith("http"):
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=60)
        return {"client_kwargs": {"timeout": timeout}}
    if url.startswith("s3"):
        import s3fs  # noqa: F401 - its absence has a sentence of its own
        from botocore.session import get_session

        # Public buckets are read without an account. Whoever asks asks again, so that the client need not do it often.
        quick = {"connect_timeout": 20, "read_timeout": 60, "retries": {"max_attempts": 1}}
        return {"anon": get_session().get_credentials() is None, "config_kwargs": quick}
    return {}


def _is_refused(answer: Any) -> bool:
    return isinstance(answer, PermissionError) or getattr(answer, "status", None) in (401, 403)


def reason_of(error: BaseException | None) -> str:
    """What a server or the network said, for a sentence."""
    status = getattr(error, "status", None)
    if status is not None:
        return f"the server answers {status} {getattr(error, 'message', '')}".strip()
    text = " ".join(str(error).split())[:200].rstrip(".")
    return text or type(error).__name__
