"""Two finished folders of scores on the same samples: which system is better, and how sure that is.

Reads both ``answers.jsonl``, pairs their lines by task and id, and compares with ``stats.paired``.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from bimedix2 import __version__, io
from bimedix2.config import Settings, build
from bimedix2.errors import DataError
from bimedix2.evaluate import answering, failures
from bimedix2.evaluate.report import table
from bimedix2.manifest import RunFolder, folder_hash, git_commit, read_manifest
from bimedix2.stats.paired import holm, mcnemar, paired_bootstrap, randomisation

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

ANSWERS = "answers.jsonl"
PAIRS = "pairs.jsonl"
PARTS = ("task", "benchmark", "prompt_name", "condition", "safeguards", "level", "language")
"""Fields of a line, beside its id, that tell two samples apart; text ones alone count (``prompt`` too)."""
ROLES = ("model", "base")
"""Of ``role``: whose answer a line is. Other values are what the line asks (``probe``, ``twin``): a part."""
WANTED = ("expected", "gold", "reference", "options")
"""Fields that say what is right: lines that differ in them are no pair."""


class Compare(Settings):
    """Two folders, and what of a line is compared."""

    folders: tuple[Path, Path]
    """The first minus the second."""
    value: str = "right"
    """A field of ``answers.jsonl``, a dot goes inward: true or false, or a number."""
    group: str | None = None
    """A field whose equal values are kept together; by default the subject, else the image, else nothing."""
    systems: tuple[str, str] | None = None
    """Of folders with several systems: the two ``model`` names."""
    rounds: int = Field(default=10_000, ge=100)
    """Random swaps of the approximate randomisation, where there are too many to make all."""


Value = bool | int | float | None
"""What is compared of a line; ``None`` where it has no score."""


@dataclass(frozen=True)
class Item:
    """A line of one folder: its value, and what it is drawn with."""

    value: Value
    group: str
    wanted: str = ""
    """What is right, so that the other folder's line can be seen to be asked for the same."""


Key = tuple[str, str]
"""Part (task, prompt, condition) and id."""


def run(config: "Config", opener: Any = None) -> Path:
    """Compare, and write a finished folder; no model is opened.

    Raises:
        DataError: a folder has no such field, a sample is there twice, or they share no sample.
        RunError: a folder is not finished.
    """
    del opener
    answering.whole(config, "compare")
    own = config.compare
    assert own is not None
    inputs = {"first": own.folders[0], "second": own.folders[1]}
    for folder in own.folders:
        read_manifest(folder)
    names = own.systems or (None, None)
    sides = [read(folder, own, name) for folder, name in zip(own.folders, names, strict=True)]
    partial = [failures.stated(folder, name) for folder, name in zip(own.folders, names, strict=True)]
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        pairs, left = pair(*sides)
        if not pairs:
            raise DataError(
                f"{own.folders[0]} and {own.folders[1]} share no scored sample; give two of one benchmark"
            )
        signature = _sign(config, own)
        io.write_jsonl(out.path / PAIRS, pairs)
        _write(out.path, pairs, {"partial folders": partial, "left out": left}, config, signature)
        counts = {"in": len(pairs) + sum(left.values()), "kept": len(pairs), "removed": left}
        return out.publish(counts, {"signature": signature})


def replay(folder: Path, scratch: Path) -> None:
    """Compare the kept pairs again.

    Args:
        folder: a finished one.
        scratch: where to.
    """
    from bimedix2.evaluate import Config

    config = build(Config, read_manifest(folder)["recipe"], str(folder))
    stated = io.read_json(folder / "scores.json")
    pairs = [line for _, line in io.read_jsonl(folder / PAIRS)]
    opening = {name: stated[name] for name in ("partial folders", "left out")}
    _write(scratch, pairs, opening, config, stated["signature"])


def _write(
    folder: Path,
    pairs: Sequence[dict[str, Any]],
    opening: dict[str, Any],
    config: "Config",
    signature: dict[str, Any],
) -> None:
    """Write the numbers; ``opening``: why either folder is partial, and samples that are left out."""
    own = config.compare
    assert own is not None
    places = zip(("the first", "the second"), opening["partial folders"], strict=True)
    partial = [f"{place} is partial: {why}" for place, why in places if why]
    if left := ", ".join(f"{count} {reason}" for reason, count in opening["left out"].items()):
        partial.append(f"of the samples, {left}")
    tasks = tests(pairs, own.rounds, config.resamples, config.seed)
    values = {"partial": "; ".join(partial), **opening, "tasks": tasks}
    io.write_json(folder / "scores.json", {"signature": signature, **values})
    io.write_text(folder / "scores.md", page(values, signature, own))


