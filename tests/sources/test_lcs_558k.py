"""LCS-558K: everyday pairs in LLaVA's layout, images in numbered folders, research use."""

from pathlib import Path

from bimedix2.records import DataClass, Split
from bimedix2.records.images import ImageStore
from bimedix2.sources import lcs_558k

from .conftest import as_json, parted, picture

# Layout: a sample row that loaders on GitHub quote (see the module); the words are written by hand.
ROW = {
    "id": "004539375",
    "image": "00453/004539375.jpg",
    "conversations": [
        {"from": "human", "value": "Say what this is.\n<image>"},
        {"from": "gpt", "value": "a grey chair"},
    ],
}


def test_pairs_become_captions(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "00453" / "004539375.jpg")
    as_json(tmp_path / "blip_laion_cc_sbu_558k.json", [ROW, {**ROW, "id": "2", "image": "00453/2.jpg"}])
    records, removed = parted(lcs_558k.read(tmp_path, ImageStore(tmp_path / "store")))
    (record,) = records
    assert (record.id, record.task, record.split) == ("lcs_558k/004539375", "caption", Split.TRAIN)
    assert record.data_class is DataClass.NON_COMMERCIAL
    assert record.provenance.subject == "lcs_558k:00453/004539375.jpg"
    assert removed == [("lcs_558k/2", "missing-image")]
