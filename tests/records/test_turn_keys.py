"""What turns of somebody else's say beside role and words is kept, or the row is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.records import DataClass, Language, Record
from bimedix2.records.formats import Origin, read_file, write_file
from bimedix2.records.images import ImageStore

ORIGIN = Origin("theirs", DataClass.OPEN, Language.ENGLISH)
TURNS: dict[str, list[dict[str, Any]]] = {
    "llava": [
        {"from": "human", "value": "q"},
        {"from": "gpt", "value": "a", "weight": 0, "tool_calls": None},
    ],
    "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "reasoning": "r"}],
}
KEYS = {"llava": "conversations", "messages": "messages"}


def read(path: Path, form: str) -> list[Record]:
    return list(read_file(path, form, ImageStore(path.parent / "store"), ORIGIN))


@pytest.mark.parametrize(
    ("form", "kept"), [("llava", {"2": {"weight": 0}}), ("messages", {"2": {"reasoning": "r"}})]
)
def test_other_keys_of_turns_are_kept_in_meta_and_come_back(
    tmp_path: Path, form: str, kept: dict[str, Any]
) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps([{"lang": "en", KEYS[form]: TURNS[form]}]))
    (record,) = read(path, form)
    assert record.meta == {"lang": "en", "turn_keys": kept}
    write_file(tmp_path / "out.json", [record], form, ImageStore(tmp_path / "store"))
    assert read(tmp_path / "out.json", form) == [record]


@pytest.mark.parametrize("form", ["llava", "messages"])
@pytest.mark.parametrize("call", [{"tool_calls": [{"name": "f"}]}, {"function_call": {"name": "f"}}])
def test_a_turn_that_calls_a_tool_is_refused(tmp_path: Path, form: str, call: dict[str, Any]) -> None:
    first, second = TURNS[form]
    path = tmp_path / "f.json"
    path.write_text(json.dumps([{KEYS[form]: [first, second | call]}]))
    with pytest.raises(DataError, match="row 1 turn 2 calls a tool, which no record can hold; remove"):
        read(path, form)
