"""A stage of training: what learns, what is written, and that a killed run goes on exactly."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from bimedix2 import config, train
from bimedix2.errors import ConfigError, DataError, ModelError, RunError
from bimedix2.manifest import read_manifest, verify
from bimedix2.model import checkpoint
from bimedix2.records import Language, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.train import loop
from bimedix2.train.samples import answers_kept, keep_samples
from bimedix2.train.step import Runner

RATES = {"learning_rate": 1e-2, "projector_rate": 1e-2, "row_tokens": 200, "variants": 2, "warmup": 2}


def settings(squares: Path, output: Path, stage: str, **changes: Any) -> train.Config:
    values = {"model": "tiny", "input": squares, "output": output, "stage": stage, "threads": 1, **RATES}
    return config.build(train.Config, values | changes)


def losses(folder: Path) -> list[dict[str, Any]]:
    """The log without its clock."""
    return [{k: v for k, v in line.items() if k != "seconds"} for line in loop.read_log(folder / "log.jsonl")]


@pytest.fixture
def aligned(tiny: Any, squares: Path, tmp_path: Path) -> Path:
    return train.run(settings(squares, tmp_path / "align", "align", epochs=3))


def instruct(squares: Path, aligned: Path, output: Path, **changes: Any) -> train.Config:
    keep = {"keep_sources": ["held"], "keep_every": 2, "save_every": 3, "epochs": 3, "branches": 2}
    return settings(squares, output, "instruct", start=aligned, **{**keep, **changes})


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models that were saved, in order; saving goes on as ever."""
    models: list[Any] = []
    save = checkpoint.save

    def spy(model: Any, *rest: Any) -> None:
        models.append(model)
        save(model, *rest)

    monkeypatch.setattr(checkpoint, "save", spy)
    return models


def test_align_changes_the_projector_and_nothing_else(
    tiny: Any, squares: Path, tmp_path: Path, spied: list[Any]
) -> None:
    before = checkpoint.load("tiny-base").model.state_dict()
    folder = train.run(settings(squares, tmp_path / "align", "align"))
    changed = {name for name, value in spied[0].state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if "multi_modal_projector" in name}
    assert len(changed) == 4
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["checkpoint.json", "log.jsonl", "loss.png", "manifest.json", "projector.safetensors"]


def test_instruct_changes_the_projector_and_lora_on_the_language_model_alone(
    tiny: Any, squares: Path, aligned: Path, tmp_path: Path, spied: list[Any]
) -> None:
    before = checkpoint.load("tiny-base").model.state_dict()
    folder = train.run(instruct(squares, aligned, tmp_path / "instruct"))
    (adapted,) = spied
    state = adapted.get_base_model().state_dict()
    frozen = {
        name.replace(".base_layer", "").replace(".original_module", ""): value
        for name, value in state.items()
        if "lora_" not in name and "token_adapter" not in name
    }
    changed = {name for name, value in frozen.items() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if "multi_modal_projector" in name}
    lora = [name for name in state if "lora_B" in name]
    assert len(lora) == 2 * len(tiny.preset.linears)
    assert all("language_model" in name for name in lora)
    assert all(state[name].abs().max() > 0 for name in lora)
    read, written = [value for name, value in state.items() if "trainable_tokens_delta" in name]
    assert read.data_ptr() == written.data_ptr()  # tied, as the base's rows are
    first = adapted.config.image_token_index - len(read)
    was = before["model.language_model.embed_tokens.weight"][first : first + len(read)]
    assert 0 < (read - was).abs().max() < 1
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()
    assert (folder / "projector.safetensors").read_bytes() != (aligned / "projector.safetensors").read_bytes()


