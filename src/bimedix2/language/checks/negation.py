"""What the source denies is denied, and nothing else: counted in each sentence, between bounds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from bimedix2.language.checks import comparisons
from bimedix2.language.checks.context import Context, Part
from bimedix2.language.checks.opposites import exchanged
from bimedix2.language.checks.pair import (
    ARABIC,
    Failure,
    Span,
    english,
    exactly,
    inside,
    spans_of,
    table,
    within,
)
from bimedix2.text.fold import Folded, fold, folded

ONLY = re.compile(r"(?<![\u0621-\u064a])(?:إلا(?!\s+(?:إذا|أن|في حال|عند))|سوى)(?![\u0621-\u064a])")

_OR = re.compile(r"(?<![a-z])(?:n?or|neither)(?![a-z])", re.IGNORECASE)
_NO = re.compile(r"(?<![a-z])no[,.]\s+$", re.IGNORECASE)
_BOUND = re.compile(
    r"[وف]?(?:لا|ألا|لم|لن|عدم|دون)\s+\S*(?:قل|زيد|زد|نقص|تجاوز|تعد|تخط|رب|فوق|صل|بلغ)|ما\s+لم"
)
"""A denial that is a bound: not to exceed, not less than."""
_RELATIVE = re.compile(rf"(?<![{ARABIC}])[وفبل]?(?:ال)?لا[{ARABIC}]{{2,}}ي[ةا]?(?![{ARABIC}])")
"""The same with the ending of an adjective: without symptoms, without fibres."""
_PREFIX = re.compile(r"(?:an?|i[mnlr]|un|non)(?!o)[a-z]+$", re.IGNORECASE)
"""An English word that begins with its denial."""
_TO = re.compile(r"\s+(?:في|على|إلى|من|عن|مع|عند|لدى|تحت|فوق|بين)\s")
"""A preposition."""
_NOUN = re.compile("(?:غير|عدم|دون|بلا)")
"""Denials that stand before a noun or an adjective."""
_TAG = re.compile(
    r",\s+(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)n't\s+"
    r"(?:it|he|she|you|they|we|i|there)\?",
    re.IGNORECASE,
)
"""A question behind a statement, which denies nothing: isn't it?"""
_NOT_MORE = re.compile(r"\b(?:not?|nothing) (?:more|less)\b(?=\s*(?:[.,;:!?)]|$))", re.IGNORECASE)
"""A bound without its number: ten minutes, not more."""
_EXCEPT = re.compile(
    r"(?<![a-z])(?:except\w*|but|other|apart|unless|besides?|save|barring|all|every|to)(?![a-z])",
    re.IGNORECASE,
)
"""What lets Arabic except something that is not denied before."""
_EXCEPTED = re.compile(rf"(?<![{ARABIC}])(?:[وف]?ما|هل|كل|جميع|[وف]?إن|[وف]?لا|[وف]?ليس\S*)(?![{ARABIC}])")
"""Arabic before an exception: all but one, and denials of other kinds."""
_FOR_SIX = re.compile(rf"(?<!\w)[وف]?لست\s+(?:[{ARABIC}]+ات|أيام|أسابيع|أشهر|شهور|سنين|أعوام|ليال)(?!\w)")
"""For six of something, which is written like "I am not"."""
_WITHOUT = re.compile(r"من\s+غير$")
_EITHER = re.compile(rf"(?<![{ARABIC}])أو(?![{ARABIC}])")
_PAST = re.compile(rf"(?<![{ARABIC}])[وف]?(?:أن\s+)?[يت](?:تجاوز|زيد|فوق|تعدى|تخطى)(?![{ARABIC}])")
"""To exceed, as it stands where a bound has lost its denial."""
_MORE = re.compile(
    r"(?<![a-z])(?:exceed\w*|more|over|above|greater|higher|longer|beyond)(?![a-z])", re.IGNORECASE
)
_ATTACHED = re.compile(rf"(?<![{ARABIC}])[وفبل]?(?:ال)?لا(?!ن|ست|[{ARABIC}]ت)[{ARABIC}]{{3,}}")
"""A denial that is one word with what it denies; verbal nouns such as "for compression" begin alike."""


