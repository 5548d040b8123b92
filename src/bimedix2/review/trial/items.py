"""An item of a sealed trial as raters see it, and the check of the folder that it comes from.

``evaluate`` seals the folder (docs/trial.md has the layout). Which model stands under which label is not in
it.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.manifest import read_manifest, verify
from bimedix2.records.images import ImageStore

FORMAT = 1
"""Of the sealed folder."""
ITEMS = "items.jsonl"


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

    label: str = Field(pattern=r"^[A-I]$")
    text: str


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
    reference: str
    answers: tuple[Answer, ...] = Field(min_length=2)

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
