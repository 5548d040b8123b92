"""LLM rewriting: short answers in full, captions as questions or conversations, choices as dialogues."""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.curate.reformat.kinds import KINDS, Given, Kind, messages
from bimedix2.errors import DataError
from bimedix2.llm.backend import Request, Sampling
from bimedix2.llm.budget import FREE, estimate
from bimedix2.llm.cache import Cached
from bimedix2.llm.endpoint import RUNNING, Endpoint
from bimedix2.llm.structured import Accepted, Rejected, Rules, as_asked, ask_structured
from bimedix2.records import Language, Message, Record

Name = Literal["vqa-detailed", "caption-qa", "caption-mcq", "caption-conversation", "mcq-dialogue"]
SETTLED = 100
"""Records after which the share of rejected ones may end a run."""


class ReformatConfig(Settings):
    """What is rewritten, and by whom."""

    kind: Name
    endpoint: Endpoint
    cache: Path = Path("runs/cache/llm.sqlite")
    """Answers of the endpoint: none is paid for twice."""
    tries: Annotated[int, Field(ge=1)] = 3
    """Answers asked for at most; each after the first is told what was wrong."""
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    together: Annotated[int, Field(ge=1)] = 64
    """Records asked about together."""
    keep_sources: bool = True
    """Keep the records that were rewritten, and those that are no input of this kind."""
    max_rejected: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of rejected records above which the run stops, from the 100th on."""


RESUMABLE: dict[str, Any] = {"cache": True, "together": True, "max_rejected": True, "endpoint": RUNNING}
"""Keys that may differ when a run goes on: they change no record."""


@cache
def prompt(kind: str) -> str:
    """The instruction of a kind."""
    return (
        files("bimedix2.curate.reformat")
        .joinpath("prompts", f"{kind}.md")
        .read_text(encoding="utf-8")
        .strip()
    )


def prompt_version(kind: str) -> str:
    """Its name and the head of its hash."""
    return f"{kind}-{io.sha256_bytes(prompt(kind).encode())[:8]}"


def request(kind: str, record: Record, given: Given, max_tokens: int) -> Request:
    """The conversation that asks for one rewriting. No image is sent: the source's words alone count."""
    return Request(
        (Message.of("system", prompt(kind)), Message.of("user", io.canonical_json(given.shown))),
        sampling=Sampling(max_tokens=max_tokens),
        data_class=record.data_class,
        prompt=prompt_version(kind),
    )


def _checked(kind: Kind, given: Given, value: Any) -> str:
    return kind.check(value, given)


@dataclass
class Reformat:
    """One rewriting of many records; what was rejected and counted gathers here.

    ``removed`` holds ``(id, reason, what)`` as rooms write it.
    """

    config: ReformatConfig
    backend: Cached
    removed: list[tuple[str, str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def kind(self) -> Kind:
        """The rewriting."""
        return KINDS[self.config.kind]

    def plan(self, records: Iterable[Record]) -> dict[str, Any]:
        """Count what would be asked about, and estimate the first answers where there are prices.

        Raises:
            DataClassError: a record may not be sent to the endpoint's host.
        """
        counts: Counter[str] = Counter()
        endpoint = self.config.endpoint

        def asked() -> Iterator[Request]:
            for record in records:
                counts["records"] += 1
                given = self.kind.given(record)
                if given is not None:
                    counts["to_rewrite"] += 1
                    endpoint.allow(record.data_class)
                    yield as_asked(self._request(record, given), self._rules(record, given))

        requests = asked()
        first = (
            one
            for group in iter(lambda: list(islice(requests, self.config.together)), [])
            for one in self.backend.unanswered(group)
        )
        cost = estimate(first, endpoint.prices or FREE)
        plan: dict[str, Any] = {name: counts[name] for name in ("records", "to_rewrite")}
        return plan | ({"first_round": str(cost)} if endpoint.prices else {"first_requests": cost.requests})

    def run(self, records: Iterator[Record]) -> Iterator[Record]:
        """Yield the records with what came of them behind each.

        Raises:
            DataError: more than ``max_rejected`` were rejected.
        """
        while group := list(islice(records, self.config.together)):
            inputs = [(n, given) for n, record in enumerate(group) if (given := self.kind.given(record))]
            outcomes = dict(zip([n for n, _ in inputs], self._ask(group, inputs), strict=True))
            for number, record in enumerate(group):
                if self.config.keep_sources:
                    yield record
                if number not in outcomes:
                    self.counts["no-input"] += 1
                    continue
                yield from self._made(record, outcomes[number])
            self._stop_where_hopeless()

    def look_idle(self) -> None:
        """Look that something was rewritten, after the last record.

        Raises:
            DataError: no record was of this kind's input: what was asked for would be a copy of the input.
        """
        if self.counts["no-input"] and not self.counts["rewritten"] and not self.removed:
            raise DataError(
                f"none of the {self.counts['no-input']} records is of the input that '{self.config.kind}' "
                "rewrites (docs/curate.md says what is); choose another kind or another input"
            )

    def _request(self, record: Record, given: Given) -> Request:
        return request(self.config.kind, record, given, self.config.max_tokens)

    def _ask(
        self, group: Sequence[Record], inputs: Sequence[tuple[int, Given]]
    ) -> list[Accepted[Any] | Rejected]:
        requests = [self._request(group[number], given) for number, given in inputs]
        rules = [self._rules(group[number], given) for number, given in inputs]
        return ask_structured(self.backend, requests, rules) if requests else []

    def _rules(self, record: Record, given: Given) -> Rules[Any]:
        language = record.language if record.language is not Language.MIXED else None
        check = partial(_checked, self.kind, given)
        return Rules(self.kind.schema, language=language, check=check, tries=self.config.tries)

    def _made(self, record: Record, outcome: Accepted[Any] | Rejected) -> Iterator[Record]:
        if isinstance(outcome, Rejected):
            self.removed.append((f"{record.id}-{self.config.kind}", "rewriting-rejected", outcome.to_json()))
            return
        self.counts["rewritten"] += 1
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        step = f"reformat:{self.config.kind}:{outcome.reply.model}@{today}"
        said = {"of": record.id, "kind": self.config.kind, "prompt": prompt_version(self.config.kind)}
        # Who reviewed the source has not seen these words; a failed check that nobody looked at stays.
        settled = {"review", "translation"} if "review" in record.meta else set()
        meta = {key: value for key, value in record.meta.items() if key not in settled}
        for number, texts in enumerate(self.kind.turns(outcome.value, record), 1):
            self.counts["made"] += 1
            provenance = record.provenance.model_copy(update={"steps": (*record.provenance.steps, step)})
            changes: dict[str, Any] = {
                "id": f"{record.id}-{self.config.kind}-{number}",
                "messages": messages(texts, record.images),
                "task": self.kind.task,
                "provenance": provenance,
                "meta": {**meta, "reformat": said},
            }
            yield Record.model_validate(record.model_copy(update=changes).model_dump())

    def _stop_where_hopeless(self) -> None:
        asked = self.counts["rewritten"] + len(self.removed)
        if asked >= SETTLED and len(self.removed) > self.config.max_rejected * asked:
            what = self.removed[-1][2]["reason"]
            raise DataError(
                f"{len(self.removed)} of {asked} rewritings were rejected ('max_rejected' is "
                f"{self.config.max_rejected:g}), the last because {what}; look at the endpoint, then run "
                "this again: answers that came are kept"
            )
