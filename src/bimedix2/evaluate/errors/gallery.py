"""The gallery: some wrong answers of each class and language, as a page and as figures."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.evaluate.errors.classes import CLASSES
from bimedix2.evaluate.errors.classify import Judged
from bimedix2.evaluate.sheets.answers import Found, System
from bimedix2.evaluate.sheets.pictures import Pictures
from bimedix2.evaluate.sheets.shoot import ABSENT, chromium, photograph
from bimedix2.web.sheets import sheet, write_assets
from bimedix2.web.shell import Interface

Groups = dict[tuple[str, str, str], list[Judged]]
"""System, class and language -> wrong answers."""


def chosen(wrong: Sequence[Judged], examples: int) -> Groups:
    """At most so many answers of each system, class and language: of other reasons and subjects first.

    The order is that of the answers' places in their files, so the same folder gives the same page.
    """
    groups: Groups = defaultdict(list)
    for one in wrong:
        groups[one.answer.system, one.named.name, one.answer.language].append(one)
    systems = list(dict.fromkeys(one.answer.system for one in wrong))
    order = [(s, c, t) for c in CLASSES for s in systems for t in ("en", "ar") if (s, c, t) in groups]
    return {key: _spread(groups[key])[:examples] for key in order}


def _spread(rows: list[Judged]) -> list[Judged]:
    seen: dict[tuple[str, ...], int] = defaultdict(int)
    ranked = []
    for number, row in enumerate(rows):
        kind = (row.named.why, row.answer.subject or row.answer.id)
        ranked.append((seen[kind], seen[(row.named.why,)], number, row))
        seen[kind] += 1
        seen[(row.named.why,)] += 1
    return [row for *_, row in sorted(ranked, key=lambda item: item[:3])]


def write(
    folder: Path,
    found: Found,
    groups: Groups,
    values: dict[str, Any],
    pictures: Pictures,
    language: Interface,
    figures: bool,
) -> dict[str, str]:
    """Write ``gallery.html``, and a PNG a class; return each figure's name with ``made`` or why not.

    Args:
        folder: of the run.
        found: the systems.
        groups: what is shown.
        values: the counts.
        pictures: where pictures come from.
        language: of the headings.
        figures: whether PNG are made.
    """
    write_assets(folder)
    whole = [_group(key, rows, values, pictures) for key, rows in groups.items()]
    io.write_text(folder / "gallery.html", _page(language, found.systems, whole))
    if not figures:
        return {}
    names = [name for name in CLASSES if any(key[1] == name for key in groups)]
    if chromium() is None:
        return {f"gallery-{name}.png": ABSENT for name in names}
    made = {}
    for name in names:
        mine = [group for group in whole if group["name"] == name]
        if (folder / f"gallery-{name}.png").exists():  # of a run that was killed
            made[f"gallery-{name}.png"] = "made"
            continue
        page = folder / f".figure-{name}.html"
        try:
            io.write_text(page, _page(language, found.systems, mine))
            photograph(page, folder / f"gallery-{name}.png")
        finally:
            page.unlink(missing_ok=True)
        made[f"gallery-{name}.png"] = "made"
    return made


def _page(language: Interface, systems: Sequence[System], groups: Sequence[dict[str, Any]]) -> str:
    shown = {group["system"] for group in groups}
    mine = [one for one in systems if one.name in shown]
    partial = "; ".join(f"{one.name}: {one.partial}" for one in mine if one.partial)
    return sheet("gallery.html", language, groups=groups, systems=mine, partial=partial)


def _group(
    key: tuple[str, str, str], rows: Sequence[Judged], values: dict[str, Any], pictures: Pictures
) -> dict[str, Any]:
    system, name, tongue = key
    counted = values[system][tongue]
    anchor = f"{name}-{tongue}-{list(values).index(system)}"
    return {
        "system": system,
        "name": name,
        "language": tongue,
        "anchor": anchor,
        "count": counted["classes"][name]["n"],
        "judged": counted["judged"],
        "cards": [_card(f"{anchor}-{number}", row, pictures) for number, row in enumerate(rows)],
    }


def _card(anchor: str, row: Judged, pictures: Pictures) -> dict[str, Any]:
    answer = row.answer
    others = [fault.why for fault in row.faults if fault is not row.named]
    source = [answer.id, answer.modality, "" if answer.licence == "unknown" else answer.licence]
    return {
        "anchor": anchor,
        "images": [pictures.address(key) for key in answer.images],
        "turns": answer.turns,
        "reference": answer.reference,
        "answer": answer.answer,
        "why": "; ".join([row.named.why, *others]),
        "source": " | ".join(part for part in source if part),
    }
