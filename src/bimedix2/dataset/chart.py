"""The composition chart (the paper's Figure 9): languages inside, components around them, each with its
records."""

from collections.abc import Mapping
from pathlib import Path

from bimedix2.errors import MissingExtra

NAMES = {"en": "English", "ar": "Arabic", "mixed": "both languages"}
MOST = 12
"""Parts of a language that are drawn by name; the smallest of more are one part together."""
COLOURS = {"en": "Blues", "ar": "Oranges", "mixed": "Greens"}


def ready() -> None:
    """Say now, and not after the work, that the chart cannot be drawn.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtra("matplotlib", "model") from error


def draw(parts: Mapping[tuple[str, str], int], file: Path, title: str) -> None:
    """Write ``file`` (PNG).

    Args:
        parts: (language, component or source) -> records.
        file: where.
        title: above the rings.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6))
    axes = figure.add_axes((0.0, 0.05, 0.5, 0.85))
    parts = _named(parts)
    whole = max(1, sum(parts.values()))
    languages = sorted({language for language, _ in parts}, key=list(NAMES).index)
    inner: list[int] = []
    inner_colours, outer_colours = [], []
    ordered: list[tuple[str, str]] = []
    for language in languages:
        mine = sorted((key for key in parts if key[0] == language), key=lambda key: (-parts[key], key))
        shades = colormaps[COLOURS[language]]
        inner.append(sum(parts[key] for key in mine))
        inner_colours.append(shades(0.8))
        outer_colours += [shades(0.75 - 0.55 * place / max(1, len(mine))) for place in range(len(mine))]
        ordered += mine
    axes.text(0, 0, f"{sum(parts.values()):,}\nrecords", ha="center", va="center")
    axes.set_title(title)
    axes.set_axis_off()
    if not inner or not sum(inner):
        figure.savefig(file, dpi=120)
        return
    edge = {"width": 0.3, "edgecolor": "white"}
    rings, _ = axes.pie(
        [parts[key] for key in ordered], radius=1, colors=outer_colours, wedgeprops=edge, startangle=90
    )
    axes.pie(
        inner,
        radius=0.7,
        colors=inner_colours,
        wedgeprops=edge,
        startangle=90,
        labels=[
            NAMES[one] if count > whole / 20 else "" for one, count in zip(languages, inner, strict=True)
        ],
        labeldistance=0.72,
        textprops={"color": "white", "ha": "center", "fontsize": 9},
    )
    labels = [
        f"{name} ({key}): {parts[key, name]:,} ({parts[key, name] / whole:.1%})" for key, name in ordered
    ]
    axes.legend(
        rings,
        labels,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        fontsize=min(8, 200 / len(ordered)),
        frameon=False,
    )
    figure.savefig(file, dpi=120)


def _named(parts: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """The parts that are drawn: those that are empty left out, the smallest of many put together."""
    drawn: dict[tuple[str, str], int] = {}
    for language in {language for language, _ in parts}:
        mine = sorted(
            ((key, count) for key, count in parts.items() if key[0] == language and count),
            key=lambda part: (-part[1], part[0]),
        )
        named, rest = (mine, []) if len(mine) <= MOST else (mine[: MOST - 1], mine[MOST - 1 :])
        drawn |= dict(named)
        if rest:
            drawn[language, f"{len(rest)} smaller"] = sum(count for _, count in rest)
    return drawn
