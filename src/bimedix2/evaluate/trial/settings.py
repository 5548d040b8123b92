"""What a blind trial is told at its door: ``seal`` makes one, ``read`` opens it after the judgements.

``calibrate`` seals a sample of what a judge has scored, so that people score it too; ``read`` is the same.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from bimedix2.config import Settings
from bimedix2.evaluate.mbench.load import Tongue
from bimedix2.records import Split

LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""One a model; a rater chooses by the keys 1 to 9, then by these with Shift, else by Tab."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Benchmark(Settings):
    """Where the questions are: a finished folder of records, or published files of BiMed-MBench."""

    records: Path | None = None
    """A finished folder; a record's last answer is the reference, what stands before it is the question."""
    split: Split = Split.TEST
    """Of ``records``."""
    questions: dict[Tongue, Path] = {}
    """Files in the published layout, by language."""
    images: Path | None = None
    """The pictures of ``questions``; a folder of records brings its own."""

    @model_validator(mode="after")
    def _one_kind(self) -> "Benchmark":
        if (self.records is None) == (not self.questions):
            raise ValueError("name one benchmark: 'records' (a folder) or 'questions' (files by language)")
        if bool(self.questions) != (self.images is not None):
            raise ValueError("'images' is the folder of the pictures of 'questions'; give both or neither")
        return self


class Model(Settings):
    """One system's answers."""

    answers: Path | dict[Tongue, Path]
    """A file (``question_id``, ``text``, ``model``), or a finished folder of scores; by language where the
    questions are in two files."""
    name: str = ""
    """In the place of the name that the file gives."""
    aliases: list[Name] = []
    """How its answers may call it beside its name; they are masked too."""
    mask: bool = True
    """Whether its name is looked for in all texts; off for a name that is a word of prose (``baseline``)."""
    task: str | None = None
    """Of a folder of scores with several tasks, the one whose answers are meant."""
    role: str = "model"
    """Of a folder of scores, whose answers: ``model`` or ``base``."""


class Seal(Settings):
    """A trial in the making."""

    benchmark: Benchmark
    models: list[Model] = Field(min_length=2, max_length=len(LABELS))
    size: int = Field(default=100, ge=1)
    """Items, as evenly over domain, type and language as the benchmark allows."""
    key: Path | None = None
    """The file that tells which model stands under which label; ``None``: ``OUTPUT.key.json``."""

    @model_validator(mode="after")
    def _answers_have_a_language(self) -> "Seal":
        for number, model in enumerate(self.models):
            files = model.answers
            if len(self.benchmark.questions) > 1 and not isinstance(files, dict):
                raise ValueError(
                    f"models.{number}: questions in two languages share their ids; give answers by language, "
                    "{en: FILE, ar: FILE}"
                )
            lacks = self.benchmark.questions.keys() - files.keys() if isinstance(files, dict) else set()
            if lacks:
                raise ValueError(f"models.{number} has no answers in '{min(lacks)}'; add that file")
        return self


class Calibrate(Settings):
    """A sample of the answers that a judge has scored, for people to score by the same protocol."""

    judged: Path
    """A finished folder of scores of ``mbench``."""
    images: Path | None = None
    """The pictures of its questions; ``None``: where its recipe has them."""
    size: int = Field(default=50, ge=1)
    """Answers, as evenly over domain, type and system as the folder allows."""
    systems: list[Name] = []
    """Of which systems' answers; all of the folder's where none is named."""
    mask: bool = True
    """Whether the systems' names are looked for in all texts; off for names that are words of prose."""
    key: Path | None = None
    """The file that keeps the judge's scores and whose answers these are; ``None``: ``OUTPUT.key.json``."""


class Read(Settings):
    """A trial that was judged."""

    sealed: Path
    """The folder that ``seal``, or ``calibrate``, wrote."""
    judgements: Path
    """The folder that ``bimedix2 review close`` wrote."""
    key: Path
    """The file that was written with it."""
    by: Name
    """Who un-blinds; the name goes into the log beside the key and into the result."""


class Trial(Settings):
    """One of the two ends of a blind trial; between them stands the room ``review``."""

    seal: Seal | None = None
    calibrate: Calibrate | None = None
    """In the place of ``seal``: people score what a judge has scored."""
    read: Read | None = None

    @model_validator(mode="after")
    def _one_end(self) -> "Trial":
        if sum(end is not None for end in (self.seal, self.calibrate, self.read)) != 1:
            raise ValueError(
                "a trial is either sealed or read; give one of 'seal', 'calibrate' (which seals a sample of "
                "what a judge scored) and 'read'"
            )
        return self
