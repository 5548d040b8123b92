"""The signature of a score: without one it is not printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2 import __version__, io
from bimedix2.engine import Dtype
from bimedix2.llm.backend import Backend
from bimedix2.manifest import folder_hash, git_commit


@dataclass(frozen=True)
class Subject:
    """A model under evaluation: the backend, the hash of its weights, and of its chat template."""

    backend: Backend
    identity: str
    prompt: str


def open_subject(model: str, threads: int | None, dtype: Dtype) -> Subject:
    """Open a local model by name or folder.

    Raises:
        ModelError: there is no such model.
    """
    from bimedix2.engine import open_engine
    from bimedix2.model.checkpoint import describe

    base = describe(model)[1]
    template = io.sha256_file(base / "chat_template.jinja") if base else ""
    backend: Any = open_engine(model, threads, dtype)
    return Subject(backend, str(backend.identity), template)


def sign(
    dataset: Path, subjects: dict[str, Subject], seed: int, max_tokens: int, dtype: Dtype
) -> dict[str, Any]:
    """What a score rests on.

    Args:
        dataset: the benchmark's folder.
        subjects: role -> model; only those that were opened.
        seed: of canaries, limits and intervals.
        max_tokens: of an answer.
        dtype: what the language model computed in.
    """
    return {
        "benchmark": folder_hash(dataset),
        "language": "ar+en",
        "prompt": {role: s.prompt for role, s in subjects.items()},
        "checkpoint": {role: s.identity for role, s in subjects.items()},
        "model": {role: s.backend.name for role, s in subjects.items()},
        "decoding": {"temperature": 0.0, "max_tokens": max_tokens, "dtype": dtype},
        "judge": None,
        "host": "local",
        "seed": seed,
        "version": __version__,
        "commit": git_commit(),
    }


def in_short(signature: dict[str, Any], roles: Sequence[str] = ("model", "base")) -> str:
    """The signature in one line, hashes cut to eight digits."""
    checkpoints = "+".join(
        f"{signature['model'][role]}:{signature['checkpoint'][role][:8]}"
        for role in roles
        if role in signature["checkpoint"]
    )
    prompts = sorted({hash_[:8] for hash_ in signature["prompt"].values()})
    decoding = signature["decoding"]
    return "|".join(
        [
            f"benchmark:{signature['benchmark'][:8]}",
            f"language:{signature['language']}",
            f"prompt:{'+'.join(prompts)}",
            f"checkpoint:{checkpoints}",
            f"decoding:greedy,max_tokens={decoding['max_tokens']},{decoding['dtype']}",
            f"judge:{signature['judge'] or 'none'}",
            f"host:{signature['host']}",
            f"seed:{signature['seed']}",
            f"version:{signature['version']}",
            f"commit:{(signature['commit'] or 'none')[:8]}",
        ]
    )
