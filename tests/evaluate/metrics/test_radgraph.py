"""RadGraph's reward on annotations made by hand, against the original."""

from collections.abc import Callable
from typing import Any

import pytest

from bimedix2.evaluate.metrics.radgraph import reward


@pytest.mark.parametrize("level", ["simple", "partial", "complete"])
def test_rewards_are_the_originals(golden: Callable[[str], Any], level: Any) -> None:
    cases = golden("radgraph_reward")["cases"]
    assert len(cases) == 8
    for case in cases:
        found = reward(case["hyp"]["entities"], case["ref"]["entities"], level)
        assert found == pytest.approx(case[level], abs=1e-6), case
        if level == "partial":
            assert found == pytest.approx(case["multimedeval_f1"], abs=1e-6)