_STOPS = re.compile(r"[.!?\n]")


def _sentence(text: str, at: int) -> Span:
    """The span of the sentence around a place, as its stops part it."""
    start = max((text.rfind(stop, 0, at) + 1 for stop in ".!?\n"), default=0)
    stop = _STOPS.search(text, at)
    return start, stop.start() if stop else len(text)


@cache
def _arabic(words: tuple[str, ...]) -> re.Pattern[str]:
    """Arabic words as they are written, hamza and all, with particles and the article before them."""
    forms = []
    for phrase in sorted(words, key=len, reverse=True):
        forms.append(exactly(folded(phrase, letters=False)))
    return re.compile(
        rf"(?<![{ARABIC}])[وف]?(?:لل|[بكل]?(?:ال)?)(?:{'|'.join(forms)})(?:[هايةت]|ها|هما|هم|ان|ين|ون|ات|تا|تان|تين)?(?![{ARABIC}])"
    )


def _outside(found: list[Span], others: list[Span]) -> list[Span]:
    return [span for span in found if not any(span[0] < end and start < span[1] for start, end in others)]


_KINDS = ("lexical", "may_instead", "nominal_instead")
"""What a word asks for: a denial or a word instead; perhaps a denial; perhaps a denied noun or adjective."""


@dataclass(frozen=True)
class _Word:
    """An English word that denies by itself, and the Arabic words that say it without a denial."""

    span: Span
    instead: tuple[str, ...]
    kind: str
    """One of ``_KINDS``."""


def _apart(found: list[_Word]) -> list[_Word]:
    """Words one by one; of those that overlap one is made, which any of their Arabic words says."""
    apart: list[_Word] = []
    for word in sorted(found, key=lambda w: w.span):
        if apart and word.span[0] < apart[-1].span[1]:
            last = apart.pop()
            span = (last.span[0], max(last.span[1], word.span[1]))
            word = _Word(span, last.instead + word.instead, min(last.kind, word.kind, key=_KINDS.index))
        apart.append(word)
    return apart


class _English:
    """The denials of an English text."""

    def __init__(self, text: str) -> None:
        rows = table("negation")["english"]
        bounds = spans_of(english(tuple(rows["not_a_denial"])), text) + spans_of(
            re.compile(
                r"\bNo\. ?\d|\b(?:no|not|never) (?:more|less|[a-z]+er) (?:\w+ )?than\b", re.IGNORECASE
            ),
            text,
        )
        bounds += spans_of(_TAG, text) + spans_of(_NOT_MORE, text)
        self.bounds, self.denied_bounds = bounds, list(bounds)
        found = [
            _Word(span, tuple(row["ar"]), kind)
            for kind in _KINDS
            for row in rows[kind]
            for span in spans_of(english(tuple(row["en"])), text)
        ]
        self.words = [w for w in _apart(found) if _outside([w.span], bounds)]
        # "No abnormality" is a phrase of the table: its "no" asks for nothing more.
        said = [word.span for word in self.words]
        self.strong = _outside(spans_of(english(tuple(rows["strong"])), text), bounds + said)
        # "No, none" is one denial.
        again = [s for s in self.strong if _NO.search(text[max(0, s[0] - 8) : s[0]])]
        self.strong = _outside(self.strong, again)
        self.or_ = spans_of(_OR, text)
        self.below = spans_of(english(tuple(rows["below"])), text)
        self.hyphened = spans_of(re.compile(r"(?<![a-z])non-\w+", re.IGNORECASE), text)
        self.hyphened = _outside(self.hyphened, [word.span for word in self.words])
        taken = self.strong + self.hyphened + [word.span for word in self.words]
        self.nominal = _outside(spans_of(english(tuple(rows["nominal"])), text), taken)
        self.may = _outside(
            bounds
            + again
            + spans_of(english(tuple(rows["may"])), text)
            + spans_of(re.compile(rows["less"], re.IGNORECASE), text)
            + spans_of(re.compile(rows["un"], re.IGNORECASE), text),
            taken + self.nominal,
        )


