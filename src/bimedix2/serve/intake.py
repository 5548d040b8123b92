"""What comes in: request bodies against a limit, and images opened before anything else looks at them.

Nothing here writes a file. A DICOM file becomes RGB pixels in memory, and its header (names, dates, numbers)
ends there; what is burned into the pixels stays in the pixels.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from bimedix2 import io
from bimedix2.errors import ImageError, MissingExtra
from bimedix2.serve.faults import Fault
from bimedix2.serve.settings import Config

if TYPE_CHECKING:
    from PIL.Image import Image
    from starlette.requests import Request

T = TypeVar("T")

MIB = 1 << 20
HELD = 512 * MIB
"""Bytes of bodies that may be on their way in or wait for their turn; beyond it a request is answered 429."""
DRAINED = 256 * MIB
"""Bytes of a too large body that are read and dropped, so that its sender gets to read the refusal."""
PAGE_WINDOWS = ("lung", "bone", "brain", "soft-tissue")
"""The presets of ``imaging`` that the page offers on a CT."""


class Shown(NamedTuple):
    """An image as the model gets it."""

    sha256: str
    png: bytes
    width: int
    height: int
    kind: str
    frames: int
    frame: int
    notes: tuple[str, ...]

    def data_url(self) -> str:
        """The PNG as a ``data:`` URL."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


class Intake:
    """Reads bodies; knows how many bytes are in flight, and lets two requests unpack theirs at a time."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._held = 0
        self._unpacking = asyncio.Semaphore(2)

    async def body(self, request: "Request", limit: int) -> bytearray:
        """Read a body of at most ``limit`` bytes.

        Raises:
            Fault: 413 when it is larger, 429 when all requests hold too much, 400 when it ends early, 415
                when it is compressed.
        """
        from starlette.requests import ClientDisconnect

        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            sentence = "a compressed body is not read here; send it without Content-Encoding"
            raise Fault(415, sentence, "unsupported_encoding")
        data = bytearray()
        size = 0
        try:
            async for piece in request.stream():
                size += len(piece)
                if size > limit:
                    self._held -= len(data)
                    data.clear()
                    if size > DRAINED:
                        break
                    continue
                data += piece
                self._held += len(piece)
                if self._held > HELD:
                    sentence = "too many uploads at once; try again in a moment"
                    raise Fault(429, sentence, "queue_full", headers={"Retry-After": "5"})
        except ClientDisconnect:
            raise Fault(400, "the body ended early; send it again", "incomplete_body") from None
        finally:
            self._held -= len(data)
        if size > limit:
            raise _too_large(self.config)
        return data

    async def unpack(self, request: "Request", limit: int, unpacked: Callable[[bytearray], T]) -> T:
        """Read a body and unpack it in a thread, away from the event loop."""
        data = await self.body(request, limit)
        self._held += len(data)  # a body that waits for its turn is still in memory
        try:
            async with self._unpacking:
                return await asyncio.to_thread(unpacked, data)
        finally:
            self._held -= len(data)

    async def json(self, request: "Request", parse: Callable[[Any], T]) -> T:
        """Read a JSON body and parse its value; the media type, the size and the syntax are checked."""
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json":
            raise Fault(415, "the body must be sent as Content-Type: application/json", "invalid_json")
        limit = self.config.max_upload_mb * MIB * 4 // 3 + MIB
        return await self.unpack(request, limit, lambda data: parse(read_json(data)))


def _too_large(config: Config) -> Fault:
    return Fault(
        413, f"the upload is larger than {config.max_upload_mb} MB; send a smaller file", "too_large"
    )


def read_json(data: bytes | bytearray) -> Any:
    """Parse a body.

    Raises:
        Fault: 400, and what is wrong with it.
    """
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        raise Fault(400, "the body is not UTF-8; send JSON in UTF-8", "invalid_json") from None
    except RecursionError:
        sentence = "the body is JSON nested too deeply; send a plain request"
        raise Fault(400, sentence, "invalid_json") from None
    except ValueError as error:
        raise Fault(400, f"the body is not JSON ({error}); correct it there", "invalid_json") from None


def read_data_url(url: str) -> bytes:
    """Return the bytes of a ``data:`` URL (RFC 2397); this server fetches nothing from other hosts.

    Raises:
        ImageError: another scheme, no comma, or broken base64.
    """
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.strip().lower() != "data":
        raise ImageError(
            "image_url must be a data: URL; this server fetches nothing, so send the image itself"
        )
    header, comma, payload = rest.partition(",")
    if not comma:
        raise ImageError("the data: URL has no comma before its data; correct it")
    try:
        if not header.lower().endswith(";base64"):
            return unquote_to_bytes(payload)
        # Line breaks, as the shell's `base64` writes them, are no fault of the image.
        return base64.b64decode("".join(payload.split()), validate=True)
    except UnicodeEncodeError:
        raise ImageError("the data: URL is not valid Unicode; encode the image again") from None
    except (binascii.Error, ValueError):
        raise ImageError("the data: URL is not valid base64; encode the image again") from None


def show(
    data: bytes | bytearray,
    config: Config,
    name: str = "",
    *,
    frame: int | None = None,
    window: str | None = None,
) -> Shown:
    """Open an image file as an RGB PNG without any metadata, scaled down to ``config.max_side``.

    Such a PNG comes back through here unchanged, so page and API show the model the same pixels.

    Raises:
        ImageError: it cannot be opened, or must not be.
        Fault: 413 when it is larger than ``config.max_upload_mb``.
    """
    if len(data) > config.max_upload_mb * MIB:
        raise _too_large(config)
    try:
        from bimedix2 import imaging
    except ImportError as error:
        raise MissingExtra(str(error.name), "imaging") from error
    picture = imaging.read(bytes(data), name, frame=frame, window=window)
    png, (width, height) = _png(picture.image, config.max_side)
    return Shown(
        io.sha256_bytes(png), png, width, height, picture.kind, picture.frames, picture.frame, picture.notes
    )


def windows(data: bytes | bytearray, shown: Shown) -> tuple[str, ...]:
    """Return the windows to choose from: ``PAGE_WINDOWS`` for Hounsfield units, none for anything else."""
    if shown.kind != "dicom":
        return ()
    from bimedix2 import imaging

    try:
        imaging.read(bytes(data), frame=shown.frame, window=PAGE_WINDOWS[0])
    except ImageError:
        return ()
    return PAGE_WINDOWS


def _png(pixels: "Image", max_side: int) -> tuple[bytes, tuple[int, int]]:
    from PIL import Image

    small = pixels.convert("RGB")
    if max(small.size) > max_side:
        small.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    clean = Image.frombytes("RGB", small.size, small.tobytes())  # leaves profiles, text and EXIF behind
    buffer = BytesIO()
    clean.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue(), clean.size
