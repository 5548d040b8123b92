"""Numbers in English and Arabic text, as figures or as words. Knows nothing about what is counted."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.text.fold import folded

DIGITS = r"\d+(?:[.,]\d+)*(?:\^-?\d+)?"
_FIGURE = re.compile(rf"(?<![\d.,^])\.?{DIGITS}(?!\d)")
_CODE_BEFORE = re.compile(
    r"(?<![A-Za-z\d])(?!x$)[A-Za-z][A-Za-z\d]*-?$|[A-Za-z]\d+[-/]$|[\u0621-\u064a]{2}-$"
)
"""What makes the figure behind it part of a code: HbA1c, T12, L4-5, COVID-19 in either script."""
_MINUS = re.compile(r"(?<![\w)%])[وفبلك]?-$")
"""A minus, with an Arabic particle before it at most."""
_ROMAN = re.compile(r"(?<![\w-])(?:VI{1,3}|I[VX]|I{2,3}|XI{0,3}|V)(?![\w-])")
_ENUMERATED = re.compile(r"(?<![\w-])(?:vi{1,3}|i[vx]|i{1,3}|v|x)(?=\))")
"""What counts a list: i), ii) and iii)."""
_ROMANS = {"I": 1, "V": 5, "X": 10}
_NAMED = re.compile(r"\s+(?:finger|toe|digit|trimester)", re.IGNORECASE)
"""What a language may name otherwise than by its number."""
_PRONOUN, _STOP = (
    re.compile(r"\bthe\s+$", re.IGNORECASE),
    re.compile(r"\s*(?:[.,;:?!)]|$|(?:apart|alike|together|differ)\b)"),
)
"""Around "the two" that stands for what was named."""
_LATIN_TIMES = re.compile(r"\b(?:[btq]\.i\.d|b\.d|[tq]\.d\.s)\b", re.IGNORECASE)
_WORD_EN = re.compile(r"[A-Za-z]+")
_WORD_AR = re.compile(r"[\u0621-\u064a]+")
_POSSESSED = re.compile(r"(?<=[\u0621-\u064a]{3})(?:ه|ها|هم|هما|هن)$")
_DAYS = ("يوم", "ايام", "ليلة", "صباح", "مساء", "ظهر")
"""What stands before the name of a day: the second one is named like "two"."""
_COUNTED = re.compile(r"[\u0621-\u064a]+ات|ايام|اسابيع|اشهر|شهور|سنين|اعوام|ليال")
"""A plural that a small number stands before."""
_PERCENT = re.compile(r"(?:^|\s)(?:في\s+|ب)الما?ئة$")


@dataclass(frozen=True)
class Number:
    """A number at ``text[start:end]``.

    ``kind``: ``figure``, ``word`` and ``ordinal`` must be in the other language too; ``dual`` is the Arabic
    dual of a time or dose; ``loose`` may or may not be said there (one, both, first, the figure of a code
    such as B12, the dual of any other noun).
    """

    value: str
    start: int
    end: int
    kind: str
    negative: bool = False


@cache
def _words() -> dict[str, Any]:
    text = files("bimedix2.text").joinpath("number_words.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@cache
def _arabic(section: str) -> Mapping[str, int]:
    rows = _words()["arabic"][section]
    return {folded(word): value for value, words in rows.items() for word in words}


def canonical(figure: str) -> str:
    """The value of a figure as text: no thousands' commas, no trailing zeros; a comma may be decimal."""
    if "^" in figure:
        base, power = figure.split("^")
        return f"{canonical(base)}^{power}"
    groups = figure.split(",")
    if len(groups) > 1:
        thousands = all(len(g.split(".")[0]) == 3 for g in groups[1:]) and groups[0] != "0"
        figure = "".join(groups) if thousands or len(groups) > 2 else ".".join(groups)
    try:
        return f"{Decimal(figure).normalize():f}"
    except InvalidOperation:  # 1.2.3, of a version or a date
        return figure


