"""Files are written whole, and what is read from outside is JSON or one sentence."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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


def test_a_broken_line_is_its_error_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": \ncaf\xe9\n2\n')
    found = list(io.read_lines(path))
    assert [number for number, _ in found] == [1, 2, 3, 4]
    assert found[3] == (4, 2)
    assert "f.jsonl line 2 is not JSON" in str(found[1][1])
    assert "f.jsonl line 3 is not UTF-8" in str(found[2][1])


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: "\\ud" not in json.dumps(value))


@settings(deadline=None)
@example(value=[0.0, 1e22, -1.5e-9, 12], chunk=1, indent=None, mark=False)
@given(
    value=st.lists(VALUES, max_size=5) | st.dictionaries(st.text(max_size=5), VALUES, max_size=5),
    chunk=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
    mark=st.booleans(),
)
def test_items_come_one_by_one_wherever_a_piece_ends(value: Any, chunk: int, indent: int, mark: bool) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "CHUNK", chunk)
        path = Path(folder) / "f.json"
        path.write_text(text + "\n", encoding="utf-8-sig" if mark else "utf-8", errors="surrogatepass")
        found = list(io.read_items(path))
    assert found == (list(value.items()) if isinstance(value, dict) else list(enumerate(value, 1)))


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[1,\n2,\n{"a" 3}]', r"f\.json is not JSON at line 3: Expecting ':'"),
        ("[1,\n2\n3]", r"f\.json is not JSON at line 3: ']' is missing"),
        ("[1,\n2", r"f\.json is not JSON at line 2: ']' is missing"),
        ('{"a": 1,\n"b" 2}', r"f\.json is not JSON at line 2: ':' is missing"),
        ('{"a": 1,\n3: 2}', r"f\.json is not JSON at line 2: a key is no text"),
        ("[1]\n[2]", r"f\.json is not JSON at line 2: there is text after its end"),
        ("[1,\nNaN]", r"f\.json is not JSON at line 2: NaN is no JSON value"),
        ('["\\ud83d cut"]', r"f\.json is not JSON at line 1: an escape is half"),
        ("3", r"f\.json is neither a JSON list nor a JSON object"),
        ("", r"f\.json is neither a JSON list nor a JSON object"),
    ],
)
def test_items_that_are_not_json_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str, chunk: int
) -> None:
    monkeypatch.setattr(io, "CHUNK", chunk)
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(DataError, match=said):
        list(io.read_items(tmp_path / "f.json"))


def test_items_nested_without_end_are_named(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"f\.json is not JSON at line 1: it is nested too deeply"):
        list(io.read_items(tmp_path / "f.json"))


def test_an_item_without_end_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io, "CHUNK", 100)
    monkeypatch.setattr(io, "ITEM", 1000)
    (tmp_path / "f.json").write_text('[1, "' + "a" * 5000 + '"]')
    reader = io.read_items(tmp_path / "f.json")
    assert next(reader) == (1, 1)
    with pytest.raises(DataError, match=r"f\.json is not JSON at line 1: Unterminated string"):
        next(reader)


def test_items_of_another_encoding_or_of_no_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_bytes('[1,\n"caf\xe9"]'.encode("latin-1"))
    with pytest.raises(DataError, match=r"f\.json is not UTF-8 after line 1"):
        list(io.read_items(tmp_path / "f.json"))
    with pytest.raises(DataError, match="does not exist"):
        list(io.read_items(tmp_path / "none.json"))
    with pytest.raises(DataError, match="cannot be read"):
        list(io.read_items(tmp_path))
