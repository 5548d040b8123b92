"""From an endpoint's settings to the backend that a room is handed: cache outside, money and speed inside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bimedix2.llm.backend import IdentifiedBackend
from bimedix2.llm.batch import Batched
from bimedix2.llm.budget import Budget
from bimedix2.llm.bulk import Bulked
from bimedix2.llm.cache import Cache, Cached, RunLedger
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.openai import OpenAI
from bimedix2.llm.replay import Replay


@contextmanager
def open_endpoint(endpoint: Endpoint, cache: Path, run: str) -> Iterator[Cached]:
    """Open an endpoint behind its cache.

    Args:
        endpoint: from the recipe.
        cache: the SQLite file; several runs and endpoints may share it.
        run: what the budget is counted for, for example the output folder: a run that was killed and goes on
            under the same name has the money left that it had.

    Raises:
        ConfigError: the key is not where the recipe says.
        MissingExtra: ``bulk`` needs Ray and vLLM.
        DataError: the cache cannot be used.
    """
    with Cache(cache) as store:
        ledger = RunLedger(store, run)
        budget = Budget(endpoint.prices, endpoint.budget, ledger) if endpoint.prices else None
        backend: OpenAI | Batched | Bulked
        if endpoint.bulk:
            backend = Bulked(endpoint)
        elif endpoint.batch:
            backend = Batched(endpoint, store, budget)
        else:
            backend = OpenAI(endpoint, budget, store)
        try:
            yield Cached(backend, store, run)
        finally:
            backend.close()


@contextmanager
def open_judge(judge: Endpoint | None, replies: Path | None, cache: Path, run: str) -> Iterator[Cached]:
    """A judge behind its cache.

    Args:
        judge: an endpoint, or
        replies: a file of replies, recorded or written by hand.
        cache: what it answered, by request.
        run: the name under which its money is counted.
    """
    if judge:
        with open_endpoint(judge, cache, run) as backend:
            yield backend
        return
    assert replies is not None
    backend_of_file: IdentifiedBackend = Replay(replies)
    with Cache(cache) as store:
        yield Cached(backend_of_file, store, run)
