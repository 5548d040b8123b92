"""Reports: columns, means, what is unavailable, and RadCliQ from its parts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import ConfigError, ModelError
from bimedix2.evaluate.metrics import heavy, radcliq
from bimedix2.evaluate.metrics.pairs import Pair
from bimedix2.evaluate.metrics.report import Scored, lexical, score_reports


def pairs_of(side: Any) -> list[Pair]:
    return [Pair(n, pair["ref"], pair["hyp"]) for n, pair in enumerate(side["pairs"], 1)]


@pytest.mark.parametrize("language", ["english", "arabic"])
def test_means_are_the_originals(golden: Callable[[str], Any], language: str) -> None:
    side = golden("report_lexical")[language]
    report = score_reports(pairs_of(side))
    values = report.values()
    for key in ("bleu1", "bleu2", "bleu4", "rougeL", "rouge1"):
        assert values[key] == pytest.approx(side["mean"][key], abs=1e-7)


PARTS = {"f1-radgraph": 0.5, "bertscore-rescaled": 0.25, "CheXBert vector similarity": 0.75}


def scorer(values: dict[str, Any]) -> Callable[[], Any]:
    return lambda: lambda refs, hyps: Scored({key: [value] * len(refs) for key, value in values.items()})


def test_radcliq_is_made_of_its_parts() -> None:
    pair = Pair(1, "no acute process seen", "no acute process")
    report = score_reports([pair], scorers={"all": (list(PARTS), scorer(PARTS))})
    bleu2 = report.values()["bleu2"]
    assert bleu2 is not None
    features = radcliq.Features(0.5, 0.25, 0.75, bleu2)
    assert report.values()["radcliq"] == pytest.approx(radcliq.v1(features))
    assert report.values()["radcliq_v0"] == pytest.approx(radcliq.v0(features))


def test_a_pair_without_a_value_has_no_radcliq_and_is_no_zero() -> None:
    one = [Pair(1, "a b", "a b")]
    report = score_reports(one, scorers={"all": (list(PARTS), scorer({**PARTS, "f1-radgraph": None}))})
    assert report.values()["radcliq"] is None
    assert report.values()["f1-radgraph"] is None
    assert "radcliq" not in score_reports(one).columns


def test_a_scorer_that_fails_leaves_the_others_alone() -> None:
    def closed() -> Any:
        raise ModelError("get it there")

    report = score_reports(
        [Pair(1, "a", "a")], scorers={"x": (["x1", "x2"], closed), "y": (["y"], scorer({"y": 1.0}))}
    )
    assert (report.unavailable["x1"], report.values()["x2"], report.values()["y"]) == (
        "get it there",
        None,
        1.0,
    )


def test_the_arabic_mode_counts_spelling_once(golden: Callable[[str], Any]) -> None:
    pairs = pairs_of(golden("report_lexical")["arabic"])
    ours, theirs = lexical(pairs, "arabic"), lexical(pairs)
    assert set(theirs["rougeL"]) == {0}
    assert ours["rougeL"][1] == 1
    assert all(value and value > 0 for value in (ours["rougeL"][0], ours["rougeL"][5], ours["bleu4"][6]))
    assert all((a or 0) >= (b or 0) for a, b in zip(ours["bleu1"], theirs["bleu1"], strict=True))


def test_every_scorer_says_what_it_needs() -> None:
    reasons = heavy.not_asked({}, {}, "compat")
    keys = {key for each in heavy.SCORERS.values() for key in each.keys}
    judged = {"radfact_precision", "radfact_recall", "radfact_f1"}
    assert keys | judged | {"radcliq", "radcliq_v0"} == set(reasons)
    assert reasons["radfact_f1"] == "it asks a judge; give its settings with --radfact FILE"
    assert "chexbert.pth of StanfordAIMI/RRG_scorers" in reasons["CheXBert vector similarity"]
    columns = {"radcliq": [], "radfact_ct_precision": []}
    assert heavy.not_asked(dict.fromkeys(heavy.SCORERS), columns, "compat") == {}


def test_scorers_of_english_refuse_arabic() -> None:
    report = score_reports([Pair(1, "a", "a")], "arabic", heavy.openers({"chexbert": None}, "arabic"))
    assert "reads English alone" in report.unavailable["CheXBert vector similarity"]


def test_names_are_checked() -> None:
    assert heavy.asked_for(["chexbert=/x/y=z", "radgraph"]) == {"chexbert": "/x/y=z", "radgraph": None}
    with pytest.raises(ConfigError, match="did you mean 'bertscore'"):
        heavy.asked_for(["bertscor"])


def test_a_constant_answer_is_noted(golden_folder: Path, tmp_path: Path) -> None:
    """Through the table, on a model deep enough for layer 5."""
    import torch
    from transformers import AutoModel, AutoTokenizer, RobertaConfig

    torch.set_num_threads(1)
    config = RobertaConfig.from_pretrained(golden_folder / "tiny_roberta", num_hidden_layers=6)
    AutoModel.from_config(config).save_pretrained(tmp_path / "six")
    AutoTokenizer.from_pretrained(golden_folder / "tiny_roberta").save_pretrained(tmp_path / "six")
    asked = {"bertscore": str(tmp_path / "six"), "chexbert": str(golden_folder / "tiny_chexbert")}
    pairs = [Pair(1, "No effusion.", "yes"), Pair(2, "Edema.", "yes")]
    report = score_reports(pairs, scorers=heavy.openers(asked, "compat"))
    values = report.values()
    assert values["f1-bertscore"] == 0
    assert values["bertscore-rescaled"] == pytest.approx(-5.5499, abs=1e-3)
    assert values["CheXBert vector similarity"] is not None
    assert any("2 answers have F1 0" in note for note in report.notes)
    assert heavy.identity(asked).startswith("bertscore:")
    assert "hub" not in heavy.identity(asked)
    assert any("the encoder is not distilroberta-base" in note for note in report.notes)


def test_weights_of_the_hub_are_told_apart_by_their_id() -> None:
    assert heavy.identity({"bertscore": None}) == "bertscore:hub"
    assert heavy.identity({"bertscore": "roberta-large"}) == "bertscore:hub(roberta-large)"


def test_a_value_that_is_no_number_is_counted_and_in_no_mean() -> None:
    def broken(references: Sequence[str], hypotheses: Sequence[str]) -> Scored:
        del references, hypotheses
        return Scored({"x": [0.5, float("nan"), float("inf"), None]})

    pairs = [Pair(n, "a", "a") for n in range(4)]
    report = score_reports(pairs, scorers={"x": (["x"], lambda: broken)})
    assert report.columns["x"] == [0.5, None, None, None]
    assert report.values()["x"] == 0.5
    assert report.partial == [
        "x: 2 of 4 pairs have a value that is no number (NaN) and are in no mean; check the scorer's weights"
    ]
