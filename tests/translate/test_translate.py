"""The translation room: whole folders, through a model that is scripted and one behind a real endpoint."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import io, translate
from bimedix2.errors import ConfigError, DataClassError, DataError
from bimedix2.language.translators import Done, Job, Undone
from bimedix2.manifest import RunFolder
from bimedix2.records import DataClass, ImagePart, Language, Message, Provenance, Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records
from bimedix2.records.translations import failed_checks

ARABIC = {
    "Where is the effusion?": "أين الانصباب؟",
    "There is a pleural effusion on the left.": "يوجد انصباب جنبي في الجهة اليسرى.",
    "What dose was given?": "ما الجرعة التي أُعطيت؟",
    "5 mg of morphine were given.": "أُعطي 5 ملغ من المورفين.",
    "Choose. A. Lung B. Heart": "اختر. A. الرئة B. القلب",
}
WRONG_SIDE = "يوجد انصباب جنبي في الجهة اليمنى."
ENGLISH = {arabic: english for english, arabic in ARABIC.items()}


def conversation(name: str, question: str, answer: str, image: str | None = None, **changes: Any) -> Record:
    shown = [ImagePart(image=image)] if image else []
    values = {
        "id": name,
        "messages": (Message.of("user", *shown, question), Message.of("assistant", answer)),
        "language": Language.ENGLISH,
        "task": "vqa",
        "provenance": Provenance(source="made", source_id=name, subject="s1", licence="CC0"),
    }
    return Record(**{**values, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished folder of four records: two with words, one lone letter, one that is Arabic already."""
    with RunFolder(tmp_path / "in", "sources", {}) as out:
        key = ImageStore(out.path / "images").add(b"an image")
        write_records(
            out.path,
            [
                conversation("a", "Where is the effusion?", "There is a pleural effusion on the left.", key),
                conversation("b", "What dose was given?", "5 mg of morphine were given."),
                conversation("c", "Choose. A. Lung B. Heart", "B"),
                conversation("d", "أين الانصباب؟", "في اليسار.", language=Language.ARABIC),
            ],
        )
        return out.publish({"kept": 4})


class Scripted:
    """Translates by a table; the first translations may be given beforehand."""

    name = "table"
    corrects = True

    def __init__(self, first: dict[str, list[str]] | None = None) -> None:
        self.first = {text: list(wrong) for text, wrong in (first or {}).items()}
        self.jobs: list[Job] = []

    def translate(self, jobs: Sequence[Job]) -> list[Done | Undone]:
        self.jobs += jobs
        return [self._one(job) for job in jobs]

    def _one(self, job: Job) -> Done | Undone:
        table = ARABIC if job.target is Language.ARABIC else ENGLISH
        found = []
        for text in job.texts:
            wrong = self.first.get(text)
            found.append(wrong.pop(0) if wrong else table.get(text, "?"))
        return Done(tuple(found)) if "?" not in found else Undone("no such text", ("?",))


TRANSLATOR = Scripted()
"""What the recipes of these tests name."""


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, translator: Any, **keys: Any) -> Path:
    monkeypatch.setattr(translate, "load_translator", lambda name: translator)
    output = folder.with_name("out")
    return translate.run(translate.Config(input=folder, output=output, translator="a:b", **keys))


def twins(folder: Path) -> dict[str, Record]:
    return {record.id: record for record in read_records(folder)}


