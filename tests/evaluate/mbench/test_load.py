"""The published files' traps: read right, counted by name, and answers joined by id alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError, ImageError
from bimedix2.evaluate.mbench.load import check_images, compare, in_order, load, read_answers

Rows = list[dict[str, Any]]


def lines(path: Path, values: list[Any]) -> Path:
    path.write_text("".join(json.dumps(v, ensure_ascii=False) + "\n" for v in values), encoding="utf-8")
    return path


def rows_of(path: Path) -> Rows:
    """What the Arabic file holds, one row a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_stream_of_pretty_printed_objects_is_read(english_file: Path) -> None:
    found = load(english_file, "en")
    assert found.layout == "pretty-printed objects"
    assert sorted(found.items) == [0, 1, 2, 3, 4, 5]
    first = found.items[0]
    assert (first.question, first.marker) == ("What kind of picture is this?", True)
    assert first.text.endswith("\n<image>")
    assert first.context == "Figure 1 shows it ."
    assert found.counts() == {"no sentence mentions the figure": 1, "several domains, the first counts": 2}


def test_every_trap_of_the_arabic_file_is_counted(arabic_file: Path) -> None:
    found = load(arabic_file, "ar")
    assert found.layout == "JSON Lines"
    assert found.items[2].type == "detailed_description"
    assert found.traps == {
        "no image marker, as published": [0, 1, 2, 3, 4, 5],
        "several domains, the first counts": [1, 2],
        "type translated or written otherwise": [2],
        "context in the other language": [4],
        "no sentence mentions the figure": [5],
    }


def test_the_first_true_flag_in_the_published_order_counts(english_file: Path) -> None:
    """Whatever order the flags have in the file: a radiograph that is also a CT is a radiograph."""
    domains = [item.domain for item in in_order(load(english_file, "en").items)]
    assert domains == ["chest_xray", "chest_xray", "histology", "histology", "mri", "mri"]


def test_a_list_and_a_file_with_a_byte_order_mark_are_read_too(arabic_file: Path, tmp_path: Path) -> None:
    values = rows_of(arabic_file)
    (tmp_path / "list.json").write_text(json.dumps(values), encoding="utf-8-sig")
    found = load(tmp_path / "list.json", "ar")
    assert (found.layout, len(found.items)) == ("JSON list", 6)


@pytest.mark.parametrize(
    "name", ["وصفٌ تفصيليّ", "الوصف التفصيلي", "Detailed description", "وصف مفصل", "وصف_دقيق"]
)
def test_a_type_is_known_however_it_is_written(arabic_file: Path, tmp_path: Path, name: str) -> None:
    values = rows_of(arabic_file)
    values[2]["type"] = name
    assert load(lines(tmp_path / "b.jsonl", values), "ar").items[2].type == "detailed_description"


def test_texts_in_the_wrong_language_are_named(arabic_file: Path, tmp_path: Path) -> None:
    values = rows_of(arabic_file)
    values[0]["gpt4_answer"] = "An answer that nobody translated."
    values[3]["fig_caption"] = "A caption that nobody translated."
    values[1]["text"] += "\n<image>"
    found = load(lines(tmp_path / "b.jsonl", values), "ar").traps
    assert found["reference in the other language"] == [0]
    assert found["caption in the other language"] == [3]
    assert found["image marker in Arabic"] == [1]
    assert found["no image marker, as published"] == [0, 2, 3, 4, 5]


def _without(key: str) -> Callable[[Rows], None]:
    return lambda rows: rows[3].pop(key) and None


def _with(key: str, value: Any) -> Callable[[Rows], None]:
    return lambda rows: rows[3].update({key: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without("question_id"), "line 4 has no whole number as 'question_id'"),
        (_with("question_id", "3"), "line 4 has no whole number as 'question_id'"),
        (_with("question_id", 2), "line 4: question 2 is there twice"),
        (_without("gpt4_answer"), "question 3 has no text 'gpt4_answer'"),
        (_with("gpt4_answer", " "), "question 3 has no question or no reference"),
        (_with("type", "quiz"), "question 3 is of type 'quiz'"),
        (_with("type", "وصف في محادثة"), "question 3 is of type 'وصف في محادثة'"),
        (_with("domain", {"mri": False}), "question 3 is in none of"),
        (_with("domain", "mri"), "question 3 has no 'domain'"),
        (_with("in_text_mention", "text"), "question 3: 'in_text_mention' is no list"),
    ],
)
def test_a_broken_row_is_named(
    arabic_file: Path, tmp_path: Path, change: Callable[[Rows], None], message: str
) -> None:
    values = rows_of(arabic_file)
    change(values)
    with pytest.raises(DataError, match=message):
        load(lines(tmp_path / "b.jsonl", values), "ar")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b'{"question_id": 0} {"question', "is not JSON after line 1"),
        (b'{"question_id": NaN}', "NaN is no JSON value"),
        (b"\xff\xfe", "is not UTF-8 at byte 0"),
        (b"[1, 2]", "is no object"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "b.jsonl").write_bytes(data)
    with pytest.raises(DataError, match=message):
        load(tmp_path / "b.jsonl", "en")
    with pytest.raises(DataError, match=r"none\.jsonl does not exist"):
        load(tmp_path / "none.jsonl", "en")


