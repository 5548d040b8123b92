"""The paper's figures, systems run here beside the published ones: Figures 1, 4 and 6, each as PNG and SVG.

Arabic text is handed to matplotlib as it is typed: version 3.11 and later shape it, from right to left.
"""

import math
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bimedix2.errors import MissingExtra
from bimedix2.evaluate.paper.ours import Rows
from bimedix2.evaluate.paper.published import Published
from bimedix2.evaluate.paper.tables import HERE, partial_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Tongue = Literal["en", "ar"]

DOMAINS = ("ct", "mri", "cxr", "histology", "gross")
"""Axes of Figure 1, English ones first, then the same in Arabic."""
NOT_IN_FIGURE = {"1": {"MAIRA-2"}, "6": {"Apollo-7B", "BiMediXv1", "Apollo-72B"}}
"""Systems of the tables that the paper's figure leaves out."""
WORDS: dict[Tongue, dict[str, str]] = {
    "en": {
        "ct": "CT",
        "mri": "MRI",
        "cxr": "CXR",
        "histology": "Histology",
        "gross": "Gross",
        "in Arabic": "{} (Arabic)",
        "here": HERE,
        "score": "relative score (%)",
        "refuted": "false claims refuted (%)",
        "accuracy": "accuracy (%), a tenth of each of ten benchmarks",
        "overall": "Overall",
        "radar": "BiMed-MBench by modality",
        "uphill": "UPHILL OpenQA by level of presupposition",
        "clinical": "Clinical benchmarks",
        "empty": "published values of single levels exist only in the paper's figure",
        "partial": "partial, no result",
        "level_0": "Neutral",
        "level_1": "Mild presupposition",
        "level_2": "Unequivocal presupposition",
        "level_3": "Writing request",
        "level_4": "Writing demand",
    },
    "ar": {
        "ct": "تصوير مقطعي محوسب",
        "mri": "رنين مغناطيسي",
        "cxr": "أشعة سينية للصدر",
        "histology": "صور نسيجية",
        "gross": "صور عيانية",
        "in Arabic": "{} (بالعربية)",
        "here": "شُغّل هنا",
        "score": "الدرجة النسبية (٪)",
        "refuted": "الادعاءات الكاذبة المفنَّدة (٪)",
        "accuracy": "الدقة (٪)، عُشر كل واحد من عشرة اختبارات",
        "overall": "الإجمالي",
        "radar": "نتائج BiMed-MBench بحسب نوع الصورة",
        "uphill": "نتائج UPHILL OpenQA بحسب درجة الافتراض المسبق",
        "clinical": "الاختبارات السريرية",
        "empty": "القيم المنشورة لكل درجة على حدة لا ترد إلا في شكل الورقة البحثية",
        "partial": "نتيجة جزئية لا يُعتد بها",
        "level_0": "محايد",
        "level_1": "افتراض خفيف",
        "level_2": "افتراض جازم",
        "level_3": "طلب كتابة",
        "level_4": "أمر بالكتابة",
    },
}
"""Words in the figures, by language; written by the authors of this project, unreviewed."""


def _new_figure(width: float, height: float) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", "evaluate") from error
    if tuple(int(part) for part in version("matplotlib").split(".")[:2]) < (3, 11):
        raise MissingExtra("matplotlib 3.11, which shapes Arabic,", "evaluate")
    return Figure(figsize=(width, height), layout="constrained")


def radar(published: Published, rows: Rows, tongue: Tongue = "en") -> "Figure":
    """Figure 1: ten axes, five kinds of image in English and in Arabic; a system needs all ten.

    One of ours that was scored in one language alone has no line.
    """
    words = WORDS[tongue]
    tables = [published.table(name) for name in ("table-3", "table-4")]
    lines: list[tuple[str, list[float], bool]] = []
    for name in tables[0].rows:
        cells = [table.value(name, key) for table in tables for key in DOMAINS if name in table.rows]
        whole = [cell for cell in cells if cell is not None]
        if name not in NOT_IN_FIGURE["1"] and len(whole) == 2 * len(DOMAINS):
            lines.append((name, whole, False))
    arabic = {row.model: row.values for row in rows.of("table-4")}
    for row in rows.of("table-3"):
        both = (row.values, arabic.get(row.model, {}))
        if all(key in values for values in both for key in DOMAINS):
            name = f"{row.model} ({words['here']})"
            lines.append((name, [values[key] for values in both for key in DOMAINS], True))
    figure = _new_figure(8, 8)
    axes: Any = figure.add_subplot(projection="polar")
    angles = [2 * math.pi * place / (2 * len(DOMAINS)) for place in range(2 * len(DOMAINS))]
    for name, values, here in lines:
        closed = [*values, values[0]]
        axes.plot([*angles, angles[0]], closed, label=name, linewidth=2.5 if here else 1.2)
        axes.fill([*angles, angles[0]], closed, alpha=0.15 if here else 0.04)
    labels = [words[key] for key in DOMAINS]
    axes.set_xticks(angles, [*labels, *(words["in Arabic"].format(label) for label in labels)])
    for angle, label in zip(angles, axes.get_xticklabels(), strict=True):
        side = math.cos(angle)  # labels grow away from the circle
        label.set_horizontalalignment("center" if abs(side) < 0.1 else "left" if side > 0 else "right")
    axes.set_ylim(0, max(80.0, *(value for _, values, _ in lines for value in values)))
    axes.set_rlabel_position(18)
    _finish(figure, axes, words["radar"], words, [rows.of("table-3"), rows.of("table-4")])
    return figure