def removed(folder: Path) -> list[Any]:
    return [row for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl")]


def test_twins_keep_turns_images_letters_and_origin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = run(folder, monkeypatch, Scripted())
    found = twins(out)
    assert list(found) == ["a", "a-ar", "b", "b-ar", "c", "c-ar", "d"]
    twin, source = found["a-ar"], found["a"]
    assert twin.messages[0].images == source.messages[0].images
    assert twin.messages[1].text == ARABIC[source.messages[1].text]
    assert found["c-ar"].messages[1].text == "B"
    assert (twin.language, twin.provenance.subject) == (Language.ARABIC, "s1")
    assert twin.provenance.steps[-1].startswith("translate:table@")
    said = twin.meta["translation"]
    assert (said["of"], said["failed"], said["tries"]) == ("a", [], 1)
    assert said["chrf"] == 100
    assert said["quality"] == 1
    assert (out / "images").is_dir()
    counts = io.read_json(out / "manifest.json")["counts"]
    assert counts == {
        "in": 4, "translated": 3, "failed-a-check": 0, "passed-through": 1, "kept": 7, "removed": {}
    }  # fmt: skip


def test_a_failure_is_explained_and_mended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = Scripted({"There is a pleural effusion on the left.": [WRONG_SIDE]})
    twin = twins(run(folder, monkeypatch, translator))["a-ar"]
    assert twin.messages[1].text.endswith("اليسرى.")
    assert twin.meta["translation"]["tries"] == 2
    (again,) = [job for job in translator.jobs if job.wrong]
    assert any("text 2" in problem and "left" in problem for problem in again.wrong[0].problems)


def test_what_still_fails_is_kept_and_marked_for_review(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator = Scripted({"There is a pleural effusion on the left.": [WRONG_SIDE] * 3})
    out = run(folder, monkeypatch, translator, tries=3)
    assert twins(out)["a-ar"].meta["translation"]["failed"] == ["laterality"]
    manifest = io.read_json(out / "manifest.json")
    assert manifest["failed_checks"] == {"laterality": 1}
    assert manifest["counts"]["failed-a-check"] == 1


def test_a_review_of_the_source_is_none_of_its_translation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a translation that fails a check would count as looked at."""
    with RunFolder(tmp_path / "reviewed", "review", {}) as out:
        (out.path / "images").mkdir()
        meta = {"review": {"verdict": "none"}, "kept": 1}
        write_records(out.path, [conversation("a", "Where?", "On the left.", meta=meta)])
        source = out.publish({})
    translator = Scripted({"Where?": ["أين؟"] * 3, "On the left.": ["في اليمين."] * 3})
    twin = twins(run(source, monkeypatch, translator))["a-ar"]
    assert failed_checks(twin) == ("laterality",)
    assert twin.meta["kept"] == 1


def test_no_answer_is_removed_with_its_reason(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = Scripted({"What dose was given?": ["?"] * 9})
    out = run(folder, monkeypatch, translator)
    assert "b-ar" not in twins(out)
    (row,) = removed(out)
    assert (row["id"], row["reason"]) == ("b", "no-usable-answer")
    assert row["what"]["problem"] == "no such text"


def test_a_wrong_number_of_texts_is_asked_again_then_removed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Short(Scripted):
        def _one(self, job: Job) -> Done | Undone:
            return Done(("واحد",)) if len(job.texts) == 2 else super()._one(job)

    translator = Short()
    out = run(folder, monkeypatch, translator, tries=2, back_translation=False)
    rows = {row["id"]: row for row in removed(out)}
    assert rows.keys() == {"a", "b"}
    assert rows["a"]["what"]["tries"][1]["problems"] == ["there are 2 texts and you gave 1"]
    assert len(rows["a"]["what"]["tries"]) == 2


def test_a_run_that_gets_nothing_usable_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RunFolder(tmp_path / "in", "sources", {}) as out:
        write_records(out.path, [conversation(str(n), "Is it so?", "Yes, it is.") for n in range(150)])
        folder = out.publish({"kept": 150})
    with pytest.raises(DataError, match=r"128 of 128 records got no usable translation.*no-usable-answer"):
        run(folder, monkeypatch, Scripted())
    assert not folder.with_name("out").exists()


# ---- an endpoint, over HTTP ----


class Endpoint(BaseHTTPRequestHandler):
    """A chat model that translates by the table, after one answer with the wrong side."""

    seen: list[dict[str, Any]]
    kill_at: int = 0
    """The request at which ``asker`` is killed, before it is answered; 0 kills nobody."""
    asker: subprocess.Popen[bytes]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen.append(body)
        if len(self.seen) == self.kill_at:
            self.asker.kill()
            return
        system, users = body["messages"][0]["content"], body["messages"][1:]
        asked = json.loads(text_of(users[0]).partition("\n\nAnswer with one JSON")[0])
        if "pairs" in asked:
            answer: Any = {"problems": [], "score": 4}
        else:
            table = ENGLISH if "into English" in text_of(body["messages"][0]) else ARABIC
            answer = {"texts": [table[text] for text in asked["texts"]]}
            side = "There is a pleural effusion on the left."
            if side in asked["texts"] and len(users) == 1:
                answer["texts"][1] = WRONG_SIDE
        assert system
        reply = {
            "id": "1", "object": "chat.completion", "created": 0, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {
                "role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }  # fmt: skip
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing to say."""


def text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@pytest.fixture
def endpoint() -> Iterator[str]:
    Endpoint.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


def through(folder: Path, url: str, name: str = "out", **keys: Any) -> Path:
    return translate.run(
        translate.Config.model_validate(
            {
                "input": folder,
                "output": folder.with_name(name),
                "endpoint": {"base_url": url, "model": "m", "prices": {"input": 1, "output": 2}},
                "cache": folder.with_name("cache.sqlite"),
                **keys,
            }
        )
    )


def test_a_model_behind_an_endpoint_is_corrected_and_rated(folder: Path, endpoint: str) -> None:
    out = through(folder, endpoint, rater=True)
    twin = twins(out)["a-ar"]
    assert twin.messages[1].text == ARABIC["There is a pleural effusion on the left."]
    said = twin.meta["translation"]
    assert (said["tries"], said["rating"], said["chrf"]) == (2, 4, 100)
    assert said["quality"] == pytest.approx((1 + 0.75) / 2)
    first = text_of(Endpoint.seen[0]["messages"][1])
    assert "انصباب" in "".join(text_of(body["messages"][1]) for body in Endpoint.seen), first
    asked = len(Endpoint.seen)
    assert asked == 3 + 1 + 3 + 3  # first, corrected, back, rated
    through(folder, endpoint, "again", rater=True)
    assert len(Endpoint.seen) == asked  # all of it stood in the cache


def test_a_dry_run_estimates_and_asks_nothing(
    folder: Path, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = io.read_json(through(folder, endpoint, dry_run=True))
    assert (plan["records"], plan["to_translate"]) == (4, 3)
    assert plan["first_round"].startswith("3 requests, an estimate")
    assert plan["further_requests"] == {"back_translation": 3}
    said = capsys.readouterr().err
    assert "not in it: 3 of back_translation, and corrections; nothing was asked" in said
    assert not Endpoint.seen
    through(folder, endpoint)
    plan = io.read_json(through(folder, endpoint, "more", dry_run=True))
    assert plan["first_round"].startswith("0 requests")  # the cache has them


def test_a_folder_that_holds_translations_is_not_paid_for_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(folder, monkeypatch, Scripted())
    first.rename(folder.with_name("first"))
    translator = Scripted()
    again = run(folder.with_name("first"), monkeypatch, translator)
    assert translator.jobs == []
    assert twins(again).keys() == twins(folder.with_name("first")).keys()
    counts = io.read_json(again / "manifest.json")["counts"]
    assert (counts["already-translated"], counts["passed-through"]) == (3, 4)


def test_an_id_that_a_translation_would_get_is_named_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunFolder(tmp_path / "in", "sources", {}) as out:
        rows = [
            conversation("a", "Is it so?", "Yes, it is."),
            conversation("a-ar", "Is it?", "No, it is not."),
        ]
        write_records(out.path, rows)
        folder = out.publish({"kept": 2})
    translator = Scripted()
    with pytest.raises(DataError, match="'a-ar' has the id that the translation of 'a' would get"):
        run(folder, monkeypatch, translator)
    assert translator.jobs == []


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (lambda jobs: None, "gave NoneType for 3 jobs; return a list"),
        (lambda jobs: [Done(job.texts) for job in jobs[1:]], "gave 2 for 3 jobs"),
        (lambda jobs: [list(job.texts) for job in jobs], r"for job 1; return Done\(texts\)"),
        (lambda jobs: [*map(Undone, "ab"), Done(("x", 5))], "for job 3"),  # type: ignore[arg-type]
        (lambda jobs: [Done("abc") for _ in jobs], "for job 1"),  # type: ignore[arg-type]
    ],
)
def test_what_a_translator_of_ones_own_gives_is_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch, result: Any, said: str
) -> None:
    class Own:
        name = "own"
        corrects = False

        def translate(self, jobs: Sequence[Job]) -> Any:
            return result(jobs)

    with pytest.raises(
        DataError, match=f"the translator 'own' {'.*' if 'job 1' in said or 'job 3' in said else ''}{said}"
    ):
        run(folder, monkeypatch, Own())
    assert not folder.with_name(".out.partial").exists()


