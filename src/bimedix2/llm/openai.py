"""Any OpenAI-compatible endpoint as a backend: many requests at once, each tried until it is answered.

Likelihoods need log-probabilities of the prompt, which vLLM gives (``prompt_logprobs``) and, for plain text,
endpoints whose completions take ``echo``. Fields as in vLLM's ``chat_completion/protocol.py`` (0.15) and in
the reference of OpenAI's completions.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from bimedix2 import io
from bimedix2.errors import DataError, NotServedError, RefusedError
from bimedix2.llm.backend import UNWATCHED, Loglikelihood, Reply, Request, Sampling, Watch, all_answered
from bimedix2.llm.budget import FREE, Bill, Budget, tokens_of
from bimedix2.llm.cache import Bare, Cache, key_of
from bimedix2.llm.endpoint import PROTECTED, Endpoint
from bimedix2.llm.http import Again, Connection, Stopped
from bimedix2.llm.wire import body_of, reply_of, usage_of, value_of
from bimedix2.records import Message

Pair = tuple[Request, str]
A = TypeVar("A", Reply, Loglikelihood)
T = TypeVar("T")


@dataclass(frozen=True)
class _Asked:
    """One request of a call, and its lines to the call."""

    request: Request
    continuation: str
    sending: Callable[[], None]
    stop: threading.Event


@dataclass(frozen=True)
class _Token:
    """A token of the prompt: its id, log-probability and rank."""

    id: str
    value: float
    rank: int


@dataclass(frozen=True)
class _Echoed:
    """A token of a plain text: its log-probability, and the likeliest one's."""

    value: float
    best: float


