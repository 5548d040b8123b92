"""The language of a translation: no English left over, no dialect, no repetition, the right script."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import ARABIC, Failure, Side, Span, table
from bimedix2.language.checks.units import is_unit
from bimedix2.text.arabic import without_marks

_LATIN_WORD = re.compile(r"(?<![A-Za-z\d])[A-Za-z][A-Za-z'\u00c0-\u024f]*(?:-[A-Za-z]+)*(?![A-Za-z\d])")
_KEEP = re.compile(
    r"(?<![A-Za-z])[Aa]nti-(?=[A-Z]|ds|ss|centro|histone|mito|nucl)[\w-]+|"
    r"<[^<>\n]*>|\{[^{}\n]*\}|https?://\S+|\S+@\S+\.\S+|`[^`\n]*`|\"[\w ]+\"\s*:|\[[A-Z_ ]+\]"
)
_SPECIES = re.compile(
    r"(?<![A-Za-z])(?:[A-Z]\. ?[a-z]{3,}|"
    r"[A-Z][a-z]{3,} (?:[a-z]{3,}(?:ae|us|um|is|ns|es|i|a|ax|or)|spp?\.?))"
    r"(?![A-Za-z])"
)
"""Names of organisms, which medical Arabic writes in Latin letters: genus and species."""
_GRADED = re.compile(
    r"(?<![A-Za-z])[A-Z][a-z]{2,}(?:-[A-Z][a-z]+)? "
    r"(?=(?:\d[a-d]?|[IVX]{1,4}[a-dA-DF]?|[A-D]\d?)(?![A-Za-z\d]))"
)
"""A person's name that a class or a grade follows: Marsh 3c, Child-Pugh B, Bosniak IIF."""
_BRAND = re.compile(
    r"(?<![A-Za-z])(?:[A-Z][a-z]+[A-Z][a-z]+(?: (?:Technologies|Inc|Ltd|Corporation|GmbH)\.?)?"
    r"|Diff-Quik|[A-Z][A-Za-z]+(?=[®™])|(?:Fischer|Wistar|Sprague[ -]Dawley) )"
)
"""Names of makers, products and strains, which are kept: OraQuick, Diff-Quik, Wistar rats."""
_KNOWN = {
    "pH",
    "pKa",
    "vs",
    "von",
    "de",
    "et",
    "al",
    "Fab",
    "mRNA",
    "tRNA",
    "siRNA",
    "cDNA",
    "eGFR",
    "mTOR",
    *("in", "vitro", "vivo", "situ", "novo", "neu", "ppm", "rpm", "cfu"),
}
"""Latin words that Arabic medical text keeps."""
_PREFIXES = {
    "alpha",
    "beta",
    "gamma",
    "delta",
    "kappa",
    "lambda",
    "anti",
    "pro",
    "pre",
    "post",
    "non",
    "free",
    "co",
}
"""What a code keeps before it."""
_FOREIGN = re.compile(r"[\u0400-\u052f\u0590-\u05ff\u0900-\u0dff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]+")
"""Cyrillic, Hebrew, Indic, Japanese, Chinese, Korean."""
_PERSIAN = re.compile(r"[\u0679\u067e\u0686\u0688\u0691\u0698\u06a9\u06af\u06ba\u06be\u06c1\u06d2]")
LONGEST = 60
"""Characters of a bracket that still names a term; a longer one holds a sentence."""
REPEATS = 4
"""How often a group of words may stand in a row before it is a loop."""


