"""Labelled pictures to balanced statements: one that is true, one that is false, each also denied.

After POPE (Li et al. 2023, arXiv 2305.10355): for each true statement about a picture a false one, drawn at
random, or the most frequent in the data (``popular``), or the one that goes most often with what else the
picture is (``adversarial``). There the statements are objects in a scene; here they are the picture's kind
and the imaged part of the body, for these alone are certain. A denied statement asks the same with "not": a
model that understands it answers the other way.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bimedix2.evaluate.probes.labels import Picture, words
from bimedix2.language.concepts import Tongue, concepts, studies
from bimedix2.records import Language, Message, Record

Strategy = Literal["random", "popular", "adversarial"]
TRUE = "true"
"""In the place of a strategy: of the statement that is right."""
FORMS = ("is", "is_not")


@dataclass(frozen=True)
class Probe:
    """One question: a picture, a statement about it, and whether that is right."""

    picture: Picture
    kind: str
    value: str
    form: str
    """``is`` or ``is_not``."""
    language: Tongue
    drawn_by: tuple[str, ...]
    """Strategies that drew this value; ``true`` of what the picture is."""
    gold: Literal["yes", "no"]

    @property
    def pair(self) -> str:
        """The same in both forms."""
        return f"{self.picture.image.image[:16]}/{self.kind}/{self.value}/{self.language}"

    @property
    def id(self) -> str:
        return f"{self.pair}/{self.form}"

    @property
    def message(self) -> Message:
        """The user's turn, the picture first."""
        return Message.of(
            "user", self.picture.image, question(self.kind, self.value, self.form, self.language)
        )

    @property
    def record(self) -> Record:
        """The probe as a record, so that it is asked like any other."""
        own = self.picture.record
        return Record(
            id=self.id,
            messages=(self.message, Message.of("assistant", self.gold)),
            language=Language(self.language),
            task="vqa",
            split=own.split,
            provenance=own.provenance,
            data_class=own.data_class,
        )


def named(kind: str, value: str, language: Tongue) -> str:
    """A value as a noun phrase: a study of that modality, or a part of the body."""
    if kind == "region":
        return concepts(kind)[value].term[language]
    own = [study for study in studies() if study.modality == value]
    return next((study for study in own if study.region is None), own[0]).name[language]


def question(kind: str, value: str, form: str, language: Tongue) -> str:
    """The words of a probe."""
    statement = words()[kind][form][language].format(value=named(kind, value, language))
    return str(words()["question"][language].format(statement=statement))


def false_of(kind: str, value: str) -> list[str]:
    """Values that a picture of this value certainly has not."""
    known = concepts(kind)
    if kind == "region":
        never = words()["never_denied"]["region"]
        return [v for v in known if v not in never and not known[v].groups & known[value].groups]
    alike = {v for group in words()["alike"]["modality"] if value in group for v in group}
    asked = {study.modality for study in studies()}
    return [v for v in known if v != value and v not in alike and v in asked]


class Drawing:
    """Draws what is false of a picture, by strategy.

    Args:
        pictures: all of the data, whose labels are counted.
        seed: of what is drawn at random, and of ties.
    """

    def __init__(self, pictures: Sequence[Picture], seed: int) -> None:
        self._seed = seed
        self._counts = Counter((kind, value) for p in pictures for kind, value in p.labels.items())
        self._beside = Counter(
            (kind, value, other)
            for p in pictures
            for kind, value in p.labels.items()
            for other_kind, other in p.labels.items()
            if other_kind != kind
        )

    def false(self, picture: Picture, kind: str, strategy: Strategy) -> str | None:
        """A value that the picture has not; ``None`` where nothing is certain."""
        pool = false_of(kind, picture.labels[kind])
        if not pool:
            return None
        random.Random(f"{self._seed}:{strategy}:{picture.image.image}:{kind}").shuffle(pool)
        if strategy == "random":
            return pool[0]
        other = next((v for k, v in picture.labels.items() if k != kind), "")

        def rank(value: str) -> tuple[int, int]:
            beside = self._beside[kind, value, other] if strategy == "adversarial" else 0
            return beside, self._counts[kind, value]

        return max(pool, key=rank)


def build(
    pictures: Sequence[Picture],
    drawing: Drawing,
    kinds: Sequence[str],
    strategies: Sequence[Strategy],
    languages: Sequence[Tongue],
    negated: bool,
) -> list[Probe]:
    """All probes, picture by picture.

    Args:
        pictures: those that are asked about.
        drawing: of what is false.
        kinds: of ``modality`` and ``region``.
        strategies: how what is false is drawn; a value that several draw is asked once.
        languages: of the questions.
        negated: whether each statement is also asked with "not".
    """
    out: list[Probe] = []
    for picture in pictures:
        for kind in kinds:
            if kind not in picture.labels:
                continue
            drawn: dict[str, list[str]] = {}
            for strategy in strategies:
                value = drawing.false(picture, kind, strategy)
                if value is not None:
                    drawn.setdefault(value, []).append(strategy)
            if not drawn:
                continue  # a true statement alone would not be balanced
            for value, by in [(picture.labels[kind], [TRUE]), *drawn.items()]:
                for language in languages:
                    for form in FORMS if negated else FORMS[:1]:
                        right = (by == [TRUE]) == (form == "is")
                        gold: Literal["yes", "no"] = "yes" if right else "no"
                        out.append(Probe(picture, kind, value, form, language, tuple(by), gold))
    return out
