"""Safety and honesty: does a model answer what it should, and only that, with safeguards off and on?

Probes must not simply be answered: a false premise, another modality, an organ that is not there, a picture
of nothing, a dose, an emergency, a crisis, an insult, a stereotype, an instruction inside a picture. Each has
an answerable twin, so that a model which refuses everything is found out. All of it in both languages.
"""

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, field_validator, model_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import DataError, EndpointError, ModelError
from bimedix2.evaluate import answering, models
from bimedix2.evaluate.ask import Ledger, answers, ask, likelihoods
from bimedix2.evaluate.safety import choices, folder, grade, scores, signing
from bimedix2.evaluate.safety import judge as judging
from bimedix2.evaluate.safety.folder import replay
from bimedix2.evaluate.safety.items import CATEGORIES, PICTURES, TEXTS, Item, texts
from bimedix2.evaluate.safety.pictures import Plan, Stores, pictures
from bimedix2.evaluate.safety.signing import RULES, Side
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import Asking, Raw, Sample, Task
from bimedix2.evaluate.tasks.image_qa import IMAGE_QA
from bimedix2.language import safeguards
from bimedix2.llm.connect import open_endpoint
from bimedix2.llm.endpoint import Endpoint
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

Opener = Callable[[models.Model, int | None, Any], Subject]


class Safety(Settings):
    """Which questions, from which pictures, judged by whom."""

    data: Path | None = None
    """A finished dataset folder, whose test pictures are asked about; texts need none."""
    items: Path | None = None
    """A file of questions in words, in the layout of ``safety/data/texts.yaml``; ``None`` takes that one."""
    categories: list[str] = Field(default=list(CATEGORIES), min_length=1)
    pictures: int = Field(default=30, ge=1)
    """Pictures a category; each is asked about in both languages, with a twin."""
    calibration: int = Field(default=100, ge=0)
    """Questions with options of each kind and language; 0 leaves calibration out, for models that give no
    likelihoods."""
    bins: int = Field(default=10, ge=2)
    """Of the calibration error."""
    safeguards: models.Model | None = RULES
    """What stands for safeguards on: ``rules``, or a model with safeguards before it, as ``{endpoint: ...}``;
    null asks without them alone."""
    judge: Endpoint | None = None
    """A model that judges what answers do; without one rules on words do."""
    cache: Path = Path("runs/judge.sqlite")
    """What the judge answered, by request."""

    @field_validator("categories")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in CATEGORIES:
                raise ValueError(f"'{name}' is no category; they are {', '.join(CATEGORIES)}")
        if len(set(names)) < len(names):
            raise ValueError("a category is named twice")
        return names

    @model_validator(mode="after")
    def _together(self) -> Self:
        if isinstance(self.safeguards, str) and self.safeguards != RULES:
            raise ValueError(
                f"safeguards are '{RULES}' or a model with safeguards as {{endpoint: ...}}, "
                f"not '{self.safeguards}'"
            )
        if self.data is None and (needing := [name for name in self.categories if name in PICTURES]):
            raise ValueError(f"'{needing[0]}' needs pictures; name a dataset in data, or leave it out")
        if self.data is None and "calibration" in self.model_fields_set and self.calibration:
            raise ValueError("calibration needs a dataset; name one in data, or set calibration to 0")
        return self

    def inputs(self) -> dict[str, Path]:
        """All that is read, by its key."""
        named = {"data": self.data, "items": self.items}
        return {key: path for key, path in named.items() if path is not None}


def _none(_: Sequence[Record], __: int) -> list[Sample]:
    return []


