"""Which option a model chose: the likeliest letter, or the one that its answer names."""

import math
from collections.abc import Sequence

from bimedix2.evaluate import choice
from bimedix2.evaluate.bias.cases import LETTERS


def likeliest(values: Sequence[float]) -> tuple[str, bool]:
    """The letter of the highest log-likelihood, the first of equals; and whether there are equals."""
    best = max(values)
    return LETTERS[list(values).index(best)], list(values).count(best) > 1


def shares(values: Sequence[float]) -> list[float]:
    """Log-likelihoods of the letters as probabilities among them."""
    best = max(values)
    raised = [math.exp(value - best) for value in values]
    return [one / sum(raised) for one in raised]


def named(answer: str, options: Sequence[str]) -> str | None:
    """The letter that an answer names, ``None`` where it names none or several; see ``evaluate.choice``."""
    place = choice.read(answer, LETTERS, dict(enumerate(options))).place
    return None if place is None else LETTERS[place]
