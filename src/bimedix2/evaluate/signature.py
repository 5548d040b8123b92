"""The signature of a score: without one it is not printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bimedix2 import __version__, io
from bimedix2.engine import Dtype
from bimedix2.evaluate.grade import VERSION
from bimedix2.llm.backend import Backend
from bimedix2.llm.endpoint import Endpoint
from bimedix2.manifest import folder_hash, git_commit
from bimedix2.records import DataClass

if TYPE_CHECKING:
    from bimedix2.evaluate import Config
    from bimedix2.evaluate.models import Model
    from bimedix2.evaluate.task import Sample

Kind = Literal["local", "hub", "endpoint", "answers"]


@dataclass(frozen=True)
class Subject:
    """A model under evaluation: the backend, the hash of its weights, and of its chat template.

    Of an endpoint ``identity`` is the hash of the settings that its answers depend on, of an answers file the
    file's; neither shows its chat template, so ``prompt`` is empty.
    """

    backend: Backend
    identity: str
    prompt: str
    kind: Kind = "local"
    endpoint: Endpoint | None = None

    @property
    def host(self) -> str:
        """Where it answered."""
        if self.endpoint is not None:
            return self.endpoint.host
        return "file" if self.kind == "answers" else "local"

    def allow(self, data_class: DataClass) -> None:
        """Let a record of that class be sent to it, or not.

        Raises:
            DataClassError: it is elsewhere, and the host is not listed for the class.
        """
        if self.endpoint is not None:
            self.endpoint.allow(data_class)

    def request(self, sample: "Sample", max_tokens: int) -> str:
        """Hash of what is asked of it, by which its answer is kept.

        Of an answers file the sample's id is part of it: two questions of equal words and pictures are one
        request to a model, and have an answer each in a file.
        """
        request = sample.request(self.identity, max_tokens)
        if self.kind != "answers":
            return request
        return io.sha256_bytes(io.canonical_json([request, sample.id]).encode())

    def decoding(self, max_tokens: int, dtype: Dtype) -> dict[str, Any]:
        """How its answers were drawn, as far as is known here."""
        if self.kind == "answers":
            return {"temperature": None, "max_tokens": None, "dtype": None}
        known = {"temperature": 0.0, "max_tokens": max_tokens, "dtype": dtype}
        if self.endpoint is None:
            return known
        body = {"body": dict(self.endpoint.body)} if self.endpoint.body else {}
        return {**known, "dtype": None, **body}


def open_subject(model: "Model", threads: int | None, dtype: Dtype, run: str = "evaluate") -> Subject:
    """Open any of the four kinds of model; connections are closed with the last use of its backend.

    Args:
        model: a preset or a checkpoint folder, or what ``bimedix2.evaluate.models`` knows.
        threads: torch threads, of a local one.
        dtype: what a local one computes in.
        run: what an endpoint's budget is counted for.

    Raises:
        ModelError: there is no such model.
        DataError: its answers file cannot be read.
        ConfigError: its endpoint's key is not where the recipe says.
    """
    if not isinstance(model, str):
        from bimedix2.evaluate.models import open_source

        return open_source(model, threads, dtype, run)
    from bimedix2.engine import open_engine
    from bimedix2.model.checkpoint import describe

    base = describe(model)[1]
    template = io.sha256_file(base / "chat_template.jinja") if base else ""
    backend: Any = open_engine(model, threads, dtype)
    return Subject(backend, str(backend.identity), template)


def sign(config: "Config", subjects: dict[str, Subject]) -> dict[str, Any]:
    """What the scores of a dataset's tasks rest on.

    Args:
        config: the recipe.
        subjects: role -> model; only those that were opened.
    """
    return {
        "benchmark": folder_hash(config.dataset),
        "language": "ar+en",
        "prompt": {role: s.prompt for role, s in subjects.items()},
        "checkpoint": {role: s.identity for role, s in subjects.items()},
        "model": {role: s.backend.name for role, s in subjects.items()},
        "decoding": decoding_of(subjects, config.max_tokens, config.dtype),
        "scorer": scorer_of(config.known_words),
        "limit": config.limit,
        "judge": None,
        "host": hosts_of(subjects),
        "seed": config.seed,
        "version": __version__,
        "commit": git_commit(),
    }


def scorer_of(known_words: bool) -> str:
    """How ``grade`` judged: whether a word that no answer of the dataset has makes an answer wrong."""
    return f"{VERSION}+known words" if known_words else VERSION


def decoding_of(subjects: dict[str, Subject], max_tokens: int, dtype: Dtype) -> dict[str, Any]:
    """The first role's decoding, and under their names that of roles which differ from it."""
    found = {role: subject.decoding(max_tokens, dtype) for role, subject in subjects.items()}
    first, *others = found
    return found[first] | {role: found[role] for role in others if found[role] != found[first]}


def hosts_of(subjects: dict[str, Subject]) -> str:
    """Where the models answered: ``local``, ``file``, or hosts."""
    return "+".join(sorted({subject.host for subject in subjects.values()}))


def decoding_words(decoding: dict[str, Any]) -> str:
    """A decoding in short: ``greedy,max_tokens=128,float32``."""
    if decoding["max_tokens"] is None:
        return "unknown (answers file)"
    body = decoding.get("body", {})
    temperature = body.get("temperature", decoding["temperature"])
    words = ["greedy" if temperature == 0 else f"temperature={temperature}"]
    words.append(f"max_tokens={decoding['max_tokens']}")
    words += [f"{name}={body[name]}" for name in sorted(body) if name != "temperature"]
    return ",".join([*words, *([decoding["dtype"]] if decoding["dtype"] else [])])


def in_short(signature: dict[str, Any], roles: Sequence[str] = ("model", "base")) -> str:
    """The signature in one line, hashes cut to eight digits."""
    checkpoints = "+".join(
        f"{signature['model'][role]}:{signature['checkpoint'][role][:8]}"
        for role in roles
        if role in signature["checkpoint"]
    )
    prompts = sorted({hash_[:8] or "theirs" for hash_ in signature["prompt"].values()})
    return "|".join(
        [
            f"benchmark:{signature['benchmark'][:8]}",
            f"language:{signature['language']}",
            f"prompt:{'+'.join(prompts)}",
            f"checkpoint:{checkpoints}",
            f"decoding:{decoding_words(signature['decoding'])}",
            f"judge:{signature['judge'] or 'none'}",
            *(f"{name}:{signature[name]}" for name in ("scorer", "limit") if signature.get(name) is not None),
            f"host:{signature['host']}",
            f"seed:{signature['seed']}",
            f"version:{signature['version']}",
            f"commit:{(signature['commit'] or 'none')[:8]}",
        ]
    )
