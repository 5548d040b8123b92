"""What is wrong with published files costs its rows, with a reason for each, and the run goes on.

The whole list of bad input, and the test of each, stands in docs/sources.md.
"""

import json
from pathlib import Path
from typing import Any

from bimedix2 import curate, io, manifest, sources
from bimedix2.errors import DataError
from bimedix2.records.store import read_records
from bimedix2.sources import rows

from .conftest import picture


def test_invalid_json_in_line_48113_costs_that_line_alone(tmp_path: Path) -> None:
    lines = [json.dumps({"n": n}) for n in range(1, 48_201)]
    lines[48_112] = '{"n": 48113'
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    read = list(rows.lines(tmp_path / "rows.jsonl"))
    (broken,) = [row for row in read if isinstance(row, DataError)]
    assert "rows.jsonl line 48113 is not JSON: " in str(broken)
    assert [row.value["n"] for row in read if isinstance(row, rows.Row)] == [
        *range(1, 48_113),
        *range(48_114, 48_201),
    ]


def row(identity: str, image: Any, answer: str, marks: int = 1) -> dict[str, Any]:
    turns = [
        {"from": "human", "value": "<image>\n" * marks + "What is shown?"},
        {"from": "gpt", "value": answer},
    ]
    return {"id": identity, "image": image, "conversations": turns}


def removed(folder: Path) -> list[tuple[str, str]]:
    return [(row["id"], row["reason"]) for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl")]


def test_every_row_of_a_bad_file_is_kept_or_named_from_the_file_to_the_curated_folder(tmp_path: Path) -> None:
    for shade, name in enumerate(("one.png", "two.png")):
        picture(tmp_path / "in" / "images" / name, 50 * shade)
    values = [
        row("a", "one.png", "A chest radiograph with clear lungs."),
        "{broken",
        row("c", "one.png", "صورة شعاعية للصدر والرئتان صافيتان."),
        row("d", ["one.png", "two.png"], "Two chest radiographs with clear lungs.", marks=2),
        row("a", ["two.png"], "Another chest radiograph with clear lungs."),
        row("f", "two.png", "A chest radiograph of the \u202eleft\u202c side."),
        row("g", "three.png", "A chest radiograph with clear lungs."),
        row("h", {"x": 1}, "A chest radiograph with clear lungs."),
    ]
    encoded = [
        (one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)).encode(
            "cp1256" if n == 2 else "utf-8"
        )
        for n, one in enumerate(values)
    ]
    (tmp_path / "in" / "BiMed-V_stage2.json").write_bytes(b"\xef\xbb\xbf" + b"\n".join(encoded) + b"\n")
    part = sources.Part(source="bimed_v", path=tmp_path / "in")
    made = sources.run(sources.Config(parts=[part], output=tmp_path / "made"))
    counts = manifest.read_manifest(made)["counts"]
    assert counts == {"in": 8, "kept": 4, "removed": {"broken-row": 3, "missing-image": 1}}
    assert [(one.id, len(one.images)) for one in read_records(made)] == [
        ("bimed_v_stage2/a", 1),
        ("bimed_v_stage2/d", 2),
        ("bimed_v_stage2/a#5", 1),
        ("bimed_v_stage2/f", 1),
    ]
    said = [row["what"] for _, row in io.read_jsonl(made / "removed" / "removed.jsonl")]
    for number, why in ((2, "JSON"), (3, "UTF-8")):
        assert any(f"BiMed-V_stage2.json line {number} is not {why}" in one for one in said)

    clean = curate.run(
        curate.Config.model_validate({"input": made, "output": tmp_path / "clean", "filter": {}})
    )
    assert manifest.read_manifest(clean)["counts"] == {"in": 4, "kept": 3, "removed": {"bad-characters": 1}}
    assert removed(clean) == [("bimed_v_stage2/f", "bad-characters")]
