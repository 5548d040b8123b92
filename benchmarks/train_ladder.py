"""How much faster each trick makes a training step: the same samples, the same loss, in one run.

    python benchmarks/train_ladder.py --dataset runs/nano/dataset --threads 1

Rungs: ``padded`` is what a Hugging Face Trainer with LLaVA's collator does (shuffled batches padded to their
longest sample, vision tower in every step, logits of every position); ``sorted`` the same with batches of
similar length; ``packed`` lays the samples end to end, one causal attention call each; ``answers`` computes
logits only where an answer is predicted; ``features`` runs the tower once for each picture, its time counted;
``shared`` writes once what samples begin with alike: the system turn, and a picture for the questions on it.
Decoding and resizing pictures is done before the clock starts, for every rung. Rungs take turns, so that what
else the machine does falls on all of them.
"""

import argparse
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers.utils import logging

from bimedix2 import imaging
from bimedix2.errors import BiMediX2Error, DataError
from bimedix2.model import checkpoint
from bimedix2.records import Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.train.packing import Packed, Sample, rows_of
from bimedix2.train.samples import instruct_samples
from bimedix2.train.step import Runner

BATCH = 8
"""Samples of a padded batch; packed rows hold about as many tokens."""
TOWER_BATCH = 8


class Pixels:
    """Stands for the features of a row: the tower runs whenever a row asks, or once for all of them."""

    def __init__(self, model: Any, pixels: dict[str, torch.Tensor]) -> None:
        self.model = model
        self.pixels = pixels
        self.kept: dict[str, torch.Tensor] = {}

    def tower(self, keys: Sequence[str]) -> torch.Tensor:
        layer = self.model.config.vision_feature_layer
        pixels = torch.stack([self.pixels[key] for key in keys])
        with torch.no_grad():
            out = self.model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[layer]
        return out[:, 1:]

    def keep_all(self) -> None:
        keys = list(self.pixels)
        for start in range(0, len(keys), TOWER_BATCH):
            part = keys[start : start + TOWER_BATCH]
            # float16, as training keeps them on disk
            self.kept |= dict(zip(part, self.tower(part).half(), strict=True))

    def take(self, keys: Sequence[str]) -> torch.Tensor:
        if self.kept:
            return torch.stack([self.kept[key] for key in keys]).float()
        return self.tower(keys)


class Bench:
    """The model with its adapter, one set of samples, and the rungs that train on them."""

    def __init__(
        self, loaded: checkpoint.Loaded, samples: list[Sample], pixels: dict[str, torch.Tensor]
    ) -> None:
        model: Any = loaded.model
        model.requires_grad_(False)
        assert loaded.preset is not None
        self.outer = checkpoint.add_adapter(model, loaded.preset, 2.0, 0)
        model.model.multi_modal_projector.requires_grad_(True)
        with torch.no_grad():  # an adapter that says something, so that every gradient counts
            for name, parameter in self.outer.named_parameters():
                if "lora_B" in name:
                    parameter.copy_(torch.sin(torch.arange(parameter.numel())).view_as(parameter) * 1e-2)
        self.llava = model
        self.language = model.model.language_model
        self.pixels = pixels
        self.samples = samples
        self.image, self.pad = loaded.prompter.image_id, int(loaded.prompter.tokenizer.pad_token_id)
        self.answers = sum(sum(sample.target) for sample in samples)
        self.tokens = sum(len(sample.ids) for sample in samples)
        self.budget = BATCH * round(self.tokens / len(samples))
        self.learned = [p for p in self.outer.parameters() if p.requires_grad]
        # The rate is zero: the optimiser's work is done, and every rung meets the same weights.
        self.optimiser = torch.optim.AdamW(self.learned, lr=0.0, weight_decay=0.0)

    def step(self, loss: torch.Tensor) -> float:
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.learned, 1e9)
        self.optimiser.step()
        return float(loss.detach())

    def padded(self, by_length: bool = False) -> float:
        self.language.config._attn_implementation = "sdpa"
        samples = sorted(self.samples, key=lambda s: len(s.ids)) if by_length else self.samples
        loss = 0.0
        for start in range(0, len(samples), BATCH):
            loss += self.step(self._padded_batch(samples[start : start + BATCH]))
        return loss

    def _padded_batch(self, batch: Sequence[Sample]) -> torch.Tensor:
        width = max(len(sample.ids) for sample in batch)
        ids = torch.full((len(batch), width), self.pad)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for row, sample in enumerate(batch):
            tokens, size = torch.tensor(sample.ids), len(sample.ids)
            ids[row, :size], mask[row, :size] = tokens, 1
            labels[row, :size] = tokens.where(torch.tensor(sample.target).bool(), torch.tensor(-100))
        out = self.outer(
            input_ids=ids,
            attention_mask=mask,
            pixel_values=torch.stack([self.pixels[key] for sample in batch for key in sample.images]),
            labels=labels,
            num_items_in_batch=self.answers,
        )
        loss: torch.Tensor = out.loss
        return loss

    def packed(self, *, answers_only: bool, keep: bool, branches: int = 1) -> float:
        features = Pixels(self.llava, self.pixels)
        runner = Runner(self.outer, features)  # type: ignore[arg-type]
        if keep:
            features.keep_all()
        loss = 0.0
        for row in rows_of(self.samples, self.budget, branches, self.image, share=branches > 1):
            loss += self.step(self._packed_row(runner, row, answers_only))
        return loss

    def _packed_row(self, runner: Runner, row: Packed, answers_only: bool) -> torch.Tensor:
        labels = torch.from_numpy(row.labels)
        if answers_only:
            logits = self.llava.lm_head(runner.hidden(row))
        else:
            every = self.llava.lm_head(runner.states(row))
            marked = torch.full((len(row.ids),), -100)
            marked[torch.from_numpy(row.predict)] = labels
            logits, labels = every, marked
        return functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum") / self.answers


