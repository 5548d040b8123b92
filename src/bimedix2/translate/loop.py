"""Translate, check, translate again with the failure explained; what still fails is marked for review."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bimedix2.language.checks import Tongue, check_translation
from bimedix2.language.translators import Done, Translator, Undone, Wrong, translate_all
from bimedix2.records import Language, Record
from bimedix2.translate.quality import Quality
from bimedix2.translate.source import Source, twin_id

STRUCTURE = "structure"
"""The check of the texts' number, of protected spans and of empty texts."""
NO_ANSWER = "no-usable-answer"
SHOWN = 500
"""Characters of an answer that are kept with a refusal."""


@dataclass(frozen=True)
class Twin:
    """A record's translation, as a record. ``meta.translation`` says of what, how well, and what failed."""

    record: Record


@dataclass(frozen=True)
class Refused:
    """A record without a usable translation, and why."""

    reason: str
    what: dict[str, Any]


@dataclass
class _Try:
    """The best translation so far, and every one that did not pass."""

    source: Source
    texts: list[str] = field(default_factory=list)
    failed: tuple[str, ...] = ()
    wrong: list[Wrong] = field(default_factory=list)
    refused: Undone | None = None
    done: bool = False

    def take(self, result: Done | Undone, target: Language) -> None:
        """Check one answer, and keep it where it is whole."""
        if isinstance(result, Undone):
            self.refused = result
            self.done = True
            return
        texts, problems = self.source.unmask(result.texts)
        names = {STRUCTURE} if problems else set()
        tongue: Tongue = "ar" if target is Language.ARABIC else "en"
        for number, (source, text) in enumerate(zip(self.source.texts, texts, strict=False), 1):
            for failure in check_translation(source, text, target=tongue):
                names.add(failure.check)
                problems.append(f"text {number}: {failure.why}")
        whole = bool(texts) and STRUCTURE not in names
        if whole and (not self.texts or len(names) <= len(self.failed)):
            self.texts, self.failed = texts, tuple(sorted(names))
        self.done = not problems
        if problems:
            self.wrong.append(Wrong(result.texts, tuple(problems)))


class Loop:
    """The loop around one translator.

    Args:
        translator: who translates.
        target: the language to translate into.
        tries: translations of one record at most; one where the translator cannot be corrected.
        quality: rates what was translated.
    """

    def __init__(self, translator: Translator, target: Language, tries: int, quality: Quality) -> None:
        self.translator = translator
        self.target = target
        self.tries = tries if translator.corrects else 1
        self.quality = quality

    def translate(self, records: Sequence[Record]) -> list[Twin | Refused | None]:
        """Translate records together; ``None`` for one that has nothing to translate."""
        sources = [Source(record, self.target) for record in records]
        tried = {n: _Try(source) for n, source in enumerate(sources) if source.wanted}
        for _ in range(self.tries):
            open_ = [one for one in tried.values() if not one.done]
            if not open_:
                break
            results = translate_all(self.translator, [one.source.job(one.wrong) for one in open_])
            for one, result in zip(open_, results, strict=True):
                one.take(result, self.target)
        whole = {n: one for n, one in tried.items() if one.texts}
        jobs = [(one.source, one.texts) for one in whole.values()]
        rated = dict(zip(whole, self.quality.rate(jobs), strict=True))
        return [
            None if n not in tried else self._twin(tried[n], rated[n]) if n in whole else _refused(tried[n])
            for n in range(len(sources))
        ]

    def _twin(self, one: _Try, rated: dict[str, float]) -> Twin:
        record = one.source.record
        said: dict[str, Any] = {
            "of": record.id,
            "translator": self.translator.name,
            "failed": list(one.failed),
            "tries": len(one.wrong) + one.done,
            **rated,
        }
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        step = f"translate:{self.translator.name}@{today}"
        provenance = record.provenance.model_copy(update={"steps": (*record.provenance.steps, step)})
        changes: dict[str, Any] = {
            "id": twin_id(record.id, self.target),
            "language": self.target,
            "messages": one.source.rebuild(one.texts),
            "provenance": provenance,
            # Who reviewed the source has not seen this translation.
            "meta": {**{k: v for k, v in record.meta.items() if k != "review"}, "translation": said},
        }
        return Twin(Record.model_validate(record.model_copy(update=changes).model_dump()))


def _refused(one: _Try) -> Refused:
    if one.refused is not None:
        answers = [answer[:SHOWN] for answer in one.refused.answers]
        return Refused(NO_ANSWER, {"problem": one.refused.reason, "answers": answers})
    tries = [{"problems": list(w.problems), "texts": [t[:SHOWN] for t in w.texts]} for w in one.wrong]
    return Refused(STRUCTURE, {"tries": tries})
