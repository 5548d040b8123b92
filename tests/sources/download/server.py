"""A real HTTP server on loopback that misbehaves as it is told, and article archives for it to give out."""

import gzip
import io
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image


def jpeg(shade: int = 0, size: int = 24) -> bytes:
    """A picture; shades that differ by 8 or more are different files."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((size, size)).point(lambda v: (v + shade) % 256).save(buffer, "JPEG")
    return buffer.getvalue()


def archive(members: Mapping[str, bytes | tarfile.TarInfo], padding: int = 0) -> bytes:
    """A ``.tar.gz`` of files, or of special members; ``padding`` bytes that do not compress come first."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        content: dict[str, bytes | tarfile.TarInfo] = dict(members)
        if padding:
            noise = Image.effect_noise((1024, max(1, padding // 1024)), 90).tobytes()
            content = {"PMC/article.pdf": noise, **content}
        for name, data in content.items():
            if isinstance(data, tarfile.TarInfo):
                tar.addfile(data)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@dataclass
class Behaviour:
    """How one request is answered.

    Attributes:
        status: of the answer; 200 gives the file, whole or the range that is asked for.
        headers: added to it.
        cut: bytes after which the connection is closed, though more were announced.
        stall: bytes after which nothing comes any more.
        ranges: whether ranges are supported.
        named: whether an entity tag and a date name the version.
        length: whether the length is said.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: int | None = None
    ranges: bool = True
    named: bool = True
    length: bool = True


class Server:
    """Files by path, how the next requests for each are answered, and what was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.next: dict[str, list[Behaviour]] = {}
        self.always = Behaviour()
        self.asked: list[tuple[str, str, int]] = []
        """(path, the Range that was asked for, status)."""
        self.sent: dict[str, int] = {}
        """Bytes of files sent by path."""
        self.stopping = threading.Event()
        self.address = ""

    def requests(self, path: str) -> list[tuple[str, int]]:
        return [(asked, status) for where, asked, status in self.asked if where == path]

    def url(self, path: str) -> str:
        return f"{self.address}{path}"


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing on standard error."""

        def do_GET(self) -> None:
            queue = server.next.get(self.path, [])
            behaviour = queue.pop(0) if queue else server.always
            data = server.files.get(self.path)
            asked = self.headers.get("Range", "")
            status = behaviour.status if data is not None or behaviour.status != 200 else 404
            tag = f'"{hash(data)}"'
            start = 0
            confirmed = self.headers.get("If-Range", tag) == tag
            if status == 200 and asked and behaviour.ranges and confirmed and data is not None:
                start = int(asked.removeprefix("bytes=").partition("-")[0])
                status = 206 if start < len(data) else 416
            server.asked.append((self.path, asked, status))
            body = (data or b"")[start:] if status in (200, 206) else b"no"
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(data or b'')}")
            if status in (200, 206) and behaviour.named:
                self.send_header("ETag", tag)
            for name, value in behaviour.headers.items():
                self.send_header(name, value)
            if behaviour.length:
                self.send_header("Content-Length", str(len(body)))
            else:
                self.send_header("Connection", "close")
            self.end_headers()
            self._body(body, behaviour)
            self.close_connection = not behaviour.length or behaviour.cut is not None

        def _body(self, body: bytes, behaviour: Behaviour) -> None:
            step = 1 << 14
            stop = min(x for x in (behaviour.cut, behaviour.stall, len(body)) if x is not None)
            try:
                for at in range(0, stop, step):
                    piece = body[at : min(at + step, stop)]
                    self.wfile.write(piece)
                    server.sent[self.path] = server.sent.get(self.path, 0) + len(piece)
                self.wfile.flush()
                if behaviour.stall is not None and behaviour.stall < len(body):
                    server.stopping.wait(30)
            except OSError:
                pass  # the client gave up or was killed

    return Handler


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that was killed while it was being answered."""


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server on a free loopback port."""
    server = Server()
    listening = _Quiet(("127.0.0.1", 0), _handler(server))
    listening.daemon_threads = True
    server.address = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        listening.shutdown()
        listening.server_close()
        thread.join()
