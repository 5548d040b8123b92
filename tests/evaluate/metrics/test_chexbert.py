"""CheXbert's vectors against the original encoder's code, and its labels, on tiny random models."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from bimedix2.errors import ModelError
from bimedix2.evaluate.metrics import chexbert_f1, heavy
from bimedix2.evaluate.metrics.chexbert import CheXbert
from bimedix2.evaluate.metrics.pairs import Pair
from bimedix2.evaluate.metrics.report import CHEXBERT, score_reports


@pytest.fixture(scope="session")
def encoder(golden_folder: Path) -> CheXbert:
    import torch

    torch.set_num_threads(1)
    return CheXbert(str(golden_folder / "tiny_chexbert"))


def test_cosines_and_vectors_are_the_originals(golden: Callable[[str], Any], encoder: CheXbert) -> None:
    case = golden("chexbert_tiny")
    rows = case["rows"]
    found = encoder([row["ref"] for row in rows], [row["hyp"] for row in rows])
    assert found == pytest.approx([row["cos"] for row in rows], abs=1e-4)
    first = encoder.vectors([rows[0]["ref"]])[0].tolist()
    assert first == pytest.approx(case["first_ref_embedding"], abs=1e-4)


def test_blanks_and_new_lines_change_nothing(encoder: CheXbert) -> None:
    assert encoder(["No  acute\n process.\n"], [" No acute process."]) == pytest.approx([1], abs=1e-6)


def test_an_empty_report_and_a_long_one_have_a_vector(encoder: CheXbert) -> None:
    vectors = encoder.vectors(["", "lungs " * 600, "lungs " * 510, "lungs " * 511])
    assert vectors.isfinite().all()
    assert vectors[1].tolist() == pytest.approx(vectors[2].tolist(), abs=1e-5)
    assert vectors[3].tolist() == pytest.approx(vectors[2].tolist(), abs=1e-5)


def _checkpoint(folder: Path, golden_folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """What chexbert.pth looks like: a DataParallel labeller of BERT and 14 heads; the encoder beside it.

    Layout from f1chexbert 0.0.2: 13 heads of four classes and one of two, each with weight and bias.
    """
    import torch
    from safetensors.torch import load_file

    copytree(golden_folder / "tiny_chexbert", folder / "bert-base-uncased")
    weights = load_file(folder / "bert-base-uncased" / "model.safetensors")
    state = {f"module.bert.{key}": value + 0.25 for key, value in weights.items()}
    state["module.bert.embeddings.position_ids"] = torch.arange(512)
    draw = torch.Generator().manual_seed(7)
    for number in range(14):
        classes = 4 if number < 13 else 2
        width = weights["embeddings.word_embeddings.weight"].shape[1]
        state[f"module.linear_heads.{number}.weight"] = torch.randn(classes, width, generator=draw)
        state[f"module.linear_heads.{number}.bias"] = torch.randn(classes, generator=draw)
    change(state)
    torch.save({"epoch": 3, "model_state_dict": state}, folder / "chexbert.pth")
    return folder / "chexbert.pth"


def test_the_checkpoint_fills_the_encoder_beside_it(
    tmp_path: Path, golden_folder: Path, encoder: CheXbert
) -> None:
    path = _checkpoint(tmp_path, golden_folder, lambda state: None)
    filled = CheXbert(str(path))
    word = encoder._model.embeddings.word_embeddings.weight
    assert filled._model.embeddings.word_embeddings.weight.tolist() == (word + 0.25).tolist()


@pytest.mark.parametrize("what", ["lacking", "strange"])
def test_another_models_checkpoint_is_refused(tmp_path: Path, golden_folder: Path, what: str) -> None:
    def change(state: dict[str, Any]) -> None:
        if what == "lacking":
            del state["module.bert.embeddings.word_embeddings.weight"]
        else:
            state["module.decoder.weight"] = state["module.linear_heads.0.weight"]

    with pytest.raises(ModelError, match="is not CheXbert"):
        CheXbert(str(_checkpoint(tmp_path, golden_folder, change)))


def test_what_is_no_checkpoint_is_named(tmp_path: Path, golden_folder: Path) -> None:
    copytree(golden_folder / "tiny_chexbert", tmp_path / "bert-base-uncased")
    (tmp_path / "chexbert.pth").write_bytes(b"<html>not found</html>")
    with pytest.raises(ModelError, match="is no CheXbert checkpoint"):
        CheXbert(str(tmp_path / "chexbert.pth"))
    with pytest.raises(ModelError, match="does not exist"):
        CheXbert(str(tmp_path / "other.pth"))
    with pytest.raises(ModelError, match="is a roberta model"):
        CheXbert(str(golden_folder / "tiny_roberta"))


REPORTS = ["No acute process.", "The heart is enlarged with edema.", "", "Small effusion."]


def test_labels_are_the_heads_largest_class_in_the_published_order(
    tmp_path: Path, golden_folder: Path
) -> None:
    import torch

    kept: dict[str, Any] = {}
    model = CheXbert(str(_checkpoint(tmp_path, golden_folder, kept.update)))
    vectors = model.vectors(REPORTS)
    found = model.classes(vectors)
    for number in range(14):
        weight, bias = (kept[f"module.linear_heads.{number}.{part}"] for part in ("weight", "bias"))
        logits = vectors.double() @ weight.double().T + bias.double()
        assert [row[number] for row in found] == logits.argmax(dim=1).tolist()
    assert {row[13] for row in found} <= {0, 1}
    assert torch.equal(vectors, model.vectors(REPORTS))


def test_a_head_decides_its_own_condition(tmp_path: Path, golden_folder: Path) -> None:
    """Heads that see nothing and always say one class: each stands under its condition's name."""
    said = {4: 3, 9: 1, 8: 2, 13: 1}

    def fix(state: dict[str, Any]) -> None:
        for number in range(14):
            state[f"module.linear_heads.{number}.weight"].zero_()
            bias = state[f"module.linear_heads.{number}.bias"].zero_()
            bias[said.get(number, 0)] = 1

    path = _checkpoint(tmp_path, golden_folder, fix)
    pairs = [Pair(1, "Edema.", "Edema."), Pair(2, "Clear.", " ")]
    report = score_reports(pairs, scorers=heavy.openers({"chexbert": str(path)}, "compat"))
    same = {
        "Edema": "uncertain",
        "Pneumothorax": "negative",
        "Pleural Effusion": "positive",
        "No Finding": "positive",
    }
    assert report.details["f1chexbert"] == [{"ref": same, "hyp": same}] * 2
    found = report.values()
    assert found["f1chexbert_rrg_5_macro_f1"] == pytest.approx(2 / 5)
    assert found["f1chexbert_positive_5_macro_f1"] == pytest.approx(1 / 5)
    assert found["f1chexbert_rrg_14_micro_f1"] == 1
    assert set(chexbert_f1.KEYS) <= found.keys()
    assert report.notes == ["f1chexbert: 1 blank reports have the labels that the model gives no words"]


def test_without_heads_there_is_a_vector_and_no_label(tmp_path: Path, golden_folder: Path) -> None:
    def behead(state: dict[str, Any]) -> None:
        del state["module.linear_heads.13.bias"]

    path = _checkpoint(tmp_path, golden_folder, behead)
    pairs = [Pair(1, "Edema.", "Edema.")]
    for where, why in (
        (path, "'linear_heads.13.bias' is absent"),
        (golden_folder / "tiny_chexbert", "plain BERT"),
    ):
        report = score_reports(pairs, scorers=heavy.openers({"chexbert": str(where)}, "compat"))
        assert report.values()[CHEXBERT] == pytest.approx(1)
        for key in chexbert_f1.KEYS:
            assert report.values()[key] is None
            assert why in report.unavailable[key]
            assert "chexbert.pth" in report.unavailable[key]
            assert "StanfordAIMI/RRG_scorers" in report.unavailable[key]


def test_absent_weights_say_how_to_get_the_labels() -> None:
    reasons = heavy.not_asked({}, {}, "compat")
    for key in chexbert_f1.KEYS:
        assert "ask for it with --scorer chexbert; it needs chexbert.pth" in reasons[key]
