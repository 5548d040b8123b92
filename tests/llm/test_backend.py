"""A backend that cannot be watched is asked in parts, and what one part brought is told before the next."""

from collections.abc import Callable, Sequence

import pytest

from bimedix2.errors import RefusedError
from bimedix2.llm import backend
from bimedix2.llm.backend import Loglikelihood, Outcome, Reply, Request

Ask = Callable[..., Request]


class Plain:
    name = "plain@1"

    def __init__(self) -> None:
        self.calls: list[int] = []

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        self.calls.append(len(requests))
        return [Reply(request.messages[-1].text, self.name, "stop", 1, 1) for request in requests]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        self.calls.append(len(pairs))
        return [Loglikelihood(-float(len(text)), 1, True) for _, text in pairs]


class Told:
    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []

    def sending(self, number: int) -> None:
        self.events.append(("sending", number))

    def answered(self, number: int, outcome: Outcome) -> None:
        self.events.append(("answered", number))


def test_a_plain_backend_is_asked_in_parts(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "TOGETHER", 2)
    plain, told = Plain(), Told()
    replies = backend.attempt(plain, [ask(f"q{n}") for n in range(3)], told)
    assert [reply.text for reply in replies if isinstance(reply, Reply)] == ["q0", "q1", "q2"]
    assert plain.calls == [2, 1]
    assert told.events == [
        ("sending", 0),
        ("sending", 1),
        ("answered", 0),
        ("answered", 1),
        ("sending", 2),
        ("answered", 2),
    ]
    scores = backend.score(plain, [(ask(), "yes"), (ask(), "no")])
    assert [score.value for score in scores if isinstance(score, Loglikelihood)] == [-3, -2]


def test_the_first_refusal_is_raised() -> None:
    reply = Reply("a", "m", "stop", 1, 1)
    assert backend.all_answered([reply]) == [reply]
    with pytest.raises(RefusedError, match="first"):
        backend.all_answered([reply, RefusedError("first"), RefusedError("second")])
