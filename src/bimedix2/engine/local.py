"""A local checkpoint as a ``StreamingBackend``: batches, streams, and scores continuations."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bimedix2 import imaging
from bimedix2.engine.detokenise import Detokeniser
from bimedix2.engine.draw import draw, generator
from bimedix2.errors import DataError, ModelError
from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.model.checkpoint import Loaded
from bimedix2.model.prompt import Encoded

BATCH = 16
"""Sequences that are decoded together."""
PICTURES = 64
"""Projected pictures that are kept in memory, by their content."""
TURNS = 2
"""Conversations whose keys and values are kept, so that a next turn reads only what is new."""


@dataclass
class _Seat:
    """One sequence of a batch while it is decoded."""

    number: int
    request: Request
    prompt: int
    limit: int
    text: Detokeniser
    rng: Any
    tokens: list[int]


class Engine:
    """Runs one loaded model. Calls from several threads wait for one another.

    Args:
        loaded: from ``bimedix2.model.checkpoint.load``.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._prompter = loaded.prompter
        self._model: Any = loaded.model
        self._language = loaded.model.model.language_model
        ends = loaded.model.generation_config.eos_token_id
        self._ends = frozenset(ends if isinstance(ends, list) else [ends])
        self._pictures: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._turns: OrderedDict[tuple[str, ...], tuple[list[int], Any]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Model name and the hash of its weights."""
        return self._loaded.name

    @property
    def identity(self) -> str:
        """Hash of every file that the answers depend on."""
        return self._loaded.identity

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer requests in batches of similar length; replies come in the requests' order."""
        encoded = [self._prompter.encode(r.messages, generate=True) for r in requests]
        order = sorted(range(len(requests)), key=lambda i: len(encoded[i].ids))
        replies: dict[int, Reply] = {}
        with self._lock, torch.inference_mode():
            for start in range(0, len(order), BATCH):
                part = order[start : start + BATCH]
                replies |= self._batch({i: (requests[i], encoded[i]) for i in part})
        return [replies[i] for i in range(len(requests))]

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Yield the answer's pieces, then the reply. Closing the generator stops the work."""
        encoded = self._prompter.encode(request.messages, generate=True)
        with self._lock:
            yield from self._stream(request, encoded)

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """Score continuations; a request without messages scores the continuation as plain text."""
        with self._lock, torch.inference_mode():
            return self._score(pairs)

    # Pictures and prefill

    def _picture(self, key: str, request: Request) -> torch.Tensor:
        """What the language model reads of a picture: ``(n, D)``."""
        if key in self._pictures:
            self._pictures.move_to_end(key)
            return self._pictures[key]
        if key not in request.images:
            raise DataError(f"the request names image {key[:12]} but does not bring it; send its bytes")
        picture = imaging.read(request.images[key], "the image").image
        pixels = self._loaded.processor.image_processor([picture], return_tensors="pt")["pixel_values"]
        made = self._model.model.get_image_features(pixel_values=pixels)
        features: torch.Tensor = made.pooler_output[0] if hasattr(made, "pooler_output") else made[0]
        self._pictures[key] = features
        while len(self._pictures) > PICTURES:
            self._pictures.popitem(last=False)
        return features

    def _embed(self, request: Request, encoded: Encoded) -> torch.Tensor:
        """Input embeddings ``(T, D)``, pictures in their places."""
        ids = torch.tensor(encoded.ids)
        embeds: torch.Tensor = self._language.embed_tokens(ids)
        if encoded.images:
            pictures = torch.cat([self._picture(key, request) for key in encoded.images])
            embeds[ids == self._prompter.image_id] = pictures.to(embeds.dtype)
        return embeds

    def _logits(self, states: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model.lm_head(states).float()
        logits[..., self._prompter.image_id] = float("-inf")
        return logits

    def _limit(self, request: Request, prompt: int) -> int:
        room = self._prompter.context - prompt
        if room < 1:
            raise ModelError("the conversation fills the context; start a new one")
        return min(request.sampling.max_tokens, room)

    # A batch

    def _seat(self, number: int, request: Request, encoded: Encoded) -> _Seat:
        return _Seat(
            number=number,
            request=request,
            prompt=len(encoded.ids),
            limit=self._limit(request, len(encoded.ids)),
            text=Detokeniser(self._prompter.tokenizer, request.sampling.stop),
            rng=generator(request.sampling),
            tokens=[],
        )

    def _batch(self, requests: dict[int, tuple[Request, Encoded]]) -> dict[int, Reply]:
        """Prefill left-padded, decode together; a finished sequence leaves the batch."""
        from transformers import DynamicCache

        seats = [self._seat(n, request, encoded) for n, (request, encoded) in requests.items()]
        parts = [self._embed(request, encoded) for request, encoded in requests.values()]
        width = max(len(part) for part in parts)
        embeds = parts[0].new_zeros(len(parts), width, parts[0].shape[1])
        mask = torch.zeros(len(parts), width, dtype=torch.long)
        for row, part in enumerate(parts):
            embeds[row, width - len(part) :] = part
            mask[row, width - len(part) :] = 1
        cache = DynamicCache()
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        replies: dict[int, Reply] = {}
        while seats:
            states = self._language(
                inputs_embeds=embeds,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state[:, -1]
            logits = self._logits(states)
            staying = []
            for row, seat in enumerate(seats):
                reply = self._take(seat, draw(logits[row], seat.request.sampling, seat.rng))
                if reply:
                    replies[seat.number] = reply
                else:
                    staying.append(row)
            if len(staying) < len(seats):
                seats = [seats[row] for row in staying]
                if not seats:
                    break
                keep = torch.tensor(staying)
                cache.batch_select_indices(keep)
                mask, positions = mask[keep], positions[keep]
            embeds = self._language.embed_tokens(torch.tensor([[seat.tokens[-1]] for seat in seats]))
            mask = torch.cat([mask, torch.ones(len(seats), 1, dtype=torch.long)], dim=1)
            positions = positions[:, -1:] + 1
        return replies

    def _take(self, seat: _Seat, token: int) -> Reply | None:
        """Give a sequence its next token; return the reply when that ends it."""
        if token not in self._ends:
            seat.tokens.append(token)
            seat.text.push(token)
            if not seat.text.stopped and len(seat.tokens) < seat.limit:
                return None
        seat.text.end()
        cut = token not in self._ends and not seat.text.stopped
        return Reply(
            text=seat.text.text.strip(),
            model=self.name,
            finish="length" if cut else "stop",
            prompt_tokens=seat.prompt,
            completion_tokens=len(seat.tokens),
        )

    # A stream

    def _stream(self, request: Request, encoded: Encoded) -> Iterator[str | Reply]:
        seat = self._seat(0, request, encoded)
        with torch.inference_mode():
            ids, cache, done = self._recall(encoded)
            embeds = self._embed(request, encoded)[done:][None]
        handed, begun = 0, False
        reply: Reply | None = None
        while reply is None:
            with torch.inference_mode():
                positions = torch.arange(len(ids), len(ids) + embeds.shape[1])[None]
                states = self._language(
                    inputs_embeds=embeds, position_ids=positions, past_key_values=cache, use_cache=True
                ).last_hidden_state[0, -1]
                ids += list(encoded.ids[len(ids) :]) if len(ids) < seat.prompt else seat.tokens[-1:]
                token = draw(self._logits(states), request.sampling, seat.rng)
                reply = self._take(seat, token)
                embeds = self._language.embed_tokens(torch.tensor([[token]]))
            if len(seat.text.text) > handed:
                piece = seat.text.text[handed:]
                # Leading blanks are no part of the answer.
                piece = piece if begun else piece.lstrip()
                begun = begun or bool(piece)
                handed = len(seat.text.text)
                if piece:
                    yield piece
            self._turns[encoded.images] = (ids, cache)
        while len(self._turns) > TURNS:
            self._turns.popitem(last=False)
        yield reply

    def _recall(self, encoded: Encoded) -> tuple[list[int], Any, int]:
        """Keys and values of an earlier turn, cut to what this prompt begins with; the last token is new.

        The pictures' content is compared too: equal image tokens may stand for different pictures.
        """
        from transformers import DynamicCache

        best: tuple[int, tuple[str, ...] | None] = (0, None)
        for images, (ids, _) in self._turns.items():
            if images != encoded.images[: len(images)]:
                continue
            same = 0
            for ours, theirs in zip(ids, encoded.ids[:-1], strict=False):
                if ours != theirs:
                    break
                same += 1
            if same > best[0]:
                best = (same, images)
        same, found = best
        if found is None:
            return [], DynamicCache(), 0
        ids, cache = self._turns.pop(found)
        if same < len(ids):
            cache.crop(same - len(ids))  # transformers takes the number of tokens to remove, negative
        return ids[:same], cache, same

    # Scores

    def _score(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        out: list[Loglikelihood] = []
        prompts: dict[tuple[int, ...], Any] = {}
        for request, text in pairs:
            if not request.messages:
                out.append(self._score_text(text))
                continue
            encoded = self._prompter.encode(request.messages, generate=True)
            words = self._prompter.continuation(text)
            if not words:
                raise DataError("an empty continuation has no likelihood; give at least one character")
            key = (*encoded.ids, *(int(image[:8], 16) for image in encoded.images))
            if len(words) == 1:
                if key not in prompts:
                    prompts.clear()
                    prompts[key] = self._states(self._embed(request, encoded))[-1:]
                out.append(self._sum(prompts[key], words))
                continue
            tail = self._language.embed_tokens(torch.tensor(words[:-1]))
            states = self._states(torch.cat([self._embed(request, encoded), tail]))
            out.append(self._sum(states[-len(words) :], words))
        return out

    def _score_text(self, text: str) -> Loglikelihood:
        """The words of a plain text, the first token given."""
        ids = self._prompter.encode_text(text).ids
        states = self._states(self._language.embed_tokens(torch.tensor(ids)))
        return self._sum(states[:-1], ids[1:])

    def _states(self, embeds: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self._language(inputs_embeds=embeds[None], use_cache=False).last_hidden_state[
            0
        ]
        return states

    def _sum(self, states: torch.Tensor, tokens: Sequence[int]) -> Loglikelihood:
        logs = torch.log_softmax(self._logits(states), dim=-1)
        wanted = torch.tensor(tokens)
        value = logs.gather(1, wanted[:, None]).sum()
        return Loglikelihood(float(value), len(tokens), bool((logs.argmax(-1) == wanted).all()))
