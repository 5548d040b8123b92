"""Hugging Face models through the harness's own backend behind the ledger."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.errors import DataError, ModelError
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.clinical import harness
from bimedix2.evaluate.hub import open_hub
from bimedix2.llm.backend import Request
from bimedix2.records import ImagePart, Message

from .test_lm import QUESTIONS, instances, sides

pytest.importorskip("lm_eval", reason="pip install 'bimedix2[clinical]'")

Make = Callable[..., evaluate.Config]
TASKS = ["bimed_medqa_4options", "bimed_pubmedqa"]


def hub_lm(folder: str, ledger: Path, limit: int | None = None) -> Any:
    with harness.quiet():
        from bimedix2.evaluate.clinical.hub import HubLM

        return HubLM(open_hub(folder), Ledger(ledger), 2, limit)


def test_an_image_text_to_text_model_s_log_likelihoods_are_the_harness_s_own(
    tiny: Any, tmp_path: Path
) -> None:
    ours = hub_lm(str(tiny.folder), tmp_path / "requests.jsonl", 256)
    theirs, engine = sides("tiny-base", tmp_path / "other")
    found = ours.loglikelihood(instances(QUESTIONS))
    for side in (theirs, engine):
        expected = side.loglikelihood(instances(QUESTIONS), disable_tqdm=True)
        assert [value for value, _ in found] == pytest.approx([value for value, _ in expected], abs=1e-4)
        assert [greedy for _, greedy in found] == [greedy for _, greedy in expected]
    assert ours.asked["x" * 700, " yes"]["cut"] == engine.asked["x" * 700, " yes"]["cut"] > 400
    turns = [{"role": "system", "content": "Questions on bones."}, {"role": "user", "content": "Which bone?"}]
    assert ours.apply_chat_template(turns) == engine.apply_chat_template(turns)


def test_a_text_model_without_a_template_is_asked_plain_prompts(
    settings: Make, tiny: Any, tmp_path: Path
) -> None:
    """The tiny model's language model as a folder of its own, as base models are published."""
    folder = tiny.preset.llm
    recipe = settings(tasks=TASKS, max_length=None, _model={"hub": folder}, _output=str(tmp_path / "hub"))
    scores = evaluate.run(recipe)
    found = io.read_json(scores / "scores.json")
    assert list(found["signature"]["decoding"]) == ["plain"]
    assert found["not asked"] == {"chat": f"{found['signature']['model']['model']} has no chat template"}
    with harness.quiet():
        from lm_eval.models.huggingface import HFLM

        theirs = HFLM(pretrained=folder, device="cpu", dtype="float32", batch_size=2)
    for _, row in io.read_jsonl(scores / "answers.jsonl"):
        asked = instances([(row["context"], row["options"])])
        expected = theirs.loglikelihood(asked, disable_tqdm=True)
        assert row["values"] == pytest.approx([value for value, _ in expected], abs=1e-4)
    page = (scores / "scores.md").read_text(encoding="utf-8")
    assert "decoding:loglikelihood,lm-eval hf,float32,max_length=context|metric:acc" in page
    assert ", plain, log-likelihood | " in page
    more = {"prompts": ["chat"], "max_length": None, "_output": str(tmp_path / "x")}
    with pytest.raises(ModelError, match=r"has no chat template; set clinical\.prompts=\[plain\]"):
        evaluate.run(settings(tasks=TASKS, **more, _model={"hub": folder}))


def test_what_is_on_disk_is_not_read_again(
    settings: Make, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with harness.quiet():
        from lm_eval.models.huggingface import HFLM
    real, asked = HFLM._loglikelihood_tokens, []
    stop = 2

    def counted(self: Any, requests: Any, **more: Any) -> Any:
        if stop and len(asked) >= stop:
            raise KeyboardInterrupt
        asked.append([texts for texts, _, _ in requests])
        return real(self, requests, **more)

    monkeypatch.setattr(HFLM, "_loglikelihood_tokens", counted)
    recipe = settings(tasks=TASKS, _model={"hub": str(tiny.folder)}, _batch=2)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(recipe)
    stop = 0
    folder = evaluate.run(recipe)
    every = [texts for part in asked for texts in part]
    assert len(every) == len(set(every)) == 2 * (3 * 4 + 3 * 3)
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    assert {row["prompt"] for row in rows} == {"plain", "chat"}
    asked.clear()
    again = evaluate.run(settings(
        tasks=TASKS, _model={"hub": str(tiny.folder)}, _output=str(tmp_path / "again"), _reuse=str(folder),
    ))  # fmt: skip
    assert not asked
    assert (again / "answers.jsonl").read_bytes() == (folder / "answers.jsonl").read_bytes()
    assert set(evaluate.replay(again)) == {"answers.jsonl", "paper.jsonl", "scores.json", "scores.md"}


def test_a_text_model_answers_texts_and_refuses_pictures(tiny: Any, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "text"
    shutil.copytree(tiny.preset.llm, folder)
    shutil.copy(tiny.folder / "chat_template.jinja", folder)
    hub = open_hub(str(folder))
    (reply,) = hub.chat([Request((Message.of("user", "Which bone?"),))])
    assert reply.prompt_tokens > 5
    assert (len(hub.template), hub.name) == (64, f"text@{hub.identity[:8]}")
    with pytest.raises(ModelError, match="is a text model and cannot be shown a picture"):
        hub.chat([Request((Message.of("user", ImagePart(image="0" * 64), "What?"),))])
    with pytest.raises(ModelError, match="has no chat template; save one beside its processor"):
        open_hub(tiny.preset.llm).chat([Request((Message.of("user", "Which bone?"),))])
    plain = hub.loglikelihood([(Request((), before="Which bone?\nAnswer:"), " the femur")])[0]
    theirs = hub_lm(str(folder), tmp_path / "requests.jsonl")
    expected = theirs.loglikelihood(instances([("Which bone?\nAnswer:", [" the femur"])]))[0]
    assert plain.value == pytest.approx(expected[0], abs=1e-4)


def test_a_continuation_longer_than_the_context_is_named(tiny: Any, tmp_path: Path) -> None:
    ours = hub_lm(str(tiny.folder), tmp_path / "requests.jsonl", 256)
    with pytest.raises(DataError, match="a continuation takes 301 tokens and the context is 256"):
        ours.loglikelihood(instances([("a", ["b" * 301])]))
