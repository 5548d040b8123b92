"""An Arabic twin of a clinical benchmark, through ``translate`` and ``review``.

    data folder -> ``records``: every question a record, a text part for each of its texts
        -> bimedix2 translate, bimedix2 review (their own rooms, their own checks and verdicts)
            -> ``files``: the twins in the originals' layout, beside them in one data folder

Only texts come back from a record: keys, ids and right answers are the original's, whatever a translator or a
reviewer did. What did not come back whole is left out with its reason.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate import answering
from bimedix2.evaluate.clinical import catalogue, layout
from bimedix2.evaluate.clinical.catalogue import Task
from bimedix2.evaluate.clinical.layout import Layout
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Language, Message, Provenance, Record, Split, TextPart
from bimedix2.records.store import read_records, write_records, write_removed
from bimedix2.records.translations import failed_checks

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

META = "clinical"
"""In a record's ``meta``: the original's file, its line, and the hash of its row."""
ABOUT = "twins.json"
"""In a data folder: who translated each twin, and how much of it was reviewed."""
LOST, FAILED, PARTS, EMPTY = (
    "no translation came back",
    "fails a check that nobody has reviewed",
    "other parts than the question's",
    "a text is empty",
)
Row = dict[str, Any]


class ClinicalTwin(Settings):
    """Which twins are made, and where the translated records are."""

    data: Path
    """The folder that the converter wrote, with the English originals."""
    tasks: list[str] = Field(default=["bimed_clinical_ar"], min_length=1)
    """Arabic tasks and groups of ``catalogue.yaml`` that name an English original."""
    translated: Path | None = None
    """A finished folder of ``review`` (or ``translate``); absent: the records to translate are written."""
    unreviewed: bool = False
    """Keep translations that fail a check which nobody has looked at."""

    @field_validator("tasks")
    @classmethod
    def _twins(cls, names: list[str]) -> list[str]:
        try:
            for task in catalogue.members([catalogue.known(name) for name in names]):
                if not task.twin:
                    raise ConfigError(
                        f"'{task.name}' has no English original to translate; name tasks as bimed_medmcqa_ar"
                    )
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return names


@dataclass(frozen=True)
class Side:
    """One file of an original and of its twin."""

    task: Task
    original: str
    twin: str

    @property
    def layout(self) -> Layout:
        """Of both."""
        return layout.of(self.original)


def sides(tasks: Sequence[Task]) -> list[Side]:
    """Every file once: two tasks may ask one file in other words."""
    found: dict[str, Side] = {}
    for task in tasks:
        original = catalogue.tasks()[task.twin]
        for split, name in task.files.items():
            if split in original.files:
                found.setdefault(name, Side(task, original.files[split], name))
    return list(found.values())


def run(config: "Config", opener: Callable[..., Any] | None = None) -> Path:
    """Write the records to translate; or, from translated ones, the twins beside their originals.

    Args:
        config: the room's, with ``clinical_twin``.
        opener: not used: kinds are called with one.

    Raises:
        DataError: an original is missing or of another layout, was changed after its records were made, or
            no question of a twin came back.
        RunError: the translated folder is not finished.
    """
    del opener
    answering.whole(config, "clinical_twin")
    own = config.clinical_twin
    assert own is not None
    wanted = sides(catalogue.members(own.tasks))
    missing = [side.original for side in wanted if not (own.data / side.original).is_file()]
    if missing:
        raise DataError(
            f"{own.data} lacks {', '.join(missing)}; write them with {catalogue.CONVERT}, or leave their "
            "twins out of clinical_twin.tasks"
        )
    inputs = {f"data/{side.original}": own.data / side.original for side in wanted}
    if own.translated is not None:
        read_manifest(own.translated)
        inputs["translated"] = own.translated
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        if own.translated is None:
            count = write_records(out.path, (one for side in wanted for one in records(own.data, side)))
            return out.publish({"in": count, "kept": count, "removed": {}})
        made = _made(own, own.translated, wanted)
        _copy(own.data, out.path)
        for one in made:
            io.write_jsonl(out.path / one.side.twin, one.rows)
        before = about(own.data, [path.name for path in own.data.glob("*.jsonl")])
        io.write_json(out.path / ABOUT, before | {one.side.twin: one.about() for one in made})
        removed = write_removed(out.path, (row for one in made for row in one.removed))
        kept = sum(len(one.rows) for one in made)
        return out.publish({"in": kept + sum(removed.values()), "kept": kept, "removed": removed})


# Questions to records


def originals(data: Path, side: Side) -> Iterator[tuple[int, Row, list[str]]]:
    """Line, row and texts of every question of an original.

    Raises:
        DataError: the file is not of its layout, or holds no question.
    """
    number = 0
    for number, row in io.read_jsonl(data / side.original):
        yield number, row, layout.texts(row, side.layout, f"{data / side.original} line {number}")
    if not number:
        raise DataError(f"{data / side.original} holds no question; {layout.MEND}")


def identity(side: Side, number: int) -> str:
    """A question's record: its original's file and line."""
    return f"clinical/{Path(side.original).stem}/{number}"


def records(data: Path, side: Side) -> Iterator[Record]:
    """The questions of an original as records of split ``test``; errors as ``originals``."""
    for number, row, texts in originals(data, side):
        name = identity(side, number)
        yield Record(
            id=name,
            messages=(Message.of("user", *texts),),
            language=Language.ENGLISH,
            task="mcq",
            split=Split.TEST,
            provenance=Provenance(
                source=f"clinical/{Path(side.original).stem}", source_id=str(number), subject=name
            ),
            meta={META: {"file": side.original, "line": number, "row": answering.hash_of(row)}},
        )


# Records to files


@dataclass
class Made:
    """A twin: its rows in the original's order, and what was left out of it."""

    side: Side
    rows: list[Row] = field(default_factory=list)
    removed: list[tuple[str, str, Any]] = field(default_factory=list)
    from_: list[Record] = field(default_factory=list)

    def about(self) -> dict[str, Any]:
        """Who translated it, and how much of it a named person reviewed."""
        metas = [record.meta for record in self.from_]
        reviews = [meta["review"] for meta in metas if isinstance(meta.get("review"), dict)]
        by = Counter(str((meta.get("translation") or {}).get("translator", "unknown")) for meta in metas)
        return {
            "original": self.side.original,
            "questions": len(self.rows),
            "of": len(self.rows) + len(self.removed),
            "translators": dict(by.most_common()),
            "reviewed": len(reviews),
            "corrected": sum(bool(review.get("corrected")) for review in reviews),
            "reviewers": sorted({name for review in reviews for name in review.get("by", ())}),
            "fail a check, unreviewed": sum(bool(failed_checks(record)) for record in self.from_),
        }


