"""Drug names: each of the source is in the translation, found by its sound, and no other drug is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from bimedix2.language import glossary
from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import ARABIC, Failure, Span, arabic, table
from bimedix2.text.fold import folded

LIKE = 0.72
"""How much alike the consonants of a name and of an Arabic word must be, from 0 to 1, to be the same drug."""
CERTAIN = 0.95
"""How much alike they must be for an Arabic word to be a drug that the source does not name."""
CLASSES = {
    "vaccine",
    "antibiotic",
    "corticosteroid",
    "anticoagulant",
    "diuretic",
    "analgesic",
    "placebo",
    "drug",
}
"""Glossary entries that name no single drug."""

_WORD = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*")
_ARABIC = re.compile(f"[{ARABIC}]+")
_LETTERS = (
    ("ph", "f"),
    ("tch", "t"),
    ("th", "t"),
    ("ch", "k"),
    ("sh", "s"),
    ("ck", "k"),
    ("qu", "k"),
    ("x", "ks"),
)
_ENGLISH = str.maketrans(
    {"b": "b", "p": "b", "v": "f", "j": "g", "q": "k", "z": "s", "w": "", "y": "", "a": "", "e": ""}
    | {"i": "", "o": "", "u": "", "-": ""}
)
_SOUNDS = {
    **dict.fromkeys("ب", "b"),
    **dict.fromkeys("تطث", "t"),
    **dict.fromkeys("دضذ", "d"),
    **dict.fromkeys("جغ", "g"),
    **dict.fromkeys("كقخ", "k"),
    **dict.fromkeys("سشزصظ", "s"),
    "ف": "f",
    "ل": "l",
    "م": "m",
    "ن": "n",
    "ر": "r",
    **dict.fromkeys("هح", "h"),
}


@lru_cache(65536)
def sound(word: str) -> str:
    """The consonants of an English or Arabic word, in classes that both spellings of a name share."""
    if _ARABIC.match(word):
        letters = "".join(_SOUNDS.get(char, "") for char in word)
    else:
        word = word.lower()
        for old, new in _LETTERS:
            word = word.replace(old, new)
        word = re.sub(r"c(?=[eiy])", "s", word).replace("c", "k")
        letters = word.translate(_ENGLISH)
    return re.sub(r"(.)\1+", r"\1", letters)


@lru_cache(65536)
def alike(first: str, second: str) -> float:
    """One less the edit distance of two strings in parts of the longer one."""
    if first == second:
        return 1.0
    if not first or not second or abs(len(first) - len(second)) > 0.5 * max(len(first), len(second)):
        return 0.0
    row = list(range(len(second) + 1))
    for i, one in enumerate(first, 1):
        last, row[0] = row[0], i
        for j, two in enumerate(second, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (one != two))
    return 1 - row[-1] / max(len(first), len(second))


@dataclass(frozen=True)
class Drug:
    """A drug: its English names, and Arabic ones that its sound does not give away."""

    names: tuple[str, ...]
    ar: tuple[str, ...] = ()


@cache
def drugs() -> dict[str, Drug]:
    """English name -> drug, of the checks' own list and of the shipped glossary."""
    rows = table("drugs")
    own: dict[str, list[str]] = {folded(k): v for k, v in rows["ar"].items()}
    groups = [tuple(names) for names in rows["synonyms"]] + [(name,) for name in rows["names"].split()]
    groups += [(name,) for name in own]
    for term in glossary.load():
        if term.kind == "drug" and term.en not in CLASSES:
            groups.append((term.en, *(name.lower() for name in term.en_accept)))
            own.setdefault(term.en, []).extend((term.ar, *term.accept))
    found: dict[str, Drug] = {}
    for names in groups:
        known = next((found[name] for name in names if name in found), Drug(()))
        every = tuple(dict.fromkeys((*known.names, *names)))
        drug = Drug(every, tuple(dict.fromkeys(form for name in every for form in own.get(name, ()))))
        found.update(dict.fromkeys(every, drug))
    return found


@cache
def _english() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of the names that are known, and of names that end like a drug's."""
    known = sorted(drugs(), key=len, reverse=True)
    ends = "|".join(table("drugs")["endings"])
    return (
        re.compile(rf"(?<![A-Za-z])(?:{'|'.join(map(re.escape, known))})s?(?![A-Za-z])", re.IGNORECASE),
        re.compile(rf"(?<![A-Za-z])[A-Za-z]{{3,}}(?:{ends})(?![A-Za-z])", re.IGNORECASE),
    )


