"""The schedule, the order of rows, and what one step does."""

from pathlib import Path

import pytest
import torch

from bimedix2.train.loop import Plan, Trainer, keep_rows, order, rate
from bimedix2.train.packing import Packed, Sample, rows_of
from bimedix2.train.step import Result

IMAGE = 9
PLAN = Plan(
    epochs=2,
    row_tokens=30,
    branches=2,
    accumulate=2,
    warmup=4,
    clip=1.0,
    seed=0,
    keep_every=2,
    keep_weight=1.0,
    patch_dropout=0.0,
    anchor_weight=0.0,
    save_every=10,
)


def samples(count: int) -> list[Sample]:
    return [
        Sample(str(n), (1, IMAGE, IMAGE, 2, n % 8, 4), (0, 0, 0, 0, 0, 1), (f"i{n // 3}",), 3)
        for n in range(count)
    ]


def test_every_sample_is_seen_once_an_epoch_in_another_order() -> None:
    steps = order([samples(24)], PLAN, IMAGE)
    seen = [sample.id for rows in steps for row in rows for sample in row.samples]
    first, second = seen[:24], seen[24:]
    assert sorted(first, key=int) == sorted(second, key=int) == [str(n) for n in range(24)]
    assert first != second
    assert [s.id for rows in order([samples(24)], PLAN, IMAGE) for row in rows for s in row.samples] == seen


def test_a_phase_is_done_before_the_next_begins() -> None:
    everything = samples(24)
    steps = order([everything[18:], everything[:18]], PLAN, IMAGE)
    seen = [int(sample.id) for rows in steps for row in rows for sample in row.samples]
    for epoch in (seen[:24], seen[24:]):
        assert set(epoch[:6]) == set(range(18, 24))
        assert set(epoch[6:]) == set(range(18))


def test_a_step_has_so_many_rows_and_no_epoch_is_mixed_into_the_next() -> None:
    steps = order([samples(24)], PLAN, IMAGE)
    half = len(steps) // 2
    assert {len(rows) for rows in (*steps[: half - 1], *steps[half:-1])} == {2}
    assert sum(len(row.samples) for rows in steps[:half] for row in rows) == 24


def test_texts_to_hold_fill_rows_and_none_is_lost() -> None:
    rows = keep_rows(samples(25), PLAN, IMAGE)
    assert sorted(int(sample.id) for row in rows for sample in row.samples) == list(range(25))
    assert 1 < len(rows) < 25
    assert all(len(row.ids) <= PLAN.row_tokens for row in rows)


def test_the_rate_rises_linearly_and_falls_as_half_a_cosine() -> None:
    assert [rate(step, 20, 4) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert rate(4, 20, 4) == 1.0
    assert rate(12, 20, 4) == pytest.approx(0.5)
    assert 0 < rate(19, 20, 4) < 0.01
    assert rate(0, 1, 1) == 1.0


class Pulls:
    """A runner whose answers pull three times one way and whose held text three hundred times another."""

    def __init__(self, weight: torch.Tensor) -> None:
        self.weight = weight

    def answer(self, row: Packed) -> Result:
        return Result(3 * self.weight[0], len(row.samples), 0, 1)

    def keep(self, row: Packed) -> Result:
        return Result(300 * self.weight[1], len(row.samples), 0, 1)


def test_held_text_pulls_no_harder_than_the_answers(tmp_path: Path) -> None:
    weight = torch.zeros(2, requires_grad=True)
    groups = [{"params": [weight], "lr": 0.1}]
    trainer = Trainer(Pulls(weight), groups, PLAN, tmp_path)  # type: ignore[arg-type]
    row = next(rows_of(samples(1), PLAN.row_tokens, 1, IMAGE))
    line = trainer._one([row], row, 10)
    assert (line["norm"], line["keep_norm"]) == pytest.approx((3.0, 300.0), rel=1e-4)
    assert weight.grad is not None
    assert weight.grad.tolist() == pytest.approx([1.0, 1.0], rel=1e-4)
    line = trainer._one([row], None, 10)
    assert "keep_norm" not in line
    assert weight.grad.tolist() == pytest.approx([1.0, 0.0], rel=1e-4)
