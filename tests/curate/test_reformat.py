"""LLM rewriting: what each kind takes, what it refuses, and the records that come of it."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bimedix2.curate.reformat import Reformat, ReformatConfig, prompt, prompt_version
from bimedix2.curate.reformat.kinds import KINDS, Choice, place, ungrounded
from bimedix2.errors import DataError
from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.llm.cache import Cache, Cached
from bimedix2.records import ImagePart, Language, Message, Provenance, Record
from bimedix2.records.translations import failed_checks

IMAGE = "a" * 64
CAPTION = "Axial CT of the chest with a 3 cm mass in the left upper lobe."


def record(name: str, question: str, answer: str, task: str, **changes: Any) -> Record:
    values = {
        "id": name,
        "messages": (
            Message.of("user", ImagePart(image=IMAGE), question),
            Message.of("assistant", answer),
        ),
        "language": Language.ENGLISH,
        "task": task,
        "provenance": Provenance(source="made", source_id=name, subject="s"),
    }
    return Record(**{**values, **changes})


class Scripted:
    """Gives its answers in order, as JSON unless they are texts."""

    name = "scripted"
    identity = "scripted"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.seen: list[Request] = []

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        self.seen += requests
        return [self._reply(self.answers.pop(0)) for _ in requests]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        raise NotImplementedError

    @staticmethod
    def _reply(answer: Any) -> Reply:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        return Reply(text, "m", "stop", 1, 1)


def rewrite(
    kind: str, rows: list[Record], *answers: Any, **keys: Any
) -> tuple[Reformat, list[Record], Scripted]:
    backend = Scripted(*answers)
    config = ReformatConfig.model_validate(
        {"kind": kind, "endpoint": {"base_url": "http://127.0.0.1:1/v1", "model": "m"}, **keys}
    )
    with tempfile.TemporaryDirectory() as folder, Cache(Path(folder) / "cache.sqlite") as store:
        work = Reformat(config, Cached(backend, store))
        return work, list(work.run(iter(rows))), backend


CAPTIONED = record("c", "Describe the image.", CAPTION, "caption")
SHORT = record("v", "Is there a mass?", "yes", "vqa")
CHOSEN = record(
    "m", "A child has a barking cough. Which drug?\nA. Dexamethasone\nB. Aspirin", "A", "mcq", language="en"
)
EXCHANGES = [
    {"question": "What kind of image is this?", "answer": "It is an axial CT of the chest."},
    {"question": "Where is the mass?", "answer": "It is in the left upper lobe."},
]
TALK = [
    {"speaker": "patient", "text": "My child has a barking cough."},
    {"speaker": "doctor", "text": "Is the child breathing well?"},
    {"speaker": "patient", "text": "Yes, but it is noisy."},
    {"speaker": "doctor", "text": "Then dexamethasone is the right drug."},
]
GOOD: dict[str, tuple[Record, Any, int, str]] = {
    "vqa-detailed": (SHORT, {"answer": "Yes, there is a mass."}, 1, "vqa"),
    "caption-qa": (CAPTIONED, {"pairs": EXCHANGES}, 2, "vqa"),
    "caption-mcq": (
        CAPTIONED,
        {"question": "Where is the mass?", "right": "Left upper lobe", "wrong": ["Liver", "Spleen", "Heart"]},
        1,
        "mcq",
    ),
    "caption-conversation": (CAPTIONED, {"turns": EXCHANGES}, 1, "conversation"),
    "mcq-dialogue": (CHOSEN, {"lines": TALK}, 1, "conversation"),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_each_kind_makes_records_with_the_image_and_their_origin(kind: str) -> None:
    source, answer, count, task = GOOD[kind]
    work, rows, backend = rewrite(kind, [source], answer)
    assert rows[0] == source
    made = rows[1:]
    assert len(made) == count == work.counts["made"]
    for number, one in enumerate(made, 1):
        assert one.id == f"{source.id}-{kind}-{number}"
        assert one.task == task
        assert [image.image for image in one.images] == [IMAGE]
        assert one.provenance.subject == "s"
        assert one.provenance.steps[-1].startswith(f"reformat:{kind}:m@")
        assert one.meta["reformat"] == {"of": source.id, "kind": kind, "prompt": prompt_version(kind)}
    (asked,) = backend.seen
    assert asked.messages[0].text == prompt(kind)
    assert not any(message.images for message in asked.messages)
    assert not work.removed


def test_a_review_of_the_source_is_none_of_its_rewriting() -> None:
    reviewed = SHORT.model_copy(
        update={"meta": {"review": {"verdict": "minor"}, "translation": {"failed": ["sites"]}}}
    )
    _, rows, _ = rewrite("vqa-detailed", [reviewed], {"answer": "Yes, there is a mass."})
    assert set(rows[1].meta) == {"reformat"}
    unseen = SHORT.model_copy(update={"meta": {"translation": {"failed": ["sites"]}}})
    _, rows, _ = rewrite("vqa-detailed", [unseen], {"answer": "Yes, there is a mass."})
    assert failed_checks(rows[1]) == ("sites",)


@pytest.mark.parametrize(
    ("said", "new"), [("في الرئة اليُسرى", True), ("في الرئة اليمنى", False), ("في الجانب الأيسر", True)]
)
def test_a_side_that_the_source_does_not_have_is_seen_in_arabic(said: str, new: bool) -> None:
    assert bool(ungrounded(f"نعم، كتلة {said}.", "هل هناك كتلة في الجانب الأيمن؟ نعم")) is new


def test_a_conversation_and_a_talk_have_their_turns() -> None:
    _, rows, _ = rewrite("mcq-dialogue", [CHOSEN], {"lines": TALK})
    assert [message.role for message in rows[1].messages] == ["user", "assistant", "user", "assistant"]
    assert "barking cough" in rows[1].messages[0].text


def test_the_right_option_is_not_always_first() -> None:
    value = Choice(question="Q?", right="r", wrong=["a", "b", "c"])
    letters = set()
    for number in range(40):
        question, answer = place(value, record(f"id{number}", "q", "a", "caption"))
        assert answer in question.splitlines()
        assert answer.endswith(". r")
        letters.add(answer[0])
    assert letters == set("ABCD")


BAD: list[tuple[str, Record, Any, str]] = [
    ("vqa-detailed", SHORT, {"answer": "No, there is no mass."}, "begin with 'yes'"),
    ("vqa-detailed", SHORT, {"answer": "Yes, a mass on the left."}, "side 'left'"),
    ("vqa-detailed", record("v", "Where?", "liver", "vqa"), {"answer": "In the spleen."}, "'liver' has to"),
    ("caption-qa", CAPTIONED, {"pairs": [{"question": "How large?", "answer": "5 cm."}]}, "number 5"),
    ("caption-qa", CAPTIONED, {"pairs": [{"question": "Where?", "answer": "On the right."}]}, "'right'"),
    (
        "caption-qa",
        CAPTIONED,
        {"pairs": [{"question": "What does the caption say?", "answer": "A mass."}]},
        "'caption' speaks",
    ),
    ("caption-qa", CAPTIONED, {"pairs": [EXCHANGES[0], EXCHANGES[0]]}, "the same"),
    (
        "caption-mcq",
        CAPTIONED,
        {"question": "Where?", "right": "Left upper lobe", "wrong": ["Liver", "liver.", "Heart"]},
        "two options are the same",
    ),
    (
        "caption-mcq",
        CAPTIONED,
        {"question": "Where?", "right": "Left upper lobe", "wrong": ["Liver", "Heart", "All of the above"]},
        "All of the",
    ),
    ("caption-conversation", CAPTIONED, {"turns": EXCHANGES[:1]}, "at least 2"),
    ("mcq-dialogue", CHOSEN, {"lines": [*TALK[:2], TALK[1], TALK[3]]}, "line 3 has to be the patient's"),
    ("mcq-dialogue", CHOSEN, {"lines": [*TALK[:3], {"speaker": "doctor", "text": "Rest."}]}, "Dexamethasone"),
    ("mcq-dialogue", CHOSEN, {"lines": [*TALK[:3], {**TALK[3], "text": "Dexamethasone 6 mg."}]}, "number 6"),
    ("caption-qa", CAPTIONED, "I cannot do this.", "no whole JSON object"),
    ("caption-qa", CAPTIONED, {"pairs": [{"question": "ما نوعها؟", "answer": "صورة للصدر."}]}, "Arabic"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "source", "answer", "said"), BAD)
def test_a_wrong_answer_is_shown_again_and_mended(kind: str, source: Record, answer: Any, said: str) -> None:
    good = GOOD[kind][1]
    if source.messages[1].text == "liver":
        good = {"answer": "It is in the liver."}
    work, rows, backend = rewrite(kind, [source], answer, good)
    assert work.counts["rewritten"] == 1
    assert len(rows) > 1
    again = backend.seen[1].messages[-1].text
    assert said in again


def test_what_stays_wrong_is_kept_aside_with_every_attempt() -> None:
    wrong = {"answer": "No."}
    work, rows, _ = rewrite("vqa-detailed", [SHORT], wrong, wrong, tries=2)
    assert rows == [SHORT]
    ((name, reason, what),) = work.removed
    assert (name, reason) == ("v-vqa-detailed", "rewriting-rejected")
    assert len(what["attempts"]) == 2
    assert "begin with 'yes'" in what["reason"]


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("vqa-detailed", record("v", "What is it?", " ".join(["word"] * 13), "vqa")),
        ("caption-qa", SHORT),
        ("caption-qa", record("c", "Describe.", "A chest CT.", "caption")),
        ("mcq-dialogue", SHORT),
        ("mcq-dialogue", record("m", "Which?", "E", "mcq")),
    ],
)
def test_what_is_no_input_passes_through_unasked(kind: str, source: Record) -> None:
    work, rows, backend = rewrite(kind, [source])
    assert rows == [source]
    assert not backend.seen
    assert work.counts["no-input"] == 1


def test_a_run_that_is_rejected_throughout_stops() -> None:
    rows = [record(f"v{n}", "Is there a mass?", "yes", "vqa") for n in range(200)]
    with pytest.raises(DataError, match=r"128 of 128 rewritings were rejected.*begin with 'yes'"):
        rewrite("vqa-detailed", rows, *[{"answer": "No."}] * 200, tries=1)


def test_records_of_another_kind_are_no_silent_copy() -> None:
    work, rows, _ = rewrite("caption-qa", [SHORT, CHOSEN])
    assert rows == [SHORT, CHOSEN]
    with pytest.raises(DataError, match="none of the 2 records is of the input that 'caption-qa' rewrites"):
        work.look_idle()
    rewrite("vqa-detailed", [SHORT], {"answer": "Yes, there is a mass."})[0].look_idle()
    rewrite("vqa-detailed", [SHORT], {"answer": "No."}, tries=1)[0].look_idle()  # rejected, and said so


def test_a_dry_run_of_the_room_counts_after_its_filters_asks_nothing_and_knows_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import contextmanager

    from bimedix2 import curate, io
    from bimedix2.manifest import RunFolder
    from bimedix2.records.store import write_records

    backend = Scripted(*[{"answer": "Yes, there is a mass."}] * 2)

    @contextmanager
    def opened(_: Any, cache: Path, run: str) -> Any:
        with Cache(cache) as store:
            yield Cached(backend, store, run)

    monkeypatch.setattr(curate, "open_endpoint", opened)
    rows = [
        SHORT.model_copy(update={"id": name, "messages": (Message.of("user", f"Is it {name}?"), answer)})
        for name, answer in (("a", SHORT.messages[1]), ("b", SHORT.messages[1]), ("c", SHORT.messages[1]))
    ]
    long = Message.of("assistant", "no " * 50)
    with RunFolder(tmp_path / "in", "sources", {}) as out:
        write_records(
            out.path, [*rows[:2], rows[2].model_copy(update={"messages": (rows[2].messages[0], long)})]
        )
        folder = out.publish({"kept": 3})
    endpoint = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "prices": {"input": 1, "output": 2}}
    reformat = {"kind": "vqa-detailed", "endpoint": endpoint, "cache": tmp_path / "cache.sqlite"}
    given = {"input": folder, "output": tmp_path / "out", "filter": {}, "reformat": reformat}
    plan = io.read_json(curate.run(curate.Config.model_validate({**given, "dry_run": True})))
    assert (plan["records"], plan["to_rewrite"]) == (2, 2)
    assert plan["first_round"].startswith("2 requests, an estimate")
    assert "2 of 2 records to rewrite; the first round: 2 requests" in capsys.readouterr().err
    assert not backend.seen
    assert not (tmp_path / "out").exists()
    curate.run(curate.Config.model_validate(given))
    again = {**given, "output": tmp_path / "again", "dry_run": True}
    plan = io.read_json(curate.run(curate.Config.model_validate(again)))
    assert plan["first_round"].startswith("0 requests")
    none = {**given, "output": tmp_path / "none", "reformat": {**reformat, "kind": "caption-qa"}}
    with pytest.raises(DataError, match="none of the 2 records is of the input"):
        curate.run(curate.Config.model_validate(none))
    assert not list(tmp_path.glob("*none*"))
    with pytest.raises(ValueError, match="'dry_run' estimates what 'reformat' costs"):
        curate.Config.model_validate({"input": folder, "output": tmp_path / "o", "dry_run": True})


def test_the_room_rewrites_and_keeps_rejects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import contextmanager

    from bimedix2 import curate, io
    from bimedix2.manifest import RunFolder
    from bimedix2.records.images import ImageStore
    from bimedix2.records.store import read_records, write_records

    backend = Scripted({"answer": "Yes, there is a mass."}, {"answer": "No."})

    @contextmanager
    def opened(_: Any, cache: Path, run: str) -> Any:
        with Cache(cache) as store:
            yield Cached(backend, store, run)

    monkeypatch.setattr(curate, "open_endpoint", opened)
    with RunFolder(tmp_path / "in", "sources", {}) as out:
        key = ImageStore(out.path / "images").add(b"an image")
        shown = [
            SHORT.model_copy(
                update={
                    "id": name,
                    "messages": (
                        Message.of("user", ImagePart(image=key), f"Is there a mass in {name}?"),
                        SHORT.messages[1],
                    ),
                }
            )
            for name in ("a", "b")
        ]
        write_records(out.path, shown)
        folder = out.publish({"kept": 2})
    asked = {
        "kind": "vqa-detailed",
        "endpoint": {"base_url": "http://127.0.0.1:1/v1", "model": "m"},
        "cache": tmp_path / "cache.sqlite",
        "tries": 1,
    }
    done = curate.run(
        curate.Config.model_validate({"input": folder, "output": tmp_path / "out", "reformat": asked})
    )
    assert [one.id for one in read_records(done)] == ["a", "a-vqa-detailed-1", "b"]
    assert key in ImageStore(done / "images")
    ((_, row),) = io.read_jsonl(done / "removed" / "removed.jsonl")
    assert row["id"] == "b-vqa-detailed"
    manifest = io.read_json(done / "manifest.json")
    assert manifest["operations"]["reformat"] == {"made": 1, "rewritten": 1}
    assert manifest["counts"]["removed"] == {"rewriting-rejected": 1}
    assert "concurrency" not in manifest["recipe"]["reformat"]["endpoint"]