def figures(text: str) -> Iterator[Number]:
    """The figures of a folded text; one that belongs to a code (T12, COVID-19) is ``loose``."""
    for match in _FIGURE.finditer(text):
        before = text[max(0, match.start() - 12) : match.start()]
        code = _CODE_BEFORE.search(before) is not None
        negative = not code and _MINUS.search(before) is not None
        value = canonical(match.group())
        yield Number(value, match.start(), match.end(), "loose" if code else "figure", negative)


def _scaled(number: Number, text: str, scale: Mapping[str, int], word: re.Pattern[str]) -> Number:
    """A figure together with "thousand" or "million" behind it."""
    after = re.match(r"\s+", text[number.end :])
    following = word.match(text, number.end + after.end()) if after else None
    factor = scale.get(following.group().lower()) if following else None
    if factor is None or following is None or not re.fullmatch(r"[\d.]+", number.value):
        return number
    value = canonical(str(Decimal(number.value) * factor))
    return Number(value, number.start, following.end(), "figure", number.negative)


def english_numbers(text: str) -> list[Number]:
    """The numbers of a folded English text in order."""
    words = _words()["english"]
    found = [_scaled(n, text, words["scale"], _WORD_EN) for n in figures(text)]
    found += _english_words(text)
    for match in (*_ROMAN.finditer(text), *_ENUMERATED.finditer(text)):
        found.append(Number(str(_roman(match.group().upper())), *match.span(), "loose"))
    return sorted(found, key=lambda n: n.start)


def _roman(text: str) -> int:
    values = [_ROMANS[c] for c in text]
    return sum(-v if v < max([*values[n:], 0]) else v for n, v in enumerate(values))


def _english_words(text: str) -> Iterator[Number]:
    table = _words()["english"]
    small = {**table["cardinal"], **table["tens"]}
    tokens = [(m.group().lower(), m.start(), m.end()) for m in _WORD_EN.finditer(text)]
    at = 0
    while at < len(tokens):
        word, start, end = tokens[at]
        at += 1
        if word in small and _PRONOUN.search(text[max(0, start - 4) : start]) and _STOP.match(text, end):
            yield Number(str(small[word]), start, end, "loose")  # nothing between the two
        elif word in small or (word in ("one", "a") and at < len(tokens) and tokens[at][0] == "hundred"):
            value, at, end = _english_run(tokens, at, small, table["scale"])
            ordinal = tokens[at][0] if at < len(tokens) else ""
            if value % 10 == 0 and ordinal in table["ordinal"] and text[end : end + 1] == "-":
                value, end, at = value + table["ordinal"][ordinal], tokens[at][2], at + 1
            yield Number(str(value), start, end, "word")
        elif word in table["multiple"]:
            yield Number(str(table["multiple"][word]), start, end, "word")
        elif word in table["ordinal"]:
            named = _NAMED.match(text, end)  # the little finger, the last trimester
            yield Number(str(table["ordinal"][word]), start, end, "loose" if named else "ordinal")
        elif word in table["loose"]:
            yield Number(str(table["loose"][word]), start, end, "loose")
    for match in re.finditer(r"\b(?:every|each) (?:other|second)\b|\balternate\b", text, re.IGNORECASE):
        yield Number("2", *match.span(), "loose")
    for match in _LATIN_TIMES.finditer(text):
        yield Number(str(table["loose"][match.group().replace(".", "").lower()]), *match.span(), "loose")
    for match in re.finditer(r"\b(\d+)(?:st|nd|rd|th)\b", text):
        yield Number(match[1], match.start(), match.end(), "loose")


def _english_run(
    tokens: list[tuple[str, int, int]], at: int, small: Mapping[str, int], scale: Mapping[str, int]
) -> tuple[int, int, int]:
    """The value of the number word before ``at`` and of those that continue it; where they end."""
    total, part, end = 0, small.get(tokens[at - 1][0], 1), tokens[at - 1][2]
    while at < len(tokens) and tokens[at][1] - end <= 5:
        word = tokens[at][0]
        after = tokens[at + 1][0] if at + 1 < len(tokens) else ""
        joined = word == "and" and part % 100 == 0 and part >= 100 and after in small
        if word == "hundred":
            part *= 100
        elif word in scale:
            total, part = total + part * scale[word], 0
        elif word in small and _goes_on(part, small[word]):
            part += small[word]
        elif not joined:
            break
        end = tokens[at][2]
        at += 1
    return total + part, at, end