class _Arabic:
    """The denials of an Arabic text; its own folding keeps the hamza, so its spans are its own."""

    def __init__(self, raw: str) -> None:
        rows = table("negation")["arabic"]
        # "Is removed" is written like "still", but for its first vowel.
        raw = re.sub(r"(?<=[يت])\u064f(?=زال)", "ؤ", raw)
        # "Write down" is written like "without", but for its doubled letter.
        raw = re.sub(r"(?<=د)و(?=\u0651)", "ؤ", raw)
        self.folded: Folded = fold(raw, letters=False)
        self.text = text = re.sub(
            r"\([^()\n]*\)",
            lambda m: m.group() if re.search(f"[{ARABIC}]", m.group()) else " " * len(m.group()),
            self.folded.text,
        )
        bounds = spans_of(_arabic(tuple(rows["not_a_denial"])), text)
        # "However" is written with the words of "without that", but for the particle before them.
        bounds = [span for span in bounds if not _WITHOUT.search(text[max(0, span[0] - 6) : span[0] + 3])]
        bounds += [m.span() for m in re.finditer(r"(?<!\w)[وف]?(?:من )?دون\s+(?=\d)", text)]
        bounds += spans_of(_FOR_SIX, text)
        self.bounds = [span for span in bounds if _BOUND.match(text[slice(*span)])]
        strong = _outside(spans_of(_strong(), text), bounds)
        self.soft = _outside(spans_of(_arabic(tuple(rows["soft"])), text), strong + bounds)
        self.strong: list[Span] = []
        self.repeated: list[Span] = []
        self.dangling: list[Span] = []
        again: list[Span] = []
        for span in sorted(strong):
            # "Nor" before a noun goes on with a denial; before a verb it denies anew.
            noun = re.match(rf"\s+(?![يت])[{ARABIC}]", text[span[1] :])
            repeated = text[span[0]] == "و" and self._denied_before(text, span, strong)
            nor = noun and text[span[0] : span[1]] == "ولا"
            if nor and not repeated and _TO.match(text, span[1]):
                continue  # "nor in the groin": something was denied before, and that denial is gone
            if nor and not repeated and re.search(rf"[{ARABIC}]\s*$", text[: span[0]]):
                self.dangling.append(span)  # and so with "nor weight loss" that follows no stop
            if repeated and not nor:
                self.repeated.append(span)
            # "No, it did not" denies once.
            answer = re.match(r"\s*[،,]", text[span[1] :]) and self._denied_after(text, span, strong)
            twice = (nor and repeated) or answer or self._only(text, span)
            (again if twice else self.strong).append(span)
        self.soft += again
        self.below = [span for span in self.strong if text[slice(*span)] in ("دون", "ودون")]

    @staticmethod
    def _denied_before(text: str, span: Span, strong: list[Span]) -> bool:
        """Whether "nor" goes on with a denial of the same sentence."""
        start, _ = _sentence(text, span[0])
        return any(start <= other[0] < span[0] for other in strong)

    @staticmethod
    def _denied_after(text: str, span: Span, strong: list[Span]) -> bool:
        """Whether the same sentence denies again."""
        _, end = _sentence(text, span[1])
        return any(span[1] <= other[0] < end for other in strong)

    @staticmethod
    def _only(text: str, span: Span) -> bool:
        """Whether "except" follows: nothing but this is only this."""
        return ONLY.search(text, span[1], _sentence(text, span[1])[1]) is not None


