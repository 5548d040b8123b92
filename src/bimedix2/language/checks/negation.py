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
_ATTACHED = re.compile(rf"(?<![{ARABIC}])[وفبل]?(?:ال)?لا(?!ن|ست|[{ARABIC}]ت)[{ARABIC}]{{3,}}")
"""A denial that is one word with what it denies; verbal nouns such as "for compression" begin alike."""


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


@dataclass(frozen=True)
class _Word:
    """An English word that denies by itself, and the Arabic words that say it without a denial."""

    span: Span
    instead: tuple[str, ...]
    needed: bool


def _apart(found: list[_Word]) -> list[_Word]:
    """Words one by one; of those that overlap one is made, which any of their Arabic words says."""
    apart: list[_Word] = []
    for word in sorted(found, key=lambda w: w.span):
        if apart and word.span[0] < apart[-1].span[1]:
            last = apart.pop()
            span = (last.span[0], max(last.span[1], word.span[1]))
            word = _Word(span, last.instead + word.instead, last.needed or word.needed)
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
        self.bounds = bounds
        found = [
            _Word(span, tuple(row["ar"]), kind == "lexical")
            for kind in ("lexical", "may_instead")
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
        self.folded: Folded = fold(raw, letters=False)
        self.text = text = re.sub(
            r"\([^()\n]*\)",
            lambda m: m.group() if re.search(f"[{ARABIC}]", m.group()) else " " * len(m.group()),
            self.folded.text,
        )
        bounds = spans_of(_arabic(tuple(rows["not_a_denial"])), text)
        bounds += [m.span() for m in re.finditer(r"(?<!\w)[وف]?(?:من )?دون\s+(?=\d)", text)]
        self.bounds = [span for span in bounds if _BOUND.match(text[slice(*span)])]
        strong = _outside(spans_of(_strong(), text), bounds)
        self.soft = _outside(spans_of(_arabic(tuple(rows["soft"])), text), strong + bounds)
        self.strong: list[Span] = []
        self.repeated: list[Span] = []
        again: list[Span] = []
        for span in sorted(strong):
            # "Nor" before a noun goes on with a denial; before a verb it denies anew.
            noun = re.match(rf"\s+(?![يت])[{ARABIC}]", text[span[1] :])
            repeated = text[span[0]] == "و" and self._denied_before(text, span, strong)
            nor = noun and text[span[0] : span[1]] == "ولا"
            if nor and not repeated and _TO.match(text, span[1]):
                continue  # "nor in the groin": something was denied before, and that denial is gone
            if repeated and not nor:
                self.repeated.append(span)
            (again if (nor and repeated) or self._only(text, span) else self.strong).append(span)
        self.soft += again
        self.below = [span for span in self.strong if text[slice(*span)] in ("دون", "ودون")]

    @staticmethod
    def _denied_before(text: str, span: Span, strong: list[Span]) -> bool:
        """Whether "nor" goes on with a denial of the same sentence."""
        start = max((m.end() for m in re.finditer(r"[.!?\n]", text[: span[0]])), default=0)
        return any(start <= other[0] < span[0] for other in strong)

    @staticmethod
    def _only(text: str, span: Span) -> bool:
        """Whether "except" follows: nothing but this is only this."""
        sentence = re.match(r"[^.!?\n]*", text[span[1] :])
        return sentence is not None and ONLY.search(sentence.group()) is not None


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


def _compare(context: Context, part: Part, en: _English, ar: _Arabic) -> Iterator[Failure]:
    pair = context.pair
    place = _own_span(part.ar, pair.ar.folded, ar.folded)
    strong, soft = within(ar.strong, place), within(ar.soft, place)
    asked, may = within(en.strong, part.en), within(en.may, part.en)
    hyphened = within(en.hyphened, part.en)
    # "Non-Hodgkin" may be one word in Arabic too.
    (may if _ATTACHED.search(ar.text, *place) else asked).extend(hyphened)
    attached = len(_RELATIVE.findall(ar.text, *place)) - len(hyphened)
    for word in en.words:
        if not inside(word.span, [part.en]):
            continue
        said = [m.span() for m in _arabic(word.instead).finditer(ar.text, *place)]
        # What says this word cannot stand for another denial as well.
        soft = _outside(soft, said)
        if not said:
            # "Asymptomatic" may be one word of Arabic, which begins with its denial.
            joined = word.needed and attached > 0 and _PREFIX.match(pair.en.text[slice(*word.span)])
            attached -= bool(joined)
            (asked if word.needed and not joined else may).append(word.span)
    needed, allowed = asked, asked + may
    nouns = len(within(en.nominal, part.en)) + _of_terms(context, part)
    nouns += max(0, _unproven(ar, pair.en.text[slice(*part.en)], strong) - len(allowed))
    # "Never exceed" is a bound in Arabic; where both have a bound, the denial is still asked for.
    bounds = max(0, len(within(ar.bounds, place)) - len(within(en.bounds, part.en)))
    nouns += min(len(within(ar.below, place)), len(within(en.below, part.en)))
    free = 0
    if asked:
        # "Not A or B" denies each of them by itself in Arabic.
        free = min(len(within(ar.repeated, place)), len(within(en.or_, part.en)))
    if len(strong) + len(soft) + bounds < len(needed):
        why = f"The source denies ({pair.en.words(needed)}) what the translation does not; deny it too."
        yield pair.fail("negation", why, needed, [_own_span(s, ar.folded, pair.ar.folded) for s in strong])
        return
    verbs = [span for span in strong if not _NOUN.search(ar.text[slice(*span)])]
    if len(strong) > len(allowed) + free + nouns or len(verbs) > len(allowed) + free:
        spans = [_own_span(s, ar.folded, pair.ar.folded) for s in strong]
        why = f"The translation denies ({pair.ar.words(spans)}) what the source does not; take that out."
        yield pair.fail("negation", why, allowed, spans)


def _unproven(ar: _Arabic, source: str, strong: list[Span]) -> int:
    """How often an adjective is denied that the source does not say: "false" may be "not correct"."""
    count = 0
    for start, end in strong:
        if ar.text[start:end].endswith("غير") and not re.search(r"ال?غير$", ar.text[start:end]):
            rows = table("negation")["affirmed"]
            said = (row["en"] for row in rows if _arabic(tuple(row["ar"])).match(ar.text, end + 1))
            count += not any(english(tuple(words)).search(source) for words in said)
    return count


def _of_terms(context: Context, part: Part) -> int:
    """How many terms of the source have a denial in their Arabic: nonsteroidal, insomnia."""
    return sum(
        part.en[0] <= found.start < part.en[1] and _strong().search(found.term.ar) is not None
        for found in context.terms
    )


def _own_span(span: Span, ours: Folded, theirs: Folded) -> Span:
    """A span of one folding of a text as a span of another folding of it."""
    start, end = ours.span(*span)
    first = next((n for n, at in enumerate(theirs.at) if at >= start), len(theirs.text))
    last = next((n for n, at in enumerate(theirs.at) if at >= end), len(theirs.text))
    return first, last