def test_both_files_are_compared_by_id(english_file: Path, arabic_file: Path, tmp_path: Path) -> None:
    english = load(english_file, "en")
    assert compare(english, load(arabic_file, "ar")) == {}
    values = rows_of(arabic_file)[1:]
    values[0]["image"] = "another.jpg"
    values[3]["domain"] = {"gross": True}
    values.append({**values[0], "question_id": 9})
    found = compare(english, load(lines(tmp_path / "b.jsonl", values[::-1]), "ar"))
    assert found == {
        "not in the Arabic file": [0],
        "another image": [1],
        "another domain": [4],
        "not in the English file": [9],
    }


def test_missing_images_are_found_before_any_model_is_asked(english_file: Path, tmp_path: Path) -> None:
    items = list(in_order(load(english_file, "en").items))
    (tmp_path / "invented_0.jpg").write_bytes(b"x")
    with pytest.raises(ImageError, match=r"lacks 2 images .*\(invented_1.jpg, invented_2.jpg\)"):
        check_images(items, tmp_path)
    for name in ("invented_1.jpg", "invented_2.jpg"):
        (tmp_path / name).write_bytes(b"x")
    check_images(items, tmp_path)


def answer(number: int, text: str = "a", **more: Any) -> dict[str, Any]:
    return {"question_id": number, "text": text, "model_id": "peer", **more}


def test_answers_are_joined_by_id_in_whatever_order(english_file: Path, tmp_path: Path) -> None:
    items = load(english_file, "en").items
    path = lines(tmp_path / "a.jsonl", [answer(n, f"answer {n}") for n in (5, 3, 1, 0, 2, 4)])
    found = read_answers(path, items)
    assert found.model == "peer"
    assert found.texts == {n: f"answer {n}" for n in range(6)}
    assert (found.traps, found.failures) == ({}, {})
    assert read_answers(path, items, "renamed").model == "renamed"


def test_missing_extra_duplicate_and_empty_answers_are_counted(english_file: Path, tmp_path: Path) -> None:
    items = load(english_file, "en").items
    given = [answer(0), answer(1, ""), answer(2, "one"), answer(2, "two"), answer(3), answer(3), answer(77)]
    found = read_answers(lines(tmp_path / "a.jsonl", given), items)
    assert found.traps == {
        "missing": [4, 5],
        "extra": [77],
        "several answers": [2],
        "same answer twice": [3],
        "empty answer": [1],
    }
    assert found.failures == {4: "no answer", 5: "no answer", 2: "several answers"}
    assert found.texts == {0: "a", 1: "", 3: "a"}  # an empty answer was given, and is judged


def test_an_answer_that_is_nan_is_counted_and_has_no_score(english_file: Path, tmp_path: Path) -> None:
    items = load(english_file, "en").items
    given = [
        answer(0),
        {**answer(1), "text": float("nan")},
        {**answer(2), "text": None},
        *map(answer, (3, 4, 5)),
    ]
    found = read_answers(lines(tmp_path / "a.jsonl", given), items)
    assert found.traps == {"text is NaN or null": [1, 2]}
    assert found.failures == dict.fromkeys((1, 2), "text is NaN or null")
    assert sorted(found.texts) == [0, 3, 4, 5]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([answer(900)], "no question_id .* is one of the benchmark's"),
        ([answer(0), {**answer(1), "model_id": "other"}], "answers of other, peer"),
        ([{"text": "a"}], "line 1 has no whole number as 'question_id'"),
        ([{"question_id": 1}], "the answer to question 1 has no 'text'"),
        (["a"], "line 1 has no whole number"),
    ],
)
def test_answers_of_something_else_are_refused(
    english_file: Path, tmp_path: Path, given: list[Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_answers(lines(tmp_path / "a.jsonl", given), load(english_file, "en").items)


def test_one_of_several_systems_of_a_file_is_chosen_by_name(english_file: Path, tmp_path: Path) -> None:
    items = load(english_file, "en").items
    both = [{"question_id": n, "text": name, "model": name} for name in ("a", "b") for n in items]
    file = lines(tmp_path / "both.jsonl", both)
    with pytest.raises(DataError, match="has answers of a, b; keep one model a file, or name one of them"):
        read_answers(file, items)
    with pytest.raises(DataError, match="name one of them"):
        read_answers(file, items, "c")
    found = read_answers(file, items, "b")
    assert (found.model, set(found.texts.values()), found.traps) == ("b", {"b"}, {})
    one = lines(tmp_path / "one.jsonl", both[: len(items)])
    assert read_answers(one, items, "another name").model == "another name"


@pytest.mark.parametrize("number", [0.0, "0"])
def test_an_id_of_a_table_is_an_id(english_file: Path, tmp_path: Path, number: Any) -> None:
    file = lines(tmp_path / "one.jsonl", [{"question_id": number, "text": "x", "model": "m"}])
    assert read_answers(file, load(english_file, "en").items).texts == {0: "x"}


def test_half_a_surrogate_pair_is_one_sentence(english_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "cut.jsonl"
    file.write_text('{"question_id": 0, "text": "ok"}\n{"question_id": 1, "text": "\\ud83d"}\n')
    with pytest.raises(DataError, match="not JSON after line 2: an escape is half of a surrogate pair"):
        read_answers(file, load(english_file, "en").items)
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path, "en")
