"""Which test records can be items of a benchmark in BiMed-MBench's layout, and why others cannot.

An item is one question about one picture that both languages have, with the picture's caption as the judge's
context and the record's answer as the reference. Only records of split ``test`` are taken, and never one
whose picture, subject or words stand on the training side.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bimedix2.evaluate.mbench.aggregate import DOMAINS
from bimedix2.evaluate.mbench.load import Tongue
from bimedix2.evaluate.paired.pairs import of_records
from bimedix2.language.concepts import mentions
from bimedix2.records import DataClass, Record, Split
from bimedix2.text.arabic import normalise, script

DESCRIPTIONS = ("describe", "caption", "report")
"""Types and tasks whose answer describes the whole picture."""
SHARED = (DataClass.OPEN, DataClass.NON_COMMERCIAL)
"""What a file that goes to a judge elsewhere may hold."""
PLACES = ("location", "organ", "image_organ", "region")
"""Under which sources say what part of the body a picture shows."""
Removed = tuple[str, str, Any]


@dataclass(frozen=True)
class Item:
    """One question in both languages, with the texts that the layout has."""

    name: str
    type: str
    domains: tuple[str, ...]
    image: str
    question: dict[Tongue, str]
    reference: dict[Tongue, str]
    caption: dict[Tongue, str]
    mentions: tuple[dict[str, Any], ...] = ()


@dataclass
class Built:
    """Items that can stand in the benchmark, and what cannot, with its reason."""

    items: list[Item] = field(default_factory=list)
    removed: list[Removed] = field(default_factory=list)


def build(records: Sequence[Record]) -> Built:
    """Items of a dataset's test side.

    Args:
        records: the whole dataset, both sides: the training side says what is left out.
    """
    built = Built()
    test = [record for record in records if record.split is Split.TEST]
    seen = _Seen(record for record in records if record.split is not Split.TEST)
    captions = _captions(test)
    about = _about(test)
    for name, english, arabic in _pairs(test, built):
        sides: dict[Tongue, Record] = {"en": english, "ar": arabic}
        image = english.images[-1].image if english.images else ""
        texts = {tongue: captions.get((image, tongue), "") for tongue in sides}
        domains = about.get(image, ())
        reason = _reason(sides, seen, texts, domains)
        if reason:
            built.removed.append((name, reason, None))
            continue
        built.items.append(
            Item(
                name=name,
                type=_type(english),
                domains=domains,
                image=image,
                question={tongue: one.messages[-2].text for tongue, one in sides.items()},
                reference={tongue: one.messages[-1].text for tongue, one in sides.items()},
                caption=texts,
                mentions=tuple(english.meta.get("in_text_mention") or ()),
            )
        )
    return built


class _Seen:
    """What the training and validation sides hold."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.images: set[str] = set()
        self.subjects: set[tuple[str, str]] = set()
        self.words: set[str] = set()
        for record in records:
            self.images.update(part.image for part in record.images)
            if record.provenance.subject is not None:
                self.subjects.add((record.provenance.source, record.provenance.subject))
            self.words.add(record.content_hash())

    def reason(self, record: Record) -> str:
        """Why a record may not be in a benchmark; empty where it may."""
        if any(part.image in self.images for part in record.images):
            return "its picture is in training"
        if (record.provenance.source, record.provenance.subject) in self.subjects:
            return "its subject is in training"
        return "its words are in training" if record.content_hash() in self.words else ""


def _pairs(test: Sequence[Record], built: Built) -> list[tuple[str, Record, Record]]:
    """Twins by the rules of ``paired``, and translated records that no grader knows."""
    found = of_records(test)
    pairs = [(one.id, one.english.record, one.arabic.record) for one in found.twins]
    ungraded = {name for name, reason, _ in found.left if reason == "no expected facts"}
    known = {record.id: record for record in test}
    used: set[str] = set()
    for record in test:
        original = known.get(str((record.meta.get("translation") or {}).get("of")))
        if record.id in ungraded and original is not None and original.id in ungraded:
            sides = sorted((record, original), key=lambda one: one.language.value)  # ar before en
            if [one.language.value for one in sides] == ["ar", "en"]:
                pairs.append((original.id, sides[1], sides[0]))
                used |= {record.id, original.id}
    for name, reason, what in found.left:
        if name not in used:
            unknown = reason == "no expected facts"
            built.removed.append((name, "no twin in the other language" if unknown else reason, what))
    return sorted(pairs, key=lambda pair: pair[0])


