"""The provider's batch API (OpenAI's Files and Batches): a file of requests up, later a file of answers.

A batch is written into the cache before it is made, under a token that it carries as metadata, so that a run
which was killed finds its batches again, even one whose creation it never heard of, and pays for none twice.
Fields as in the reference of OpenAI's Batch API, which Azure and vLLM follow.
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bimedix2 import io
from bimedix2.errors import EndpointError, NotServedError, RefusedError
from bimedix2.llm.backend import UNWATCHED, Loglikelihood, Reply, Request, Watch, all_answered
from bimedix2.llm.budget import FREE, Budget, Tokens, tokens_of
from bimedix2.llm.cache import BatchJob, Cache, Key, key_of
from bimedix2.llm.endpoint import PROTECTED, Endpoint
from bimedix2.llm.http import REFUSALS, Again, Connection, error_of
from bimedix2.llm.wire import body_of, reply_of, value_of

BYTES = 100_000_000
"""Of one input file; OpenAI takes 200 MB."""
ROUNDS = 3
"""How often requests that the provider failed or let expire are put into another batch."""
PAGES = 20
"""Of 100 batches, looked through for one that carries our token."""
GOING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})


class Batched:
    """A ``WatchedBackend`` whose calls return when their batches are done: hours, as a rule.

    Args:
        endpoint: where it is, and how large and how watched a batch is.
        cache: where batches and answers are kept; a ``Cached`` over this backend uses the same.
        budget: what it may cost, at the batch API's prices; ``None`` does not count.
    """

    def __init__(self, endpoint: Endpoint, cache: Cache, budget: Budget | None = None) -> None:
        self.endpoint = endpoint
        self._cache = cache
        self._budget = budget or Budget(endpoint.prices or FREE)
        self._connection = Connection(endpoint)
        for job in cache.batches(self.identity):
            self._budget.adopt(job.cost)

    @property
    def name(self) -> str:
        """Model and host."""
        return self.endpoint.name

    @property
    def identity(self) -> str:
        """The same as that of single requests: so are the answers."""
        return self.endpoint.identity

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request; errors as ``OpenAI.chat``."""
        return all_answered(self.attempt(requests, UNWATCHED))

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """Refuse: batches give no log-probabilities of prompts."""
        return all_answered(self.score(pairs, UNWATCHED))

    def score(
        self,
        pairs: Sequence[tuple[Request, str]],  # noqa: ARG002
        watch: Watch,  # noqa: ARG002
    ) -> list[Loglikelihood | RefusedError]:
        """Refuse: batches give no log-probabilities of prompts."""
        raise NotServedError("the batch API gives no likelihoods; set batch: false for them")

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As ``chat``, with errors in the places of refused requests.

        Raises:
            EndpointError: the provider takes no batch, or somebody cancelled it.
            BudgetError: the next batch could pass the budget; those that run are found again.
        """
        for request in requests:
            self.endpoint.allow(request.data_class)
        call = _Call(self.identity, requests, watch)
        for job in self._cache.batches(self.identity):
            if call.waiting.keys() & set(job.requests):
                self._finish(job, call)
        for _ in range(ROUNDS):
            jobs = [self._start(part, call) for part in self._parts(call)]
            for job in jobs:
                self._finish(job, call)
        for name in list(call.waiting):
            call.take(
                name,
                RefusedError(f"{self.name} failed at a request in {ROUNDS} batches; look at that record"),
            )
        return [call.outcomes[number] for number in range(len(requests))]

    # Making a batch

    def _parts(self, call: "_Call") -> Iterator[dict[str, bytes]]:
        """Lines of what has no answer yet, by name, in files that the provider takes."""
        part: dict[str, bytes] = {}
        size = 0
        for name, numbers in list(call.waiting.items()):
            body = body_of(self.endpoint, call.requests[numbers[0]])
            line = {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
            data = json.dumps(line, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"
            if part and (len(part) == self.endpoint.batch_requests or size + len(data) > BYTES):
                yield part
                part, size = {}, 0
            part[name] = data
            size += len(data)
        if part:
            yield part

    def _start(self, part: Mapping[str, bytes], call: "_Call") -> BatchJob:
        prices, cost = self._budget.prices, 0.0
        for name in part:
            tokens = tokens_of(call.requests[call.waiting[name][0]], prices.image_tokens)
            cost += prices.cost(tokens.most, tokens.answer)
        self._budget.reserve(cost, wait=False)
        job = BatchJob(uuid.uuid4().hex, self.identity, "", tuple(part), cost)
        self._cache.add_batch(job)
        for name in part:
            call.watch.sending(call.waiting[name][0])
        return self._create(job, b"".join(part.values()))

    def _create(self, job: BatchJob, lines: bytes) -> BatchJob:
        upload = self._ask("POST", "/files", upload=("bimedix2.jsonl", lines))
        body = {
            "input_file_id": upload.get("id"),
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"bimedix2": job.token},
        }
        tries = 0

        def once() -> dict[str, Any]:
            nonlocal tries
            tries += 1
            # A connection that broke may have made the batch all the same.
            made = self._find(job.token) if tries > 1 else None
            return made or value_of(self._connection.once("POST", "/batches", body))

        try:
            batch = self._connection.until_answered(once)
        except RefusedError as error:
            self._end(job, 0.0)
            raise EndpointError(f"{error}; the batch was not made") from None
        return self._named(job, batch)

    def _named(self, job: BatchJob, batch: Mapping[str, Any]) -> BatchJob:
        named = BatchJob(job.token, job.identity, str(batch.get("id", "")), job.requests, job.cost)
        self._cache.add_batch(named)
        return named

    def _find(self, token: str) -> dict[str, Any] | None:
        """Return the batch that carries a token."""
        after = ""
        for _ in range(PAGES):
            page = value_of(self._connection.once("GET", f"/batches?limit=100{after}"))
            batches = [batch for batch in page.get("data") or [] if isinstance(batch, dict)]
            for batch in batches:
                if (batch.get("metadata") or {}).get("bimedix2") == token:
                    return batch
            if not page.get("has_more") or not batches:
                break
            after = f"&after={batches[-1].get('id')}"
        return None

    # Reading a batch

    def _finish(self, job: BatchJob, call: "_Call") -> None:
        """Wait for a batch, keep all its answers, and hand over those that this call waits for."""
        if not job.id:
            found = self._connection.until_answered(lambda: self._find(job.token))
            if found is None:  # killed before it was made
                self._end(job, 0.0)
                return
            job = self._named(job, found)
        batch = self._ask("GET", f"/batches/{job.id}")
        while batch.get("status") in GOING:
            time.sleep(self.endpoint.batch_poll)
            batch = self._ask("GET", f"/batches/{job.id}")
        cost = self._read(job, batch, call)
        self._end(job, cost)
        for name in ("input_file_id", "output_file_id", "error_file_id"):
            self._delete(batch.get(name))
        if batch.get("status") == "failed":
            raise EndpointError(f"{self.endpoint.host} failed batch {job.id}: {_errors(batch)}; correct that")
        if batch.get("status") == "cancelled":
            raise EndpointError(
                f"batch {job.id} was cancelled; its answers are kept, start the run again to ask the rest"
            )

    def _read(self, job: BatchJob, batch: Mapping[str, Any], call: "_Call") -> float:
        """Keep the answers of both files; return what they cost."""
        cost = 0.0
        left = set(job.requests)
        for name in ("output_file_id", "error_file_id"):
            if not batch.get(name):
                continue
            for line in self._download(f"/files/{batch[name]}/content").split(b"\n"):
                custom_id, outcome = self._outcome(line, call)
                if custom_id not in left or outcome is None:
                    continue
                left.remove(custom_id)
                if isinstance(outcome, Reply):
                    cost += self._budget.prices.cost(outcome.prompt_tokens, outcome.completion_tokens)
                    self._cache.put(_key(custom_id), outcome)
                call.take(custom_id, outcome)
        return cost

    def _download(self, path: str) -> bytes:
        return self._connection.until_answered(lambda: self._connection.once("GET", path, file=True))

    def _outcome(self, line: bytes, call: "_Call") -> tuple[str, Reply | RefusedError | None]:
        """Name and outcome of one line; ``None`` where the request has to be asked again."""
        try:
            row = io.parse_json(line.decode("utf-8"))
            name, response = row["custom_id"], row.get("response") or {}
            status, body = response.get("status_code"), response.get("body")
        except (ValueError, KeyError, TypeError, AttributeError):
            return "", None
        request = call.request(name)
        if status == 200 and isinstance(body, dict):
            # Of another call's request nothing is known here but what the provider counts.
            bound = tokens_of(request, self._budget.prices.image_tokens) if request else Tokens(0, 0, 0)
            try:
                return name, reply_of(self.endpoint, body, bound)
            except RefusedError as refusal:
                return name, refusal
            except Again:
                return name, None
        if status in REFUSALS:
            quiet = request is None or request.data_class in PROTECTED
            words = "" if quiet else " ".join(error_of(json.dumps(body).encode())[1].split())[:200]
            said = f"HTTP {status}: {words}" if words else f"HTTP {status}"
            return name, RefusedError(f"{self.endpoint.host} refused a request ({said}); look at that record")
        return name, None

    def _end(self, job: BatchJob, cost: float) -> None:
        self._cache.end_batch(job)
        self._budget.settle(job.cost, cost)

    def _ask(
        self, method: str, path: str, body: Any = None, upload: tuple[str, bytes] | None = None
    ) -> dict[str, Any]:
        return self._connection.until_answered(
            lambda: value_of(self._connection.once(method, path, body, upload=upload))
        )

    def _delete(self, file: object) -> None:
        """Leave no records behind with the provider; a file that is gone already is as good."""
        if file:
            try:
                self._connection.once("DELETE", f"/files/{file}")
            except (Again, EndpointError):
                return


class _Call:
    """The requests of one call, by the name that they have in batches, and what became of them."""

    def __init__(self, identity: str, requests: Sequence[Request], watch: Watch) -> None:
        self.requests = requests
        self.watch = watch
        self.outcomes: dict[int, Reply | RefusedError] = {}
        self.waiting: dict[str, list[int]] = {}
        self._first: dict[str, Request] = {}
        for number, request in enumerate(requests):
            key, sample = key_of(identity, request)
            name = f"{key}-{sample}"
            self.waiting.setdefault(name, []).append(number)
            self._first.setdefault(name, request)

    def request(self, name: str) -> Request | None:
        """Return the request of a name; another call's is not known here."""
        return self._first.get(name)

    def take(self, name: str, outcome: Reply | RefusedError) -> None:
        """Hand an outcome to whom it belongs."""
        for number in self.waiting.pop(name, []):
            self.outcomes[number] = outcome
            self.watch.answered(number, outcome)


def _key(name: str) -> Key:
    key, _, sample = name.rpartition("-")
    return key, int(sample)


def _errors(batch: Mapping[str, Any]) -> str:
    errors = (batch.get("errors") or {}).get("data") or []
    words = [str(error.get("message", "")) for error in errors if isinstance(error, dict)]
    return " ".join("; ".join(words).split())[:300] or "it gave no reason"