WAYS = {
    "answer": Task("a probe, a twin, or a text in a picture to read aloud", _none, answers, IMAGE_QA.score),
    "choice": Task("the options of a question", _none, likelihoods, IMAGE_QA.score),
}
"""How an item is asked; judging stands in ``grade`` and ``judge``."""


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask, judge and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``safety``.
        opener: how a model's name becomes a backend.

    Raises:
        DataError: a category has no items, a file is broken, or the judge failed its canaries.
        ModelError: there is no such model, or it has no likelihoods.
        EndpointError: an endpoint cannot be reached; give the same command again.
        MissingExtra: Pillow cannot join Arabic letters, or a package is missing.
    """
    settings = _settings(config)
    inputs = answering.inputs(config, settings.inputs())
    with RunFolder(config.output, "evaluate", _recipe(config, settings), inputs) as out:
        store = _store(settings, out.path / "images")
        items = _items(config, settings, store)
        answering.guard(out.path, (item.sample.record for item in items))
        if settings.judge:  # before anything is asked: what the judge may not see ends the run here
            for item in items:
                settings.judge.allow(item.sample.record.data_class)
        ledger = answering.open_ledger(out.path, config.reuse)
        sides = _sides(config, settings, opener)
        rows = _rows(config, items, sides, ledger, store)
        _judge(settings, rows, str(config.output))
        lines = [line for _, line in rows]
        scores.require(lines)
        signature = signing.sign(config, settings, sides)
        io.write_jsonl(out.path / "answers.jsonl", lines)
        folder.write_numbers(out.path, lines, out.recipe, signature)
        folder.draw(out.path, lines, out.recipe)
        counts = folder.counts(lines)
        shutil.rmtree(out.path / answering.STATE)
        return out.publish(counts, {"signature": signature})


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """Every question but those with options, for a system that answers elsewhere.

    Raises:
        DataError: as ``run``.
    """
    settings = _settings(config)
    store = _store(settings, None)
    return {"safety": [item.sample for item in _items(config, settings, store)]}, store, settings.inputs()


def _settings(config: "Config") -> Safety:
    settings = config.safety
    assert settings is not None
    if settings.data:
        read_manifest(settings.data)
    return settings


def _recipe(config: "Config", settings: Safety) -> dict[str, Any]:
    """The recipe by which a run is known: an endpoint's limits and prices change no answer."""
    recipe = config.model_dump(mode="json")
    if settings.judge:
        source = models.ModelSource(endpoint=settings.judge)
        recipe["safety"]["judge"] = source.model_dump(mode="json")["endpoint"]
    return recipe


def _store(settings: Safety, root: Path | None) -> Stores:
    return Stores(root, ImageStore(settings.data / "images") if settings.data else None)


def _items(config: "Config", settings: Safety, store: Stores) -> list[Item]:
    """Every question, what is wrong with them said before a model is opened."""
    found = texts(settings.categories, settings.items)
    if settings.data:
        records = [record for record in read_records(settings.data) if record.split is Split.TEST]
        if not records:
            raise DataError(
                f"{settings.data} has no records of split 'test'; hold some out in the dataset's recipe"
            )
        for record in records:
            for part in record.images:
                if part.image not in store:
                    raise DataError(
                        f"{record.id}: image {part.image[:12]} is not in {settings.data / 'images'}; "
                        "run the dataset room again"
                    )
        plan = Plan(settings.pictures, config.seed, store)
        found = pictures(settings.categories, records, plan) + found
        if settings.calibration:
            found += choices.choices(records, settings.calibration, config.seed)
    return _limited(found, config.limit, config.seed)


def _limited(items: list[Item], limit: int | None, seed: int) -> list[Item]:
    """At most so many numbers of a category, each with all that belongs to it."""
    if limit is None:
        return items
    stems: dict[str, list[str]] = {}
    for item in items:
        some = stems.setdefault(
            f"{item.category}:{item.facts.get('type') if item.role == 'choice' else ''}", []
        )
        if (stem := _stem(item)) not in some:
            some.append(stem)
    kept = set()
    for name, some in stems.items():
        kept.update(random.Random(f"{seed}:limit:{name}").sample(some, min(limit, len(some))))
    return [item for item in items if _stem(item) in kept]


def _stem(item: Item) -> str:
    return item.pair if item.role == "choice" else item.pair.rpartition("/")[0]


def _sides(config: "Config", settings: Safety, opener: Opener) -> list[Side]:
    subject = opener(config.model, config.threads, config.dtype)
    sides = [Side("off", subject)]
    if settings.safeguards == RULES:
        sides.append(Side("on", subject, rules=True))
    elif settings.safeguards is not None:
        sides.append(Side("on", opener(settings.safeguards, config.threads, config.dtype)))
    return sides


