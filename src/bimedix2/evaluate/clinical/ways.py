"""By which way a model is asked each prompt: log-likelihoods where somebody gives them, else written answers.

a checkpoint of ours        the embedded engine
a Hugging Face model        the harness's own backend
an endpoint                 completions with ``echo`` (plain), ``prompt_logprobs`` of a conversation (chat)
an answers file, a cascade  written answers alone
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bimedix2.errors import ModelError, NotServedError, RefusedError
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.clinical.scores import ANSWER
from bimedix2.evaluate.models import Remote
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Request, Sampling
from bimedix2.records import Message

Mode = Literal["auto", "likelihood", "answer"]
Tick = Callable[[int], None]
WRITTEN = "written answer"
"""The way of the prompt ``answer``."""
PROBE = "Question: Is the femur a bone?\nAnswer:"
"""What an endpoint is asked first: whether it tells the likelihood of " yes" behind it."""


@dataclass(frozen=True)
class Way:
    """One prompt and who computes its scores."""

    prompt: str
    by: str
    """In the signature."""
    open: Callable[[Ledger, int, int | None, Tick], Any] | None = None
    """Ledger, questions at once, most tokens and who hears of progress -> a model of the harness; ``None``
    where answers are written."""
    cuts: bool = False
    """Whether a prompt that is too long loses its beginning here."""


@dataclass(frozen=True)
class Plan:
    """How a model is asked; and which prompts are not, with the reason."""

    ways: list[Way]
    left: dict[str, str] = field(default_factory=dict)


def plan(subject: Subject, prompts: Sequence[str], mode: Mode) -> Plan:
    """Find out what a model can be asked.

    Args:
        subject: the model.
        prompts: ``plain`` and ``chat``: what likelihoods are wanted for.
        mode: ``auto`` takes written answers where there are no likelihoods.

    Raises:
        ModelError: ``likelihood``, and the model does not give them; or nothing can be asked of it.
        EndpointError: the endpoint answers nothing.
    """
    if mode == "answer":
        return Plan([Way(ANSWER, WRITTEN)])
    found = {prompt: _way(subject, prompt) for prompt in prompts}
    ways = [way for way in found.values() if isinstance(way, Way)]
    left = {prompt: reason for prompt, reason in found.items() if isinstance(reason, str)}
    if left and mode == "likelihood":
        prompt, reason = next(iter(left.items()))
        raise ModelError(
            f"{reason}; take '{prompt}' out of clinical.prompts, or set clinical.mode=auto and have written "
            "answers"
        )
    if not _talks(subject):
        if not ways:
            raise ModelError(f"{next(iter(left.values()))}; set clinical.prompts=[plain]")
    elif "chat" in left or not ways:
        ways.append(Way(ANSWER, WRITTEN))
    return Plan(ways, left)


def _talks(subject: Subject) -> bool:
    """Whether a model can answer at all: one of the hub without a chat template cannot."""
    return subject.kind != "hub" or bool(subject.prompt)


def _way(subject: Subject, prompt: str) -> Way | str:
    """Who computes a prompt's likelihoods; or in words why nobody does."""
    from bimedix2.engine.local import Engine
    from bimedix2.evaluate.clinical import harness
    from bimedix2.evaluate.hub import HubModel

    backend = subject.backend
    with harness.quiet():
        if isinstance(backend, Engine):
            from bimedix2.evaluate.clinical.lm import EngineLM

            return Way(prompt, "engine", lambda *given: EngineLM(backend, *given), cuts=True)
        if isinstance(backend, HubModel):
            from bimedix2.evaluate.clinical.hub import HubLM

            if prompt == "chat" and not backend.chat_template:
                return f"{backend.name} has no chat template"
            return Way(prompt, "lm-eval hf", lambda *given: HubLM(backend, *given), cuts=True)
        if isinstance(backend, Remote):
            return _remote(backend, prompt)
    return f"{backend.name} gives no likelihoods"


def _remote(remote: Remote, prompt: str) -> Way | str:
    """One small request that the cache keeps tells whether an endpoint gives log-probabilities of prompts."""
    from bimedix2.evaluate.clinical.remote import RemoteLM

    talk = Request((Message.of("user", PROBE),), sampling=Sampling(max_tokens=1))
    pair = (Request((), before=PROBE), " yes") if prompt == "plain" else (talk, "yes")
    try:
        remote.loglikelihood([pair])
    except (NotServedError, RefusedError) as error:
        return f"{remote.name} gives no likelihoods of '{prompt}' prompts ({error})"

    def opened(ledger: Ledger, rows: int, limit: int | None, tick: Tick) -> RemoteLM:
        del limit  # the endpoint's context is its own
        return RemoteLM(remote, ledger, rows, tick, chat=prompt == "chat")

    return Way(prompt, "echo" if prompt == "plain" else "prompt_logprobs", opened)
