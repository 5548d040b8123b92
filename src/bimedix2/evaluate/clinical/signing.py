"""What scores of clinical knowledge rest on, each way of asking with a signature of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2 import __version__, io
from bimedix2.evaluate import choice
from bimedix2.evaluate.clinical import catalogue, harness
from bimedix2.evaluate.clinical.scores import ANSWER, METRICS
from bimedix2.evaluate.clinical.ways import Way
from bimedix2.evaluate.signature import Subject, decoding_words
from bimedix2.manifest import git_commit

if TYPE_CHECKING:
    from bimedix2.evaluate import Config


def sign(
    config: "Config", subject: Subject, ways: Sequence[Way], found: dict[str, Path], setups: dict[str, Any]
) -> dict[str, Any]:
    """The whole signature; ``decoding`` has an entry a prompt."""
    settings = config.clinical
    assert settings is not None
    hashes = {name: io.sha256_file(path) for name, path in sorted(found.items())}
    words = {
        name: {key: value for key, value in setup.items() if key not in ("dataset_kwargs", "metadata")}
        for name, setup in sorted(setups.items())
    }
    return {
        "benchmark": io.sha256_bytes(io.canonical_json(hashes).encode()),
        "files": hashes,
        "language": "+".join(sorted({catalogue.tasks()[name].language for name in setups})),
        "harness": f"lm-evaluation-harness {harness.VERSION}",
        "prompt": {"tasks": harness.hash_of(words), "template": subject.prompt, "fewshot": settings.fewshot},
        "checkpoint": {"model": subject.identity},
        "model": {"model": subject.backend.name},
        "decoding": {way.prompt: _decoding(config, subject, way) for way in ways},
        "limit": config.limit,
        "judge": None,
        "host": subject.host,
        "seed": config.seed,
        "version": __version__,
        "commit": git_commit(),
    }


def _decoding(config: "Config", subject: Subject, way: Way) -> dict[str, Any]:
    settings = config.clinical
    assert settings is not None
    metric = METRICS[way.prompt]
    if way.prompt == ANSWER:
        from bimedix2.evaluate.clinical.written import VERSION

        drawn = subject.decoding(settings.max_tokens, config.dtype)
        return {
            "metric": metric,
            "score": "written answer",
            **drawn,
            "words": VERSION,
            "scorer": choice.VERSION,
        }
    dtype = config.dtype if subject.endpoint is None else None
    return {
        "metric": metric,
        "score": "loglikelihood",
        "by": way.by,
        "max_length": settings.max_length,
        "dtype": dtype,
    }


def in_short(signature: dict[str, Any], prompt: str) -> str:
    """The signature of one prompt's scores in one line, hashes cut to eight digits."""
    words, decoding = signature["prompt"], signature["decoding"][prompt]
    asked = f"{words['tasks'][:8]}+{words['template'][:8] or 'theirs'}"
    if prompt == ANSWER:
        name, _, own = decoding["words"].partition(":")
        asked += f"+{name}:{own[:8]}"
        how, metric = decoding_words(decoding), f"{decoding['metric']},{decoding['scorer']}"
    else:
        parts = ["loglikelihood", decoding["by"], *([decoding["dtype"]] if decoding["dtype"] else [])]
        how = ",".join([*parts, f"max_length={decoding['max_length'] or 'context'}"])
        metric = decoding["metric"]
    return "|".join(
        [
            f"benchmark:{signature['benchmark'][:8]}",
            f"language:{signature['language']}",
            f"harness:{harness.VERSION}",
            f"prompt:{asked},{words['fewshot']}-shot",
            f"checkpoint:{signature['model']['model']}:{signature['checkpoint']['model'][:8]}",
            f"decoding:{how}",
            f"metric:{metric}",
            *([f"limit:{signature['limit']}"] if signature["limit"] is not None else []),
            f"judge:{signature['judge'] or 'none'}",
            f"host:{signature['host']}",
            f"seed:{signature['seed']}",
            f"version:{signature['version']}",
            f"commit:{(signature['commit'] or 'none')[:8]}",
            f"asked:{prompt}",
        ]
    )
