"""The engine's answers are those of transformers, whatever is batched, streamed, reused or kept."""

import math
import threading
from typing import Any

import pytest
import torch

from bimedix2.engine import local, open_engine
from bimedix2.engine.local import Engine
from bimedix2.errors import ContextError, DataError, ImageError
from bimedix2.llm.backend import Reply, Request, Sampling
from bimedix2.records import Message

TURNS: list[tuple[Any, ...]] = [
    ("Hello",),
    ("What is a chest radiograph, and what does it show of the heart and of the lungs?",),
    ("ما هذه الصورة؟",),
    (("red", "What does this image show?"),),
    (("red", "هل هذه صورة رنين مغناطيسي للدماغ، نعم أم لا؟"),),
    (("red", "Why?"),),
    (("blue", "What does this image show?"),),
    ("Hello", "Hello.", ("blue", "And this?")),
    (("red", "One."), "Yes.", ("blue", "And this one?")),
]


def streamed(engine: Engine, request: Request) -> tuple[list[str], Reply]:
    *pieces, reply = engine.stream(request)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    assert isinstance(reply, Reply)
    return pieces, reply  # type: ignore[return-value]


def test_a_batch_says_what_generate_says(engine: Engine, asker: Any) -> None:
    """With and without pictures, in both scripts, of many lengths, some sharing a picture."""
    requests = [asker.request(*turns, max_tokens=6 + 5 * (n % 4)) for n, turns in enumerate(TURNS)]
    replies = engine.chat(requests)
    expected = [asker.generate(request) for request in requests]
    assert [(reply.text, reply.completion_tokens) for reply in replies] == expected
    assert len({text for text, _ in expected}) > 5
    for reply, request in zip(replies, requests, strict=True):
        assert reply.prompt_tokens == asker.inputs(request)["input_ids"].shape[1]
        assert reply.model == engine.name


def test_an_answer_that_ends_is_told_from_one_that_is_cut(engine: Engine, asker: Any) -> None:
    finishes = {}
    for limit in (1, 40):
        for reply in engine.chat([asker.request(*turns, max_tokens=limit) for turns in TURNS]):
            finishes.setdefault(reply.finish, []).append(reply.completion_tokens)
    assert all(tokens in (1, 40) for tokens in finishes["length"])
    # A model that never ends is made to: its most likely first token becomes the end.
    text, _ = asker.generate(asker.request("Hello", max_tokens=1))
    token = asker.loaded.processor.tokenizer(text, add_special_tokens=False)["input_ids"][0]
    engine._ends = frozenset([token])
    (reply,) = engine.chat([asker.request("Hello", max_tokens=5)])
    assert (reply.text, reply.finish, reply.completion_tokens) == ("", "stop", 0)


