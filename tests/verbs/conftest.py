"""A backend that says what it was asked, and the command line run inside the test."""

import io
import sys
from collections.abc import Callable, Iterator, Sequence

import pytest

from bimedix2.errors import ContextError
from bimedix2.llm.backend import Loglikelihood, Reply, Request


class Echo:
    """Answers each question with its number, its words and its images; more than three turns are too many."""

    name = "echo@1"
    device = ""
    """Where it was asked to compute."""

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        return [Reply(self.words(r), self.name, "stop", 1, 1) for r in requests]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        return [Loglikelihood(0.0, 1, True) for _ in pairs]

    def words(self, request: Request) -> str:
        turns = [m for m in request.messages if m.role == "user"]
        if len(turns) > 3:
            raise ContextError("the conversation takes 99 tokens and the context is 9; start a new one")
        return f"{len(turns)}. {turns[-1].text} [{len(turns[-1].images)} of {len(request.images)}]"

    def stream(self, request: Request) -> Iterator[str | Reply]:
        words = self.words(request)
        yield words[:2]
        yield words[2:]
        yield Reply(words, self.name, "stop", 1, 1)


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Echo:
    """The backend that every verb opens."""
    backend = Echo()

    def opened(model: str, threads: int | None = None, *, device: str) -> Echo:
        backend.device = device
        return backend

    monkeypatch.setattr("bimedix2.engine.open_engine", opened)
    return backend


Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command line in this process: ``cli(*args, stdin="")`` gives exit code, stdout and stderr."""
    from bimedix2.cli import main

    def run(*args: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bimedix2", *args])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
