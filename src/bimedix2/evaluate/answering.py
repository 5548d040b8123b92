"""Free answers of one model to one benchmark's samples, and the signature of what is scored from them.

Shared by the kinds whose answers are texts. Knows nothing about scores. A sample that the model cannot be
asked (longer than its context, refused by its endpoint, a picture that does not open) has no answer and no
score: it is kept with its reason.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bimedix2 import __version__, io
from bimedix2.errors import ConfigError, ContextError, DataError, ImageError, RefusedError
from bimedix2.evaluate import models
from bimedix2.evaluate.ask import Ledger, answers, ask
from bimedix2.evaluate.signature import Subject, decoding_words
from bimedix2.evaluate.task import Asking, Raw, Sample, Way
from bimedix2.llm.backend import (
    UNWATCHED,
    Backend,
    Loglikelihood,
    Outcome,
    Reply,
    Request,
    Watch,
    WatchedBackend,
    all_answered,
)
from bimedix2.manifest import git_commit
from bimedix2.records import DataClass, Record
from bimedix2.records.images import ImageStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bimedix2.evaluate import Config

STATE = ".state"
"""Below the staging folder, for answers as they come; no part of a finished run."""
TOO_LONG = "longer than the context"
NO_PICTURE = "picture cannot be opened"
"""Why a model was not asked; refusals of an endpoint and faults of an answers file have their own words."""


class InPlace(ImageStore):
    """Pictures that stay where they are, by the sha256 of their bytes.

    Args:
        root: for errors: where they are, in words or as a folder.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._where: dict[str, Path] = {}

    def stands(self, sha256: str, path: Path) -> None:
        """Say where a picture of a known hash is."""
        self._where.setdefault(sha256, path)

    def add_file(self, path: Path) -> str:
        """Take a file's hash; nothing is copied.

        Raises:
            ImageError: it is absent or empty.
        """
        if not path.is_file():
            raise ImageError(f"{path} does not exist; check the image folder")
        if path.stat().st_size == 0:
            raise ImageError(f"{path} is empty (zero bytes); fetch it again")
        key = io.sha256_file(path)
        self.stands(key, path)
        return key

    def path(self, sha256: str) -> Path:
        """Where it is."""
        return self._where.get(sha256) or super().path(sha256)


@dataclass(frozen=True)
class Answered:
    """A sample, the hash of its request, and what came back."""

    sample: Sample
    request: str
    raw: Raw

    @property
    def text(self) -> str:
        """The answer; empty where there is none."""
        return str(self.raw["answer"])

    @property
    def failure(self) -> str:
        """Why there is no answer to score; empty where there is one."""
        return str(self.raw.get("failure", ""))

    @property
    def odd(self) -> str:
        """``empty`` or ``cut``; empty for an answer that ended by itself, and where there is none."""
        if self.failure:
            return ""
        if not self.text.strip():
            return "empty"
        return "cut" if self.raw.get("finish") == "length" else ""


def answered(backend: Backend, samples: Sequence[Sample], asking: Asking) -> list[Raw]:
    """Let the model answer; what it cannot be asked is found by halving, and the others are answered."""
    try:
        return answers(backend, samples, asking)
    except (ContextError, ImageError) as error:
        if len(samples) == 1:
            reason = TOO_LONG if isinstance(error, ContextError) else NO_PICTURE
            said = {"failure": reason, "why": str(error)}
            return [{"answer": "", "finish": "none", "model": backend.name, **said}]
    half = len(samples) // 2
    return answered(backend, samples[:half], asking) + answered(backend, samples[half:], asking)


def check(config: "Config", kind: str) -> None:
    """Refuse a key of a dataset's tasks that a kind has one of its own for.

    Raises:
        ConfigError: it is there.
    """
    if "max_tokens" in config.model_fields_set:
        raise ConfigError(f"'max_tokens' is for a dataset's tasks; write {kind}.max_tokens")


def whole(config: "Config", kind: str) -> None:
    """Refuse keys that a kind has no use for: a quick look that was asked for would be a whole run.

    Raises:
        ConfigError: one of them is there.
    """
    for name in ("limit", "reuse"):
        if getattr(config, name) is not None:
            raise ConfigError(f"'{kind}' is of all its samples and takes no '{name}'; leave it out")


def open_ledger(folder: Path, reuse: Path | None) -> Ledger:
    """What was answered before a kill, and what a finished folder asked of the same weights.

    Raises:
        DataError: a line of the finished folder is no answer.
    """
    ledger = Ledger(folder / STATE / "answers.jsonl")
    if reuse:
        ledger.take(reuse)
    return ledger


def inputs(config: "Config", data: dict[str, Path]) -> dict[str, Path]:
    """All that a run reads, for its manifest."""
    found = dict(data)
    if config.reuse:
        found["reuse"] = config.reuse
    return found | models.inputs(config.model)


