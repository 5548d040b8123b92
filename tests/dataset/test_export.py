"""Exports are what other trainers read, with every image beside them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bimedix2 import io
from bimedix2.errors import ConfigError
from bimedix2.manifest import verify
from bimedix2.records import DataClass, Message
from bimedix2.records.formats import Origin, read_file
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.text.arabic import script

from .conftest import Write, record

Build = Callable[..., Path]


def test_all_formats_say_the_same_as_the_records(write: Write, build: Build, tmp_path: Path) -> None:
    system = record("s", "Hello", split="train")
    rows = [
        record("1", "ما هذه؟", "صورة.", image="i", language="ar", split="train", meta={"k": [1]}),
        record("2", "And this?", image="j", split="test", meta={"k": "x"}),
        system.model_copy(update={"messages": (Message.of("system", "Be brief."), *system.messages)}),
    ]
    folder = build(
        write(rows, ["i", "j"]),
        exports=["llava", "sharegpt", "messages"],
        card={"chart": False, "name": "My set 1"},
    )
    verify(folder)
    origin = Origin("x", DataClass.OPEN, script)
    wanted = {r.id: r.messages for r in read_records(folder)}
    for form, suffix in (("llava", "json"), ("sharegpt", "json"), ("messages", "jsonl")):
        store = ImageStore(tmp_path / form)
        found = {}
        for side in ("train", "test"):
            path = folder / "exports" / form / f"{side}.{suffix}"
            for one in read_file(path, form, store, origin):
                found[one.id] = tuple(
                    Message.of(
                        m.role,
                        *(
                            p.model_copy(update={"name": ""}) if p.type == "image" else p.text
                            for p in m.content
                        ),
                    )
                    for m in one.messages
                )
            assert "bimedix2" not in path.read_text(encoding="utf-8")
        bare = {
            key: tuple(
                Message.of(
                    m.role,
                    *(p.model_copy(update={"name": ""}) if p.type == "image" else p.text for p in m.content),
                )
                for m in messages
            )
            for key, messages in wanted.items()
        }
        assert found == bare
    info = io.read_json(folder / "exports" / "sharegpt" / "dataset_info.json")
    assert set(info) == {"my-set-1_train", "my-set-1_test"}
    assert info["my-set-1_train"]["columns"] == {
        "messages": "conversations",
        "images": "images",
        "system": "system",
    }
    assert "system" not in info["my-set-1_test"]["columns"]
    rows_of = json.loads((folder / "exports" / "sharegpt" / "train.json").read_text(encoding="utf-8"))
    assert {"from", "value"} == set(rows_of[0]["conversations"][0])
    for row in rows_of:
        assert all((folder / "exports" / "sharegpt" / image).is_file() for image in row["images"])


def test_an_unknown_format_is_refused(write: Write, build: Build) -> None:
    from bimedix2 import config, dataset

    with pytest.raises(ConfigError, match=r"exports\.0"):
        config.build(dataset.Config, {"inputs": ["a"], "output": "b", "exports": ["alpaca"]})
