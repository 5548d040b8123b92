"""vLLM in bulk: real Ray, cache and tokenizer, with a stage of this file's in the place of vLLM's engine."""

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from bimedix2 import config, io
from bimedix2.errors import ConfigError, DataClassError, EndpointError, MissingExtra, ModelError, RefusedError
from bimedix2.llm import bulk
from bimedix2.llm.backend import UNWATCHED, Reply, Request, Sampling, Unwatched
from bimedix2.llm.bulk import Bulked
from bimedix2.llm.cache import Cache, key_of
from bimedix2.llm.connect import open_endpoint
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.ray_folder import OWNER, PREFIX, sweep
from bimedix2.llm.structured import Accepted, Answer, Rejected, Rules, ask_structured
from bimedix2.records import DataClass, ImagePart, Message

Ask = Callable[..., Request]
GOOD = {"model": "m", "bulk": True, "bulk_engine": {"max_model_len": 200}}
RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not RAY, reason="Ray is not installed; run: pip install 'ray[data]' aiohttp")


def build(**settings: Any) -> Endpoint:
    return config.build(Endpoint, {**GOOD, **settings})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bulk": False}, "base_url is absent"),
        ({"base_url": "http://h/v1"}, "base_url and bulk exclude each other"),
        ({"batch": True}, "batch and bulk exclude each other"),
        ({"api_key_env": "KEY"}, "api_key_env and bulk exclude each other"),
        ({"prices": {"input": 1, "output": 1}}, "prices and bulk exclude each other"),
        ({"bulk_engine": {}}, "max_model_len: 8192"),
        ({"bulk_engine": {"max_model_len": 9, "model": "n"}}, "leave it out of bulk_engine"),
        ({"bulk_address": "somewhere"}, "'local', or HOST:PORT"),
        ({"bulk_address": "a:6379/b"}, "'local', or HOST:PORT"),
    ],
)
def test_wrong_settings_are_said_at_the_door(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(**settings)


def test_what_is_not_installed_is_said_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "NEEDED", ("json", "no_such_package"))
    with (
        pytest.raises(MissingExtra, match=r"no_such_package is not .*: pip install 'bimedix2\[bulk\]'"),
        open_endpoint(build(), tmp_path / "cache", "run"),
    ):
        pass


@needs_ray
def test_a_ray_that_does_not_start_is_one_sentence_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import ray

    hold = "import sys, time; log = open(sys.argv[1], 'w'); print(flush=True); time.sleep(600)"
    words = [sys.executable, "-c", hold, str(tmp_path / "log")]
    started = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert started.stdout is not None
    started.stdout.readline()

    def init(**_: Any) -> None:
        raise Exception("The current node timed out during startup.\nOverloaded.")

    monkeypatch.setattr(ray, "init", init)
    try:
        with pytest.raises(EndpointError, match=r"Ray did not start at local \(The current node timed out"):
            bulk._start(ray, build(), {"_temp_dir": str(tmp_path)})
        assert started.wait(30) < 0
    finally:
        started.kill()
        started.communicate()


def test_answers_are_known_by_engine_and_weights_and_those_of_endpoints_stay() -> None:
    one = build()
    assert one.identity == build(bulk_engines=4, bulk_rows=9, bulk_resources={"CPU": 1}).identity
    others = [build(version="2"), build(bulk_engine={"max_model_len": 9}), build(model="n")]
    assert len({one.identity, *(other.identity for other in others)}) == 4
    # Written down from the version before bulk: a cache that exists goes on answering.
    web = Endpoint(base_url="http://127.0.0.1:8000/v1", model="m")
    assert web.identity == "cd0149ccb1c035a56e19576814c4eb2d087a2e144a296ce2818ce7b325044c49"


def test_protected_records_stay_on_this_machine_unless_every_machine_of_the_cluster_is_listed() -> None:
    build().allow(DataClass.PATIENT)
    assert build().name == "m@localhost"
    cluster = build(bulk_address="10.0.0.7:6379")
    cluster.allow(DataClass.OPEN)
    with pytest.raises(DataClassError, match=r"may not be sent to 10\.0\.0\.7"):
        cluster.allow(DataClass.CREDENTIALED)
    listed = build(bulk_address="10.0.0.7:6379", credentialed_hosts=["10.0.0.7"])
    listed.allow(DataClass.CREDENTIALED)

    class Ray:
        """A cluster of two machines."""

        @staticmethod
        def nodes() -> list[dict[str, Any]]:
            return [{"Alive": True, "NodeManagerAddress": f"10.0.0.{n}"} for n in (7, 8)]

    open_, guarded = [
        Request((Message.of("user", "a"),), data_class=one)
        for one in (DataClass.OPEN, DataClass.CREDENTIALED)
    ]
    bulk._check_nodes(Ray, listed, [open_])
    with pytest.raises(DataClassError, match=r"a machine of the cluster.*10\.0\.0\.8"):
        bulk._check_nodes(Ray, listed, [open_, guarded])


