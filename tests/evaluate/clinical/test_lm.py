"""The engine's side of the harness against the harness's own Hugging Face backend, on the same weights."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from bimedix2 import io
from bimedix2.engine.local import Engine
from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.clinical import harness
from bimedix2.model import checkpoint
from bimedix2.model.build import cache_folder

pytest.importorskip("lm_eval", reason="pip install 'bimedix2[clinical]'")

QUESTIONS = [
    ("Is this a chest radiograph?\nAnswer:", [" yes", " no", " maybe"]),
    ("Is this a chest radiograph?\nAnswer: ", ["yes", "no", "maybe"]),  # the blank goes to the option
    ("Which bone?\nA. femur\nB. ulna\nAnswer:", [" A", " B"]),
    ("Which bone?\nAnswer:", [" the femur of the thigh", " the ulna", " the tibia, below the knee"]),
    ("هل هذه صورة أشعة سينية للصدر؟\nالإجابة:", [" نعم", " لا", " ربما"]),
    ("هل هذه صورة رنين مغناطيسي للدماغ؟\nالإجابة:", [" نعم، هذه صورة للدماغ", " لا، هذه صورة للصدر"]),
    ("", [" yes", " This is a chest radiograph."]),
    ("x" * 700, [" yes", " no, not at all"]),  # longer than the context: its beginning is cut
]


def instances(questions: list[tuple[str, list[str]]]) -> list[Any]:
    from lm_eval.api.instance import Instance

    return [
        Instance(request_type="loglikelihood", doc={}, arguments=(context, option), idx=0)
        for context, options in questions
        for option in options
    ]


def single(kind: str, *arguments: Any) -> Any:
    from lm_eval.api.instance import Instance

    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)  # type: ignore[arg-type]


Sides = tuple[Any, Any]
"""The harness's own backend, and ours."""


def sides(model: str, folder: Path, limit: int | None = None) -> Sides:
    from transformers import AutoModelForCausalLM

    loaded = checkpoint.load(model)
    whole: Any = loaded.model
    with harness.quiet():
        from lm_eval.models.huggingface import HFLM

        from bimedix2.evaluate.clinical.lm import EngineLM

        with torch.device("meta"):
            plain = AutoModelForCausalLM.from_config(whole.config.text_config)
        plain.model, plain.lm_head = whole.model.language_model, whole.lm_head
        theirs = HFLM(
            pretrained=plain.eval(),
            tokenizer=loaded.prompter.tokenizer,
            backend="causal",
            batch_size=4,
            max_length=limit or loaded.prompter.context,
        )
    return theirs, EngineLM(Engine(loaded), Ledger(folder / "requests.jsonl"), 4, limit)


@pytest.fixture
def both(tiny: Any, tmp_path: Path) -> Sides:
    return sides("tiny-base", tmp_path)


def test_log_likelihoods_are_the_harness_s_own(both: Sides) -> None:
    theirs, ours = (side.loglikelihood(instances(QUESTIONS), disable_tqdm=True) for side in both)
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-4)
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]


def test_a_prompt_that_was_cut_is_known(both: Sides) -> None:
    ours = both[1]
    ours.loglikelihood(instances(QUESTIONS))
    assert ours.asked["x" * 700, " yes"]["cut"] > 400
    assert "cut" not in ours.asked["Which bone?\nAnswer:", " the ulna"]


def test_whole_texts_are_the_harness_s_own(both: Sides) -> None:
    texts = ["This is a chest radiograph.", "هذه صورة أشعة سينية للصدر. " * 20]  # the second takes windows
    asked = [single("loglikelihood_rolling", text) for text in texts]
    theirs, ours = (side.loglikelihood_rolling(asked, disable_tqdm=True) for side in both)
    assert ours == pytest.approx(theirs, abs=1e-3, rel=1e-6)


def test_answers_are_the_harness_s_own(both: Sides) -> None:
    settings = {"until": ["\n\n"], "max_gen_toks": 8, "do_sample": False}
    asked = [single("generate_until", context, settings) for context, _ in QUESTIONS[:4]]
    theirs, ours = (side.generate_until(asked, disable_tqdm=True) for side in both)
    assert ours == [text.strip() for text in theirs]


def test_a_conversation_is_written_as_the_checkpoint_s_template_does(both: Sides) -> None:
    turns = [{"role": "system", "content": "Questions on bones."}, {"role": "user", "content": "Which bone?"}]
    theirs, ours = (side.apply_chat_template(turns) for side in both)
    assert ours == theirs
    assert both[1].chat_template(True) in (both[0].chat_template(True), both[1]._processor.chat_template)
    # A mark of the template inside a question's words is only words.
    assert "<image>" not in both[1].apply_chat_template([{"role": "user", "content": "<image>"}])


def test_what_is_on_disk_is_not_asked_again(both: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = both[1]
    first = ours.loglikelihood(instances(QUESTIONS))
    lines = list(io.read_jsonl(ours._ledger.path))
    assert len(lines) == sum(len(options) for _, options in QUESTIONS)
    again = type(ours)(ours._engine, Ledger(ours._ledger.path), 4)
    monkeypatch.setattr(
        ours._engine, "score", lambda pairs, rows: iter(()) if not pairs else pytest.fail("asked")
    )
    assert again.loglikelihood(instances(QUESTIONS)) == first


def test_generation_that_the_engine_does_not_know_is_refused(both: Sides) -> None:
    with pytest.raises(ConfigError, match="generation with 'num_beams'"):
        both[1].generate_until([single("generate_until", "x", {"num_beams": 4})])
    with pytest.raises(ConfigError, match="leaves no room"):
        both[1].generate_until([single("generate_until", "x", {"max_gen_toks": 256})])


def test_a_continuation_longer_than_the_context_is_named(both: Sides) -> None:
    with pytest.raises(DataError, match="a continuation takes 301 tokens and the context is 256"):
        both[1].loglikelihood(instances([("a", ["b" * 301])]))


@pytest.mark.slow
def test_nano_s_log_likelihoods_are_the_harness_s_own(tmp_path: Path) -> None:
    """On the real base's weights, where they have been built."""
    if os.environ.get("BIMEDIX2_REQUIRE_SERVICES") != "1" and not list(cache_folder().glob("nano-base-*")):
        pytest.skip("nano's base has not been built on this machine; run: bimedix2 models")
    theirs, ours = (
        side.loglikelihood(instances(QUESTIONS[:-1]), disable_tqdm=True)
        for side in sides("nano-base", tmp_path)
    )
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-4)
