"""What a translation copies: option letters, answers, placeholders, JSON keys, turns."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import Failure, Side, Span

LATIN = "ABCDEFGH"
ORDERS = ("أبجدهوزح", "أبتثجحخد")
"""The two orders in which Arabic options are lettered."""
_ARABIC_LABEL = r"(?:هـ|[أاإبجدهوزحتثخ])"
_OPTION = {
    "en": re.compile(r"^[ \t]*[*-]?\s*\(?(?P<label>[A-Ha-h])(?:[.):]|\s-)(?=\s)", re.MULTILINE),
    "ar": re.compile(
        rf"^[ \t]*[*-]?\s*\(?(?P<label>[A-Ha-h]|{_ARABIC_LABEL})(?:[.):]|\s-)(?=\s)", re.MULTILINE
    ),
}
_INLINE = {
    "en": re.compile(r"\((?P<label>[A-H])\)(?=\s)"),
    "ar": re.compile(rf"\((?P<label>[A-H]|{_ARABIC_LABEL})\)(?=\s)"),
}
_ENDS = r"(?=\)?[^\S\n]*(?:[.):,;\u060c]|$))"
"""What follows a letter that is the answer, and no article or beginning of a word."""
_GOES_ON = r"(?=\)?\s+(?:because|since|as|with|for|is|are|was|and|or|in|on|given|which|that|not|rather)\b)"
"""What may follow "A" where the sentence goes on: it is an article before another word."""
_ANSWER = {
    "en": re.compile(
        r"\b(?:answer|option|choice)(?:\s+(?:is|was|letter))*\s*:?\s*"
        rf"\(?(?P<label>[B-H](?![\w'-])|A(?:{_ENDS}|{_GOES_ON}))",
        re.IGNORECASE | re.MULTILINE,
    ),
    "ar": re.compile(
        r"(?:ال)?(?:اجابة|جواب|خيار|اختيار)(?:\s+(?:الصحيحة|الصحيح|هي|هو|الحرف|رقم))*\s*:?\s*"
        rf"\(?(?P<label>[A-H](?![\w'-])|{_ARABIC_LABEL}{_ENDS})",
        re.MULTILINE,
    ),
}
_LETTER = re.compile(rf"(?<![\w'-])(?:[A-H]|{_ARABIC_LABEL})(?![\w'-])")
"""A letter by itself."""
_KEEP = re.compile(
    r"</?[A-Za-z][\w-]*(?:\s[^<>\n]*)?/?>|\{\{?\s*[\w.]+\s*\}?\}|\[[A-Z][A-Z_ ]{2,}\]|https?://[^\s)\u0600-\u06ff]+|"
    r"[\w.+-]+@[\w-]+\.[\w.]+|`[^`\n]+`|%\([a-z]+\)[sd]"
)
_ASKED = {
    "en": re.compile(r"^[ \t]*Q\s*[.:]", re.MULTILINE),
    "ar": re.compile(r"^[ \t]*س\s*[.:]", re.MULTILINE),
}
_SPEAKERS = {
    *("patient", "doctor", "physician", "nurse", "pharmacist", "dentist", "midwife", "paramedic"),
    *(
        "clinician",
        "mother",
        "father",
        "parent",
        "relative",
        "student",
        "teacher",
        "user",
        "assistant",
        "human",
        "gpt",
    ),
    *("ai", "bot", "model", "system", "question", "answer", "q", "a", "instruction", "response"),
}
"""Words before a colon that are a speaker though each stands once; a heading of a report stands once too."""
_TURN = re.compile(r"^[ \t]*(?P<who>[^\W\d_][^\n:.?!،]{0,24}):(?=\s|$)", re.MULTILINE)


def _labels(side: Side, pattern: re.Pattern[str]) -> list[tuple[str, Span]]:
    labels = [(m["label"], m.span("label")) for m in pattern.finditer(side.text)]
    if _ASKED[side.tongue].search(side.text):  # "A:" behind "Q:" is an answer, no option
        labels = [(label, span) for label, span in labels if label not in ("A", "ج")]
    return labels


def _index(label: str, letters: str) -> int | None:
    """The place of a label in an order of letters."""
    first = "ه" if label.startswith("ه") else label.upper()
    alef = "أ" if first in "ااإ" else first
    return letters.index(alef) if alef in letters else None


def options(context: Context) -> Iterator[Failure]:
    """Option letters in the source's order, and the answer's letter among them."""
    pair = context.pair
    for patterns in (_OPTION, _INLINE):
        en, ar = _labels(pair.en, patterns["en"]), _labels(pair.ar, patterns["ar"])
        if len(en) < 2 and patterns is _INLINE:
            continue
        asked = [_index(label, LATIN) for label, _ in en]
        if not _matches(asked, [label for label, _ in ar]):
            first, second = (" ".join(label for label, _ in x) or "not at all" for x in (en, ar))
            why = (
                f"The options of the source are lettered {first} and those of the translation {second}; keep "
                "every letter and their order."
            )
            yield pair.fail("options", why, [s for _, s in en], [s for _, s in ar])
            return
    yield from _answers(context)


def _matches(asked: list[int | None], labels: list[str]) -> bool:
    return any([_index(label, order) for label in labels] == asked for order in (LATIN, *ORDERS))


def _answers(context: Context) -> Iterator[Failure]:
    pair = context.pair
    en, ar = _labels(pair.en, _ANSWER["en"]), _labels(pair.ar, _ANSWER["ar"])
    en = [(label, span) for label, span in en if label.isupper()]
    if not en:
        return
    lettered = [label for label, _ in _labels(pair.ar, _OPTION["ar"]) + _labels(pair.ar, _INLINE["ar"])]
    asked = [_index(label, LATIN) for label, _ in en]
    order = next(
        (o for o in (LATIN, *ORDERS) if lettered and all(_index(x, o) is not None for x in lettered)), None
    )
    orders = (order,) if order else (LATIN, *ORDERS)
    given = [label for label, _ in ar]
    if not any(_same(asked, [_index(label, o) for label in given], _alone(pair.ar, o)) for o in orders):
        why = (
            f"The source's answer is {', '.join(label for label, _ in en)} and the translation's "
            f"{', '.join(given) or 'missing'}; keep the letter, written as in the options."
        )
        yield pair.fail("options", why, [s for _, s in en], [s for _, s in ar])


def _same(asked: list[int | None], given: list[int | None], alone: set[int | None]) -> bool:
    """Whether the answers are the source's; one may stand where no word such as "answer" leads to it."""
    lost, new = Counter(asked) - Counter(given), Counter(given) - Counter(asked)
    return given == asked or (not new and set(lost) <= alone)


