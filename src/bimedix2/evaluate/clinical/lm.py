"""A local checkpoint as a model of lm-evaluation-harness, every answer on disk before the next is asked.

Tokens are those of the harness's own Hugging Face backend: context and continuation are tokenised together,
and a context that is too long loses its beginning. How they are scored is the engine's.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lm_eval import utils
from lm_eval.api.model import LM, TemplateLM

from bimedix2 import io
from bimedix2.engine.local import Engine
from bimedix2.errors import ConfigError, DataError, ModelError
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.task import Raw
from bimedix2.llm.backend import Sampling

LONGEST = 256
"""Tokens of a generated answer where a task does not say."""
GENERATION = frozenset({"until", "max_gen_toks", "do_sample", "temperature", "top_p"})
"""What a task may say of generation; anything else changes answers in a way that the engine does not know."""

Tokens = tuple[int, ...]
Encoded = tuple[tuple[str, str], list[int], list[int]]
"""A request of the harness: its two texts, and the tokens of both."""


def key(identity: str, kind: str, limit: int, *asked: Any) -> str:
    """Hash of exactly what is asked of whom."""
    return io.sha256_bytes(
        io.canonical_json([identity, kind, limit, *asked]).encode("utf-8", "surrogatepass")
    )


class Kept:
    """What is asked through a ledger: the part of a model of the harness that is the same for every backend.

    A subclass brings ``_score``, and sets what stands here.
    """

    _identity: str
    _name: str
    _ledger: Ledger
    _rows: int
    _tick: Callable[[int], None]
    max_length: int
    asked: dict[tuple[str, str], Raw]
    """``(context, continuation)`` -> what came back, of this process's calls."""

    def _score(self, todo: dict[str, Encoded]) -> None:
        """Ask, and keep what comes back under the requests' names."""
        raise NotImplementedError

    def _loglikelihood_tokens(
        self, requests: Sequence[Encoded], disable_tqdm: bool = False, **_: Any
    ) -> list[tuple[float, bool]]:
        del disable_tqdm
        keys = [key(self._identity, "loglikelihood", self.max_length, *texts) for texts, _, _ in requests]
        todo = {k: request for k, request in zip(keys, requests, strict=True) if k not in self._ledger.known}
        for *_texts, continuation in todo.values():
            if len(continuation) > self.max_length:
                raise DataError(
                    f"a continuation takes {len(continuation)} tokens and the context is {self.max_length}; "
                    "leave its task out, or raise max_length"
                )
        self._tick(len(requests) - len(todo))
        self._score(todo)
        known = [self._ledger.known[k] for k in keys]
        self.asked |= {texts: raw for (texts, _, _), raw in zip(requests, known, strict=True)}
        return [(raw["value"], raw["greedy"]) for raw in known]

    def _cut(self, request: Encoded) -> int:
        """Tokens that a prompt loses at its beginning."""
        return max(0, len(request[1]) + len(request[2]) - self.max_length - 1)

    def _raw(self, value: float, greedy: bool, request: Encoded) -> Raw:
        """As it stands in the ledger."""
        if value != value:
            raise ModelError(f"{self._name} gave a likelihood that is no number; check its weights")
        cut = self._cut(request)
        raw: Raw = {"value": value, "greedy": greedy, "tokens": len(request[2])}
        return raw | ({"cut": cut} if cut else {})

    def _keep(self, rows: list[tuple[str, Raw]]) -> None:
        if rows:
            self._ledger.add(rows)
            self._tick(len(rows))


