"""Any Hugging Face image-text-to-text or text model as a backend: its own processor, its own chat template.

Knows nothing about this project's checkpoints: the prompt path is transformers' (``apply_chat_template`` of
the model's processor), so a model is asked as its authors meant it. A text model's is its tokeniser.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from bimedix2 import imaging, io
from bimedix2.engine import Dtype
from bimedix2.errors import ContextError, DataError, ModelError
from bimedix2.llm.backend import Loglikelihood, Reply, Request, Sampling
from bimedix2.manifest import hash_folder
from bimedix2.records import ImagePart, Message

Pair = tuple[Request, str]


def open_hub(
    model: str,
    *,
    revision: str | None = None,
    dtype: Dtype = "float32",
    trust_remote_code: bool = False,
    together: int = 1,
) -> "HubModel":
    """Load a model and its processor, on the accelerator where there is one.

    Args:
        model: an id on the hub, or a folder.
        revision: a branch, tag or commit of an id.
        dtype: what it computes in.
        trust_remote_code: run the Python files that come with it.
        together: conversations read together.

    Raises:
        ModelError: there is no such model, or it is neither an image-text-to-text nor a text model.
    """
    more: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_remote_code}
    try:
        processor, loaded = _load(model, dtype, more)
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"'{model}' cannot be opened as an image-text-to-text model or a text model ({reason}); check "
            "its name, or give the folder that it was downloaded to"
        ) from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    commit = getattr(loaded.config, "_commit_hash", None)
    name, identity = _identity(model, commit, dtype)
    return HubModel(loaded.to(device).eval(), processor, name, identity, together)


def _load(model: str, dtype: Dtype, more: dict[str, Any]) -> tuple[Any, Any]:
    """Processor and model; of what transformers knows as a text model alone, tokeniser and model."""
    import transformers
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    )

    kind = getattr(transformers.AutoConfig.from_pretrained(model, **more), "model_type", "")
    words = (
        kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    )
    opener = transformers.AutoModelForCausalLM if words else transformers.AutoModelForImageTextToText
    reader: Any = transformers.AutoTokenizer if words else transformers.AutoProcessor
    processor = reader.from_pretrained(model, **more)
    return processor, opener.from_pretrained(model, dtype=getattr(torch, dtype), **more)


def _identity(model: str, commit: str | None, dtype: Dtype) -> tuple[str, str]:
    """Name and identity: a commit says what the files are, a folder's are hashed."""
    folder = Path(model)
    exact: Any = hash_folder(folder) if folder.is_dir() else [model, commit]
    identity = io.sha256_bytes(io.canonical_json([exact, dtype]).encode())
    return f"{folder.name if folder.is_dir() else model}@{(commit or identity)[:8]}", identity