def test_a_finished_stage_says_what_it_did(tiny: Any, squares: Path, aligned: Path, tmp_path: Path) -> None:
    folder = train.run(instruct(squares, aligned, tmp_path / "instruct", epochs=12))
    verify(folder)
    stamp = read_manifest(folder)
    lines = losses(folder)
    assert stamp["training"]["steps"] == len(lines) == lines[-1]["step"] + 1
    # Four captions are the other stage's; of the two held texts the first is held whole as well.
    left = {"a caption, for align": 4}
    assert stamp["counts"] == {"in": 18, "kept": 14, "removed": left, "samples": 12 + 2 + 1}
    assert set(stamp["inputs"]) == {"input", "start"}
    assert [line["step"] for line in lines if "keep" in line] == list(range(0, len(lines), 2))
    assert lines[0]["keep"] == pytest.approx(0, abs=1e-6)
    assert lines[2]["keep"] > 0
    first, last = (sum(line["loss"] for line in part) for part in (lines[:3], lines[-3:]))
    assert last < 0.5 * first
    with Image.open(folder / "loss.png") as picture:
        picture.load()
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20


@pytest.mark.parametrize(
    ("stop", "dtype", "anchor"),
    [
        (1, "float32", 0),
        (5, "float32", 1),
        (6, "float32", 0),
        (7, "float32", 0),
        (5, "bfloat16", 1),
    ],
)
def test_a_killed_run_goes_on_bit_for_bit(
    tiny: Any,
    squares: Path,
    aligned: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: int,
    dtype: str,
    anchor: float,
) -> None:
    """Killed in step ``stop``, saved after steps 3 and 6: losses, norms and weights equal a run in one go."""
    recipe = partial(instruct, squares, aligned, dtype=dtype, anchor_weight=anchor)
    whole = train.run(recipe(tmp_path / "whole"))
    with monkeypatch.context() as patch:
        _break_at(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            train.run(recipe(tmp_path / "killed"))
    assert not (tmp_path / "killed").exists()
    half = (tmp_path / ".killed.partial" / "log.jsonl").read_text().splitlines()
    assert len(half) == stop
    resumed = train.run(recipe(tmp_path / "killed"))
    assert losses(resumed) == losses(whole)
    for name in ("projector.safetensors", "adapter/adapter_model.safetensors"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes()


def test_a_killed_align_is_not_given_its_head_start_again(
    tiny: Any, squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = partial(settings, squares, stage="align", row_tokens=16, save_every=2, prealign_steps=5)
    whole = train.run(recipe(output=tmp_path / "whole"))
    with monkeypatch.context() as patch:
        _break_at(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            train.run(recipe(output=tmp_path / "killed"))
    resumed = train.run(recipe(output=tmp_path / "killed"))
    assert losses(resumed) == losses(whole)
    assert (resumed / "projector.safetensors").read_bytes() == (whole / "projector.safetensors").read_bytes()
    plain = train.run(recipe(output=tmp_path / "plain", prealign_steps=0))
    assert losses(plain)[0]["loss"] != losses(whole)[0]["loss"]


def test_captions_hold_the_projector_while_answers_are_learned(
    tiny: Any, squares: Path, tmp_path: Path
) -> None:
    """Without it the answers' loss alone moves image tokens away from their captions' words."""
    aligned = train.run(settings(squares, tmp_path / "align", "align", prealign_steps=200))
    tight = losses(train.run(instruct(squares, aligned, tmp_path / "tight", epochs=12, anchor_weight=1)))
    loose = losses(train.run(instruct(squares, aligned, tmp_path / "loose", epochs=12, anchor_weight=1e-9)))
    assert tight[0]["anchor"] == loose[0]["anchor"]
    assert sum(line["anchor"] for line in tight[-6:]) < sum(line["anchor"] for line in loose[-6:])
    assert "anchor" not in losses(train.run(instruct(squares, aligned, tmp_path / "none")))[0]


def test_a_loss_that_is_no_number_stops_the_run_before_it_is_saved(
    tiny: Any, squares: Path, aligned: Path, tmp_path: Path
) -> None:
    wild = instruct(squares, aligned, tmp_path / "wild", learning_rate=1e30, clip=1e30, warmup=1)
    with pytest.raises(
        RunError, match=r"step \d+: the loss or its gradient is no number; lower learning_rate"
    ):
        train.run(wild)
    assert not (tmp_path / "wild").exists()


def _break_at(patch: pytest.MonkeyPatch, stop: int) -> None:
    answer, calls = Runner.answer, iter(range(10**6))

    def breaking(self: Runner, row: Any) -> Any:
        if next(calls) == stop:
            raise KeyboardInterrupt
        return answer(self, row)

    patch.setattr(Runner, "answer", breaking)


CHILD = """
import json, os, signal, sys
from bimedix2 import config, train
from bimedix2.model import presets
from bimedix2.train.step import Runner
chosen, recipe, stop = json.loads(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
presets.PRESETS["tiny"] = presets.Preset(**chosen)
answer, calls = Runner.answer, iter(range(10**6))
def dying(self, row):
    if next(calls) == stop:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer(self, row)
Runner.answer = dying
train.run(config.build(train.Config, recipe))
"""


def test_sigkill_in_another_process_then_resume_here(
    tiny: Any, squares: Path, aligned: Path, tmp_path: Path
) -> None:
    whole = train.run(instruct(squares, aligned, tmp_path / "whole"))
    recipe = instruct(squares, aligned, tmp_path / "killed")
    chosen = json.dumps(asdict(tiny.preset))
    command = [sys.executable, "-c", CHILD, chosen, recipe.model_dump_json(), "4"]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (tmp_path / ".killed.partial" / ".state" / "state.pt").is_file()
    assert losses(train.run(recipe)) == losses(whole)


def test_a_killed_feature_pass_goes_on_and_another_recipe_may_not(
    tiny: Any, squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bimedix2.train import features

    whole = train.run(settings(squares, tmp_path / "whole", "align"))
    made: list[int] = []

    def tower(model: Any, processor: Any, store: Any, keys: Any) -> Any:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(len(keys))
        return features_of(model, processor, store, keys)

    features_of = features.tower_features
    monkeypatch.setattr(features, "BATCH", 1)
    with monkeypatch.context() as patch:
        patch.setattr(features, "tower_features", tower)
        with pytest.raises(KeyboardInterrupt):
            train.run(settings(squares, tmp_path / "killed", "align"))
    with pytest.raises(RunError, match="another recipe"):
        train.run(settings(squares, tmp_path / "killed", "align", seed=1))
    resumed = train.run(settings(squares, tmp_path / "killed", "align"))
    assert [line["loss"] for line in losses(resumed)] == pytest.approx(
        [line["loss"] for line in losses(whole)], rel=1e-4
    )


def test_a_record_without_an_answer_stops_the_run(tiny: Any, tmp_path: Path, make_dataset: Any) -> None:
    silent = Record(
        id="silent",
        messages=(Message.of("user", "What is a CT?"),),
        language=Language.ENGLISH,
        task="text",
        split=Split.TRAIN,
        provenance=Provenance(source="x"),
    )
    folder = make_dataset([silent])
    with pytest.raises(DataError, match="record 'silent' has no assistant words"):
        train.run(settings(folder, tmp_path / "out", "instruct", start=tmp_path))


def test_a_record_longer_than_the_context_is_named(tiny: Any, tmp_path: Path, make_dataset: Any) -> None:
    long = Record(
        id="long",
        messages=(Message.of("user", "word " * 20_000), Message.of("assistant", "yes")),
        language=Language.ENGLISH,
        task="text",
        split=Split.TRAIN,
        provenance=Provenance(source="x"),
    )
    with pytest.raises(DataError, match=r"record 'long': the conversation takes \d+ tokens"):
        train.run(settings(make_dataset([long]), tmp_path / "out", "instruct", start=tmp_path))


def test_a_start_that_is_no_checkpoint_of_align_is_refused_before_anything_is_computed(
    tiny: Any, squares: Path, aligned: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half"
    half.mkdir()
    (half / "projector.safetensors").write_bytes((aligned / "projector.safetensors").read_bytes())
    with pytest.raises(RunError, match="half written"):
        train.run(instruct(squares, half, tmp_path / "out"))
    done = train.run(instruct(squares, aligned, tmp_path / "instruct", epochs=1))
    with pytest.raises(ModelError, match="its adapter would be lost"):
        train.run(instruct(squares, done, tmp_path / "again"))
    with pytest.raises(ModelError, match="is no checkpoint"):
        train.run(instruct(squares, squares, tmp_path / "data"))
    assert not (tmp_path / ".out.partial" / ".state").exists()


def test_a_log_that_a_kill_left_ahead_of_the_state_is_cut_whole(tmp_path: Path) -> None:
    """The lines of steps after the last save go, and the file is never there with half of them."""
    (tmp_path / loop.STATE).mkdir()
    torch.save({"step": 2, "parameters": [], "optimiser": {}}, tmp_path / loop.STATE / loop.SAVED)
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f'{{"step": {n}}}\n' for n in range(4)))
    kept = log.open()
    trainer = loop.Trainer.__new__(loop.Trainer)
    trainer.folder, trainer.parameters = tmp_path, []
    trainer.optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
    trainer.optimiser.load_state_dict = lambda _: None  # type: ignore[method-assign,assignment]
    trainer._resume()
    assert [line["step"] for line in loop.read_log(log)] == [0, 1]
    with kept:  # another file took its place, so a kill leaves the old one or the new one
        assert len(kept.read().splitlines()) == 4


def test_a_test_record_is_never_learned(tiny: Any, squares: Path, tmp_path: Path, make_dataset: Any) -> None:
    records = [r.model_copy(update={"split": Split.TEST}) for r in read_records(squares)]
    folder = make_dataset(records, ImageStore(squares / "images"))
    with pytest.raises(DataError, match="no training records for stage 'align'"):
        train.run(settings(folder, tmp_path / "out", "align"))


def test_text_to_hold_must_exist(tiny: Any, squares: Path, aligned: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no training records of keep_sources \['elsewhere'\]"):
        train.run(instruct(squares, aligned, tmp_path / "out", keep_sources=["elsewhere"]))


def test_the_door_names_a_misspelt_key_and_a_missing_start(squares: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown key 'learning_rat'; did you mean 'learning_rate'"):
        settings(squares, tmp_path / "out", "align", learning_rat=1)
    with pytest.raises(ConfigError, match="'instruct' needs 'start'"):
        settings(squares, tmp_path / "out", "instruct")


def held_texts(count: int) -> list[Record]:
    words = ("yes", "no", "maybe")
    return [
        Record(
            id=f"t{number}",
            messages=(
                Message.of("user", f"A long abstract, number {number}. Is it so?"),
                Message.of("assistant", words[number % 3]),
            ),
            language=Language.ENGLISH,
            task="mcq",
            split=Split.TRAIN,
            provenance=Provenance(source="held"),
        )
        for number in range(count)
    ]


def test_every_answer_is_held_and_some_texts_whole(tiny: Any) -> None:
    """Of each text one sample targets the assistant's tokens; of every sixth another targets all."""
    loaded = checkpoint.load("tiny-base")
    records = held_texts(13)
    samples = keep_samples(records, loaded.prompter)
    answers = [sample for sample in samples if sample.loss == "keep_answer"]
    assert [sample.id for sample in answers] == [record.id for record in records]
    assert answers[4].target == loaded.prompter.encode(records[4].messages).target
    whole = {sample.id: sample for sample in samples if sample.loss == "keep"}
    assert list(whole) == ["t0", "t6", "t12"]
    assert whole["t0"].ids == answers[0].ids
    assert sum(whole["t0"].target) == len(whole["t0"].ids) - 1
    tokenizer = loaded.prompter.tokenizer
    assert tokenizer.decode(whole["t6"].ids) == "A long abstract, number 6. Is it so?\nyes"
    begin = {tokenizer.encode(word)[0] for word in ("yes", "no", "maybe")}
    assert answers_kept(samples) == tuple(sorted(begin))


def test_new_tokens_rows_learn_at_a_rate_of_their_own(
    tiny: Any, squares: Path, aligned: Path, tmp_path: Path
) -> None:
    config = instruct(squares, aligned, tmp_path / "out", words_rate=1.25e-4)
    loaded = checkpoint.load("tiny-base")
    model, groups = train._learn(config, loaded, None)
    rows = {id(p) for name, p in model.named_parameters() if p.requires_grad and checkpoint.ROWS in name}
    assert rows
    assert [group["lr"] for group in groups if {id(p) for p in group["params"]} == rows] == [1.25e-4]
    assert all(not rows & {id(p) for p in group["params"]} for group in groups if group["lr"] != 1.25e-4)
