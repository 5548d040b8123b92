"""The safeguards before the worker: what a rule answers never waits in the queue and never reaches the model.

Counts what the rules did, by rule, and logs it; no word of a question is kept or logged.
"""

import asyncio
import logging
from collections import Counter

from bimedix2.language import safeguards
from bimedix2.llm.backend import Request
from bimedix2.serve.worker import Job, Worker

log = logging.getLogger("bimedix2.serve")


class Screening:
    """Hands a request to the rules first, and to the worker where none of them answers.

    Args:
        worker: the model's.
        on: whether the rules are asked at all.
        model_id: what the model is called before it is open.
    """

    def __init__(self, worker: Worker, on: bool, model_id: str) -> None:
        self.worker = worker
        self.on = on
        self.asked = 0
        self.answered: Counter[str] = Counter()
        self._model_id = model_id

    @property
    def model(self) -> str:
        """The served model's name, as it stands on every answer."""
        return self.worker.name or self._model_id

    @property
    def rules(self) -> str | None:
        """Which rules stand before the model, as eight digits of their hash; ``None`` where none do."""
        return safeguards.version()[:8] if self.on else None

    async def submit(self, request: Request) -> Job:
        """Return the request's job: answered already where a rule answers, else in the worker's queue.

        The words are read in a thread: a long text takes longer than other requests should wait.

        Raises:
            Fault: 429 when the queue is full; a rule answers all the same.
        """
        self.asked += 1
        if self.on:
            fixed = await asyncio.to_thread(safeguards.answer, request.messages, self.model)
            if fixed:
                self._count(fixed.rule)
                return Job.of(request, fixed)
        return self.worker.submit(request)

    def _count(self, rule: str) -> None:
        self.answered[rule] += 1
        log.warning(
            "the safeguard '%s' answered in the model's place (%d of %d requests since the start)",
            rule,
            self.answered.total(),
            self.asked,
        )