def english(context: Context) -> Iterator[Failure]:
    """Latin words in an Arabic translation that are neither in brackets behind their Arabic nor a code."""
    pair = context.pair
    if pair.target.tongue == "en":
        yield from _arabic_left(context)
        return
    text = pair.ar.outside
    source = pair.en.text
    text = _KEEP.sub(lambda m: " " * len(m.group()), text)
    for pattern in (_SPECIES, _GRADED, _BRAND):
        # As the source writes it: other Latin words in a row are English.
        text = pattern.sub(lambda m: " " * len(m.group()) if m.group().strip() in source else m.group(), text)
    found = [m.span() for m in _LATIN_WORD.finditer(text) if _is_word(m.group())]
    found += _bare_brackets(pair.ar)
    if found:
        why = (
            f"The translation leaves {pair.ar.words(sorted(found)[:5])} in English; translate it, with the "
            "English term in brackets behind the Arabic at most."
        )
        yield pair.fail("english", why, (), sorted(found))


def _is_word(word: str) -> bool:
    """Whether Latin letters are an English word, not an abbreviation, a unit or a single letter."""
    if len(word) < 3 or word in _KNOWN or is_unit(word):
        return len(word) == 2 and word.islower() and word not in _KNOWN and not is_unit(word)
    capitals = sum(c.isupper() for c in word)
    parts = word.split("-")
    if len(parts) > 1 and all(p.lower() in _PREFIXES or _is_code(p) for p in parts):
        return False  # beta-hCG, anti-dsDNA
    if any(len(p) == 1 and p.isupper() for p in parts) and len(parts) == 2:
        return len(max(parts, key=len)) > 7  # T-score stays, X-radiation does not
    return capitals < 2 or (capitals / len(word) < 0.4 and len(word) > 5)


def _is_code(part: str) -> bool:
    """Whether a part of a compound is an abbreviation: two capitals at least, or a single letter."""
    return len(part) == 1 or sum(c.isupper() for c in part) > 1


def _bare_brackets(side: Side) -> list[Span]:
    """Brackets of English that follow no Arabic, or hold more than a term."""
    found = []
    for match in re.finditer(r"\(([^()\n]*[a-z]{3}[^()\n]*)\)", side.text):
        if re.search(f"[{ARABIC}]", match[1]) or "<" in match[1]:
            continue
        before = side.text[: match.start()].rstrip(" \"'")
        # A code such as "type B" may stand between the Arabic and its English.
        behind = re.search(rf"(?:[{ARABIC}\d%]|(?<![A-Za-z])[A-Z][A-Z\d]{{0,4}})$", before)
        if len(match[1]) > LONGEST or not (behind or before.endswith((")", ">"))):
            found.append(match.span())
    return found


def _arabic_left(context: Context) -> Iterator[Failure]:
    side = context.pair.target
    found = [m.span() for m in re.finditer(f"[{ARABIC}][{ARABIC} ]*", side.text)]
    if found:
        why = f"The translation leaves {side.words(found[:5])} in Arabic; translate it."
        yield Failure("english", why, (), side.original(found))


@cache
def _dialect() -> tuple[dict[str, str], frozenset[str], re.Pattern[str], re.Pattern[str]]:
    rows = table("dialect")
    strong: dict[str, str] = {}
    for region, words in rows["strong"].items():
        for word in words:
            strong.setdefault(word, region)
    beside = rf"(?<![{ARABIC}])(?:{'|'.join(rows['phrases'])})(?![{ARABIC}])"
    return strong, frozenset(rows["weak"]), re.compile("|".join(rows["shapes"])), re.compile(beside)


_DIALYSIS = re.compile(r"dialy[sz]", re.IGNORECASE)
"""Its Arabic name is written like the Moroccan word for "of"."""


