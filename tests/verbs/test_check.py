"""``bimedix2 check translation`` on a file of pairs."""

import json
from pathlib import Path
from typing import Any

import pytest

GOOD = {"id": "good", "source": "The left kidney is normal.", "target": "الكلية اليسرى طبيعية."}
SWAPPED = {"id": "bad", "source": "The left kidney is normal.", "target": "الكلية اليمنى طبيعية."}


def write(path: Path, *rows: Any) -> str:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_all_passed_is_exit_code_0(cli: Any, tmp_path: Path) -> None:
    code, out, err = cli("check", "translation", write(tmp_path / "p.jsonl", GOOD))
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "good: passed"
    assert "1 pairs: 1 passed, 0 failed; 0 lines skipped" in out


def test_a_failure_is_named_and_explained_with_exit_code_1(cli: Any, tmp_path: Path) -> None:
    code, out, _ = cli("check", "translation", write(tmp_path / "p.jsonl", GOOD, SWAPPED))
    assert code == 1
    assert "bad: FAILED laterality" in out
    assert "    laterality: The source says 'left'" in out
    assert "2 pairs: 1 passed, 1 failed" in out
    assert "laterality           1" in out


def test_json_has_the_spans_in_the_text_as_given(cli: Any, tmp_path: Path) -> None:
    code, out, _ = cli("check", "translation", "--json", write(tmp_path / "p.jsonl", SWAPPED))
    row, summary = (json.loads(line) for line in out.splitlines())
    assert code == 1
    assert (row["id"], row["line"], row["passed"]) == ("bad", 1, False)
    failure = row["failures"][0]
    (start, end), (first, last) = failure["source"][0], failure["target"][0]
    assert SWAPPED["source"][start:end] == "left"
    assert SWAPPED["target"][first:last] == "اليمنى"
    assert summary["summary"] == {
        "passed": 0,
        "failed": 1,
        "skipped": 0,
        "failed_by_check": {"laterality": 1},
    }


def test_bad_lines_are_counted_by_number_and_the_run_goes_on(cli: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", "{broken", GOOD, {"source": "x"}, [1], {"source": " ", "target": "y"})
    code, out, err = cli("check", "translation", path)
    assert code == 1, "a line that could not be read is no pair that passed"
    assert "1 pairs: 1 passed, 0 failed; 4 lines skipped" in out
    for line in (1, 3, 4, 5):
        assert f"line {line} " in err
    assert "has no text as 'target'" in err


def test_a_pair_without_an_id_has_its_line(cli: Any, tmp_path: Path) -> None:
    _, out, _ = cli("check", "translation", write(tmp_path / "p.jsonl", {**GOOD, "id": None}))
    assert out.startswith("line 1: passed")
    _, out, _ = cli("check", "translation", write(tmp_path / "p.jsonl", {**GOOD, "id": 0}))
    assert out.startswith("0: passed")


@pytest.mark.parametrize("content", ["", "{broken\n", "\ufeff\n"])
def test_nothing_to_check_is_exit_code_2(cli: Any, tmp_path: Path, content: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(content, encoding="utf-8")
    code, _, err = cli("check", "translation", str(path))
    assert code == 2
    assert "has no pair that can be read" in err


def test_a_missing_file_is_exit_code_2(cli: Any, tmp_path: Path) -> None:
    code, _, err = cli("check", "translation", str(tmp_path / "none.jsonl"))
    assert code == 2
    assert "does not exist" in err


def test_arabic_to_english_is_checked_too(cli: Any, tmp_path: Path) -> None:
    row = {"source": "الكلية اليسرى طبيعية.", "target": "The right kidney is normal."}
    code, out, _ = cli("check", "translation", write(tmp_path / "p.jsonl", row))
    assert code == 1
    assert "FAILED laterality" in out


def test_the_group_shows_its_subcommands(cli: Any) -> None:
    code, out, _ = cli("check", "--help")
    assert code == 0
    assert "translation" in out
    assert "Example" in out
