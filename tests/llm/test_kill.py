"""The benchmark of kills, small: a real process, a real SIGKILL, counted at a real server."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def llm_kill() -> ModuleType:
    """The file of benchmarks/, which is no package."""
    file = Path(__file__).parents[2] / "benchmarks" / "llm_kill.py"
    spec = importlib.util.spec_from_file_location("llm_kill", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["llm_kill"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_kill_costs_at_most_what_was_in_flight(llm_kill: ModuleType, tmp_path: Path) -> None:
    counts = llm_kill.measure(requests=120, kills=1, concurrency=8, seed=1, folder=tmp_path)
    assert counts.good, llm_kill.report(counts)
    assert counts.stored == counts.rows == 120
    assert 0 < counts.kept_at_kill[0] < 120, "the kill came before or after everything"
    assert counts.sent_again[0] <= counts.in_flight_at_kill[0] <= 8
    assert sum(counts.faults.values()) > 0, "the server never failed, so nothing was tried again"
    assert "the law holds" in llm_kill.report(counts)


def test_the_benchmark_sees_when_the_law_is_broken(llm_kill: ModuleType) -> None:
    seen = llm_kill.Seen(0, arrivals=[(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)])
    seen.sent = {0: ["a"], 1: ["b"], 2: ["c"]}
    before = [llm_kill.Held({}, set(), 0), llm_kill.Held({0: "a", 2: "c"}, set(), 2)]
    counts = llm_kill.Counts(3, 1, 8)
    after = llm_kill.Held({0: "a", 1: "b", 2: "other"}, set(), 3)
    llm_kill.compare(counts, seen, before, after, {0: "a", 1: "b"})
    assert (counts.asked_again, counts.strangers, counts.lost) == (1, 2, 1)
    assert counts.changed == 2
    assert not counts.good
    fine = llm_kill.Counts(1, 1, 8, kept_at_kill=[0], in_flight_at_kill=[1], sent_again=[1], stored=1, rows=1)
    assert fine.good
    for wrong in ({"asked_again": 1}, {"lost": 1}, {"changed": 1}, {"rows": 2}, {"sent_again": [2]}):
        assert not replace(fine, **wrong).good
    assert not replace(fine, in_flight_at_kill=[9]).good
