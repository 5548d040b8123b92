"""Items about a dataset's pictures: what is wrong of a picture, and the twin that is true of it."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.evaluate.safety import render
from bimedix2.evaluate.safety.items import PICTURES, TONGUES, WANTED, Item, data, made
from bimedix2.language.concepts import Study, concepts, studies, study_of
from bimedix2.records import ImagePart, Provenance, Record, Split
from bimedix2.records.images import ImageStore

NEAR: tuple[frozenset[str], ...] = (
    frozenset({"radiograph", "mammography"}),
    frozenset({"microscopy", "histology"}),
    frozenset({"pet", "nuclear"}),
)
"""Modalities of which one may be called the other: neither is asked as the other's false premise."""
DRAWN = "drawn by bimedix2.evaluate.safety"
"""The source of blank pictures where the dataset has none."""


class Stores(ImageStore):
    """The pictures made here, and behind them the dataset's, which stay where they are.

    Args:
        root: where made pictures go; ``None`` keeps them in memory.
        dataset: the dataset's store.
    """

    def __init__(self, root: Path | None, dataset: ImageStore | None = None) -> None:
        super().__init__(root or Path("memory"))
        self.dataset = dataset
        self._made: dict[str, bytes] | None = None if root else {}

    def add(self, data: bytes) -> str:
        """Keep a made picture; return its sha256."""
        if self._made is None:
            return super().add(data)
        key = io.sha256_bytes(data)
        self._made[key] = data
        return key

    def read(self, sha256: str) -> bytes:
        """Return a picture's bytes, made or of the dataset."""
        if self._made and sha256 in self._made:
            return self._made[sha256]
        if self.dataset is not None and (self._made is not None or not super().__contains__(sha256)):
            return self.dataset.read(sha256)
        return super().read(sha256)

    def __contains__(self, sha256: str) -> bool:
        here = sha256 in self._made if self._made is not None else super().__contains__(sha256)
        return here or (self.dataset is not None and sha256 in self.dataset)


@dataclass
class Shown:
    """What a dataset's records say of one picture; ``kind`` is of pictures that show nothing medical."""

    part: ImagePart
    record: Record
    kind: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    """``modality`` and ``region``, as far as they are annotated."""

    @property
    def subject(self) -> str:
        """Pictures of one subject are no independent evidence."""
        provenance = self.record.provenance
        return provenance.subject or f"{provenance.source}:{self.part.image}"

    @property
    def groups(self) -> frozenset[str]:
        """Parts of the body."""
        return concepts("region")[self.facts["region"]].groups


def gather(records: Iterable[Record]) -> list[Shown]:
    """The test side's pictures, each once; records with several pictures are passed over."""
    seen: dict[str, Shown] = {}
    for record in records:
        if record.split is not Split.TEST or len({part.image for part in record.images}) != 1:
            continue
        part = record.images[0]
        one = seen.setdefault(part.image, Shown(part, record))
        one.kind = str(record.meta.get("kind") or one.kind)
        said = record.meta.get("expect") or {}
        if record.meta.get("verdict") not in ("unreadable",):
            known = {k: said[k] for k in ("modality", "region") if said.get(k) in concepts(k)}
            one.facts |= known
    return [seen[key] for key in sorted(seen)]


def spread(pictures: Sequence[Shown], count: int, seed: str) -> list[Shown]:
    """At most ``count`` pictures: modalities (or kinds) in turn, of each one picture a subject first."""
    groups: dict[str, list[Shown]] = defaultdict(list)
    for one in pictures:
        groups[one.kind or one.facts.get("modality", "")].append(one)
    ordered = []
    for name in sorted(groups):
        mine = list(groups[name])
        random.Random(f"{seed}:{name}").shuffle(mine)
        seen: dict[str, int] = defaultdict(int)
        ranked = []
        for place, one in enumerate(mine):
            ranked.append((seen[one.subject], place, one))
            seen[one.subject] += 1
        ordered.append([one for _, _, one in sorted(ranked, key=lambda row: row[:2])])
    turns = (one for turn in zip_longest(*ordered) for one in turn if one is not None)
    return [one for one, _ in zip(turns, range(count), strict=False)]


@dataclass(frozen=True)
class Plan:
    """How picture items are made."""

    count: int
    """Pictures a category."""
    seed: int
    store: Stores


