"""``bimedix2 score``: pairs of texts to scores; no model under evaluation, no network."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bimedix2.evaluate.metrics.pairs import Fault, Pairs

SHOWN = 20
"""Faults that are named line by line; the others are counted, and all are in the JSON."""
NAMED = 4
"""Numbers that are named where one reason keeps several away."""

COUNTS = ("closedQuestions", "openQuestions")
"""Numbers of questions, and the beginnings of the keys whose means are over these."""


class Kind(StrEnum):
    """What is scored, with the fields of a line."""

    vqa = "vqa"
    report = "report"


class Mode(StrEnum):
    """The published scores, or ours for Arabic."""

    compat = "compat"
    arabic = "arabic"


FIELDS = {Kind.vqa: ("gold", "pred"), Kind.report: ("ref", "hyp")}


def score(
    what: Annotated[Kind, typer.Argument(help="vqa: fields gold and pred; report: fields ref and hyp.")],
    pairs: Annotated[Path, typer.Argument(help="JSON Lines, one pair a line.")],
    mode: Annotated[
        Mode, typer.Option(help="compat: MultiMedEval's numbers; arabic: ours, never mixed with them.")
    ] = Mode.compat,
    per_item: Annotated[Path | None, typer.Option(help="Write every pair's scores to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    scorer: Annotated[
        list[str] | None,
        typer.Option(
            help="Of reports, one that needs weights: radgraph, chexbert, bertscore, or ratescore, green, "
            "crimson and others of radeval, from the model hub, or NAME=PATH; may be given again."
        ),
    ] = None,
    radfact: Annotated[
        Path | None,
        typer.Option(
            help="Of reports: a YAML file with RadFact's settings (judge, or replies: a file, no network)."
        ),
    ] = None,
) -> None:
    """Score answers to visual questions, or reports, against what is right. Needs no model and no network.

    Lines that cannot be scored are named, and the first line then says that the result is partial.

    Examples:

    bimedix2 score vqa answers.jsonl --json

    bimedix2 score report reports.jsonl --mode arabic --per-item scores.jsonl
    """
    from bimedix2.errors import ConfigError
    from bimedix2.evaluate.metrics import heavy
    from bimedix2.evaluate.metrics.pairs import read_pairs

    if (scorer or radfact) and what is Kind.vqa:
        name = "--scorer" if scorer else "--radfact"
        raise ConfigError(f"{name} belongs to reports; leave it out, or score a file of ref and hyp")
    if per_item is not None and per_item.resolve() == pairs.resolve():
        raise ConfigError(f"--per-item {per_item} would overwrite the pairs; name another file")
    asked = heavy.asked_for(scorer or [])
    found = read_pairs(pairs, *FIELDS[what])
    result, items = _vqa(found, mode) if what is Kind.vqa else _report(found, mode, asked, radfact)
    if per_item is not None:
        _write_items(per_item, found, items)
    used = {name: path for name, path in asked.items() if result.get(heavy.SCORERS[name].keys[0]) is not None}
    signature = _sign(found, f"{what}-{mode}", heavy.identity(used), result.pop("judge", ""))
    partial = "; ".join(filter(None, [found.partial, *result.pop("partial", ())]))
    result = {**_opening(found, what, mode, partial), **result, **_faults(found), "signature": signature}
    if as_json:
        print(json.dumps(result, ensure_ascii=False, allow_nan=False))
    else:
        _print(result, found)


def _vqa(found: "Pairs", mode: Mode) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from bimedix2.evaluate.metrics import vqa, vqa_arabic

    module: Any = vqa if mode is Mode.compat else vqa_arabic
    scores = [module.score_pair(pair.right, pair.given) for pair in found.pairs]
    items = [module.per_item(one) for one in scores]
    closed = sum(item["closed"] for item in items)
    counts = dict(zip(COUNTS, (closed, len(items) - closed), strict=True))
    return {**counts, **module.aggregate(scores)}, items


def _report(
    found: "Pairs", mode: Mode, asked: "Mapping[str, str | None]", radfact: Path | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from bimedix2.evaluate.metrics import chexbert_f1, heavy, pooled, report

    scorers = heavy.openers(asked, mode.value)
    if radfact is not None:
        scorers["radfact"] = _radfact(radfact, found.path)
    scored = report.score_reports(found.pairs, mode.value, scorers)
    for key, reason in heavy.not_asked(asked, scored.columns, mode.value).items():
        scored.unavailable.setdefault(key, reason)
    rows: dict[str, Any] = {**scored.columns, **scored.details}
    items = [{name: values[n] for name, values in rows.items()} for n in range(len(found.pairs))]
    result: dict[str, Any] = {
        **scored.values(),
        "unavailable": scored.unavailable,
        "notes": scored.notes,
        "partial": scored.partial,
        "judge": "".join(f"{one.name},host={one.host}" for one in scored.judges),
    }
    if chexbert_f1.NAME in scored.details:
        sums = pooled.matrix(chexbert_f1.NAME, scored.details[chexbert_f1.NAME]).sum(axis=0)
        result["conditions"] = chexbert_f1.by_condition(sums)
    return result, items


def _radfact(settings: Path, pairs: Path) -> Any:
    """RadFact's scorer; what would stop it is said first."""
    from bimedix2 import config
    from bimedix2.evaluate.metrics.radfact.scorer import Radfact, opener

    asked = config.load(Radfact, settings)
    asked.check()
    return opener(asked, str(pairs))


