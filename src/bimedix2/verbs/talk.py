"""A conversation with a model at the terminal: what ``ask``, ``chat`` and the demo share.

Knows nothing about command lines, and nothing about which model answers.
"""

import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TextIO, cast

from bimedix2 import __version__
from bimedix2.errors import DataError, ImageError
from bimedix2.language import safeguards
from bimedix2.llm.backend import Reply, Request, Sampling, StreamingBackend
from bimedix2.records import DataClass, ImagePart, Message
from bimedix2.serve.conversation import check_text
from bimedix2.serve.intake import Shown, show
from bimedix2.serve.settings import Config
from bimedix2.text.arabic import script

LIMITS = Config(max_upload_mb=2048)
"""The door's limits for a file that is already on this machine; the pixels are those of the page."""
UNSAFE = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)))
"""Control characters but tab and line break: an answer must not steer the terminal."""


class Conversation:
    """Turns so far, and the images that wait for the next question."""

    def __init__(self, backend: StreamingBackend, sampling: Sampling, guarded: bool = True) -> None:
        self.backend = backend
        self.sampling = sampling
        self.guarded = guarded
        self.messages: list[Message] = []
        self.images: dict[str, bytes] = {}
        self.waiting: list[ImagePart] = []

    def attach(self, shown: Shown) -> None:
        """Keep an image for the next question."""
        self.images[shown.sha256] = shown.png
        self.waiting.append(ImagePart(image=shown.sha256))

    def ask(self, text: str) -> Generator[str | Reply, None, None]:
        """Yield the answer's pieces, then the reply; the turn is kept only when the whole answer came.

        Where the safeguards are on and one of them answers, the model is not asked.

        Raises:
            DataError: the text is empty, or holds what only the model's own format may.
            ContextError: the conversation is longer than the context.
        """
        check_question(text)
        asked = Message.of("user", *self.waiting, text)
        request = Request((*self.messages, asked), self.images, self.sampling, DataClass.PATIENT)
        with closing(cast(Generator[str | Reply, None, None], self._answer(request))) as pieces:
            for piece in pieces:
                if isinstance(piece, Reply):
                    self.messages += [asked, Message.of("assistant", piece.text)]
                    self.waiting = []
                yield piece

    def _answer(self, request: Request) -> Iterator[str | Reply]:
        fixed = safeguards.answer(request.messages, self.backend.name) if self.guarded else None
        if fixed is None:
            return self.backend.stream(request)
        return (piece for piece in (fixed.text, fixed))


def check_question(text: str) -> None:
    """Refuse what no model is to be asked, before one is loaded.

    Raises:
        DataError: the text is empty, or holds what only the model's own format may.
        ContextError: it is longer than any context.
    """
    check_text(text, "the question")
    if not text.strip():
        raise DataError("the question is empty; write something")


def open_image(path: Path, frame: int | None = None, window: str | None = None) -> Shown:
    """Open an image file as the model will see it.

    Raises:
        ImageError: no such file, one larger than ``LIMITS`` has it, or no image in it.
    """
    try:
        if path.stat().st_size > LIMITS.max_upload_mb << 20:  # before it fills the memory
            raise ImageError(f"{path} is larger than {LIMITS.max_upload_mb} MB; crop it first")
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{path} does not exist; check the path") from None
    except IsADirectoryError:
        raise ImageError(f"{path} is a folder; name one image file in it") from None
    except ValueError:  # a zero byte in it
        raise ImageError(f"no file can have the name {str(path)!r:.80}; check the path") from None
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror}); check its permissions") from error
    return show(data, LIMITS, path.name, frame=frame, window=window)


def print_answer(pieces: Generator[str | Reply, None, None], limit: int, out: TextIO | None = None) -> Reply:
    """Write an answer while it comes, and below it, on stderr, who wrote it and what it is not.

    Args:
        pieces: of ``Conversation.ask``.
        limit: tokens that the answer might take.
        out: where to; stdout if not said.
    """
    out = out or sys.stdout
    reply: Reply | None = None
    with closing(pieces):
        for piece in pieces:
            if isinstance(piece, Reply):
                reply = piece
            else:
                out.write(piece.translate(UNSAFE))
                out.flush()
    assert reply is not None
    out.write("\n")
    out.flush()
    print(signature(reply, limit), file=sys.stderr, flush=True)
    return reply


def signature(reply: Reply, limit: int) -> str:
    """The line under an answer: who gave it, and the notice in the answer's language and in English.

    An answer that was cut says by what: by ``limit``, or before it by the context's end.
    """
    from bimedix2.web.shell import strings

    words = [strings()[language] for language in (("ar", "en") if script(reply.text) == "ar" else ("en",))]
    notice = " ".join(word["notice"] for word in words)
    if isinstance(reply, safeguards.Fixed):
        said = " ".join(word[f"safeguard_{reply.rule}"] for word in words)
        return f"-- {said} (rules {safeguards.version()[:8]}, bimedix2 {__version__}) {notice}"
    cut = ""
    if reply.finish == "length":
        full = reply.completion_tokens < limit
        why = "the context is full; begin a new conversation" if full else "raise --max-tokens"
        cut = f" [cut at the length limit; {why}]"
    return f"-- {reply.model} (bimedix2 {__version__}){cut} {notice}"


def open_model(model: str, threads: int | None, device: str) -> StreamingBackend:
    """Open a model on this machine.

    Raises:
        ModelError: there is none of that name, nothing of it is trained yet, or there is no such device.
    """
    from bimedix2.engine import open_engine

    return open_engine(model, threads, device=device)