def dialect(context: Context) -> Iterator[Failure]:
    """Words of the spoken dialects in a text that should be Modern Standard Arabic."""
    side = context.pair.target
    if side.tongue != "ar":
        return
    strong, weak, shapes, beside = _dialect()
    never = table("dialect")["never"]
    text = without_marks(side.raw)
    if _DIALYSIS.search(context.pair.en.raw):
        text = re.sub(rf"(?<![{ARABIC}])و?ديال(?![{ARABIC}])", " ", text)
    found: list[str] = []
    half: set[str] = set()
    for word in re.findall(rf"[{ARABIC}\u0671-\u06d3]+", text):
        forms = (word, word[1:]) if word[0] == "و" and word not in never else (word,)
        if any(form in strong or shapes.fullmatch(form) for form in forms):
            found.append(word)
        half.update(form for form in forms if form in weak)
    phrases = [p for p in strong if " " in p and re.search(rf"(?<![{ARABIC}]){p}(?![{ARABIC}])", text)]
    phrases += [m.group() for m in beside.finditer(text)]
    words = list(dict.fromkeys(found + phrases)) or (sorted(half) if len(half) > 1 else [])
    if words:
        why = f"The translation has dialect ({', '.join(words[:6])}); write Modern Standard Arabic."
        spans = [
            m.span()
            for w in words
            for m in re.finditer(rf"(?<![{ARABIC}]){re.escape(w)}(?![{ARABIC}])", side.raw)
        ]
        yield Failure("dialect", why, (), tuple(sorted(set(spans))))


def repetition(context: Context) -> Iterator[Failure]:
    """The same words over and over, as a model that is caught in a loop writes them."""
    side = context.pair.target
    tokens = [(m.group(), m.start(), m.end()) for m in re.finditer(r"\w+", side.text)]
    words = [token for token, _, _ in tokens]
    for length in range(1, 13):
        run = 0
        for at in range(length, len(words)):
            run = run + 1 if words[at] == words[at - length] else 0
            if run >= length * (REPEATS - 1) and not all(
                w.isdigit() for w in words[at - length + 1 : at + 1]
            ):
                start = tokens[at - run - length + 1][1]
                said = " ".join(words[at - length + 1 : at + 1])
                why = f"The translation repeats '{said}' over and over; translate each sentence once."
                yield Failure("repetition", why, (), side.original([(start, tokens[at][2])]))
                return
    yield from _sentences(context)


def _sentences(context: Context) -> Iterator[Failure]:
    """A long sentence that stands in the translation more often than any does in the source."""
    source, target = context.pair.source, context.pair.target
    most = max(Counter(source.text[a:b] for a, b in source.sentences).values(), default=1)
    for text, count in Counter(target.text[a:b] for a, b in target.sentences).items():
        if count > most and len(text) > 25:
            spans = [span for span in target.sentences if target.text[span[0] : span[1]] == text]
            why = f"The translation has the sentence '{text}' {count} times; say it once."
            yield Failure("repetition", why, (), target.original(spans))


def language(context: Context) -> Iterator[Failure]:
    """A translation in the language that was asked for, in one script."""
    side = context.pair.target
    wanted = {"ar": "Arabic", "en": "English"}[side.tongue]
    if not re.search(r"\w", side.text):
        if re.search(r"\w", context.pair.source.text):
            yield Failure("language", f"The translation is empty; write it in {wanted}.")
        return
    if _mostly_other(side):
        why = f"The translation is not in {wanted}; translate it into {wanted}."
        yield Failure("language", why, (), ((0, len(side.raw)),))
    foreign = [m.span() for m in _FOREIGN.finditer(side.raw)]
    if side.tongue == "ar":
        # Persian letters write foreign names in Arabic too: one or two are no other language.
        persian = [m.span() for m in _PERSIAN.finditer(side.raw)]
        foreign += persian if len(persian) > 2 else []
    if foreign:
        said = ", ".join(f"'{side.raw[start:end]}'" for start, end in foreign[:5])
        why = f"The translation has letters of another language ({said}); write {wanted}."
        yield Failure("language", why, (), tuple(foreign))


def _mostly_other(side: Side) -> bool:
    """Whether most letters are of the other script, abbreviations, units and protected spans aside."""
    text = _SPECIES.sub(" ", _KEEP.sub(" ", side.outside))
    arabic = len(re.findall(f"[{ARABIC}]", text))
    latin = sum(len(m.group()) for m in _LATIN_WORD.finditer(text) if _is_word(m.group()))
    return latin > arabic if side.tongue == "ar" else arabic > latin