def _goes_on(part: int, small: int) -> bool:
    """Whether a number below a hundred goes on with another: twenty five, three hundred twelve."""
    if part % 100 == 0:
        return part >= 100
    return part % 10 == 0 and small < 10


def arabic_numbers(text: str) -> list[Number]:
    """The numbers of a folded Arabic text in order."""
    # Behind a figure the form of two thousand is the accusative of one.
    scale = {word: value // int(str(value)[0]) for word, value in _arabic("thousands").items()}
    found = [_scaled(n, text, scale, _WORD_AR) for n in figures(text)]
    covered = {place for n in found for place in range(n.start, n.end)}
    found += [n for n in _arabic_words(text) if n.start not in covered]
    return sorted(found, key=lambda n: n.start)


@dataclass(frozen=True)
class _Token:
    word: str
    start: int
    end: int

    def bare(self, section: str) -> int | None:
        """The value of the word in a section of the table, with or without what is attached to it."""
        table = _arabic(section)
        for shorter in _without_clitics(self.word):
            if shorter in table:
                return table[shorter]
        return None

    @property
    def joins(self) -> bool:
        return self.word.startswith("و")


@lru_cache(16384)
def _without_clitics(word: str) -> tuple[str, ...]:
    found = [word]
    if word in ("لست", "ولست", "فلست"):  # "I am not"; for six of something is read with its noun
        return (word,)
    for pattern in (r"[وف]", r"[بكل]", r"[وف][بكل]", r"ال", r"[وف]ال", r"[وف]?[بك]ال", r"[وف]?لل"):
        match = re.match(pattern, word)
        if match and len(word) - match.end() >= 2:
            found.append(word[match.end() :])
    return tuple(found)


def _arabic_words(text: str) -> Iterator[Number]:
    tokens = [_Token(m.group(), *m.span()) for m in _WORD_AR.finditer(text)]
    at = 0
    while at < len(tokens):
        read = _cardinal(tokens, at, text) or _ordinal(tokens, at) or _other(tokens[at])
        if read is None:
            at += 1
            continue
        value, count, kind = read
        yield Number(value, tokens[at].start, tokens[at + count - 1].end, kind)
        at += count


def _cardinal(tokens: list[_Token], at: int, text: str) -> tuple[str, int, str] | None:
    """The cardinal number that begins at a token: its value, how many tokens it has, and its kind."""
    token = tokens[at]
    following = tokens[at + 1] if at + 1 < len(tokens) else _Token("", 0, 0)
    if token.word in ("لست", "ولست", "فلست") and _COUNTED.fullmatch(following.word):
        return "6", 1, "word"
    ten = following.word in ("عشر", "عشرة")
    if ten and (first := token.bare("before_ten")) is not None:
        article = "ال" in token.word[:4] and first == 2  # the duodenum
        return str(10 + first), 2, "loose" if article else "word"
    if at and tokens[at - 1].word in _DAYS and token.bare("unit") == 2:
        return None  # Monday
    total, used, last = 0, 0, 10**9
    while at + used < len(tokens):
        token = tokens[at + used]
        if used and not token.joins:
            break
        part = _part(tokens, at + used, text)
        if part is None or not _continues(total, part[0], last, used):
            break
        total, used, last = total + part[0], used + part[1], part[0]
    if not used:
        return None
    return str(total), used, "loose" if total <= 1 or (total == 2 and "ال" in tokens[at].word[:3]) else "word"


def _continues(total: int, part: int, last: int, used: int) -> bool:
    """Whether "and" and a part go on with a number: three and twenty, a hundred and fifty."""
    if not used:
        return True
    return (0 < total % 100 < 10 and part in range(20, 91, 10)) or (last >= 100 and part < last)


def _part(tokens: list[_Token], at: int, text: str) -> tuple[int, int] | None:
    token = tokens[at]
    after = tokens[at + 1] if at + 1 < len(tokens) else _Token("", 0, 0)
    hundreds = token.bare("hundreds")
    if hundreds is not None:
        percent = _PERCENT.search(text[max(0, token.start - 5) : token.end])
        if hundreds == 100 and percent:
            return None
        scale = _arabic("thousands").get(after.word, 0)
        return (hundreds * scale, 2) if scale in (1000, 10**6) else (hundreds, 1)
    thousands = token.bare("thousands")
    if thousands is not None and thousands != 1000:
        return thousands, 1
    value = token.bare("tens") or token.bare("unit")
    if value is None:
        return None
    if value < 10 and after.word in ("عشر", "عشرة"):
        return value + 10, 2
    if value > 2 and after.word in _arabic("hundreds") and _arabic("hundreds")[after.word] == 100:
        return value * 100, 2
    if value > 2 and after.word in _arabic("thousands"):
        return value * _arabic("thousands")[after.word], 2
    return value, 1


def _ordinal(tokens: list[_Token], at: int) -> tuple[str, int, str] | None:
    value = tokens[at].bare("ordinal")
    if value is None:
        return None
    after = tokens[at + 1] if at + 1 < len(tokens) else _Token("", 0, 0)
    if after.word in ("عشر", "عشرة") and value < 10:
        return str(10 + value), 2, "ordinal"
    tens = after.bare("tens") if after.joins else None
    if tens is not None and value < 10:
        return str(tens + value), 2, "ordinal"
    return str(value), 1, "ordinal" if value > 2 else "loose"


@cache
def _duals() -> tuple[frozenset[str], frozenset[str]]:
    """Every form of the duals that are certainly two, and the words that only look like one."""
    table = _words()["arabic"]
    certain: set[str] = set()
    for word in map(folded, table["dual"]):
        stem, more = (f"{word[:-1]}ت", ("ا",)) if word.endswith("ة") else (word, ())
        certain |= {f"{stem}{end}" for end in ("ان", "ين", *more)}
    return frozenset(certain), frozenset(map(folded, table["no_dual"]))


_SHORT = ("فص", "يد", "كف", "فك", "خد")
"""Nouns of two letters whose dual has four: lobe, hand, palm, jaw, cheek."""


def _other(token: _Token) -> tuple[str, int, str] | None:
    certain, never = _duals()
    forms = _without_clitics(token.word)
    if any(form in certain for form in forms):
        # "The two discs", and "the two scores of" something, may have the two from what is named beside them.
        known = re.match(r"[وف]?(?:[بك]?ال|لل)", token.word) or re.search(r"تا$", token.word)
        return "2", 1, "loose" if known else "dual"
    if any(form in ("ضعفي", "ضعفا") for form in forms):  # double, and weakness too
        return "2", 1, "loose"
    if token.bare("thousands") == 1000:  # also the name of the letter alef
        return "1000", 1, "loose"
    loose = token.bare("loose")
    if loose is not None:
        return str(loose), 1, "loose"
    if any(form in _arabic("fraction") for form in forms):
        return None
    ends = (len(token.word) >= 5 or token.word[:2] in _SHORT) and re.search(
        r"(?:ان|ين|تا|تي|يه[ام]?|اه[ام]?|يك)$", token.word
    )
    if ends and not any(form in never for form in forms):
        return "2", 1, "loose"
    return None


def fractions(text: str, tongue: str) -> list[Number]:
    """Halves, thirds and quarters: words such as half, whose Arabic has other senses too."""
    if tongue == "ar":
        table: Mapping[str, Any] = _arabic("fraction")
        forms = ((m, _without_clitics(_POSSESSED.sub("", m.group()))) for m in _WORD_AR.finditer(text))
    else:
        table = _words()["english"]["fraction"]
        forms = ((m, (m.group().lower(),)) for m in _WORD_EN.finditer(text))
    return [
        Number(table[word], match.start(), match.end(), "fraction")
        for match, words in forms
        for word in words
        if word in table
    ]
