"""Multiple choice, questions a second: lm-evaluation-harness on the engine, and on its own backend.

    python benchmarks/clinical_lm_eval.py --pubmedqa ../shared/data/pubmedqa --threads 1

One model, one batch size, the same requests, in one run; the sides (the engine, and the harness's
Hugging Face backend) take turns, so that what else the machine does falls on both. The engine's side
writes every answer to the disk as an evaluation does. Questions are PubMedQA's test questions:
``letters`` lists four conclusions of which one is the question's own, and asks for a letter; ``words``
asks yes, no or maybe after the abstract, as the harness does; ``conclusions`` has the four conclusions
themselves as options after the abstract, ``listed`` after the list; of the abstracts in Arabic that came
with this package, ``arabic words`` asks for the Arabic yes, no or maybe, and ``arabic questions`` has
four questions as options, of which one is the abstract's.
"""

import argparse
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from bimedix2 import io
from bimedix2.engine.local import Engine
from bimedix2.errors import BiMediX2Error
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.clinical import harness
from bimedix2.evaluate.clinical.catalogue import path_of
from bimedix2.model import checkpoint

KINDS = ["letters", "words", "conclusions", "listed", "arabic words", "arabic questions"]
Question = tuple[str, list[str]]
"""A context and what may continue it."""
Ask = Callable[[Sequence[Question]], list[list[float]]]


@dataclass
class Times:
    """Of one side on one kind: seconds of the process and of the clock, each time; and the numbers."""

    process: list[float] = field(default_factory=list)
    clock: list[float] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)


def kinds(folder: Path, count: int, seed: int) -> dict[str, list[Question]]:
    """Kind -> questions, drawn by the seed."""
    rows = io.read_json(folder / "ori_pqal.json")
    names = sorted(io.read_json(folder / "test_ground_truth.json"))
    chosen = random.Random(seed).sample(names, count)
    arabic = [row for _, row in io.read_jsonl(path_of(folder, "pubmedqa_ar_50.jsonl"))][:count]
    out: dict[str, list[Question]] = {kind: [] for kind in KINDS}
    for name in chosen:
        row = rows[name]
        others = random.Random(f"{seed}:{name}").sample([one for one in names if one != name], 3)
        ends = [rows[one]["LONG_ANSWER"] for one in (name, *others)]
        random.Random(f"{seed}:{name}:order").shuffle(ends)
        abstract = "Abstract: " + "\n".join(row["CONTEXTS"])
        listed = "\n".join(f"{letter}. {end}" for letter, end in zip("ABCD", ends, strict=True))
        asked = f"Question: {row['QUESTION']}"
        out["letters"].append((f"{asked}\n{listed}\nAnswer:", [" A", " B", " C", " D"]))
        out["words"].append((f"{abstract}\n{asked}\nAnswer:", [" yes", " no", " maybe"]))
        out["conclusions"].append((f"{abstract}\n{asked}\nAnswer:", [f" {end}" for end in ends]))
        out["listed"].append((f"{asked}\n{listed}\nAnswer:", [f" {end}" for end in ends]))
    for number, row in enumerate(arabic):
        abstract = "الملخص: " + "\n".join(row["CONTEXTS"])
        words = [" نعم", " لا", " ربما"]
        out["arabic words"].append((f"{abstract}\nالسؤال: {row['QUESTION']}\nالإجابة:", words))
        near = [arabic[(number + step) % len(arabic)]["QUESTION"] for step in range(4)]
        out["arabic questions"].append((f"{abstract}\nالسؤال:", [f" {question}" for question in near]))
    return out


def instances(questions: Sequence[Question]) -> list[Any]:
    """As the harness hands them to a model."""
    from lm_eval.api.instance import Instance

    return [
        Instance(request_type="loglikelihood", doc={}, arguments=(context, option), idx=n)
        for context, options in questions
        for n, option in enumerate(options)
    ]


def ask(lm: Any, questions: Sequence[Question]) -> list[list[float]]:
    """Each option's log-likelihood by a model of the harness."""
    found = iter(lm.loglikelihood(instances(questions), disable_tqdm=True))
    return [[next(found)[0] for _ in options] for _, options in questions]