@pytest.fixture
def model(tiny: Any) -> Path:
    """Folder of the tiny model, whose template and tokenizer are real."""
    return Path(tiny.folder)


@pytest.fixture
def no_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    """vLLM need not be there where a stage of ours stands for it."""
    monkeypatch.setattr(bulk, "NEEDED", ("transformers",))


def picture(colour: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (8, 6), colour).save(buffer, "PNG")
    return buffer.getvalue()


def seeing(text: str, *pictures: bytes) -> Request:
    parts = [ImagePart(image=io.sha256_bytes(one)) for one in pictures]
    return Request((Message.of("user", *parts, text),), {io.sha256_bytes(one): one for one in pictures})


def test_a_row_holds_the_tokens_of_the_one_prompt_path(model: Path, no_vllm: None) -> None:
    from transformers import AutoProcessor

    from bimedix2.model.prompt import Prompter

    writer = bulk._Writer(build(model=str(model)))
    messages = (
        Message.of("user", "Is this a brain MRI?"),
        Message.of("assistant", "نعم"),
        Message.of("user", "لا"),
    )
    row = writer.row(3, Request(messages))
    assert isinstance(row, dict)
    prompt = Prompter(AutoProcessor.from_pretrained(model), context=256)
    assert row["ids"] == list(prompt.encode(messages, generate=True).ids)
    assert (row["number"], row["pictures"]) == (3, [])


def test_pictures_travel_as_files_and_arrive_as_pixels(model: Path, no_vllm: None) -> None:
    writer = bulk._Writer(build(model=str(model)))
    request = seeing("Which?", picture("red"), picture("blue"))
    row = writer.row(0, request)
    assert isinstance(row, dict)
    assert row["pictures"] == [picture("red"), picture("blue")]
    made = bulk.engine_row(row)
    images = made["multimodal_data"]["image"]
    assert [image.getpixel((0, 0)) for image in images] == [(255, 0, 0), (0, 0, 255)]
    image_token = writer._tokenizer.convert_tokens_to_ids("<image>")
    assert made["tokenized_prompt"].count(image_token) == 2
    assert (made["pictures"], made["ids"], made[bulk.ERROR]) == ([], [], "")


def test_sampling_is_said_in_vllms_words(ask: Ask) -> None:
    body = {"top_k": 5, "chat_template_kwargs": {"enable_thinking": False}}
    endpoint = build(send_schema=True, body=body)
    request = ask("a", max_tokens=7, seed=3, stop=("x",), schema='{"type":"object"}')
    assert bulk.sampling_of(endpoint, request) == {
        "max_tokens": 7,
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": 3,
        "stop": ["x"],
        "structured_outputs": {"json": '{"type":"object"}'},
        "top_k": 5,
    }
    assert "structured_outputs" not in bulk.sampling_of(build(), request)
    assert "seed" not in bulk.sampling_of(build(), ask("a"))


def test_a_record_that_is_too_long_is_refused_before_anything_starts(model: Path, no_vllm: None) -> None:
    backend = Bulked(build(model=str(model), bulk_engine={"max_model_len": 40}))
    (outcome,) = backend.attempt([Request((Message.of("user", "word " * 50),))], UNWATCHED)
    assert isinstance(outcome, RefusedError)
    assert "max_model_len is 40" in str(outcome)


def test_a_model_that_is_not_there_is_named(tmp_path: Path, no_vllm: None, ask: Ask) -> None:
    with pytest.raises(ModelError, match="has no tokenizer"):
        Bulked(build(model=str(tmp_path))).chat([ask("a")])


def test_an_answer_that_fills_its_room_counts_as_cut(ask: Ask) -> None:
    backend = object.__new__(Bulked)
    backend.endpoint = build()

    def finish(prompt: int, completion: int) -> str:
        row = {"generated_text": "t", "num_input_tokens": prompt, "num_generated_tokens": completion}
        outcome = backend._outcome(row, ask("a", max_tokens=50))
        assert isinstance(outcome, Reply)
        return outcome.finish

    assert [finish(10, 49), finish(10, 50), finish(160, 39), finish(160, 40)] == [
        "stop",
        "length",
        "stop",
        "length",
    ]


