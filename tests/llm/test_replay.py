"""A reply file says where its answers come from, and answers what it holds and nothing else."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataClassError, DataError, RefusedError
from bimedix2.llm.backend import UNWATCHED, Request
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.openai import OpenAI
from bimedix2.llm.replay import Recorder, Replay
from bimedix2.records import DataClass

Make = Callable[..., Endpoint]
Ask = Callable[..., Request]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def live(endpoint: Make) -> Any:
    backend = OpenAI(endpoint())
    yield backend
    backend.close()


def test_what_was_recorded_is_replayed_without_the_endpoint(
    provider: Any, live: OpenAI, ask: Ask, tmp_path: Path
) -> None:
    file = tmp_path / "deep" / "replies.jsonl"
    requests = [ask("سؤال"), ask("b", sample=1), ask("b", temperature=1.0)]
    recorder = Recorder(live, file)
    replies = recorder.chat(requests)
    scores = recorder.loglikelihood([(ask("b"), "yes")])
    asked = len(provider.asked)
    replay = Replay(file)
    assert replay.chat(list(reversed(requests))) == list(reversed(replies))
    assert replay.loglikelihood([(ask("b"), "yes")]) == scores
    assert replay.name == "m@127.0.0.1"
    assert len(provider.asked) == asked
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"recorded from m@127.0.0.1 on {date.today().isoformat()}"
    assert any('"asked": "سؤال"' in line for line in lines)
    for other in (ask("b"), ask("b", sample=2), ask("سؤال", prompt="v2")):
        with pytest.raises(DataError, match="has no answer to"):
            replay.chat([other])
    with pytest.raises(DataError, match="has no answer to"):
        replay.loglikelihood([(ask("b"), "no")])


def test_a_recording_goes_on_and_repeats_nothing(live: OpenAI, ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "replies.jsonl"
    Recorder(live, file).chat([ask("a")])
    Recorder(live, file).chat([ask("a"), ask("b"), ask("b")])
    assert len(file.read_text(encoding="utf-8").splitlines()) == 3


def test_refusals_and_protected_records_are_not_recorded(
    provider: Any, live: OpenAI, ask: Ask, step: Any, tmp_path: Path
) -> None:
    file = tmp_path / "replies.jsonl"
    provider.steps["bad"] = [step(status=400)]
    outcomes = Recorder(live, file).attempt([ask("bad"), ask("good")], UNWATCHED)
    assert isinstance(outcomes[0], RefusedError)
    with pytest.raises(DataClassError, match="'patient' is not recorded"):
        Recorder(live, file).chat([ask("x"), ask("Alice", data_class=DataClass.PATIENT)])
    assert sorted(provider.questions()) == ["bad", "good"]
    assert len(file.read_text(encoding="utf-8").splitlines()) == 2


def test_a_file_written_by_hand_answers_by_words(ask: Ask, tmp_path: Path) -> None:
    file = write(
        tmp_path / "hand",
        'written by hand\n\n{"contains": "fracture", "answer": "نعم"}\n{"contains": "", "answer": "no"}\n',
    )
    replay = Replay(file)
    assert [r.text for r in replay.chat([ask("a fracture?"), ask("a mass?")])] == ["نعم", "no"]
    assert {replay.name, replay.chat([ask()])[0].model} == {"written by hand"}
    assert replay.identity != Replay(write(tmp_path / "other", "written by hand\n")).identity


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must begin with 'written by hand' or 'recorded from MODEL on"),
        ("recorded on 2026-01-01\n", "must begin with"),
        ("recorded from m on yesterday\n", "must begin with"),
        ('{"contains": "a", "answer": "b"}\n', "must begin with"),
        ("written by hand\nnot JSON\n", "line 2 is no answer"),
        ('written by hand\n\n{"answer": "b"}\n', "line 3 is no answer"),
        ('written by hand\n{"contains": "a", "answer": {"text": "b"}}\n', "line 2 is no answer"),
        ('written by hand\n{"request": "x", "sample": 0, "answer": {"text": "b"}}\n', "line 2 is no answer"),
        ('recorded from m on 2026-01-01\n{"contains": "a", "answer": "b"}\n', "by hand alone"),
    ],
)
def test_a_file_that_does_not_say_what_it_is_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        Replay(write(tmp_path / "file", text))


def test_no_recording_goes_into_somebody_elses_file(live: OpenAI, tmp_path: Path) -> None:
    for header in ("written by hand\n", "recorded from other@host on 2026-01-01\n"):
        with pytest.raises(DataError, match=r"is not recorded from m@127\.0\.0\.1"):
            Recorder(live, write(tmp_path / "file", header))
    with pytest.raises(DataError, match="does not exist"):
        Replay(tmp_path / "none")


def test_errors_do_not_repeat_a_patients_words(ask: Ask, tmp_path: Path) -> None:
    replay = Replay(write(tmp_path / "file", "written by hand\n"))
    with pytest.raises(DataError) as caught:
        replay.chat([ask("Alice has a fracture", data_class=DataClass.PATIENT)])
    assert "Alice" not in str(caught.value)
