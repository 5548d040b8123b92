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
from bimedix2.evaluate.metrics.radgraph import BLANK, FILES, Extractor, reward
from bimedix2.evaluate.metrics.report import score_reports


@pytest.mark.parametrize("level", ["simple", "partial", "complete"])
def test_rewards_are_the_originals(golden: Callable[[str], Any], level: Any) -> None:
    cases = golden("radgraph_reward")["cases"]
    assert len(cases) == 8
    for case in cases:
        found = reward(case["hyp"]["entities"], case["ref"]["entities"], level)
        assert found == pytest.approx(case[level], abs=1e-6), case
        if level == "partial":
            assert found == pytest.approx(case["multimedeval_f1"], abs=1e-6)


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
    assert report.columns["f1-radgraph"] == pytest.approx([2 / 3, 0, 1])
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