class HubModel:
    """An ``IdentifiedBackend``.

    Args:
        model: from ``AutoModelForImageTextToText`` or ``AutoModelForCausalLM``, in evaluation mode.
        processor: its own; of a text model its tokeniser.
        name: as it stands on every answer.
        identity: hash of all that answers depend on.
        together: conversations read together.
    """

    def __init__(self, model: Any, processor: Any, name: str, identity: str, together: int = 1) -> None:
        self._model = model
        self._processor = processor
        self._name = name
        self._identity = identity
        self._together = together
        self._tokenizer = getattr(processor, "tokenizer", processor)
        self._sees = self._tokenizer is not processor
        if together > 1:
            self._tokenizer.padding_side = "left"
            if self._tokenizer.pad_token_id is None:
                self._tokenizer.pad_token = self._tokenizer.eos_token
        ends = model.generation_config.eos_token_id
        ends = self._tokenizer.eos_token_id if ends is None else ends
        self._ends = frozenset(ends if isinstance(ends, list) else [ends])

    @property
    def name(self) -> str:
        """Its id or folder, and the beginning of its commit or hash."""
        return self._name

    @property
    def identity(self) -> str:
        """Hash of the commit, or of every file of its folder, and of what it computes in."""
        return self._identity

    @property
    def model(self) -> Any:
        """What transformers loaded."""
        return self._model

    @property
    def tokenizer(self) -> Any:
        """Its own."""
        return self._tokenizer

    @property
    def chat_template(self) -> str:
        """Its own; empty where it has none, as base models often."""
        found = getattr(self._processor, "chat_template", None)
        return "" if not found else found if isinstance(found, str) else io.canonical_json(found)

    @property
    def template(self) -> str:
        """Hash of its chat template; empty where it has none."""
        found = getattr(self._processor, "chat_template", None)
        return io.sha256_bytes(io.canonical_json(found).encode()) if found else ""

    def written(self, turns: Sequence[dict[str, str]], opened: bool = True) -> str:
        """A conversation of plain texts (``role``, ``content``) as its template writes it.

        Args:
            turns: in order.
            opened: the assistant's turn is opened at the end; else the last turn goes on.

        Raises:
            ModelError: it has no chat template.
        """
        shown = [
            {
                "role": t["role"],
                "content": [{"type": "text", "text": t["content"]}] if self._sees else t["content"],
            }
            for t in turns
        ]
        text: str = self._templated(
            shown, tokenize=False, add_generation_prompt=opened, continue_final_message=not opened
        )
        return text

    def _templated(self, chats: Any, **more: Any) -> Any:
        if not self.chat_template:
            raise ModelError(
                f"'{self._name}' has no chat template; save one beside its processor (chat_template.jinja)"
            )
        return self._processor.apply_chat_template(chats, **more)

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer each request, in order.

        Raises:
            ContextError: a conversation fills the model's context.
        """
        replies: list[Reply] = []
        for part in _parts(requests, self._together):
            replies += self._answer(part)
        return replies

    def loglikelihood(self, pairs: Sequence[Pair]) -> list[Loglikelihood]:
        """Score continuations; a request without messages scores its continuation as plain text.

        Prompt and continuation are tokenised apart, as the embedded engine does it.

        Raises:
            DataError: a continuation is empty, or a text has no second token.
        """
        out = []
        last: tuple[Request, dict[str, Any], torch.Tensor] | None = None
        for request, text in pairs:
            if not request.messages:
                out.append(self._score_text(request.before, text))
                continue
            words: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
            if not words:
                raise DataError("an empty continuation has no likelihood; give at least one character")
            if last is None or last[0] is not request:  # the options of one question follow each other
                inputs = self._encode([request])
                last = request, inputs, self._logits(inputs)[:, -1:]
            logits = last[2]
            if len(words) > 1:
                logits = self._logits(_longer(last[1], words[:-1]))[:, -len(words) :]
            out.append(_sum(logits[0], words))
        return out

    def _encode(self, requests: Sequence[Request]) -> dict[str, Any]:
        """What the model is called with: token ids ``(B, T)``, their mask, pixels."""
        chats = [[self._turn(message, request) for message in request.messages] for request in requests]
        padding = {"padding": True} if len(chats) > 1 else {}
        encoded = self._templated(
            chats, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt", **padding
        )
        return {name: self._there(value) for name, value in encoded.items()}

    def _turn(self, message: Message, request: Request) -> dict[str, Any]:
        """A message as the processor reads it; a text model's is a text, and pictures are refused.

        Raises:
            ModelError: it has a picture, and the model reads text alone.
        """
        if self._sees:
            return _turn(message, request)
        if message.images:
            raise ModelError(
                f"{self._name} is a text model and cannot be shown a picture; give another model"
            )
        return {"role": message.role, "content": message.text}

    def _there(self, value: Any) -> Any:
        """A tensor on the model's device, a picture in its type; processors make other things too."""
        if not isinstance(value, torch.Tensor):
            return value
        return value.to(self._model.device, self._model.dtype if value.is_floating_point() else value.dtype)

    def _answer(self, requests: Sequence[Request]) -> list[Reply]:
        inputs = self._encode(requests)
        read = inputs["input_ids"].shape[1]
        sampling = requests[0].sampling
        if any(request.sampling != sampling for request in requests):
            return [reply for request in requests for reply in self._answer([request])]
        room = _context(self._model.config) - read
        if room < 1:
            raise ContextError(f"a conversation takes {read} tokens, which fills the context of {self._name}")
        with torch.inference_mode():
            made = self._model.generate(**inputs, **self._drawing(sampling, min(sampling.max_tokens, room)))
        return [
            self._reply(row[read:].tolist(), int(mask.sum()), sampling)
            for row, mask in zip(made, inputs["attention_mask"], strict=True)
        ]

    def _drawing(self, sampling: Sampling, limit: int) -> dict[str, Any]:
        """Arguments of ``generate``; greedy ones unset what the model's own settings would choose by."""
        more: dict[str, Any] = {"max_new_tokens": limit, "pad_token_id": self._padding}
        if sampling.stop:
            more |= {"stop_strings": list(sampling.stop), "tokenizer": self._tokenizer}
        if sampling.temperature == 0:
            return more | {
                "do_sample": False,
                "temperature": None,
                "top_p": None,
                "top_k": None,
                "num_beams": 1,
                "repetition_penalty": 1.0,
                "no_repeat_ngram_size": 0,
            }
        if sampling.seed is not None:
            torch.manual_seed(sampling.seed)
        return more | {
            "do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0,
        }  # fmt: skip

    @property
    def _padding(self) -> int:
        found = self._tokenizer.pad_token_id
        return int(min(self._ends) if found is None else found)

    def _reply(self, tokens: list[int], prompt: int, sampling: Sampling) -> Reply:
        end = next((place for place, token in enumerate(tokens) if token in self._ends), None)
        words = tokens if end is None else tokens[:end]
        text: str = self._tokenizer.decode(words, skip_special_tokens=True)
        stopped = end is not None
        for stop in sampling.stop:
            if stop in text:
                text, stopped = text[: text.index(stop)], True
        return Reply(text.strip(), self._name, "stop" if stopped else "length", prompt, len(words))

    def _score_text(self, before: str, text: str) -> Loglikelihood:
        # Behind other words with what the tokeniser puts before a text: as lm-evaluation-harness reads it.
        special = bool(before)
        ids: list[int] = self._tokenizer(before + text, add_special_tokens=special)["input_ids"]
        first = len(self._tokenizer(before, add_special_tokens=special)["input_ids"]) if before else 1
        if len(ids) <= first:
            raise DataError(f"the text {text!r} has no second token to score; give a longer one")
        given = torch.tensor([ids], device=self._model.device)
        logits = self._logits({"input_ids": given, "attention_mask": torch.ones_like(given)})
        return _sum(logits[0, first - 1 : -1], ids[first:])

    def _logits(self, inputs: dict[str, Any]) -> torch.Tensor:
        with torch.inference_mode():
            found: torch.Tensor = self._model(**inputs, use_cache=False).logits
        return found.float()


