"""Finished folders of scores as answers that pages can show, whatever evaluation wrote them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.evaluate import failures
from bimedix2.evaluate.sheets.rows import ROLES, Answer, answer_of, identity_of, role_of
from bimedix2.manifest import MANIFEST, folder_hash, read_manifest
from bimedix2.records.record import DataClass
from bimedix2.records.store import read_records

ANSWERS = "answers.jsonl"
SHOWN = (DataClass.OPEN, DataClass.NON_COMMERCIAL)
"""Data classes that are copied into a page unless the recipe allows more."""


class Source(Settings):
    """Which finished folders are read, and what may be shown of them."""

    folders: list[Path] = Field(min_length=1)
    """Finished folders of scores, each with ``answers.jsonl``."""
    names: list[str] | None = None
    """How the folders are called on the pages, in their order; else by the model's name."""
    datasets: list[Path] = []
    """Folders of records that were scored, for their pictures and data classes, where they do not stand at
    the places that the scores name."""
    images: Path | None = None
    """A folder of picture files, for benchmarks that name pictures by file."""
    data_class: DataClass | None = None
    """Of answers that neither their row nor a dataset gives a data class."""
    allow: list[DataClass] = list(SHOWN)
    """Data classes whose words and pictures are copied. Credentialed and patient data only if named here."""
    tasks: list[str] | None = None
    """Of these tasks alone; else all."""

    @model_validator(mode="after")
    def _names_fit(self) -> "Source":
        if self.names is not None and len(self.names) != len(self.folders):
            raise ValueError(f"'names' has {len(self.names)} names for {len(self.folders)} folders")
        if self.names is not None and len(set(self.names)) < len(self.names):
            raise ValueError("'names' has a name twice")
        return self


@dataclass(frozen=True)
class System:
    """One model of one folder."""

    name: str
    folder: str
    role: str
    signature: str
    partial: str


@dataclass
class Found:
    """All that was read; what was not is counted by reason, and listed."""

    answers: list[Answer] = field(default_factory=list)
    systems: list[System] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    stores: list[Path] = field(default_factory=list)
    """Folders of image stores."""

    def reasons(self) -> dict[str, int]:
        """Reason -> how many lines were left out for it."""
        return dict(Counter(row["reason"] for row in self.left_out).most_common())


@dataclass(frozen=True)
class _Facts:
    data_class: DataClass
    licence: str


def in_short(signature: Any) -> str:
    """A signature in one line, hashes cut to eight digits.

    Args:
        signature: as a folder's manifest has it; a list is several.
    """
    if isinstance(signature, list):
        return " || ".join(in_short(one) for one in signature)
    if not isinstance(signature, dict):
        return ""
    return "|".join(f"{key}:{_cut(value)}" for key, value in signature.items() if value not in (None, "", {}))


