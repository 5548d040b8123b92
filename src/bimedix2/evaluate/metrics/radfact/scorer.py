"""RadFact as a recipe names it: who judges, which form, and the scorer that comes of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from bimedix2.evaluate import canaries
from bimedix2.evaluate.metrics.radfact import canary, judge, scores
from bimedix2.evaluate.metrics.radfact.scores import VARIANTS, Negatives, Study, Variant
from bimedix2.llm.backend import Request
from bimedix2.llm.judge import Judged
from bimedix2.llm.replay import Replay
from bimedix2.records import DataClass

if TYPE_CHECKING:
    from bimedix2.evaluate.metrics.report import Scored, Scorer


class Radfact(Judged):
    """Who judges, and which of RadFact's forms."""

    study: Study = "cxr"
    """``cxr``: chest X-rays (RadFact); ``ct``: CT scans (RadEval's ``radfact_ct``, times 100)."""
    negatives: Negatives = "keep"
    """``drop``: statements of an absence or of something normal are left out on both sides."""
    tries: int = Field(default=3, ge=1)
    """Replies asked for, where the judge's cannot be read."""
    data_class: DataClass = DataClass.CREDENTIALED
    """Of the reports: ``credentialed`` and ``patient`` ones go to hosts alone that the judge's settings list
    for the class."""

    @property
    def variant(self) -> Variant:
        return VARIANTS[self.study, self.negatives]

    def allow(self) -> None:
        """Let the reports be sent to the judge, or not.

        Raises:
            DataClassError: its host is not listed for their class; nothing was sent.
        """
        if self.judge is not None:
            self.judge.allow(self.data_class)

    def check(self) -> dict[str, Path]:
        """Say before anybody is asked what would stop the judging later; return the files that are read.

        Raises:
            DataClassError: the judge's host is not listed for the reports' class.
            DataError: the file of replies is absent or broken.
        """
        self.allow()
        if self.replies is None:
            return {}
        Replay(self.replies)
        return {"replies": self.replies}


def opener(settings: Radfact, run: str) -> "tuple[Sequence[str], Callable[[], Scorer]]":
    """The keys that the scorer gives, and what opens it, as ``report.score_reports`` takes it.

    Args:
        settings: the judge, and the class of the reports.
        run: the name under which the judge's money is counted.
    """

    def opened() -> "Scorer":
        settings.allow()
        return lambda references, hypotheses: _score(settings, run, references, hypotheses)

    return settings.variant.keys, opened


def _score(settings: Radfact, run: str, references: Sequence[str], hypotheses: Sequence[str]) -> "Scored":
    """Ask the judge, its canaries first."""
    from bimedix2.evaluate import answering
    from bimedix2.evaluate.metrics.report import Judge, Scored

    pairs = list(zip(references, hypotheses, strict=True))
    languages = sorted({judge.language_of(text) for pair in pairs for text in pair if text.strip()}) or ["en"]
    with settings.opened(run) as backend, answering.progress() as bar:

        def say(requests: Sequence[Request]) -> None:
            settings.say_cost(backend, requests, "judge of RadFact")

        plan = judge.Plan(settings.study, settings.negatives, settings.tries, settings.data_class, say)
        counted = answering.Counted(backend, bar, "judge of RadFact")
        known = canary.judge_canaries(counted, languages, plan)
        canaries.require("judge of RadFact", known)
        details = judge.judge_pairs(counted, pairs, plan)
        name = f"{backend.name},{judge.version()},{canaries.in_short(known)}"
    notes, partial = _words(settings.variant.name, scores.counts(details))
    return Scored(
        {},
        notes,
        details={settings.variant.name: details},
        partial=partial,
        judge=Judge(name, settings.host),
    )


def _words(name: str, counted: dict[str, int]) -> tuple[list[str], list[str]]:
    """What is to be known of the judge's replies, and why the numbers are no whole result."""
    asked = ("statements", "pairs")
    notes = [f"{name}: {counted['statements']} statements of {counted['pairs']} pairs were judged"]
    notes += [f"{name}: {count} {what}" for what, count in counted.items() if count and what not in asked]
    unread, unsplit = counted["statements without a readable verdict"], counted["pairs without a number"]
    partial = []
    if unread:
        partial.append(
            f"{name}: {unread} of {counted['statements']} statements have no readable verdict and are left "
            "out"
        )
    if unsplit:
        partial.append(f"{name}: {unsplit} of {counted['pairs']} pairs have no number (unsplit reports)")
    return notes, partial
