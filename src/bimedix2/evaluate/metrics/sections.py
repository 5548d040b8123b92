"""The sections of radiology reports: MIMIC-CXR's parser, and MIMIC-III notes made ready for summarisation.

Source: this project's evaluation specification, 1.4 and 1.6; parity cases came from MultiMedEval. The tables
are in ``sections.yaml``, which says where they are ours.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from bimedix2.errors import DataError

_HEADER = re.compile(r"\n ([A-Z ()/,-]+):\s")
_PARAGRAPH = "\n \n"
_HIDDEN = re.compile(r"\[\*\*.*?\*\*\]", re.DOTALL)
WHOLE, LAST = "full report", "last_paragraph"


@cache
def tables() -> Mapping[str, Any]:
    """``names`` (header -> section), ``contained``, ``views`` and ``groups`` of ``sections.yaml``."""
    text = files("bimedix2.evaluate.metrics").joinpath("sections.yaml").read_text(encoding="utf-8")
    read = yaml.safe_load(text)
    names = {header: section for section, headers in read["names"].items() for header in headers}
    return {**read, "names": names}


class Section(NamedTuple):
    """A part of a report: its normalised name, its text unchanged, and where that begins."""

    name: str
    text: str
    start: int


def section_name(header: str) -> str:
    """The section that a header names; an unknown header is its own name, in lower case."""
    known, lowered = tables(), header.lower().strip()
    if lowered in known["names"]:
        return str(known["names"][lowered])
    for name in known["contained"]:
        if name in lowered:
            return str(name)
    return "findings" if any(view in lowered for view in known["views"]) else lowered


def section_text(report: str) -> list[Section]:
    """Part a report at its headers: a line of one space, capitals, and a colon.

    What stands before the first header is ``preamble``. Impression and findings without text are left out;
    where neither is left and the last section has several paragraphs, all but its first are
    ``last_paragraph``.
    """
    found = _HEADER.search(report)
    if found is None:
        sections = [Section(WHOLE, report, 0)]
    else:
        sections = [Section("preamble", report[: found.start(1)], 0)]
    while found is not None:
        start = found.end()
        line = report.find("\n", start)  # a header never stands in the line that its section begins in
        following = _HEADER.search(report, start if line < 0 else line)
        end = len(report) if following is None else following.start()
        sections.append(Section(section_name(found[1]), report[start:end], start))
        found = following
    sections = [s for s in sections if s.name not in ("impression", "findings") or s.text.strip()]
    if not {"impression", "findings"} & {s.name for s in sections} and _PARAGRAPH in sections[-1].text:
        last = sections.pop()
        first, rest = last.text.split(_PARAGRAPH, 1)
        sections += [last._replace(text=first), Section(LAST, rest, last.start + len(first))]
    return sections


def final_report(note: str) -> str | None:
    """A MIMIC-III note from its first ``FINAL REPORT`` on, without page breaks; ``None`` where it has none.

    A page break is all from ``(Over)`` to the next ``(Cont)``.
    """
    start = note.find("FINAL REPORT")
    if start < 0:
        return None
    text = note[start:]
    while (over := text.find("(Over)")) >= 0 and (again := text.find("(Cont)", over)) >= 0:
        text = text[:over] + text[again + len("(Cont)") :]
    return text


def masked(text: str) -> str:
    """De-identification marks (``[**...**]``) as three underscores."""
    return _HIDDEN.sub("___", text)


def group_of(description: str) -> str | None:
    """The group of modality and anatomy that a MIMIC-III ``DESCRIPTION`` belongs to, the first that fits."""
    for name, rules in tables()["groups"].items():
        if re.search(rules["description"], description.upper()):
            return str(name)
    return None


@dataclass(frozen=True)
class Summary:
    """Findings to summarise and the impression that is right; or ``dropped`` says why there are none."""

    findings: str = ""
    impression: str = ""
    dropped: str = ""


def summary_pair(note: str, group: str) -> Summary:
    """Findings and impression of one MIMIC-III note.

    Args:
        note: its text, as in ``NOTEEVENTS.csv``.
        group: a key of ``groups`` in ``sections.yaml``.

    Raises:
        DataError: there is no such group.
    """
    groups = tables()["groups"]
    if group not in groups:
        raise DataError(f"there is no group '{group}' of MIMIC-III reports; one of {', '.join(groups)}")
    report = final_report(note)
    if report is None:
        return Summary(dropped="no FINAL REPORT")
    sections = section_text(report)
    impressions = [s.text for s in sections if s.name == "impression"]
    if len(impressions) != 1:
        return Summary(dropped=f"{len(impressions)} impressions")
    headed = re.compile(groups[group]["findings"])
    candidates = [s.text for s in sections if s.name == "findings"]
    candidates += [s.text for s in sections if headed.search(s.name)]
    found = next((text for text in candidates if text.strip()), "")
    if not found:
        return Summary(dropped="no findings")
    return Summary(_one_line(found), _one_line(impressions[0]))


def _one_line(text: str) -> str:
    return masked(" ".join(text.split()))
