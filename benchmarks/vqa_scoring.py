"""How fast VQA answers are scored, beside a loop that scores them one by one as MultiMedEval 1.0.0 does.

    python benchmarks/vqa_scoring.py --pairs 100000 --rounds 3
    python benchmarks/vqa_scoring.py --pairs 100000 --multimedeval /path/to/python

MultiMedEval does not import beside current packages, so the first form times a loop written from the
description of its scorer: each mark of punctuation looked for in turn, and BLEU-1 of each pair computed in
torch tensors, by torchmetrics where it is installed. The second form times MultiMedEval's own scorer in an
interpreter that finds its package folder, torch, torchmetrics, nltk, datasets and pandas; see ``THEIRS``.
Sides take turns on the same pairs in one run, caches empty, and the numbers must be equal.
"""

import argparse
import json
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from bimedix2.evaluate.metrics import vqa
from bimedix2.evaluate.metrics.lexical import bleu_of_counts

Pair = tuple[str, str]
MARKS = ';/[]"{}()=+\\_-><@`,?!'
COMMON = [
    "yes",
    "no",
    "the",
    "a",
    "in",
    "left",
    "right",
    "lung",
    "lower",
    "lobe",
    "heart",
    "is",
    "there",
    "not",
]
MARKED = [
    "x-ray",
    "t2-weighted",
    "1,000",
    "2.5",
    "L4/L5",
    "lobe,",
    "lung.",
    "(axial)",
    "isnt",
    "two",
    "نعم،",
    "لا",
]


def make_pairs(count: int, seed: int) -> list[Pair]:
    """Golds and answers of the three benchmarks' proportions: half are yes or no, answers of one to 25 words.

    Two words of each answer are rare, so that hardly an answer comes twice.
    """
    rng = random.Random(seed)
    pairs = []
    for _ in range(count):
        short = rng.random() < 0.5
        gold = rng.choice(["yes", "no"]) if short else " ".join(rng.choices(COMMON, k=rng.randint(1, 4)))
        words = rng.choices(COMMON, k=rng.randint(0, 22)) + rng.choices(MARKED, k=rng.randint(0, 2))
        words += [f"word{rng.randrange(10**6)}"]
        rng.shuffle(words)
        pairs.append(
            (gold, " ".join([rng.choice(["Yes,", "No,", gold, ""]), *words]).strip().capitalize() + ".")
        )
    return pairs


def described_clean(text: str) -> str:
    """The normaliser as described, mark by mark."""
    lowered = words = text.lower()
    for mark in MARKS:
        if mark + " " in lowered or " " + mark in lowered or re.search(r"(\d)(,)(\d)", lowered) is not None:
            words = words.replace(mark, "")
        else:
            words = words.replace(mark, " ")
    words = re.sub(r"\.(?!\d)", "", words, count=32)
    kept = []
    for word in words.split():
        word = vqa.NUMBERS.get(word, word)
        if word not in vqa.ARTICLES:
            kept.append(vqa.contractions().get(word, word))
    return " ".join(kept).replace(",", "")


def torch_bleu(prediction: str, target: str) -> float:
    """BLEU-1 of one sentence in float32 tensors."""
    ours, theirs = prediction.split(), target.split()
    numerator, denominator = torch.zeros(1), torch.zeros(1)
    numerator[0] += sum((Counter(ours) & Counter(theirs)).values())
    denominator[0] += len(ours)
    lengths = torch.tensor(float(len(ours))), torch.tensor(float(len(theirs)))
    if min(numerator) == 0.0:
        return 0.0
    geometric = torch.exp(torch.sum(torch.tensor([1.0]) * torch.log(numerator / denominator)))
    brevity = torch.tensor(1.0) if lengths[0] > lengths[1] else torch.exp(1 - lengths[1] / lengths[0])
    return float(brevity * geometric)


def _bleu() -> tuple[str, Callable[[str, str], float]]:
    try:
        from torchmetrics.text import BLEUScore
    except ImportError:
        return "torch tensors", torch_bleu
    return "torchmetrics", lambda ours, theirs: float(BLEUScore(n_gram=1)([ours], [[theirs]]))


def described(pairs: Sequence[Pair]) -> list[list[float]]:
    """BLEU-1, F1, recall and correctness of each pair, one by one."""
    bleu = _bleu()[1]
    out = []
    for gold, answer in pairs:
        theirs, ours = described_clean(gold), described_clean(answer)
        wanted, said = set(theirs.split()), set(ours.split())
        precision = len(said & wanted) / len(said) if said else 0.0
        recall = len(said & wanted) / len(wanted) if wanted else 0.0
        f1 = 2 * precision * recall / (precision + recall + 1e-8)
        if theirs in ("yes", "no"):
            accepted = {"no", "not"} if wanted == {"no"} else wanted
            right = len(said & accepted) / len(accepted) >= 0.4
        else:
            right = recall >= 0.75
        out.append([bleu(ours, theirs), f1, recall, float(right)])
    return out


