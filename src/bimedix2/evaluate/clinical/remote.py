"""An endpoint that gives log-probabilities of prompts, as a model of lm-evaluation-harness.

Texts go there as they are, and it tokenises them: of a plain prompt the tokens beyond those of the context
alone are the option's, as the harness's own Hugging Face backend counts them. A conversation goes there as
one, through the endpoint's own chat template, and stands in the logs as JSON. An option that is refused (its
prompt is too long, for example) has no likelihood; the others are asked.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from lm_eval.api.model import LM

from bimedix2.errors import DataError, ModelError, RefusedError
from bimedix2.evaluate.ask import REFUSED, Ledger
from bimedix2.evaluate.clinical.lm import key
from bimedix2.evaluate.models import Remote
from bimedix2.evaluate.task import Raw
from bimedix2.llm.backend import UNWATCHED, Loglikelihood, Request
from bimedix2.records import Message

Texts = tuple[str, str]
"""Context and continuation."""
OPTIONS = 5
"""How many requests a question takes, about: so many times ``rows`` are handed to the endpoint at once."""


class RemoteLM(LM):  # type: ignore[misc]  # the harness is untyped
    """The harness's side of an endpoint.

    Args:
        remote: the endpoint, behind its cache.
        ledger: answers by their request; what it knows is not asked.
        rows: questions that are handed over together.
        tick: hears how many requests were answered.
        chat: contexts are conversations, from ``apply_chat_template``.
    """

    def __init__(
        self,
        remote: Remote,
        ledger: Ledger,
        rows: int,
        tick: Callable[[int], None] = lambda _: None,
        *,
        chat: bool = False,
    ) -> None:
        super().__init__()
        self._remote = remote
        self._ledger = ledger
        self._rows = rows * OPTIONS
        self._tick = tick
        self._chat = chat
        self.asked: dict[Texts, Raw] = {}
        """What came back, of this process's calls."""

    @property
    def tokenizer_name(self) -> str:
        """Its own, which it does not show."""
        return self._remote.name

    def chat_template(self, chat_template: bool | str = False) -> str:  # noqa: ARG002
        """Its own, which it does not show."""
        return ""

    def apply_chat_template(
        self,
        chat_history: list[dict[str, str]],
        add_generation_prompt: bool = True,  # noqa: ARG002
    ) -> str:
        """The conversation, for the endpoint to write out."""
        return json.dumps(chat_history, ensure_ascii=False)

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """Each option's log-likelihood and whether it is the likeliest text; a refused one has no likelihood.

        Raises:
            EndpointError: the endpoint answers nothing, or no log-probabilities.
            ModelError: a likelihood is no number.
        """
        del disable_tqdm
        texts: list[Texts] = [request.args for request in requests]
        keys = [key(self._remote.identity, f"loglikelihood {self._chat}", 0, *one) for one in texts]
        todo = {k: one for k, one in zip(keys, texts, strict=True) if k not in self._ledger.known}
        self._tick(len(texts) - len(todo))
        names = list(todo)
        for start in range(0, len(names), self._rows):
            part = names[start : start + self._rows]
            outcomes = self._remote.score(self._pairs([todo[name] for name in part]), UNWATCHED)
            raws = [self._raw(outcome) for outcome in outcomes]
            self._ledger.add(list(zip(part, raws, strict=True)))
            self._tick(len(part))
        known = [self._ledger.known[name] for name in keys]
        self.asked |= dict(zip(texts, known, strict=True))
        return [(raw.get("value", float("-inf")), raw.get("greedy", False)) for raw in known]

    def _pairs(self, texts: Sequence[Texts]) -> list[tuple[Request, str]]:
        """As the backend is asked; options of one conversation have one request."""
        talks: dict[str, Request] = {}
        pairs = []
        for context, continuation in texts:
            if self._chat and context not in talks:
                turns = json.loads(context)
                talks[context] = Request(tuple(Message.of(turn["role"], turn["content"]) for turn in turns))
            pairs.append((talks[context], continuation) if self._chat else _plain(context, continuation))
        return pairs

    def _raw(self, outcome: Loglikelihood | RefusedError) -> Raw:
        if isinstance(outcome, RefusedError):
            return {"failure": REFUSED, "why": str(outcome)}
        if outcome.value != outcome.value:
            raise ModelError(f"{self._remote.name} gave a likelihood that is no number; check its weights")
        return {"value": outcome.value, "greedy": outcome.greedy, "tokens": outcome.tokens}

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """No task of clinical knowledge asks for whole texts.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("clinical knowledge is multiple choice")

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """No task of clinical knowledge asks for free text; see ``written``.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("clinical knowledge is multiple choice")


def _plain(context: str, continuation: str) -> tuple[Request, str]:
    """Blanks at the context's end belong to the option, as the harness has it."""
    before = context.rstrip()
    if not before:
        raise DataError("a question has no prompt; check its file")
    return Request((), before=before), context[len(before) :] + continuation
