"""The four kinds of model: what a recipe may say, and what each gives in the same table."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.config import build
from bimedix2.errors import ConfigError, DataClassError, DataError, EndpointError, ModelError
from bimedix2.evaluate import Config, models
from bimedix2.evaluate.answers_file import AnswersFile
from bimedix2.evaluate.ask import Ledger, Way, answers, ask
from bimedix2.evaluate.task import AS_IT_IS, Asking, Sample
from bimedix2.manifest import read_manifest, verify
from bimedix2.records import DataClass, Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records

from .conftest import ALL_RIGHT, CHEST_EN, MakeDataset, Scripted, question

Opener = Callable[..., Any]


def recipe(dataset: Path, model: Any, **more: Any) -> Config:
    values = {"input": dataset, "output": dataset.with_name("scores"), "model": model, "tasks": ["image_qa"]}
    return build(Config, {**values, "resamples": 200, "known_words": False, **more})


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({}, "name one of hub, endpoint, answers"),
        ({"hub": "a/b", "answers": "f"}, "not hub and answers"),
        ({"hbu": "a/b"}, "unknown key 'hbu'; did you mean 'hub'"),
        ({"answers": "f", "revision": "main"}, "'revision' belongs to 'hub'"),
        ({"endpoint": {"base_url": "ftp://x", "model": "m"}}, "write it as http"),
        (7, "'model"),
    ],
)
def test_a_model_is_a_name_or_one_of_three_mappings(model: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        recipe(tmp_path / "dataset", model)


def test_limits_of_an_endpoint_are_no_part_of_what_a_run_is_known_by(tmp_path: Path) -> None:
    def known(**more: Any) -> Any:
        model = {"endpoint": {"base_url": "http://h/v1", "model": "m", **more}}
        return recipe(tmp_path / "dataset", model).model_dump(mode="json")["model"]

    assert known() == known(concurrency=2, timeout=3)
    assert known() != known(version="2")


# An answers file


def answers_of(dataset: Path) -> list[dict[str, Any]]:
    """Every image question, answered right."""
    rows = [row for row in read_records(dataset) if row.split == "test" and row.images]
    return [
        {"question_id": row.id, "text": ALL_RIGHT.get(row.messages[0].text, CHEST_EN), "model": "elsewhere"}
        for row in rows
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_an_answers_file_stands_in_the_table_like_a_model(
    dataset: Path, opener: Opener, tmp_path: Path
) -> None:
    file = write(tmp_path / "a.jsonl", answers_of(dataset)[::-1])
    here = evaluate.run(recipe(dataset, {"answers": str(file)}))
    verify(here)
    there = evaluate.run(recipe(dataset, "nano", output=tmp_path / "there"), opener(Scripted(ALL_RIGHT)))
    one, other = (io.read_json(folder / "scores.json") for folder in (here, there))
    assert one["image_qa"] == other["image_qa"]
    assert (one["partial"], one["faults"]) == ("", {})
    signature = one["signature"]
    assert signature["model"] == {"model": "elsewhere"}
    assert signature["checkpoint"] == {"model": io.sha256_file(file)}
    assert signature["host"] == "file"
    page = (here / "scores.md").read_text(encoding="utf-8")
    assert f"checkpoint:elsewhere:{io.sha256_file(file)[:8]}|decoding:unknown (answers file)|" in page
    assert read_manifest(here)["inputs"]["model"] == io.sha256_file(file)


def test_every_fault_of_an_answers_file_is_counted_and_named(dataset: Path, tmp_path: Path) -> None:
    rows = answers_of(dataset)  # seen/1 to 4, new/5, seen/6
    rows[1]["text"] = float("nan")
    rows[2]["text"] = ""
    rows += [{**rows[3], "text": "Something else."}, rows[0], {"question_id": "nobody/9", "text": "x"}]
    rows += [{"question_id": float("nan"), "text": "y"}]
    del rows[4]  # new/5
    file = write(tmp_path / "a.jsonl", rows)
    folder = evaluate.run(recipe(dataset, {"answers": str(file)}, batch=1))
    found = io.read_json(folder / "scores.json")
    assert found["faults"] == {
        "model": {
            "no answer": ["new/5"],
            "several answers": ["seen/4"],
            "text is NaN or none": ["seen/2"],
            "empty answer": ["seen/3"],
            "same answer twice": ["seen/1"],
            "extra": ["nobody/9"],
            "no question_id": ["line 9"],
        }
    }
    page = (folder / "scores.md").read_text(encoding="utf-8")
    why = "1 no answer, 1 several answers, 1 text is NaN or none"
    assert (
        page.splitlines()[0]
        == f"**Partial: 3 of 6 samples have no score ({why}). These numbers are no result.**"
    )
    assert "- extra: 1 (nobody/9)" in page
    # What was given and is empty is wrong; what was not given is neither right nor wrong.
    lines = {row["id"]: row for _, row in io.read_jsonl(folder / "answers.jsonl")}
    assert {key: row["right"] for key, row in lines.items()} == {
        "seen/1": True, "seen/2": None, "seen/3": False, "seen/4": None, "new/5": None, "seen/6": True,
    }  # fmt: skip
    assert found["image_qa"]["together, both"]["all"]["n"] == 3
    counts = {"no answer": 1, "several answers": 1, "text is NaN or none": 1}
    assert read_manifest(folder)["counts"] == {"in": 6, "kept": 3, "removed": counts}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no answer"),
        ("{]\n", "line 1 is not JSON"),
        ('{"text": "x"}\n', "line 1 has no 'question_id'"),
        ('{"question_id": "no such", "text": "x"}\n', "answers none of 6 questions (the first is 'seen/1')"),
        (
            '{"question_id": 1, "model": "a"}\n{"question_id": 1, "model": "b"}\n',
            "answers of a, b; choose one",
        ),
    ],
)
def test_a_file_that_cannot_be_joined_is_refused(text: str, said: str, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(said)):
        evaluate.run(recipe(dataset, {"answers": str(tmp_path / "a.jsonl")}))


def test_one_of_several_models_in_a_file_is_chosen_by_name(dataset: Path, tmp_path: Path) -> None:
    other = [{**row, "text": "No.", "model": "other"} for row in answers_of(dataset)]
    file = write(tmp_path / "a.jsonl", [*other, *answers_of(dataset)])
    folder = evaluate.run(recipe(dataset, {"answers": str(file), "name": "elsewhere"}))
    assert io.read_json(folder / "scores.json")["image_qa"]["together, both"]["all"]["value"] == 1


def test_likelihoods_are_not_in_a_file(dataset: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", answers_of(dataset))
    with pytest.raises(ModelError, match="holds answers and no likelihoods; leave out the tasks"):
        evaluate.run(recipe(dataset, {"answers": str(file)}, tasks=["pubmedqa"]))


def test_questions_that_are_written_out_can_be_answered_elsewhere(dataset: Path, tmp_path: Path) -> None:
    settings = recipe(dataset, "nano", export=True, tasks=["image_qa", "canary", "pubmedqa"], max_tokens=32)
    folder = evaluate.run(settings, lambda *_: pytest.fail("a model was opened"))
    verify(folder)
    rows = {row["question_id"]: row for _, row in io.read_jsonl(folder / "questions.jsonl")}
    assert rows.keys() == {
        *(f"seen/{n}" for n in (1, 2, 3, 4, 6)), "new/5",
        *(f"seen/{n}#swapped" for n in (1, 2, 3, 4)), "new/5#swapped",
    }  # fmt: skip
    one = rows["seen/2"]
    assert one["text"] == "ما نوع الصورة 2؟"
    assert one["messages"][0]["content"][0] == {"type": "image", "image": one["images"][0]}
    assert (folder / one["images"][0]).read_bytes() == b"picture 0"
    assert rows["seen/2#swapped"]["images"] != one["images"]
    assert (one["max_tokens"], one["task"], one["data_class"]) == (32, "image_qa", "open")
    assert read_manifest(folder)["counts"]["removed"] == {"needs likelihoods": 4}
    answers = [{"question_id": key, "text": CHEST_EN, "model": "x"} for key in rows]
    file = write(tmp_path / "a.jsonl", answers)
    scores = evaluate.run(
        recipe(dataset, {"answers": str(file)}, tasks=["image_qa", "canary"], output=tmp_path / "s")
    )
    assert io.read_json(scores / "scores.json")["faults"] == {}


# An endpoint


class Server(ThreadingHTTPServer):
    """Answers like a chat endpoint, from a table of last questions; ``fail_after`` answers, only errors."""

    def __init__(self, table: dict[str, str], fail_after: int | None = None, refuse: str = "") -> None:
        self.table, self.fail_after, self.refuse = table, fail_after, refuse
        self.bodies: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def endpoint(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        return {"base_url": url, "model": "m", "concurrency": 1, "tries": 1, "backoff": 0.01}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        given = body["messages"][-1]["content"]
        text = (
            given
            if isinstance(given, str)
            else next(part["text"] for part in given if part["type"] == "text")
        )
        if self.server.fail_after is not None and len(self.server.bodies) >= self.server.fail_after:
            return self._say(500, {"error": {"message": "down"}})
        self.server.bodies.append(body)
        message = {"role": "assistant", "content": self.server.table.get(text, CHEST_EN)}
        if text == self.server.refuse:
            message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 3}
        return self._say(200, {"model": "m-2026", "choices": [choice], "usage": usage})

    def _say(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*args: Any, **more: Any) -> Server:
        server = Server(*args, **more)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def pictures(make_dataset: MakeDataset) -> Path:
    """The dataset with pictures that are some: what goes over the wire must be a PNG or JPEG."""
    import io as memory

    from PIL import Image

    from bimedix2.manifest import RunFolder
    from bimedix2.records.images import ImageStore
    from bimedix2.records.store import write_records

    from .conftest import records

    class Painted(ImageStore):
        def add(self, data: bytes) -> str:
            file = memory.BytesIO()
            Image.new("RGB", (8, 8), (int(data[-1]), 9, 9)).save(file, "PNG")
            return super().add(file.getvalue())

    folder = make_dataset(name="plain").with_name("dataset")
    with RunFolder(folder, "dataset", {}) as out:
        write_records(out.path, records(Painted(out.path / "images")))
        return out.publish({})


def remote(server: Server, tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {"endpoint": {**server.endpoint, **more}, "cache": str(tmp_path / "cache.sqlite")}


def test_an_endpoint_is_asked_and_named(pictures: Path, serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve(ALL_RIGHT)
    folder = evaluate.run(recipe(pictures, remote(server, tmp_path, body={"reasoning_effort": "low"})))
    found = io.read_json(folder / "scores.json")
    assert found["image_qa"]["together, both"]["all"]["value"] == 1
    assert found["signature"]["host"] == "127.0.0.1"
    assert found["signature"]["model"] == {"model": "m@127.0.0.1"}
    last = (folder / "scores.md").read_text(encoding="utf-8").splitlines()[-1]
    assert "decoding:greedy,max_tokens=128,reasoning_effort=low|judge:none|" in last
    assert "|host:127.0.0.1|" in last
    assert "prompt:theirs" in last
    assert len(server.bodies) == 6
    assert {body["temperature"] for body in server.bodies} == {0.0}
    sent = server.bodies[0]["messages"][0]["content"]
    assert [part["type"] for part in sent] == ["image_url", "text"]
    row = next(row for _, row in io.read_jsonl(folder / "answers.jsonl"))
    assert row["raw"]["model"] == "m-2026@127.0.0.1"


def test_an_endpoint_that_dies_half_way_is_asked_for_the_rest_alone(
    pictures: Path, serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(ALL_RIGHT, fail_after=4)
    settings = recipe(pictures, remote(server, tmp_path))
    with pytest.raises(EndpointError):
        evaluate.run(settings)
    assert len(server.bodies) == 4
    server.fail_after = None
    folder = evaluate.run(settings)
    asked = [json.dumps(body["messages"]) for body in server.bodies]
    assert len(asked) == len(set(asked)) == 6
    assert io.read_json(folder / "scores.json")["image_qa"]["together, both"]["all"]["value"] == 1


def test_a_question_that_the_endpoint_declines_is_counted(
    pictures: Path, serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(ALL_RIGHT, refuse="Kind of image 3?")
    folder = evaluate.run(recipe(pictures, remote(server, tmp_path)))
    assert io.read_json(folder / "scores.json")["partial"] == "1 of 6 samples have no score (1 refused)"
    row = next(row for _, row in io.read_jsonl(folder / "answers.jsonl") if row["id"] == "seen/3")
    assert (row["failure"], row["right"]) == ("refused", None)
    assert "declined to answer" in row["raw"]["why"]


def test_credentialed_records_are_sent_to_listed_hosts_alone(
    make_dataset: MakeDataset, tmp_path: Path
) -> None:
    def credentialed(rows: list[Record]) -> list[Record]:
        return (
            [*rows[:-1], rows[-1]]
            if not rows
            else [
                row.model_copy(update={"data_class": DataClass.CREDENTIALED}) if row.id == "seen/6" else row
                for row in rows
            ]
        )

    endpoint = {"base_url": "http://api.example.org/v1", "model": "m"}
    model = {"endpoint": endpoint, "cache": str(tmp_path / "cache.sqlite")}
    with pytest.raises(DataClassError, match=r"may not be sent to api\.example\.org"):
        evaluate.run(recipe(make_dataset(credentialed), model))


def test_what_of_a_model_is_an_input(dataset: Path, tmp_path: Path) -> None:
    assert models.inputs("nano") == {}
    assert models.inputs(str(dataset), "base") == {"base": dataset}
    source = models.ModelSource(answers=tmp_path / "a.jsonl")
    assert models.inputs(source) == {"model": tmp_path / "a.jsonl"}


def test_equal_questions_of_different_ids_have_an_answer_each(
    tmp_path: Path,
) -> None:
    """To a model they are one request; a file may answer one of them wrong."""
    wanted = {"modality": "ct"}
    rows = [question(n, "Which study?", CHEST_EN, None, tongue="en", expect=wanted) for n in (1, 2)]
    samples = [Sample(row, AS_IT_IS, row.messages[:-1]) for row in rows]
    texts = {"seen/1": CHEST_EN, "seen/2": "This is a brain MRI."}
    file = write(tmp_path / "a.jsonl", [{"question_id": key, "text": text} for key, text in texts.items()])
    subject = models.open_source(models.ModelSource(answers=file), None, "float32", "run")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ask(Way(answers), samples, subject, ledger, Asking(ImageStore(tmp_path / "images"), 8), lambda _: None)
    given = {sample.id: ledger.known[subject.request(sample, 8)]["answer"] for sample in samples}
    assert given == texts


def test_half_a_surrogate_pair_in_an_answers_file_is_one_sentence(tmp_path: Path) -> None:
    """As systems write it that cut a text in the middle of a sign; no UTF-8 file could hold the answer."""
    file = tmp_path / "answers.jsonl"
    file.write_text('{"question_id": "a", "text": NaN}\n{"question_id": "b", "text": "\\ud83d"}\n')
    with pytest.raises(DataError, match="line 2 is not JSON: an escape is half of a surrogate pair"):
        AnswersFile(file)
