"""Users' own files: every fault is named by file, row and turn, mended where there is one way, never
overwritten."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bimedix2 import io
from bimedix2.cli import app
from bimedix2.dataset.check import check
from bimedix2.dataset.mend import mend
from bimedix2.errors import ConfigError, DataError
from bimedix2.records import DataClass
from bimedix2.records.formats import Origin, read_file
from bimedix2.records.images import ImageStore
from bimedix2.text.arabic import script

ORIGIN = Origin("x", DataClass.OPEN, script)


def talk(*texts: str, **more: Any) -> dict[str, Any]:
    speakers = ("human", "gpt")
    return {
        "conversations": [{"from": speakers[n % 2], "value": text} for n, text in enumerate(texts)],
        **more,
    }


def chat(*texts: Any, **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)], **more}


PART = {"type": "image", "path": "a.png"}
MENDED = [
    (
        "llava",
        talk("q", "a", image=["a.png"]),
        ["image-field", "no-placeholder"],
        talk("<image>\nq", "a", image="a.png"),
    ),
    (
        "llava",
        talk("<image>\nq", "a", images=["a.png"]),
        ["image-field"],
        talk("<image>\nq", "a", image="a.png"),
    ),
    (
        "llava",
        {"conversations": [{"from": "human", "role": "user", "value": "q"}, {"from": "gpt", "value": "a"}]},
        ["two-keys"],
        talk("q", "a"),
    ),
    ("llava", talk("q", "a", image=[]), ["image-field"], talk("q", "a")),
    ("llava", talk("q", "a", image=None), ["image-field"], talk("q", "a")),
    (
        "sharegpt",
        talk("q", "a", images="a.png"),
        ["image-field", "no-placeholder"],
        talk("<image>\nq", "a", images=["a.png"]),
    ),
    ("sharegpt", talk("q", "a", images=[]), [], talk("q", "a", images=[])),
    ("llava", talk("see <image>?", "a"), ["placeholder-no-image"], talk("see < image >?", "a")),
    ("llava", talk("q", "a", "r"), ["no-answer"], talk("q", "a")),
    ("llava", talk("q", "a", "r", " \n"), ["empty-turn", "no-answer"], talk("q", "a")),
    ("llava", talk("q\u202e", "\u200fجواب"), ["direction-control", "direction-control"], talk("q", "جواب")),
    ("llava", talk("q\x00", "a\ufeff"), ["control-character", "control-character"], talk("q", "a")),
    ("llava", talk("q", "a", system="s\u200e"), ["direction-control"], talk("q", "a", system="s")),
    ("llava", {"conversatons": talk("q", "a")["conversations"]}, ["misspelt-key"], talk("q", "a")),
    (
        "llava",
        {"conversations": [{"role": "User", "content": "q"}, {"from": "assistant", "value": "a"}]},
        ["role-name", "role-name"],
        talk("q", "a"),
    ),
    (
        "messages",
        chat("q", "a", images=["a.png"]),
        ["no-placeholder"],
        chat("<image>\nq", "a", images=["a.png"]),
    ),
    (
        "messages",
        chat([PART, {"type": "text", "text": "q\u2066"}], "a"),
        ["direction-control"],
        chat([PART, {"type": "text", "text": "q"}], "a"),
    ),
]
HOPELESS = [
    (
        "llava",
        {"conversations": [{"from": "human", "value": "q", "content": "p"}, {"from": "gpt", "value": "a"}]},
        1,
        "two-keys",
    ),
    (
        "messages",
        {
            "messages": [
                {"role": "user", "from": "gpt", "content": "q"},
                {"role": "assistant", "content": "a"},
            ]
        },
        1,
        "two-keys",
    ),
    ("llava", [], 0, "no-object"),
    ("llava", {}, 0, "no-turns"),
    ("llava", {"conversations": ["q"]}, 1, "turn-no-object"),
    ("llava", {"conversations": [{"from": "tool", "value": "q"}]}, 1, "unknown-role"),
    ("llava", talk("q", "", "r", "a"), 2, "empty-turn"),
    ("llava", talk("q"), 0, "no-answer"),
    ("llava", {"conversations": talk("q", "a")["conversations"][::-1] * 2}, 1, "out-of-turn"),
    ("llava", talk("<image> <image>", "a", "<image>", "b", image=["a", "b"]), 3, "placeholder-count"),
    ("llava", talk("<image>", "a", image=["a", "b"]), 1, "placeholder-count"),
    ("llava", talk("q", "<image>", image="a"), 2, "placeholder-in-answer"),
    ("llava", talk("<image>", "a", image=3), 0, "image-no-path"),
    ("llava", talk("<image>", "a", image="../x.png"), 0, "image-outside"),
    ("llava", talk("<image>", "a", image="/etc/passwd"), 0, "image-outside"),
    ("llava", talk("<image>", "a", image="a", images=["b"]), 0, "two-image-fields"),
    (
        "llava",
        {"conversations": [{"from": "human", "value": 3}, {"from": "gpt", "value": "a"}]},
        1,
        "unreadable",
    ),
    ("messages", chat([{"type": "video"}], "a"), 1, "unreadable"),
    ("messages", chat([{"type": "image"}, {"type": "text", "text": "q"}], "a"), 1, "unreadable"),
]


@pytest.mark.parametrize(("form", "row", "names", "wanted"), MENDED)
def test_a_row_is_mended_where_there_is_one_way(form: Any, row: Any, names: list[str], wanted: Any) -> None:
    before = json.dumps(row)
    mended, problems = mend(row, 4, form, None)
    assert mended == wanted
    assert sorted(problem.name for problem in problems) == sorted(names)
    assert all(problem.mended and problem.row == 4 for problem in problems)
    assert mend(mended, 4, form, None) == (wanted, [])
    assert json.dumps(row) == before


@pytest.mark.parametrize(("form", "row", "turn", "name"), HOPELESS)
def test_a_row_with_several_ways_is_left_out(form: Any, row: Any, turn: int, name: str) -> None:
    mended, problems = mend(row, 9, form, None)
    assert mended is None
    last = problems[-1]
    assert (last.row, last.turn, last.name, last.mended) == (9, turn, name, "")
    assert last.where(Path("f.json")) == "f.json row 9" + (f" turn {turn}" if turn else "")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["human", "gpt", "<image>", "q", "", "a.png", "\u202e"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "from",
                    "value",
                    "role",
                    "content",
                    "type",
                    "text",
                    "image",
                    "images",
                    "conversations",
                    "messages",
                    "id",
                    "system",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
loose = st.builds(
    lambda texts, image: talk(*texts, **image),
    st.lists(st.sampled_from(["q", "<image> q", "", "<image>\n<image>"]), min_size=1, max_size=4),
    st.sampled_from([{}, {"image": "a.png"}, {"image": ["a.png", "b.png"]}, {"images": []}, {"id": 3}]),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=values | loose, form=st.sampled_from(["llava", "sharegpt", "messages"]))
def test_any_row_is_mended_to_one_that_is_read_or_left_out(
    tmp_path_factory: pytest.TempPathFactory, row: Any, form: Any
) -> None:
    mended, problems = mend(row, 1, form, None)
    if mended is None:
        assert problems
        return
    folder = tmp_path_factory.mktemp("f")
    for name in ("a.png", "b.png", "q", "human", "gpt"):
        (folder / name).write_bytes(name.encode())
    (folder / "f.json").write_text(json.dumps([mended]), encoding="utf-8")
    assert len(list(read_file(folder / "f.json", form, ImageStore(folder / "store"), ORIGIN))) == 1
    assert mend(mended, 1, form, None) == (mended, [])


def test_a_clean_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps([talk("q", "a", id="1"), talk("r", "b", id="2")]), encoding="utf-8")
    result = check(path, fix=True)
    assert (result.problems, result.rows, result.form, result.written) == ([], 2, "llava", [])
    assert [file.name for file in tmp_path.iterdir()] == ["f.json"]


def test_a_line_that_is_not_json_and_another_encoding_cost_their_rows_alone(tmp_path: Path) -> None:
    rows = [json.dumps(talk(f"q{n}", "a"), ensure_ascii=False).encode() for n in range(40)]
    rows[10] = b'{"conversations": [}'
    rows[20] = json.dumps(talk("ما هذه الصورة؟", "صدر"), ensure_ascii=False).encode("cp1256")
    rows[30] = json.dumps(talk("Sjögren?", "No, Ménière."), ensure_ascii=False).encode("cp1252")
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join(rows) + b"\n")
    result = check(path, fix=True)
    assert [(p.row, p.name) for p in result.problems if p.row != 11] == [
        (0, "byte-order-mark"),
        (21, "not-utf8"),
        (31, "not-utf8"),
    ]
    (lost,) = [p for p in result.problems if p.row == 11]
    assert lost.name == "broken-json"
    assert "f.jsonl line 11 is not JSON" in lost.what
    assert (result.rows, result.left_out) == (40, 1)
    fixed = [row for _, row in io.read_jsonl(tmp_path / "f.fixed.jsonl")]
    assert len(fixed) == 39
    assert fixed[19] == talk("ما هذه الصورة؟", "صدر")
    assert fixed[29] == talk("Sjögren?", "No, Ménière.")
    assert [row for _, row in io.read_jsonl(tmp_path / "f.left_out.jsonl")] == [
        {"row": 11, "text": '{"conversations": [}'}
    ]
    report = [row for _, row in io.read_jsonl(tmp_path / "f.report.jsonl")]
    assert [row["row"] for row in report] == [0, 21, 31, 11]
    assert report[1]["what"].endswith("it looks like Windows-1256")


def test_utf16_and_a_list_that_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    text = json.dumps([talk("q", "a"), talk("س", "ج")], ensure_ascii=False)
    path.write_bytes(text[:-3].encode("utf-16"))
    result = check(path, fix=True)
    assert [(p.row, p.name) for p in result.problems] == [(0, "not-utf8"), (2, "broken-json")]
    assert str(tmp_path / "f.json") in result.problems[1].what
    assert result.problems[1].what.endswith("; this row and all that follow it were not read")
    assert io.read_json(tmp_path / "f.fixed.json") == [talk("q", "a")]


def test_characters_that_no_encoding_gives_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    good = json.dumps(talk("q \ufffd", "a"), ensure_ascii=False).encode()
    path.write_bytes(good.replace(b"q ", b"q \x81\xe9 ") + b"\n")
    (problem,) = check(path).problems
    assert problem.what.endswith("it looks like Windows-1252, and 1 characters cannot be read ('\\ufffd')")
    wide = tmp_path / "w.json"
    wide.write_bytes(json.dumps([talk("q", "a")]).encode("utf-16") + b"\x00")
    assert ", and 1 characters cannot be read" in check(wide).problems[0].what


def test_ids_that_stand_twice(tmp_path: Path) -> None:
    rows = [
        talk("q", "a", id=1),
        talk("q", "a", id=1),
        talk("r", "b", id="1"),
        talk("s", "c"),
        talk("s", "c"),
    ]
    path = tmp_path / "f.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    result = check(path, fix=True)
    assert [(p.row, p.name) for p in result.problems] == [(2, "duplicate-row"), (3, "duplicate-id")]
    assert [row.get("id") for row in io.read_json(tmp_path / "f.fixed.json")] == [1, "1#3", None, None]


def test_a_new_id_is_nobodys_and_a_third_row_that_says_the_same_is_left_out(tmp_path: Path) -> None:
    rows = [talk("q", "a", id="1"), talk("p", "a", id="1#3"), *[talk("r", "b", id="1")] * 2]
    path = tmp_path / "f.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    result = check(path, fix=True)
    assert [(p.row, p.name) for p in result.problems] == [(3, "duplicate-id"), (4, "duplicate-row")]
    assert [row["id"] for row in io.read_json(tmp_path / "f.fixed.json")] == ["1", "1#3", "1#3#"]


def test_nothing_is_overwritten_and_the_original_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps([talk("q", "a", "r")]), encoding="utf-8")
    before = path.read_bytes()
    assert [file.name for file in check(path, fix=True).written] == ["f.fixed.json", "f.report.jsonl"]
    assert path.read_bytes() == before
    with pytest.raises(ConfigError, match=r"f\.fixed\.json is there already and is not overwritten"):
        check(path, fix=True)
    assert check(path).counts() == {"no-answer": 1}


def test_images_are_looked_for_where_somebody_says(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"x")
    path = tmp_path / "f.json"
    path.write_text(json.dumps([talk("<image>", "a", image=f"{n}.png") for n in "ab"]), encoding="utf-8")
    assert check(path).problems == []
    (problem,) = check(path, images=tmp_path / "images").problems
    assert (problem.row, problem.name) == (2, "missing-image")


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ({"path": "b.png"}, "missing-image"),
        ({"image_url": {"url": "b.png"}}, "missing-image"),
        ({"path": "../a.png"}, "image-outside"),
        ({"url": "https://example.org/a.png"}, "image-on-the-web"),
    ],
)
def test_images_that_are_objects_or_parts_of_a_message_are_looked_for_too(
    tmp_path: Path, image: dict[str, Any], name: str
) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    for file, row in (
        ("s.json", talk("<image>", "a", images=[image])),
        ("m.json", chat([{"type": "image", **image}, {"type": "text", "text": "q"}], "a")),
    ):
        path = tmp_path / file
        path.write_text(json.dumps([row]), encoding="utf-8")
        (problem,) = check(path, images=tmp_path).problems
        assert problem.name == name


@pytest.mark.parametrize(
    ("text", "said"), [("[]", "holds no row"), ("", "holds no row"), (None, "cannot be read")]
)
def test_a_file_without_rows_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "f.jsonl" if text == "" else tmp_path / "f.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=said):
        check(path)
    with pytest.raises(ConfigError, match="'alpaca' is no format"):
        check(path, form="alpaca")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, Path(".")):
        with pytest.raises(DataError, match="is a folder; give a file of conversations in it"):
            check(path)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["check", "dataset", *arguments])


def test_the_command_prints_places_and_ends_with_one_if_something_stays_wrong(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps([talk("q", "a", "r"), talk("q", "a")]), encoding="utf-8")
    shown = run(str(path))
    assert shown.exit_code == 1
    assert f"{path} row 1 turn 3: no-answer: the last turn is a question (--fix: cut off)" in shown.output
    assert "--fix writes a mended copy" in shown.output
    as_json = run(str(path), "--json")
    assert json.loads(as_json.output)["turn"] == 3
    mended = run(str(path), "--fix")
    assert mended.exit_code == 0
    assert f"written: {tmp_path / 'f.fixed.json'}" in mended.output
    assert "the last turn is a question (cut off)" in mended.output
    assert run(str(tmp_path / "f.fixed.json")).exit_code == 0
    assert "more problems" in run(str(path), "--shown", "0").output
