"""A web server on this machine for plates behind an address, of a web server or of a bucket."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Server:
    """A static web server of one folder, with what it was asked for and how much at a time."""

    def __init__(self, folder: Path) -> None:
        self.asked: Counter[str] = Counter()
        self.heads: Counter[str] = Counter()
        self.most_at_once = 0
        self.refused: dict[str, int] = {}
        self.seconds_per_answer = 0.0
        self.bytes_given = 0
        self.gives_parts = True
        self.busy = False
        self.hides_absence = False  # as buckets do whose contents nobody may list
        self._never = threading.Event()
        self._now = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            error_content_type = "application/xml"  # as S3 has it; a web client looks at the number only
            error_message_format = "<Error><Code>%(message)s</Code></Error>"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                with outer._lock:
                    outer.heads[self.path] += 1
                outer._never.wait(outer.seconds_per_answer)
                if outer.busy:
                    self.send_error(503)
                else:
                    super().do_HEAD()

            def do_GET(self) -> None:
                if outer.busy:
                    self.send_error(503)
                    return
                with outer._lock:
                    outer.asked[self.path] += 1
                    outer._now += 1
                    outer.most_at_once = max(outer.most_at_once, outer._now)
                outer._never.wait(outer.seconds_per_answer)
                try:
                    if outer.refused.get(self.path, 0) > 0:
                        outer.refused[self.path] -= 1
                        self.send_error(503)
                    elif "list-type=2" in self.path or not Path(self.translate_path(self.path)).exists():
                        # A client of S3 asks whether there is a folder where it finds no object.
                        self.send_error(*((403, "AccessDenied") if outer.hides_absence else (404, "NoSuchKey")))
                    elif "Range" in self.headers and outer.gives_parts:
                        self._give_part()
                    else:
                        outer.bytes_given += Path(self.translate_path(self.path)).stat().st_size
                        super().do_GET()
                finally:
                    with outer._lock:
                        outer._now -= 1

            def end_headers(self) -> None:
                if outer.gives_parts:
                    self.send_header("Accept-Ranges", "bytes")
                super().end_headers()

            def _give_part(self) -> None:
                content = Path(self.translate_path(self.path)).read_bytes()
                first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
                part = content[int(first) : int(last or len(content)) + 1]
                if not part:
                    self.send_error(416)
                    return
                outer.bytes_given += len(part)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                self.wfile.write(part)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
