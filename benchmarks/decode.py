"""Tokens a second of the embedded engine and of transformers' ``generate``, on the same prompts, in one run.

    python benchmarks/decode.py --dataset runs/nano/dataset --threads 1

Prompts are held-out questions on real pictures. ``alone`` answers one request after the other, ``batch`` all
of them together (``generate`` left-padded), ``one picture`` several questions on one picture together, ``next
turn`` the second turn of a conversation on a picture, whose first turn the engine has just answered. Answers
must be equal. Sides take turns, so that what else the machine does falls on both.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from bimedix2 import imaging
from bimedix2.engine.local import Engine
from bimedix2.errors import BiMediX2Error, DataError
from bimedix2.llm.backend import Reply, Request, Sampling
from bimedix2.model import checkpoint
from bimedix2.records import Message, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records

Answers = list[tuple[str, int]]
"""Text and number of tokens, a request each."""


class Generate:
    """transformers alone: its template, its processor, its ``generate``."""

    def __init__(self, loaded: checkpoint.Loaded) -> None:
        self.model: Any = loaded.model
        self.processor = loaded.processor
        self.end = loaded.processor.tokenizer.eos_token_id

    def __call__(self, requests: Sequence[Request]) -> Answers:
        conversations, pictures = [], []
        for request in requests:
            turns = []
            for message in request.messages:
                parts: list[dict[str, str]] = [{"type": "image"} for _ in message.images]
                turns.append(
                    {"role": message.role, "content": [*parts, {"type": "text", "text": message.text}]}
                )
                pictures += [imaging.read(request.images[part.image], "it").image for part in message.images]
            conversations.append(self.processor.apply_chat_template(turns, add_generation_prompt=True))
        inputs = self.processor(
            text=conversations, images=pictures, return_tensors="pt", padding=True, padding_side="left"
        )
        with torch.inference_mode():
            out = self.model.generate(
                **inputs, max_new_tokens=requests[0].sampling.max_tokens, do_sample=False
            )
        rows = out[:, inputs["input_ids"].shape[1] :].tolist()
        decode = self.processor.tokenizer.decode
        tokens = [[token for token in row if token != self.end] for row in rows]
        return [(decode(row, skip_special_tokens=True).strip(), len(row)) for row in tokens]


def requests_of(options: argparse.Namespace) -> tuple[list[Request], list[Request]]:
    """Questions on different pictures, and as many on one picture."""
    store = ImageStore(options.dataset / "images")
    records = [r for r in read_records(options.dataset) if r.task == "vqa" and r.split is Split.TEST]
    by_image: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda r: r.id):
        by_image.setdefault(record.images[0].image, []).append(record)
    if len(by_image) < options.requests:
        raise DataError(f"the dataset has {len(by_image)} pictures with questions; choose fewer --requests")
    asked = sorted(by_image.values(), key=len)

    def request(record: Record) -> Request:
        images = {part.image: store.read(part.image) for part in record.images}
        return Request(record.messages[:-1], images, Sampling(max_tokens=options.tokens))

    apart = [request(rows[number % len(rows)]) for number, rows in enumerate(asked[-options.requests :])]
    return apart, [request(record) for record in asked[-1][: options.requests]]


@dataclass
class Times:
    """Of one way to ask: seconds of the process and of the clock, each time; and what was said."""

    process: list[float] = field(default_factory=list)
    clock: list[float] = field(default_factory=list)
    answers: Answers = field(default_factory=list)


def next_turn(first: Request, reply: Reply, words: str) -> Request:
    """The same conversation, answered, with another question."""
    turns = (*first.messages, Message.of("assistant", reply.text or "-"), Message.of("user", words))
    return Request(turns, first.images, first.sampling)


def ways(engine: Engine, generate: Generate, options: argparse.Namespace) -> dict[str, Callable[[], Answers]]:
    """Name -> one measured pass; what must come before it is done by the pass before, in this order."""
    apart, together = requests_of(options)

    def chat(requests: Sequence[Request]) -> Answers:
        engine._pictures = type(engine._pictures)(engine._model, generate.processor)  # a cold start each time
        return [(reply.text, reply.completion_tokens) for reply in engine.chat(requests)]

    reply = engine.chat(apart[:1])[0]
    second = next_turn(apart[0], reply, "And what else can be seen?")

    def stream(request: Request) -> Answers:
        *_, last = engine.stream(request)
        assert isinstance(last, Reply)
        return [(last.text, last.completion_tokens)]

    def second_turn() -> Answers:
        return stream(second)

    return {
        "alone, generate": lambda: [answer for request in apart for answer in generate([request])],
        "alone, engine": lambda: [answer for request in apart for answer in chat([request])],
        "batch, generate": lambda: generate(apart),
        "batch, engine": lambda: chat(apart),
        "one picture, generate": lambda: generate(together),
        "one picture, engine": lambda: chat(together),
        "next turn, generate": lambda: generate([second]),
        "first turn, engine": lambda: stream(apart[0]),
        "next turn, engine": second_turn,
    }


def report(found: dict[str, Times]) -> None:
    """Print the table."""
    print("| | tokens | tokens/s (process) | tokens/s (clock) | of generate (process) | (clock) | equal |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, times in found.items():
        count = sum(tokens for _, tokens in times.answers)
        speeds = [count / statistics.median(part) for part in (times.process, times.clock)]
        other = found.get(name.replace("engine", "generate"))
        cells = ["", "", ""]
        if other is not None and other is not times:
            pairs = ((other.process, times.process), (other.clock, times.clock))
            ratios = [statistics.median(b / a for b, a in zip(*pair, strict=True)) for pair in pairs]
            same = sum(a == b for a, b in zip(other.answers, times.answers, strict=True))
            cells = [*(f"{ratio:.2f}" for ratio in ratios), f"{same} of {len(times.answers)}"]
        print(f"| {name} | {count} | {speeds[0]:.1f} | {speeds[1]:.1f} | {' | '.join(cells)} |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table and the machine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--dataset", type=Path, default=Path("runs/nano/dataset"))
    parser.add_argument("--model", default="nano-base")
    parser.add_argument("--requests", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    logging.set_verbosity_error()
    try:
        loaded = checkpoint.load(options.model)
        passes = ways(Engine(loaded), Generate(loaded), options)
    except BiMediX2Error as error:
        sys.exit(f"error: {error}")
    found = {name: Times() for name in passes}
    for _ in range(options.repeat):
        for name, run in passes.items():
            process, clock = time.process_time(), time.perf_counter()
            found[name].answers = run()
            found[name].process.append(time.process_time() - process)
            found[name].clock.append(time.perf_counter() - clock)
    processor = next((line for line in _cpuinfo() if line.startswith("model name")), platform.processor())
    print(f"{processor.split(':')[-1].strip()}, torch {torch.__version__}, {options.threads} thread(s)")
    print(f"{loaded.name}: {options.requests} requests, at most {options.tokens} tokens an answer")
    report(found)


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.is_file() else []


if __name__ == "__main__":
    main()
