"""From an endpoint's settings to the backend that a room is handed: cache outside, money and speed inside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bimedix2.llm.batch import Batched
from bimedix2.llm.budget import Budget
from bimedix2.llm.bulk import Bulked
from bimedix2.llm.cache import Cache, Cached, RunLedger
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.openai import OpenAI


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
