"""Paired bilingual evaluation: the same item in English and Arabic, asked of one model.

A bilingual model should know the same in both languages, say it in the language it was asked in, and not
contradict itself. The items are a dataset's test records, or two benchmark files of twins.
"""

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import model_validator

from bimedix2 import __version__, io
from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.evaluate import answering, models
from bimedix2.evaluate.answering import InPlace
from bimedix2.evaluate.ask import Ledger, answers, ask, likelihoods
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.evaluate.paired import files
from bimedix2.evaluate.paired.files import Way
from bimedix2.evaluate.paired.folder import Failed, partial, replay, split, write_logs, write_numbers
from bimedix2.evaluate.paired.judge import Pair
from bimedix2.evaluate.paired.judged import Judged, scored, write_answers
from bimedix2.evaluate.paired.numbers import Plan
from bimedix2.evaluate.paired.pairs import Found, Twins, of_records, samples
from bimedix2.evaluate.signature import Subject, decoding_of, hosts_of, open_subject, scorer_of
from bimedix2.evaluate.task import Asking, Raw, Sample, Task
from bimedix2.evaluate.tasks.image_qa import IMAGE_QA
from bimedix2.manifest import RunFolder, folder_hash, git_commit, read_manifest
from bimedix2.records import Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_removed

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

Opener = Callable[[models.Model, int | None, Any], Subject]


class Paired(Settings):
    """Where the items are."""

    dataset: Path | None = None
    """A finished dataset folder: test records that have a twin in the other language."""
    english: Path | None = None
    """Or a benchmark's file of English questions,"""
    arabic: Path | None = None
    """and its twin under the same ids."""
    images: Path | None = None
    """The pictures of two files of BiMed-MBench."""
    options: Way = "answer"
    """Of questions with options: the model writes its ``answer``, or the options' ``likelihood`` decides."""
    judged: Judged | None = None
    """Scores of BiMed-MBench's answers, for the gap in them."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = (self.english, self.arabic)
        if self.dataset is None and None in given:
            raise ValueError("name a 'dataset', or both 'english' and 'arabic'")
        if self.dataset is not None and given != (None, None):
            raise ValueError("'dataset' and files of one language exclude each other; keep one of them")
        if self.dataset is not None and (self.judged or self.images):
            raise ValueError("'images' and 'judged' belong to files of BiMed-MBench; leave them out")
        return self

    def inputs(self) -> dict[str, Path]:
        """All that is read, by its key."""
        named = {key: getattr(self, key) for key in ("dataset", "english", "arabic", "images")}
        if self.judged:
            named |= {"judged/english": self.judged.english, "judged/arabic": self.judged.arabic}
        return {key: path for key, path in named.items() if path is not None}


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask both questions of every item, judge and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``paired``.
        opener: how a model's name becomes a backend.

    Raises:
        DataError: there are no items in both languages, or a file is broken; said before a model is loaded.
        ImageError: pictures are missing.
        ModelError: there is no such model, or it has no likelihoods and these decide.
    """
    settings = config.paired
    assert settings is not None
    inputs = answering.inputs(config, settings.inputs())
    if settings.dataset:
        read_manifest(settings.dataset)
    for path in (settings.english, settings.arabic):
        if path is not None and not path.is_file():
            raise DataError(f"{path} is no file; name a benchmark's file of questions")
    found, store, lexicon, odd = _items(config, settings)
    twins = _limited(config, found)
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        answering.guard(out.path, (sample.record for sample in samples(twins)))
        ledger = answering.open_ledger(out.path, config.reuse)
        subject = opener(config.model, config.threads, config.dtype)
        _ask(config, twins, subject, ledger, store)
        pairs, failed = split(_answered(config, twins, subject, ledger), lexicon)
        if not pairs:
            raise DataError(
                f"no item has both answers ({failed[0].reason}, ...); mend the answers, or the model"
            )
        if settings.judged:
            pairs = scored(pairs, settings.judged)
        signature = _sign(config, settings, subject)
        left = write_removed(out.path, found.left)
        write_logs(out.path, pairs, failed, lexicon)
        opening = {"partial": partial(config.limit, pairs, failed), "not paired": left, "files": odd}
        write_numbers(out.path, pairs, Plan(config.resamples, config.seed), signature, opening)
        write_answers(out.path, pairs, subject.backend.name)
        shutil.rmtree(out.path / answering.STATE)
        return out.publish(_counts(pairs, failed, left), {"signature": signature})


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """Both questions of every item, for a system that answers elsewhere.

    Raises:
        DataError: as ``run``.
    """
    settings = config.paired
    assert settings is not None
    found, store, _, _ = _items(config, settings)
    return {"paired": list(samples(_limited(config, found)))}, store, settings.inputs()


