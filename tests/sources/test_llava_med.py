"""LLaVA-Med: both files in LLaVA's layout, the misspelt field, articles as subjects, ids that come twice."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.records import DataClass, ImagePart, TextPart
from bimedix2.records.images import ImageStore
from bimedix2.sources import llava_med

from .conftest import as_json, as_lines, parted, picture

# Layout: llava/instruct/instruct_postprocess.py and llava/data/remove_instructions.py of
# github.com/microsoft/LLaVA-Med; the words are written by hand.
CAPTION: dict[str, Any] = {
    "id": "123_F1",
    "image": "123_F1.jpg",
    "conversatons": [
        {"from": "human", "value": "Describe it.\n<image>"},
        {"from": "gpt", "value": "A heart."},
    ],
}
CHAT: dict[str, Any] = {
    "id": "123_F1",
    "image": "123_F1.jpg",
    "domain": {"chest_xray": True, "mri": False},
    "conversations": [
        {"from": "human", "value": "<image>\nWhat is it?"},
        {"from": "gpt", "value": "A heart."},
        {"from": "human", "value": "Is it large?"},
        {"from": "gpt", "value": "No."},
    ],
}


def test_alignment_gives_captions(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "123_F1.jpg")
    rows = [CAPTION, {**CAPTION, "id": "124_F1", "image": "124_F1.jpg"}]
    as_json(tmp_path / "alignment" / "llava_med_alignment_500k.json", rows)
    records, removed = parted(llava_med.read_alignment(tmp_path, ImageStore(tmp_path / "store")))
    (record,) = records
    assert (record.id, record.task) == ("llava_med_alignment/123_F1", "caption")
    assert record.provenance.source_id == "123_F1"
    assert record.provenance.subject == "pmid:123"
    assert (record.data_class, record.provenance.licence) == (DataClass.NON_COMMERCIAL, "CC-BY-NC-4.0")
    assert record.messages[0].content[0] == TextPart(text="Describe it.")
    assert isinstance(record.messages[0].content[1], ImagePart)
    assert removed == [("llava_med_alignment/124_F1", "missing-image")]


def test_instructions_keep_their_turns_and_domain(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "123_F1.jpg")
    rows = [CHAT, CHAT, {**CHAT, "id": "5", "image": ["123_F1.jpg"]}, {**CHAT, "id": "6", "image": []}]
    as_lines(tmp_path / "llava_med_instruct_60k_inline_mention.json", rows)
    records, removed = parted(llava_med.read_instruct(tmp_path, ImageStore(tmp_path / "store")))
    assert [r.id for r in records] == [
        "llava_med_instruct/123_F1",
        "llava_med_instruct/123_F1#2",
        "llava_med_instruct/5",
    ]
    assert [m.role for m in records[0].messages] == ["user", "assistant"] * 2
    assert records[0].meta == {"domain": {"chest_xray": True, "mri": False}}
    assert records[0].task == "conversation"
    assert removed == [("llava_med_instruct/6", "broken-row")]


def test_another_layout_is_named(tmp_path: Path) -> None:
    name = "llava_med_alignment_500k.json"
    as_json(tmp_path / name, [{"id": "1", "image": "1.jpg", "caption": "A heart."}])
    with pytest.raises(DataError, match=rf"{name} row 1 has no 'conversations' with turns"):
        list(llava_med.read_alignment(tmp_path, ImageStore(tmp_path / "store")))


def test_a_list_that_breaks_off_says_where(tmp_path: Path) -> None:
    path = as_json(tmp_path / "llava_med_alignment_500k.json", [CAPTION, CAPTION])
    picture(tmp_path / "images" / "123_F1.jpg")
    path.write_text(path.read_text()[:-20])
    reader = llava_med.read_alignment(tmp_path, ImageStore(tmp_path / "store"))
    assert next(reader).id == "llava_med_alignment/123_F1"
    with pytest.raises(DataError, match=r"llava_med_alignment_500k\.json is not JSON at line 1"):
        next(reader)
