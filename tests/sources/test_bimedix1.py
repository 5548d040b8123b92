"""BiMediX v1's text set: both languages told from the answers, and any other layout refused by name."""

from pathlib import Path

import pytest

from bimedix2.errors import DataError
from bimedix2.records import DataClass, Language
from bimedix2.records.images import ImageStore
from bimedix2.sources import bimedix1

from .conftest import as_json, as_lines, parted

# Layout: Axolotl's ShareGPT, taken for the authors' (see the module); the words are written by hand.
ARABIC = {
    "conversations": [
        {"from": "human", "value": "ما الحمى؟"},
        {"from": "gpt", "value": "ارتفاع درجة حرارة الجسم."},
    ]
}
ENGLISH = {
    "id": "e1",
    "conversations": [
        {"from": "human", "value": "I have a fever."},
        {"from": "gpt", "value": "Since when?"},
        {"from": "human", "value": "Since Monday."},
        {"from": "gpt", "value": "Drink enough and rest."},
    ],
}


def test_languages_and_kinds_are_told(tmp_path: Path) -> None:
    as_lines(tmp_path / "a.jsonl", [ARABIC, ENGLISH])
    as_json(tmp_path / "b.json", [ENGLISH])
    records, removed = parted(bimedix1.read(tmp_path, ImageStore(tmp_path / "store")))
    assert [(r.id, r.language, r.task) for r in records] == [
        ("bimedix1/a/1", Language.ARABIC, "qa"),
        ("bimedix1/a/e1", Language.ENGLISH, "conversation"),
        ("bimedix1/b/e1", Language.ENGLISH, "conversation"),
    ]
    assert {r.data_class for r in records} == {DataClass.NON_COMMERCIAL}
    assert removed == []


def test_another_layout_is_named(tmp_path: Path) -> None:
    as_lines(tmp_path / "a.jsonl", [{"instruction": "What is fever?", "output": "Heat."}])
    with pytest.raises(DataError, match=r"a\.jsonl line 1 has no 'conversations' with turns"):
        list(bimedix1.read(tmp_path, ImageStore(tmp_path / "store")))
