"""The dataset card: ``README.md`` as the hub and ``datasets.load_dataset`` read it, from what was written."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import yaml

from bimedix2.dataset.components import Line, total
from bimedix2.dataset.plan import Plan
from bimedix2.dataset.shuffle import Shard
from bimedix2.dataset.split import SIDES, TRAIN
from bimedix2.errors import ConfigError, MissingExtra
from bimedix2.records import DataClass

CHART = "composition.png"
SAMPLE = 4096
"""Records of each side whose tokens are counted: the first ones, which the shuffle made a random sample."""
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True)
class Card:
    """What the card is written from.

    Attributes:
        name: of the dataset.
        plan: the rows' fates.
        shards: the files that were written.
        lines: the components' table; empty where the recipe declares none.
        audit: the leakage report.
        tokens: side -> what ``token_counts`` found; empty without a tokenizer.
        chart: whether there is one.
    """

    name: str
    plan: Plan
    shards: Sequence[Shard]
    lines: Sequence[Line]
    audit: Mapping[str, Any]
    tokens: Mapping[str, Mapping[str, float]]
    chart: bool

    def parts(self) -> dict[tuple[str, str], int]:
        """(language, component or source) -> training records, for the chart."""
        plan = self.plan
        found: Counter[tuple[str, str]] = Counter()
        for (profile, component, side), count in _counted(plan).items():
            if side == TRAIN:
                one = plan.survey.profiles[profile]
                found[one.language, plan.components[component] if component >= 0 else one.source] += count
        return dict(found)

    def markdown(self) -> str:
        """The whole card."""
        head = yaml.safe_dump(self._head(), sort_keys=False, allow_unicode=True)
        sections = [
            f"---\n{head}---\n\n# {self.name}\n",
            self._about(),
            self._components(),
            self._counts(),
            self._licences(),
            self._statistics(),
            self._leakage(),
            self._removed(),
        ]
        return "\n".join(section for section in sections if section)

    def _head(self) -> dict[str, Any]:
        profiles = self._profiles()
        languages = sorted({one.language for one in profiles} & {"ar", "en"})
        if any(one.language == "mixed" for one in profiles):
            languages = ["ar", "en"]
        written = [side.value for side in SIDES if any(side.value in shard.name for shard in self.shards)]
        files = [{"split": side, "path": f"records/*-{side}.parquet"} for side in written]
        count = sum(self.plan.counts)
        return {
            "language": languages,
            "license": "other",
            "size_categories": [next((name for most, name in SIZES if count < most), "1M<n<10M")],
            "task_categories": ["visual-question-answering", "question-answering"],
            "tags": ["medical", "bilingual", "arabic"],
            "configs": [{"config_name": "default", "data_files": files}],
        }

    def _profiles(self) -> list[Any]:
        return [self.plan.survey.profiles[profile] for profile, _, _ in _counted(self.plan)]

    def _about(self) -> str:
        chart = f"![Composition: records of each language and component]({CHART})\n\n" if self.chart else ""
        return (
            f"{chart}```python\nfrom datasets import load_dataset\n\n"
            'sides = load_dataset("path/to/this/folder")\n```\n\n'
            "`messages` is a list of turns, each a `role` and a list of parts: `text`, or `image` with the "
            "sha256 of a file `images/ab/abcdef...`. `meta` is JSON text. How it was made stands in "
            "`manifest.json`, what was left out and why in `removed/removed.jsonl`. "
            "Research only, no medical advice.\n"
        )

    def _components(self) -> str:
        if not self.lines:
            return ""
        rows = [
            (
                line.name,
                "" if line.expected is None else f"{line.expected:,}",
                line.available,
                line.built,
                line.note,
            )
            for line in [*self.lines, total(self.lines)]
        ]
        return "## Components\n\n" + _table(
            ("component", "expected", "available", "built", "note"),
            rows,
        )

    def _counts(self) -> str:
        plan = self.plan
        cells: Counter[tuple[str, str]] = Counter()
        sides: dict[tuple[str, str], list[int]] = {}
        for (profile, _, side), count in _counted(plan).items():
            one = plan.survey.profiles[profile]
            cells[one.task, one.language] += count
            sides.setdefault((one.task, one.language), [0] * len(SIDES))[side] += count
        rows = [(*cell, *sides[cell], cells[cell]) for cell in sorted(cells)]
        rows.append(("all", "", *plan.counts, sum(plan.counts)))
        return "## Records\n\n" + _table(("task", "language", *(side.value for side in SIDES), "sum"), rows)

    def _licences(self) -> str:
        counts: Counter[tuple[str, str, str]] = Counter()
        for (profile, _, _), count in _counted(self.plan).items():
            one = self.plan.survey.profiles[profile]
            counts[one.source, one.licence, one.data_class] += count
        rows = [(*key, count) for key, count in sorted(counts.items())]
        closed = {DataClass.CREDENTIALED.value, DataClass.PATIENT.value} & {key[2] for key in counts}
        warning = (
            "\n**It holds records of the class "
            f"{' and '.join(sorted(closed))}: it must not leave the hosts that are allowed them.**\n"
            if closed
            else ""
        )
        return (
            "## Sources and licences\n\nA record keeps the licence of its source; whoever passes the dataset "
            "on owes what each asks.\n\n"
            + _table(("source", "licence", "data class", "records"), rows)
            + warning
        )

    def _statistics(self) -> str:
        plan = self.plan
        kept = plan.position >= 0
        language = plan.survey.column(lambda one: one.language, np.object_)
        rows: list[tuple[Any, ...]] = []
        for name in sorted({one.language for one in self._profiles()}):
            mine = kept & (language == name)
            for what, values in (("words", plan.survey.words), ("characters", plan.survey.characters)):
                spread = [f"{value:,.0f}" for value in np.percentile(values[mine], (50, 95, 100))]
                rows.append((name, what, f"{values[mine].sum(dtype=np.int64):,}", *spread))
        for key, found in self.tokens.items():
            rows.append(
                (key, f"tokens (estimated from {found['sample']:,.0f} records)", f"{found['sum']:,.0f}")
            )
            rows[-1] = (*rows[-1], *(f"{found[name]:,.0f}" for name in ("median", "p95", "most")))
        said = "" if self.tokens else "\nTokens were not counted: the recipe names no `card.tokenizer`.\n"
        pictured = int((plan.survey.pictures[kept] > 0).sum())
        return (
            f"## Text\n\n{pictured:,} of {int(kept.sum()):,} records show images. A record's numbers are of "
            "all of its turns; words are what blanks part.\n\n"
            + _table(("language", "of", "sum", "median", "95 %", "most"), rows)
            + said
        )

    def _leakage(self) -> str:
        rows = [(kind, *found.values()) for kind, found in self.audit["kinds"].items()]
        apart = self.audit["not_compared"]["said"]
        return (
            f"## Leakage audit\n\nCompared with {self.audit['tested']:,} test records; runs of "
            f"{self.audit['words_in_a_run']} words. A record may leak in several ways and is removed once; "
            "`within` are sources whose published sides share images. Pairs and examples stand in "
            "`leakage.json`.\n\n"
            + (f"**Not compared**: {apart}.\n\n" if apart else "")
            + _table(("what is shared", "found", "removed", "within"), rows)
        )

    def _removed(self) -> str:
        rows = list(self.plan.removed().items())
        return "## Left out\n\n" + (_table(("reason", "records"), rows) if rows else "Nothing.\n")


def _counted(plan: Plan) -> dict[tuple[int, int, int], int]:
    """(profile, component, side) -> written records."""
    kept = np.flatnonzero(plan.position >= 0)
    columns = (plan.survey.profile[kept], plan.component[kept], plan.side[kept])
    code = (columns[0].astype(np.int64) * (len(plan.components) + 1) + columns[1] + 1) * len(SIDES) + columns[
        2
    ]
    found = {}
    for one, count in zip(*(part.tolist() for part in np.unique(code, return_counts=True)), strict=True):
        rest, side = divmod(one, len(SIDES))
        profile, component = divmod(rest, len(plan.components) + 1)
        found[profile, component - 1, side] = count
    return found


def composition(plan: Plan) -> dict[str, int]:
    """``side/task/language`` -> written records."""
    cells: Counter[str] = Counter()
    for (profile, _, side), count in _counted(plan).items():
        one = plan.survey.profiles[profile]
        cells[f"{SIDES[side].value}/{one.task}/{one.language}"] += count
    return dict(sorted(cells.items()))


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    def cell(value: Any) -> str:
        return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|").replace("\n", " ")

    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def open_tokenizer(path: Path) -> Any:
    """The tokenizer of a checkpoint's folder or of a ``tokenizer.json``.

    Raises:
        MissingExtra: ``tokenizers`` is not installed.
        ConfigError: there is none.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtra("tokenizers", "model") from error
    file = path / "tokenizer.json" if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(
            f"card.tokenizer: {file} does not exist; give a checkpoint's folder or a tokenizer.json"
        )
    return Tokenizer.from_file(str(file))


