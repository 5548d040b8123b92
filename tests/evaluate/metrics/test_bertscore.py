"""BERTScore's logic against bert-score itself, on a tiny model of random weights."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import ModelError
from bimedix2.evaluate.metrics.bertscore import BertScore, rescaled

LAYER = 2
NAMES = {"idf_hyps": "hypotheses", "idf_refs": "references", "no_idf": "none"}


@pytest.fixture(scope="session")
def score(golden_folder: Path) -> BertScore:
    import torch

    torch.set_num_threads(1)
    return BertScore(str(golden_folder / "tiny_roberta"), LAYER)


@pytest.mark.parametrize("language", ["english", "arabic"])
@pytest.mark.parametrize("weights", list(NAMES))
def test_scores_are_the_originals(
    golden: Callable[[str], Any], score: BertScore, language: str, weights: str
) -> None:
    case = golden("bertscore_tiny")
    references, hypotheses = zip(*case["pairs"][language], strict=True)
    found = score(references, hypotheses, NAMES[weights])  # type: ignore[arg-type]
    wanted = case["scores"][language][weights]
    assert found.precision == pytest.approx(wanted["P"], abs=1e-4)
    assert found.recall == pytest.approx(wanted["R"], abs=1e-4)
    assert found.f1 == pytest.approx(wanted["F1"], abs=1e-4)
    assert found.degenerate == []


def test_a_system_that_always_says_the_same_is_named(golden: Callable[[str], Any], score: BertScore) -> None:
    case = golden("bertscore_tiny")
    references = [ref for ref, _ in case["pairs"]["english"]]
    found = score(references, ["yes"] * len(references))
    wanted = case["scores"]["constant_hyp_yes"]
    assert found.f1 == wanted["F1"]
    assert found.recall == pytest.approx(wanted["R"], abs=1e-4)
    assert all(math.isnan(value) for value in found.precision)
    assert found.degenerate == list(range(len(references)))


def test_a_blank_answer_scores_nothing(golden: Callable[[str], Any], score: BertScore) -> None:
    case = golden("bertscore_tiny")
    empty = case["scores"]["empty_hyp"]
    references = [ref for ref, _ in case["pairs"]["english"]][: len(empty["F1"])]
    found = score(references, [""] * len(references))
    assert (found.precision, found.recall, found.f1) == tuple(empty[key] for key in ("P", "R", "F1"))


def test_a_batch_changes_no_score(score: BertScore) -> None:
    references = [f"{'The lungs are clear. ' * (n % 5 + 1)}{n}" for n in range(40)]
    hypotheses = [text[::-1] for text in references]
    together = score(references, hypotheses, "none")
    alone = [score([r], [h], "none").f1[0] for r, h in zip(references, hypotheses, strict=True)]
    assert together.f1 == pytest.approx(alone, abs=1e-5)


def test_rescaling_puts_the_baseline_at_zero() -> None:
    assert rescaled(0.8473319) == 0
    assert rescaled(1.0) == 1
    assert rescaled(0.0) == pytest.approx(-5.5499, abs=1e-3)


def test_weights_that_are_not_here_are_named(tmp_path: Path, golden_folder: Path) -> None:
    with pytest.raises(ModelError, match="--scorer bertscore=FOLDER"):
        BertScore(str(tmp_path))
    with pytest.raises(ModelError, match="2 layers"):
        BertScore(str(golden_folder / "tiny_roberta"))
