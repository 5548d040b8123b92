"""Paired bilingual evaluation: the same item in English and Arabic, asked of one model.

A bilingual model should know the same in both languages, say it in the language it was asked in, and not
contradict itself. The items are a dataset's test records, or two benchmark files of twins.
"""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import model_validator
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bimedix2 import __version__, io
from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.evaluate import models
from bimedix2.evaluate.answering import InPlace
from bimedix2.evaluate.ask import Ledger, answers, ask, likelihoods
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.evaluate.paired import files, numbers, report
from bimedix2.evaluate.paired.files import Way
from bimedix2.evaluate.paired.judge import Pair, judge, to_json
from bimedix2.evaluate.paired.judged import ANSWERS, Judged, line, scored
from bimedix2.evaluate.paired.pairs import Found, Twins, of_records, samples
from bimedix2.evaluate.signature import Subject, decoding_of, hosts_of, in_short, open_subject
from bimedix2.evaluate.task import Asking, Raw, Sample, Task
from bimedix2.evaluate.tasks.image_qa import IMAGE_QA
from bimedix2.manifest import RunFolder, folder_hash, git_commit, read_manifest
from bimedix2.records import Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_removed

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

STATE = ".state"
"""Below the staging folder, for answers as they come; no part of a finished run."""
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
    inputs = settings.inputs() | ({"reuse": config.reuse} if config.reuse else {})
    inputs |= models.inputs(config.model)
    if settings.dataset:
        read_manifest(settings.dataset)
    for path in (settings.english, settings.arabic):
        if path is not None and not path.is_file():
            raise DataError(f"{path} is no file; name a benchmark's file of questions")
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        found, store, lexicon, odd = _items(config, settings)
        twins = _limited(config, found)
        ledger = Ledger(out.path / STATE / "answers.jsonl")
        if config.reuse:
            ledger.take(config.reuse)
        subject = opener(config.model, config.threads, config.dtype)
        _ask(config, twins, subject, ledger, store)
        pairs, failed = _judge(config, twins, subject, ledger, lexicon)
        signature = _sign(config, settings, subject)
        if settings.judged:
            pairs = scored(pairs, settings.judged)
        partial = _partial(config, len(twins), failed)
        counts = _write(config, out.path, pairs, failed, found, partial, signature, odd)
        shutil.rmtree(out.path / STATE)
        return out.publish(counts, {"signature": signature})


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
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns) as bar:
        line = bar.add_task("paired", total=len(every))
        ask(way, every, subject, ledger, asking, lambda count: bar.advance(line, count))


Failed = tuple[Twins, str, tuple[Raw, Raw]]
"""An item without both answers: in which language and why."""


def _judge(
    config: "Config", twins: Sequence[Twins], subject: Subject, ledger: Ledger, lexicon: Lexicon | None
) -> tuple[list[Pair], list[Failed]]:
    pairs: list[Pair] = []
    failed: list[Failed] = []
    for one in twins:
        keys = [sample.request(subject.identity, config.max_tokens) for _, sample in one.sides]
        raws = (ledger.known[keys[0]], ledger.known[keys[1]])
        wrong = [(tongue, raw) for (tongue, _), raw in zip(one.sides, raws, strict=True) if "failure" in raw]
        if wrong:
            failed.append((one, "; ".join(f"{tongue}: {raw['failure']}" for tongue, raw in wrong), raws))
        else:
            pairs.append(replace(judge(one, raws, lexicon), requests=(keys[0], keys[1])))
    if not pairs:
        raise DataError(f"no item has both answers ({failed[0][1]}, ...); mend the answers, or the model")
    return pairs, failed


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
    return {
        "benchmark": benchmark,
        "language": "ar+en",
        "prompt": {"model": subject.prompt, "options": files.words_hash()},
        "checkpoint": {"model": subject.identity},
        "model": {"model": subject.backend.name},
        "decoding": decoding_of(subjects, config.max_tokens, config.dtype) | {"options": settings.options},
        "known_words": bool(settings.dataset and config.known_words),
        "judge": "+".join(one[:8] for one in judged) or None,
        "host": hosts_of(subjects),
        "seed": config.seed,
        "version": __version__,
        "commit": git_commit(),
    }


def _partial(config: "Config", asked: int, failed: Sequence[Failed]) -> str:
    """Why these are no whole results; empty where they are."""
    out = []
    if config.limit is not None:
        out.append(f"at most {config.limit} items (limit={config.limit})")
    if failed:
        reasons = Counter(reason for _, reason, _ in failed)
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        out.append(f"{len(failed)} of {asked} items lack an answer ({why})")
    return "; ".join(out)


def _write(
    config: "Config",
    folder: Path,
    pairs: Sequence[Pair],
    failed: Sequence[Failed],
    found: Found,
    partial: str,
    signature: dict[str, Any],
    odd: dict[str, Any],
) -> dict[str, Any]:
    plan = numbers.Plan(config.resamples, config.seed)
    left = Counter(reason for _, reason, _ in found.left)
    values = {
        "partial": partial,
        "model": signature["model"]["model"],
        "all": numbers.measure(pairs, plan),
        "by type": numbers.by_type(pairs, plan),
        "paired by": dict(Counter(pair.twins.rule for pair in pairs)),
        "not paired": dict(left.most_common()),
        "files": odd,
    }
    io.write_jsonl(folder / "answers.jsonl", _rows(pairs, failed))
    io.write_jsonl(folder / "pairs.jsonl", (to_json(pair) for pair in pairs))
    io.write_json(folder / "scores.json", {"signature": signature, **values})
    io.write_text(folder / "scores.md", report.page(values, pairs, in_short(signature, ("model",))))
    if any(not pair.twins.graded for pair in pairs):
        for tongue, name in ANSWERS.items():
            io.write_jsonl(folder / name, (line(pair, tongue, values["model"]) for pair in pairs))
    reasons = write_removed(folder, found.left)
    return {
        "in": 2 * (len(pairs) + len(failed)) + len(found.left),
        "kept": 2 * len(pairs),
        "removed": reasons | ({"lacks an answer": 2 * len(failed)} if failed else {}),
    }


def _rows(pairs: Sequence[Pair], failed: Sequence[Failed]) -> list[dict[str, Any]]:
    """A line an answer: what was asked, what was expected, and every judgement."""
    out = []
    for pair in pairs:
        for place, (tongue, sample) in enumerate(pair.twins.sides):
            said = (pair.english, pair.arabic)[place]
            judged = {
                "right": said.right,
                "language_kept": said.kept,
                "switched": list(said.switched),
                "reasons": list(said.reasons),
            }
            asked = {"request": pair.requests[place], "raw": pair.raws[place]}
            out.append(asked | _asked(pair.twins, tongue, sample) | judged)
    for twins, reason, raws in failed:
        for (tongue, sample), raw in zip(twins.sides, raws, strict=True):
            out.append(
                {
                    "request": "",
                    "raw": raw,
                    **_asked(twins, tongue, sample),
                    "right": None,
                    "reasons": [reason],
                }
            )
    return out


def _asked(twins: Twins, tongue: str, sample: Sample) -> dict[str, Any]:
    wanted = sample.expected
    assert wanted is not None
    return {
        "item": twins.id,
        "id": sample.record.id,
        "language": tongue,
        "type": twins.type,
        "subject": twins.subject if twins.known_subject else None,
        "prompt": [{"role": m.role, "text": m.text} for m in sample.messages],
        "images": [part.image for message in sample.messages for part in message.images],
        "options": list(sample.notes.get("choices", ())),
        "expected": {"facts": wanted.facts, "verdict": wanted.verdict, "reference": wanted.reference},
    }
