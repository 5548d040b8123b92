"""RadGraph's reward on annotations made by hand, against the original; where its weights are looked for."""

import sys
import tarfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import MissingExtra, ModelError
from bimedix2.evaluate.metrics import heavy, radeval
from bimedix2.evaluate.metrics.pairs import Pair
from bimedix2.evaluate.metrics.radgraph import BLANK, FILES, Extractor, entities_and_relations, reward
from bimedix2.evaluate.metrics.report import LEVELS, score_reports


@pytest.mark.parametrize("level", ["simple", "partial", "complete"])
def test_rewards_are_the_originals(golden: Callable[[str], Any], level: Any) -> None:
    cases = golden("radgraph_reward")["cases"]
    assert len(cases) == 8
    for case in cases:
        found = reward(case["hyp"]["entities"], case["ref"]["entities"], level)
        assert found == pytest.approx(case[level], abs=1e-6), case
        if level == "partial":
            assert found == pytest.approx(case["multimedeval_f1"], abs=1e-6)


PRESENT, ABSENT = "Observation::definitely present", "Observation::definitely absent"


def graph(effusion: str, label: str, *, place: str = "pleural") -> dict[str, Any]:
    """An effusion at a place."""
    return {
        "1": {"tokens": effusion, "label": label, "relations": [["located_at", "2"]]},
        "2": {"tokens": place, "label": "Anatomy::definitely present", "relations": []},
    }


def test_case_counts_except_for_related_entities_of_the_complete_reward() -> None:
    """As ``rewards.py`` of radgraph 0.1.18 has it: there alone words are put in lower case."""
    upper, lower = graph("Effusion", PRESENT), graph("effusion", PRESENT)
    assert [reward(upper, lower, level) for level in ("simple", "partial", "complete")] == [0.5, 0.5, 1]  # type: ignore[arg-type]
    moved = graph("effusion", PRESENT, place="Pleural")
    assert reward(moved, lower, "complete") == pytest.approx(2 / 4)  # the place alone keeps its case


def test_entity_and_relation_f1_are_averaged_as_in_radcliq() -> None:
    """By hand: one of two entities agrees, and no relation (its source has another label)."""
    assert entities_and_relations(graph("effusion", PRESENT), graph("effusion", PRESENT)) == 1
    assert entities_and_relations(graph("effusion", PRESENT), graph("effusion", ABSENT)) == (0.5 + 0) / 2
    assert entities_and_relations({}, graph("effusion", ABSENT)) == 0


class Package:
    """Stands for the package's model: every word is an entity; keeps what it was given."""

    def __init__(self, model_type: str, model_cache_dir: str = "") -> None:
        self.folder = Path(model_cache_dir) / model_type
        self.read: list[str] = []
        if model_cache_dir and not (self.folder / "weights.th").is_file():
            raise Exception("no weights")
        Package.last = self  # type: ignore[attr-defined]

    def __call__(self, texts: list[str]) -> dict[str, Any]:
        self.read += texts
        return {
            str(n): {
                "entities": {
                    str(m): {"tokens": word, "label": "Observation::definitely present", "relations": []}
                    for m, word in enumerate(text.split())
                }
            }
            for n, text in enumerate(texts)
        }


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Package]:
    module = types.ModuleType("radgraph")
    module.RadGraph = Package  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "radgraph", module)
    monkeypatch.setenv("BIMEDIX2_CACHE", str(tmp_path / "cache"))
    return Package


def _weights(folder: Path) -> Path:
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text("x")
    return folder


def test_equal_reports_are_read_once_and_blank_ones_as_words(package: Any) -> None:
    pairs = [Pair(1, "No edema", "edema"), Pair(2, "No edema", " "), Pair(3, "edema", "edema")]
    report = score_reports(pairs, scorers=heavy.openers({"radgraph": None}, "compat"))
    assert package.last.read == ["No edema", "edema", BLANK]
    for key in LEVELS.values():
        assert report.columns[key] == pytest.approx([2 / 3, 0, 1])
    assert report.columns["radgraph_radcliq"] == pytest.approx([1 / 3, 0, 1 / 2])  # no relation is found
    assert report.notes == ["f1-radgraph: 1 blank reports were read as 'Invalid Response'"]


@pytest.mark.parametrize("named", ["radgraph", "weights"])
def test_a_folder_or_an_archive_is_laid_out_as_the_package_looks(
    package: Any, tmp_path: Path, named: str
) -> None:
    folder = _weights(tmp_path / named)
    Extractor(str(folder))
    assert package.last.folder.resolve() == folder
    with tarfile.open(tmp_path / "radgraph.tar.gz", "w:gz") as archive:
        for file in folder.iterdir():
            archive.add(file, file.name)
    for _ in range(2):
        Extractor(str(tmp_path / "radgraph.tar.gz"))
        assert {file.name for file in package.last.folder.iterdir()} == set(FILES)


