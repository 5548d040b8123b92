"""Every answer that the curate room writes is right by this room's grader, and another picture's is wrong."""

import random
from itertools import pairwise

import pytest

from bimedix2.curate.asks import Ask, asks_of
from bimedix2.curate.conversations import text_asks
from bimedix2.curate.facts import Facts
from bimedix2.evaluate.grade import Expected, check, grade
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.language.concepts import Tongue, concepts, studies

TONGUES: tuple[Tongue, Tongue] = ("en", "ar")


def _details(number: int) -> dict[str, str]:
    kinds = ("plane", "projection", "view", "window", "stain")
    return {kind: sorted(concepts(kind))[number % len(concepts(kind))] for kind in kinds}


def _facts() -> list[Facts]:
    out = [
        Facts(
            {"modality": s.modality, **({"region": s.region} if s.region else {}), **_details(number)},
            {"rbc": 21, "wbc": 1, "platelets": 3},
            ("b_lines", "pleural"),
            None,
        )
        for number, s in enumerate(studies())
    ]
    out.append(Facts({"modality": "ct", "region": "heart"}, {}, (), None))  # a pair without its own study
    return out + [Facts({}, {}, (), kind) for kind in concepts("unreadable")]


ASKS: list[Ask] = [ask for facts in _facts() for ask in asks_of(facts, random.Random(0))] + text_asks()
LEXICON = Lexicon(ask.answer[tongue] for ask in ASKS for tongue in TONGUES)


def _expected(ask: Ask, tongue: Tongue) -> Expected:
    return Expected(ask.type, tongue, ask.answer[tongue], ask.verdict, ask.expect)


@pytest.mark.parametrize("tongue", TONGUES)
def test_every_taught_answer_is_right(tongue: Tongue) -> None:
    assert len(ASKS) > 400
    for ask in ASKS:
        wanted = _expected(ask, tongue)
        check(wanted, ask.type)
        assert grade(ask.answer[tongue], "stop", wanted, LEXICON).reasons == (), ask.answer[tongue]


@pytest.mark.parametrize("tongue", TONGUES)
def test_the_other_half_of_a_yes_no_pair_is_wrong(tongue: Tongue) -> None:
    pairs = [
        (one, two)
        for one, two in pairwise(ASKS)
        if one.type == two.type and {one.verdict, two.verdict} == {"yes", "no"}
    ]
    assert len(pairs) > 50
    for one, two in pairs:
        assert not grade(two.answer[tongue], "stop", _expected(one, tongue)).right, two.answer[tongue]
        assert not grade(one.answer[tongue], "stop", _expected(two, tongue)).right, one.answer[tongue]


@pytest.mark.parametrize("kind", ["modality", "plane", "projection", "view", "window", "stain", "unreadable"])
@pytest.mark.parametrize("tongue", TONGUES)
def test_another_value_of_the_kind_is_wrong(kind: str, tongue: Tongue) -> None:
    of_kind = [
        ask
        for ask in ASKS
        if ask.type == ("modality" if kind == "unreadable" else kind) and kind in ask.expect
    ]
    tried = 0
    for wanted in of_kind:
        for other in of_kind:
            if other.expect[kind] != wanted.expect[kind]:
                tried += 1
                said = other.answer[tongue]
                assert not grade(said, "stop", _expected(wanted, tongue)).right, (said, wanted.expect)
    assert tried
