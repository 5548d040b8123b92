"""MIMIC-CXR report generation out of a user's own copy: which studies, what is right, and how it is asked.

As MultiMedEval selects them (specification 1.4): rows of split ``test``; a study counts if its report has a
section of findings, which is the reference, unmodified; one item a study, with all its pictures in the order
of the file. Two trees are needed, which PhysioNet publishes apart: MIMIC-CXR-JPG has the pictures and the
split, and no report; MIMIC-CXR has the reports (``mimic-cxr-reports.zip``:
``files/pNN/pSUBJECT/sSTUDY.txt``).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from bimedix2.config import Settings
from bimedix2.errors import DataError, ImageError
from bimedix2.evaluate.answering import InPlace
from bimedix2.evaluate.metrics.sections import section_text
from bimedix2.evaluate.reports.items import Collection, Item, record
from bimedix2.evaluate.reports.tables import find, rows
from bimedix2.records import ImagePart, Message

NAME = "mimic_cxr"
SPLIT = "mimic-cxr-2.0.0-split.csv"
ROOTS = ("", "mimic-cxr-jpg/2.0.0", "mimic-cxr-jpg/2.1.0")
"""Below the folder that is given, where the split may stand; 2.1.0 still names it 2.0.0."""
COLUMNS = ("dicom_id", "study_id", "subject_id", "split")
PUBLISHED = 2347
"""Studies that MultiMedEval counts."""

Prompt = Literal["paper", "multimedeval"]
WORDS: dict[Prompt, str] = {
    "paper": "Please caption this scan with findings and impressions.",
    "multimedeval": "Can you provide a radiology report for this medical image?",
}
"""The pictures stand before the paper's words and behind MultiMedEval's; a chat template decides where."""


class Cxr(Settings):
    """Where the copy is, and how a study is put to a model."""

    path: Path
    """The folder of MIMIC-CXR-JPG, or one that holds ``mimic-cxr-jpg/2.0.0``."""
    texts: Path | None = None
    """The folder of the unpacked ``mimic-cxr-reports.zip``, where reports are not beside the pictures."""
    prompt: Prompt = "paper"
    """The words that the paper states, which ask for findings and impressions, or MultiMedEval's."""
    indication: bool = False
    """Put the report's section of indication before the words, where it has one."""
    max_images: int | None = Field(default=None, ge=1)
    """Show at most so many pictures of a study, the first; ``None`` shows all, as MultiMedEval does."""


def _root(path: Path) -> tuple[Path, Path]:
    """The folder that holds ``files/``, and the split."""
    for below in ROOTS:
        split = find(path / below / SPLIT)
        if split is not None:
            return path / below, split
    raise DataError(
        f"{path} holds no {SPLIT} (nor {SPLIT}.gz), there or in {' or '.join(ROOTS[1:])}; "
        "give the folder of MIMIC-CXR-JPG as PhysioNet publishes it"
    )


def read(settings: Cxr, store: InPlace) -> Collection:
    """Select the studies and hash their pictures; nothing is copied.

    Raises:
        DataError: the split or all reports are missing, or no study is left.
    """
    root, split = _root(settings.path)
    texts = settings.texts or root
    found = Collection(NAME, PUBLISHED, {"split": split})
    lost: Path | None = None
    for subject, study, dicoms in _studies(split):
        identity = f"{NAME}/s{study}"
        patient = Path("files") / f"p{subject[:2]}" / f"p{subject}"
        report = texts / patient / f"s{study}.txt"
        if not report.is_file():
            lost = lost or report
            found.leave(identity, "report missing")
            continue
        try:
            text = report.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            found.leave(identity, "report cannot be read")
            continue
        pictures = [root / patient / f"s{study}" / f"{dicom}.jpg" for dicom in dicoms]
        try:
            _take(found, settings, (identity, subject), text, pictures, store)
        except (ImageError, OSError):
            found.leave(identity, "picture missing or empty")
    if lost is not None and found.left_out["report missing"] == found.seen:
        raise DataError(
            f"{lost} is missing, and so is every report: MIMIC-CXR-JPG has none. Unpack "
            f"mimic-cxr-reports.zip of MIMIC-CXR into {texts}, or name the folder that has it in "
            "reports.cxr.texts"
        )
    found.check(f"no test study of {split} has its pictures and a report with findings")
    return found


def _studies(split: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Subject, study and its pictures, studies in the order of their first row."""
    studies: dict[tuple[str, str], dict[str, None]] = {}
    for number, row in rows(split, COLUMNS, SPLIT):
        values = {name: value.strip() for name, value in row.items()}
        if values["split"] != "test":
            continue
        if not (values["subject_id"].isdigit() and values["study_id"].isdigit() and values["dicom_id"]):
            raise DataError(f"{split} row {number} does not name subject, study and picture; fetch it again")
        studies.setdefault((values["subject_id"], values["study_id"]), {})[values["dicom_id"]] = None
    for (subject, study), dicoms in studies.items():
        yield subject, study, list(dicoms)


def _take(
    found: Collection,
    settings: Cxr,
    who: tuple[str, str],
    text: str,
    pictures: list[Path],
    store: InPlace,
) -> None:
    identity, subject = who
    sections = section_text(text)
    findings = [section.text for section in sections if section.name == "findings"]
    if not findings:
        found.leave(identity, "no findings")
        return
    found.count("several sections of findings, the first taken", len(findings) > 1)
    shown = pictures[: settings.max_images]
    found.count(f"pictures beyond max_images={settings.max_images} not shown", len(shown) < len(pictures))
    images = [ImagePart(image=store.add_file(path), name=path.name) for path in shown]
    words = WORDS[settings.prompt]
    if settings.indication:
        indication = next((" ".join(s.text.split()) for s in sections if s.name == "indication"), "")
        found.count("no indication to put before the words", not indication)
        words = f"{indication} {words}".strip()
    turn = Message.of("user", *images, words)
    made = record(NAME, identity, turn, findings[0], f"{NAME}:{subject}")
    found.items.append(Item(made, turn, findings[0]))


def version(settings: Cxr) -> str:
    """The prompt's name and what changes it, for a signature."""
    more = ["indication"] if settings.indication else []
    more += [f"max_images={settings.max_images}"] if settings.max_images else []
    return ",".join([settings.prompt, *more])