def test_a_killed_run_asks_for_nothing_that_was_answered(folder: Path, endpoint: str) -> None:
    """Killed by a signal between two groups of records, then run again."""
    recipe = folder.with_name("recipe.yaml")
    recipe.write_text(
        f"{{input: {folder}, output: {folder.with_name('out')}, cache: {folder.with_name('cache.sqlite')},"
        f" together: 1, endpoint: {{base_url: '{endpoint}', model: m, concurrency: 1}}}}"
    )
    command = [sys.executable, "-m", "bimedix2", "translate", str(recipe)]
    Endpoint.kill_at = 3
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    Endpoint.asker = first
    assert first.wait(600) == -signal.SIGKILL
    Endpoint.kill_at = 0
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    bodies = [json.dumps(body, sort_keys=True) for body in Endpoint.seen]
    assert len(bodies) == 3 + 1 + 3 + 1  # first, corrected, back; and the one that was in flight
    assert len(set(bodies)) == len(bodies) - 1
    assert {"a-ar", "b-ar", "c-ar"} <= twins(folder.with_name("out")).keys()


def test_credentialed_records_stay_on_this_machine(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "in", "sources", {}) as out:
        secret = conversation("a", "Is it?", "Yes, it is.", data_class=DataClass.CREDENTIALED)
        write_records(out.path, [secret])
        folder = out.publish({"kept": 1})
    with pytest.raises(DataClassError, match="may not be sent to api"):
        through(folder, "https://api.example.org/v1")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "give one of 'endpoint' and 'translator'"),
        ({"translator": "a:b", "rater": True}, "'rater' asks the endpoint's model"),
        ({"translator": "a:b", "to": "fr"}, "to"),
    ],
)
def test_recipes_that_cannot_be(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        translate.Config.model_validate({"input": tmp_path, "output": tmp_path / "o", **keys})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "is no module:attribute"),
        ("no_such_module_here:x", "cannot be imported"),
        ("json:dumps", "cannot be made"),
        ("json:decoder", "has no 'name'"),
    ],
)
def test_a_translator_that_is_none_is_named(folder: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        translate.run(translate.Config(input=folder, output=folder.with_name("o"), translator=name))
