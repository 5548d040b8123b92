"""A local checkpoint as a ``StreamingBackend``: batches, streams, and scores continuations."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bimedix2.engine.detokenise import Detokeniser
from bimedix2.engine.draw import draw, generator
from bimedix2.engine.options import Scorer, Tokens
from bimedix2.engine.pictures import Pictures
from bimedix2.engine.turns import Turns
from bimedix2.errors import ContextError, DataError
from bimedix2.llm.backend import Loglikelihood, Reply, Request, Sampling
from bimedix2.model.checkpoint import Loaded
from bimedix2.model.prompt import Encoded, Prompter

ROWS = 64
"""Most sequences that are decoded together: a step reads the weights once, however many there are."""
TOKENS = 16_384
"""Most tokens, prompts and answers together, whose keys and values a batch holds."""


@dataclass(frozen=True)
class _Asked:
    """One request, its number in the call, its prompt, and how many tokens its answer may take."""

    number: int
    request: Request
    encoded: Encoded
    limit: int

    @property
    def beginning(self) -> tuple[str | int, ...]:
        """What another prompt must equal to share the tokens up to its first picture's end."""
        return (*self.encoded.images[:1], *self.encoded.ids[: self.encoded.shared])

    @property
    def most(self) -> int:
        """Tokens at the end, at most."""
        return len(self.encoded.ids) + self.limit


@dataclass
class _Seat:
    """One sequence of a batch while it is decoded."""

    asked: _Asked
    text: Detokeniser
    rng: Any
    tokens: list[int]


