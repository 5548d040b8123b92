"""The next token: greedy, or drawn from what temperature and nucleus leave."""

from collections import Counter

import pytest
import torch

from bimedix2.engine.draw import draw, generator
from bimedix2.llm.backend import Sampling

LOGITS = torch.tensor([0.5, 0.2, 0.2, 0.1]).log()


def drawn(sampling: Sampling, count: int = 2000, logits: torch.Tensor = LOGITS) -> Counter[int]:
    rng = generator(sampling)
    return Counter(draw(logits, sampling, rng) for _ in range(count))


def test_no_temperature_is_greedy_and_needs_no_generator() -> None:
    assert generator(Sampling()) is None
    assert set(drawn(Sampling(), 5)) == {0}


def test_temperature_one_draws_the_models_own_shares() -> None:
    counts = drawn(Sampling(temperature=1.0, seed=0), 20_000)
    shares = [counts[token] / 20_000 for token in range(4)]
    assert shares == pytest.approx([0.5, 0.2, 0.2, 0.1], abs=0.015)


def test_the_nucleus_keeps_the_smallest_set_that_reaches_top_p() -> None:
    assert set(drawn(Sampling(temperature=1.0, top_p=0.5, seed=0))) == {0}
    assert set(drawn(Sampling(temperature=1.0, top_p=0.55, seed=0))) in ({0, 1}, {0, 2})
    assert set(drawn(Sampling(temperature=1.0, top_p=0.9, seed=0))) == {0, 1, 2}
    assert set(drawn(Sampling(temperature=1.0, top_p=1.0, seed=0))) == {0, 1, 2, 3}


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-45, 1e-300])
def test_a_tiny_temperature_is_greedy(temperature: float) -> None:
    logits = torch.tensor([80.0, 79.0, float("-inf")])
    assert set(drawn(Sampling(temperature=temperature, seed=0), 50, logits)) == {0}


def test_a_suppressed_token_is_never_drawn() -> None:
    logits = torch.tensor([float("-inf"), 0.0, 0.0])
    assert set(drawn(Sampling(temperature=5.0, seed=1), 500, logits)) == {1, 2}


def test_a_seed_repeats_and_no_seed_does_not() -> None:
    def sequence(seed: int | None) -> list[int]:
        sampling = Sampling(temperature=1.0, seed=seed)
        rng = generator(sampling)
        return [draw(LOGITS, sampling, rng) for _ in range(60)]

    assert sequence(3) == sequence(3) != sequence(4)
    assert sequence(None) != sequence(None)
