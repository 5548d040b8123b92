"""A translator around a model: what each of them sees, what is kept, what is checked, what is refused."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config
from bimedix2.errors import ConfigError, DataClassError, ModelError, RefusedError
from bimedix2.evaluate.ask import answers
from bimedix2.evaluate.cascade import (
    TO_ARABIC,
    TO_ENGLISH,
    Cascade,
    Service,
    Translation,
    found,
    lost_abbreviations,
    open_cascade,
)
from bimedix2.evaluate.models import ModelSource, open_source
from bimedix2.evaluate.signature import Subject
from bimedix2.evaluate.task import Asking, Sample
from bimedix2.language.translators import Done, Job, Undone
from bimedix2.llm.backend import Request
from bimedix2.llm.cache import Cache, Cached
from bimedix2.llm.endpoint import Endpoint
from bimedix2.records import DataClass, ImagePart, Language, Message, Provenance, Record
from bimedix2.records.images import ImageStore

from .conftest import Scripted

QUESTION, ENGLISH = "ما نوع هذه الصورة؟", "What kind of image is this?"
ANSWER, ARABIC = "This is a chest CT of 2024.", "هذه صورة مقطعية محوسبة للصدر من عام 2024."
BOOK = {QUESTION: ENGLISH, ANSWER: ARABIC, "مرحبا": "Hello", "أهلًا.": "Hi."}


class Dictionary:
    """A translator from a table; what is not in it has no translation."""

    name = "dictionary"
    corrects = False

    def __init__(self, book: dict[str, str] | None = None) -> None:
        self.book = BOOK if book is None else book
        self.jobs: list[Job] = []

    def translate(self, jobs: Sequence[Job]) -> list[Done | Undone]:
        self.jobs += jobs
        return [
            Done(tuple(self.book[text] for text in job.texts))
            if all(text in self.book for text in job.texts)
            else Undone("not in the book")
            for job in jobs
        ]


def make(tmp_path: Path, model: Scripted, translator: Dictionary) -> Cascade:
    return Cascade(model, "weights", Cached(Service(translator), Cache(tmp_path / "t.sqlite").__enter__()))


def ask(text: str, **more: Any) -> Request:
    return Request((Message.of("user", text),), **more)


def test_the_model_sees_english_and_the_user_arabic(tmp_path: Path) -> None:
    model, translator = Scripted({ENGLISH: ANSWER}), Dictionary()
    image = "a" * 64
    turns = (
        Message.of("user", "مرحبا"),
        Message.of("assistant", "أهلًا."),
        Message.of("user", ImagePart(image=image), QUESTION),
    )
    (reply,) = make(tmp_path, model, translator).chat([Request(turns, {image: b"x"}, id="7")])
    assert (reply.text, reply.model) == (ARABIC, "scripted@1 + translation (dictionary)")
    (seen,) = model.calls[0]
    assert [message.text for message in seen.messages] == ["Hello", "Hi.", ENGLISH]
    assert (seen.messages[2].images[0].image, seen.images, seen.id) == (image, {image: b"x"}, "7")
    assert [(job.texts, job.target) for job in translator.jobs] == [
        (("مرحبا", "أهلًا.", QUESTION), Language.ENGLISH),
        ((ANSWER,), Language.ARABIC),
    ]


def test_what_is_asked_in_english_goes_through_untouched(tmp_path: Path) -> None:
    model, translator = Scripted({ENGLISH: ANSWER}), Dictionary()
    (reply,) = make(tmp_path, model, translator).chat([ask(ENGLISH)])
    assert (reply.text, translator.jobs) == (ANSWER, [])


def test_an_arabic_or_empty_answer_is_not_translated(tmp_path: Path) -> None:
    translator = Dictionary()
    for answer in (ARABIC, " "):
        (reply,) = make(tmp_path, Scripted({ENGLISH: answer}), translator).chat([ask(QUESTION)])
        assert reply.text == answer
    assert [job.target for job in translator.jobs] == [Language.ENGLISH]  # the second is in the cache


def test_a_translation_is_kept_with_its_date_and_asked_for_once(tmp_path: Path) -> None:
    first, second = Dictionary(), Dictionary({})
    make(tmp_path, Scripted({ENGLISH: ANSWER}), first).chat([ask(QUESTION), ask(QUESTION)])
    assert len(first.jobs) == 2  # one a direction
    (reply,) = make(tmp_path, Scripted({ENGLISH: ANSWER}), second).chat([ask(QUESTION)])
    assert (reply.text, second.jobs) == (ARABIC, [])
    trail = reply.trail  # type: ignore[attr-defined]
    assert trail["service"] == "dictionary"
    assert trail["english"] == {"question": [ENGLISH], "answer": ANSWER}
    assert set(trail["dates"]) == {TO_ENGLISH, TO_ARABIC}
    assert trail["dates"][TO_ARABIC].count("-") == 2


def test_a_text_without_a_translation_is_a_refusal_of_that_question_alone(tmp_path: Path) -> None:
    cascade = make(tmp_path, Scripted({ENGLISH: ANSWER}), Dictionary())
    record = Record(
        id="1", messages=(Message.of("user", QUESTION),), language="ar", task="vqa",  # type: ignore[arg-type]
        provenance=Provenance(source="s"),
    )  # fmt: skip
    samples = [
        Sample(record, "as it is", (Message.of("user", text),)) for text in (QUESTION, "سؤال لا يعرفه أحد؟")
    ]
    raws = answers(cascade, samples, Asking(ImageStore(tmp_path), 16))
    assert raws[0]["answer"] == ARABIC
    assert raws[0]["trail"]["checks"] == {TO_ENGLISH: [], TO_ARABIC: []}
    assert (raws[1]["failure"], "trail" in raws[1]) == ("refused", False)
    assert "dictionary has no usable translation: not in the book" in raws[1]["why"]


@pytest.mark.parametrize(
    ("source", "translation", "direction", "check"),
    [
        ("قطرها 5 سم.", "It is 5 mm wide.", TO_ENGLISH, "units"),
        ("عددها 12.", "There are 21 of them.", TO_ENGLISH, "numbers"),
        ("The left lung is clear.", "الرئة اليمنى سليمة.", TO_ARABIC, "laterality"),
        ("أهذا فحص MRI؟", "Is this an examination?", TO_ENGLISH, "abbreviations"),
    ],
)
def test_what_is_lost_on_the_way_is_named(source: str, translation: str, direction: str, check: str) -> None:
    assert check in found(source, translation, direction)


def test_an_abbreviation_may_become_its_words() -> None:
    assert lost_abbreviations("A chest CT.", "صورة مقطعية محوسبة للصدر.") == []
    assert lost_abbreviations("A chest CT.", "صورة أشعة سينية للصدر.") == ["CT"]
    assert lost_abbreviations("HPV was found.", "عُثر على فيروس الورم الحليمي البشري (HPV).") == []
    assert lost_abbreviations("HPV was found.", "عُثر على فيروس.") == ["HPV"]
    assert lost_abbreviations("A normal image. I see it.", "صورة طبيعية.") == []


def test_a_cascade_has_no_likelihoods(tmp_path: Path) -> None:
    cascade = make(tmp_path, Scripted({}), Dictionary())
    with pytest.raises(ModelError, match="writes answers and has no likelihoods"):
        cascade.loglikelihood([(ask(QUESTION), "نعم")])
    with pytest.raises(RefusedError, match="not in the book"):
        cascade.chat([ask("سؤال لا يعرفه أحد؟")])


def test_both_hosts_see_the_words_and_stand_in_the_signature(tmp_path: Path) -> None:
    endpoint = Endpoint(base_url="https://mt.example.org/v1", model="mt")
    subject = open_cascade(
        Translation(endpoint=endpoint, cache=tmp_path / "t.sqlite"),
        Subject(Scripted({}), "weights", "t"),
        "run",
    )
    assert subject.host == "local, translation: mt.example.org"
    subject.allow(DataClass.OPEN)
    with pytest.raises(DataClassError, match=r"may not be sent to mt\.example\.org"):
        subject.allow(DataClass.PATIENT)
    other = open_cascade(
        Translation(endpoint=endpoint, cache=tmp_path / "t.sqlite", max_tokens=9),
        Subject(Scripted({}), "weights", "t"),
        "run",
    )
    assert subject.identity != other.identity


def test_a_recipe_names_a_cascade_of_any_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_mt.py").write_text(
        "from bimedix2.language.translators import Done\n"
        "class Mt:\n    name, corrects = 'mt', False\n"
        f"    def translate(self, jobs): return [Done(tuple({BOOK!r}[t] for t in j.texts)) for j in jobs]\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"question_id": "7", "text": ANSWER, "model": "peer"}) + "\n")
    recipe = {
        "cascade": {
            "model": {"answers": str(file)},
            "translation": {"use": "my_mt:Mt", "cache": str(tmp_path / "t")},
        }
    }
    subject = open_source(config.build(ModelSource, recipe), None, "float32", "run")
    (reply,) = subject.backend.chat([ask(QUESTION, id="7")])
    assert (reply.text, reply.model) == (ARABIC, "peer + translation (mt)")
    assert subject.host == "file, translation: translator of the user's"


@pytest.mark.parametrize(
    ("translation", "message"),
    [
        ({}, "name one of 'endpoint' and 'use'"),
        ({"use": "a:b", "endpoint": {"base_url": "http://h/v1", "model": "m"}}, "name one of"),
        ({"user": "a:b"}, "use"),
    ],
)
def test_a_translator_is_named_once(translation: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.build(ModelSource, {"cascade": {"model": "nano", "translation": translation}})
