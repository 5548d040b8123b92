"""Which option a free answer names, as MultiMedEval 1.0.0 reads it; the paper's text columns do not use this.

A bare letter names nothing in MedMCQA and MMLU, since the option's first token is ``b:``, and a bare "A"
names nothing in MedQA, since it is dropped as an article.
"""

from collections.abc import Mapping, Sequence

from bimedix2.evaluate.metrics.lexical import bleu
from bimedix2.evaluate.metrics.vqa import tokens

INVALID = "Invalid answer"
PUBMEDQA = ("yes", "no", "maybe")


def nearest(answer: str, options: Sequence[str]) -> int | None:
    """Number of the option with the highest BLEU-1, the first of equals; ``None`` where all are 0."""
    said = tokens(answer).list
    scores = [bleu(tokens(option).list, said, 1) for option in options]
    best = max(scores, default=0.0)
    return scores.index(best) if best > 0 else None


def pubmedqa(answer: str) -> str:
    """The one of yes, no and maybe that is said most often, the first of equals."""
    said = tokens(answer).list
    counts = [said.count(word) for word in PUBMEDQA]
    return PUBMEDQA[counts.index(max(counts))] if any(counts) else INVALID


def medqa(answer: str, options: Mapping[str, str]) -> str:
    """The key of an option, in lower case.

    Args:
        answer: what was said.
        options: letter -> text, in order.
    """
    chosen = nearest(answer, [f"{key} {text}" for key, text in options.items()])
    return INVALID if chosen is None else list(options)[chosen].lower()


def lettered(answer: str, options: Sequence[str]) -> str:
    """Number from 1 of an option of MedMCQA or MMLU, as text."""
    chosen = nearest(answer, [f"{chr(ord('a') + n)}: {text}" for n, text in enumerate(options)])
    return INVALID if chosen is None else str(chosen + 1)