def read(folder: Path, own: Compare, system: str | None = None) -> dict[Key, Item]:
    """Lines of the model under evaluation by part and id; lines of a base are left out.

    Raises:
        DataError: see ``run``.
    """
    found: dict[Key, Item] = {}
    models = set()
    for number, row in io.read_jsonl(folder / ANSWERS):
        where = f"{folder / ANSWERS} line {number}"
        if not isinstance(row, dict) or "id" not in row:
            raise DataError(f"{where} has no 'id'; give a folder of scores")
        if row.get("role") == "base" or (system is not None and row.get("model") != system):
            continue
        models.add(row.get("model"))
        key = _key(row)
        if key in found:
            several = f"; it holds {', '.join(sorted(map(str, models)))}: name one in compare.systems"
            raise DataError(
                f"{where}: '{key[1]}' of {key[0]} is there twice" + (several if len(models) > 1 else "")
            )
        found[key] = _item(row, own, where, key)
    if not found:
        raise DataError(
            f"{folder / ANSWERS} has no line" + (f" of '{system}'" if system else "") + "; check it"
        )
    return found


def _key(row: dict[str, Any]) -> Key:
    parts = [row[name] for name in (*PARTS, "prompt") if isinstance(row.get(name), str | int)]
    parts = [row["role"], *parts] if row.get("role", ROLES[0]) not in ROLES else parts
    return ", ".join(str(part) for part in parts) or "all", str(row["id"])


def _item(row: dict[str, Any], own: Compare, where: str, key: Key) -> Item:
    value: Any = row
    for step in own.value.split("."):
        if value is None:  # a line without a score has none of its parts
            break
        if not isinstance(value, dict) or step not in value:
            fields = ", ".join(sorted(row))
            raise DataError(f"{where} has no '{own.value}'; name a field of it in compare.value ({fields})")
        value = value[step]
    if own.group is not None and own.group not in row:
        raise DataError(f"{where} has no '{own.group}' to group by; leave compare.group out")
    group = _group(row, own.group, key)
    number = isinstance(value, bool | int | float) and math.isfinite(value)
    if value is not None and not number:
        raise DataError(
            f"{where}: '{own.value}' is {value!r}, no number; name another field in compare.value"
        )
    return Item(value, group, io.canonical_json([row.get(name) for name in WANTED]))


def _group(row: dict[str, Any], named: str | None, key: Key) -> str:
    """What a line is drawn with; lines of a source that names no subject are one group, as in the scores."""
    if named:
        return f"{named}:{row[named]}"
    images = [row["image"]] if row.get("image") else row.get("images") or []
    if row.get("subject") is not None:
        return f"subject:{row['subject']}"
    if row.get("pair") is not None:  # of ``safety``, whose questions without a subject stand for themselves
        return f"image:{images[-1]}" if images else f"pair:{row['pair']}"
    if "subject" in row and row.get("source"):
        return f"source:{row['source']}"
    return f"image:{images[-1]}" if images else f"id:{key[1]}"


def pair(ours: dict[Key, Item], theirs: dict[Key, Item]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """A line for each sample with two values; and how many have none, by reason."""
    out = Counter[str]()
    pairs: list[dict[str, Any]] = []
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key), theirs.get(key)
        if one is None or other is None:
            out["only in the first" if other is None else "only in the second"] += 1
        elif one.value is None or other.value is None:
            out["without a score in one of them"] += 1
        elif one.wanted != other.wanted:
            out["with another right answer in the other"] += 1
        else:
            line = {"part": key[0], "id": key[1], "group": one.group}
            pairs.append({**line, "first": one.value, "second": other.value})
    return pairs, dict(sorted(out.items()))