def _cut(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={_cut(one)}" for key, one in value.items() if one not in (None, "", {}))
    if isinstance(value, list):
        return "+".join(_cut(one) for one in value)
    text = str(value)
    return text[:8] if len(text) in (40, 64) and set(text) <= set("0123456789abcdef") else text


def read(source: Source) -> Found:
    """Read every folder of a recipe.

    Raises:
        RunError: a folder is not finished, its answers were changed, or a dataset was not scored.
        DataError: a line is no answer, or its data class cannot be told.
        ConfigError: two systems would have one name, or a task does not exist.
    """
    found = Found()
    known: dict[Path, dict[str, _Facts]] = {}
    manifests = [read_manifest(folder) for folder in source.folders]
    given = _given(source, manifests)
    every = [_lines(folder, manifest) for folder, manifest in zip(source.folders, manifests, strict=True)]
    ids = {identity_of(row) for lines in every for _, row in lines if isinstance(row, dict)}
    for number, (manifest, lines) in enumerate(zip(manifests, every, strict=True)):
        facts: dict[str, _Facts] = {}
        for path in _scored(manifest, given):
            if path not in known:
                rows = (record for record in read_records(path) if record.id in ids)
                known[path] = {r.id: _Facts(r.data_class, r.provenance.licence) for r in rows}
                found.stores.append(path / "images")
            facts |= known[path]
        if (own := source.folders[number] / "images").is_dir():  # pictures that the evaluation made itself
            found.stores.append(own)
        _read_folder(source, number, manifest, lines, facts, found)
    if source.tasks is not None and (none := set(source.tasks) - {a.task for a in found.answers}):
        raise ConfigError(f"no answer is of task '{min(none)}'; correct 'tasks'")
    if not found.answers:
        why = "; ".join(f"{count} {reason}" for reason, count in found.reasons().items())
        raise DataError(f"{source.folders[0]} has no answer to show ({why or 'no line'}); give another one")
    return found


def _given(source: Source, manifests: Sequence[dict[str, Any]]) -> dict[str, Path]:
    """Folder hash -> each dataset of the recipe."""
    inputs = {stated for manifest in manifests for stated in manifest.get("inputs", {}).values()}
    given = {}
    for path in source.datasets:
        own = folder_hash(path)
        if own not in inputs:
            raise RunError(f"{path} is not what any of these folders was scored on; correct 'datasets'")
        given[own] = path
    return given


def _scored(manifest: dict[str, Any], given: dict[str, Path]) -> list[Path]:
    """Folders of records that a run read: those of the recipe, and those at the places that it names."""
    inputs = set(manifest.get("inputs", {}).values())
    found = [path for own, path in given.items() if own in inputs]
    for path in dict.fromkeys(_paths(manifest.get("recipe", {}))):
        if (path / MANIFEST).is_file() and (path / "records").is_dir():
            own = folder_hash(path)
            if own in inputs and own not in given:
                found.append(path)
    return found


def _paths(value: Any) -> Iterator[Path]:
    """Every text of a recipe that may be a folder."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _paths(one)
    elif isinstance(value, str) and value and "\n" not in value and len(value) < 1000:
        yield Path(value)


def _lines(folder: Path, manifest: dict[str, Any]) -> list[tuple[int, Any]]:
    path = folder / ANSWERS
    if not path.is_file():
        raise RunError(f"{folder} has no {ANSWERS}; give a folder that the evaluate room wrote answers into")
    if manifest["files"].get(ANSWERS) != io.sha256_file(path):
        raise RunError(f"{path} was changed after the run; run its evaluation again")
    return list(io.read_jsonl(path))


def _read_folder(
    source: Source,
    number: int,
    manifest: dict[str, Any],
    lines: Sequence[tuple[int, Any]],
    facts: dict[str, _Facts],
    found: Found,
) -> None:
    folder = source.folders[number]
    signature = _stated(folder, manifest)
    kind = _kind(manifest)
    label = source.names[number] if source.names else ""
    names: dict[str, str] = {}
    for line, row in lines:
        where = f"{folder / ANSWERS} line {line}"
        if not isinstance(row, dict):
            raise DataError(f"{where} is no answer; give a folder of scores")
        role = role_of(row)
        if role not in names:
            names[role] = _name(found, label, signature, role, folder, alone=_roles(lines) == 1)
            partial = failures.stated(folder, role or None)
            found.systems.append(System(names[role], str(folder), role, in_short(signature), partial))
        answer = answer_of(row, line, names[role], kind)
        if isinstance(answer, str):
            reason: str | None = answer
        elif source.tasks is not None and answer.task not in source.tasks:
            reason = "is of a task that was not asked for"
        else:
            reason = _refused(source, row, facts.get(answer.id), where)
        if reason is not None or isinstance(answer, str):
            found.left_out.append({"folder": str(folder), "line": line, "reason": reason})
            continue
        licence = facts[answer.id].licence if answer.id in facts else ""
        found.answers.append(Answer(**{**vars(answer), "licence": licence}))
    used = {answer.system for answer in found.answers}
    found.systems = [one for one in found.systems if one.name in used]


def _refused(source: Source, row: dict[str, Any], facts: _Facts | None, where: str) -> str | None:
    """Why an answer's data class keeps it off the page."""
    try:
        own = DataClass(row["data_class"]) if row.get("data_class") else None
    except ValueError:
        raise DataError(f"{where}: '{row['data_class']}' is no data class; correct that row") from None
    stated = own or (facts.data_class if facts else None) or source.data_class
    if stated is None:
        raise DataError(
            f"{where} does not say whose data it is; give the scored 'datasets', or state 'data_class'"
        )
    return None if stated in source.allow else f"is of data class {stated}, which 'allow' does not name"


def _stated(folder: Path, manifest: dict[str, Any]) -> Any:
    """A folder's signature."""
    scores = io.read_json(folder / "scores.json") if (folder / "scores.json").is_file() else {}
    signature = manifest.get("signature") or (scores.get("signature") if isinstance(scores, dict) else None)
    if not signature:
        raise RunError(f"{folder} states no signature; run its evaluation again")
    return signature


def _kind(manifest: dict[str, Any]) -> str:
    """The key of the recipe that says what was evaluated."""
    from bimedix2.evaluate import KINDS

    recipe = manifest.get("recipe", {})
    return next((name for name in KINDS if isinstance(recipe.get(name), dict)), "")


def _roles(lines: Sequence[tuple[int, Any]]) -> int:
    return len({role_of(row) for _, row in lines if isinstance(row, dict)})


def _model(signature: Any, role: str) -> str:
    """A model's name in a signature, which may be several, by mode or benchmark."""
    many = list(signature.values()) if isinstance(signature, dict) else signature
    if not isinstance(signature, dict) or "model" not in signature:
        return next((name for one in many if isinstance(one, dict) and (name := _model(one, role))), "")
    stated = signature["model"]
    return str(stated.get(role or "model", "")) if isinstance(stated, dict) else str(stated or "")


def _name(found: Found, label: str, signature: Any, role: str, folder: Path, alone: bool) -> str:
    """What a system is called; a name that is taken gets its folder's beside it."""
    model = _model(signature, role) if role in ("", *ROLES) else role  # else a line names its model itself
    if label:
        name = label if alone or role == "model" else f"{label} {role}"
    else:
        name = str(model or role or folder.name)
    taken = {one.name for one in found.systems}
    if name in taken and not label:
        name = f"{name} ({folder.name})"
    if name in taken:
        raise ConfigError(f"two systems are called '{name}'; give the folders 'names'")
    return name