def _items(config: "Config", settings: Paired) -> tuple[Found, ImageStore, Lexicon | None, dict[str, Any]]:
    """The items, their pictures, the words of right answers, and what was odd about the files."""
    if settings.dataset:
        records = list(read_records(settings.dataset))
        found = of_records(record for record in records if record.split is Split.TEST)
        store = ImageStore(settings.dataset / "images")
        if not found.twins:
            raise DataError(
                f"{settings.dataset} has no test question in both languages; translate its test side, "
                "or hold out questions of both"
            )
        _pictures(found.twins, store)
        return found, store, Lexicon.of(records) if config.known_words else None, {}
    assert settings.english is not None
    assert settings.arabic is not None
    store = InPlace(settings.images or settings.english.parent)
    if files.mbench(settings.english):
        if settings.images is None:
            raise DataError(f"{settings.english} has questions about pictures; name their folder in images")
        found, odd = files.of_mbench(settings.english, settings.arabic, settings.images, store)
        return found, store, None, odd
    if settings.judged or settings.images:
        raise DataError(f"{settings.english} is not of BiMed-MBench's layout; leave out images and judged")
    return files.of_choices(settings.english, settings.arabic, settings.options), store, None, {}


def _pictures(twins: Sequence[Twins], store: ImageStore) -> None:
    for sample in samples(twins):
        for part in (part for message in sample.messages for part in message.images):
            if part.image not in store:
                raise DataError(
                    f"{sample.record.id}: image {part.image[:12]} is not in {store.root}; "
                    "run the dataset room again"
                )


def _limited(config: "Config", found: Found) -> list[Twins]:
    if config.limit is None or config.limit >= len(found.twins):
        return found.twins
    some = random.Random(f"{config.seed}:limit:paired").sample(range(len(found.twins)), config.limit)
    return [found.twins[place] for place in sorted(some)]


def _none(_: Sequence[Record], __: int) -> list[Sample]:
    return []


WAYS: dict[Way, Task] = {
    "answer": Task("both questions of an item", _none, answers, IMAGE_QA.score),
    "likelihood": Task("options of both questions of an item", _none, likelihoods, IMAGE_QA.score),
}
"""How an item is asked; judging needs both answers and stands in ``judge``."""


def _ask(
    config: "Config",
    twins: Sequence[Twins],
    subject: Subject,
    ledger: Ledger,
    store: ImageStore,
) -> None:
    asking = Asking(store, config.max_tokens, config.batch)
    every = list(samples(twins))
    way = WAYS["likelihood" if every[0].options else "answer"]
    with answering.progress() as bar:
        line = bar.add_task("paired", total=len(every))
        ask(way, every, subject, ledger, asking, lambda count: bar.advance(line, count))


def _answered(
    config: "Config", twins: Sequence[Twins], subject: Subject, ledger: Ledger
) -> list[tuple[Twins, tuple[str, str], tuple[Raw, Raw]]]:
    """Every item with the hashes of its requests and what came back."""
    out = []
    for one in twins:
        keys = tuple(subject.request(sample, config.max_tokens) for _, sample in one.sides)
        out.append((one, (keys[0], keys[1]), (ledger.known[keys[0]], ledger.known[keys[1]])))
    return out


def _sign(config: "Config", settings: Paired, subject: Subject) -> dict[str, Any]:
    """What the scores rest on."""
    if settings.dataset:
        benchmark = folder_hash(settings.dataset)
    else:
        both = [io.sha256_file(path) for path in (settings.english, settings.arabic) if path]
        benchmark = io.sha256_bytes(io.canonical_json(both).encode())
    judged = (
        [folder_hash(path) for path in (settings.judged.english, settings.judged.arabic)]
        if settings.judged
        else []
    )
    subjects = {"model": subject}
    known = bool(settings.dataset and config.known_words)
    return {
        "benchmark": benchmark,
        "language": "ar+en",
        "prompt": {"model": subject.prompt, "options": files.words_hash()},
        "checkpoint": {"model": subject.identity},
        "model": {"model": subject.backend.name},
        "decoding": decoding_of(subjects, config.max_tokens, config.dtype) | {"options": settings.options},
        "known_words": known,
        "scorer": scorer_of(known) if settings.dataset else "options or a judge",
        "limit": config.limit,
        "judge": "+".join(one[:8] for one in judged) or None,
        "host": hosts_of(subjects),
        "seed": config.seed,
        "version": __version__,
        "commit": git_commit(),
    }


def _counts(pairs: Sequence[Pair], failed: Sequence[Failed], left: dict[str, int]) -> dict[str, Any]:
    """Questions in, kept in both languages, and left out by reason."""
    lacking = {"lacks an answer": 2 * len(failed)} if failed else {}
    return {
        "in": 2 * (len(pairs) + len(failed)) + sum(left.values()),
        "kept": 2 * len(pairs),
        "removed": left | lacking,
    }


__all__ = ["Paired", "questions", "replay", "run"]
