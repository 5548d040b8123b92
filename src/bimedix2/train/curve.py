"""The loss curve as a picture: loss, the share of exact answers, and the drift from the base's text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bimedix2.errors import MissingExtra


def _smooth(values: Sequence[float], width: int) -> list[float]:
    """Mean of the last ``width`` values at each place."""
    out = []
    for end in range(1, len(values) + 1):
        part = values[max(0, end - width) : end]
        out.append(sum(part) / len(part))
    return out


def draw(log: Sequence[dict[str, Any]], file: Path, title: str) -> None:
    """Write ``file`` (PNG) from the lines of a log."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogFormatter
    except ImportError as error:
        raise MissingExtra("matplotlib", "model") from error
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    steps = [line["step"] for line in log]
    loss = [line["loss"] for line in log]
    axes.plot(steps, loss, color="0.8", linewidth=0.8)
    axes.plot(steps, _smooth(loss, 20), color="tab:blue", label="loss (mean of 20 steps)")
    kept = [(line["step"], line["keep"]) for line in log if "keep" in line]
    if kept:
        axes.plot(*zip(*kept, strict=True), color="tab:green", linewidth=0.8, label="KL from the base, text")
    axes.set_yscale("log")
    # Plain numbers ("0.6"), also between powers of ten where few of those are in sight.
    axes.yaxis.set_major_formatter(LogFormatter())
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.4)))
    axes.set_xlabel("step")
    axes.set_ylabel("nats per token")
    right = axes.twinx()
    share = [line["exact"] / max(1, line["samples"]) for line in log]
    right.plot(steps, _smooth(share, 20), color="tab:orange", label="answers exact (mean of 20 steps)")
    right.set_ylim(0, 1)
    right.set_ylabel("share of answers")
    figure.legend(loc="outside lower center", ncols=3)
    axes.set_title(title)
    figure.savefig(file, dpi=120)
