"""Files are written whole, and what is read from outside is JSON or one sentence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import io
from bimedix2.errors import DataError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,\n"b" 2}', r"f\.json is not JSON at line 2"),
        ('{"a": NaN}', r"f\.json is not JSON: NaN is no JSON value, null is"),
        ("[" * 100_000, r"f\.json is not JSON: it is nested too deeply"),
        (r'["\ud83d cut"]', r"f\.json is not JSON: an escape is half of a surrogate pair"),
        ("1" * 5000, r"f\.json is not JSON: .*digits"),
    ],
)
def test_what_is_not_json_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(DataError, match=said):
        io.read_json(tmp_path / "f.json")


def test_a_missing_file_a_folder_and_other_encodings_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        io.read_json(tmp_path / "none.json")
    for read in (io.read_json, lambda path: list(io.read_jsonl(path))):
        with pytest.raises(DataError, match="cannot be read"):
            read(tmp_path)
    (tmp_path / "latin.json").write_bytes('["caf\xe9"]'.encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8 at byte 5"):
        io.read_json(tmp_path / "latin.json")


def test_json_lines_name_the_line_and_skip_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\nnull\n')
    assert list(io.read_jsonl(path)) == [(1, {"a": 1}), (3, None)]
    path.write_text('{"a": 1}\n{"a": Infinity}\n')
    with pytest.raises(DataError, match=r"f\.jsonl line 2 is not JSON: Infinity is no JSON value"):
        list(io.read_jsonl(path))


def test_rows_that_break_off_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    assert io.write_jsonl(path, [{"a": "سؤال"}, 2]) == 2

    def broken() -> Iterator[Any]:
        yield 1
        raise KeyError("stop")

    with pytest.raises(KeyError):
        io.write_jsonl(path, broken())
    assert path.read_text(encoding="utf-8") == '{"a": "سؤال"}\n2\n'
    assert [p.name for p in tmp_path.iterdir()] == ["f.jsonl"]
