"""Scored answers as rows: what was asked, what was said, whether it was right, and whose subject it is."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.evaluate.grade import Grade
from bimedix2.evaluate.task import Raw, Sample
from bimedix2.records import Record, Split

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """One scored answer of ``role`` (``model`` or ``base``)."""

    task: str
    role: str
    sample: Sample
    request: str
    raw: Raw
    grade: Grade
    modality: str
    """Concept, or what else the picture is; ``text`` without a picture."""
    trains: bool
    """Whether its source also trains."""
    taught: bool = True
    """Whether any training picture shows the modality, or the region, that the question asks for."""

    @property
    def type(self) -> str:
        return self.sample.expected.type if self.sample.expected else self.task

    @property
    def tongue(self) -> str:
        return self.sample.expected.tongue if self.sample.expected else "en"

    @property
    def known_subject(self) -> bool:
        return self.sample.record.provenance.subject is not None

    @property
    def subject(self) -> str:
        """The cluster that is drawn again: records of a source that names no subject count as one."""
        provenance = self.sample.record.provenance
        return provenance.subject or f"{provenance.source}:{UNKNOWN}"

    def to_json(self) -> dict[str, Any]:
        """The row as it stands in ``answers.jsonl``."""
        record, wanted = self.sample.record, self.sample.expected
        return {
            "request": self.request,
            "task": self.task,
            "condition": self.sample.condition,
            "role": self.role,
            "id": record.id,
            "data_class": str(record.data_class),
            "source": record.provenance.source,
            "subject": record.provenance.subject,
            "source_trains": self.trains,
            "taught": self.taught,
            "type": self.type,
            "form": record.meta.get("form"),
            "language": self.tongue,
            "modality": self.modality,
            "prompt": [{"role": m.role, "text": m.text} for m in self.sample.messages],
            "options": list(self.sample.options) if self.sample.messages else [],
            "images": [i.image for m in self.sample.messages for i in m.images],
            "expected": {"facts": wanted.facts, "verdict": wanted.verdict, "reference": wanted.reference}
            if wanted
            else None,
            "notes": self.sample.notes,
            "raw": self.raw,
            "right": self.grade.right,
            "terms": self.grade.terms,
            "well_formed": self.grade.well_formed,
            "language_kept": self.grade.language,
            "extra": list(self.grade.extra),
            "reasons": list(self.grade.reasons),
        }


class Facets:
    """What is said of a record beside its answer: its picture's modality, and whether its source trains.

    Args:
        records: the whole dataset, both sides.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self.training = {r.provenance.source for r in records if r.split is Split.TRAIN}
        self._taught = {
            (kind, str(value))
            for r in records
            if r.split is Split.TRAIN and r.images
            for kind, value in (r.meta.get("expect") or {}).items()
        }
        self._of_image: dict[str, str] = {}
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for record in records:
            value = (record.meta.get("expect") or {}).get("modality")
            if value and record.images:
                self._of_image[record.images[-1].image] = value
                votes[str(record.meta.get("modality"))][value] += 1
        self._of_name = {name: votes[name].most_common(1)[0][0] for name in votes}

    def modality(self, record: Record) -> str:
        """The concept that the picture's own questions name, else what its source calls it."""
        if not record.images:
            return "text"
        if kind := record.meta.get("kind"):
            return str(kind)
        name = str(record.meta.get("modality"))
        return self._of_image.get(record.images[-1].image) or self._of_name.get(name, name)

    def taught(self, record: Record) -> bool:
        """Whether the training side shows a picture of what a modality or region question asks for."""
        kind = str(record.meta.get("type"))
        value = (record.meta.get("expect") or {}).get(kind)
        return kind not in ("modality", "region") or value is None or (kind, str(value)) in self._taught

    def trains(self, record: Record) -> bool:
        return record.provenance.source in self.training