def test_an_engines_words_on_a_protected_record_are_not_repeated(ask: Ask) -> None:
    backend = object.__new__(Bulked)
    backend.endpoint = build()
    row = {bulk.ERROR: "ValueError: Ms Smith"}
    assert "Ms Smith" in str(backend._outcome(row, ask("a")))
    assert "Smith" not in str(backend._outcome(row, ask("a", data_class=DataClass.PATIENT)))


# With Ray


def stand_in(log: Path, wait: float = 0.0) -> type:
    """The class of a stage that answers where vLLM's engine would, and writes down what it was asked."""
    from ray.llm._internal.batch.stages.base import StatefulStageUDF

    class Engine(StatefulStageUDF):
        def __init__(self, data_column: str, expected_input_keys: list[str], **settings: Any) -> None:
            from transformers import AutoTokenizer

            super().__init__(data_column, expected_input_keys)
            self.tokenizer = AutoTokenizer.from_pretrained(settings["model"])

        async def udf(self, batch: list[dict[str, Any]]) -> Any:
            for row in batch:
                yield {self.IDX_IN_BATCH_COLUMN: row[self.IDX_IN_BATCH_COLUMN], **self.answer(row)}

        def answer(self, row: dict[str, Any]) -> dict[str, Any]:
            time.sleep(wait)
            ids = [int(one) for one in row.pop("tokenized_prompt")]
            sampling, seen = row.pop("sampling_params"), row.pop("multimodal_data")
            words = self.tokenizer.decode(ids).split("user\n")[-1].split("<|im_end|>")[0].strip()
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps([words, sampling]) + "\n")
            colours = [image.getpixel((0, 0)) for image in (seen or {}).get("image", [])]
            text = f"answer to {words.replace('<image>', '').strip()} {colours or ''}".strip()
            if "JSON" in words:
                text = '{"word": "yes"}' if "cannot be used" in words else "yes"
            wrong = "ValueError: broken" if words == "break" else ""
            return {
                "prompt": "",
                "num_input_tokens": 0 if wrong else len(ids),
                "generated_tokens": [] if wrong else [1, 2, 3],
                "generated_text": "" if wrong else text,
                "num_generated_tokens": 0 if wrong else 3,
                bulk.ERROR: wrong,
            }

    return Engine


