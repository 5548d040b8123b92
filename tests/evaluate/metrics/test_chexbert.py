"""CheXbert vectors against the original encoder's code, on a tiny model of random weights."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from bimedix2.errors import ModelError
from bimedix2.evaluate.metrics.chexbert import CheXbert


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
    """What chexbert.pth looks like: a DataParallel labeller of BERT and 14 heads; the encoder beside it."""
    import torch
    from safetensors.torch import load_file

    copytree(golden_folder / "tiny_chexbert", folder / "bert-base-uncased")
    weights = load_file(folder / "bert-base-uncased" / "model.safetensors")
    state = {f"module.bert.{key}": value + 0.25 for key, value in weights.items()}
    state["module.bert.embeddings.position_ids"] = torch.arange(512)
    state |= {f"module.linear_heads.{n}.weight": torch.zeros(4, 16) for n in range(14)}
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
