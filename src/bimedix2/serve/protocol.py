"""OpenAI's chat-completion parameters, checked, and its answers' shapes. Knows nothing about HTTP."""

import difflib
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from bimedix2.language import safeguards
from bimedix2.llm.backend import Reply, Request, Sampling
from bimedix2.records import DataClass
from bimedix2.serve.conversation import read_messages
from bimedix2.serve.faults import Fault
from bimedix2.serve.settings import Config

SUPPORTED = {
    *("model", "messages", "stream", "stream_options", "temperature", "top_p", "seed", "stop"),
    *("max_tokens", "max_completion_tokens"),
}
IGNORED = {
    *("user", "metadata", "store", "service_tier", "safety_identifier", "parallel_tool_calls"),
    *("prompt_cache_key", "prompt_cache_retention"),
}
"""Accepted and without effect: none of them may change an answer, and nothing is ever stored."""
STREAM_OPTIONS = {"include_usage", "include_obfuscation"}
"""The second has no effect: nothing is padded here."""
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "top_k": (0, -1),
    "min_p": (0,),
    "min_tokens": (0,),
    "repetition_penalty": (1,),
    "ignore_eos": (False,),
}
"""OpenAI's, then vLLM's: accepted only at the values that ask for nothing; any other is refused."""


@dataclass(frozen=True)
class Asked:
    """A checked request, and how its answer is wanted."""

    request: Request
    stream: bool = False
    include_usage: bool = False
    shown: tuple[dict[str, Any], ...] = ()
    """Of each image, which frame and window the model sees."""


def parse(body: Any, config: Config, names: Collection[str]) -> Asked:
    """Check the body of ``POST /v1/chat/completions``; ``null`` is as if a key were absent.

    Args:
        body: JSON values.
        config: for the limits.
        names: what the model may be called.

    Raises:
        Fault: an unknown model (404), or a parameter that is unknown, unsupported or out of range (400).
        DataError: the messages are wrong.
        ImageError: an image is wrong.
    """
    if not isinstance(body, dict):
        raise Fault(400, "the body must be a JSON object with model and messages")
    given = {name: value for name, value in body.items() if value is not None}
    _check_names(given)
    model = given.get("model")
    if not isinstance(model, str):
        raise Fault(400, f"model is missing; this server has '{config.model_id}'", "invalid_value", "model")
    if model not in names:
        sentence = f"the model {model[:80]!r} does not exist here; ask for '{config.model_id}'"
        raise Fault(404, sentence, "model_not_found", "model")
    stream = _boolean(given, "stream")
    options = given.get("stream_options", {})
    if not isinstance(options, dict):
        raise _wrong("stream_options", "must be an object")
    if options and not stream:
        raise _wrong("stream_options", "belongs to stream: true; leave it out or set stream")
    for name in options.keys() - STREAM_OPTIONS:
        raise _unknown(name, STREAM_OPTIONS, "stream_options.")
    sampling = read_sampling(given, config)
    opened = read_messages(given.get("messages"), config)
    request = Request(opened.messages, opened.images, sampling, DataClass.PATIENT)
    return Asked(request, stream, _boolean(options, "include_usage"), opened.shown)


def _check_names(given: dict[str, Any]) -> None:
    for name, value in given.items():
        if name in SUPPORTED or name in IGNORED:
            continue
        if name not in NEUTRAL:
            raise _unknown(name, SUPPORTED)
        if value not in NEUTRAL[name]:
            allowed = " or ".join(repr(value) for value in NEUTRAL[name])
            sentence = f"'{name}' is not supported except as {allowed}; leave it out"
            raise Fault(400, sentence, "unsupported_parameter", name)


def _unknown(name: str, known: Collection[str], where: str = "") -> Fault:
    name = name[:80]  # however long it is: looking for what is near takes time and memory by its length
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "leave it out"
    full = f"{where}{name}"
    return Fault(400, f"unknown parameter {full!r}; {hint}", "unknown_parameter", full)


def read_sampling(given: dict[str, Any], config: Config) -> Sampling:
    """Return how the answer is drawn; without ``temperature`` it is greedy, and the same every time."""
    if (
        "max_tokens" in given
        and given.get("max_completion_tokens", given["max_tokens"]) != given["max_tokens"]
    ):
        raise _wrong("max_tokens", "differs from max_completion_tokens; send one of them")
    name = "max_completion_tokens" if "max_completion_tokens" in given else "max_tokens"
    seed = _whole(given, "seed", -(2**63), 2**63 - 1) if "seed" in given else None
    return Sampling(
        max_tokens=_whole(given, name, 1, config.max_tokens) if name in given else config.default_tokens,
        temperature=_number(given, "temperature", 0.0, 2.0, 0.0),
        top_p=_number(given, "top_p", 0.0, 1.0, 1.0, above=True),
        seed=seed,
        stop=_stop(given.get("stop", [])),
    )


def _wrong(param: str, problem: str) -> Fault:
    return Fault(400, f"{param} {problem}", "invalid_value", param)


def _boolean(given: dict[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise _wrong(name, "must be true or false")
    return value


def _whole(given: dict[str, Any], name: str, low: int, high: int) -> int:
    value = given[name]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(name, f"must be a whole number from {low} to {high}")
    return value


def _number(
    given: dict[str, Any], name: str, low: float, high: float, default: float, above: bool = False
) -> float:
    value = given.get(name, default)
    fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if not fits or (above and value == low):
        raise _wrong(name, f"must be a number {'above' if above else 'from'} {low:g} to {high:g}")
    return float(value)


def _stop(value: Any) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or len(texts) > 4 or not all(isinstance(t, str) and t for t in texts):
        raise _wrong("stop", "must be a text, or a list of up to 4 texts, none empty")
    return tuple(texts)


class Completion:
    """The shapes of one answer: its id, its time and who gave it are the same on every chunk.

    ``model`` is the served model's name. Where a safeguard answered in its place, ``safeguard`` names the
    rule; a model's own answer has no such field. Where images were sent, ``images`` tells how each was shown,
    on a whole answer and on a stream's first chunk.
    """

    def __init__(self, model: str, fixed: safeguards.Fixed | None, asked: Asked) -> None:
        self.shared: dict[str, Any] = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": model,
        }
        if fixed:
            self.shared["safeguard"] = {"rule": fixed.rule, "version": safeguards.version()[:8]}
        self.images = {"images": list(asked.shown)} if asked.shown else {}
        self.include_usage = asked.include_usage

    def whole(self, reply: Reply) -> dict[str, Any]:
        """A ``chat.completion``."""
        message = {"role": "assistant", "content": reply.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
        shared = {**self.shared, **self.images, "model": reply.model}
        return {**shared, "object": "chat.completion", "choices": [choice], "usage": usage(reply)}

    def first(self) -> dict[str, Any]:
        """The chunk before the first word."""
        return {**self.chunk({"role": "assistant", "content": ""}), **self.images}

    def chunk(self, delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        """A ``chat.completion.chunk``."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        extra = {"usage": None} if self.include_usage else {}
        return {**self.shared, "object": "chat.completion.chunk", "choices": [choice], **extra}

    def last(self, reply: Reply) -> list[dict[str, Any]]:
        """What follows the last piece: the reason, and the usage where it was asked for."""
        chunks = [self.chunk({}, reply.finish)]
        if self.include_usage:
            chunks.append({**self.chunk({}), "choices": [], "usage": usage(reply)})
        return chunks


def usage(reply: Reply) -> dict[str, int]:
    """OpenAI's count of tokens."""
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }
