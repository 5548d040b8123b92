"""HealthBench's items: read from a user's copy of its files, or from our own cases in the same layout.

HealthBench: Arora et al. 2025, arXiv 2505.08775. The layout was read on 2026-11-30 in
github.com/openai/simple-evals (``healthbench_eval.py``): JSON Lines of ``prompt_id``, ``prompt`` (turns of
``role`` and ``content``), ``rubrics`` (``criterion``, ``points``, ``tags``) and ``example_tags``; other keys
(``ideal_completions_data``, ``canary``) are passed over. Tags are ``theme:...`` and
``physician_agreed_category:...`` of an item, ``axis:...``, ``level:...`` and ``cluster:...`` of a rubric.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.language.concepts import Tongue
from bimedix2.text.arabic import script

PUBLISHED = {"main": 5000, "hard": 1000, "consensus": 3671}
"""Names that stand for the published files -> their items, as public copies of them are counted."""
OURS = "ours-"
"""Before a language: the name of our own cases."""
Script = Literal["arabic", "latin", "other"]
Text = Annotated[str, StringConstraints(pattern=r"\S")]


class _Layout(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Rubric(_Layout):
    """One criterion: points below 0 for what is not wanted."""

    criterion: Text
    points: Annotated[float, Field(allow_inf_nan=False)]
    tags: list[str] = []


class Turn(_Layout):
    """One turn of the conversation that the model continues."""

    role: Literal["system", "user", "assistant"]
    content: Text


class _Line(_Layout):
    prompt_id: Text
    prompt: Annotated[list[Turn], Field(min_length=1)]
    rubrics: Annotated[list[Rubric], Field(min_length=1)]
    example_tags: list[str] = []


@dataclass(frozen=True)
class Item:
    """One conversation of a set, with its rubrics."""

    set: str
    prompt_id: str
    turns: tuple[Turn, ...]
    rubrics: tuple[Rubric, ...]
    tags: tuple[str, ...]

    @property
    def id(self) -> str:
        """By which an answers file joins: ``healthbench/ID``, of a set of one's own ``healthbench/SET/ID``.

        An item that stands in several published files is one question.
        """
        inside = "" if self.set in PUBLISHED else f"{self.set}/"
        return f"healthbench/{inside}{self.prompt_id}"

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they are hashed."""
        return {
            "prompt_id": self.prompt_id,
            "turns": [turn.model_dump() for turn in self.turns],
            "rubrics": [rubric.model_dump() for rubric in self.rubrics],
            "tags": list(self.tags),
        }


def script_of(text: str) -> Script:
    """The script that most letters are in. Latin is no language: Spanish and English are both ``latin``."""
    found: dict[str, Script] = {"ar": "arabic", "en": "latin", "": "other"}
    return found[script(text)]


def read(path: Path, name: str) -> list[Item]:
    """Read a file in HealthBench's layout.

    Args:
        path: the file.
        name: of the set.

    Raises:
        DataError: it is absent or empty, or a line is not of the layout, repeats an id or a tag, does not end
            with the user, or has no positive points.
    """
    items: list[Item] = []
    seen: dict[str, int] = {}
    for number, value in io.read_jsonl(path):
        where = f"{path} line {number}"
        try:
            line = _Line.model_validate(value)
        except ValidationError as error:
            raise DataError(f"{where} is not of HealthBench's layout: {_said(error)}") from error
        if line.prompt_id in seen:
            first = seen[line.prompt_id]
            raise DataError(f"{where}: '{line.prompt_id}' stands at line {first} already; keep one of them")
        seen[line.prompt_id] = number
        if problem := _problem(line):
            raise DataError(f"{where}: {problem}")
        items.append(
            Item(name, line.prompt_id, tuple(line.prompt), tuple(line.rubrics), tuple(line.example_tags))
        )
    if not items:
        raise DataError(f"{path} has no items; fetch the file again")
    return items


def _said(error: ValidationError) -> str:
    one = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in one["loc"]) or "the line"
    return f"'{place}': {one['msg']}; correct it, or fetch the file again"


def _problem(line: _Line) -> str:
    """What is wrong with an item beyond the types of its fields; empty if nothing is."""
    roles = [turn.role for turn in line.prompt]
    turns = roles[1:] if roles[0] == "system" else roles
    wanted = ["user" if place % 2 == 0 else "assistant" for place in range(len(turns))]
    if turns != wanted or len(turns) % 2 == 0:
        return "the turns do not alternate from a user's to a user's; correct 'prompt'"
    if not any(rubric.points > 0 for rubric in line.rubrics):
        return "no rubric has positive points, so there is no score; add one, or leave the item out"
    for tags in (line.example_tags, *(rubric.tags for rubric in line.rubrics)):
        twice = next((tag for tag in tags if tags.count(tag) > 1), None)
        if twice is not None:
            return f"the tag '{twice}' stands twice; keep one"
    return ""


def ours(language: Tongue) -> list[Item]:
    """Our own cases; the same ids in both languages."""
    with as_file(files("bimedix2.evaluate.healthbench").joinpath("data", f"{language}.jsonl")) as path:
        return read(path, f"{OURS}{language}")


def missing(items: Sequence[Item]) -> dict[str, tuple[int, int]]:
    """Published set -> items that are there and items that it has, where the two differ."""
    there = {name: sum(item.set == name for item in items) for name in dict.fromkeys(i.set for i in items)}
    return {
        name: (count, PUBLISHED[name])
        for name, count in there.items()
        if name in PUBLISHED and count != PUBLISHED[name]
    }
