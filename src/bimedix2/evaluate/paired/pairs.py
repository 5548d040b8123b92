"""Which questions are one item in two languages.

Twins of a dataset are told by three rules, the surest first:

1. ``meta.translation.of``: the translation room wrote which record one is the translation of.
2. One id but for the language in it (``IMAGE|en|held|3`` and ``IMAGE|ar|held|3``, as the curate room writes
   them), and equal in all that rule 3 compares.
3. One picture, question type, form, judgement and expected facts; of a question that is to be denied also the
   thing denied, and of one about an unreadable picture the thing asked for: these are drawn for each language
   alone. Equal ones are paired in the order of their ids.

By rules 2 and 3 only questions of a single turn are paired: earlier turns were drawn for each language alone.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bimedix2 import io
from bimedix2.evaluate.grade import Expected
from bimedix2.evaluate.spoken import Spoken
from bimedix2.evaluate.task import AS_IT_IS, Sample
from bimedix2.evaluate.tasks.image_qa import expected, questions
from bimedix2.language.concepts import Tongue, mentions
from bimedix2.records import Language, Record
from bimedix2.text.arabic import normalise

DRAWN = ("modality", "region", "plane")
"""Kinds of which a question's false value is drawn."""
_LANGUAGE = re.compile(r"\|(?:en|ar)(?=\||$)")
Left = tuple[str, str, Any]
"""Id, reason, and what a reader needs, of a question without a twin."""


@dataclass(frozen=True)
class Twins:
    """One item in both languages."""

    id: str
    rule: str
    """How it is known that they are one item."""
    subject: str
    """The cluster that is drawn again; records of a source that names no subject count as one."""
    known_subject: bool
    type: str
    english: Sample
    arabic: Sample
    graded: bool = True
    """Whether an answer is right or wrong without a judge."""

    @property
    def sides(self) -> tuple[tuple[Tongue, Sample], tuple[Tongue, Sample]]:
        """Both questions with their language."""
        return (("en", self.english), ("ar", self.arabic))


@dataclass
class Found:
    """Items in both languages, and the questions that are none."""

    twins: list[Twins] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def of_records(records: Iterable[Record]) -> Found:
    """Pair the questions of a dataset's test records.

    Raises:
        DataError: the grader cannot judge one of them.
    """
    found = Found()
    test = list(records)
    asked = {record.id: _wanted(record) for record in questions(test)}
    found.left += [(r.id, "no expected facts", None) for r in test if r.id not in asked]
    known = {record.id: record for record in test if record.id in asked}
    for record in list(known.values()):
        original = (record.meta.get("translation") or {}).get("of")
        if original is not None:
            _translated(record, str(original), known, asked, found)
    rest = [record for record in known.values() if _single(record, found)]
    _equal(rest, asked, found)
    found.twins.sort(key=lambda twins: twins.id)
    found.left.sort()
    return found


def _wanted(record: Record) -> Expected:
    wanted = expected(record)
    if record.language is Language.MIXED:
        return wanted
    # A translated record keeps its original's meta, the answer's language among it.
    tongue: Tongue = "ar" if record.language is Language.ARABIC else "en"
    return replace(wanted, tongue=tongue)


def _translated(
    record: Record, original: str, known: dict[str, Record], asked: dict[str, Expected], found: Found
) -> None:
    """Rule 1; both are taken out of ``known``."""
    other = known.get(original)
    if record.id not in known:
        return
    if other is None:
        del known[record.id]
        found.left.append((record.id, "its original is no test question", original))
        return
    if {record.language, other.language} != {Language.ENGLISH, Language.ARABIC}:
        del known[record.id]
        found.left.append((record.id, "not Arabic and English", original))
        return
    sides = (record, other) if record.language is Language.ENGLISH else (other, record)
    found.twins.append(_twins(original, "translation", sides, asked))
    del known[record.id], known[other.id]


def _single(record: Record, found: Found) -> bool:
    turns = [message for message in record.messages if message.role != "system"]
    reason = ""
    if record.language is Language.MIXED:
        reason = "turns in both languages"
    elif len(turns) != 2:
        reason = "earlier turns of its own"
    if reason:
        found.left.append((record.id, reason, None))
    return not reason


def _name(record: Record) -> str:
    """The id without its language."""
    return _LANGUAGE.sub("|*", record.id)


def _equal(records: Sequence[Record], asked: dict[str, Expected], found: Found) -> None:
    """Rules 2 and 3."""
    groups: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in sorted(records, key=lambda one: one.id):
        groups[_key(record, asked[record.id])][record.language.value].append(record)
    for group in groups.values():
        english, arabic = group["en"], group["ar"]
        for rule, fits in (("id", _same_id), ("facts", _pictured)):
            for one in list(english):
                other = next((o for o in arabic if fits(one, o) and _same(one, o, asked)), None)
                if other is not None:
                    found.twins.append(_twins(_name(one), rule, (one, other), asked))
                    english.remove(one)
                    arabic.remove(other)
        both = bool(english and arabic)
        reason = "asks for another value in the other language" if both else "no twin in the other language"
        found.left += [(record.id, reason, None) for record in (*english, *arabic)]


def _same_id(one: Record, other: Record) -> bool:
    return _name(one) == _name(other) != one.id


def _pictured(one: Record, other: Record) -> bool:
    # Without a picture nothing but the id says that two questions are one.
    return bool(one.images and other.images)


def _key(record: Record, wanted: Expected) -> str:
    shown = [part.image for part in record.images]
    form = str(record.meta.get("form"))
    return io.canonical_json([shown, wanted.type, form, wanted.verdict, wanted.facts])


def _same(one: Record, other: Record, asked: dict[str, Expected]) -> bool:
    """Whether both ask for the same value, where it is not among the facts."""
    sides = [_drawn(record, asked[record.id]) for record in (one, other)]
    for kind in DRAWN:
        left, right = (side[kind] for side in sides)
        if bool(left) != bool(right) or (left and not left & right):
            return False
    return True


def _drawn(record: Record, wanted: Expected) -> dict[str, set[str]]:
    """What is denied of a false question, or asked for of an unreadable picture: kind -> values."""
    if wanted.verdict in ("no", "correct"):
        spoken = Spoken(wanted.reference)
        return {k: {v for values in spoken.values(k, denied=True) for v in values} for k in DRAWN}
    if wanted.verdict == "unreadable":
        text = normalise(record.messages[-2].text)
        return {k: {v for _, _, values in mentions(k, text) for v in values} for k in DRAWN}
    return {kind: set() for kind in DRAWN}


def _twins(name: str, rule: str, sides: tuple[Record, Record], asked: dict[str, Expected]) -> Twins:
    english, arabic = (
        Sample(record, AS_IT_IS, record.messages[:-1], expected=asked[record.id]) for record in sides
    )
    provenance = sides[0].provenance
    return Twins(
        id=name,
        rule=rule,
        subject=provenance.subject or f"{provenance.source}:unknown",
        known_subject=provenance.subject is not None,
        type=asked[sides[0].id].type,
        english=english,
        arabic=arabic,
    )


def samples(twins: Sequence[Twins]) -> Iterator[Sample]:
    """Both questions of every item."""
    for one in twins:
        yield one.english
        yield one.arabic
