"""The kind ``conversations``: which records are drawn, their translations, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.errors import DataError, RunError
from bimedix2.evaluate import Config, conversations
from bimedix2.evaluate.sheets.shoot import ABSENT
from bimedix2.manifest import read_manifest, verify
from bimedix2.records import Message, Record
from bimedix2.records.record import DataClass

from .conftest import BRAIN_AR, CHEST_AR, CHEST_EN, Scored

Talks = Callable[..., Path]


def run(output: Path, records: Path, **more: Any) -> Path:
    settings = {"records": records, "figures": False, **more}
    return evaluate.run(Config.model_validate({"output": output, "conversations": settings}))


def test_turns_images_and_the_translation_beneath(talks: Talks, tmp_path: Path) -> None:
    folder = talks()
    done = run(tmp_path / "page", folder, twins=folder, least_turns=3)
    verify(done)
    html = (done / "index.html").read_text(encoding="utf-8")
    assert html.count('<section class="conversation"') == 1
    assert html.count('class="turn user"') == 2
    assert html.count('<div class="translation" dir="rtl">') == 4
    assert "<strong>slices</strong>" in html  # an answer's markdown, as the chat page shows it
    assert '<bdi dir="ltr">8 mm</bdi>' in html
    assert html.count('<img src="images/') == 1
    assert io.read_json(done / "conversations.json") == [
        {"id": "talk/1", "anchor": "c1", "translated": True, "figure": ""}
    ]


def test_without_twins_nothing_stands_beneath_and_translations_are_not_drawn(
    talks: Talks, tmp_path: Path
) -> None:
    done = run(tmp_path / "page", talks())
    html = (done / "index.html").read_text(encoding="utf-8")
    assert html.count('<section class="conversation"') == 2
    assert 'class="translation"' not in html


def test_what_a_model_said_stands_in_the_last_turn(scored: Scored, talks: Talks, tmp_path: Path) -> None:
    done = run(tmp_path / "page", scored.dataset, answers=scored.one, ids=["seen/5", "seen/2"])
    html = (done / "index.html").read_text(encoding="utf-8")
    right, wrong = html.split('<section class="conversation"')[1:]
    assert BRAIN_AR in right
    assert CHEST_EN in wrong  # in English, though Arabic was asked for
    assert CHEST_AR not in wrong
    assert '<div class="turn assistant" dir="ltr">' in wrong
    assert html.count("answer of scripted@1") == 2
    assert read_manifest(done)["inputs"].keys() == {"records", "answers"}
    with pytest.raises(DataError, match="answers no record of"):
        run(tmp_path / "other", talks(), answers=scored.one)


def test_an_arabic_record_is_drawn_by_its_id(talks: Talks, tmp_path: Path) -> None:
    done = run(tmp_path / "page", talks(), ids=["talk/1|ar"], language="ar")
    html = (done / "index.html").read_text(encoding="utf-8")
    assert '<html lang="ar" dir="rtl">' in html
    assert '<div class="turn user" dir="rtl">' in html
    assert "المستخدم" in html


def test_a_record_without_a_translation_says_so_and_is_counted(talks: Talks, tmp_path: Path) -> None:
    folder = talks()
    done = run(tmp_path / "page", folder, twins=folder, ids=["talk/1", "talk/2"])
    assert read_manifest(done)["without a translation"] == 1


def test_credentialed_records_are_not_copied_unless_the_recipe_says_so(talks: Talks, tmp_path: Path) -> None:
    folder = talks(data_class=DataClass.CREDENTIALED)
    with pytest.raises(DataError, match="talk/1 is of data class credentialed; name that in 'allow'"):
        run(tmp_path / "page", folder, ids=["talk/1"])
    done = run(tmp_path / "counted", folder)
    removed = read_manifest(done)["counts"]["removed"]
    assert removed == {"is of data class credentialed, which 'allow' does not name": 1}
    run(tmp_path / "allowed", folder, ids=["talk/1"], allow=["credentialed"])


def _other_turns(rows: list[Record]) -> list[Record]:
    short = rows[1].model_copy(update={"messages": rows[1].messages[:2]})
    return [rows[0], short, *rows[2:]]


def test_a_twin_with_other_turns_is_refused(talks: Talks, tmp_path: Path) -> None:
    folder = talks(change=_other_turns)
    with pytest.raises(DataError, match=r"talk/1\|ar has other turns than talk/1"):
        run(tmp_path / "page", folder, twins=folder)


def test_what_does_not_fit_is_said(talks: Talks, tmp_path: Path) -> None:
    folder = talks()
    with pytest.raises(DataError, match="has no record 'talk/9' that fits; correct 'ids'"):
        run(tmp_path / "page", folder, ids=["talk/9"])
    with pytest.raises(DataError, match="ask for other tasks, or fewer turns"):
        run(tmp_path / "page", folder, tasks=["report"])
    with pytest.raises(RunError, match="run the room that makes it first"):
        run(tmp_path / "page", tmp_path / "nothing")


def _hostile(rows: list[Record]) -> list[Record]:
    turns = (
        Message.of("user", "<b>hi</b>"),
        Message.of("assistant", "<script>x</script> ![a](http://h/x.png)"),
    )
    return [rows[2].model_copy(update={"messages": turns})]


def test_a_conversation_that_holds_html_is_shown_as_words(talks: Talks, tmp_path: Path) -> None:
    html = (run(tmp_path / "page", talks(change=_hostile)) / "index.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "<b>hi" not in html
    assert 'src="http' not in html


def test_without_chromium_the_page_is_there_and_the_reason_too(
    talks: Talks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "chromium", lambda: None)
    done = run(tmp_path / "page", talks(), figures=True)
    assert set(read_manifest(done)["figures"].values()) == {ABSENT}
    assert (done / "index.html").is_file()
