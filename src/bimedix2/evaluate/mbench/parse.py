"""A judge's reply to two scores: the first line that says anything, two numbers from 1 to 10.

The published script splits the first line at single spaces and stops at anything else, so ``8, 9`` or two
spaces end it; what cannot be read here is named and counted, never a zero.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Failure = Literal["empty", "prose", "no scores", "one score", "more than two scores", "out of range"]

LOW, HIGH = 1.0, 10.0

_LABEL = re.compile(
    r"(?:assistant|ai|response|answer|model|score|candidate"
    r"|المساعد(?: الذكي)?|الإجابة|الاجابة|النموذج|الدرجة)"
    r"\s*#?\s*(?:no\.?\s*)?(?:[12]|one|two|a|b|الأول|الثاني|الأولى|الثانية)?\s*(?:score|الدرجة)?\s*[:=\-]\s*",
    re.IGNORECASE,
)
"""``Assistant 1:`` before a score: its number is no score."""
_OF_TEN = re.compile(r"(?<=\d)\s*/\s*10(?:\.0+)?(?![\d.])")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_WORDS = re.compile(r"[^\W\d_]+")
_ALLOWED = {"and", "و", "vs", "scores", "score", "x"}
"""Words that may stand beside two numbers; with others the line is prose, and its numbers may be anything."""


@dataclass(frozen=True)
class Scores:
    """The scores of the first and the second assistant of the prompt.

    ``strict``: the published script would have read them too.
    """

    first: float
    second: float
    strict: bool


def first_line(reply: str) -> str:
    """The first line with a letter or digit in it, without Markdown; fences and rules are passed over."""
    for line in reply.splitlines():
        plain = _plain(line)
        if re.search(r"\w", plain) and not line.strip().startswith("```"):
            return plain
    return ""


def _plain(line: str) -> str:
    """NFKC, Western digits and decimal points, no emphasis, no direction marks."""
    folded = unicodedata.normalize("NFKC", line).replace("\u066b", ".").replace("\u066c", "")
    folded = re.sub(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", "", folded)
    digits = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in folded)
    return re.sub(r"[*_`#>]+", " ", digits).strip()


def parse_scores(reply: str) -> Scores | Failure:
    """Read two scores, or say why not.

    Args:
        reply: what the judge answered, whole.
    """
    line = first_line(reply)
    if not line:
        return "empty"
    bare = _OF_TEN.sub("", _LABEL.sub(" ", line))
    if any(word.casefold() not in _ALLOWED for word in _WORDS.findall(bare)):
        return "prose"
    numbers = [float(number) for number in _NUMBER.findall(bare)]
    if len(numbers) != 2:
        return "no scores" if not numbers else "one score" if len(numbers) == 1 else "more than two scores"
    if not all(LOW <= number <= HIGH for number in numbers):
        return "out of range"
    return Scores(numbers[0], numbers[1], _published(reply))


def _published(reply: str) -> bool:
    """Whether splitting the first line at single spaces gives two numbers, as in the published script."""
    parts = reply.strip().split("\n")[0].split(" ")
    try:
        return len(parts) == 2 and all(part.isascii() and float(part) > 0 for part in parts)
    except ValueError:
        return False