class EngineLM(Kept, TemplateLM):  # type: ignore[misc]  # the harness is untyped
    """The harness's side of an engine.

    Args:
        engine: the checkpoint.
        ledger: answers by their request; what it knows is not asked.
        rows: questions that are read together.
        limit: most tokens of context and continuation; ``None`` takes the checkpoint's context.
        tick: hears how many requests were answered.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        rows: int,
        limit: int | None = None,
        tick: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._engine = engine
        self._identity, self._name = engine.identity, engine.name
        self._ledger = ledger
        self._rows = rows
        self._tick = tick
        self._processor = engine.prompter.processor
        self.tokenizer = engine.prompter.tokenizer
        self._before: str = self.tokenizer.decode(self.prefix_token_id)
        self.max_length = limit or engine.prompter.context
        self.asked = {}

    # What the harness's tokeniser is

    @property
    def eot_token_id(self) -> int:
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        """Stands before a text that has nothing before it."""
        first = self.tokenizer.bos_token_id
        return self.eot_token_id if first is None else int(first)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """As the harness does it: what the tokeniser puts before a text is put there once."""
        given = {} if add_special_tokens is None else {"add_special_tokens": add_special_tokens}
        if add_special_tokens is None and string.startswith(self._before):
            given = {"add_special_tokens": False}
        ids: list[int] = self.tokenizer(string, **given)["input_ids"]
        return ids

    @property
    def tokenizer_name(self) -> str:
        return self._engine.name

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The checkpoint's template; a name chooses among several, and it has one."""
        if isinstance(chat_template, str):
            raise ConfigError(
                f"a checkpoint has one chat template, none is named '{chat_template}'; say true"
            )
        return str(self._processor.chat_template) if chat_template else None

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The conversation as the checkpoint was trained on it."""
        turns = [
            {"role": turn["role"], "content": self._engine.prompter.neutral(turn["content"])}
            for turn in chat_history
        ]
        text: str = self._processor.apply_chat_template(
            turns,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=not add_generation_prompt,
        )
        return text

    # Log-likelihoods

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """Each option's log-likelihood, and whether greedy decoding would write it."""
        found: list[tuple[float, bool]] = super().loglikelihood(list(requests), disable_tqdm=disable_tqdm)
        return found

    def _score(self, todo: dict[str, Encoded]) -> None:
        names, requests = list(todo), list(todo.values())
        pairs = [(tuple(one[1][self._cut(one) :]), tuple(one[2])) for one in requests]
        rows: list[tuple[str, Raw]] = []
        for number, found in self._engine.score(pairs, self._rows):
            rows.append((names[number], self._raw(found.value, found.greedy, requests[number])))
            if len(rows) >= self._rows:
                self._keep(rows)
                rows = []
        self._keep(rows)

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """The log-likelihood of whole texts, windows of the context one after the other."""
        asked = []
        for request in requests:
            windows = utils.get_rolling_token_windows(
                token_list=self.tok_encode(request.args[0]),
                prefix_token=self.prefix_token_id,
                max_seq_len=self.max_length,
                context_len=1,
            )
            parts = [utils.make_disjoint_window(window) for window in windows]
            asked.append([((request.args[0], f"\0{n}"), *part) for n, part in enumerate(parts)])
        found = iter(self._loglikelihood_tokens([one for parts in asked for one in parts], disable_tqdm))
        return [sum(next(found)[0] for _ in parts) for parts in asked]

    # Answers

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Answers, each until one of its stop strings; their outer blanks are taken off."""
        del disable_tqdm
        keys = []
        todo: dict[str, tuple[Tokens, Sampling]] = {}
        for request in requests:
            context, settings = request.args
            name = key(self._engine.identity, "generate", self.max_length, context, settings)
            keys.append(name)
            if name not in self._ledger.known:
                todo[name] = self._prompt(context, settings)
        self._tick(len(requests) - len(todo))
        for part in _parts(list(todo), self._rows):
            replies = self._engine.complete([todo[name] for name in part])
            raws: list[Raw] = [{"answer": reply.text, "finish": reply.finish} for reply in replies]
            self._keep(list(zip(part, raws, strict=True)))
        return [self._ledger.known[name]["answer"] for name in keys]

    def _prompt(self, context: str, settings: dict[str, Any]) -> tuple[Tokens, Sampling]:
        if unknown := settings.keys() - GENERATION:
            raise ConfigError(
                f"a task asks for generation with '{min(unknown)}', which the engine does not know; "
                f"known: {', '.join(sorted(GENERATION))}"
            )
        longest = int(settings.get("max_gen_toks", LONGEST))
        if longest >= self.max_length:
            raise ConfigError(
                f"an answer of {longest} tokens leaves no room for a prompt in {self.max_length}; "
                "lower max_gen_toks"
            )
        until: Any = settings.get("until") or []
        sampling = Sampling(
            max_tokens=longest,
            temperature=float(settings.get("temperature", 1.0)) if settings.get("do_sample") else 0.0,
            top_p=float(settings.get("top_p", 1.0)),
            seed=0,
            stop=(until,) if isinstance(until, str) else tuple(until),
        )
        ids = self.tok_encode(context)[-(self.max_length - longest) :]
        return tuple(ids) or (self.prefix_token_id,), sampling


class Gather(LM):  # type: ignore[misc]  # the harness is untyped
    """A model of the harness that answers nothing: what it would be asked is in the harness's log."""

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """No likelihood: zeros."""
        return [(0.0, False)] * len(requests)

    def loglikelihood_rolling(self, requests: Sequence[Any]) -> list[float]:
        """No task of clinical knowledge asks for whole texts."""
        raise NotImplementedError("clinical knowledge is multiple choice")

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """No task of clinical knowledge asks for free text."""
        raise NotImplementedError("clinical knowledge is multiple choice")


def _parts(names: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]
