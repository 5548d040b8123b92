"""What is known of one image, from its annotations alone.

An absent annotation is unknown: nothing is asked of it, and nothing is denied. ``patient_diagnosis`` is of
the patient, never of the picture: it is not read here at all.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.language.concepts import Study, study_of
from bimedix2.records import Record


@cache
def _annotations() -> dict[str, dict[str, str]]:
    read: dict[str, dict[str, str]] = yaml.safe_load(
        files("bimedix2.curate").joinpath("annotations.yaml").read_text(encoding="utf-8")
    )
    return read


KINDS = ("modality", "region", "plane", "projection", "view", "window", "stain")
"""Keys of ``meta`` that hold one value each."""


@dataclass(frozen=True)
class Facts:
    """Concept values of an image; ``None`` or empty is unknown."""

    values: dict[str, str]
    """Kind -> value: modality, region, plane, projection, view, window, stain."""
    counts: dict[str, int]
    """Cell -> how many are annotated; a kind that is not annotated is unknown, not zero."""
    signs: tuple[str, ...]
    unreadable: str | None
    """``blank``, ``noise`` or ``non-medical``: nothing medical can be said of it."""

    @property
    def kind(self) -> str:
        """Modality and region in a word, for mixtures: ``ct chest``, or what else the picture is."""
        known = [self.values[kind] for kind in ("modality", "region") if kind in self.values]
        return " ".join(known) or self.unreadable or "unknown"

    @property
    def study(self) -> Study | None:
        if "modality" not in self.values:
            return None
        return study_of(self.values["modality"], self.values.get("region"))


def facts_of(record: Record) -> Facts:
    """Read a record's ``meta``; values without a concept are left unknown."""
    table = _annotations()
    meta = record.meta

    def concept(kind: str, value: Any) -> str | None:
        return table[kind].get(value) if isinstance(value, str) else None

    values = {kind: found for kind in KINDS if (found := concept(kind, meta.get(kind)))}
    if values.get("region") == "trunk" and values.get("plane") == "axial":
        # The region is the volume's: one axial slice shows the chest or the abdomen, and which is unknown.
        del values["region"]
    raw = meta.get("counts") or {}
    counts = {table["counts"][name]: int(n) for name, n in raw.items() if name in table["counts"] and n}
    signs = tuple(table["signs"][name] for name in meta.get("signs") or () if name in table["signs"])
    return Facts(values, counts, signs, concept("kind", meta.get("kind")))


def without_concept(record: Record) -> list[str]:
    """Return what is annotated and is no concept, such as ``region: knee``: it is left unknown."""
    table, meta = _annotations(), record.meta
    said = [(kind, meta[kind]) for kind in (*KINDS, "kind") if isinstance(meta.get(kind), str)]
    said += [(kind, name) for kind in ("counts", "signs") for name in meta.get(kind) or ()]
    return [f"{kind}: {value}" for kind, value in said if value not in table[kind]]