@cache
def _strong() -> re.Pattern[str]:
    words = "|".join(map(re.escape, table("negation")["arabic"]["strong"]))
    before = "[وف]?(?:من\\s+|[بل])?(?:ال)?"
    return re.compile(
        rf"(?<![{ARABIC}]){before}(?:{words})(?![{ARABIC}])|(?<![{ARABIC}])[وف]?ب?(?:عدم|دون)(?:ه|ها|هم|هما)(?![{ARABIC}])"
    )


def check(context: Context) -> Iterator[Failure]:
    """Denials of paired sentences compared."""
    pair = context.pair
    en, ar = _English(pair.en.text), _Arabic(pair.ar.raw)
    # "Within" and "at least" are bounds without a denial in English, and with one in Arabic.
    en.bounds += _outside(comparisons.bounds(pair.en.text), en.bounds)
    for part in context.parts:
        yield from _compare(context, part, en, ar)
        yield from exchanged(context, part, "polarity", "negation")


@dataclass
class _Asked:
    """What a part of the source asks of its translation."""

    needed: list[Span]
    """Denials, one of the translation each."""
    may: list[Span]
    """What may be a denial in the translation."""
    nouns: int
    """How many nouns and adjectives may be denied besides."""
    soft: list[Span]
    """Arabic words that deny without a particle, less those that answer for a word of their own."""


def _asked(context: Context, part: Part, en: _English, ar: _Arabic, place: Span) -> _Asked:
    source = context.pair.en.text
    asked = _Asked(within(en.strong, part.en), within(en.may, part.en), 0, within(ar.soft, place))
    hyphened = within(en.hyphened, part.en)
    # "Non-Hodgkin" may be one word in Arabic too.
    (asked.may if _ATTACHED.search(ar.text, *place) else asked.needed).extend(hyphened)
    attached = len(_RELATIVE.findall(ar.text, *place)) - len(hyphened)
    taken: list[Span] = []
    for word in (word for word in en.words if inside(word.span, [part.en])):
        said = [m.span() for m in _arabic(word.instead).finditer(ar.text, *place)]
        # What says this word cannot stand for another denial as well.
        asked.soft = _outside(asked.soft, said)
        if said:
            # Nor for another such word: "unlikely, but not excluded" has one of its own for each, or denies.
            free = _outside(said, taken)
            taken += free[:1]
            if not free:
                asked.may.append(word.span)
            continue
        if word.kind == "nominal_instead":
            asked.nouns += 1
            continue
        # "Asymptomatic" may be one word of Arabic, which begins with its denial.
        joined = word.kind == "lexical" and attached > 0 and _PREFIX.match(source[slice(*word.span)])
        attached -= bool(joined)
        (asked.needed if word.kind == "lexical" and not joined else asked.may).append(word.span)
    # A bound that the translation says too lets it deny nothing else.
    spent = set(within(en.denied_bounds, part.en)[: len(within(ar.bounds, place))])
    asked.may = [span for span in asked.may if span not in spent]
    asked.nouns += len(within(en.nominal, part.en))
    asked.nouns += min(len(within(ar.below, place)), len(within(en.below, part.en)))
    return asked


