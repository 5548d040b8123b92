"""Which option a written answer names, in English or Arabic; never a guess.

Options are letters whose texts stand in the question (A to G, or the letters of an Arabic list), or words
(yes, no, maybe). In this order, and the first that finds anything decides:

1. the answer is an option and nothing else, or begins with one ("B", "(ب)", "**C.** Femur", "No, ...");
2. a phrase says it ("the answer is B", "C is correct", "الإجابة الصحيحة هي ب"); two that differ name none;
3. of lettered options, the text of one alone stands in the answer, and nothing is denied there.

Anything else names no option. A letter counts in either alphabet, by its place.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bimedix2.text.arabic import find_words, normalise, without_marks

VERSION = "option-3"
"""Of these rules, in the signature: another reading is another score."""
NONE, SEVERAL = "names no option", "names several options"
"""Why an answer names none."""
LATIN, ARABIC = "ABCDEFG", "أبجدهوز"
"""Letters that lists of options use, in order."""
WORDS = {
    "yes": ("yes", "نعم", "أجل"),
    "no": ("no", "لا", "كلا"),
    "maybe": ("maybe", "perhaps", "ربما"),
}
"""Options that are words, and how either language says them."""
FOLLOWED = frozenset({"no", "لا"})
"""Words that begin other sentences too ("no evidence", "لا يمكن"): they answer before a mark or the end."""
_MARK = r"\s*(?:$|[.):,;!?،؛؟\]}\n]|[-–—]\s)"
_CUES = (
    r"(?:answer|option|choice|choose|select|pick|diagnosis)(?:\s+(?:option|choice|letter))?"
    r"(?:\s+(?:is|would be|should be|:))*"
    r"|it\s+(?:is|must be|should be|would be)"
    r"|(?:الإجابة|الاجابة|الجواب|الخيار|الاختيار|الحرف|أختار|اختار)"
    r"(?:\s+(?:الصحيحة|الصحيح|الأصح|الأفضل|الأنسب|النهائية|النهائي|هي|هو|الخيار|الحرف|الإجابة))*"
    r"|\\boxed"
)
_AFTER = r"[)\]*_\s]*(?:is|would be|هو|هي)\s+(?:the\s+|ال)?(?:correct|right|best|answer|صحيح|أصح|أفضل|أنسب)"
_REFUTED = re.compile(
    r"[)\]*_\s]*(?:is|are|was|would be|can be)?\s*(?:not|n't|in|un|wrong|false|ruled|excluded|unlikely|"
    r"غير|ليس|خطأ|خاطئ|مستبعد)",
    re.IGNORECASE,
)
_OTHER = r"[*_)\]\s]*(?:[,،/&]|or|and|أو|و)+\s*[*_({\[]*"
_OPEN = r"[\s:=\-*_({\[\"'«“`]*"
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_DENIED = re.compile(
    r"(?<!\w)(?:not|isn't|no|never|neither|rather than|instead of|except|exclude[sd]?|rule[sd]? out|unlikely"
    r"|incorrect|wrong|و?(?:ليس|ليست|لا|لن|لم|غير|دون|بدون|ما عدا|باستثناء|يستبعد|نستبعد|خطأ))(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Choice:
    """The place of the option that an answer names, or ``None`` with the reason."""

    place: int | None
    reason: str = ""


def read(answer: str, options: Sequence[str], texts: Mapping[int, str] | None = None) -> Choice:
    """Read one answer.

    Args:
        answer: what was said; thoughts between ``<think>`` marks do not count.
        options: letters or words as they were asked for, blanks around them do not matter.
        texts: place -> what stands beside that letter in the question.
    """
    folded = unicodedata.normalize("NFKC", _THOUGHT.sub(" ", answer))  # a full-width letter is a letter
    said = without_marks(folded).replace("\u200f", "").replace("\u200e", "").strip()
    names = _names([option.strip() for option in options])
    for found in (_first(said, names), _stated(said, names)):
        if found:
            return _one(found)
    return _spoken(said, texts or {})


def texts_of(context: str, options: Sequence[str]) -> dict[int, str]:
    """What stands beside each letter in the last question of a prompt: place -> text.

    Empty where an option is no letter of its lines, as yes and no are.
    """
    out: dict[int, str] = {}
    for place, option in enumerate(options):
        lines = re.findall(rf"^{re.escape(option.strip())}[.)]\s*(.*)$", context, re.MULTILINE)
        if not lines:
            return {}
        out[place] = lines[-1].strip()
    return out


def _names(options: Sequence[str]) -> dict[str, int]:
    """How each option may be said -> its place."""
    names: dict[str, int] = {}
    for place, option in enumerate(options):
        alphabet = next((one for one in (LATIN, ARABIC) if option in one), None)
        if alphabet is not None and len(option) == 1:
            at = alphabet.index(option)
            said = [LATIN[at], LATIN[at].lower(), ARABIC[at], *(["ا"] if ARABIC[at] == "أ" else [])]
        else:
            said = next((list(words) for words in WORDS.values() if option in words), [option])
        names |= dict.fromkeys(said, place)
    return names


def _first(said: str, names: Mapping[str, int]) -> set[int]:
    """The option that the answer begins with; two of them where it goes on with another ("A or B")."""
    start = re.sub(r"^[\s*_`({\[\"'«“]+", "", said)
    # In small letters "a" is an article.
    listed = _listed({name: place for name, place in names.items() if len(name) > 1 or not name.islower()})
    for name, place in names.items():
        flags = re.IGNORECASE if len(name) > 1 else 0
        if not re.match(re.escape(name) + r"(?!\w)", start, flags):
            continue
        rest = start[len(name) :]
        if another := re.match(rf"{_OTHER}({listed})(?!\w)", rest):
            return {place, names[another[1]]}
        free = len(name) > 1 and name not in FOLLOWED
        # A word in bold, or a letter in brackets, has marks behind it before the one that counts.
        if free or re.match(r"[*_`\"'»”]*" + _MARK, rest):
            return {place}
    return set()


def _stated(said: str, names: Mapping[str, int]) -> set[int]:
    """Options that a phrase calls the answer."""
    found = set()
    listed = _listed(names)
    for match in re.finditer(rf"(?<!\w)(?:{_CUES}){_OPEN}({listed})(?!\w)", said, re.IGNORECASE):
        name, rest = match[1], said[match.end() :]
        if name.lower() in FOLLOWED and not re.match(r"[*_`\"'»”]*" + _MARK, rest):
            continue  # "the answer is no longer", "الجواب لا يوجد"
        if (name == "a" and re.match(r"\s+\w", rest)) or _REFUTED.match(rest):
            continue  # "the answer is a fracture", "option A is incorrect"
        found.add(_place(name, names))
    letters = "|".join(re.escape(name) for name in names if len(name) == 1 and not name.islower())
    if letters:
        found |= {names[one] for one in re.findall(rf"(?<!\w)({letters}){_AFTER}(?!\w)", said)}
    return found


def _listed(names: Mapping[str, int]) -> str:
    """A pattern of all names, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def _place(name: str, names: Mapping[str, int]) -> int:
    """Of a name in whatever case."""
    return names[name] if name in names else names[name.lower()]


def _spoken(said: str, texts: Mapping[int, str]) -> Choice:
    """The option whose own text alone stands in the answer."""
    words = normalise(said)
    spans = {place: find_words(words, normalise(text)) for place, text in texts.items() if normalise(text)}
    found = {place: where for place, where in spans.items() if where}
    for place, where in list(found.items()):  # "femur" inside "neck of the femur", said once
        others = [span for other, more in found.items() if other != place for span in more]
        if all(
            any(a <= start and end <= b and b - a > end - start for a, b in others) for start, end in where
        ):
            del found[place]
    if len(found) == 1 and _DENIED.search(said):
        own = normalise(texts[next(iter(found))])
        if _DENIED.search(re.sub(re.escape(own), " ", normalise(said))):
            return Choice(None, NONE)
    return _one(set(found))


def _one(found: set[int]) -> Choice:
    if len(found) == 1:
        return Choice(found.pop())
    return Choice(None, SEVERAL if found else NONE)