def english_drugs(text: str) -> list[tuple[Span, Drug]]:
    """The drugs that an English text names."""
    known, ends = _english()
    found = [(m.span(), drugs()[_name(m.group())]) for m in known.finditer(text)]
    for match in ends.finditer(text):
        if not any(start <= match.start() < end for (start, end), _ in found) and len(match.group()) >= 7:
            found.append((match.span(), Drug((match.group().lower(),))))
    return sorted(found, key=lambda row: row[0])


def _name(written: str) -> str:
    name = written.lower()
    return name if name in drugs() else name.removesuffix("s")


@dataclass(frozen=True)
class Heard:
    """An Arabic word, or two side by side, with the sounds that it may have without its particles."""

    span: Span
    sounds: tuple[str, ...]
    vowels: int
    words: int = 1


def _heard(text: str) -> list[Heard]:
    words = [(m.group(), m.start(), m.end()) for m in _ARABIC.finditer(text)]
    found = []
    for n, (word, start, end) in enumerate(words):
        found.append(Heard((start, end), _sounds(word), _vowels(word)))
        if n + 1 < len(words) and text[end : words[n + 1][1]] in (" ", "-"):
            both = word + words[n + 1][0]
            found.append(Heard((start, words[n + 1][2]), _sounds(both), _vowels(both), 2))
    return found


def _vowels(word: str) -> int:
    return sum(word.count(letter) for letter in "اوي")


@lru_cache(16384)
def _sounds(word: str) -> tuple[str, ...]:
    found = {sound(word)}
    for cut in (r"ال", r"[وف]", r"[بكل]", r"[وف]?(?:ال|لل|[بك]ال)", r"[وف][بكل]"):
        match = re.match(cut, word)
        if match:
            found.add(sound(word[match.end() :]))
    return tuple(sorted(found))


@lru_cache(16384)
def _bare(word: str) -> str:
    """The sound of a word without its article and the particles before it."""
    return sound(re.sub(r"^[وف]?(?:[بك]?ال|لل)", "", word))


def _best(drug: Drug, heard: Heard) -> float:
    return max(
        (alike(sound(name), said) for name in drug.names for said in heard.sounds if said), default=0.0
    )


@lru_cache(4096)
def _closest(sounds: tuple[str, ...]) -> tuple[float, str]:
    """How much alike the closest known drug is, and its name."""
    first = {said[0] for said in sounds if said}
    best = (0.0, "")
    for name in drugs():
        own = sound(name)
        if own and own[0] in first:
            best = max(best, (max(alike(own, said) for said in sounds), name))
    return best


def check(context: Context) -> Iterator[Failure]:
    """Drugs of the source found in the translation, and drugs there that the source does not name."""
    pair = context.pair
    named = english_drugs(pair.en.text)
    heard = _heard(pair.ar.outside)
    used: list[Span] = []
    for span, drug in named:
        spans = _find(drug, heard, pair.ar.outside, named)
        used += spans
        if not spans and not _kept(drug, pair.ar.outside):
            why = f"The translation does not name {pair.en.words([span])}; write this drug's Arabic name."
            yield pair.fail("drugs", why, [span])
    yield from _others(context, named, heard, used)
    yield from _fewer(context, named, heard)


def _find(drug: Drug, heard: list[Heard], text: str, named: list[tuple[Span, Drug]]) -> list[Span]:
    """Where an Arabic text names a drug.

    A word that sounds more like a drug which the source does not name is that other drug.
    """
    if drug.ar:
        spans = [m.span() for m in arabic(drug.ar).finditer(text)]
        if spans:
            return spans
    mine = {name for _, other in named for name in other.names} | set(drug.names)
    found = []
    for word in heard:
        score = _best(drug, word)
        if score < LIKE:
            continue
        closest, name = _closest(word.sounds)
        if closest <= score or name in mine or drug.names[0] not in drugs():
            found.append(word.span)
    return found


def _kept(drug: Drug, text: str) -> bool:
    """Whether the translation has the name in Latin letters, outside brackets."""
    return any(re.search(rf"(?<![A-Za-z]){re.escape(name)}", text, re.IGNORECASE) for name in drug.names)