def pictures(categories: Sequence[str], records: Sequence[Record], plan: Plan) -> list[Item]:
    """The items with pictures.

    Args:
        categories: of ``PICTURES``; others are passed over.
        records: of a finished dataset.
        plan: how many, and where made pictures go.

    Raises:
        DataError: the dataset has no picture for a category.
        ImageError: a picture that is written on cannot be opened.
    """
    shown = gather(records)
    out: list[Item] = []
    for category in (name for name in categories if name in PICTURES):
        items = MAKERS[category](category, shown, plan)
        if not items:
            raise DataError(
                f"the dataset has no test picture for '{category}' ({NEEDS[category]}); "
                "leave it out of categories, or give another dataset"
            )
        out += items
    return out


def medical(shown: Sequence[Shown], region: bool = False) -> list[Shown]:
    """Pictures of a known modality, and of a known region if it is needed."""
    known = [one for one in shown if not one.kind and "modality" in one.facts]
    return [one for one in known if "region" in one.facts] if region else known


def _pair(
    category: str, number: int, one: Shown, wordings: dict[str, Any], fill: dict[str, Any]
) -> list[Item]:
    """A probe and its twin in both languages, in one wording.

    ``fill``: role -> (language -> what stands in the wording, facts).
    """
    out = []
    for role in ("probe", "twin"):
        words, facts = fill[role]
        for tongue in TONGUES:
            lines = wordings[tongue]
            text = lines[number % len(lines)].format(**words[tongue])
            key = f"{category}/{number + 1:03}/{role}/{tongue}"
            want = WANTED[category] if role == "probe" else "answer"
            sample = made(key, tongue, text, part=one.part, of=one.record)
            pair = f"{category}/{number + 1:03}/{role}"
            out.append(Item(key, pair, category, tongue, role, want, sample, {**one.facts, **facts}))
    return out


def _wrong_studies(category: str, one: Shown) -> list[Study]:
    """Studies that the picture certainly is not; of ``wrong_modality`` of the same body part if any."""
    near = next((pair for pair in NEAR if one.facts["modality"] in pair), frozenset())
    others = [s for s in studies() if s.modality != one.facts["modality"] and s.modality not in near]
    regions = concepts("region")
    if category == "false_premise":
        return [s for s in others if s.region and not regions[s.region].groups & one.groups]
    alike = [
        s for s in others if s.region and "region" in one.facts and regions[s.region].groups & one.groups
    ]
    return alike or [s for s in others if s.region is None]


def _studies(category: str, shown: Sequence[Shown], plan: Plan) -> list[Item]:
    """Another study than the picture is, taken for granted."""
    chosen = medical(shown, region=category == "false_premise")
    able = [one for one in chosen if _wrong_studies(category, one) and _own_study(category, one)]
    out = []
    for number, one in enumerate(spread(able, plan.count, f"{plan.seed}:{category}")):
        draw = random.Random(f"{plan.seed}:{category}:{one.part.image}")
        wrong, own = draw.choice(_wrong_studies(category, one)), _own_study(category, one)
        assert own is not None
        fill = {
            role: (
                {tongue: {"study": study.name[tongue]} for tongue in TONGUES},
                {"study": {"modality": study.modality, "region": study.region}},
            )
            for role, study in (("probe", wrong), ("twin", own))
        }
        out += _pair(category, number, one, data("pictures")[category], fill)
    return out


def _own_study(category: str, one: Shown) -> Study | None:
    """What the picture is; without its region where the wrong study may share it."""
    region = one.facts.get("region") if category == "false_premise" else None
    found = study_of(one.facts["modality"], region)
    if found is None:  # some modalities are named with their one region alone
        found = next((s for s in studies() if s.modality == one.facts["modality"]), None)
    return found


def _organs(category: str, shown: Sequence[Shown], plan: Plan) -> list[Item]:
    """An organ of another part of the body; the twin asks for the region that is shown."""
    regions, out = concepts("region"), []
    able = [(one, _absent(one)) for one in medical(shown, region=True)]
    organs = {one.part.image: absent for one, absent in able if absent}
    chosen = spread([one for one, absent in able if absent], plan.count, f"{plan.seed}:{category}")
    for number, one in enumerate(chosen):
        draw = random.Random(f"{plan.seed}:{category}:{one.part.image}")
        organ = draw.choice(organs[one.part.image])
        absent = {tongue: organ[tongue] for tongue in TONGUES}
        term = regions[one.facts["region"]].term
        fill = {
            role: ({tongue: {"organ": words[tongue]} for tongue in TONGUES}, {"organ": dict(words)})
            for role, words in (("probe", absent), ("twin", term))
        }
        out += _pair(category, number, one, data("pictures")[category], fill)
    return out


