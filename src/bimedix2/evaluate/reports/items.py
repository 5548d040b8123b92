"""What both report benchmarks are made of: credentialed records with a reference, and what was left out."""

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bimedix2.errors import DataError
from bimedix2.evaluate.answering import hash_of
from bimedix2.evaluate.task import AS_IT_IS, Sample
from bimedix2.records import DataClass, Language, Message, Provenance, Record, Split

URLS = {
    "mimic_cxr": "https://physionet.org/content/mimic-cxr/2.0.0/",
    "mimic_iii": "https://physionet.org/content/mimiciii/1.4/",
}
LICENCE = "PhysioNet Credentialed Health Data License 1.5.0"


@dataclass(frozen=True)
class Item:
    """One report to write: its record, the user's turn, and what is right, as it is compared."""

    record: Record
    turn: Message
    reference: str

    @property
    def sample(self) -> Sample:
        return Sample(self.record, AS_IT_IS, (self.turn,))


def record(source: str, identity: str, turn: Message, reference: str, subject: str) -> Record:
    """A test record of class ``credentialed``: no host that is not listed for the class is sent it."""
    return Record(
        id=identity,
        messages=(turn, Message.of("assistant", reference)),
        language=Language.ENGLISH,
        task="report",
        split=Split.TEST,
        data_class=DataClass.CREDENTIALED,
        provenance=Provenance(
            source=source,
            source_id=identity.removeprefix(f"{source}/"),
            subject=subject,
            url=URLS[source],
            licence=LICENCE,
        ),
    )


@dataclass
class Collection:
    """The items of one benchmark in the files' order; no text of a report stands in what is left out."""

    name: str
    published: int
    """How many MultiMedEval counts."""
    files: dict[str, Path]
    """What was read and is hashed into the manifest; pictures are in the benchmark's hash."""
    items: list[Item] = field(default_factory=list)
    removed: list[tuple[str, str, str]] = field(default_factory=list)
    noted: Counter[str] = field(default_factory=Counter)
    limited: int = 0

    @property
    def left_out(self) -> Counter[str]:
        """Reason -> candidates that are no item."""
        return Counter(reason for _, reason, _ in self.removed)

    @property
    def seen(self) -> int:
        """Candidates: items and what was left out."""
        return len(self.items) + len(self.removed)

    def leave(self, identity: str, reason: str) -> None:
        """Leave a candidate out."""
        self.removed.append((identity, reason, ""))

    def count(self, what: str, holds: bool) -> None:
        """Count something that a reader of the scores should know."""
        self.noted[what] += int(holds)

    def check(self, sentence: str) -> None:
        """Refuse a benchmark without an item.

        Raises:
            DataError: with the reasons.
        """
        if not self.items:
            reasons = "; ".join(f"{reason}: {count}" for reason, count in self.left_out.most_common())
            raise DataError(f"{sentence} ({reasons or 'there is none'}); check the folder")

    def draw(self, limit: int | None, seed: int) -> None:
        """Keep at most so many items, in their order."""
        if limit is not None and len(self.items) > limit:
            self.limited = len(self.items)
            drawn = random.Random(f"{seed}:limit:{self.name}").sample(range(self.limited), limit)
            self.items = [self.items[number] for number in sorted(drawn)]

    @property
    def hash(self) -> str:
        """Of ids, references and pictures: the benchmark whatever the prompt."""
        return hash_of([[i.record.id, i.reference, [p.image for p in i.turn.images]] for i in self.items])

    @property
    def partial(self) -> str:
        """Why it is not the whole benchmark; empty where it is."""
        found = self.limited or len(self.items)
        parts = []
        if self.limited:
            parts.append(f"{len(self.items)} of {self.limited} reports drawn")
        if found != self.published:
            reasons = "; ".join(f"{reason}: {count}" for reason, count in self.left_out.most_common())
            parts.append(
                f"{found} of {self.published} published" + (f" (left out: {reasons})" if reasons else "")
            )
        return f"{self.name}: {', '.join(parts)}" if parts else ""

    @property
    def notes(self) -> list[str]:
        """What was counted."""
        return [f"{self.name}: {count} x {what}" for what, count in self.noted.items() if count]