def _batches(asked: Sequence[_Asked]) -> Iterator[list[_Asked]]:
    """Requests whose shared beginnings are of one length; those on one picture beside each other."""

    def place(one: _Asked) -> tuple[int, tuple[str, ...], int, int]:
        return one.encoded.shared, one.encoded.images[:1], len(one.encoded.ids), one.number

    batch: list[_Asked] = []
    for one in sorted(asked, key=place):
        most = max([one.most, *(other.most for other in batch)])
        another = batch and batch[0].encoded.shared != one.encoded.shared
        if another or len(batch) == ROWS or (batch and most * (len(batch) + 1) > TOKENS):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


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
        self._device = loaded.model.device
        ends = loaded.model.generation_config.eos_token_id
        self._ends = frozenset(ends if isinstance(ends, list) else [ends])
        self._pictures = Pictures(loaded.model, loaded.processor)
        self._turns = Turns()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Model name and the hash of its weights."""
        return self._loaded.name

    @property
    def identity(self) -> str:
        """Hash of every file that the answers depend on."""
        return self._loaded.identity

    @property
    def prompter(self) -> Prompter:
        """The checkpoint's prompt path."""
        return self._prompter

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer requests in batches, those on one picture together; replies come in the requests' order."""
        asked = []
        for number, request in enumerate(requests):
            encoded = self._prompter.encode(request.messages, generate=True)
            asked.append(_Asked(number, request, encoded, self._limit(request, len(encoded.ids))))
        return self._answer(asked)

    def complete(self, prompts: Sequence[tuple[Tokens, Sampling]]) -> list[Reply]:
        """Continue token sequences as they are, without template or picture; replies come in their order."""
        asked = []
        for number, (ids, sampling) in enumerate(prompts):
            request = Request((), sampling=sampling)
            encoded = Encoded(ids, (0,) * len(ids), (), 0)
            asked.append(_Asked(number, request, encoded, self._limit(request, len(ids))))
        return self._answer(asked)

    def _answer(self, asked: Sequence[_Asked]) -> list[Reply]:
        replies: dict[int, Reply] = {}
        with self._lock, torch.inference_mode():
            for batch in _batches(asked):
                replies |= self._batch(batch)
        return [replies[number] for number in range(len(asked))]

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Yield the answer's pieces, then the reply. Closing the generator stops the work."""
        encoded = self._prompter.encode(request.messages, generate=True)
        asked = _Asked(0, request, encoded, self._limit(request, len(encoded.ids)))
        with self._lock:
            yield from self._stream(asked)

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """Score continuations; a request without messages scores the continuation as plain text."""
        with self._lock, torch.inference_mode():
            return self._score(pairs)

    def score(self, pairs: Sequence[tuple[Tokens, Tokens]], rows: int) -> Iterator[tuple[int, Loglikelihood]]:
        """Score token sequences as they are; see ``bimedix2.engine.options``.

        Args:
            pairs: ``(context, continuation)``.
            rows: contexts that are read together.
        """
        scorer = Scorer(self._language, self._model.lm_head, rows)
        with self._lock:
            yield from scorer.score(pairs)

    # What the language model reads and says

    def _ids(self, values: Sequence[Any]) -> torch.Tensor:
        """Whole numbers, where the model is."""
        return torch.tensor(values, dtype=torch.long, device=self._device)

    def _embed(self, request: Request, encoded: Encoded) -> torch.Tensor:
        """Input embeddings ``(T, D)``, pictures in their places."""
        ids = self._ids(encoded.ids)
        embeds: torch.Tensor = self._language.embed_tokens(ids)
        if encoded.images:
            pictures = torch.cat([self._pictures.see(key, request.images) for key in encoded.images])
            embeds[ids == self._prompter.image_id] = pictures.to(embeds.dtype)
        return embeds

    def _logits(self, states: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model.lm_head(states).float()
        logits[..., self._prompter.image_id] = float("-inf")
        return logits

    def _limit(self, request: Request, prompt: int) -> int:
        room = self._prompter.context - prompt
        if room < 1:
            raise ContextError("the conversation fills the context; start a new one")
        return min(request.sampling.max_tokens, room)

    # A batch

    def _seat(self, asked: _Asked) -> _Seat:
        sampling = asked.request.sampling
        words = Detokeniser(self._prompter.tokenizer, sampling.stop)
        return _Seat(asked, words, generator(sampling), [])

    def _batch(self, batch: Sequence[_Asked]) -> dict[int, Reply]:
        """Decode together; a finished sequence leaves the batch."""
        seats = [self._seat(asked) for asked in batch]
        embeds, mask, positions, cache = self._prefill(batch)
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
                reply = self._take(seat, draw(logits[row], seat.asked.request.sampling, seat.rng))
                if reply:
                    replies[seat.asked.number] = reply
                else:
                    staying.append(row)
            if not staying:
                break
            if len(staying) < len(seats):
                seats = [seats[row] for row in staying]
                keep = self._ids(staying)
                cache.batch_select_indices(keep)
                mask, positions = mask[keep], positions[keep]
            embeds = self._language.embed_tokens(self._ids([[seat.tokens[-1]] for seat in seats]))
            mask = torch.cat([mask, mask.new_ones(len(seats), 1)], dim=1)
            positions = positions[:, -1:] + 1
        return replies

    def _prefill(self, batch: Sequence[_Asked]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Any]:
        """Embeddings, mask and positions of what is still to be read, left-padded; and the cache before it.

        Sequences that begin with one picture have that beginning read once.
        """
        from transformers import DynamicCache

        parts = [self._embed(asked.request, asked.encoded) for asked in batch]
        cache, shared = DynamicCache(), 0
        beginnings: dict[tuple[str | int, ...], int] = {}
        rows = [beginnings.setdefault(asked.beginning, len(beginnings)) for asked in batch]
        if len(beginnings) < len(batch) and batch[0].encoded.shared:
            shared = batch[0].encoded.shared
            first = [rows.index(number) for number in range(len(beginnings))]
            self._language(
                inputs_embeds=torch.stack([parts[row][:shared] for row in first]),
                past_key_values=cache,
                use_cache=True,
            )
            cache.batch_select_indices(self._ids(rows))
            parts = [part[shared:] for part in parts]
        width = max(len(part) for part in parts)
        embeds = parts[0].new_zeros(len(parts), width, parts[0].shape[1])
        mask = torch.zeros(len(parts), width, dtype=torch.long, device=self._device)
        for row, part in enumerate(parts):
            embeds[row, width - len(part) :] = part
            mask[row, width - len(part) :] = 1
        positions = shared + (mask.cumsum(-1) - 1).clamp(min=0)
        return embeds, torch.cat([mask.new_ones(len(parts), shared), mask], dim=1), positions, cache

    def _take(self, seat: _Seat, token: int) -> Reply | None:
        """Give a sequence its next token; return the reply when that ends it."""
        if token not in self._ends:
            seat.tokens.append(token)
            seat.text.push(token)
            if not seat.text.stopped and len(seat.tokens) < seat.asked.limit:
                return None
        seat.text.end()
        cut = token not in self._ends and not seat.text.stopped
        return Reply(
            text=seat.text.text.strip(),
            model=self.name,
            finish="length" if cut else "stop",
            prompt_tokens=len(seat.asked.encoded.ids),
            completion_tokens=len(seat.tokens),
        )

    # A stream

    def _stream(self, asked: _Asked) -> Iterator[str | Reply]:
        seat = self._seat(asked)
        turn = self._turns.recall(asked.encoded)
        reply: Reply | None = None
        handed = 0
        with torch.inference_mode():
            fresh = asked.encoded.ids[len(turn.ids) :]
            embeds = self._embed(asked.request, asked.encoded)[len(turn.ids) :][None]
        try:
            while reply is None:
                with torch.inference_mode():
                    positions = self._ids([range(len(turn.ids), len(turn.ids) + len(fresh))])
                    states = self._language(
                        inputs_embeds=embeds,
                        position_ids=positions,
                        past_key_values=turn.cache,
                        use_cache=True,
                    ).last_hidden_state[0, -1]
                    turn.ids += fresh
                    token = draw(self._logits(states), asked.request.sampling, seat.rng)
                    reply = self._take(seat, token)
                    fresh = (token,)
                    embeds = self._language.embed_tokens(self._ids([fresh]))
                # Blanks at either end are no part of the answer: they wait for a word after them.
                certain = seat.text.text.strip()
                if len(certain) > handed:
                    yield certain[handed:]
                    handed = len(certain)
        finally:
            self._turns.keep(turn)
        yield reply

    # Scores

    def _score(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        out: list[Loglikelihood] = []
        last: tuple[Encoded, torch.Tensor] | None = None
        for request, text in pairs:
            if not request.messages:
                out.append(self._score_text(request.before, text))
                continue
            encoded = self._prompter.encode(request.messages, generate=True)
            words = self._prompter.continuation(text)
            if not words:
                raise DataError("an empty continuation has no likelihood; give at least one character")
            if len(encoded.ids) + len(words) > self._prompter.context:
                raise ContextError(
                    f"prompt and continuation take {len(encoded.ids) + len(words)} tokens and the context is "
                    f"{self._prompter.context}; shorten one of them"
                )
            if len(words) > 1:
                tail = self._language.embed_tokens(self._ids(words[:-1]))
                states = self._states(torch.cat([self._embed(request, encoded), tail]))
                out.append(self._sum(states[-len(words) :], words))
                continue
            if last is None or last[0] != encoded:  # the options of one question follow each other
                last = encoded, self._states(self._embed(request, encoded))[-1:]
            out.append(self._sum(last[1], words))
        return out

    def _score_text(self, before: str, text: str) -> Loglikelihood:
        """The words of a plain text behind others, or but for its first token, which is given."""
        ids = self._prompter.encode_text(before + text).ids
        given = len(self._prompter.encode_text(before).ids) if before else 1
        if len(ids) <= given:
            raise DataError(f"the text {text!r} has no second token to score; give a longer one")
        states = self._states(self._language.embed_tokens(self._ids(ids)))
        return self._sum(states[given - 1 : -1], ids[given:])

    def _states(self, embeds: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self._language(inputs_embeds=embeds[None], use_cache=False).last_hidden_state[
            0
        ]
        return states

    def _sum(self, states: torch.Tensor, tokens: Sequence[int]) -> Loglikelihood:
        logs = torch.log_softmax(self._logits(states), dim=-1)
        wanted = self._ids(tokens)
        value = logs.gather(1, wanted[:, None]).sum()
        return Loglikelihood(float(value), len(tokens), bool((logs.argmax(-1) == wanted).all()))