def rungs(bench: Bench) -> dict[str, Callable[[], float]]:
    """Name -> one pass over the samples, which returns their loss."""
    return {
        "padded": bench.padded,
        "sorted": lambda: bench.padded(by_length=True),
        "packed": lambda: bench.packed(answers_only=False, keep=False),
        "answers": lambda: bench.packed(answers_only=True, keep=False),
        "features": lambda: bench.packed(answers_only=True, keep=True),
        "shared": lambda: bench.packed(answers_only=True, keep=True, branches=5),
    }


@dataclass
class Times:
    """Of one rung: seconds of the process and of the clock, a pass each; its loss and gradient norm."""

    process: list[float]
    clock: list[float]
    loss: float = 0.0
    norm: float = 0.0


def measure(bench: Bench, repeat: int) -> dict[str, Times]:
    """Run every rung once unmeasured on a few samples, then all of them ``repeat`` times in turns."""
    found = {name: Times([], []) for name in rungs(bench)}
    everything, bench.samples = bench.samples, bench.samples[:BATCH]
    for run in rungs(bench).values():
        run()
    bench.samples = everything
    for _ in range(repeat):
        for name, run in rungs(bench).items():
            bench.optimiser.zero_grad(set_to_none=True)
            process, clock = time.process_time(), time.perf_counter()
            found[name].loss = run()
            found[name].process.append(time.process_time() - process)
            found[name].clock.append(time.perf_counter() - clock)
            grads = [p.grad.norm() for p in bench.learned if p.grad is not None]
            found[name].norm = float(torch.stack(grads).norm())
    return found


def report(title: str, bench: Bench, found: dict[str, Times]) -> bool:
    """Print one table; return whether all losses and gradients agree."""
    images = len({key for sample in bench.samples for key in sample.images})
    print(
        f"\n{title}: {len(bench.samples)} samples on {images} pictures, {bench.tokens:,} tokens, "
        f"{bench.answers:,} of them learned, padded batches of {BATCH}, rows of {bench.budget} tokens"
    )
    print(
        "| rung | tokens/s (process) | tokens/s (clock) | of padded (process) | (clock) | loss | gradient |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    base = found["padded"]
    for name, times in found.items():
        speeds = [bench.tokens / statistics.median(part) for part in (times.process, times.clock)]
        ratios = [
            statistics.median(b / t for b, t in zip(ours, theirs, strict=True))
            for ours, theirs in ((base.process, times.process), (base.clock, times.clock))
        ]
        print(
            f"| {name} | {speeds[0]:.0f} | {speeds[1]:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} "
            f"| {times.loss:.6f} | {times.norm:.5f} |"
        )
    losses, norms = ([getattr(t, key) for t in found.values()] for key in ("loss", "norm"))
    spread = [(max(part) - min(part)) / base for part, base in ((losses, losses[0]), (norms, norms[0]))]
    print(f"losses agree to {spread[0]:.1e}, gradient norms to {spread[1]:.1e} (relative)", flush=True)
    return spread[0] < 1e-4 and spread[1] < 1e-2


def choose(records: Sequence[Record], count: int, each: int, seed: int) -> list[Record]:
    """Single questions on ``count / each`` pictures, ``each`` on one, all pictures alike likely."""
    by_image: dict[str, list[Record]] = {}
    for record in records:
        if record.task == "vqa" and record.split is Split.TRAIN:
            by_image.setdefault(record.images[0].image, []).append(record)
    rng = random.Random(seed)
    enough = sorted(image for image, rows in by_image.items() if len(rows) >= each)
    if len(enough) < count // each:
        raise DataError(f"only {len(enough)} pictures have {each} questions; choose fewer --samples")
    chosen = [r for image in rng.sample(enough, count // each) for r in rng.sample(by_image[image], each)]
    rng.shuffle(chosen)
    return chosen


def machine() -> str:
    """Processor, cores, versions."""
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    name = names[0] if names else platform.processor()
    return f"{name}, {len(names)} cores, torch {torch.__version__}, {torch.get_num_threads()} thread(s)"


def scenarios(options: argparse.Namespace, records: list[Record]) -> Iterator[tuple[str, Bench]]:
    """The model and its samples, for each number of times that a picture is seen."""
    store = ImageStore(options.dataset / "images")
    for each in options.each:
        title = "pictures seen once" if each == 1 else f"pictures seen {each} times"
        loaded = checkpoint.load(f"{options.model}{checkpoint.BASE_SUFFIX}")
        chosen = choose(records, options.samples, each, options.seed)
        samples = instruct_samples(chosen, loaded.prompter, 1, 1, options.seed)
        random.Random(options.seed).shuffle(samples)
        pixels = {}
        for key in sorted({key for sample in samples for key in sample.images}):
            picture = imaging.read(store.read(key[:64]), key[:12]).image
            pixels[key] = loaded.processor.image_processor([picture], return_tensors="pt")["pixel_values"][0]
        yield title, Bench(loaded, samples, pixels)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each number of times that a picture is seen; exit with 1 where the losses differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--dataset", type=Path, default=Path("runs/nano/dataset"))
    parser.add_argument("--model", default="nano")
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, nargs="+", default=[1, 10], help="questions on one picture")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    logging.set_verbosity_error()
    print(machine(), flush=True)
    agree = True
    try:
        for title, bench in scenarios(options, list(read_records(options.dataset))):
            agree &= report(title, bench, measure(bench, options.repeat))
    except BiMediX2Error as error:
        sys.exit(f"error: {error}")
    if not agree:
        sys.exit("error: the rungs do not compute the same loss")


if __name__ == "__main__":
    main()
