"""Numbers to Markdown: ``scores.md`` for people, and ``errors.md``, wrong answers to read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bimedix2.evaluate.aggregate import SCOPES, TONGUES, Cell, type_of
from bimedix2.evaluate.answers_file import in_words
from bimedix2.evaluate.rows import Row
from bimedix2.evaluate.targets import Target

EXAMPLES = 4
"""Wrong answers of each type and language in ``errors.md``."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(head), ["---"] * len(head), *[list(row) for row in rows]]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def percent(value: Any) -> str:
    """A share in per cent with one decimal."""
    return "-" if value is None else f"{100 * float(value):.1f}"


def shown(cell: Cell | dict[str, Any] | None) -> str:
    """Value, interval, answers and subjects in one table cell."""
    if cell is None:
        return "-"
    one = vars(cell) if isinstance(cell, Cell) else cell
    interval = "" if one["low"] is None else f" [{percent(one['low'])}, {percent(one['high'])}]"
    return f"{percent(one['value'])}{interval} {_behind(one)}"


def _behind(one: dict[str, Any]) -> str:
    subjects = one["subjects"]
    if one["unknown"] == one["n"]:
        return f"(n {one['n']}, no subject id)"
    note = f"; {one['unknown']} answers without subject id" if one["unknown"] else ""
    return f"(n {one['n']}, {subjects} subject{'s' if subjects != 1 else ''}{note})"


def answers_file(faults: Mapping[str, list[str]]) -> list[str]:
    """What was wrong with an answers file, in Markdown; nothing where nothing was.

    Args:
        faults: fault -> ids.
    """
    lines = "\n".join(f"- {one}" for one in in_words(dict(faults)))
    return [f"## The answers file\n\n{lines}"] if faults else []


@dataclass(frozen=True)
class Frame:
    """What pages of scores of free answers have around their tables.

    ``partial``: why these are no whole results; ``notes``: what is to be known of the questions;
    ``signatures``: mode or benchmark -> signature in one line; ``faults``: of an answers file, fault -> ids.
    """

    title: str
    model: str
    partial: Sequence[str]
    notes: Sequence[str]
    signatures: Mapping[str, str]
    faults: Mapping[str, list[str]] = field(default_factory=dict)

    def page(self, tables: Sequence[str], odd: str, closing: str = "") -> str:
        """Return Markdown.

        Args:
            tables: numbers and what they mean.
            odd: a table of answers that need a look.
            closing: what stands before the signatures.
        """
        first = f"**Partial: {'; '.join(self.partial)}. These numbers are no whole result.**"
        parts = [first] if self.partial else []
        parts += [f"# {self.title}", f"Model: {self.model}", *tables, "## Answers that need a look", odd]
        parts.append("An empty answer and a cut one are scored as they are. What has no score is in no mean.")
        parts += answers_file(self.faults)
        parts += ["\n".join(f"- {note}" for note in self.notes)] if self.notes else []
        parts += [closing] if closing else []
        signed = "\n".join(f"- {name}: `{line}`" for name, line in self.signatures.items())
        return "\n\n".join([*parts, "## Signatures", signed]) + "\n"


def scores(values: dict[str, Any], targets: Sequence[Target], signature: str) -> str:
    """The whole report; the targets stand first."""
    parts = []
    if values["partial"]:
        parts.append(f"**Partial: {values['partial']}. These numbers are no result.**")
    parts += ["## Targets", _targets(targets), _notes()]
    if "image_qa" in values:
        parts += _image_qa(values["image_qa"])
    if "canary" in values:
        parts += ["## Pictures swapped across modalities", _canary(values["canary"])]
    if "pubmedqa" in values:
        parts += ["## PubMedQA", _pubmedqa(values["pubmedqa"])]
    if "perplexity" in values:
        parts += ["## Perplexity of the abstracts", _perplexity(values["perplexity"])]
    for role, faults in values.get("faults", {}).items():
        lines = "\n".join(f"- {one}" for one in in_words(faults))
        parts += [f"## Faults of the answers file ({role})", lines]
    return "\n\n".join([*parts, "## Signature", f"`{signature}`"]) + "\n"


def _notes() -> str:
    return (
        "Per cent, in brackets 95 % bootstrap intervals over subjects; where all answers "
        "agree, the exact binomial interval with a subject as one trial; none where one subject "
        "gives mixed answers. Records of a source that names no subject count as one subject. The last two "
        "columns part the sources that also train (other subjects of theirs) from those that never train."
    )


def _targets(targets: Sequence[Target]) -> str:
    rows = []
    for target in targets:
        met = {True: "yes", False: "**no**", None: "not measured"}[target.met]
        cells = [_target_cell(target, scope) for scope in SCOPES]
        rows.append([target.name, target.bound, met, *cells])
    return table(["measure", "target", "met", *SCOPES], rows)


def _target_cell(target: Target, scope: str) -> str:
    one = target.cells.get(scope)
    if one is None:
        return "-"
    if target.name.startswith("perplexity"):
        interval = "" if one["low"] is None else f" [{one['low']:.4f}, {one['high']:.4f}]"
        return f"{one['value']:.4f}{interval} (n {one['n']})"
    if target.name.startswith("PubMedQA"):
        interval = "" if one["low"] is None else f" [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]"
        return f"{100 * one['value']:+.1f} points{interval} (n {one['n']})"
    return shown(one)