class OpenAI:
    """A ``WatchedBackend``. Several threads may call it; they share its limits.

    Args:
        endpoint: where it is, and its limits.
        budget: what it may cost; ``None`` does not count.
        cache: where what is learned of prompts without their continuations is kept; ``None`` remembers it
            for as long as this object lives. Answers are kept by ``Cached``, around this.
    """

    def __init__(self, endpoint: Endpoint, budget: Budget | None = None, cache: Cache | None = None) -> None:
        self.endpoint = endpoint
        self._budget = budget or Budget(endpoint.prices or FREE)
        self._connection = Connection(endpoint)
        self._cache = cache
        self._prompts: dict[str, Future[Bare]] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Model and host."""
        return self.endpoint.name

    @property
    def identity(self) -> str:
        """Hash of the address, the model and the settings that answers depend on."""
        return self.endpoint.identity

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request.

        Raises:
            RefusedError: one was refused, after all others were answered.
            EndpointError: the endpoint answers nothing.
            BudgetError: the next could pass the budget.
            DataClassError: one may not be sent there; nothing was.
        """
        return all_answered(self.attempt(requests, UNWATCHED))

    def loglikelihood(self, pairs: Sequence[Pair]) -> list[Loglikelihood]:
        """Score continuations; a request without messages scores its continuation as plain text.

        Text and what stands before it are tokenised together; the tokens beyond those of the latter alone are
        the continuation's, as lm-evaluation-harness counts them.

        Raises:
            NotServedError: the endpoint gives no log-probabilities of prompts.
            EndpointError: as ``chat``.
        """
        return all_answered(self.score(pairs, UNWATCHED))

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As ``chat``, with errors in the places of refused requests."""
        return self._each([(request, "") for request in requests], self._answer, watch)

    def score(self, pairs: Sequence[Pair], watch: Watch) -> list[Loglikelihood | RefusedError]:
        """As ``loglikelihood``, with errors in the places of refused requests."""
        if not all(continuation for _, continuation in pairs):
            raise DataError("an empty continuation has no likelihood; give at least one character")
        return self._each(pairs, self._likelihood, watch)

    def _each(
        self, pairs: Sequence[Pair], one: Callable[[_Asked], A], watch: Watch
    ) -> list[A | RefusedError]:
        """Run ``one`` on every pair; after an error nothing more is sent, and what is in flight comes in."""
        for request, _ in pairs:
            self.endpoint.allow(request.data_class)
        stop = threading.Event()
        outcomes: dict[int, A | RefusedError] = {}

        def work(number: int) -> None:
            if stop.is_set():
                return
            try:
                try:
                    asked = _Asked(*pairs[number], lambda: watch.sending(number), stop)
                    outcomes[number] = one(asked)
                except RefusedError as refusal:
                    outcomes[number] = refusal
                watch.answered(number, outcomes[number])
            except Stopped:
                return
            except BaseException:
                stop.set()
                raise

        with ThreadPoolExecutor(self.endpoint.concurrency) as pool:
            futures = [pool.submit(work, number) for number in range(len(pairs))]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            except BaseException:  # Ctrl-C: what is in flight still comes in, and is kept
                stop.set()
                raise
        for future in futures:
            future.result()
        return [outcomes[number] for number in range(len(pairs))]

    def _answer(self, asked: _Asked) -> Reply:
        def read(value: Mapping[str, Any], bill: Bill) -> Reply:
            reply = reply_of(self.endpoint, value, bill.tokens)
            bill.cost = self._budget.prices.cost(reply.prompt_tokens, reply.completion_tokens)
            return reply

        return self._post("/chat/completions", body_of(self.endpoint, asked.request), asked, read)

    def _post(
        self,
        path: str,
        body: dict[str, Any],
        asked: _Asked,
        read: Callable[[Mapping[str, Any], Bill], T],
    ) -> T:
        """Send until answered, each try with its own reservation of money."""
        more = asked.request.before + asked.continuation
        tokens = tokens_of(asked.request, self._budget.prices.image_tokens, more)
        quiet = asked.request.data_class in PROTECTED

        def once() -> T:
            with self._budget.bill(tokens) as bill:
                try:
                    asked.sending()
                    value = value_of(self._connection.once("POST", path, body, quiet=quiet))
                    bill.cost = bill.most  # an answer that cannot be read is paid for all the same
                    return read(value, bill)
                except Again as again:
                    bill.cost = bill.most if again.sent else 0.0
                    raise

        return self._connection.until_answered(once, tokens.likely + tokens.answer, asked.stop)

    # Likelihoods

    def _likelihood(self, asked: _Asked) -> Loglikelihood:
        if not asked.request.messages:
            return self._plain(asked)
        try:
            whole = self._prompt(asked, asked.continuation)
            given = self._given(asked, lambda: _bare(self._prompt(asked, "")))
        except RefusedError as refusal:
            raise RefusedError(f"{refusal}; it was asked for log-probabilities of the prompt") from None
        scored = whole[given.tokens :]
        if _bare(whole[: given.tokens]) != given or not scored:
            raise RefusedError(
                f"the chat template of {self.name} makes other tokens of a prompt with its continuation; "
                "score it with a local checkpoint"
            )
        greedy = all(token.rank == 1 for token in scored)
        return Loglikelihood(sum(token.value for token in scored), len(scored), greedy)

    def _prompt(self, asked: _Asked, continuation: str) -> list[_Token]:
        """Return every token of the prompt, those of the continuation at its end."""
        going = bool(continuation)
        said = (Message.of("assistant", continuation),) if going else ()
        longer = Request((*asked.request.messages, *said), asked.request.images, Sampling(max_tokens=1))
        body = body_of(self.endpoint, longer) | {
            "prompt_logprobs": 1,
            "add_generation_prompt": not going,
            "continue_final_message": going,
        }

        def read(value: Mapping[str, Any], bill: Bill) -> list[_Token]:
            bill.cost = self._budget.prices.cost(*usage_of(value, bill.tokens))
            entries = value.get("prompt_logprobs")
            if not isinstance(entries, list) or not entries:
                raise self._no_logprobs()
            try:
                return [_actual(entry) for entry in entries]
            except (KeyError, TypeError, ValueError, AttributeError):
                raise Again("its log-probabilities cannot be read", sent=True) from None

        return self._post("/chat/completions", body, asked, read)

    def _plain(self, asked: _Asked) -> Loglikelihood:
        """Score the words of a plain text, the first token given, or those behind ``before``."""
        before = asked.request.before
        whole = self._echo(asked, before + asked.continuation)
        given = self._given(asked, lambda: Bare(len(self._echo(asked, before)))).tokens if before else 1
        scored = whole[given:]
        if not scored and before:
            raise RefusedError(
                f"{self.name} makes no token of {asked.continuation!r} behind that text; give another option"
            )
        if not scored:
            text = asked.continuation
            raise DataError(f"the text {text!r} has no second token to score; give a longer one")
        greedy = all(token.value >= token.best for token in scored)
        return Loglikelihood(sum(token.value for token in scored), len(scored), greedy)

    def _given(self, asked: _Asked, learn: Callable[[], Bare]) -> Bare:
        """The prompt without its continuation: asked for once, whatever number of options it has.

        Kept before it is used, so that a kill between the options of a question sends none of it again.
        """
        key, _ = key_of(self.identity, replace(asked.request, sampling=Sampling()), "")
        with self._lock:
            known = self._prompts.get(key)
            found = self._prompts[key] = known or Future()
        if known is None:
            try:
                kept = self._cache.bare(key) if self._cache else None
                if kept is None:
                    kept = learn()
                    if self._cache:
                        self._cache.put_bare(key, kept)
                found.set_result(kept)
            except BaseException as error:
                with self._lock:
                    del self._prompts[key]
                found.set_exception(error)
        return found.result()

    def _echo(self, asked: _Asked, text: str) -> list[_Echoed]:
        """Every token of a text, as completions give it back."""
        body = {"model": self.endpoint.model, "prompt": text, "echo": True, "max_tokens": 0, "logprobs": 1}

        def read(value: Mapping[str, Any], bill: Bill) -> list[_Echoed]:
            bill.cost = self._budget.prices.cost(usage_of(value, bill.tokens)[0], 0)
            try:
                choice = value["choices"][0]
                said, found = choice.get("text"), choice["logprobs"]
                values, tops = found["token_logprobs"], found["top_logprobs"]
                # The first token has nothing before it: a number there is one of another text's, and so is
                # a text that does not begin with the prompt. Some servers take ``echo`` and do not heed it.
                heeded = not isinstance(said, str) or text.strip() in said
                if not (heeded and values and values[0] is None):
                    raise self._no_logprobs()
                tokens = [
                    _Echoed(float(number), max(float(one) for one in top.values()))
                    for number, top in zip(values[1:], tops[1:], strict=True)
                ]
            except (KeyError, IndexError, TypeError, ValueError, AttributeError):
                raise self._no_logprobs() from None
            return [_Echoed(0.0, 0.0), *tokens]

        return self._post("/completions", body, asked, read)

    def _no_logprobs(self) -> NotServedError:
        return NotServedError(
            f"{self.endpoint.host} gives no log-probabilities of prompts; "
            "measure likelihoods with vLLM or a local checkpoint"
        )


def _bare(tokens: Sequence[_Token]) -> Bare:
    ids = [token.id for token in tokens]
    return Bare(len(ids), io.sha256_bytes(io.canonical_json(ids).encode()))


def _actual(entry: Mapping[str, Any] | None) -> _Token:
    """Of one position: the token that stands there. Beside it stands the likeliest one, whose rank is 1."""
    if entry is None:  # the first token has nothing before it
        return _Token("", 0.0, 1)
    identity, found = max(entry.items(), key=lambda item: int(item[1]["rank"]))
    return _Token(str(identity), float(found["logprob"]), int(found["rank"]))
