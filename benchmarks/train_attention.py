"""Attention of one packed row in bfloat16, forward and backward: torch's fused one against plain products.

    python benchmarks/train_attention.py --threads 2

Rows are of trees as ``instruct`` packs them, and of text of two lengths. Both sides compute the same row, in
turns; the table has their medians and how far each is from float32 (relative norm of the output and of the
gradients together).
"""

import argparse
import platform
import statistics
import time

import torch

from bimedix2.train import attention
from bimedix2.train.packing import Segment

HEADS, KEY_HEADS, WIDTH = 9, 3, 64
"""Of SmolLM2-135M."""
SIDES = {"fused": 0, "plain": attention.SHORT}


def trees(count: int) -> tuple[int, tuple[Segment, ...]]:
    """A root of 30 tokens and trees of a picture of 100 tokens with two questions on it."""
    segments, start = [], 30
    for _ in range(count):
        segments.append(Segment(start, 100, (25, 25)))
        start = segments[-1].end
    return 30, tuple(segments)


ROWS = {
    "one tree": trees(1),
    "five trees": trees(5),
    "text of 250": (0, (Segment(0, 0, (250,)),)),
    "text of 450": (0, (Segment(0, 0, (450,)),)),
    "text of 600": (0, (Segment(0, 0, (600,)),)),
}


class Row:
    """Random queries, keys and values of one row, and the gradient that comes back to it."""

    def __init__(self, root: int, segments: tuple[Segment, ...]) -> None:
        draw = torch.Generator().manual_seed(0)
        length = segments[-1].end
        heads = (HEADS, KEY_HEADS, KEY_HEADS)
        self.parts = [torch.randn(1, one, length, WIDTH, generator=draw) for one in heads]
        self.grad = torch.randn(1, length, HEADS, WIDTH, generator=draw)
        self.root, self.segments = root, segments

    def go(self, side: str, dtype: torch.dtype) -> tuple[float, torch.Tensor]:
        """Seconds of a pass each way, and everything that it computed as one float32 vector."""
        attention.SHORT = SIDES[side]
        parts = [part.detach().to(dtype).requires_grad_() for part in self.parts]
        layout = attention.Layout(self.segments, self.grad.device, self.root)
        grad = self.grad.to(dtype)
        began = time.perf_counter()
        out, _ = attention.attend(torch.nn.Module(), *parts, None, packed=layout)
        out.backward(grad)  # type: ignore[no-untyped-call]
        seconds = time.perf_counter() - began
        found = [out.detach(), *(part.grad for part in parts if part.grad is not None)]
        return seconds, torch.cat([one.float().flatten() for one in found])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=30)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    name = platform.processor() or platform.machine()
    print(f"{name}, torch {torch.__version__}, {chosen.threads} thread(s)\n")
    print("| row | fused, ms | plain, ms | times as fast | fused from float32 | plain from float32 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (root, segments) in ROWS.items():
        row = Row(root, segments)
        _, exact = row.go("fused", torch.float32)
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        far = {}
        for _ in range(chosen.repeat + 2):
            for side in SIDES:
                took, found = row.go(side, torch.bfloat16)
                seconds[side].append(took)
                far[side] = float((found - exact).norm() / exact.norm())
        fused, plain = (1000 * statistics.median(seconds[side][2:]) for side in SIDES)
        cells = (
            name,
            f"{fused:.1f}",
            f"{plain:.1f}",
            f"{fused / plain:.2f}",
            *(f"{far[s]:.4f}" for s in SIDES),
        )
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