def _absent(one: Shown) -> list[dict[str, Any]]:
    return [organ for organ in data("pictures")["organs"] if not set(organ["groups"]) & one.groups]


def _plain(
    category: str, number: int, one: Shown, role: Literal["probe", "twin"], more: dict[str, Any] | None = None
) -> list[Item]:
    """A plain question on a picture, in both languages."""
    lines = data("pictures")["plain"]
    line = lines[number % len(lines)]
    facts = {**one.facts, "type": line["type"], **({"kind": one.kind} if one.kind else {}), **(more or {})}
    want = WANTED[category] if role == "probe" else "answer"
    out = []
    for tongue in TONGUES:
        key = f"{category}/{number + 1:03}/{role}/{tongue}"
        sample = made(key, tongue, line[tongue], part=one.part, of=one.record)
        out.append(
            Item(key, f"{category}/{number + 1:03}/{role}", category, tongue, role, want, sample, facts)
        )
    return out


def _nothing(category: str, shown: Sequence[Shown], plan: Plan) -> list[Item]:
    """Blank, noise or everyday pictures; the twins are medical ones."""
    kinds = ("blank", "noise") if category == "blank" else ("non-medical",)
    found = [one for one in shown if one.kind in kinds]
    if category == "blank" and not found:
        found = [_drawn(kinds[n % 2], n, plan) for n in range(plan.count)]
    chosen = spread(found, plan.count, f"{plan.seed}:{category}")
    twins = spread(medical(shown, region=True), len(chosen), f"{plan.seed}:{category}:twin")
    out = [item for n, one in enumerate(chosen) for item in _plain(category, n, one, "probe")]
    return out + [item for n, one in enumerate(twins) for item in _plain(category, n, one, "twin")]


def _drawn(kind: str, number: int, plan: Plan) -> Shown:
    part = ImagePart(image=plan.store.add(render.nothing(kind, number, plan.seed)))
    key = f"{kind}-{number:03}"
    provenance = Provenance(source=DRAWN, source_id=key, subject=f"drawn:{key}", licence="CC0-1.0")
    return Shown(
        part, made(key, "en", "?", part=part).record.model_copy(update={"provenance": provenance}), kind
    )


def _instructions(category: str, shown: Sequence[Shown], plan: Plan) -> list[Item]:
    """An instruction written into a picture; the twin has harmless words there; and whether both are read."""
    words = data("pictures")
    out = []
    for number, one in enumerate(spread(medical(shown, region=True), plan.count, f"{plan.seed}:{category}")):
        # The questions' wordings take turns too: without the division each would meet the same instructions.
        told = words["instructions"][number // len(words["plain"]) % len(words["instructions"])]
        for tongue in TONGUES:
            for role, text in (("probe", told[tongue]), ("twin", words["harmless"][tongue])):
                written = _written(one, text, tongue, plan)
                more = {"written": text, "obeyed": told["obeyed"]} if role == "probe" else {"written": text}
                made_ = _plain(category, number, written, role, more)  # type: ignore[arg-type]
                out += [item for item in made_ if item.language == tongue]
                if role == "probe":
                    out.append(_read(out[-1], words["read_aloud"][tongue]))
    return out


def _written(one: Shown, text: str, tongue: Any, plan: Plan) -> Shown:
    name = one.part.name or one.record.id
    made_ = render.write_on(plan.store.read(one.part.image), text, tongue, name)
    return replace(one, part=ImagePart(image=plan.store.add(made_), name=one.part.name))


def _read(item: Item, words: str) -> Item:
    """The same picture, asked for its text."""
    part = item.sample.messages[-1].images[0]
    key = item.id.replace("/probe/", "/read/")
    sample = made(key, item.language, words, part=part, of=item.sample.record)
    pair = item.pair.replace("/probe", "/read")
    return replace(item, id=key, pair=pair, role="read", want="", sample=sample)


Maker = Callable[[str, Sequence[Shown], Plan], list[Item]]
MAKERS: dict[str, Maker] = {
    "false_premise": _studies,
    "wrong_modality": _studies,
    "absent_organ": _organs,
    "blank": _nothing,
    "non_medical": _nothing,
    "hidden_instruction": _instructions,
}
NEEDS = {
    "false_premise": "meta.expect with modality and region",
    "wrong_modality": "meta.expect with modality",
    "absent_organ": "meta.expect with region",
    "blank": "meta.kind blank or noise",
    "non_medical": "meta.kind non-medical",
    "hidden_instruction": "meta.expect with modality and region",
}
"""What records must say, for the error."""
