"""Put a trained checkpoint into the package, with its card, log and held-out scores.

    python -m bimedix2.train.ship runs/nano

reads ``align``, ``instruct``, ``dataset`` and ``scores`` below that folder (what ``recipes/nano.sh`` makes)
and writes ``src/bimedix2/model/nano``. The card is a template filled from those folders: no number in it is
typed.
"""

import shutil
import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import BiMediX2Error, RunError
from bimedix2.manifest import folder_hash, read_manifest
from bimedix2.model.checkpoint import ADAPTER, PROJECTOR, STAMP
from bimedix2.model.presets import Preset, Wheel, preset
from bimedix2.records import Record
from bimedix2.records.store import read_records

SIZE_LIMIT = 20_000_000
"""Bytes of projector and adapter together that a package may bring."""
CARD_TEMPLATE = "card.md"
SCORE_FILES = ("scores.json", "scores.md")


def ship(runs: Path, target: Path) -> Path:
    """Copy a checkpoint with what produced it into ``target``, replacing what was there.

    Raises:
        RunError: a folder is not finished or of another run, or the trained part is over ``SIZE_LIMIT``.
    """
    align, instruct = _of_one_run(runs)
    stamp = io.read_json(runs / "instruct" / STAMP)
    weights = [runs / "instruct" / PROJECTOR, *sorted((runs / "instruct" / ADAPTER).iterdir())]
    size = sum(file.stat().st_size for file in weights)
    if size > SIZE_LIMIT:
        raise RunError(f"the trained part is {size:,} bytes, over {SIZE_LIMIT:,}; train a smaller adapter")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(runs / "instruct" / ADAPTER, target / ADAPTER)
    for name in (PROJECTOR, STAMP):
        shutil.copy(runs / "instruct" / name, target / name)
    for stage in ("align", "instruct"):
        shutil.copy(runs / stage / "log.jsonl", target / f"{stage}.jsonl")
        shutil.copy(runs / stage / "loss.png", target / f"{stage}.png")
    for name in SCORE_FILES:
        shutil.copy(runs / "scores" / name, target / name)
    records = list(read_records(runs / "dataset"))
    values = {
        "scores": _targets((runs / "scores" / "scores.md").read_text(encoding="utf-8")),
        "data": _data_table(records),
        "base": _base_table(preset(stamp["preset"])),
        "training": _training_table({"align": align, "instruct": instruct}),
        "size": f"{size / 1e6:.1f} MB",
        "pixels": "{0} x {0}".format(preset(stamp["preset"]).image_size),
        "records": _counts(records),
    }
    template = files("bimedix2.train").joinpath(CARD_TEMPLATE).read_text(encoding="utf-8")
    for name, text in values.items():
        template = template.replace(f"@{name}@", text)
    io.write_text(target / "README.md", template)
    return target


def _of_one_run(runs: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifests of both stages, which were made of the folders that stand here, as the scores were."""
    made = {name: read_manifest(runs / name) for name in ("align", "instruct", "scores")}
    read = {"align": {"input": "dataset"}, "instruct": {"input": "dataset", "start": "align"}}
    read["scores"] = {"input": "dataset", "model": "instruct"}
    for name, inputs in read.items():
        for key, other in inputs.items():
            stated = made[name]["inputs"].get(key)
            if stated is not None and stated != folder_hash(runs / other):
                raise RunError(
                    f"{runs / name} was made of another '{other}' than {runs / other}; make it again"
                )
    return made["align"], made["instruct"]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in lines)


def _targets(report: str) -> str:
    """The first section of ``scores.md``, without its heading; what stands before it (a warning) too."""
    before, _, rest = report.partition("## Targets\n")
    return (before + rest.partition("\n## ")[0].strip()).strip()


def _counts(records: list[Record]) -> str:
    sides = {split: [r for r in records if r.split == split] for split in ("train", "test")}
    return "; ".join(
        f"{split}: {len(rows):,} records, {len({i.image for r in rows for i in r.images}):,} images"
        for split, rows in sides.items()
    )


def _data_table(records: list[Record]) -> str:
    """One row a source: images and subjects on each side, licences and attributions as given."""
    sources: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in records:
        source = sources[record.provenance.source]
        split, subject = record.split.value, record.provenance.subject
        source[f"images-{split}"] |= {image.image for image in record.images}
        source[f"subjects-{split}"] |= {subject} if subject and record.images else set()
        source["licence"].add(record.provenance.licence)
        source["attribution"].add(record.provenance.attribution)
    rows = []
    for name, has in sorted(sources.items()):
        sides = []
        for side in ("train", "test"):
            images, named = len(has[f"images-{side}"]), len(has[f"subjects-{side}"])
            sides.append(f"{images} of {named or 'unnamed'}" if images else "-")
        texts = ["; ".join(sorted(filter(None, has[key]))) for key in ("licence", "attribution")]
        rows.append((name, *sides, *texts))
    head = ("source", "train: images of subjects", "test: images of subjects", "licence", "attribution")
    return _table(head, rows)


def _base_table(chosen: Preset) -> str:
    rows = []
    for part, weights in (("language model", chosen.llm), ("vision tower", chosen.vision)):
        if isinstance(weights, Wheel):
            origin = f"`{weights.member}` in `{weights.requirement}`"
            rows.append((part, origin, weights.licence, weights.sha256))
        else:
            rows.append((part, f"`{weights}`", "see the model's own page", ""))
    return _table(("part", "weights", "licence", "sha256 of the wheel"), rows)


def _training_table(stages: dict[str, dict[str, Any]]) -> str:
    rows = []
    for stage, manifest in stages.items():
        used, recipe = manifest["training"], manifest["recipe"]
        minutes = f"{used['seconds'] / 60:.1f}"  # a resumed run's manifest has those since its last start
        rate = f"{recipe['learning_rate']:g}"
        rows.append((stage, str(used["steps"]), f"{used['tokens']:,}", minutes, str(used["threads"]), rate))
    head = ("stage", "steps", "tokens", "minutes of steps", "CPU threads", "peak learning rate")
    return _table(head, rows)


def main() -> None:
    """``python -m bimedix2.train.ship RUNS [TARGET]``."""
    if len(sys.argv) not in (2, 3):
        print("usage: python -m bimedix2.train.ship runs/nano [TARGET]", file=sys.stderr)
        sys.exit(2)
    here = Path(str(files("bimedix2.model"))) / "nano"
    try:
        print(ship(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else here))
    except BiMediX2Error as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
