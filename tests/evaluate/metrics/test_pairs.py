"""A file of pairs: what is not scored is named with its line."""

from pathlib import Path

import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.metrics.pairs import count_reasons, read_pairs

LINES = [
    '{"gold": "yes", "pred": "yes", "id": "q1"}',
    '{"gold": "yes"}',
    "",
    '{"gold": "yes", "pred": NaN}',
    '{"gold": 2, "pred": "two"}',
    '{"gold": "left", "pred": null}',
    '["gold", "pred"]',
    "{broken",
    '{"gold": "left", "pred": "  ", "question_id": 7}',
    '{"gold": "", "pred": "x", "id": "q1"}',
]


def test_faults_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(LINES), encoding="utf-8")
    found = read_pairs(path, "gold", "pred")
    assert [(p.line, p.id) for p in found.pairs] == [(1, "q1"), (9, 7), (10, "q1")]
    reasons = {fault.line: fault.reason for fault in found.left_out}
    assert reasons[2] == "has no field 'pred'"
    assert reasons[4].startswith("is not JSON: NaN")
    assert reasons[5] == "'gold' is int, not text"
    assert reasons[6] == "'pred' is null, not text"
    assert reasons[7] == "is no JSON object"
    assert reasons[8].startswith("is not JSON")
    assert len(reasons) == 6
    noted = [(fault.line, fault.reason) for fault in found.noted]
    assert noted == [(9, "'pred' is empty"), (10, "an id that came before"), (10, "'gold' is empty")]
    assert found.partial == "partial: 6 of 9 lines of answers.jsonl are left out"
    assert count_reasons(found.noted)["'pred' is empty"] == 1


def test_a_whole_file_is_not_partial(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(LINES[0], encoding="utf-8")
    assert read_pairs(path, "gold", "pred").partial == ""


@pytest.mark.parametrize("text", ["", '{"ref": "a", "hyp": "b"}'])
def test_a_file_without_a_pair_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="no pair of 'gold' and 'pred'"):
        read_pairs(path, "gold", "pred")
    with pytest.raises(DataError, match="does not exist"):
        read_pairs(tmp_path / "none.jsonl", "gold", "pred")