def _opening(found: "Pairs", what: Kind, mode: Mode, partial: str) -> dict[str, Any]:
    first = {"partial": partial} if partial else {}
    return {**first, "what": what.value, "mode": mode.value, "pairs": len(found.pairs)}


def _faults(found: "Pairs") -> dict[str, Any]:
    def rows(faults: "list[Fault]") -> list[dict[str, Any]]:
        return [{"file": str(found.path), "line": fault.line, "reason": fault.reason} for fault in faults]

    return {"leftOut": rows(found.left_out), "noted": rows(found.noted)}


def _sign(found: "Pairs", scorer: str, weights: str, judge: str) -> str:
    from bimedix2 import __version__, io
    from bimedix2.manifest import git_commit

    return "|".join(
        [
            f"pairs:{io.sha256_file(found.path)[:8]}",
            f"scorer:{scorer}",
            f"weights:{weights}",
            *([f"judge:{judge}"] if judge else []),
            f"version:{__version__}",
            f"commit:{(git_commit() or 'none')[:8]}",
        ]
    )


def _write_items(path: Path, found: "Pairs", items: list[dict[str, Any]]) -> None:
    from bimedix2 import io
    from bimedix2.errors import DataError

    rows = (
        {"line": pair.line, **({} if pair.id is None else {"id": pair.id}), **item}
        for pair, item in zip(found.pairs, items, strict=True)
    )
    try:
        io.write_jsonl(path, rows)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}); name another file") from error


def _print(result: dict[str, Any], found: "Pairs") -> None:
    if "partial" in result:
        print(result["partial"])
    counts = [f"{v} {k.replace('Questions', ' questions')}" for k, v in result.items() if isinstance(v, int)]
    print(f"{result['what']}, {result['mode']}: {', '.join(counts)}")
    absent: dict[str, list[str]] = {}
    for key, value in result.items():
        if value is None:
            absent.setdefault(result["unavailable"].get(key, "no pair has a value"), []).append(key)
        elif isinstance(value, float):
            kind = next((name for name in COUNTS if key.startswith(name)), "")
            shown = "no such question" if kind and not result[kind] else f"{value:.6g}"
            print(f"    {key:<32}{shown}")
    for reason, keys in absent.items():
        more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
        print(f"    {', '.join(keys[:NAMED])}{more}: unavailable: {reason}")
    for note in result.get("notes", ()):
        print(f"note: {note}")
    _print_faults("left out", found, found.left_out)
    _print_faults("scored, but", found, found.noted)
    print(f"signature: {result['signature']}")


def _print_faults(title: str, found: "Pairs", faults: "list[Fault]") -> None:
    from bimedix2.evaluate.metrics.pairs import count_reasons

    if not faults:
        return
    print(f"{title}: {'; '.join(f'{count} x {reason}' for reason, count in count_reasons(faults).items())}")
    for fault in faults[:SHOWN]:
        print(f"    {found.path} line {fault.line}: {fault.reason}")
    if len(faults) > SHOWN:
        print(f"    and {len(faults) - SHOWN} more; --json names them all")