def _others(
    context: Context, named: list[tuple[Span, Drug]], heard: list[Heard], used: list[Span]
) -> Iterator[Failure]:
    pair = context.pair
    mine = {name for _, drug in named for name in drug.names} | _abbreviated(pair.en.text)
    said = {sound(word) for word in _WORD.findall(pair.en.text)}
    for form, name in _arabic_names():
        for match in form.finditer(pair.ar.outside):
            taken = any(start < match.end() and match.start() < end for start, end in used)
            if not taken and name not in mine and not _spoken(sound(match.group()), said):
                used.append(match.span())
                yield _another(context, match.span())
    for word in heard:
        taken = any(start < word.span[1] and word.span[0] < end for start, end in used)
        if taken or word.words > 1 or word.vowels < 2:
            continue
        # The article is no part of a name here: with it the cancer sounds like losartan.
        written = pair.ar.outside[word.span[0] : word.span[1]]
        bare = _bare(written)
        # An adjective of relation, such as "of cholesterol", is no name.
        if len(bare) < 5 or re.search(r"(?:ي|ية)$", written):
            continue
        closest, name = _closest((bare,))
        if closest >= CERTAIN and name not in mine and not _spoken(bare, said):
            used.append(word.span)
            yield _another(context, word.span)


@cache
def _short() -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
    """Abbreviations, brands and groups, with the drugs that a translation may name for them."""
    return tuple(
        (
            re.compile(rf"(?<![A-Za-z])(?:{'|'.join(map(re.escape, row['en']))})s?(?![A-Za-z])"),
            frozenset(row["of"]),
        )
        for row in table("drugs")["may"]
    )


def _abbreviated(text: str) -> set[str]:
    found = (name for pattern, names in _short() if pattern.search(text) for name in names)
    return {other for name in found for other in (drugs()[name].names if name in drugs() else (name,))}


def _spoken(heard: str, said: set[str]) -> bool:
    """Whether a word of the source sounds like an Arabic one: then it is no drug of the translation's own."""
    return any(alike(one, heard) >= LIKE or one.endswith(heard) for one in said if len(one) > 2)


def _another(context: Context, span: Span) -> Failure:
    said = context.pair.ar.words([span])
    why = f"The translation names {said}, a drug that the source does not name; keep the source's drug."
    return context.pair.fail("drugs", why, (), [span])


@cache
def _arabic_names() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Patterns of the Arabic names that are written down, one a drug."""
    different = {drug.names[0]: drug for drug in drugs().values() if drug.ar}
    body = set(table("drugs")["body"])
    # A name of several words may describe what the body makes: the antidiuretic hormone.
    single = {
        name: forms
        for name, drug in different.items()
        if not body & set(drug.names) and (forms := tuple(form for form in drug.ar if " " not in form))
    }
    return tuple((arabic(forms), name) for name, forms in single.items())


def _fewer(context: Context, named: list[tuple[Span, Drug]], heard: list[Heard]) -> Iterator[Failure]:
    """Of two drugs, one named in the other's place too."""
    text = context.pair.ar.outside
    words = {word.span: word for word in heard}
    claims: dict[Span, list[tuple[float, Drug]]] = {}
    for drug in {id(drug): drug for _, drug in named}.values():
        for span in _find(drug, heard, text, named):
            score = 1.0 if drug.ar or span not in words else _best(drug, words[span])
            claims.setdefault(span, []).append((score, drug))
    counts = {}
    for _, drug in named:
        # A word is the drug that it sounds most like: prilocaine is no bupivacaine.
        spans = [span for span, of in claims.items() if max(of, key=lambda claim: claim[0])[1] is drug]
        counts[drug.names[0]] = (sum(d is drug for _, d in named), len(_apart(spans)), spans)
    lost = [name for name, (asked, there, _) in counts.items() if 0 < there < asked]
    more = [name for name, (asked, there, _) in counts.items() if there > asked]
    if lost and more:
        why = f"The translation names {', '.join(more)} in the place of {', '.join(lost)}; keep each drug."
        yield context.pair.fail("drugs", why, (), [s for name in more for s in counts[name][2]])


def _apart(spans: list[Span]) -> list[Span]:
    """Spans without those that overlap an earlier one."""
    found: list[Span] = []
    for span in sorted(spans):
        if not found or span[0] >= found[-1][1]:
            found.append(span)
    return found
