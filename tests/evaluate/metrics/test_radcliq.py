"""RadCliQ's closed form against the published pickle's output."""

from collections.abc import Callable
from typing import Any

import pytest

from bimedix2.evaluate.metrics.radcliq import Features, v0, v1


def test_v1_is_the_published_model(golden: Callable[[str], Any]) -> None:
    rows = golden("radcliq_v1")["rows"]
    assert len(rows) == 20
    for row in rows:
        assert v1(Features(*row["x"])) == pytest.approx(row["radcliq"], abs=1e-6)


def test_v0_by_the_published_coefficients() -> None:
    """Specification 1.5: 5.516 - 1.589 RG - 3.010 BS - 1.873 S + 0.714 BLEU2."""
    zero = v0(Features(0, 0, 0, 0))
    assert zero == pytest.approx(5.516, abs=1e-3)
    slopes = [v0(Features(*[float(i == j) for j in range(4)])) - zero for i in range(4)]
    assert slopes == pytest.approx([-1.589, -3.010, -1.873, 0.714], abs=1e-3)


def test_a_blank_answer_costs_nine_points() -> None:
    assert v1(Features(0, -5.5499, 0, 0)) == pytest.approx(11.61, abs=0.01)