def scored(pairs: Sequence[Pair]) -> list[vqa.PairScore]:
    """The same by this package, its caches empty."""
    vqa._gold.cache_clear()
    bleu_of_counts.cache_clear()
    return list(vqa.score_pairs(pairs))


THEIRS = '''
"""MultiMedEval's own scorer, its package folder on PYTHONPATH; only what scoring needs is imported."""
import json, os, sys, time, types
where = next(p for p in sys.path if os.path.isdir(os.path.join(p, "multimedeval")))
package = types.ModuleType("multimedeval")
package.__path__ = [os.path.join(where, "multimedeval")]
sys.modules["multimedeval"] = package  # its own __init__ imports the engine, which current packages break
unused = types.ModuleType("multimedeval.report_comparison_utils")
unused.__getattr__ = lambda name: None  # scorers of reports
sys.modules["multimedeval.report_comparison_utils"] = unused
from multimedeval.task_families import VQA
from torchmetrics.text import BLEUScore

class Pairs(VQA):
    def __init__(self, pairs):
        self.pairs, self.bleu = pairs, BLEUScore(n_gram=1)
    def __getitem__(self, number):
        return {"sample": self.pairs[number]}
    def get_correct_answer(self, sample):
        return sample[0]
    def format_question(self, sample, prompt=False):
        raise NotImplementedError
    def setup(self):
        raise NotImplementedError

Pairs.__abstractmethods__ = frozenset()
pairs = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
task = Pairs(pairs)
answers = [types.SimpleNamespace(text=answer) for _, answer in pairs]
predictions = [{"idx": number, "answer": answer} for number, answer in enumerate(answers)]
start = time.perf_counter()
found = task.evaluate(predictions)
print(json.dumps({"seconds": time.perf_counter() - start, "metrics": found.metrics}))
'''


def theirs(python: str, path: Path) -> tuple[float, dict[str, float]]:
    """Seconds and aggregates of MultiMedEval in its own interpreter; starting that is not counted."""
    done = subprocess.run([python, "-c", THEIRS, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{python} cannot run MultiMedEval's scorer:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return float(found["seconds"]), found["metrics"]


def timed(side: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came out."""
    start = time.perf_counter()
    found = side()
    return time.perf_counter() - start, found


def beside_the_loop(pairs: Sequence[Pair]) -> tuple[float, float, float]:
    """Seconds of both sides, and the largest difference of any number of any pair."""
    ours, mine = timed(lambda: scored(pairs))
    others, loop = timed(lambda: described(pairs))
    rows = ([s.bleu, s.f1, s.recall, float(s.correct)] for s in mine)
    numbers = zip(rows, loop, strict=True)
    return ours, others, max(abs(a - b) for one, two in numbers for a, b in zip(one, two, strict=True))


def beside_theirs(pairs: Sequence[Pair], python: str) -> tuple[float, float, float]:
    """Seconds of both sides, aggregates included, and the largest difference of an aggregate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
        ours, totals = timed(lambda: vqa.aggregate(scored(pairs)))
        others, metrics = theirs(python, path)
    return ours, others, max(abs(totals[key] - value) for key, value in metrics.items())


def main() -> None:
    """Time both sides in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--multimedeval", help="an interpreter that imports MultiMedEval's pieces", default=""
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = make_pairs(options.pairs, options.seed)
    different = len({answer for _, answer in pairs})
    print(
        f"{options.pairs} pairs, {different} different answers; {platform.processor() or platform.machine()}"
    )
    python = options.multimedeval
    rounds = [
        beside_theirs(pairs, python) if python else beside_the_loop(pairs) for _ in range(options.rounds)
    ]
    sides = {"this package": [ours for ours, _, _ in rounds]}
    sides["MultiMedEval" if python else f"loop, {_bleu()[0]}"] = [others for _, others, _ in rounds]
    for name, seconds in sides.items():
        middle = statistics.median(seconds)
        print(f"{name:<20} {middle:8.2f} s {options.pairs / middle:9.0f} pairs/s")
    ratios = [others / ours for ours, others, _ in rounds]
    print(
        f"{'ratio':<20} {statistics.median(ratios):8.1f}   (rounds {', '.join(f'{r:.1f}' for r in ratios)})"
    )
    difference = max(far for _, _, far in rounds)
    print(f"largest difference of a number: {difference:.1e}")
    if difference > 1e-6:
        sys.exit("the numbers differ")


if __name__ == "__main__":
    main()
