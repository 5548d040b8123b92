"""Both stages on the real nano base, killed and resumed."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config, train
from bimedix2.engine import open_engine
from bimedix2.llm.backend import Request, Sampling
from bimedix2.records import Message
from bimedix2.train import loop
from bimedix2.train.step import Runner

pytestmark = pytest.mark.slow


def losses(folder: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in loop.read_log(folder / "log.jsonl")]


def settings(squares: Path, output: Path, stage: str, **changes: Any) -> train.Config:
    values = {
        "input": squares,
        "output": output,
        "stage": stage,
        "threads": 1,
        "row_tokens": 300,
        "save_every": 2,
    }
    return config.build(train.Config, values | {"variants": 1, "dtype": "bfloat16"} | changes)


def test_a_killed_run_goes_on_bit_for_bit_and_learns_its_four_pictures(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aligned = train.run(settings(squares, tmp_path / "align", "align", epochs=2, prealign_steps=20))
    keep = {"keep_sources": ["held"], "keep_every": 4, "start": aligned, "epochs": 3, "learning_rate": 1.5e-3}
    whole = train.run(settings(squares, tmp_path / "whole", "instruct", **keep))
    with monkeypatch.context() as patch:
        answer, calls = Runner.answer, iter(range(10**6))

        def breaking(self: Runner, row: Any) -> Any:
            if next(calls) == 5:
                raise KeyboardInterrupt
            return answer(self, row)

        patch.setattr(Runner, "answer", breaking)
        with pytest.raises(KeyboardInterrupt):
            train.run(settings(squares, tmp_path / "killed", "instruct", **keep))
    resumed = train.run(settings(squares, tmp_path / "killed", "instruct", **keep))
    assert losses(resumed) == losses(whole)
    lines = losses(whole)
    assert lines[-1]["loss"] < 0.5 * lines[0]["loss"]
    engine = open_engine(str(resumed))
    (reply,) = engine.chat([Request((Message.of("user", "Hello"),), {}, Sampling(max_tokens=4))])
    assert reply.model.startswith("bimedix2-killed@")
