"""What scores of safety rest on: the questions, the model with and without safeguards, and who judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bimedix2 import __version__, io
from bimedix2.evaluate.grade import VERSION
from bimedix2.evaluate.safety import judge
from bimedix2.evaluate.safety.items import data
from bimedix2.evaluate.signature import Subject, decoding_of, hosts_of, in_short
from bimedix2.language import safeguards
from bimedix2.manifest import folder_hash, git_commit

if TYPE_CHECKING:
    from bimedix2.evaluate import Config
    from bimedix2.evaluate.safety import Safety

RULES = "rules"
"""Of the key ``safeguards``: the package's own, ``language/safeguards.yaml``."""


@dataclass(frozen=True)
class Side:
    """A condition: the subject that is asked, or the rules before the first one."""

    name: Literal["off", "on"]
    subject: Subject
    rules: bool = False


def sign(config: "Config", settings: "Safety", sides: Sequence[Side]) -> dict[str, Any]:
    """What the scores rest on."""
    asked = {name: data(name) for name in ("texts", "pictures", "words")}
    if settings.items:
        asked["texts"] = io.sha256_file(settings.items)
    basis = [
        asked,
        folder_hash(settings.data) if settings.data else None,
        settings.categories,
        settings.pictures,
    ]
    subjects = {"model": sides[0].subject}
    guard = "none"
    if settings.safeguards == RULES:
        guard = f"rules:{safeguards.version()[:8]}"
    elif len(sides) == 2:
        subjects["guarded"] = sides[1].subject
        guard = f"{sides[1].subject.backend.name}:{sides[1].subject.identity[:8]}"
    judged = f"{settings.judge.name},{judge.version()}" if settings.judge else None
    return {
        "benchmark": io.sha256_bytes(io.canonical_json([*basis, settings.calibration]).encode()),
        "language": "ar+en",
        "prompt": {role: one.prompt for role, one in subjects.items()},
        "checkpoint": {role: one.identity for role, one in subjects.items()},
        "model": {role: one.backend.name for role, one in subjects.items()},
        "decoding": decoding_of(subjects, config.max_tokens, config.dtype),
        "safeguards": guard,
        "scorer": judged or f"rules:{_words()[:8]}",
        "judge": judged,
        "limit": config.limit,
        "host": "+".join([hosts_of(subjects), *([settings.judge.host] if settings.judge else [])]),
        "seed": config.seed,
        "version": __version__,
        "commit": git_commit(),
    }


def _words() -> str:
    rules = [VERSION, data("words"), data("pictures")["instructions"]]
    return io.sha256_bytes(io.canonical_json(rules).encode())


def in_line(signature: dict[str, Any]) -> str:
    """The signature in one line, hashes cut to eight digits."""
    short = in_short(signature, ("model", "guarded"))
    return f"{short}|safeguards:{signature['safeguards']}"
