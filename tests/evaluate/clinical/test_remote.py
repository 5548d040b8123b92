"""An endpoint that gives log-probabilities of prompts: the harness's own numbers, asked once."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.errors import EndpointError, ModelError
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.clinical import ways
from bimedix2.evaluate.models import ModelSource, open_source
from bimedix2.evaluate.signature import Subject

from .serving import Brain, Server
from .test_lm import QUESTIONS, instances, sides

pytest.importorskip("lm_eval", reason="pip install 'bimedix2[clinical]'")

Make = Callable[..., evaluate.Config]
TASKS = ["bimed_medqa_4options", "bimed_pubmedqa", "oall_mmlu_anatomy"]
Serve = Callable[..., Server]


@pytest.fixture
def serve(tiny: object) -> Iterator[Serve]:
    running: list[Server] = []

    def start(**more: Any) -> Server:
        running.append(Server(Brain("tiny-base"), **more))
        return running[-1]

    yield start
    for server in running:
        server.close()


def remote(server: Server, folder: Path) -> dict[str, Any]:
    return {"endpoint": server.endpoint, "cache": str(folder / "cache.sqlite")}


def opened(server: Server, folder: Path) -> Subject:
    return open_source(ModelSource.model_validate(remote(server, folder)), None, "float32", "run")


def asks(server: Server, path: str) -> list[str]:
    """The prompts, or the conversations, that came in."""
    return [json.dumps(body[path], ensure_ascii=False) for body in server.bodies if path in body]


def test_log_likelihoods_are_those_of_the_harness_s_own_backend(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    plan = ways.plan(opened(server, tmp_path), ["plain"], "auto")
    assert [way.by for way in plan.ways] == ["echo"]
    opener = plan.ways[0].open
    assert opener is not None
    lm = opener(Ledger(tmp_path / "requests.jsonl"), 4, None, lambda _: None)
    questions = QUESTIONS[:-2]  # an endpoint has no empty prompt, and cuts none
    ours = lm.loglikelihood(instances(questions))
    theirs = sides("tiny-base", tmp_path / "other")[0].loglikelihood(instances(questions), disable_tqdm=True)
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-4)
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]
    # A request an option, and one a question, each once; the first two of all were the probe's.
    options = {f"{context.rstrip()} {option.strip()}" for context, some in questions for option in some}
    contexts = {context.rstrip() for context, _ in questions}
    assert len(asks(server, "prompt")) == 2 + len(options) + len(contexts)


def test_a_run_gives_what_the_checkpoint_itself_gives(settings: Make, serve: Serve, tmp_path: Path) -> None:
    server = serve()
    here = evaluate.run(settings(tasks=TASKS, _output=str(tmp_path / "here")))  # 512 tokens: none is cut
    there = evaluate.run(settings(tasks=TASKS, max_length=None, _model=remote(server, tmp_path)))
    one, other = (
        {(row["task"], row["prompt"], row["id"]): row for _, row in io.read_jsonl(folder / "answers.jsonl")}
        for folder in (here, there)
    )
    assert one.keys() == other.keys()
    assert {prompt for _, prompt, _ in other} == {"plain", "chat"}
    for key, row in other.items():
        theirs = one[key]
        # The harness scores the line break that ends the template too, as a token of its own: a number that
        # is the same for every option.
        shared = theirs["values"][0] - row["values"][0] if key[1] == "chat" else 0.0
        assert [value + shared for value in row["values"]] == pytest.approx(theirs["values"], abs=1e-4)
        assert [count + (key[1] == "chat") for count in row["tokens"]] == theirs["tokens"]
        assert row["chosen"] == theirs["chosen"]
    found = io.read_json(there / "scores.json")
    decoding = found["signature"]["decoding"]
    assert {prompt: how["by"] for prompt, how in decoding.items()} == {
        "plain": "echo",
        "chat": "prompt_logprobs",
    }
    page = (there / "scores.md").read_text(encoding="utf-8")
    assert "| m@127.0.0.1, plain, log-likelihood | " in page
    assert "prompt:" in page
    assert "decoding:loglikelihood,echo,max_length=context|metric:acc|judge:none|host:127.0.0.1|" in page
    assert set(evaluate.replay(there)) == {"answers.jsonl", "paper.jsonl", "scores.json", "scores.md"}


def test_an_endpoint_that_dies_half_way_is_asked_for_the_rest_alone(
    settings: Make, serve: Serve, tmp_path: Path
) -> None:
    server = serve(fail_after=9)
    more = {"tasks": TASKS[:1], "prompts": ["plain"], "max_length": None}
    recipe = settings(**more, _model=remote(server, tmp_path), _batch=1)
    with pytest.raises(EndpointError):
        evaluate.run(recipe)
    answered = asks(server, "prompt")
    server.fail_after = None
    folder = evaluate.run(recipe)
    asked = asks(server, "prompt")
    # No option and no bare prompt that was answered is asked again; the fourth question is the probe's.
    assert len(asked) == len(set(asked)) == 4 + 1 + 12
    assert len(answered) == 9
    assert sum(text.endswith('Answer:"') for text in answered) > 1
    again = evaluate.run(settings(
        **more, _model=remote(server, tmp_path / "new"), _output=str(tmp_path / "again"), _reuse=str(folder),
    ))  # fmt: skip
    assert len(asks(server, "prompt")) == len(asked) + 2  # the probe's alone
    assert (again / "answers.jsonl").read_bytes() == (folder / "answers.jsonl").read_bytes()


def test_a_prompt_that_is_refused_has_no_likelihood_and_the_others_do(
    settings: Make, serve: Serve, tmp_path: Path
) -> None:
    server = serve(refuse="upper arm")
    more = {"tasks": TASKS[:1], "prompts": ["plain"], "max_length": None}
    folder = evaluate.run(settings(**more, _model=remote(server, tmp_path)))
    column = io.read_json(folder / "scores.json")["plain"]["columns"][TASKS[0]]
    assert (column["n"], column["failures"]) == (2, {"refused": 1})
    row = [row for _, row in io.read_jsonl(folder / "answers.jsonl")][1]
    assert (row["right"], row["failure"]) == (None, "refused")
    assert "the prompt is too long" in row["why"]
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "1 of 3 questions have no answer to score (1 refused)." in page.splitlines()[0]
    assert "scores.md" in evaluate.replay(folder)


def test_an_endpoint_of_conversations_alone_leaves_plain_prompts_out(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    server.completion = lambda body: {"choices": [{"text": body["prompt"], "logprobs": None}]}  # type: ignore[method-assign]
    subject = opened(server, tmp_path)
    plan = ways.plan(subject, ["plain", "chat"], "auto")
    assert [way.by for way in plan.ways] == ["prompt_logprobs"]
    assert plan.left["plain"].startswith(
        "m@127.0.0.1 gives no likelihoods of 'plain' prompts (127.0.0.1 gives no"
    )
    with pytest.raises(
        ModelError, match=r"take 'plain' out of clinical\.prompts, or set clinical\.mode=auto"
    ):
        ways.plan(subject, ["plain", "chat"], "likelihood")
    assert [way.prompt for way in ways.plan(subject, ["plain"], "auto").ways] == ["answer"]