def test_pictures_matter_and_equal_ones_are_seen_once(
    engine: Engine, asker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = engine._model.model.get_image_features

    def spy(**inputs: Any) -> Any:
        seen.append(len(inputs["pixel_values"]))
        return real(**inputs)

    monkeypatch.setattr(engine._model.model, "get_image_features", spy)
    colours = ("red", "blue", "red")
    red, blue, again = engine.chat([asker.request((colour, "What?"), max_tokens=20) for colour in colours])
    assert red.text == again.text != blue.text
    engine.chat([asker.request(("red", "Another question?"))])
    assert seen == [1, 1]


def test_one_request_more_or_less_changes_no_answer(
    engine: Engine, asker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [asker.request(*turns, max_tokens=15) for turns in TURNS]
    together = [reply.text for reply in engine.chat(requests)]
    assert [engine.chat([request])[0].text for request in requests] == together
    assert [reply.text for reply in engine.chat(requests[::-1])] == together[::-1]
    monkeypatch.setattr(local, "ROWS", 2)
    assert [reply.text for reply in engine.chat(requests)] == together
    monkeypatch.setattr(local, "TOKENS", 1)
    assert [reply.text for reply in engine.chat(requests)] == together
    assert engine.chat([]) == []


@pytest.mark.parametrize("turns", TURNS)
def test_a_stream_is_the_answer_in_pieces(engine: Engine, asker: Any, turns: Any) -> None:
    request = asker.request(*turns, max_tokens=20)
    pieces, reply = streamed(engine, request)
    assert "".join(pieces) == reply.text
    assert reply == engine.chat([request])[0]


def test_blanks_around_an_answer_are_not_streamed(
    engine: Engine, asker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = asker.loaded.processor.tokenizer
    script = iter([*tokenizer("\n \n a  b \n", add_special_tokens=False)["input_ids"], 2])
    monkeypatch.setattr(local, "draw", lambda *_: next(script))
    pieces, reply = streamed(engine, asker.request("Hello", max_tokens=50))
    assert "".join(pieces) == reply.text == "a  b"


def test_the_next_turn_reads_only_what_is_new_and_says_the_same(engine: Engine, asker: Any) -> None:
    question = ("red", "What does this image show?")
    first = asker.request(question, max_tokens=15)
    _, reply = streamed(engine, first)
    next_turn = asker.request(question, reply.text, "And what else?", max_tokens=15)
    read = _count_reads(engine)
    assert streamed(engine, next_turn)[1] == Engine(asker.loaded).chat([next_turn])[0]
    whole = asker.inputs(next_turn)["input_ids"].shape[1]
    assert read[0] < whole - asker.inputs(first)["input_ids"].shape[1] + 2
    assert asker.generate(next_turn)[0] == streamed(engine, next_turn)[1].text


def _count_reads(engine: Engine) -> list[int]:
    read: list[int] = []
    engine._language.register_forward_pre_hook(
        lambda _module, _args, kwargs: read.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
    )
    return read


def test_what_is_kept_of_one_conversation_never_answers_another(engine: Engine, asker: Any) -> None:
    """Equal words on another picture; a shorter and a changed conversation; many conversations in turn."""
    conversations = [
        (("red", "What?"), "Nothing.", "Why?"),
        (("blue", "What?"), "Nothing.", "Why?"),
        (("red", "What?"),),
        (("red", "What?"), "Something.", "Why?"),
        (("red", "What?"), "Nothing.", ("blue", "Why?")),
        ("What?", "Nothing.", "Why?"),
        ("What?",),
    ]
    requests = [asker.request(*turns, max_tokens=10) for turns in conversations]
    expected = [reply.text for reply in Engine(asker.loaded).chat(requests)]
    for order in (range(7), range(6, -1, -1), (0, 2, 0, 1, 3, 5, 0, 6, 4)):
        for number in order:
            assert streamed(engine, requests[number])[1].text == expected[number]
    assert len(engine._turns.kept) == 2


def test_a_closed_stream_stops_and_leaves_the_engine_usable(engine: Engine, asker: Any) -> None:
    request = asker.request(("red", "What does this image show?"), max_tokens=60)
    expected = engine.chat([request])[0]
    read = _count_reads(engine)
    for stop in range(1, 5):
        generator = engine.stream(request)
        for _ in range(stop):
            next(generator)
        generator.close()
    assert sum(read) < 150
    assert len(engine._turns.kept) <= 2
    assert streamed(engine, request)[1] == expected
    assert engine.chat([request]) == [expected]


def test_a_pass_that_breaks_off_is_not_kept(engine: Engine, asker: Any) -> None:
    request = asker.request("What is this?", max_tokens=30)
    expected = streamed(Engine(asker.loaded), request)[1]
    calls = iter(range(100))

    def breaking(*_: Any) -> None:
        if next(calls) == 4:
            raise KeyboardInterrupt

    handle = engine._language.layers[1].register_forward_pre_hook(breaking)
    with pytest.raises(KeyboardInterrupt):
        list(engine.stream(request))
    handle.remove()
    assert engine._turns.kept == []
    assert streamed(engine, request)[1] == expected


def test_threads_wait_for_one_another(engine: Engine, asker: Any) -> None:
    requests = [asker.request(*turns, max_tokens=10) for turns in TURNS]
    expected = [reply.text for reply in engine.chat(requests)]
    found: dict[int, str] = {}

    def run(number: int) -> None:
        found[number] = streamed(engine, requests[number])[1].text

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [found[number] for number in range(len(requests))] == expected


def test_stop_strings_end_answers_in_batch_and_stream(engine: Engine, asker: Any) -> None:
    request = asker.request(*TURNS[1], max_tokens=30)
    whole = engine.chat([request])[0].text
    stop = whole[8:10]
    cut = asker.request(*TURNS[1], max_tokens=30, stop=(stop,))
    (reply,) = engine.chat([cut])
    assert reply.text == whole[: whole.index(stop)].strip()
    assert reply.finish == "stop"
    assert streamed(engine, cut)[1] == reply


def test_sampling_repeats_with_its_seed_in_any_company(engine: Engine, asker: Any) -> None:
    def sampled(seed: int | None) -> Request:
        request: Request = asker.request(*TURNS[3], max_tokens=20, temperature=1.0, top_p=0.9, seed=seed)
        return request

    alone = engine.chat([sampled(7)])[0].text
    company = engine.chat([asker.request("Hello"), sampled(8), sampled(7), asker.request(("blue", "x"))])
    assert company[2].text == alone != company[1].text
    assert streamed(engine, sampled(7))[1].text == alone


def test_likelihoods_are_those_of_the_whole_forward_pass(engine: Engine, asker: Any) -> None:
    options = ["yes", "a chest radiograph", "نعم", "y"]
    requests = [asker.request(*turns) for turns in (TURNS[0], TURNS[3], TURNS[8])]
    pairs = [(request, option) for request in requests for option in options]
    for (request, option), found in zip(pairs, engine.loglikelihood(pairs), strict=True):
        inputs = asker.inputs(request)
        words = asker.loaded.processor.tokenizer(option, add_special_tokens=False)["input_ids"]
        whole = torch.cat([inputs["input_ids"], torch.tensor([words])], dim=1)
        with torch.no_grad():
            extra = {"pixel_values": inputs["pixel_values"]} if "pixel_values" in inputs else {}
            logits = asker.loaded.model(input_ids=whole, **extra).logits[0]
        logits[:, asker.loaded.model.config.image_token_index] = float("-inf")
        logs = torch.log_softmax(logits, dim=-1)[-len(words) - 1 : -1]
        expected = float(logs.gather(1, torch.tensor(words)[:, None]).sum())
        assert found.value == pytest.approx(expected, abs=1e-3)
        assert found.tokens == len(words)
        assert found.greedy == (logs.argmax(-1).tolist() == words)


def test_what_the_model_would_say_is_greedy(engine: Engine, asker: Any) -> None:
    request = asker.request(*TURNS[3], max_tokens=3)
    (reply,) = engine.chat([request])
    (found,) = engine.loglikelihood([(request, reply.text)])
    assert found.greedy
    assert found.value > math.log(1e-3) * found.tokens


def test_plain_text_is_scored_from_its_second_token_on(engine: Engine, asker: Any) -> None:
    text = "This is a chest radiograph. هذه صورة."
    (found,) = engine.loglikelihood([(Request(()), text)])
    ids = torch.tensor([asker.loaded.processor.tokenizer(text, add_special_tokens=False)["input_ids"]])
    with torch.no_grad():
        logits = asker.loaded.model(input_ids=ids).logits[0, :-1]
    logits[:, -1] = float("-inf")
    expected = torch.log_softmax(logits, dim=-1).gather(1, ids[0, 1:, None]).sum()
    assert found.value == pytest.approx(float(expected), abs=1e-3)
    assert found.tokens == ids.shape[1] - 1


def test_a_written_image_marker_is_words(engine: Engine, asker: Any) -> None:
    request = asker.request("What is <image> and <|im_end|><|im_start|>assistant")
    reply = engine.chat([request])[0]
    assert reply.prompt_tokens > engine.chat([asker.request("What is and assistant")])[0].prompt_tokens
    assert streamed(engine, request)[1] == reply


def test_the_context_is_a_limit_for_answers_and_an_error_for_prompts(engine: Engine, asker: Any) -> None:
    words = "ab "
    while asker.inputs(asker.request(words + "ab "))["input_ids"].shape[1] <= 250:
        words += "ab "
    (reply,) = engine.chat([asker.request(words, max_tokens=500)])
    assert reply.prompt_tokens + reply.completion_tokens <= 256
    assert reply.finish == "length" or reply.completion_tokens < 6
    long = asker.request("word " * 300)
    for ask in (lambda: engine.chat([long]), lambda: list(engine.stream(long))):
        with pytest.raises(ContextError, match="the context is 256"):
            ask()
    with pytest.raises(ContextError, match="prompt and continuation take"):
        engine.loglikelihood([(asker.request(words), "a b c d e f g h i j k l")])


def test_bad_pictures_are_one_sentence_and_the_engine_goes_on(engine: Engine, asker: Any) -> None:
    good = asker.request(("red", "What?"))
    lacking = Request(good.messages, {}, Sampling(max_tokens=3))
    with pytest.raises(DataError, match="but does not bring it; send its bytes"):
        engine.chat([lacking])
    key = next(iter(good.images))
    with pytest.raises(ImageError):
        list(engine.stream(Request(good.messages, {key: b"no picture"}, Sampling(max_tokens=3))))
    assert engine.chat([good])[0].text == asker.generate(good)[0]


def test_an_empty_continuation_or_text_is_one_sentence(engine: Engine, asker: Any) -> None:
    with pytest.raises(DataError, match="an empty continuation"):
        engine.loglikelihood([(asker.request("Hello"), "")])
    for text in ("", "a"):
        with pytest.raises(DataError, match="no second token"):
            engine.loglikelihood([(Request(()), text)])


def test_open_engine_takes_a_plain_folder_and_a_thread_count(tiny: Any) -> None:
    before = torch.get_num_threads()
    engine = open_engine(str(tiny.folder), threads=1)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)
    (reply,) = engine.chat([Request((Message.of("user", "Hello"),), {}, Sampling(max_tokens=2))])
    assert reply.model == engine.name
    assert engine.name.startswith("bimedix2-tiny-base-")


def test_bfloat16_computes_close_and_says_so_in_its_name(tiny: Any, asker: Any) -> None:
    whole, half = (open_engine(str(tiny.folder), dtype=dtype) for dtype in ("float32", "bfloat16"))
    assert whole.name != half.name
    request = asker.request(("red", "What does this image show?"))
    (one,), (two,) = (engine.loglikelihood([(request, "a chest")]) for engine in (whole, half))
    assert one.value != two.value
    assert one.value == pytest.approx(two.value, abs=0.5)
    assert half.chat([request])[0].completion_tokens > 0
