"""A Hugging Face folder through transformers gives what the embedded engine gives of the same weights."""

import io as memory
from typing import Any

import pytest
import torch
from PIL import Image

from bimedix2 import io
from bimedix2.engine import open_engine
from bimedix2.errors import DataError, ModelError
from bimedix2.evaluate.hub import open_hub
from bimedix2.evaluate.models import ModelSource
from bimedix2.evaluate.signature import open_subject
from bimedix2.llm.backend import Request, Sampling
from bimedix2.records import ImagePart, Message


def requests() -> list[Request]:
    """With and without a picture, in both languages, in one turn and in three."""
    file = memory.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    key = io.sha256_bytes(file.getvalue())
    picture = ImagePart(image=key)
    talks = [
        (Message.of("user", picture, "What does this image show?"),),
        (Message.of("user", "هل هذه صورة رنين مغناطيسي للدماغ؟"),),
        (
            Message.of("user", picture, "ماذا تُظهر هذه الصورة؟"),
            Message.of("assistant", "هذه صورة أشعة."),
            Message.of("user", "Is this a brain MRI, yes or no?"),
        ),
    ]
    return [Request(talk, {key: file.getvalue()}, Sampling(max_tokens=8)) for talk in talks]


@pytest.mark.parametrize("together", [1, 3])
def test_answers_are_the_engines(tiny: Any, together: int) -> None:
    hub = open_hub(str(tiny.folder), together=together)
    ours, theirs = hub.chat(requests()), open_engine(str(tiny.folder), 1).chat(requests())
    for one, other in zip(ours, theirs, strict=True):
        assert (one.text, one.finish, one.completion_tokens) == (
            other.text,
            other.finish,
            other.completion_tokens,
        )
        assert one.prompt_tokens == other.prompt_tokens
        assert one.text


def test_greedy_is_greedy_whatever_the_models_own_settings_say(tiny: Any) -> None:
    hub = open_hub(str(tiny.folder))
    before = [reply.text for reply in hub.chat(requests())]
    hub.model.generation_config.repetition_penalty = 50.0
    hub.model.generation_config.no_repeat_ngram_size = 1
    assert [reply.text for reply in hub.chat(requests())] == before


def test_likelihoods_are_the_engines(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(request, option) for request in requests() for option in ("yes", "a chest radiograph", "نعم")]
    pairs.append((Request(()), "This is a chest radiograph."))
    hub = open_hub(str(tiny.folder))
    raw = hub._logits

    def without_placeholder(inputs: dict[str, Any]) -> torch.Tensor:
        """The engine never lets the image's placeholder be said; transformers gives it a probability."""
        logits = raw(inputs).clone()
        logits[..., hub._processor.image_token_id] = float("-inf")
        return logits

    monkeypatch.setattr(hub, "_logits", without_placeholder)
    ours = hub.loglikelihood(pairs)
    theirs = open_engine(str(tiny.folder), 1).loglikelihood(pairs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-4)
        assert (one.tokens, one.greedy) == (other.tokens, other.greedy)


def test_what_cannot_be_scored_is_named(tiny: Any) -> None:
    hub = open_hub(str(tiny.folder))
    with pytest.raises(DataError, match="an empty continuation"):
        hub.loglikelihood([(requests()[0], "")])
    with pytest.raises(DataError, match="no second token"):
        hub.loglikelihood([(Request(()), "T")])


def test_it_is_named_by_what_its_files_are(tiny: Any) -> None:
    subject = open_subject(ModelSource(hub=str(tiny.folder)), 1, "float32")
    again = open_subject(ModelSource(hub=str(tiny.folder)), 1, "bfloat16")
    assert (subject.kind, subject.host) == ("hub", "local")
    assert len(subject.identity) == len(subject.prompt) == 64
    assert subject.identity != again.identity  # other numbers, other answers
    assert subject.backend.name == f"{tiny.folder.name}@{subject.identity[:8]}"


def test_what_is_no_model_is_said(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="cannot be opened as an image-text-to-text model"):
        open_hub(str(tmp_path))