@contextmanager
def progress() -> "Iterator[Progress]":
    """A bar a benchmark, on the error stream: what is printed stays what was asked for."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield bar


class Counted:
    """A judge whose replies a bar counts; what it is asked raises the bar's total. A ``WatchedBackend``.

    Args:
        backend: the judge.
        bar: of ``progress``.
        label: what stands before the bar.
    """

    def __init__(self, backend: WatchedBackend, bar: Progress, label: str) -> None:
        self._backend = backend
        self._bar = bar
        self._asked = 0
        self._line = bar.add_task(label, total=None)

    @property
    def name(self) -> str:
        """The judge's."""
        return self._backend.name

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """As the judge's."""
        return all_answered(self.attempt(requests, UNWATCHED))

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """As the judge's, not counted."""
        return self._backend.loglikelihood(pairs)

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As the judge's."""
        self._asked += len(requests)
        self._bar.update(self._line, total=self._asked)
        return self._backend.attempt(requests, _Ticking(watch, lambda: self._bar.advance(self._line)))

    def score(self, pairs: Sequence[tuple[Request, str]], watch: Watch) -> list[Loglikelihood | RefusedError]:
        """As the judge's, not counted."""
        return self._backend.score(pairs, watch)


@dataclass(frozen=True)
class _Ticking:
    """A watch, and who else hears of each answer."""

    watch: Watch
    tick: Callable[[], None]

    def sending(self, number: int) -> None:
        self.watch.sending(number)

    def answered(self, number: int, outcome: Outcome) -> None:
        self.watch.answered(number, outcome)
        self.tick()


def collect(
    subject: Subject,
    samples: Sequence[Sample],
    asking: Asking,
    ledger: Ledger,
    bar: Progress,
    label: str,
) -> list[Answered]:
    """Ask what is not on disk; every sample with its answer, in the samples' order.

    Raises:
        DataClassError: a sample may not be sent to the model's host; nothing was.
        DataError: an answers file answers none of the samples.
    """
    line = bar.add_task(label, total=len(samples))
    ask(Way(answered), samples, subject, ledger, asking, lambda count: bar.advance(line, count))
    found = []
    for sample in samples:
        request = subject.request(sample, asking.max_tokens)
        found.append(Answered(sample, request, ledger.known[request]))
    return found


def oddities(odd: Iterable[str]) -> dict[str, int]:
    """How many answers were empty, or cut at ``max_tokens``."""
    counts = Counter(odd)
    return {name: counts[name] for name in ("empty", "cut")}


def failures(found: Iterable[str]) -> dict[str, int]:
    """Reason -> samples without an answer."""
    return dict(Counter(reason for reason in found if reason).most_common())


def require(name: str, scored: int, reasons: dict[str, int]) -> None:
    """Refuse a benchmark of which nothing can be scored.

    Raises:
        DataError: with the reasons.
    """
    if not scored:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        raise DataError(f"no answer to '{name}' can be scored ({why}); leave it out, or mend its answers")


def guard(folder: Path, records: Iterable[Record]) -> None:
    """Close a folder to other users where it is to hold words of credentialed or patient records."""
    if any(record.data_class in (DataClass.CREDENTIALED, DataClass.PATIENT) for record in records):
        os.chmod(folder, 0o700)


@dataclass(frozen=True)
class Basis:
    """What scores rest on, beside the model: the benchmark's hash, its language, the prompt, the scorer."""

    benchmark: str
    language: str
    prompt: str
    """Name of the prompt, its mode and its hash, as in ``mme,mme:0f3a21bc``."""
    scorer: str
    max_tokens: int


def sign(config: "Config", subject: Subject, basis: Basis) -> dict[str, Any]:
    """The signature of scores of free answers."""
    return {
        "benchmark": basis.benchmark,
        "language": basis.language,
        "prompt": {"words": basis.prompt, "template": subject.prompt},
        "checkpoint": {"model": subject.identity},
        "model": {"model": subject.backend.name},
        "decoding": subject.decoding(basis.max_tokens, config.dtype),
        "scorer": basis.scorer,
        "judge": None,
        "host": subject.host,
        "seed": config.seed,
        "version": __version__,
        "commit": git_commit(),
    }


def in_short(signature: dict[str, Any]) -> str:
    """The signature in one line, hashes cut to eight digits."""
    prompt = signature["prompt"]
    return "|".join(
        [
            f"benchmark:{signature['benchmark'][:8]}",
            f"language:{signature['language']}",
            f"prompt:{prompt['words']}+{prompt['template'][:8] or 'theirs'}",
            f"checkpoint:{signature['model']['model']}:{signature['checkpoint']['model'][:8]}",
            f"decoding:{decoding_words(signature['decoding'])}",
            f"scorer:{signature['scorer']}",
            f"judge:{signature['judge'] or 'none'}",
            f"host:{signature['host']}",
            f"seed:{signature['seed']}",
            f"version:{signature['version']}",
            f"commit:{(signature['commit'] or 'none')[:8]}",
        ]
    )


def seed_of(seed: int, name: str) -> int:
    """A seed of a benchmark's own: draws of two benchmarks must not go together."""
    return int(io.sha256_bytes(f"{seed}:{name}".encode())[:8], 16)


def row_name(signature: dict[str, Any], usual: str) -> str:
    """The model's name in the paper's tables; one that was asked in other words than usual says in which.

    Args:
        signature: of the scores.
        usual: the version of the usual words, without its hash.
    """
    model, words = str(signature["model"]["model"]), signature["prompt"]["words"].rpartition(":")[0]
    return model if words == usual else f"{model}, {words}"


def hash_of(value: Any) -> str:
    """sha256 of JSON values."""
    return io.sha256_bytes(io.canonical_json(value).encode("utf-8", "surrogatepass"))