def tests(
    pairs: Sequence[dict[str, Any]], rounds: int, resamples: int, seed: int
) -> dict[str, dict[str, Any]]:
    """Part -> means, difference and all tests; McNemar's where every value is right or wrong."""
    found = {}
    for part in dict.fromkeys(line["part"] for line in pairs):
        mine = [line for line in pairs if line["part"] == part]
        found[part] = _tests(mine, rounds, resamples, seed)
    adjusted = holm([one["randomisation"]["p"] for one in found.values()])
    return {part: {**one, "p, Holm": p} for (part, one), p in zip(found.items(), adjusted, strict=True)}


def _tests(pairs: Sequence[dict[str, Any]], rounds: int, resamples: int, seed: int) -> dict[str, Any]:
    first, second = ([float(line[side]) for line in pairs] for side in ("first", "second"))
    groups = [line["group"] for line in pairs]
    boot = paired_bootstrap(first, second, groups, resamples=resamples, seed=seed)
    swapped = randomisation(first, second, groups, rounds=rounds, seed=seed)
    found: dict[str, Any] = {
        "n": len(pairs),
        "groups": boot.groups,
        "first": sum(first) / len(first),
        "second": sum(second) / len(second),
        "difference": vars(boot.difference),
        "bootstrap": {"wins": boot.wins, "p": boot.p},
        "randomisation": {"p": swapped.p, "exact": swapped.exact, "rounds": swapped.rounds},
        "mcnemar": None,
    }
    if all(isinstance(line[side], bool) for line in pairs for side in ("first", "second")):
        exact = mcnemar([value > 0 for value in first], [value > 0 for value in second], groups)
        found["mcnemar"] = {"first only": exact.ours_only, "second only": exact.theirs_only, "p": exact.p}
    return found


def _sign(config: "Config", own: Compare) -> dict[str, Any]:
    def of(folder: Path) -> Any:
        return read_manifest(folder).get("signature")

    return {
        "folders": [folder_hash(folder) for folder in own.folders],
        "of": [of(folder) for folder in own.folders],
        "value": own.value,
        "resamples": config.resamples,
        "rounds": own.rounds,
        "seed": config.seed,
        "version": __version__,
        "commit": git_commit(),
    }


def page(values: dict[str, Any], signature: dict[str, Any], own: Compare) -> str:
    """The page: a row a task."""
    first, second = (str(folder) for folder in own.folders)
    parts = [f"**Partial: {values['partial']}.**"] if values["partial"] else []
    parts += [f"# {first} against {second}", f"Compared: `{own.value}` of each sample; first minus second."]
    head = ["task", "first", "second", "difference [95 %]", "p, bootstrap", "p, randomisation", "p, Holm"]
    rows = [[part, *_row(one)] for part, one in values["tasks"].items()]
    parts.append(table([*head, "McNemar", "samples"], rows))
    parts.append(
        "Intervals and the bootstrap's p draw groups again (subjects, else images, else samples), both "
        "systems together; randomisation swaps the systems' answers, a group at a time; McNemar's test is "
        "exact, with the samples that only the first / only the second has right. Holm's p is the "
        "randomisation's, adjusted for the number of tasks."
    )
    folders = "+".join(hash_[:8] for hash_ in signature["folders"])
    names = ("value", "resamples", "rounds", "seed", "version")
    stated = [f"folders:{folders}", *(f"{name}:{signature[name]}" for name in names)]
    line = "|".join([*stated, f"commit:{(signature['commit'] or 'none')[:8]}"])
    return "\n\n".join([*parts, "## Signature", f"`{line}`"]) + "\n"


def _row(one: dict[str, Any]) -> list[str]:
    difference, exact = one["difference"], one["mcnemar"]
    interval = "" if difference["low"] is None else f" [{difference['low']:+.4f}, {difference['high']:+.4f}]"
    said = "-" if exact is None else f"{exact['p']:.4g} ({exact['first only']} / {exact['second only']})"
    boot = one["bootstrap"]["p"]
    return [
        f"{one['first']:.4f}",
        f"{one['second']:.4f}",
        f"{difference['value']:+.4f}{interval}",
        "-" if boot is None else f"{boot:.4g}",
        f"{one['randomisation']['p']:.4g}" + (" (exact)" if one["randomisation"]["exact"] else ""),
        f"{one['p, Holm']:.4g}",
        said,
        f"{one['n']} in {one['groups']} groups",
    ]