def _turn(message: Message, request: Request) -> dict[str, Any]:
    """A message as processors of pictures read it, its pictures opened."""
    parts: list[dict[str, Any]] = []
    for part in message.content:
        if isinstance(part, ImagePart):
            data = request.images.get(part.image)
            if data is None:
                raise DataError(
                    f"the request names image {part.image[:12]} but does not bring it; send its bytes"
                )
            parts.append({"type": "image", "image": imaging.read(data, part.image[:12]).image})
        else:
            parts.append({"type": "text", "text": part.text})
    return {"role": message.role, "content": parts}


def _longer(inputs: dict[str, Any], words: Sequence[int]) -> dict[str, Any]:
    """The prompt with the continuation's tokens behind it; they are attended to, and are no picture's."""
    ids = inputs["input_ids"]
    more = torch.tensor([list(words)], device=ids.device)
    added = {"input_ids": more, "attention_mask": torch.ones_like(more)}
    return {
        name: torch.cat([value, added.get(name, torch.zeros_like(more)).to(value.dtype)], dim=1)
        if isinstance(value, torch.Tensor) and value.shape == ids.shape
        else value
        for name, value in inputs.items()
    }


def _sum(logits: torch.Tensor, tokens: Sequence[int]) -> Loglikelihood:
    logs = torch.log_softmax(logits, dim=-1)
    wanted = torch.tensor(list(tokens), device=logs.device)
    value = logs.gather(1, wanted[:, None]).sum()
    return Loglikelihood(float(value), len(tokens), bool((logs.argmax(-1) == wanted).all()))


def _context(config: Any) -> int:
    """Most tokens that the language model has positions for; what names none is taken to have enough."""
    text = config.get_text_config()
    return int(getattr(text, "max_position_embeddings", None) or 1 << 30)


def _parts(requests: Sequence[Request], size: int) -> Iterator[Sequence[Request]]:
    for start in range(0, len(requests), size):
        yield requests[start : start + size]