def token_counts(
    records: Path, plan: Plan, shards: Sequence[Shard], tokenizer: Any
) -> dict[str, dict[str, float]]:
    """Tokens of each language's records: of a random sample, and the sum that follows for all.

    Args:
        records: the folder of the shards.
        plan: the rows' fates.
        shards: the files that were written.
        tokenizer: as ``open_tokenizer`` gives it; the chat template's and the images' tokens are not counted.
    """
    lengths: dict[str, list[int]] = {}
    first = {shard.name.rpartition("-")[2]: shard for shard in reversed(shards)}
    for shard in (one for one in first.values() if one.stop > one.start):
        with pq.ParquetFile(records / shard.name) as file:
            batch = file.read_row_group(0, columns=["messages", "language"]).slice(0, SAMPLE)
        texts = [
            "\n".join(part["text"] or "" for turn in turns for part in turn["content"])
            for turns in batch.column("messages").to_pylist()
        ]
        encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
        for language, one in zip(batch.column("language").to_pylist(), encoded, strict=True):
            lengths.setdefault(language, []).append(len(one.ids))
    every: Counter[str] = Counter()
    for (profile, _, _), count in _counted(plan).items():
        every[plan.survey.profiles[profile].language] += count
    out = {}
    for language, found in sorted(lengths.items()):
        median, p95, most = np.percentile(found, (50, 95, 100)).tolist()
        mean = sum(found) / len(found)
        numbers = {"sample": len(found), "sum": round(mean * every[language], -3), "median": median}
        out[language] = numbers | {"p95": p95, "most": most}
    return out
