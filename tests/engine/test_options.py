"""Branches over shared contexts give the numbers of plain passes."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch

from bimedix2.engine.options import BEGINNINGS, Scorer, families, plant
from bimedix2.errors import DataError
from bimedix2.model import checkpoint

Tokens = tuple[int, ...]


@pytest.fixture
def model(tiny: Any) -> Any:
    return checkpoint.load("tiny-base").model


@pytest.fixture
def plainly(model: Any) -> Callable[[Tokens, Tokens], tuple[float, bool]]:
    """One pass of transformers' own forward over context and continuation, nothing shared."""

    def score(context: Tokens, continuation: Tokens) -> tuple[float, bool]:
        ids = torch.tensor([context + continuation])
        with torch.inference_mode():
            logs = torch.log_softmax(model(input_ids=ids).logits[0].float(), dim=-1)
        places = range(len(context) - 1, len(context) + len(continuation) - 1)
        value = sum(float(logs[p, t]) for p, t in zip(places, continuation, strict=True))
        return value, all(int(logs[p].argmax()) == t for p, t in zip(places, continuation, strict=True))

    return score


def words(rng: random.Random, count: int) -> Tokens:
    return tuple(rng.randrange(3, 400) for _ in range(count))


def questions(seed: int, count: int, beginning: int) -> list[tuple[Tokens, Tokens]]:
    """Pairs of several questions with options of one to five tokens, mixed up."""
    rng = random.Random(seed)
    first = words(rng, beginning)
    pairs = []
    for _ in range(count):
        context = first + words(rng, rng.randrange(1, 40))
        pairs += [(context, words(rng, rng.randrange(1, 6))) for _ in range(rng.randrange(1, 5))]
    rng.shuffle(pairs)
    return pairs


@pytest.mark.parametrize("beginning", [0, 1, 13, 40])
@pytest.mark.parametrize("rows", [1, 3, 8])
def test_the_numbers_are_those_of_plain_passes(
    model: Any, plainly: Callable[..., tuple[float, bool]], beginning: int, rows: int
) -> None:
    pairs = questions(beginning, 9, beginning)
    pairs.append(pairs[0])  # asked twice
    found = dict(Scorer(model.model.language_model, model.lm_head, rows).score(pairs))
    assert sorted(found) == list(range(len(pairs)))
    for number, (context, continuation) in enumerate(pairs):
        value, greedy = plainly(context, continuation)
        assert found[number].value == pytest.approx(value, abs=1e-4)
        assert (found[number].greedy, found[number].tokens) == (greedy, len(continuation))


def test_the_likeliest_token_is_greedy(model: Any, plainly: Callable[..., tuple[float, bool]]) -> None:
    context = words(random.Random(1), 20)
    with torch.inference_mode():
        best = int(model(input_ids=torch.tensor([context])).logits[0, -1].argmax())
    scorer = Scorer(model.model.language_model, model.lm_head)
    found = dict(scorer.score([(context, (best,)), (context, ((best + 1) % 400,))]))
    assert (found[0].greedy, found[1].greedy) == (True, False)


def test_one_long_continuation_is_read_without_a_mask(
    model: Any, plainly: Callable[..., tuple[float, bool]]
) -> None:
    context, continuation = (5,), words(random.Random(2), 200)
    found = dict(Scorer(model.model.language_model, model.lm_head).score([(context, continuation)]))
    assert found[0].value == pytest.approx(plainly(context, continuation)[0], rel=1e-6)


def test_what_contexts_begin_with_is_read_once(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    first = words(rng, 100)
    pairs = [(first + words(rng, 5), words(rng, 1)) for _ in range(8)]
    language, read = model.model.language_model, []
    forward = language.forward

    def counted(*args: Any, **kwargs: Any) -> Any:
        read.append(kwargs["input_ids"].numel())
        return forward(*args, **kwargs)

    monkeypatch.setattr(language, "forward", counted)
    list(Scorer(language, model.lm_head).score(pairs))
    assert sum(read) == 100 + 8 * 5


def test_families_leave_a_token_of_every_context_to_be_read() -> None:
    first = tuple(range(BEGINNINGS[-1] + 5))
    trees = plant([(first, (9,)), *(((*first, n), (9,)) for n in range(100, 104)), ((1, 2), (3,))])
    found = families(trees)
    assert [(shared, len(group)) for shared, group in found] == [(len(first) - 1, 5), (0, 1)]


@pytest.mark.parametrize("pair", [((), (1,)), ((1,), ())])
def test_nothing_has_no_likelihood(pair: tuple[Tokens, Tokens]) -> None:
    with pytest.raises(DataError, match="empty context or continuation"):
        plant([pair])
