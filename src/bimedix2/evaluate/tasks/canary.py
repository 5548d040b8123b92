"""Is the picture really used? Modality and region questions asked with a picture of another modality.

Accuracy is counted against the label of the record's own picture, which the model is not shown: a model that
looks must fail. (Blank and noise pictures are asked about in ``image_qa``.)
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bimedix2.evaluate.ask import answers
from bimedix2.evaluate.grade import Expected, Grade, grade
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.evaluate.task import Raw, Sample, Task
from bimedix2.evaluate.tasks.image_qa import expected, questions
from bimedix2.language.concepts import concepts
from bimedix2.records import ImagePart, Message, Record

SAME = frozenset({"radiograph", "mammography"})
"""A mammogram is a radiograph too: these two are not swapped."""


@dataclass
class _Seen:
    """What the test's questions say of one picture."""

    part: ImagePart
    modality: str | None = None
    region: str | None = None


def _pictures(records: Sequence[Record]) -> list[_Seen]:
    seen: dict[str, _Seen] = {}
    for record in records:
        for part in record.images:
            one = seen.setdefault(part.image, _Seen(part))
            one.modality = record.meta["expect"].get("modality", one.modality)
            one.region = record.meta["expect"].get("region", one.region)
    return [seen[key] for key in sorted(seen) if seen[key].modality is not None]


def _apart(one: str, other: str) -> bool:
    regions = concepts("region")
    return not regions[one].groups & regions[other].groups


def _fits(picture: _Seen, own: _Seen, wanted: Expected) -> bool:
    """Whether a picture is certainly another one than the question's label says."""
    if picture.modality == own.modality or {picture.modality, own.modality} == SAME:
        return False
    if wanted.type == "modality":
        return True
    return picture.region is not None and _apart(picture.region, wanted.facts["region"])


def _swap(message: Message, part: ImagePart) -> Message:
    content = tuple(part if isinstance(p, ImagePart) else p for p in message.content)
    return message.model_copy(update={"content": content})


def _select(records: Sequence[Record], seed: int) -> list[Sample]:
    rows = questions(records)
    pictures = _pictures(rows)
    known = {picture.part.image: picture for picture in pictures}
    out = []
    for record in rows:
        wanted = expected(record)
        single = record.meta["form"] == "single" and len(record.images) == 1
        own = known.get(record.images[0].image) if single else None
        if own is None or wanted.type not in ("modality", "region") or wanted.type not in wanted.facts:
            continue
        others = defaultdict(list)
        for picture in pictures:
            if _fits(picture, own, wanted):
                others[picture.modality].append(picture)
        if not others:
            continue
        rng = random.Random(f"{seed}:swap:{record.id}")
        shown = rng.choice(others[rng.choice(sorted(others, key=str))])
        value = shown.modality if wanted.type == "modality" else shown.region
        turns = tuple(_swap(message, shown.part) for message in record.messages[:-1])
        notes = {"shown": value, "shown_image": shown.part.image}
        out.append(Sample(record, "swapped", turns, expected=wanted, notes=notes))
    return out


def _score(sample: Sample, raw: Raw, lexicon: Lexicon | None) -> Grade:
    """``right``: the label of the picture that was not shown is named, in whatever sentence.

    ``extra`` is ``followed`` where the answer names what was shown.
    """
    assert sample.expected is not None
    own = grade(raw["answer"], raw["finish"], sample.expected, lexicon)
    facts = {sample.expected.type: sample.notes["shown"]}
    follows = grade(raw["answer"], raw["finish"], replace(sample.expected, facts=facts), lexicon).terms
    return replace(own, right=own.terms, extra=("followed",) if follows else ())


CANARY = Task(
    about="single modality and region questions, with a picture of another modality",
    select=_select,
    ask=answers,
    score=_score,
)
