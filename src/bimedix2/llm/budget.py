"""What asking costs: an estimate before, and a cap that no request may pass.

Nobody outside the provider can count its tokens, so what is said before is an estimate and is called one. The
cap rests on a bound instead: a byte-level tokenizer makes at most one token of a byte.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import Field

from bimedix2.config import Settings
from bimedix2.errors import BudgetError
from bimedix2.llm.backend import Request

MILLION = 1_000_000
LATIN_PER_TOKEN = 3
"""Characters of ASCII for one token, estimated on the safe side (English text has about four)."""
FRAME_LIKELY, FRAME_MOST = 8, 32
"""Tokens that a chat template puts around one message."""
DUST = 1e-9
"""Of sums of floating-point money."""


class Prices(Settings):
    """What a provider asks for a million tokens, from its price list (for the batch API, the batch's)."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    image_tokens: Annotated[int, Field(ge=0)] = 2000
    """Tokens that one image counts as, at most: providers differ, and no request says it."""
    currency: str = "USD"

    def cost(self, prompt: int, completion: int) -> float:
        """Money for so many tokens."""
        return (prompt * self.input + completion * self.output) / MILLION


FREE = Prices(input=0, output=0)
"""Of an endpoint without prices."""


@dataclass(frozen=True)
class Tokens:
    """Tokens of a request: what the prompt likely takes, what it can take at most, and the answer's limit."""

    likely: int
    most: int
    answer: int


def tokens_of(request: Request, image_tokens: int = 2000, more: str = "") -> Tokens:
    """Bound the tokens of a request.

    Args:
        request: what would be sent.
        image_tokens: for each image.
        more: text that is sent beside the request, a continuation to score.
    """
    texts = [message.text for message in request.messages] + [more]
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    ascii_letters = sum(sum(character.isascii() for character in text) for text in texts)
    others = sum(len(text) for text in texts) - ascii_letters
    images = image_tokens * sum(len(message.images) for message in request.messages)
    count = len(request.messages) + 1
    likely = -(-ascii_letters // LATIN_PER_TOKEN) + others + FRAME_LIKELY * count + images
    return Tokens(likely, size + FRAME_MOST * count + images, request.sampling.max_tokens)


@dataclass(frozen=True)
class Estimate:
    """What requests will cost, before the first is sent."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    """At most: nobody knows an answer's length before."""
    cost: float
    most: float
    currency: str

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests, an estimate: {self.prompt_tokens:,} tokens in, at most "
            f"{self.completion_tokens:,} out, {self.cost:,.2f} {self.currency} "
            f"(no more than {self.most:,.2f})"
        )


def estimate(requests: Iterable[Request], prices: Prices) -> Estimate:
    """Estimate what requests cost; leave out what the cache answers (``Cached.unanswered``)."""
    count = prompt = most = completion = 0
    for request in requests:
        tokens = tokens_of(request, prices.image_tokens)
        count += 1
        prompt += tokens.likely
        most += tokens.most
        completion += tokens.answer
    cost, bound = prices.cost(prompt, completion), prices.cost(most, completion)
    return Estimate(count, prompt, completion, cost, max(cost, bound), prices.currency)


class Ledger(Protocol):
    """Where spent money is written down, so that a run that was killed goes on with the right sum."""

    def spent(self) -> float:
        """Money spent so far, what was reserved at a kill included."""

    def spend(self, amount: float) -> None:
        """Add to it; a negative amount was reserved and not needed."""


class _Memory:
    """The ledger of a run without a cache."""

    def __init__(self) -> None:
        self._sum = 0.0

    def spent(self) -> float:
        return self._sum

    def spend(self, amount: float) -> None:
        self._sum += amount


@dataclass
class Bill:
    """The reservation of one sent request; ``cost`` is what it turned out to be, nothing until it is set."""

    tokens: Tokens
    most: float
    cost: float = 0.0


class Budget:
    """Counts money, and stops before the request that could pass the cap. Safe with threads.

    Args:
        prices: from the recipe.
        cap: the most that a run may spend; ``None`` only counts.
        ledger: where the sum is kept; ``None`` keeps it for this process alone.
    """

    def __init__(self, prices: Prices, cap: float | None = None, ledger: Ledger | None = None) -> None:
        self.prices = prices
        self.cap = cap
        self._ledger = ledger or _Memory()
        self._total = self._ledger.spent()
        self._reserved = 0.0
        self._open = 0
        self._changed = threading.Condition()

    @property
    def spent(self) -> float:
        """Money spent, what is reserved for requests in flight included."""
        with self._changed:
            return self._total

    @contextmanager
    def bill(self, tokens: Tokens) -> Iterator[Bill]:
        """Reserve the most that a request can cost, and settle with what the block sets.

        Raises:
            BudgetError: it could pass the cap.
        """
        bill = Bill(tokens, self.prices.cost(tokens.most, tokens.answer))
        self.reserve(bill.most)
        try:
            yield bill
        finally:
            self.settle(bill.most, bill.cost)

    def reserve(self, cost: float, wait: bool = True) -> None:
        """Take money; where only requests in flight stand in the way, wait for what they leave.

        Args:
            cost: the most that it can be.
            wait: false where the caller itself holds what it would wait for.

        Raises:
            BudgetError: it could pass the cap.
        """
        with self._changed:
            while self.cap is not None and self._total + cost > self.cap + DUST:
                hopeless = self._total - self._reserved + cost > self.cap + DUST
                if hopeless or not self._open or not wait:
                    raise self._refusal(cost)
                self._changed.wait()
            self._add(cost)
            self._hold(cost, 1)

    def adopt(self, cost: float) -> None:
        """Hold what a process that was killed had reserved; the ledger has it already."""
        with self._changed:
            self._hold(cost, 1)

    def settle(self, reserved: float, cost: float) -> None:
        """Put what was reserved and not needed back."""
        with self._changed:
            self._add(cost - reserved)
            self._hold(-reserved, -1)
            self._changed.notify_all()

    def _hold(self, cost: float, count: int) -> None:
        self._reserved += cost
        self._open += count

    def _add(self, amount: float) -> None:
        self._total += amount
        self._ledger.spend(amount)

    def _refusal(self, cost: float) -> BudgetError:
        money = self.prices.currency
        return BudgetError(
            f"{self._total - self._reserved:.4f} {money} are spent, {self._reserved:.4f} {money} may be owed "
            f"for requests in flight, and the next request could cost {cost:.4f} {money}, which passes the "
            f"budget of {self.cap:.4f} {money}; raise 'budget' and start the run again: what the cache "
            "holds is not paid for twice"
        )