def test_what_is_no_radgraph_says_where_to_get_it(
    package: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "radgraph.tar.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(ModelError, match="is no archive of RadGraph"):
        Extractor(str(tmp_path / "radgraph.tar.gz"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"has no config\.json"):
        Extractor(str(tmp_path / "empty"))
    monkeypatch.setattr(Package, "__init__", lambda *_, **__: (_ for _ in ()).throw(Exception("offline")))
    with pytest.raises(ModelError, match=r"cannot be opened \(offline\); get radgraph\.tar\.gz"):
        Extractor()
    monkeypatch.setitem(sys.modules, "radgraph", None)
    with pytest.raises(MissingExtra, match=r"bimedix2\[radgraph\]"):
        Extractor()


def test_radeval_is_asked_for_one_metric_a_pair_and_never_another_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    class RadEval:
        def __init__(self, metrics: Any, per_sample: bool, show_progress: bool) -> None:
            asked.append((metrics, per_sample))

        def __call__(self, refs: list[str], hyps: list[str]) -> dict[str, list[float]]:
            return {"crimson": [0.5, float("nan")]}

    module = types.ModuleType("radeval")
    module.RadEval = RadEval  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "radeval", module)
    pairs = [Pair(1, "a", "a"), Pair(2, "b", "b")]
    report = score_reports(pairs, scorers=heavy.openers({"crimson": None}, "compat"))
    assert asked == [({"crimson": {"provider": "hf"}}, True)]
    assert report.columns["crimson"] == [0.5, None]
    assert report.values()["crimson"] == 0.5
    assert report.notes == ["crimson: 1 pairs have no value"]
    monkeypatch.setitem(sys.modules, "radeval", None)
    with pytest.raises(MissingExtra, match=r"bimedix2\[radeval\]"):
        radeval.RadEvalScorer("green")


@pytest.mark.parametrize("name", sorted(radeval.PASSED))
def test_every_passed_metric_is_asked_by_its_own_name_and_answers_under_ours(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Names and keys of RadEval 2.2.1, read in its adapters, of ``per_sample`` mode."""
    per_pair = {
        "ratescore": ["ratescore"],
        "green": ["green"],
        "crimson": ["crimson"],
        "radgraph": ["radgraph_simple", "radgraph_partial", "radgraph_complete"],
        "radeval_bertscore": ["radeval_bertscore"],
        "srrbert": ["srrbert_weighted_f1", "srrbert_weighted_precision", "srrbert_weighted_recall"],
        "temporal": ["temporal_f1"],
        "f1radbert_ct": ["f1radbert_ct_sample_acc"],
    }

    class RadEval:
        def __init__(self, metrics: dict[str, Any], **_: Any) -> None:
            (self.name,) = metrics

        def __call__(self, refs: list[str], hyps: list[str]) -> dict[str, list[float]]:
            return {key: [0.25 + place] * len(refs) for place, key in enumerate(per_pair[self.name])}

    module = types.ModuleType("radeval")
    module.RadEval = RadEval  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "radeval", module)
    report = score_reports([Pair(1, "a", "a")], scorers=heavy.openers({name: None}, "compat"))
    assert tuple(radeval.PASSED[name].keys) == heavy.SCORERS[name].keys
    got = [report.columns[key] for key in heavy.SCORERS[name].keys]
    wanted = per_pair[radeval.PASSED[name].metric]
    assert got == [[0.25 + wanted.index(theirs)] for theirs in radeval.PASSED[name].keys.values()]
    # What would leave for somebody else's host is not among them.
    assert not {one.metric for one in radeval.PASSED.values()} & {"mammo_green", "radfact_ct"}


def test_a_blank_report_does_not_get_half_of_ratescore(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package gives 0.5 where a report names nothing (specification 5)."""

    class RadEval:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def __call__(self, refs: list[str], hyps: list[str]) -> dict[str, list[float]]:
            return {"ratescore": [0.4, 0.5]}

    module = types.ModuleType("radeval")
    module.RadEval = RadEval  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "radeval", module)
    pairs = [Pair(1, "Edema.", "Edema of the lung."), Pair(2, "Edema.", " ")]
    report = score_reports(pairs, scorers=heavy.openers({"ratescore": None}, "compat"))
    assert report.columns["ratescore"] == [0.4, 0.0]
    assert report.notes == ["ratescore: 1 pairs with a blank report score 0, not RaTEScore's 0.5"]
