"""An item of a sealed trial as raters see it, and the check of the folder that it comes from.

``evaluate`` seals the folder (docs/trial.md has the layout). Which model stands under which label is not in
it. An item asks for the best of its answers, or, where it has scales, for a value on each of them.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.manifest import read_manifest, verify
from bimedix2.records.images import ImageStore

FORMAT = 1
"""Of the sealed folder."""
ITEMS = "items.jsonl"
Name = Literal[
    "overall",
    "accuracy",
    "completeness",
    "relevance",
    "language",
    "harm",
    "fact",
    "claim",
    "in_language",
    "harmful",
]
"""What a scale measures; the pages have words for each."""
WORDS = ("present", "contradicted", "absent", "supported", "unknown", "yes", "no")
"""Values of scales that are no whole numbers; the pages have words for each."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Part(_Frozen):
    """Words, or one image by its hash."""

    text: str | None = None
    image: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class Turn(_Frozen):
    """One turn of what the models were asked."""

    role: str
    parts: tuple[Part, ...]


class Answer(_Frozen):
    """One model's answer under its label."""

    label: str = Field(pattern=r"^[A-Z]$")
    text: str


class Scale(_Frozen):
    """One thing that a rater says of one answer."""

    id: str = Field(pattern=r"^[\w.-]{1,40}$")
    label: str = Field(pattern=r"^[A-Z]$")
    """Of which answer."""
    name: Name
    text: str = ""
    """What is marked (a fact, a claim), or what the scale means."""
    values: tuple[str, ...] = Field(min_length=2, max_length=10)
    """Whole numbers, or of ``WORDS``; a rater gives one."""

    @model_validator(mode="after")
    def _shown(self) -> Self:
        unknown = [value for value in self.values if not value.isdecimal() and value not in WORDS]
        if unknown or len(set(self.values)) < len(self.values):
            raise ValueError(f"scale '{self.id}' has the values {', '.join(self.values)}")
        return self


class Item(_Frozen):
    """A question with its reference answer and every model's."""

    id: str = Field(min_length=1)
    domain: str
    type: str
    language: str
    cluster: str
    """Subject or picture, hashed: items that share it are not independent."""
    data_class: str
    turns: tuple[Turn, ...]
    context: str = ""
    """What else is told of the picture, for example its caption."""
    reference: str
    """Empty where the reference is one of the answers."""
    answers: tuple[Answer, ...] = Field(min_length=1)
    scales: tuple[Scale, ...] = ()
    """Values that a rater gives; without any the best answer is chosen."""

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if not self.scales and len(self.answers) < 2:
            raise ValueError("one answer without scales leaves nothing to choose")
        (twice, times), *_ = Counter(scale.id for scale in self.scales).most_common(1) or [("", 0)]
        if times > 1:
            raise ValueError(f"two scales are called '{twice}'")
        if strange := [scale.id for scale in self.scales if scale.label not in self.labels]:
            raise ValueError(f"scale '{strange[0]}' is of no answer of the item")
        return self

    @property
    def images(self) -> tuple[str, ...]:
        """Hashes of all images."""
        return tuple(part.image for turn in self.turns for part in turn.parts if part.image is not None)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in their order."""
        return tuple(answer.label for answer in self.answers)

    @property
    def start(self) -> str:
        """The beginning of the question, for lists."""
        words = " ".join(part.text for part in self.turns[-1].parts if part.text)
        return words[:90]


def read_sealed(folder: Path) -> tuple[list[Item], dict[str, Any]]:
    """The items of a sealed folder in their order, and what its manifest says of the trial.

    Raises:
        RunError: it is no sealed trial, or was changed.
        DataError: an item is wrong, or its picture is missing.
    """
    about = read_manifest(folder).get("trial")
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise RunError(
            f"{folder} is no sealed trial of format {FORMAT}; make it with: bimedix2 evaluate RECIPE.yaml "
            "that has trial.seal"
        )
    verify(folder)
    store = ImageStore(folder / "images")
    items = []
    for number, row in io.read_jsonl(folder / ITEMS):
        try:
            item = Item.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "item"
            raise DataError(
                f"{folder / ITEMS} line {number}: '{key}': {first['msg']}; seal the trial again"
            ) from error
        for image in item.images:
            if image not in store:
                raise DataError(f"item {item.id}: image {image[:12]} is not in {store.root}; seal it again")
        items.append(item)
    if not items:
        raise DataError(f"{folder} has no items; seal the trial again")
    return items, about
