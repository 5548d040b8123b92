"""A language model as judge: an endpoint, or its replies in a file, behind the cache."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from pydantic import field_serializer, model_validator

from bimedix2.config import Settings
from bimedix2.llm.backend import IdentifiedBackend, Request
from bimedix2.llm.budget import estimate
from bimedix2.llm.cache import Cache, Cached
from bimedix2.llm.connect import open_endpoint
from bimedix2.llm.endpoint import RUNNING, Endpoint
from bimedix2.llm.replay import Replay


class Judged(Settings):
    """Base of the settings of whatever has a judge."""

    judge: Endpoint | None = None
    """The judge's endpoint."""
    replies: Path | None = None
    """In the place of an endpoint: a file of replies, recorded or written by hand; no network."""
    cache: Path = Path("runs/judge.sqlite")
    """What the judge answered, by request: a run that goes on, or is made again, asks for none of it."""

    @model_validator(mode="after")
    def _one_judge(self) -> Self:
        if (self.judge is None) == (self.replies is None):
            raise ValueError("name one judge: 'judge' (an endpoint) or 'replies' (a file)")
        return self

    @field_serializer("judge")
    def _answers_depend_on(self, judge: Endpoint | None) -> dict[str, Any] | None:
        """Limits and prices are no part of what a run is known by: it goes on with a larger budget."""
        return None if judge is None else judge.model_dump(mode="json", exclude=RUNNING)

    @property
    def host(self) -> str:
        """Where the judge is, for the signature."""
        return self.judge.host if self.judge else "file"

    def say_cost(self, backend: Cached, requests: Sequence[Request], who: str, more: str = "") -> None:
        """Tell what requests cost that the cache does not answer, before they are sent; needs prices.

        Args:
            backend: of ``opened``.
            requests: what is about to be asked, as far as it is known.
            who: what the judge is called.
            more: what comes on top beside repeated tries, as ``canaries and ``.
        """
        if self.judge and self.judge.prices and requests:
            cost = estimate(backend.unanswered(requests), self.judge.prices)
            print(f"{who}: {cost}; {more}repeated tries come on top", file=sys.stderr)

    @contextmanager
    def opened(self, run: str) -> Iterator[Cached]:
        """The judge behind its cache.

        Args:
            run: the name under which its money is counted.
        """
        if self.judge:
            with open_endpoint(self.judge, self.cache, run) as backend:
                yield backend
            return
        assert self.replies is not None
        backend_of_file: IdentifiedBackend = Replay(self.replies)
        with Cache(self.cache) as store:
            yield Cached(backend_of_file, store, run)
