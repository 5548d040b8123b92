"""What an answer in free words gets wrong, by comparing what it says with what its reference says.

Rules and word lists alone, both languages, the two texts in the same one or not. A word that no list knows
says nothing: an answer whose difference no rule names is ``other``. Denied findings are told by their place
in the clause, after NegEx (Chapman et al. 2001, J Biomed Inform 34:301): from a word that denies to the
clause's end, or the whole clause where "is not seen" follows its finding.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.evaluate.errors.classes import CONTRADICTS, OMITS, Fault
from bimedix2.evaluate.metrics.vqa_arabic import NO, YES, polarity
from bimedix2.language import glossary
from bimedix2.language.checks.laterality import named as sides_named
from bimedix2.language.checks.levels import level_spans, levels
from bimedix2.language.checks.numbers import STRICT
from bimedix2.language.checks.pair import Side, Tongue, arabic, english, inside, table
from bimedix2.language.checks.places import of_term, places
from bimedix2.language.concepts import mentions
from bimedix2.text.arabic import normalise, script
from bimedix2.text.numbers import arabic_numbers, english_numbers

STUDY = ("plane", "projection", "view", "stain")
"""Kinds of a study beside its modality. Windows are left out: their words are organs'."""
SIGNS = ("finding", "disease")
"""Kinds of glossary terms that are findings."""
_CLAUSE = re.compile(
    r"[.!?؟;؛\n]+"
    r"|(?<!\w)(?:but|however|although|though|whereas|while|except|ولكن|لكن|بينما|إلا أن|غير أن)(?!\w)",
    re.IGNORECASE,
)
_SEEN = re.compile(
    r"^\s*(?:been\s+)?(?:seen|present|identified|evident|visible|visuali[sz]ed|observed|detected|demonstrated|noted|found"
    r"|موجود\w*|ظاهر\w*|مرئي\w*|واضح\w*)",
    re.IGNORECASE,
)
"""After a word that denies: what stood before it is denied."""
SHORT = 3
"""Words of a text that is a yes or a no and little else."""
_OPENINGS = [[normalise(word)] for words in (YES, NO) for tongue in words for word in words[tongue]]


@dataclass(frozen=True)
class Said:
    """What a text says, by kind; ``findings`` are affirmed ones, ``denied`` the others."""

    tongue: Tongue
    polarity: str
    closed: bool
    """Whether it answers with yes or no: a few words, or an opening yes or no."""
    modality: frozenset[str]
    study: frozenset[tuple[str, str]]
    sites: frozenset[frozenset[str]]
    """Of each word that names a place, the sites that it can stand for."""
    findings: frozenset[str]
    denied: frozenset[str]
    families: frozenset[str]
    kinds: frozenset[tuple[str, str]]
    levels: frozenset[str]
    sides: frozenset[str]
    numbers: frozenset[str]


