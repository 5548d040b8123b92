"""Statements whose verdict is known: a judge that gets them wrong gives no RadFact.

RadFact's own authors have a judge tried on examples first; a judge that answers in prose would else give
every report the score 0.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.evaluate import canaries
from bimedix2.evaluate.canaries import Canary
from bimedix2.evaluate.metrics.radfact.judge import Plan, ask_step
from bimedix2.llm.backend import Backend
from bimedix2.records import DataClass


@cache
def cases() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Language -> verdict -> cases."""
    text = files(__package__).joinpath("canaries.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[dict[str, Any]]]] = yaml.safe_load(text)
    return found


def judge_canaries(backend: Backend, languages: Sequence[str], plan: Plan) -> list[Canary]:
    """Ask about the statements of some languages; an unreadable reply is wrong.

    Raises:
        EndpointError: the judge cannot be reached.
    """
    known = {
        (language, verdict, number): (case, language)
        for language in languages
        for verdict, rows in cases()[language].items()
        for number, case in enumerate(rows)
    }
    asked = ask_step(backend, "entailment", known, replace(plan, data_class=DataClass.OPEN))
    return canaries.count(
        (language, verdict, one.value is not None and one.value.status == verdict)
        for (language, verdict, _), one in asked.items()
    )
