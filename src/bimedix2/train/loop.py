"""The training loop: rows in a fixed order, saved so that a killed run goes on exactly.

Every draw comes from the seed and the step's number, nothing in a forward pass is random, and the state on
disk is the whole state: a resumed run's losses equal the uninterrupted run's bit for bit at one thread count.
"""

import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bimedix2 import io
from bimedix2.errors import RunError
from bimedix2.train.packing import Packed, Sample, fill, pack, plant, rows_of, thin
from bimedix2.train.step import Runner

STATE = ".state"
"""Below the staging folder; hidden files are not part of a finished run."""
SAVED = "state.pt"


@dataclass(frozen=True)
class Plan:
    """How long, how fast, in what portions."""

    epochs: int
    row_tokens: int
    branches: int
    accumulate: int
    warmup: int
    clip: float
    seed: int
    keep_every: int
    keep_weight: float
    patch_dropout: float
    anchor_weight: float
    save_every: int


def order(phases: Sequence[Sequence[Sample]], plan: Plan, image_token: int) -> list[list[Packed]]:
    """The rows of every optimiser step: epoch after epoch, in it phase after phase, each shuffled by tree."""
    steps: list[list[Packed]] = []
    for epoch in range(plan.epochs):
        for number, samples in enumerate(phases):
            trees = plant(samples, plan.branches)
            random.Random(f"{plan.seed}:{epoch}:{number}").shuffle(trees)
            rows = [pack(row, image_token) for row in fill(trees, plan.row_tokens)]
            if plan.patch_dropout:
                draws = ((plan.seed, epoch, number, at) for at in range(len(rows)))
                rows = [thin(row, plan.patch_dropout, draw) for row, draw in zip(rows, draws, strict=True)]
            steps += [rows[i : i + plan.accumulate] for i in range(0, len(rows), plan.accumulate)]
    return steps


def keep_rows(samples: Sequence[Sample], plan: Plan, image_token: int) -> list[Packed]:
    """Rows of held text, shuffled."""
    shuffled = list(samples)
    random.Random(f"{plan.seed}:keep").shuffle(shuffled)
    return list(rows_of(shuffled, plan.row_tokens, 1, image_token))


