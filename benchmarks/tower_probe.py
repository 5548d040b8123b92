"""What a linear classifier reads of modality and region from nano's frozen vision tower.

    python benchmarks/tower_probe.py runs/nano/dataset [112,168,224]

The tower's patch states are averaged over the picture. Training pictures stand with six of their variants
(twelve where a region of a modality has at most eight pictures); at most about 25 pictures of a region and
modality train, as a mixture would have it. Weighted cross-entropy, three seeds. Printed for each input size
in pixels: the macro mean over the classes that training pictures show, of held-out pictures (not questions),
and each class that is not all right, in the last seed. nano reads 112 pixels.
"""

import sys
from collections import Counter, defaultdict
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
STEPS, ROWS, SEEDS = 300, 1024, 3


def labels(dataset: Path) -> dict[str, dict[str, Any]]:
    """Image hash -> its ``region`` and ``modality`` where annotated, its ``side`` and its ``kind``."""
    out: dict[str, dict[str, Any]] = defaultdict(dict)
    for record in read_records(dataset):
        if record.images and record.meta.get("type") in ("region", "modality", "describe"):
            facts = {"side": record.split, "kind": record.meta.get("modality")}
            out[record.images[-1].image].update({**(record.meta.get("expect") or {}), **facts})
    return dict(out)


def drawn(facts: dict[str, dict[str, Any]]) -> tuple[list[tuple[str, int]], list[str]]:
    """The pictures and variants to learn from, and the held-out pictures."""

    def group(image: str) -> tuple[Any, Any]:
        return facts[image].get("region"), facts[image]["kind"]

    training = sorted(image for image, of in facts.items() if of["side"] is Split.TRAIN)
    sizes = Counter(map(group, training))
    kept = [image for image in training if int(image[:6], 16) % sizes[group(image)] < PICTURES_A_CLASS]
    rows = [(image, n) for image in kept for n in range(6 if sizes[group(image)] > 8 else 12)]
    return rows, sorted(image for image, of in facts.items() if of["side"] is Split.TEST)


def states(loaded: Any, pictures: list[Any], size: int) -> torch.Tensor:
    """The mean patch state of each picture, ``(N, D)``."""
    square, layer = {"height": size, "width": size}, loaded.model.config.vision_feature_layer
    out = []
    for start in track(range(0, len(pictures), 8), description=f"{size} px", transient=True):
        pixels = loaded.processor.image_processor(
            pictures[start : start + 8], size=square, return_tensors="pt"
        )
        with torch.inference_mode():
            seen = loaded.model.model.vision_tower(pixels["pixel_values"], output_hidden_states=True)
        out.append(seen.hidden_states[layer][:, 1:].float().mean(1))
    return torch.cat(out)


def classify(x: torch.Tensor, y: torch.Tensor, asked: torch.Tensor, seed: int) -> torch.Tensor:
    """The classes that a linear classifier of ``x``, ``y`` gives to ``asked``."""
    torch.manual_seed(seed)
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
    return (asked @ weight + bias).argmax(1)


def report(
    what: str, facts: dict[str, dict[str, Any]], rows: Any, test: list[str], x: Any, asked: Any
) -> str:
    """Macro means of the seeds, and what was missed."""
    known = [n for n, (image, _) in enumerate(rows) if facts[image].get(what)]
    names = sorted({facts[rows[n][0]][what] for n in known})
    y = torch.tensor([names.index(facts[rows[n][0]][what]) for n in known])
    held = [n for n, image in enumerate(test) if facts[image].get(what) in names]
    means = []
    for seed in range(SEEDS):
        right: dict[str, list[bool]] = defaultdict(list)
        for n, guess in zip(held, classify(x[known], y, asked[held], seed).tolist(), strict=True):
            right[facts[test[n]][what]].append(names[guess] == facts[test[n]][what])
        means.append(100 * sum(sum(of) / len(of) for of in right.values()) / len(right))
    missed = ", ".join(f"{name} {sum(of)} of {len(of)}" for name, of in sorted(right.items()) if not all(of))
    return f"{what}: {', '.join(f'{mean:.1f}' for mean in means)} ({missed})"


def main() -> None:
    dataset = Path(sys.argv[1])
    sizes = [int(size) for size in (sys.argv[2] if len(sys.argv) > 2 else "112").split(",")]
    facts = labels(dataset)
    rows, test = drawn(facts)
    store, loaded = ImageStore(dataset / "images"), checkpoint.load("nano-base")
    whole = {image: imaging.read(store.read(image), image[:12]).image for image in facts}
    pictures = [variant(whole[k], k, n, facts[k]["kind"] == "histology") for k, n in rows]
    for size in sizes:
        x, asked = states(loaded, pictures, size), states(loaded, [whole[image] for image in test], size)
        mean, deviation = x.mean(0), x.std(0) + 1e-6
        x, asked = (x - mean) / deviation, (asked - mean) / deviation
        for what in ("region", "modality"):
            print(f"{size} px, {len(test)} pictures, {report(what, facts, rows, test, x, asked)}", flush=True)


if __name__ == "__main__":
    main()
