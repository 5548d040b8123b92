"""The questions of a recipe as a folder that any system elsewhere can answer.

``questions.jsonl`` has a line a question and ``images/`` its pictures; the answers come back as JSON Lines of
``question_id``, ``text`` and ``model``, and stand in a table as ``model: {answers: FILE}``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate.task import Sample
from bimedix2.manifest import RunFolder
from bimedix2.records import ImagePart
from bimedix2.records.images import ImageStore

QUESTIONS = "questions.jsonl"
ENDINGS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"BM": ".bmp", b"RIFF": ".webp"}
"""First bytes of a picture -> its ending; others keep none."""
ELSEWHERE = "needs likelihoods"
"""Why a sample is not written out: no file of answers can hold its score."""


def write(
    output: Path,
    recipe: dict[str, Any],
    inputs: dict[str, Path],
    samples: dict[str, list[Sample]],
    images: ImageStore,
    max_tokens: int,
) -> Path:
    """Write a finished folder of questions.

    Args:
        output: the folder, which must not exist.
        recipe: as it stands in the manifest.
        inputs: what the questions come from.
        samples: task -> its samples.
        images: where their pictures are.
        max_tokens: of an answer, as the recipe has it.

    Raises:
        ConfigError: every task needs likelihoods.
        DataError: two different questions have one id.
    """
    asked = [(name, sample) for name, some in samples.items() for sample in some]
    kept = [(name, sample) for name, sample in asked if not sample.options]
    if not kept:
        raise ConfigError(
            f"{', '.join(samples)}: all need likelihoods, and no answers file holds them; add others"
        )
    with RunFolder(output, "evaluate", recipe, inputs) as out:
        lines = list(_lines(kept, images, out.path / "images", max_tokens))
        io.write_jsonl(out.path / QUESTIONS, lines)
        left = {ELSEWHERE: len(asked) - len(kept)} if len(kept) < len(asked) else {}
        same = len(kept) - len(lines)
        return out.publish(
            {"in": len(asked), "kept": len(lines), "removed": left | ({"asked twice": same} if same else {})}
        )


def _lines(
    asked: list[tuple[str, Sample]], images: ImageStore, folder: Path, max_tokens: int
) -> Iterator[dict[str, Any]]:
    """Questions in order, each id once; pictures are written beside them."""
    seen: dict[str, str] = {}
    for name, sample in asked:
        exact = sample.request("", 0)
        if sample.id in seen:
            if seen[sample.id] != exact:
                raise DataError(
                    f"'{sample.id}' is the id of two different questions; give one of them a condition"
                )
            continue
        seen[sample.id] = exact
        turns: list[dict[str, Any]] = []
        for message in sample.messages:
            parts = [
                {"type": "image", "image": _picture(part.image, images, folder)}
                if isinstance(part, ImagePart)
                else {"type": "text", "text": part.text}
                for part in message.content
            ]
            turns.append({"role": message.role, "content": parts})
        yield {
            "question_id": sample.id,
            "task": name,
            "text": sample.messages[-1].text,
            "images": [
                part["image"] for turn in turns for part in turn["content"] if part["type"] == "image"
            ],
            "messages": turns,
            "max_tokens": max_tokens,
            "data_class": str(sample.record.data_class),
        }


def _picture(key: str, images: ImageStore, folder: Path) -> str:
    """The picture's path within the folder; it is written at its first use."""
    data = images.read(key)
    ending = next((ending for magic, ending in ENDINGS.items() if data.startswith(magic)), "")
    path = folder / f"{key}{ending}"
    if not path.exists():
        io.write_bytes(path, data)
    return f"images/{path.name}"