def rate(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate: a linear warm-up, then half a cosine down to zero."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


class Trainer:
    """Trains the parameters it is given.

    Args:
        runner: the model and its features.
        groups: of the optimiser, each with its peak ``lr``.
        plan: the schedule.
        folder: where the log and the state are written.
        anchor: a loss of the step's number that is added with ``plan.anchor_weight``, or ``None``.
    """

    def __init__(
        self,
        runner: Runner,
        groups: list[dict[str, Any]],
        plan: Plan,
        folder: Path,
        anchor: Callable[[int], torch.Tensor] | None = None,
    ) -> None:
        self.runner = runner
        self.anchor = anchor
        self.plan = plan
        self.folder = folder
        self.parameters = [p for group in groups for p in group["params"]]
        self.optimiser = torch.optim.AdamW(groups, weight_decay=0.0)
        self.peaks = [float(group["lr"]) for group in groups]
        self.step = 0

    def run(self, steps: list[list[Packed]], keep: list[Packed]) -> None:
        """Do the steps that are not done yet, with a progress bar, and log each to ``log.jsonl``."""
        self._resume()
        with _bar() as bar, (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            task = bar.add_task("train", total=len(steps), completed=self.step, note="")
            for rows in steps[self.step :]:
                line = self._one(rows, self._keep_row(keep), len(steps))
                log.write(json.dumps(line, allow_nan=False) + "\n")
                log.flush()
                note = f"loss {line['loss']:.3f}  exact {line['exact'] / max(1, line['samples']):.0%}"
                bar.update(task, completed=self.step, note=note)
                if self.step % self.plan.save_every == 0:
                    self._save(log)
            self._save(log)

    def _keep_row(self, keep: list[Packed]) -> Packed | None:
        if not keep or not self.plan.keep_every or self.step % self.plan.keep_every:
            return None
        return keep[(self.step // self.plan.keep_every) % len(keep)]

    def _one(self, rows: list[Packed], keep: Packed | None, total: int) -> dict[str, Any]:
        began = time.perf_counter()
        share = rate(self.step, total, self.plan.warmup)
        for group, peak in zip(self.optimiser.param_groups, self.peaks, strict=True):
            group["lr"] = peak * share
        self.optimiser.zero_grad(set_to_none=True)
        line: dict[str, Any] = {"step": self.step}
        tokens, pull = self._pull(keep, line) if keep is not None else (0, [])
        loss, samples, exact = 0.0, 0, 0
        for row in rows:
            result = self.runner.answer(row)
            (result.loss / len(rows)).backward()  # type: ignore[no-untyped-call]
            loss += float(result.loss.detach()) / len(rows)
            samples += result.samples
            exact += result.exact
            tokens += result.tokens
        line |= {"loss": loss, "samples": samples, "exact": exact}
        if self.anchor is not None:
            held_by = self.anchor(self.step)
            (held_by * self.plan.anchor_weight).backward()  # type: ignore[no-untyped-call]
            line["anchor"] = float(held_by.detach())
        line["norm"] = self._clip()
        for parameter, add in zip(self.parameters, pull, strict=False):
            if add is not None:
                parameter.grad = add if parameter.grad is None else parameter.grad.add_(add)
        if not all(math.isfinite(line.get(key, 0.0)) for key in ("loss", "norm", "keep", "keep_norm")):
            raise RunError(
                f"step {self.step}: the loss or its gradient is no number; lower learning_rate, "
                "projector_rate or clip, and train into another output"
            )
        self.optimiser.step()
        self.step += 1
        return {**line, "rate": share, "tokens": tokens, "seconds": round(time.perf_counter() - began, 3)}

    def _pull(self, keep: Packed, line: dict[str, Any]) -> tuple[int, list[torch.Tensor | None]]:
        """Tokens of a row of held text, and its gradient.

        It is clipped by itself: its norm is many times that of the answers', which would hardly count in such
        a step if both were clipped as one.
        """
        held = self.runner.keep(keep)
        (held.loss * self.plan.keep_weight).backward()  # type: ignore[no-untyped-call]
        line |= {"keep": float(held.loss.detach()), "keep_norm": self._clip()}
        pull = [parameter.grad for parameter in self.parameters]
        self.optimiser.zero_grad(set_to_none=True)
        return held.tokens, pull

    def _clip(self) -> float:
        return float(torch.nn.utils.clip_grad_norm_(self.parameters, self.plan.clip))

    def _save(self, log: IO[str]) -> None:
        os.fsync(log.fileno())  # a state on disk never has more steps than the log
        state = {
            "step": self.step,
            "parameters": [p.detach() for p in self.parameters],
            "optimiser": self.optimiser.state_dict(),
        }
        folder = self.folder / STATE
        folder.mkdir(exist_ok=True)
        staging = folder / "state.part"
        with staging.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        staging.replace(folder / SAVED)
        io.fsync_dir(folder)

    def _resume(self) -> None:
        file = self.folder / STATE / SAVED
        log = self.folder / "log.jsonl"
        if not file.exists():
            log.unlink(missing_ok=True)
            return
        state = torch.load(file, weights_only=True, map_location="cpu")
        with torch.no_grad():
            for parameter, saved in zip(self.parameters, state["parameters"], strict=True):
                parameter.copy_(saved)
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])
        # Steps after the last save are done again, so their lines go.
        lines = log.read_text(encoding="utf-8").splitlines()[: self.step]
        io.write_bytes(log, "".join(line + "\n" for line in lines).encode())  # whole, whenever it is killed


def _bar() -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
    return Progress(TextColumn("{task.description}"), *columns)


def read_log(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log."""
    for line in file.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)
