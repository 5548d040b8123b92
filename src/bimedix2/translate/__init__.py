"""Records of one language to their twins in the other: translated, checked, corrected, and rated."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator
from rich.console import Console
from rich.progress import Progress

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.language.translators import Job, LLMTranslator, Translator, load_translator
from bimedix2.llm.budget import estimate
from bimedix2.llm.cache import Cached
from bimedix2.llm.connect import open_endpoint
from bimedix2.llm.endpoint import RUNNING, Endpoint
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Language, Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records, write_removed
from bimedix2.translate.loop import Loop, Refused, Twin
from bimedix2.translate.quality import Quality
from bimedix2.translate.source import Source, Translated

OTHER = {Language.ENGLISH: Language.ARABIC, Language.ARABIC: Language.ENGLISH}
SETTLED = 100
"""Records after which the share of refused ones may end a run."""
T = TypeVar("T")


class Config(Settings):
    """What to translate, who translates, and where to write."""

    input: Path
    """A finished record folder; its records of the other language, and those whose translation stands beside
    them, pass through."""
    output: Path
    to: Literal["ar", "en"] = "ar"
    """The language to translate into."""
    endpoint: Endpoint | None = None
    """A chat model behind an OpenAI-compatible endpoint; or ``translator``."""
    translator: str | None = None
    """A translator of your own, ``module:attribute``."""
    cache: Path = Path("runs/cache/llm.sqlite")
    """Answers of the endpoint: none is paid for twice."""
    max_tokens: Annotated[int, Field(ge=1)] = 4096
    """Of one answer."""
    brackets: bool = True
    """In Arabic, the English term in brackets on first use."""
    tries: Annotated[int, Field(ge=1)] = 3
    """Translations of one record at most; each after the first is told what the checks found."""
    back_translation: bool = True
    """Rate each translation by translating it back (chrF against the source): one more request a record."""
    rater: bool = False
    """Let the endpoint's model rate each translation from 1 to 5 as well: one more request a record."""
    keep_sources: bool = True
    """Write the source records beside their twins."""
    together: Annotated[int, Field(ge=1)] = 64
    """Records handed to the translator together."""
    max_refused: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of records without any usable answer above which the run stops, from the 100th on."""
    dry_run: bool = False
    """Count, estimate what the first translations cost, and ask nothing."""

    @model_validator(mode="after")
    def _one_translator(self) -> Self:
        if (self.endpoint is None) == (self.translator is None):
            raise ValueError("give one of 'endpoint' and 'translator'")
        if self.rater and self.endpoint is None:
            raise ValueError("'rater' asks the endpoint's model; give an 'endpoint', or leave rater out")
        return self

    @property
    def target(self) -> Language:
        """The language to translate into."""
        return Language(self.to)


RESUMABLE: dict[str, Any] = {
    **dict.fromkeys(("together", "max_refused", "dry_run", "cache"), True),
    "endpoint": RUNNING,
}
"""Keys that may differ when a run goes on: they change no record."""


def run(config: Config) -> Path:
    """Translate into one finished folder; the plan's file for a dry run.

    Raises:
        DataError: more than ``max_refused`` of the records got no usable answer.
    """
    read_manifest(config.input)
    with ExitStack() as stack:
        backend = None
        if config.endpoint is not None:
            backend = stack.enter_context(open_endpoint(config.endpoint, config.cache, str(config.output)))
        if config.dry_run:
            return _plan(config, backend)
        translator = _translator(config, backend)
        recipe = config.model_dump(mode="json", exclude=RESUMABLE)
        inputs = {"input": config.input}
        # What was answered stands in the cache, not in the half-written folder.
        out = stack.enter_context(RunFolder(config.output, "translate", recipe, inputs, afresh=True))
        return _translate(config, translator, backend, out)


def _translator(config: Config, backend: Cached | None) -> Translator:
    if backend is not None:
        return LLMTranslator(backend, max_tokens=config.max_tokens, brackets=config.brackets)
    return load_translator(config.translator or "")


def _translate(config: Config, translator: Translator, backend: Cached | None, out: RunFolder) -> Path:
    quality = Quality(
        translator if config.back_translation else None, backend if config.rater else None, config.target
    )
    loop = Loop(translator, config.target, config.tries, quality)
    counts: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    removed: list[tuple[str, str, Any]] = []
    shown: set[str] = set()
    there = Translated(config.input, config.target)

    def made(progress: Progress) -> Iterator[Record]:
        bar = progress.add_task("translate", total=there.total)
        for group in _groups(read_records(config.input), config.together):
            open_ = [record for record in group if there.lacks(record)]
            results = {r.id: found for r, found in zip(open_, loop.translate(open_), strict=True)}
            for record in group:
                result = results.get(record.id)
                progress.advance(bar)
                counts["in"] += 1
                twin = result.record if isinstance(result, Twin) else None
                if isinstance(result, Refused):
                    removed.append((record.id, result.reason, result.what))
                if record.id not in results:
                    counts["already-translated"] += 1
                elif twin is None:
                    counts["passed-through"] += result is None
                else:
                    counts["translated"] += 1
                    failed.update(twin.meta["translation"]["failed"])
                    counts["failed-a-check"] += bool(twin.meta["translation"]["failed"])
                for one in (record if config.keep_sources or result is None else None, twin):
                    if one is not None:
                        shown.update(image.image for image in one.images)
                        yield one
            _stop_where_hopeless(counts, removed, config)

    # Opened here, not where rows are made: an error would leave the display to whoever tidies memory.
    with Progress(transient=True, console=Console(stderr=True)) as progress:
        kept = write_records(out.path, made(progress))
    store, target = ImageStore(config.input / "images"), ImageStore(out.path / "images")
    for key in sorted(shown):
        target.add_file(store.path(key))
    reasons = write_removed(out.path, removed)
    told = {"translator": translator.name, "failed_checks": dict(failed.most_common())}
    return out.publish({**counts, "kept": kept, "removed": reasons}, told)


def _groups(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    while group := list(islice(rows, size)):
        yield group


def _stop_where_hopeless(counts: Counter[str], removed: list[tuple[str, str, Any]], config: Config) -> None:
    asked = counts["translated"] + len(removed)
    if asked >= SETTLED and len(removed) > config.max_refused * asked:
        raise DataError(
            f"{len(removed)} of {asked} records got no usable translation ('max_refused' is "
            f"{config.max_refused:g}), the last: {removed[-1][1]}; look at the endpoint, then run this "
            "again: answers that came are kept"
        )


def _plan(config: Config, backend: Cached | None) -> Path:
    """Count what would be translated, and estimate the first round."""
    there = Translated(config.input, config.target)
    todo = 0

    def jobs() -> Iterator[Job]:
        nonlocal todo
        for record in filter(there.lacks, read_records(config.input)):
            source = Source(record, config.target)
            if source.wanted:
                todo += 1
                if config.endpoint is not None:
                    config.endpoint.allow(record.data_class)
                yield source.job()

    plan: dict[str, Any] = {"records": there.total}
    said = ""
    if backend is not None and config.endpoint is not None and config.endpoint.prices is not None:
        translator = LLMTranslator(backend, max_tokens=config.max_tokens, brackets=config.brackets)
        asked = map(translator.first, jobs())
        first = (one for group in _groups(asked, config.together) for one in backend.unanswered(group))
        plan["first_round"] = str(estimate(first, config.endpoint.prices))
        said = f"; the first round: {plan['first_round']}"
    else:
        deque(jobs(), maxlen=0)
    plan["to_translate"] = todo
    ratings = {"back_translation": config.back_translation, "rating": config.rater}
    if more := {name: todo for name, wanted in ratings.items() if wanted}:
        plan["further_requests"] = more
        said += "; not in it: " if said else "; beside it: "
        said += ", ".join(f"{count:,} of {name}" for name, count in more.items()) + ", and corrections"
    target = config.output.with_name(f"{config.output.name}.plan.json")
    io.write_json(target, plan)
    Console(stderr=True, soft_wrap=True).print(
        f"{todo:,} of {there.total:,} records to translate{said}; nothing was asked", highlight=False
    )
    return target
