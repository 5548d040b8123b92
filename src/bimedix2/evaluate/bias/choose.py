"""Which option a model chose: the likeliest letter, or the one that its answer names."""

import math
import re
from collections.abc import Sequence

from bimedix2.evaluate.bias.cases import LETTERS
from bimedix2.text.arabic import find_words, normalise

ARABIC = dict(zip("أابجد", "AABCD", strict=True))
"""Arabic letters that stand for options in the order of the alphabet that lists use."""
_LETTER = r"[A-Da-d]|[أابجد]"
_FIRST = re.compile(rf"[\s\W]*({_LETTER})(?:\s*$|\s*[.):،,;\-–—]|\s*\n|\*)")
"""A letter that stands alone at the beginning; "A patient ..." is none."""
_NAMED = re.compile(
    r"(?:answer|option|choice)\s*(?:is|would be)?\s*[:*(\"'\s]*([A-D])(?!\w)"
    rf"|(?:الإجابة|الجواب|الخيار|الحرف)(?:\s+(?:الصحيحة|الصحيح|هي|هو|الأفضل))*\s*[:*(\"'«\s]*({_LETTER})(?!\w)"
)


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
    """The letter that an answer names, ``None`` where it names none or several.

    A letter alone at the beginning counts first, then "the answer is B" (or its Arabic), then an option's own
    words.
    """
    first = _FIRST.match(answer.strip())
    if first:
        return _latin(first[1])
    said = {_latin(one or other) for one, other in _NAMED.findall(answer)}
    if said:
        return said.pop() if len(said) == 1 else None
    text = normalise(answer)
    spoken = [
        letter for letter, option in zip(LETTERS, options, strict=True) if find_words(text, normalise(option))
    ]
    return spoken[0] if len(spoken) == 1 else None


def _latin(letter: str) -> str:
    return ARABIC.get(letter) or letter.upper()
