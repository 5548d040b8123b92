"""What a linear classifier reads of modality and region from each block of nano's vision tower.

    python benchmarks/tower_probe.py runs/nano/dataset [--sides 112,140,168] [--blocks 8,9,10,12]

nano reads the last of twelve blocks, at 112 pixels. Patch states are averaged over the picture. Training
pictures stand with six of their variants (twelve where a region of a modality has at most eight pictures); at
most about 25 pictures of a region and modality train, as a mixture would have it. Weighted cross-entropy.

Two macro means over classes, a line each. "other training subjects" is what a block may be chosen by:
training pictures in five folds that part no subject, each subject's share of right answers averaged within
its class, no held-out picture seen. "held-out pictures" is what is left to learn from them (pictures, not
questions, of the classes that training pictures show), with each class that is not all right.
"""

import argparse
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from rich.progress import track

from bimedix2 import imaging
from bimedix2.model import checkpoint
from bimedix2.records import Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.train.augment import variant

PICTURES_A_CLASS = 25
STEPS, ROWS, FOLDS = 300, 1024, 5

Facts = dict[str, dict[str, Any]]


def labels(dataset: Path) -> Facts:
    """Image hash -> ``region`` and ``modality`` where annotated, ``side``, ``kind`` and ``subject``."""
    out: Facts = defaultdict(dict)
    for record in read_records(dataset):
        if record.images and record.meta.get("type") in ("region", "modality", "describe"):
            origin = record.provenance
            facts = {"side": record.split, "kind": record.meta.get("modality")}
            facts["subject"] = f"{origin.source} {origin.subject}"
            out[record.images[-1].image].update({**(record.meta.get("expect") or {}), **facts})
    return dict(out)


def drawn(facts: Facts) -> tuple[list[tuple[str, int]], list[str]]:
    """The pictures and variants to learn from, and the held-out pictures."""

    def group(image: str) -> tuple[Any, Any]:
        return facts[image].get("region"), facts[image]["kind"]

    training = sorted(image for image, of in facts.items() if of["side"] is Split.TRAIN)
    sizes = Counter(map(group, training))
    kept = [image for image in training if int(image[:6], 16) % sizes[group(image)] < PICTURES_A_CLASS]
    rows = [(image, n) for image in kept for n in range(6 if sizes[group(image)] > 8 else 12)]
    return rows, sorted(image for image, of in facts.items() if of["side"] is Split.TEST)


def states(tower: Any, processor: Any, pictures: list[Any], side: int) -> torch.Tensor:
    """The mean patch state of each picture after each block, ``(N, blocks, D)``."""
    square, out = {"height": side, "width": side}, []
    for start in track(range(0, len(pictures), 8), description=f"{side} px", transient=True):
        pixels = processor.image_processor(pictures[start : start + 8], size=square, return_tensors="pt")
        with torch.inference_mode():
            seen = tower(pixels["pixel_values"], output_hidden_states=True).hidden_states[1:]
        out.append(torch.stack([state[:, 1:].float().mean(1) for state in seen], 1))
    return torch.cat(out)


def classify(x: torch.Tensor, y: torch.Tensor, asked: torch.Tensor) -> list[int]:
    """The classes that a linear classifier of standardised ``x`` and ``y`` gives to ``asked``."""
    torch.manual_seed(0)
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    x, asked = (x - mean) / deviation, (asked - mean) / deviation
    count = torch.bincount(y).float()
    weight = (0.01 * torch.randn(x.shape[1], len(count))).requires_grad_()
    bias = torch.zeros(len(count), requires_grad=True)
    optimiser = torch.optim.Adam([weight, bias], lr=0.01, weight_decay=1e-3)
    for _ in range(STEPS):
        some = torch.randint(0, len(y), (ROWS,))
        loss = torch.nn.functional.cross_entropy(x[some] @ weight + bias, y[some], weight=count.rsqrt())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return (asked @ weight + bias).argmax(1).tolist()


def guesses(
    what: str, facts: Facts, learn: tuple[list[str], torch.Tensor], ask: tuple[list[str], torch.Tensor]
) -> Iterable[tuple[str, bool]]:
    """Each asked picture whose class the learned pictures show, and whether it is told right."""
    known = [n for n, image in enumerate(learn[0]) if facts[image].get(what)]
    names = sorted({facts[learn[0][n]][what] for n in known})
    y = torch.tensor([names.index(facts[learn[0][n]][what]) for n in known])
    held = [n for n, image in enumerate(ask[0]) if facts[image].get(what) in names]
    for n, guess in zip(held, classify(learn[1][known], y, ask[1][held]), strict=True):
        yield ask[0][n], names[guess] == facts[ask[0][n]][what]


def held_out(what: str, facts: Facts, learn: Any, ask: Any) -> str:
    """Macro mean over held-out pictures, and what was missed."""
    right: dict[str, list[bool]] = defaultdict(list)
    for image, is_right in guesses(what, facts, learn, ask):
        right[facts[image][what]].append(is_right)
    mean = 100 * sum(sum(of) / len(of) for of in right.values()) / len(right)
    missed = ", ".join(f"{name} {sum(of)} of {len(of)}" for name, of in sorted(right.items()) if not all(of))
    return f"{what} {mean:.1f} ({missed})"


def other_subjects(what: str, facts: Facts, images: list[str], x: torch.Tensor) -> str:
    """Macro mean over classes, and over subjects within one, of training pictures in folds of subjects."""
    fold = [zlib.crc32(facts[image]["subject"].encode()) % FOLDS for image in images]
    right: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for here in range(FOLDS):
        learn = [n for n, of in enumerate(fold) if of != here]
        ask = [n for n, of in enumerate(fold) if of == here]
        parts = [([images[n] for n in of], x[of]) for of in (learn, ask)]
        for image, is_right in guesses(what, facts, parts[0], parts[1]):
            right[facts[image][what]][facts[image]["subject"]].append(is_right)
    classes = [sum(sum(v) / len(v) for v in of.values()) / len(of) for of in right.values()]
    return f"{what} {100 * sum(classes) / len(classes):.1f}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("dataset", type=Path)
    asked.add_argument("--sides", default="112,140,168")
    asked.add_argument("--blocks", default="8,9,10,12")
    args = asked.parse_args()
    facts = labels(args.dataset)
    rows, test = drawn(facts)
    loaded = checkpoint.load("nano-base")
    store = ImageStore(args.dataset / "images")
    tower, processor = loaded.model.model.vision_tower, loaded.processor
    whole = {image: imaging.read(store.read(image), image[:12]).image for image in facts}
    pictures = [variant(whole[k], k, n, "f" if facts[k]["kind"] == "histology" else "") for k, n in rows]
    images = [image for image, _ in rows]
    for side in map(int, args.sides.split(",")):
        x = states(tower, processor, pictures, side)
        held = states(tower, processor, [whole[image] for image in test], side)
        for block in map(int, args.blocks.split(",")):
            learn, ask = (images, x[:, block - 1]), (test, held[:, block - 1])
            both = ("region", "modality")
            print(f"{side} px, block {block}, other training subjects: ", end="")
            print(", ".join(other_subjects(what, facts, *learn) for what in both))
            print(f"{side} px, block {block}, {len(test)} held-out pictures: ", end="")
            print(", ".join(held_out(what, facts, learn, ask) for what in both), flush=True)


if __name__ == "__main__":
    main()