def in_place_of_vllm(patch: pytest.MonkeyPatch, log: Path, wait: float = 0.0) -> None:
    """Let Ray's own processor of vLLM engines run with the stand-in for its engine stage."""
    real = bulk.processor_of

    def swapped(endpoint: Endpoint) -> Any:
        processor = real(endpoint)
        stage = processor.get_stage_by_name("vLLMEngineStage")
        stage.__dict__["fn"] = stand_in(log, wait)
        return processor

    patch.setattr(bulk, "NEEDED", ("ray", "aiohttp", "transformers"))
    patch.setattr(bulk, "processor_of", swapped)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The stand-in at work; the file of what it was asked."""
    log = tmp_path / "asked.jsonl"
    log.touch()
    in_place_of_vllm(monkeypatch, log)
    return log


def asked(log: Path) -> list[str]:
    return [json.loads(line)[0] for line in log.read_text(encoding="utf-8").splitlines()]


def local(model: Path, **settings: Any) -> Endpoint:
    return build(model=str(model), bulk_resources={"CPU": 1}, **settings)


class Word(Answer):
    word: str


class Guarded(Unwatched):
    """Sees, while Ray runs, that its ports ask for a token."""

    def answered(self, number: int, outcome: Any) -> None:
        if isinstance(outcome, Reply):
            from ray._raylet import AuthenticationMode, get_authentication_mode

            assert get_authentication_mode() == AuthenticationMode.TOKEN


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own
def test_ray_answers_each_question_once_whatever_becomes_of_the_others(
    model: Path, engine: Path, tmp_path: Path
) -> None:
    """One session of Ray for what needs it: the start is what takes time."""
    endpoint = local(model, bulk_rows=2, bulk_engine={"max_model_len": 600})
    requests = [
        Request((Message.of("user", "one"),), sampling=Sampling(seed=1), data_class=DataClass.PATIENT),
        Request((Message.of("user", "سؤال"),), sampling=Sampling(stop=("x",))),
        seeing("Which?", picture("red"), picture("blue")),
        Request((Message.of("user", "break"),)),
        Request((Message.of("user", "word " * 300),)),
        Request((Message.of("user", "last"),)),
    ]
    with open_endpoint(endpoint, tmp_path / "cache", "run") as backend:
        outcomes = backend.attempt(requests, Guarded())
        texts = [one.text if isinstance(one, Reply) else str(one) for one in outcomes]
        assert texts[:2] == ["answer to one", "answer to سؤال"]
        assert texts[2] == "answer to Which? [(255, 0, 0), (0, 0, 255)]"
        assert "broken" in texts[3]
        assert "max_model_len is 600" in texts[4]
        assert texts[5] == "answer to last"
        assert sorted(asked(engine)) == sorted(["one", "سؤال", "<image>\n<image>\nWhich?", "break", "last"])
        assert backend.cache.counts() == (4, 0)
        # Only what was refused is asked again.
        backend.attempt([one for n, one in enumerate(requests) if n != 4], UNWATCHED)
        assert asked(engine)[5:] == ["break"]
        rules = Rules(Word, tries=2)
        (found,) = ask_structured(backend, [Request((Message.of("user", "Make JSON"),))], rules)
        assert isinstance(found, Accepted)
        assert (found.value.word, len(found.attempts)) == ("yes", 1)
        (lost,) = ask_structured(backend, [Request((Message.of("user", "break"),))], Rules(Word, tries=1))
        assert isinstance(lost, Rejected)
    first = [json.loads(line) for line in engine.read_text(encoding="utf-8").splitlines()[:5]]
    plain = {"max_tokens": 256, "temperature": 0.0, "top_p": 1.0, "stop": []}
    drawn = dict(first)
    assert drawn["one"] == {**plain, "seed": 1}
    assert type(drawn["one"]["seed"]) is int, "vLLM hangs on a seed that Arrow made a float"
    assert drawn["سؤال"] == {**plain, "stop": ["x"]}
    assert drawn["last"] == plain
    import ray

    assert not ray.is_initialized()


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_engines_for_which_there_is_no_gpu_are_not_waited_for(model: Path, engine: Path, ask: Ask) -> None:
    backend = Bulked(build(model=str(model), bulk_resources={"NPU": 2}, bulk_engines=3))
    with pytest.raises(EndpointError, match="the engines need 6 NPU and this machine has 0"):
        backend.chat([ask("a")])
    assert asked(engine) == []


@needs_ray
@pytest.mark.slow
def test_a_kill_costs_at_most_what_was_in_flight(model: Path, tmp_path: Path) -> None:
    """A process of its own is killed in the middle; what its cache file held is never asked again."""
    log, cache = tmp_path / "asked.jsonl", tmp_path / "cache"
    log.touch()
    count = 40
    words = [sys.executable, __file__, str(model), str(log), str(cache), str(count)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    started: list[psutil.Process] = []
    try:
        kept: set[str] = set()
        end = time.monotonic() + 300
        while len(kept) < 8:
            assert process.poll() is None, process.communicate()[1].decode()
            assert time.monotonic() < end, "no answer reached the cache"
            time.sleep(0.05)
            kept = held(cache, model, count) if cache.exists() else set()
        started = psutil.Process(process.pid).children(recursive=True)
        working = [one for one in started if "Agent" not in one.name()]  # of two agents nobody asks anything
        assert len(working) > 3, "Ray runs in processes of its own"
        owners = list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"))
        assert [owner.parent.stat().st_mode & 0o777 for owner in owners] == [0o700] * len(owners) != []
        process.kill()
        process.wait()
        _, left = psutil.wait_procs(working, timeout=60)
        assert not left, "engines outlive the run that started them"
        sweep()
        assert not [one for one in started if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    finally:
        for one in [process, *started]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.communicate()
    kept, first = held(cache, model, count), asked(log)
    assert 8 <= len(kept) < count, "the kill came after everything"
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    second = asked(log)[len(first) :]
    assert json.loads(done.stdout.splitlines()[-1]) == [f"answer to q{n}" for n in range(count)]
    assert not set(second) & kept, "an answer that the cache held was asked again"
    assert sorted(second) == sorted({f"q{n}" for n in range(count)} - kept)
    assert held(cache, model, count) == {f"q{n}" for n in range(count)}


def question(number: int) -> Request:
    return Request((Message.of("user", f"q{number}"),))


def held(cache: Path, model: Path, count: int) -> set[str]:
    identity = local(model, bulk_rows=2).identity
    keys = {key_of(identity, question(n)): f"q{n}" for n in range(count)}
    with Cache(cache) as store:
        return {keys[key] for key in store.get(keys)}


def run(model: Path, log: Path, cache: Path, count: int) -> None:
    """The process that is killed."""
    in_place_of_vllm(pytest.MonkeyPatch(), log, wait=0.1)
    with open_endpoint(local(model, bulk_rows=2), cache, "run") as backend:
        print(json.dumps([reply.text for reply in backend.chat([question(n) for n in range(count)])]))


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