@cache
def _families() -> dict[str, Any]:
    text = files("bimedix2.evaluate.errors").joinpath("families.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def _pattern(words: dict[str, list[str]], tongue: Tongue) -> re.Pattern[str]:
    return english(tuple(words["en"])) if tongue == "en" else arabic(tuple(words["ar"]))


def _denials(tongue: Tongue) -> re.Pattern[str]:
    rows = table("negation")
    if tongue == "en":
        words = [w for row in rows["english"]["lexical"][:1] for w in row["en"]]
        return english(
            (*rows["english"]["strong"], *words, "free of", "free from", "clear of", "negative for")
        )
    strong = [f"={word}" for word in rows["arabic"]["strong"]]
    return arabic((*strong, "غياب", "خال", "خالية", "يخلو", "تخلو", "انعدام"))


def _parts(side: Side) -> Iterator[tuple[str, bool]]:
    """Pieces of a text, each affirmed or denied."""
    pattern = _denials(side.tongue)
    for clause in _CLAUSE.split(side.text):
        match = pattern.search(clause)
        if match is None:
            yield clause, False
        elif _SEEN.match(clause[match.end() :]) or re.match(r"abs|غائب", match.group(), re.IGNORECASE):
            yield clause, True
        else:
            yield clause[: match.start()], False
            yield clause[match.start() :], True


@cache
def _terms() -> tuple[glossary.Term, ...]:
    """Findings and diseases of the glossary; adjectives such as "acute" are kinds, not findings."""
    kinds = {
        word for family in _families().values() for kind in family["kinds"].values() for word in kind["en"]
    }
    general = {"finding", "abnormality", "lesion", "focal", "diffuse"}
    return tuple(t for t in glossary.load() if t.kind in SIGNS and t.en not in kinds | general)


def _findings(piece: str, tongue: Tongue) -> set[glossary.Term]:
    if tongue == "en":
        known = set(_terms())
        found = {one.term for one in glossary.find(piece) if one.term in known}
    else:
        found = {term for term in _terms() if glossary.says(term, piece)}
    # Of "pleural effusion" and "effusion" in one place the longer is meant.
    return {t for t in found if not any(t.en != other.en and t.en in other.en.split() for other in found)}


@cache
def _own_sites(term: glossary.Term) -> frozenset[str]:
    """Places in the name of a finding: who says pneumonia has not said where."""
    return of_term(term) | {name for place in places(Side(term.en, "en")) for name in place.sites}


def _in_family(name: str) -> str:
    """A finding's family where it has one: an epidural hematoma is a hemorrhage."""
    for family, rows in _families().items():
        if "head" in rows and _pattern(rows["head"], "en").search(name):
            return family
    return name


@lru_cache(65536)
def said(text: str, tongue: Tongue) -> Said:
    """Read a text.

    Args:
        text: an answer or a reference.
        tongue: its language.
    """
    side = Side(text, tongue)
    plain = normalise(text)
    affirmed: set[str] = set()
    denied: set[str] = set()
    named: set[str] = set()
    for piece, no in _parts(side):
        for term in _findings(piece, tongue):
            (denied if no else affirmed).add(_in_family(term.en))
            named |= _own_sites(term)
    heads, kinds = _kinds(side)
    figures = english_numbers(side.text) if tongue == "en" else arabic_numbers(side.text)
    vertebrae = level_spans(side)
    return Said(
        tongue=tongue,
        polarity=polarity(text, tongue),
        closed=len(plain.split()) <= SHORT or plain.split()[:1] in _OPENINGS,
        modality=_certain("modality", plain),
        study=frozenset((kind, value) for kind in STUDY for value in _certain(kind, plain)),
        sites=frozenset(place.sites for place in places(side) if not place.sites <= named),
        findings=frozenset(affirmed),
        denied=frozenset(denied - affirmed),
        families=frozenset(heads),
        kinds=frozenset(kinds),
        levels=frozenset(level.name for level in levels(side)),
        sides=frozenset(name for name, (sure, _) in sides_named(side).items() if sure),
        numbers=frozenset(
            n.value for n in figures if n.kind in STRICT and not inside((n.start, n.end), vertebrae)
        ),
    )


def _certain(kind: str, plain: str) -> frozenset[str]:
    """Values of a kind that its words can mean alone."""
    return frozenset(next(iter(values)) for _, _, values in mentions(kind, plain) if len(values) == 1)


def _kinds(side: Side) -> tuple[set[str], set[tuple[str, str]]]:
    """Families whose head stands in a text, and the kinds of families; "subacute" is not "acute" too."""
    heads: set[str] = set()
    kinds: set[tuple[str, str]] = set()
    for family, rows in _families().items():
        if "head" in rows:
            if not _pattern(rows["head"], side.tongue).search(side.text):
                continue
            heads.add(family)
        left = side.text
        for kind, words in rows["kinds"].items():
            pattern = _pattern(words, side.tongue)
            if pattern.search(left):
                kinds.add((family, kind))
                left = pattern.sub(" ", left)
    return heads, kinds


def _names(values: frozenset[str]) -> str:
    return " and ".join(sorted(values))


def _sets(name: str, ours: frozenset[str], theirs: frozenset[str], what: str = "") -> Iterator[Fault]:
    """Compare what an answer names (``ours``) with what the reference names."""
    label = f"{what} " if what else ""
    if not theirs or theirs <= ours:
        return
    if ours - theirs:
        why = f"says {label}{_names(ours - theirs)}, the reference says {_names(theirs - ours)}"
        yield Fault(name, why, CONTRADICTS)
    else:
        yield Fault(name, f"does not say {label}{_names(theirs - ours)}", OMITS)


def _regions(ours: frozenset[frozenset[str]], theirs: frozenset[frozenset[str]]) -> Iterator[Fault]:
    """Compare places; a word may stand for several, and one in common is enough."""

    def without(some: frozenset[frozenset[str]], others: frozenset[frozenset[str]]) -> frozenset[str]:
        return frozenset("/".join(sorted(one)) for one in some if not any(one & other for other in others))

    lost, new = without(theirs, ours), without(ours, theirs)
    if lost:
        yield from _sets("region", new, lost)


def compare(answer: str, reference: str, tongue: Tongue | None = None) -> list[Fault]:
    """Faults of a wrong answer in free words; empty where no rule names the difference.

    Args:
        answer: what was said.
        reference: what is right.
        tongue: the language that was asked for; without one, the reference's.
    """
    if not answer.strip():
        return [Fault("malformed", "empty answer", OMITS)]
    theirs_tongue: Tongue = script(reference) or tongue or "en"
    ours_tongue: Tongue = script(answer) or theirs_tongue
    ours, theirs = said(answer, ours_tongue), said(reference, theirs_tongue)
    found: list[Fault] = []
    if script(answer) and ours_tongue != (tongue or theirs_tongue):
        found.append(Fault("language", f"answers in {ours_tongue}, {tongue or theirs_tongue} was asked for"))
    found += _sets("modality", ours.modality, theirs.modality, "modality")
    found += _regions(ours.sites, theirs.sites)
    found += _findings_compared(ours, theirs)
    found += _kinds_compared(ours, theirs)
    found += _sets("level", ours.levels, theirs.levels)
    found += _sets("side", ours.sides, theirs.sides)
    found += _negation(ours, theirs)
    found += _sets("number", ours.numbers, theirs.numbers)
    return found


def _findings_compared(ours: Said, theirs: Said) -> Iterator[Fault]:
    # What one denies and the other affirms is a negation, below.
    mine, right = ours.findings - theirs.denied, theirs.findings - ours.denied
    if right:
        yield from _sets("finding", mine, right)
    elif mine - theirs.findings and not theirs.findings:
        yield Fault("finding", f"says {_names(mine)}, which the reference does not", CONTRADICTS)


def _kinds_compared(ours: Said, theirs: Said) -> Iterator[Fault]:
    for family, rows in _families().items():
        mine = frozenset(kind for name, kind in ours.kinds if name == family)
        right = frozenset(kind for name, kind in theirs.kinds if name == family)
        if "head" not in rows:
            if mine and right and mine != right:
                yield from _sets("subtype", mine, right, family)
        elif family in ours.families & theirs.families:
            yield from _sets("subtype", mine, right, family)
    for kind in STUDY:
        mine = frozenset(value for name, value in ours.study if name == kind)
        right = frozenset(value for name, value in theirs.study if name == kind)
        if mine and right:
            yield from _sets("subtype", mine, right, kind)


def _negation(ours: Said, theirs: Said) -> Iterator[Fault]:
    if theirs.closed and {ours.polarity, theirs.polarity} == {"yes", "no"}:
        yield Fault("negation", f"answers {ours.polarity}, the reference {theirs.polarity}", CONTRADICTS)
        return
    if wrongly := ours.denied & theirs.findings:
        yield Fault("negation", f"denies {_names(wrongly)}", CONTRADICTS)
    if wrongly := ours.findings & theirs.denied:
        yield Fault("negation", f"affirms {_names(wrongly)}, which the reference denies", CONTRADICTS)
    if theirs.closed and theirs.polarity in ("yes", "no") and not ours.polarity:
        yield Fault("negation", f"does not answer {theirs.polarity}", OMITS)