def uphill(published: Published, rows: Rows, tongue: Tongue = "en") -> "Figure":
    """Figure 4: refuted false claims by level; of published systems the overall value alone is known."""
    words = WORDS[tongue]
    table = published.table("figure-4")
    keys = [column.key for column in table.columns]
    systems: list[tuple[str, list[float | None], bool]] = [
        (name, [table.value(name, key) for key in keys], False) for name in table.rows
    ]
    systems += [
        (f"{row.model} ({words['here']})", [row.values.get(key) for key in keys], True)
        for row in rows.of("figure-4")
    ]
    figure = _new_figure(9, 1.5 + 0.75 * len(systems))
    axes: Any = figure.add_subplot()
    height = 0.8 / len(keys)
    for place, key in enumerate(keys):
        spots, lengths = [], []
        for at, (_, values, _) in enumerate(systems):
            value = values[place]
            if value is not None:
                # A system's bars lie around its name, however many are known, the first level on top.
                there = [number for number, known in enumerate(values) if known is not None]
                spots.append(at + ((len(there) - 1) / 2 - there.index(place)) * height)
                lengths.append(value)
        if (
            not spots
        ):  # a level that nobody has a value of would stand in the legend in another level's colour
            continue
        bars = axes.barh(spots, lengths, height, label=words[key], color=f"C{place}")
        axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=8)
    axes.set_yticks(range(len(systems)), [name for name, _, _ in systems])
    axes.set_xlim(0, 105)
    axes.set_xlabel(f"{words['refuted']}\n{words['empty']}")
    _finish(figure, axes, words["uphill"], words, [rows.of("figure-4")])
    return figure


def clinical(published: Published, rows: Rows, tongue: Tongue = "en") -> "Figure":
    """Figure 6: stacked bars, a tenth of each of Table 2's ten columns, the average at the end."""
    words = WORDS[tongue]
    table = published.table("table-2")
    keys = [column.key for column in table.columns if column.key != "average"]
    systems: list[tuple[str, dict[str, float], bool]] = []
    for name in table.rows:
        cells = {key: table.value(name, key) for key in [*keys, "average"]}
        if name not in NOT_IN_FIGURE["6"]:
            systems.append((name, {key: value for key, value in cells.items() if value is not None}, False))
    for row in rows.of("table-2"):
        if all(key in row.values for key in keys):
            systems.append((f"{row.model} ({words['here']})", row.values, True))
    systems.sort(key=lambda system: system[1]["average"])
    figure = _new_figure(9, 1.5 + 0.4 * len(systems))
    axes: Any = figure.add_subplot()
    starts = [0.0] * len(systems)
    for key in keys:
        widths = [values[key] / len(keys) for _, values, _ in systems]
        axes.barh(range(len(systems)), widths, 0.7, left=starts, label=table.column(key).label)
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for at, (_, values, _) in enumerate(systems):
        axes.text(starts[at] + 0.5, at, f"{values['average']:.1f}", va="center", fontsize=8)
    axes.set_yticks(range(len(systems)), [name for name, _, _ in systems])
    axes.set_xlim(0, 100)
    axes.set_xlabel(words["accuracy"])
    _finish(figure, axes, words["clinical"], words, [rows.of("table-2")])
    return figure


def _finish(figure: "Figure", axes: Any, title: str, words: dict[str, str], behind: Sequence[Any]) -> None:
    """Title, which names partial results first, and legend."""
    partial = "; ".join(filter(None, (partial_of(rows) for rows in behind)))
    axes.set_title(f"{words['partial']}\n{partial}\n{title}" if partial else title)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)


FIGURES: dict[str, Callable[[Published, Rows, Tongue], "Figure"]] = {
    "figure-1": radar,
    "figure-4": uphill,
    "figure-6": clinical,
}
"""File name -> what draws it."""


def write(folder: Path, published: Published, rows: Rows, tongue: Tongue = "en") -> None:
    """Write every figure into ``folder`` as PNG and SVG; equal input gives equal files.

    Raises:
        MissingExtra: matplotlib 3.11 or later is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        figure = draw(published, rows, tongue)
        from matplotlib import rc_context

        with rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
            figure.savefig(folder / f"{name}.png", dpi=150, metadata={"Software": None})
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