def sides(options: argparse.Namespace, scratch: Path) -> tuple[str, dict[str, Ask]]:
    """The model's name, and each side."""
    loaded = checkpoint.load(options.model)
    engine = Engine(loaded)
    whole: Any = loaded.model
    with harness.quiet():
        from lm_eval.models.huggingface import HFLM

        from bimedix2.evaluate.clinical.lm import EngineLM

        with torch.device("meta"):  # both its parts are put in
            plain = AutoModelForCausalLM.from_config(whole.config.text_config)
        plain.model, plain.lm_head = whole.model.language_model, whole.lm_head
        theirs = HFLM(
            pretrained=plain.eval(),
            tokenizer=loaded.prompter.tokenizer,
            backend="causal",
            batch_size=options.batch,
            max_length=loaded.prompter.context,
        )
    number = iter(range(1_000_000))

    def ours(questions: Sequence[Question]) -> list[list[float]]:
        ledger = Ledger(scratch / f"{next(number)}.jsonl")
        return ask(EngineLM(engine, ledger, options.batch), questions)

    return loaded.name, {"harness": lambda questions: ask(theirs, questions), "engine": ours}


def report(found: dict[str, dict[str, Times]], asked: dict[str, list[Question]], tokenizer: Any) -> None:
    """Print the table."""
    heads = ["kind", "questions", "options", "tokens: prompt, option", "harness q/s", "engine q/s", "ratio"]
    print(f"| {' | '.join([*heads, 'ratio (process)', 'largest difference'])} |")
    print("| --- " * 9 + "|")
    for kind, times in found.items():
        questions = asked[kind]
        prompt = statistics.median(len(tokenizer(context)["input_ids"]) for context, _ in questions)
        option = statistics.median(
            len(tokenizer(o)["input_ids"]) for _, options in questions for o in options
        )
        speeds = [len(questions) / statistics.median(times[side].clock) for side in ("harness", "engine")]
        ratios = [
            statistics.median(
                a / b
                for a, b in zip(getattr(times["harness"], of), getattr(times["engine"], of), strict=True)
            )
            for of in ("clock", "process")
        ]
        apart = max(
            abs(a - b)
            for left, right in zip(times["harness"].values, times["engine"].values, strict=True)
            for a, b in zip(left, right, strict=True)
        )
        cells = [kind, len(questions), len(questions[0][1]), f"{prompt:.0f}, {option:.0f}"]
        numbers = [
            f"{speeds[0]:.2f}",
            f"{speeds[1]:.2f}",
            f"{ratios[0]:.2f}",
            f"{ratios[1]:.2f}",
            f"{apart:.1e}",
        ]
        print(f"| {' | '.join(map(str, [*cells, *numbers]))} |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table and the machine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--pubmedqa", type=Path, default=Path("../shared/data/pubmedqa"))
    parser.add_argument("--model", default="nano-base")
    parser.add_argument("--kinds", nargs="*", default=KINDS)
    parser.add_argument("--questions", type=int, default=16)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    logging.set_verbosity_error()
    try:
        harness.require()
        every = kinds(options.pubmedqa, options.questions, options.seed)
        asked = {kind: every[kind] for kind in options.kinds}
        found: dict[str, dict[str, Times]] = {kind: {"harness": Times(), "engine": Times()} for kind in asked}
        with tempfile.TemporaryDirectory() as scratch:
            name, ways = sides(options, Path(scratch))
            for _ in range(options.repeat):
                for kind, questions in asked.items():
                    for side, run in ways.items():
                        process, clock = time.process_time(), time.perf_counter()
                        found[kind][side].values = run(questions)
                        found[kind][side].process.append(time.process_time() - process)
                        found[kind][side].clock.append(time.perf_counter() - clock)
    except BiMediX2Error as error:
        sys.exit(f"error: {error}")
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    processor = next((line for line in lines if line.startswith("model name")), platform.processor())
    print(f"{processor.split(':')[-1].strip()}, torch {torch.__version__}, {options.threads} thread(s)")
    print(f"{name}: batches of {options.batch}, medians of {options.repeat}")
    report(found, asked, checkpoint.load(options.model).prompter.tokenizer)


if __name__ == "__main__":
    main()