def _image_qa(values: dict[str, Any]) -> list[str]:
    parts = ["## Image questions"]
    names = ("all", "macro over types", "modality macro", "modality macro, single form", "region macro")
    summary = (*names, "answer in the question's language")
    rows = [[key, *(shown(tables[name]) for name in summary)] for key, tables in values.items()]
    parts += ["### Summary", table(["subjects, language", *summary], rows)]
    rows = [[key, *(str(tables[name]) for name in _COUNTS)] for key, tables in values.items()]
    parts += ["### Counts of answers", table(["subjects, language", *_COUNTS], rows)]
    untaught = "regions that no training picture shows"
    whole = (
        "by type",
        "modality questions",
        "region questions",
        untaught,
        "all questions by modality",
        "by form",
    )
    for what in whole:
        if what == untaught and not values["together, both"][what]:
            continue
        parts += [f"### {what[0].upper()}{what[1:]}", _split(values, what, "together")]
    for scope in list(SCOPES)[1:]:
        for what in ("by type", "modality questions", "region questions"):
            parts += [f"### {what[0].upper()}{what[1:]}, {scope}", _split(values, what, scope)]
    return parts


_COUNTS = ("right terms in a malformed answer", "names a cell or sign that is not annotated")


def _split(values: dict[str, Any], what: str, scope: str) -> str:
    """One row a group, one column a language."""
    columns = {t: values.get(f"{scope}, {t}", {}).get(what, {}) for t in TONGUES}
    names = sorted({name for column in columns.values() for name in column})
    rows = [[name, *(shown(columns[t].get(name)) for t in TONGUES)] for name in names]
    return table(["", "both languages", "English", "Arabic"], rows)


def _canary(values: dict[str, Any]) -> str:
    heads = ("against the original label", "names what is shown")
    return table(
        ["question", *heads], [[kind, *(shown(cells[h]) for h in heads)] for kind, cells in values.items()]
    )


def _pubmedqa(values: dict[str, Any]) -> str:
    rows = []
    for role in ("model", "base"):
        one = values[role]
        shares = [percent(row[role]) for row in values["shares"].values()]
        rows.append(
            [role, f"{percent(one['value'])} [{percent(one['low'])}, {percent(one['high'])}]", *shares]
        )
    rows.append(["truth", "", *(percent(row["truth"]) for row in values["shares"].values())])
    first = table(["", "accuracy [exact 95 %]", *(f"chooses {o}" for o in values["shares"])], rows)
    one = values["difference"]
    interval = "" if one["low"] is None else f" [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]"
    return f"{first}\n\nPaired difference, model minus base: {100 * one['value']:+.1f} points{interval}."


def _perplexity(values: dict[str, Any]) -> str:
    one = values["ratio"]
    interval = "" if one["low"] is None else f" [{one['low']:.4f}, {one['high']:.4f}]"
    row = [f"{values['model']:.3f}", f"{values['base']:.3f}", f"{one['value']:.4f}{interval}", str(one["n"])]
    other = "Model and base part the texts into other tokens, so that the ratio says nothing."
    note = f"\n\n{other}" if "other tokens" in values else ""
    return table(["model", "base", "ratio", "texts"], [row]) + note


def errors(rows: Sequence[Row]) -> str:
    """Wrong answers by type and language, the most frequent reasons first."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if row.task == "image_qa":
            totals[type_of(row), row.tongue] += 1
            if not row.grade.right:
                groups[type_of(row), row.tongue].append(row)
    parts = ["# Wrong answers, for reading"]
    if not groups:
        parts.append("None.")
    for key, wrong in sorted(groups.items()):
        parts.append(f"## {key[0]}, {key[1]}: {len(wrong)} of {totals[key]}")
        parts += [_example(row) for row in _spread(wrong)]
    return "\n\n".join(parts) + "\n"


def _spread(rows: list[Row]) -> list[Row]:
    """Some rows, of different reasons and subjects first."""
    seen: dict[tuple[str, ...], int] = defaultdict(int)
    ranked = []
    for row in sorted(rows, key=lambda r: r.request):
        key = (*row.grade.reasons, row.subject)
        ranked.append((seen[key], row.request, row))
        seen[key] += 1
    return [row for _, _, row in sorted(ranked, key=lambda item: item[:2])[:EXAMPLES]]


def _example(row: Row) -> str:
    record, wanted = row.sample.record, row.sample.expected
    assert wanted is not None
    turns = [f"  - {m.role}: {'[image] ' if m.images else ''}{_line(m.text)}" for m in row.sample.messages]
    return "\n".join(
        [
            f"- `{record.id}` ({row.modality}; subject {record.provenance.subject or 'unknown'})",
            *turns,
            f"  - expected: {_line(wanted.reference)}",
            f"  - answer: {_line(row.raw['answer'])}",
            f"  - why wrong: {'; '.join(row.grade.reasons)}",
        ]
    )


def _line(text: str) -> str:
    return " ".join(text.split())
