"""``bimedix2 chat``: a conversation at the terminal, images at any turn. Nothing of it is stored."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2.errors import BiMediX2Error, ConfigError, DataError
from bimedix2.verbs.ask import Device, MaxTokens, Model, Safeguards, Threads

if TYPE_CHECKING:
    from bimedix2.verbs.talk import Conversation

HELP = """\
/image FILE [window=lung] [frame=3]   attach an image to the next question
/new                                  begin a new conversation
/help                                 this list
/quit                                 end (so does Ctrl+D); Ctrl+C stops an answer
Anything else is a question, in Arabic or English."""
COMMANDS = ("/image", "/new", "/help", "/quit")


def chat(
    model: Model = "nano",
    max_tokens: MaxTokens = 256,
    threads: Threads = None,
    device: Device = "auto",
    safeguards: Safeguards = True,
) -> None:
    """Talk with the model, turn by turn; images come in at any turn. Research only, no medical advice.

    Reads stdin, so a file of turns can be piped in; then the first error ends it with exit code 2.

    Examples:

    bimedix2 chat

    printf '/image scan.dcm window=lung\\nWhat is this?\\n' | bimedix2 chat
    """
    from bimedix2.llm.backend import Sampling
    from bimedix2.verbs.talk import Conversation, open_model

    person = sys.stdin.isatty()
    backend = open_model(model, threads, device)
    sampling = Sampling(max_tokens=max_tokens)
    talk = Conversation(backend, sampling, safeguards)
    if person:
        import readline  # noqa: F401 - input() edits lines with it; its history stays in memory

        print(f"{backend.name}. For research only, not medical advice.\n{HELP}", file=sys.stderr)
    while (line := _read(person)) is not None:
        try:
            if line.startswith("/"):
                if line.split()[0] == "/quit":
                    return
                talk = _command(line, talk)
            elif line:
                _answer(talk, line)
        except BiMediX2Error as error:
            if not person:
                raise
            print(f"error: {error}", file=sys.stderr)


def _read(person: bool) -> str | None:
    """The next line without its blanks; ``None`` at the end."""
    try:
        return input("\n> " if person else "").strip()
    except EOFError:
        if person:
            print(file=sys.stderr)
        return None
    except UnicodeDecodeError as error:
        raise DataError("the input is not UTF-8; convert it first") from error


def _answer(talk: "Conversation", line: str) -> None:
    from bimedix2.verbs.talk import print_answer

    try:
        print_answer(talk.ask(line), talk.sampling.max_tokens)
    except KeyboardInterrupt:
        print("\n[stopped; this turn is not kept]", file=sys.stderr)


def _command(line: str, talk: "Conversation") -> "Conversation":
    """Do what a line that begins with ``/`` says; return the conversation to go on with."""
    from bimedix2.verbs.talk import Conversation, open_image

    try:
        name, *rest = shlex.split(line)
    except ValueError as error:
        raise ConfigError(f"the quotes in that line do not close ({error}); write it again") from error
    if name not in COMMANDS:
        raise ConfigError(f"'{name}' is no command; the commands are {', '.join(COMMANDS)}")
    if name == "/help":
        print(HELP, file=sys.stderr)
    elif name == "/new":
        talk = Conversation(talk.backend, talk.sampling, talk.guarded)
        print("[a new conversation]", file=sys.stderr)
    elif name == "/image":
        path, options = _image_options(rest)
        frame = options.get("frame")
        shown = open_image(path, int(frame) if frame else None, options.get("window"))
        talk.attach(shown)
        about = "".join(f"; {note}" for note in shown.notes)
        print(f"[{path.name} goes with the next question{about}]", file=sys.stderr)
    return talk


def _image_options(words: list[str]) -> tuple[Path, dict[str, str]]:
    """The file, and ``window=`` and ``frame=`` behind it."""
    if not words:
        raise ConfigError("/image needs a file; write /image FILE")
    options: dict[str, str] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or key not in ("window", "frame") or not value:
            raise ConfigError(
                f"'{word}' is no option of /image; it takes window=NAME and frame=NUMBER, and a path "
                "with blanks needs quotes"
            )
        if key == "frame" and not (value.isascii() and value.isdecimal() and len(value) < 7):
            raise ConfigError(f"frame={value} is no whole number; frames are counted from 0")
        options[key] = value
    return Path(words[0]).expanduser(), options
