"""METEOR is NLTK's with the data that the original had; where its data comes from without NLTK's server."""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bimedix2.errors import MissingExtra, ModelError
from bimedix2.evaluate.metrics import nltk_data
from bimedix2.evaluate.metrics.meteor import Meteor
from bimedix2.evaluate.metrics.nltk_data import FILES, lexnames, prepare
from bimedix2.evaluate.metrics.report import arabic_words


@pytest.fixture(scope="session")
def meteor(lacking: Callable[[str], NoReturn]) -> Meteor:
    """The scorer; its data is fetched once into this user's cache where package managers reach."""
    try:
        return Meteor()
    except ModelError:
        pass
    try:
        prepare(nltk_data.data_folder())
    except ModelError as error:
        lacking(str(error))
    return Meteor()


@pytest.mark.parametrize("language", ["english", "arabic"])
def test_scores_are_the_originals(golden: Callable[[str], Any], meteor: Meteor, language: str) -> None:
    for pair in golden("report_lexical")[language]["pairs"]:
        assert meteor(pair["ref"], pair["hyp"]) == pytest.approx(pair["meteor"], abs=1e-6), pair["hyp"]


def test_arabic_words_match_whatever_their_spelling(meteor: Meteor) -> None:
    reference, hypothesis = "الرئة اليُسرى، ٤ مم", "الرئه اليسرى 4 مم."
    assert meteor(reference, hypothesis, arabic_words) > 0.9 > meteor(reference, hypothesis)


def test_nothing_said_is_no_score_and_no_error(meteor: Meteor) -> None:
    assert meteor("No effusion.", "") == 0
    assert meteor("", "") == 0


def test_lexnames_are_as_the_manual_has_them() -> None:
    lines = lexnames().splitlines()
    assert len(lines) == 45
    assert (lines[0], lines[3], lines[29]) == ("00\tadj.all\t3", "03\tnoun.Tops\t1", "29\tverb.body\t2")
    assert (lines[28], lines[43], lines[44]) == ("28\tnoun.time\t1", "43\tverb.weather\t2", "44\tadj.ppl\t3")


def _dict_folder(folder: Path) -> Path:
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(name)
    return folder


def _wheel(command: list[str], folder: Path) -> None:
    """Stands for pip: the wheel that it would leave."""
    with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "w.whl", "w") as wheel:
        wheel.writestr(f"{nltk_data.WITHIN}collocations.tab", "x")
        wheel.writestr("llama_index/other.py", "x")


def test_the_data_is_put_where_nltk_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(nltk_data.WORDNET_ENV, str(_dict_folder(tmp_path / "dict")))
    monkeypatch.setattr(nltk_data, "_run", _wheel)
    done = prepare(tmp_path / "data")
    assert [p.name for p in (done / "tokenizers/punkt_tab/english").iterdir()] == ["collocations.tab"]
    assert {p.name for p in (done / "corpora/wordnet").iterdir()} == {*FILES, "lexnames"}
    monkeypatch.setattr(nltk_data, "_run", lambda *_: pytest.fail("what is there is not fetched again"))
    prepare(tmp_path / "data")


def test_a_broken_source_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (_dict_folder(tmp_path / "dict") / "data.noun").unlink()
    monkeypatch.setenv(nltk_data.WORDNET_ENV, str(tmp_path / "dict"))
    monkeypatch.setattr(nltk_data, "_run", _wheel)
    with pytest.raises(ModelError, match=r"has no data\.noun"):
        prepare(tmp_path / "data")
    assert not (tmp_path / "data/corpora/wordnet").exists()
    assert not list((tmp_path / "data").glob(".wordnet*"))


def test_without_data_the_way_to_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nltk = pytest.importorskip("nltk")
    monkeypatch.setenv("BIMEDIX2_CACHE", str(tmp_path))
    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(ModelError, match="punkt_tab and wordnet; run: python -m bimedix2"):
        Meteor()


def test_without_nltk_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nltk", None)
    with pytest.raises(MissingExtra, match=r"bimedix2\[evaluate\]"):
        Meteor()