def _made(own: ClinicalTwin, folder: Path, wanted: Sequence[Side]) -> list[Made]:
    found: dict[tuple[str, int], Record] = {}
    for record in read_records(folder):
        said = record.meta.get(META)
        if record.language is not Language.ARABIC or not isinstance(said, dict):
            continue
        key = (str(said.get("file")), int(said.get("line", 0)))
        if key in found:
            raise DataError(
                f"{folder} has two translations of {key[0]} line {key[1]} ({found[key].id}, {record.id}); "
                "keep one of them"
            )
        found[key] = record
    made = [_twin(own, side, found) for side in wanted]
    for one in made:
        if not one.rows:
            reasons = Counter(reason for _, reason, _ in one.removed)
            why = ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
            raise DataError(
                f"{folder} gives no question of {one.side.twin} ({why}); translate the records of this data "
                "folder, or leave it out of clinical_twin.tasks"
            )
    return made


def _twin(own: ClinicalTwin, side: Side, found: Mapping[tuple[str, int], Record]) -> Made:
    """The twin of one file.

    Raises:
        DataError: the original is not the one that was translated.
    """
    made = Made(side)
    for number, row, texts in originals(own.data, side):
        record = found.get((side.original, number))
        reason = LOST if record is None else _unfit(record, texts, own.unreviewed)
        if record is None or reason:
            made.removed.append((identity(side, number), reason, record.id if record else ""))
            continue
        if record.meta[META].get("row") != answering.hash_of(row):
            raise DataError(
                f"{own.data / side.original} line {number} is not the question that '{record.id}' was made "
                "from; give the data folder whose records were translated"
            )
        made.rows.append(_filled(row, side.layout.texts, _parts(record)))
        made.from_.append(record)
    return made


def _parts(record: Record) -> list[str]:
    return [
        part.text for message in record.messages for part in message.content if isinstance(part, TextPart)
    ]


def _unfit(record: Record, texts: Sequence[str], unreviewed: bool) -> str:
    """Why a translation is no question; empty where it is one."""
    given = _parts(record)
    if len(given) != len(texts):
        return PARTS
    if any(text.strip() and not said.strip() for text, said in zip(texts, given, strict=True)):
        return EMPTY
    return FAILED if failed_checks(record) and not unreviewed else ""


def _filled(row: Row, names: Sequence[str], texts: Sequence[str]) -> Row:
    """The original's row with other texts."""
    left = iter(texts)
    return row | {
        name: [next(left) for _ in row[name]] if isinstance(row[name], list) else next(left) for name in names
    }


def _copy(data: Path, target: Path) -> None:
    """The files of the data folder, so that the new one has both sides."""
    for path in sorted(data.glob("*.jsonl")):
        if path.name != "removed.jsonl":
            shutil.copyfile(path, target / path.name)


def about(data: Path, names: Sequence[str]) -> dict[str, Any]:
    """What a data folder says of some of its files: who translated them, and how much was reviewed.

    Raises:
        DataError: its ``twins.json`` cannot be read.
    """
    if not (data / ABOUT).is_file():
        return {}
    said = io.read_json(data / ABOUT)
    if not isinstance(said, dict):
        raise DataError(f"{data / ABOUT} is no object; make the twins again")
    return {name: said[name] for name in names if name in said}


def in_words(name: str, said: Mapping[str, Any]) -> str:
    """One file's making, in a sentence for a page of scores."""
    by = ", ".join(said["translators"])
    people = f" by {', '.join(said['reviewers'])}" if said["reviewers"] else ""
    failing = said["fail a check, unreviewed"]
    rest = f"; {failing} fail a check of the translation that nobody has looked at" if failing else ""
    return (
        f"{name}: {said['questions']} of {said['of']} questions, translated by {by}; {said['reviewed']} of "
        f"them were reviewed{people}, {said['corrected']} corrected{rest}"
    )