Rows = list[tuple[Item, dict[str, Any]]]


def _rows(
    config: "Config", items: Sequence[Item], sides: Sequence[Side], ledger: Ledger, store: Stores
) -> Rows:
    """Ask every item in every condition; a row each, with what the rules say of it."""
    asking = Asking(store, config.max_tokens, config.batch)
    out: Rows = []
    with answering.progress() as bar:
        # Likelihoods first: a model without them is found out before it is asked anything else.
        for way in ("choice", "answer"):
            mine = [item for item in items if (item.role == "choice") == (way == "choice")]
            for side in sides if way == "answer" else sides[:1]:
                line = bar.add_task(f"{way}, safeguards {side.name}", total=len(mine))
                if not side.rules:
                    _ask(way, mine, side, ledger, asking, lambda n, line=line: bar.advance(line, n))  # type: ignore[misc]
                out += [(item, _row(item, side, ledger, config.max_tokens)) for item in mine]
    _count_read(out)
    return out


def _ask(
    way: str, items: Sequence[Item], side: Side, ledger: Ledger, asking: Asking, tick: Callable[[int], None]
) -> None:
    if not items:
        return
    try:
        ask(WAYS[way], [item.sample for item in items], side.subject, ledger, asking, tick)
    except (ModelError, EndpointError) as error:
        if way != "choice":
            raise
        hint = "if it gives no likelihoods, set safety.calibration=0"
        raise type(error)(f"{error} ({hint})") from error


def _row(item: Item, side: Side, ledger: Ledger, max_tokens: int) -> dict[str, Any]:
    request = side.subject.request(item.sample, max_tokens)
    raw: Raw = ledger.known[request]
    ruling = safeguards.screen(item.sample.messages) if side.rules and item.role != "read" else None
    if ruling:
        # Another request than the model's: who reuses these answers must not take a rule's for the model's.
        request = io.sha256_bytes(f"{request}:{safeguards.version()}".encode())
        raw = {"answer": ruling.text, "finish": "stop", "model": f"rules:{safeguards.version()[:8]}"}
    row = {"request": request, "safeguards": side.name, **item.to_json(), "raw": raw}
    row |= {"ruling": ruling.rule if ruling else None, "failure": raw.get("failure"), "choice": None}
    row |= {"rules": None, "judge": None, "verdict": None, "counted": True}
    if row["failure"]:
        return row
    if item.role == "choice":
        row["choice"] = choices.scored(row)
    elif item.role in ("probe", "twin"):
        row["rules"] = row["verdict"] = grade.judge(item, raw["answer"]).to_json()
    return row


def _count_read(rows: Rows) -> None:
    """An instruction inside a picture counts only for a model that reads the same text aloud."""
    read = {
        (row["safeguards"], item.pair.rpartition("/")[0], item.language): not row["failure"]
        and grade.read_aloud(item.facts["written"], row["raw"]["answer"])
        for item, row in rows
        if item.role == "read"
    }
    for item, row in rows:
        if item.category == "hidden_instruction" and item.role == "probe":
            row["counted"] = read[row["safeguards"], item.pair.rpartition("/")[0], item.language]


def _judge(settings: Safety, rows: Rows, run: str) -> None:
    """Let the judge say what answers do, its canaries first; the rules' word stays beside its own."""
    if settings.judge is None:
        return
    mine = [(item, row) for item, row in rows if row["rules"] is not None]
    with open_endpoint(settings.judge, settings.cache, run) as backend:
        judging.tried(backend)
        found = judging.opinions(backend, [(item, row["raw"]["answer"]) for item, row in mine])
    for (item, row), one in zip(mine, found, strict=True):
        row["judge"] = one.to_json()
        row["verdict"] = None
        if one.does is None:
            row["failure"] = "the judge's reply cannot be read"
        else:
            row["verdict"] = grade.verdict(item, row["raw"]["answer"], one.does).to_json()


__all__ = ["CATEGORIES", "PICTURES", "TEXTS", "Safety", "questions", "replay", "run"]
