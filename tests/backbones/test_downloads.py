"""Downloads of weights, from a server here that answers as the hub does, breaks off and sends wrong bytes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import timm

CONTENT = np.random.default_rng(0).integers(0, 256, 3_500_000, np.uint8).tobytes()
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAME = "vit_small_patch14_reg4_dinov2.lvd142m"
FILE = f"/timm/{NAME}/resolve/main/model.safetensors"


@dataclass
class Hub:
    """What the server does, and what it was asked for."""

    breaks_after: list[int] = field(default_factory=list)  # bytes of each of the next answers
    content: bytes = CONTENT
    status: int = 200
    ranges: list[str] = field(default_factory=list)
    gives_parts: bool = True
    url: str = ""
    tokens: set[str] = field(default_factory=set)
    tokens_elsewhere: set[str] = field(default_factory=set)
    others: dict[str, bytes] = field(default_factory=dict)  # small files that the hub gives itself


@pytest.fixture
def hub() -> Iterator[Hub]:
    """``/OWNER/NAME/resolve/...`` leads to ``/cdn``, where the bytes are."""
    known = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self._lead_on()

        def do_GET(self) -> None:
            if not self.path.startswith("/cdn"):
                self._lead_on()
                return
            wanted = self.headers.get("Range", "")
            known.ranges.append(wanted)
            known.tokens_elsewhere.add(self.headers.get("Authorization", ""))
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and known.gives_parts else 0
            part = known.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(known.content) - 1}/{len(known.content)}")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if known.breaks_after:
                self.wfile.write(part[: known.breaks_after.pop(0)])
                self.close_connection = True
            else:
                self.wfile.write(part)

        def _give(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("ETag", f'"{hashlib.sha1(b"blob %d" % len(content) + bytes(1) + content).hexdigest()}"')
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def _lead_on(self) -> None:
            known.tokens.add(self.headers.get("Authorization", ""))
            if self.path in known.others:
                self._give(known.others[self.path])
                return
            status = known.status if self.path == FILE else 404
            self.send_response(302 if status == 200 else status)
            if status == 200:
                self.send_header("Location", f"{known.url.replace('127.0.0.1', 'localhost')}/cdn/file")
                self.send_header("X-Repo-Commit", "0" * 40)
                self.send_header("X-Linked-Etag", f'"{DIGEST}"')
                self.send_header("X-Linked-Size", str(len(CONTENT)))
                self.send_header("ETag", '"other"')
            elif status == 401:
                self.send_header("X-Error-Code", "GatedRepo")
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known.url = f"http://127.0.0.1:{server.server_port}"
    yield known
    server.shutdown()
    server.server_close()


def brought(hub: Hub, cache: Path, stop_after: float = 2.0, **environment: str) -> tuple[str, list[tuple[int, int]]]:
    """The path or the sentence, and what was told; in a process of its own, which reads its environment once."""
    code = (
        "import json\n"
        "from napari_lexicon.backbones import downloads\n"
        "from napari_lexicon.errors import BackboneError\n"
        "downloads._WAITS = (0.01, 0.01, 0.01)\n"
        f"said = []; name = {NAME!r}\n"
        "def told(done, total): said.append((done, total))\n"
        f"def stop(): return said[-1][0] > {stop_after} * said[-1][1]\n"
        "try: found = str(downloads.downloaded(name, 'timm/' + name, None, downloads.Watch(told, stop)))\n"
        "except BackboneError as error: found = str(error)\n"
        "print(json.dumps([found, said]))\n"
    )
    known = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache), "HF_HOME": str(cache), "PATH": "/usr/bin:/bin"}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=known | environment, check=True
    )
    found, said = json.loads(result.stdout.splitlines()[-1])
    return found, [(done, total) for done, total in said]


def test_a_download_is_told_of_and_found_again_without_the_net(hub: Hub, tmp_path: Path) -> None:
    path, told = brought(hub, tmp_path, HF_TOKEN="hf_mine")
    assert Path(path).read_bytes() == CONTENT and path.endswith("snapshots/" + "0" * 40 + "/model.safetensors")
    assert told[0] == (0, len(CONTENT)) and told[-1] == (len(CONTENT), len(CONTENT)) and len(told) > 3
    assert "Bearer hf_mine" in hub.tokens and hub.tokens_elsewhere == {""}
    assert not list(tmp_path.rglob("*.part"))
    again, told = brought(hub, tmp_path, HF_HUB_OFFLINE="1")
    assert (again, told) == (path, [])


def test_the_hub_finds_what_was_brought(hub: Hub, tmp_path: Path) -> None:
    """So that timm, transformers and others share it."""
    path, _ = brought(hub, tmp_path)
    code = f"import huggingface_hub as h; print(h.hf_hub_download('timm/{NAME}', 'model.safetensors'))"
    environment = {"HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert result.stdout.strip() == path


def test_a_connection_that_breaks_is_gone_on_with(hub: Hub, tmp_path: Path) -> None:
    hub.breaks_after = [1_000_000, 500_000]
    path, told = brought(hub, tmp_path)
    assert Path(path).read_bytes() == CONTENT
    starts = [int(each[6:-1] or 0) for each in hub.ranges]
    assert len(starts) == 3 and 900_000 < starts[1] <= 1_000_000 and starts[1] + 400_000 < starts[2] <= 1_500_000
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_a_later_start_goes_on_where_the_last_ended(hub: Hub, tmp_path: Path) -> None:
    hub.breaks_after = [2_000_000, 0, 0, 0]
    sentence, _ = brought(hub, tmp_path)
    assert "broke off at 2 of 4 MB" in sentence and "what has come is kept: start again" in sentence
    assert "put config.json and model.safetensors of huggingface.co/timm/vit_small" in sentence
    hub.ranges.clear()
    path, told = brought(hub, tmp_path)
    assert Path(path).read_bytes() == CONTENT and hub.ranges == [f"bytes={told[0][0]}-"]
    assert 1_900_000 < told[0][0] <= 2_000_000


def test_a_download_can_be_stopped_and_goes_on_later(hub: Hub, tmp_path: Path) -> None:
    sentence, told = brought(hub, tmp_path, stop_after=0.5)
    assert "it was stopped" in sentence and told[-1][0] < len(CONTENT)
    hub.ranges.clear()
    path, _ = brought(hub, tmp_path)
    assert Path(path).read_bytes() == CONTENT and hub.ranges == [f"bytes={told[-1][0]}-"]


def test_a_server_without_parts_begins_anew(hub: Hub, tmp_path: Path) -> None:
    hub.gives_parts, hub.breaks_after = False, [1_000_000]
    path, _ = brought(hub, tmp_path)
    assert Path(path).read_bytes() == CONTENT


def test_wrong_bytes_are_refused_and_not_kept(hub: Hub, tmp_path: Path) -> None:
    hub.content = CONTENT[:1_000_000] + bytes([CONTENT[1_000_000] ^ 1]) + CONTENT[1_000_001:]
    sentence, _ = brought(hub, tmp_path)
    assert "not the file that its authors published (another hash), and is not kept" in sentence
    assert hub.ranges == ["", ""]
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size > 1000]
    hub.content = CONTENT
    path, _ = brought(hub, tmp_path)
    assert Path(path).read_bytes() == CONTENT


def test_half_a_file_of_another_server_does_not_spoil_the_whole(hub: Hub, tmp_path: Path) -> None:
    hub.content, hub.breaks_after = bytes(len(CONTENT)), [1_000_000, 0, 0, 0]
    brought(hub, tmp_path)
    hub.content = CONTENT
    path, _ = brought(hub, tmp_path)
    assert Path(path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "accept their terms at huggingface.co/timm/vit_small"),
        (404, "has no model.safetensors; pickles are not read"),
        (500, r"the server answers 500"),
    ],
)
def test_what_the_hub_refuses_is_a_sentence(status: int, words: str, hub: Hub, tmp_path: Path) -> None:
    hub.status = status
    sentence, _ = brought(hub, tmp_path)
    assert words in sentence and "into one folder and give that folder as --backbone" in sentence


def test_without_a_connection_the_sentence_says_which_file_to_put_where(tmp_path: Path) -> None:
    sentence, _ = brought(Hub(url="http://127.0.0.1:9"), tmp_path)
    assert "offline? " in sentence and "refused" in sentence
    assert "put config.json and model.safetensors of huggingface.co/timm/vit_small_patch14_reg4_dinov2" in sentence


def test_a_model_of_timm_on_the_hub_loads_by_its_repository(hub: Hub, tmp_path: Path) -> None:
    """``hf-hub:OWNER/NAME``, its config and weights, offline the second time."""
    code = (
        "import json, sys, torch\n"
        "from napari_lexicon.backbones import load_backbone\n"
        "from napari_lexicon.backbones.loading import licence, load_like\n"
        "from napari_lexicon.errors import LexiconError\n"
        "found = []\n"
        "for name in json.loads(sys.argv[1]):\n"
        "    try:\n"
        "        before = licence(name)\n"
        "        backbone = load_like(load_backbone(name, layer=0, device='cpu').spec, device='cpu')\n"
        "        shape = list(backbone.tokens(torch.rand(1, 3, 224, 224)).shape)\n"
        "        found.append([backbone.spec.id, backbone.spec.licence, shape, before])\n"
        "    except LexiconError as error: found.append(str(error))\n"
        "print(json.dumps(found))\n"
    )

    def tried(*names: str, **environment: str) -> list[Any]:
        known = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path), "HF_HOME": str(tmp_path)}
        command = [sys.executable, "-c", code, json.dumps(names)]
        result = subprocess.run(
            command, capture_output=True, text=True, env=known | {"PATH": "/usr/bin:/bin"} | environment, check=True
        )
        return list(json.loads(result.stdout.splitlines()[-1]))

    model = timm.create_model("vit_tiny_patch16_224", depth=1, num_classes=0)
    config = {"architecture": "vit_tiny_patch16_224", "model_args": {"depth": 1}, "pretrained_cfg": {"license": "mit"}}
    folder = "/lab/cells/resolve/main"
    hub.others[f"{folder}/model.safetensors"] = safetensors.torch.save(model.state_dict())
    hub.others[f"{folder}/config.json"] = json.dumps(config).encode()
    hub.others["/lab/words/resolve/main/config.json"] = b'{"model_type": "bert"}'
    where = "as stated at huggingface.co/lab/cells"
    alone, together, words, absent, wrong = tried(
        "hf-hub:lab/cells", "rgb:hf_hub:lab/cells", "hf-hub:lab/words", "hf-hub:lab/none", "hf-hub:nothing//"
    )
    assert alone == ["hf-hub:lab/cells", "mit", [1, 3, 14, 14, 192], where]
    assert together == ["rgb:hf-hub:lab/cells", "mit", [1, 1, 14, 14, 192], "mit"]
    assert "hf-hub:lab/words: its config.json names no architecture of timm" in words
    assert "lab/none has no config.json: put config.json and model.safetensors of huggingface.co/lab/none" in absent
    assert wrong == "--backbone hf-hub:nothing//: a repository is called OWNER/NAME: correct it."
    ((name, *_), sentence) = tried("timm:hf-hub:lab/cells", "hf-hub:CaicedoLab/MorphEm", HF_HUB_OFFLINE="1")
    assert name == "hf-hub:lab/cells"
    assert "--backbone morphem: its weights are not on this computer" in sentence  # the preset of that repository