def _reason(
    sides: dict[Tongue, Record], seen: _Seen, captions: dict[Tongue, str], domains: Sequence[str]
) -> str:
    """Why an item is left out; empty where it is kept."""
    one, other = sides["en"], sides["ar"]
    for record in (one, other):
        if record.data_class not in SHARED:
            return f"data class {record.data_class}"
        if reason := seen.reason(record):
            return reason
    if not one.images:
        return "no picture"
    if [part.image for part in one.images] != [part.image for part in other.images]:
        return "other pictures in the other language"
    if len({part.image for part in one.images}) > 1:
        return "several pictures"
    if any(len([m for m in record.messages if m.role != "system"]) != 2 for record in (one, other)):
        return "several turns"
    if not domains:
        return f"none of {', '.join(DOMAINS)}"
    for tongue, record in sides.items():
        if not captions[tongue]:
            return "no caption of its picture in both languages"
        for text in (record.messages[-2].text, record.messages[-1].text):
            if script(text) != tongue:
                return "a text in the other language"
    return ""


def _type(record: Record) -> str:
    kind = record.meta.get("type", record.task)
    return "detailed_description" if kind in DESCRIPTIONS else "conversation"


def _captions(test: Iterable[Record]) -> dict[tuple[str, Tongue], str]:
    """Picture and language -> what a judge is told of it: its caption, else the answer that describes it."""
    ranked: dict[tuple[str, Tongue], tuple[int, str, str]] = {}
    for record in test:
        if not record.images or len({part.image for part in record.images}) > 1:
            continue
        image = record.images[-1].image
        published = record.meta.get("published")
        for key in ("Caption", "caption"):
            given = record.meta.get(key) or (published.get(key) if isinstance(published, dict) else None)
            if isinstance(given, str) and given.strip() and (tongue := script(given)):
                _best(ranked, (image, tongue), (0, record.id, given.strip()))
        last = record.messages[-1]
        tongue = script(last.text)
        if last.role == "assistant" and tongue and _type(record) == "detailed_description":
            rank = 1 if record.task in ("caption", "report") else 2
            _best(ranked, (image, tongue), (rank, record.id, last.text))
    return {key: text for key, (_, _, text) in ranked.items()}


def _best(
    ranked: dict[tuple[str, Tongue], tuple[int, str, str]], key: tuple[str, Tongue], one: tuple[int, str, str]
) -> None:
    if key not in ranked or one < ranked[key]:
        ranked[key] = one


def _about(test: Iterable[Record]) -> dict[str, tuple[str, ...]]:
    """Picture -> its domains, from the facts of all its questions and from what its source says of it."""
    facts: dict[str, dict[str, set[str]]] = defaultdict(
        lambda: {"modality": set(), "region": set(), "gross": set()}
    )
    for record in test:
        for part in record.images:
            known = facts[part.image]
            expect = record.meta.get("expect") or {}
            for kind in ("modality", "region"):
                if isinstance(expect.get(kind), str):
                    known[kind].add(expect[kind])
            published = record.meta.get("published")
            for given in (record.meta, published if isinstance(published, dict) else {}):
                kind_of_image = normalise(str(given.get("modality") or ""))
                known["modality"] |= {v for _, _, vs in mentions("modality", kind_of_image) for v in vs}
                if "gross" in kind_of_image.split():
                    known["gross"].add("gross")
                for place in PLACES:
                    text = normalise(str(given.get(place) or ""))
                    known["region"] |= {v for _, _, vs in mentions("region", text) for v in vs}
    return {image: _domains(known) for image, known in facts.items()}


def _domains(known: dict[str, set[str]]) -> tuple[str, ...]:
    """In the published order; a radiograph counts where it shows the chest."""
    if len(known["modality"]) > 1:
        return ()  # its questions disagree
    chest = "radiograph" in known["modality"] and bool(known["region"] & {"chest", "lung"})
    is_ = {
        "chest_xray": chest,
        "mri": "mri" in known["modality"],
        "histology": "histology" in known["modality"],
        "gross": bool(known["gross"]),
        "ct_scan": "ct" in known["modality"],
    }
    return tuple(name for name in DOMAINS if is_[name])
