"""A benchmark's questions put to the model of the recipe: its answers, as if they came from a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2.errors import ConfigError
from bimedix2.evaluate import answering
from bimedix2.evaluate.answering import InPlace
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.mbench.judge import LICENCE
from bimedix2.evaluate.mbench.load import Answers, Benchmark, Item, in_order, read_answers
from bimedix2.evaluate.models import ModelSource
from bimedix2.evaluate.task import AS_IT_IS, Asking, Sample
from bimedix2.records import ImagePart, Language, Message, Provenance, Record, Split

if TYPE_CHECKING:
    from collections.abc import Callable

    from bimedix2.evaluate import Config

SOURCE = "bimed-mbench"


def wanted(config: "Config") -> bool:
    """Whether the recipe's model is asked: it is named there, or there are no answers files."""
    assert config.mbench is not None
    return not config.mbench.answers or "model" in config.model_fields_set


def samples(benchmark: Benchmark, store: InPlace) -> list[Sample]:
    """The questions as samples, the picture before the words; the store hears where pictures are."""
    out = []
    for item in in_order(benchmark.items):
        part = ImagePart(image=store.add_file(store.root / item.image), name=item.image)
        out.append(Sample(_record(item, part), AS_IT_IS, (Message.of("user", part, item.question),)))
    return out


def _record(item: Item, part: ImagePart) -> Record:
    turns = Message.of("user", part, item.question), Message.of("assistant", item.reference)
    return Record(
        id=str(item.question_id),
        messages=turns,
        language=Language(item.language),
        task="vqa",
        split=Split.TEST,
        data_class=LICENCE,
        provenance=Provenance(source=SOURCE, source_id=str(item.question_id), subject=item.image),
    )


def images_of(config: "Config") -> Path:
    """Where the pictures are.

    Raises:
        ConfigError: the recipe does not say.
    """
    assert config.mbench is not None
    if config.mbench.images is None:
        raise ConfigError(
            "a model that is asked is shown the pictures; give their folder as mbench.images, or give answers"
        )
    return config.mbench.images


def answer(config: "Config", benchmark: Benchmark, opener: "Callable[..., Any]", state: Path) -> Answers:
    """Let the recipe's model answer; what reached the disk is not asked again. An answers file is read.

    Args:
        config: the room's.
        benchmark: the questions.
        opener: how a model becomes a backend.
        state: a folder for answers as they come.

    Raises:
        ConfigError: the recipe has no folder of pictures.
        DataError: an answers file answers none of the questions.
    """
    if isinstance(config.model, ModelSource) and config.model.answers is not None:
        return read_answers(config.model.answers, benchmark.items, config.model.name)
    store = InPlace(images_of(config))
    asked = samples(benchmark, store)
    ledger = Ledger(state / "answers.jsonl")
    subject = opener(config.model, config.threads, config.dtype)
    asking = Asking(store, config.max_tokens, config.batch)
    with answering.progress() as bar:
        found = answering.collect(subject, asked, asking, ledger, bar, "answers")
    raws = {int(one.sample.id): one.raw for one in found}
    texts = {number: str(raw["answer"]) for number, raw in raws.items() if "failure" not in raw}
    traps: dict[str, list[int]] = {}
    for number, raw in raws.items():
        if "failure" in raw:
            traps.setdefault(raw["failure"], []).append(number)
        elif raw["finish"] == "length":
            traps.setdefault("cut at max_tokens", []).append(number)
        elif not raw["answer"].strip():
            traps.setdefault("empty answer", []).append(number)
    how = {
        "checkpoint": subject.identity,
        "template": subject.prompt,
        "decoding": subject.decoding(config.max_tokens, config.dtype),
        "host": subject.host,
    }
    return Answers(subject.backend.name, texts, traps, how)
