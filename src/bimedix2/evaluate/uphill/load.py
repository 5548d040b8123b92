"""Queries with a presupposition: built from our own claims, or read from a user's copy of UPHILL.

UPHILL: Kaur, Choudhury and Pruthi 2024, Findings of ACL, 14308-14331. The layout of its files was read in the
README of github.com/navreeetkaur/UPHILL on 2026-11-30; of ``queries.csv`` that page says only that it holds
the queries, so its columns are taken to be those of ``UPHILL.csv`` without the responses: verify.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.language.concepts import Tongue

Veracity = Literal["true", "false", "mixture", "fabricated"]
VERACITIES: tuple[Veracity, ...] = get_args(Veracity)
LEVELS = (
    "Neutral",
    "Mild Presupposition",
    "Unequivocal Presupposition",
    "Writing Request",
    "Writing Demand",
)
"""As UPHILL names them, level 0 first."""
PUBLISHED: dict[Veracity, int] = {"true": 766, "false": 854, "mixture": 159, "fabricated": 166}
"""Claims of UPHILL, by its README."""
COLUMNS = ("claim_id", "claim", "claim_veracity", "presupposition_level", "query_with_presupposition")
"""Of UPHILL's files, those that are read; other columns are passed over."""
FIELD = 1 << 24
"""Characters of one field at most: UPHILL's files carry whole articles."""


@dataclass(frozen=True)
class Query:
    """One question, request or demand that presupposes a claim at a level from 0 to 4."""

    claim_id: str
    claim: str
    veracity: Veracity
    level: int
    query: str
    language: Tongue

    @property
    def id(self) -> str:
        """``uphill/LANGUAGE/CLAIM/LEVEL``: what an answers file joins by."""
        return f"uphill/{self.language}/{self.claim_id}/{self.level}"


@dataclass(frozen=True)
class Claim:
    """A claim of ours as a clause, in both languages, and why it holds or does not."""

    id: str
    veracity: Veracity
    clauses: dict[Tongue, str]
    why: str

    def sentence(self, language: Tongue) -> str:
        clause = self.clauses[language]
        return f"{clause[0].upper()}{clause[1:]}."


def _data(name: str) -> Any:
    text = files("bimedix2.evaluate.uphill").joinpath("data", name).read_text(encoding="utf-8")
    return yaml.safe_load(text)


@cache
def claims() -> tuple[Claim, ...]:
    """Our claims, those that hold first."""
    found: list[Claim] = []
    for veracity, rows in _data("claims.yaml").items():
        found += [Claim(r["id"], veracity, {"en": r["en"], "ar": r["ar"]}, r["why"]) for r in rows]
    return tuple(found)


@cache
def templates() -> dict[Tongue, list[list[str]]]:
    """Language -> level -> wordings with ``{claim}``."""
    found: dict[Tongue, list[list[str]]] = _data("templates.yaml")
    return found


def canaries(language: Tongue) -> list[tuple[str, str, str]]:
    """``(claim, response, label)`` of responses whose label is known."""
    sentences = {claim.id: claim.sentence(language) for claim in claims()}
    return [
        (sentences[row["claim"]], row["text"], label)
        for label, rows in _data("canaries.yaml")[language].items()
        for row in rows
    ]


def build(claims: Sequence[Claim], language: Tongue) -> list[Query]:
    """Five queries a claim. The wording of a level hangs on the claim's id alone: equal in both languages."""
    out = []
    for claim in claims:
        for level, wordings in enumerate(templates()[language]):
            draw = int(io.sha256_bytes(f"{claim.id}:{level}".encode())[:8], 16)
            text = wordings[draw % len(wordings)].replace("{claim}", claim.clauses[language])
            query = text[0].upper() + text[1:]
            sentence = claim.sentence(language)
            out.append(Query(claim.id, sentence, claim.veracity, level, query, language))
    return out


def read(path: Path, language: Tongue) -> list[Query]:
    """Read a CSV file in UPHILL's layout.

    A query that stands there several times, once for each published response, is read once.

    Args:
        path: the file.
        language: of its queries.

    Raises:
        DataError: a column is missing, a value is not of the layout, a claim has two veracities, or a claim
            and level have two queries.
    """
    found: dict[tuple[str, int], Query] = {}
    of: dict[str, tuple[str, Veracity]] = {}
    for where, row in _rows(path):
        query = _query(row, where, language)
        known = found.setdefault((query.claim_id, query.level), query)
        if known != query or of.setdefault(query.claim_id, (query.claim, query.veracity)) != (
            query.claim,
            query.veracity,
        ):
            raise DataError(
                f"{where}: claim '{query.claim_id}' at level '{LEVELS[query.level]}' stands above with other "
                "words or another veracity; keep one of them"
            )
    if not found:
        raise DataError(f"{path} has no rows; fetch the file again")
    return list(found.values())


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    before = csv.field_size_limit(FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            absent = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if absent:
                raise DataError(
                    f"{path} has no column '{absent[0]}'; UPHILL's files have {', '.join(COLUMNS)}"
                )
            for row in reader:
                yield f"{path} line {reader.line_num}", row
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; copy UPHILL's queries.csv there") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check it") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file in UTF-8 ({error}); fetch it again") from error
    finally:
        csv.field_size_limit(before)


def _query(row: dict[str, str], where: str, language: Tongue) -> Query:
    values = {name: (row[name] or "").strip() for name in COLUMNS}
    for name, value in values.items():
        if not value:
            raise DataError(f"{where}: '{name}' is empty; fill it, or leave the row out")
    veracity = values["claim_veracity"].lower()
    if veracity not in VERACITIES:
        raise DataError(f"{where}: '{veracity}' is no veracity; there are {', '.join(VERACITIES)}")
    levels = [level.lower() for level in LEVELS]
    level = " ".join(values["presupposition_level"].lower().split())
    if level not in levels:
        raise DataError(f"{where}: '{level}' is no presupposition level; there are {', '.join(LEVELS)}")
    return Query(
        values["claim_id"],
        values["claim"],
        veracity,
        levels.index(level),
        values["query_with_presupposition"],
        language,
    )


def missing(queries: Sequence[Query]) -> dict[Veracity, tuple[int, int]]:
    """Veracity -> claims that are there and claims that UPHILL has, where the two differ."""
    there = Counter(veracity for _, veracity in {(query.claim_id, query.veracity) for query in queries})
    return {kind: (there[kind], number) for kind, number in PUBLISHED.items() if there[kind] != number}


def incomplete(queries: Sequence[Query]) -> list[str]:
    """Claims that have not all five levels."""
    levels = Counter(query.claim_id for query in queries)
    return [claim for claim, count in levels.items() if count < len(LEVELS)]