def _compare(context: Context, part: Part, en: _English, ar: _Arabic) -> Iterator[Failure]:
    pair = context.pair
    source = pair.en.text[slice(*part.en)]
    place = _own_span(part.ar, pair.ar.folded, ar.folded)
    asked = _asked(context, part, en, ar, place)
    needed, allowed = asked.needed, asked.needed + asked.may
    strong = within(ar.strong, place)
    at = [_own_span(span, ar.folded, pair.ar.folded) for span in strong]
    if lost := _exception(ar, place, source) or _unbounded(en, ar, part, place, source):
        at = [_own_span(lost, ar.folded, pair.ar.folded)]
        why = f"The translation lacks the denial before {pair.ar.words(at)}; deny what the source denies."
        yield pair.fail("negation", why, needed, at)
        return
    # "Never exceed" is a bound in Arabic; where both have a bound, the denial is still asked for.
    bounds = max(0, len(within(ar.bounds, place)) - len(within(en.bounds, part.en)))
    either = within(en.or_, part.en)
    dangling = len(within(ar.dangling, place)) if either and not _EITHER.search(ar.text, *place) else 0
    terms, in_terms = _of_terms(context, part, needed)
    if len(strong) - dangling - in_terms + len(asked.soft) + bounds < len(needed):
        why = f"The source denies ({pair.en.words(needed)}) what the translation does not; deny it too."
        yield pair.fail("negation", why, needed, at)
        return
    # "Not A or B" denies each of them by itself in Arabic.
    free = min(len(within(ar.repeated, place)), len(either)) if needed else 0
    nouns = asked.nouns + terms + max(0, _unproven(ar, source, strong) - len(allowed))
    verbs = [span for span in strong if not _NOUN.search(ar.text[slice(*span)])]
    if len(strong) > len(allowed) + free + nouns or len(verbs) > len(allowed) + free:
        why = f"The translation denies ({pair.ar.words(at)}) what the source does not; take that out."
        yield pair.fail("negation", why, allowed, at)


def _unproven(ar: _Arabic, source: str, strong: list[Span]) -> int:
    """How often an adjective is denied that the source does not say: "false" may be "not correct"."""
    count = 0
    for start, end in strong:
        if ar.text[start:end].endswith("غير") and not re.search(r"ال?غير$", ar.text[start:end]):
            rows = table("negation")["affirmed"]
            said = (row["en"] for row in rows if _arabic(tuple(row["ar"])).match(ar.text, end + 1))
            count += not any(english(tuple(words)).search(source) for words in said)
    return count


def _of_terms(context: Context, part: Part, needed: list[Span]) -> tuple[int, int]:
    """How many terms of the source have a denial in their Arabic, as insomnia has; how many are said so.

    The latter answer for no denial of the source, unless the term is one.
    """
    found = [
        found
        for found in context.terms
        if part.en[0] <= found.start < part.en[1] and _strong().search(found.term.ar)
    ]
    said = context.pair.ar.text[part.ar[0] : part.ar[1]]
    apart = [f for f in found if not any(f.start < end and start < f.end for start, end in needed)]
    return len(found), sum(folded(f.term.ar) in said for f in apart)


def _exception(ar: _Arabic, place: Span, source: str) -> Span | None:
    """Where Arabic says "except" of something that it no longer denies, and the source excepts nothing."""
    if _EXCEPT.search(source):
        return None
    denied = ar.strong + ar.soft + ar.bounds + ar.repeated
    for match in ONLY.finditer(ar.text, *place):
        before = (_sentence(ar.text, match.start())[0], match.start())
        if not within(denied, before) and not _EXCEPTED.search(ar.text, *before):
            return match.span()
    return None


def _unbounded(en: _English, ar: _Arabic, part: Part, place: Span, source: str) -> Span | None:
    """Where Arabic exceeds what the source must not, and nothing in the sentence is denied or bounded."""
    denied = within(en.denied_bounds, part.en)
    if not denied or any(within(found, place) for found in (ar.strong, ar.soft, ar.bounds, ar.repeated)):
        return None
    for start, end in sorted(denied, reverse=True):
        source = source[: start - part.en[0]] + source[end - part.en[0] :]
    match = _PAST.search(ar.text, *place)
    return match.span() if match and not _MORE.search(source) else None


def _own_span(span: Span, ours: Folded, theirs: Folded) -> Span:
    """A span of one folding of a text as a span of another folding of it."""
    start, end = ours.span(*span)
    first = next((n for n, at in enumerate(theirs.at) if at >= start), len(theirs.text))
    last = next((n for n, at in enumerate(theirs.at) if at >= end), len(theirs.text))
    return first, last