def _alone(side: Side, order: str) -> set[int | None]:
    """Letters of an order that stand by themselves, and letter no option."""
    labels = {span for pattern in (_OPTION, _INLINE) for _, span in _labels(side, pattern["ar"])}
    letters = (m for m in _LETTER.finditer(side.text) if m.span() not in labels)
    return {_index(m.group(), order) for m in letters} - {None}


def placeholders(context: Context) -> Iterator[Failure]:
    """Protected spans: each as often, images in the same lines, and JSON with the same keys."""
    pair = context.pair
    en = [(m.group(), m.span()) for m in _KEEP.finditer(pair.en.text)]
    ar = [(m.group(), m.span()) for m in _KEEP.finditer(pair.ar.text)]
    first, second = Counter(t for t, _ in en), Counter(t for t, _ in ar)
    lost, new = first - second, second - first
    if lost or new:
        said = [f"lacks {' '.join(lost.elements())}"] if lost else []
        said += [f"has {' '.join(new.elements())} too often"] if new else []
        why = f"The translation {' and '.join(said)}; copy it exactly as often as the source has it."
        yield pair.fail("placeholders", why, [s for t, s in en if t in lost], [s for t, s in ar if t in new])
    elif en and pair.en.text.count("\n") == pair.ar.text.count("\n"):
        places = [
            sorted((side.text.count("\n", 0, span[0]), text) for text, span in found)
            for side, found in ((pair.en, en), (pair.ar, ar))
        ]
        if places[0] != places[1]:
            why = "A placeholder stands in another line of the translation; put it where the source has it."
            yield pair.fail("placeholders", why, [s for _, s in en], [s for _, s in ar])
    yield from _json(context)


def _json(context: Context) -> Iterator[Failure]:
    shapes = []
    for side in (context.pair.source, context.pair.target):
        try:
            shapes.append(_shape(json.loads(side.raw)) if side.raw.lstrip()[:1] in "{[" else None)
        except ValueError:
            shapes.append(None)
    if shapes[0] is not None and shapes[0] != shapes[1]:
        why = (
            "The source is JSON and the translation is no JSON of the same shape; translate the values alone."
        )
        yield context.pair.fail("placeholders", why)


def _shape(value: Any) -> Any:
    """The keys and nesting of a JSON value; a text in the place of any other."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(inner) for inner in value]
    return type(value).__name__ if not isinstance(value, str) else "text"


def turns(context: Context) -> Iterator[Failure]:
    """As many turns, where the source is a conversation: somebody speaks twice, or all are known speakers."""
    pair = context.pair
    en = [m.span("who") for m in _TURN.finditer(pair.en.text)]
    ar = [m.span("who") for m in _TURN.finditer(pair.ar.text)]
    speakers = Counter(pair.en.text[start:end].strip().lower() for start, end in en)
    if len(speakers) < 2 or not (len(speakers) < len(en) or speakers.keys() <= _SPEAKERS):
        return
    if len(en) != len(ar):
        why = (
            f"The source has {len(en)} turns and the translation {len(ar)}; keep every turn and its speaker."
        )
        yield pair.fail("turns", why, en, ar)
