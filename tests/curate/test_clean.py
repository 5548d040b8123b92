"""The room with its operations: what is left, what is removed and why, and what is said of it."""

import io as bytes_io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bimedix2 import config, curate, io, manifest
from bimedix2.errors import ConfigError, RunError
from bimedix2.manifest import RunFolder
from bimedix2.records import DataClass, ImagePart, Language, Message, Provenance, Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records

GOOD = "The radiograph shows consolidation of the lower lobe with air bronchograms and no effusion at all."


def record(identity: str, answer: str, image: str | None = None, **meta: Any) -> Record:
    parts: list[Any] = [ImagePart(image=image, name=f"{identity}.png")] if image else []
    return Record(
        id=identity,
        messages=(Message.of("user", *parts, "What is seen?"), Message.of("assistant", answer)),
        language=Language.ENGLISH,
        task="vqa" if image else "qa",
        data_class=DataClass.PATIENT,
        provenance=Provenance(source="made", source_id=identity, subject="MRN-1", url="http://pacs/MRN-1"),
        meta=meta,
    )


def folder(path: Path, records: list[Record], images: list[bytes] = ()) -> Path:  # type: ignore[assignment]
    with RunFolder(path, "sources", {}) as out:
        for data in images:
            ImageStore(out.path / "images").add(data)
        write_records(out.path, records)
        return out.publish({"in": len(records)})


def png(shade: int = 120) -> bytes:
    buffer = bytes_io.BytesIO()
    Image.new("L", (64, 64), shade).save(buffer, "PNG")
    return buffer.getvalue()


def run(tmp_path: Path, **values: Any) -> Path:
    settings = {"input": str(tmp_path / "in"), "output": str(tmp_path / "out"), **values}
    return curate.run(config.build(curate.Config, settings))


def removed(out: Path) -> list[tuple[str, str]]:
    return [(row["id"], row["reason"]) for _, row in io.read_jsonl(out / "removed" / "removed.jsonl")]


def test_named_operations_are_done_in_order_and_counted(tmp_path: Path) -> None:
    records = [
        record("a", GOOD),
        record("b", "Dr. Amal Haddad agrees. " + GOOD),
        record("c", "هذا جواب بالعربية في سجل إنجليزي."),
        record("d", GOOD),
        record("e", "Dr. Omar Nasser agrees. " + GOOD),
    ]
    folder(tmp_path / "in", records)
    out = run(tmp_path, filter={}, deidentify={}, duplicates={})
    assert [r.id for r in read_records(out)] == ["a", "b"]
    # What was a name is a placeholder by the time that duplicates are looked for.
    assert removed(out) == [("c", "wrong-language"), ("d", "duplicate"), ("e", "duplicate")]
    stamp = manifest.read_manifest(out)
    assert stamp["counts"] == {"in": 5, "kept": 2, "removed": {"wrong-language": 1, "duplicate": 2}}
    assert stamp["operations"]["deidentify"]["words"] == {"NAME": 2}
    assert stamp["operations"]["duplicates"] == {"duplicate": 2}
    ((_, row), _) = io.read_jsonl(out / "deidentified" / "deidentified.jsonl")
    assert row == {"id": "b", "words": {"NAME": 1}, "burned_in": []}
    assert not list(out.glob(".*"))


def test_what_is_not_named_is_not_done(tmp_path: Path) -> None:
    folder(tmp_path / "in", [record("a", GOOD), record("b", GOOD), record("c", "{name}")])
    out = run(tmp_path, duplicates={"text": None})
    assert [r.id for r in read_records(out)] == ["a", "c"]
    assert all("curate:deidentify" not in r.provenance.steps for r in read_records(out))


def test_a_removed_record_names_what_it_duplicates(tmp_path: Path) -> None:
    folder(tmp_path / "in", [record("a", GOOD), record("b", GOOD)])
    ((_, row),) = io.read_jsonl(run(tmp_path, duplicates={}) / "removed" / "removed.jsonl")
    assert row == {"id": "b", "reason": "duplicate", "what": {"duplicates": "a"}}


def test_a_recipe_that_names_nothing_writes_the_instruction_set() -> None:
    alone = config.build(curate.Config, {"input": "in", "output": "out"})
    assert alone.instruct is not None
    named = config.build(curate.Config, {"input": "in", "output": "out", "filter": {}})
    assert named.instruct is None
    with pytest.raises(ConfigError, match="did you mean 'duplicates'"):
        config.build(curate.Config, {"input": "in", "output": "out", "duplicate": {}})


def test_operations_and_the_instruction_set_go_together(tmp_path: Path) -> None:
    data = png()
    key = io.sha256_bytes(data)
    pictures = [record(name, "Axial CT of the chest.", key, modality="ct", region="chest") for name in "ab"]
    folder(tmp_path / "in", pictures, [data])
    out = run(tmp_path, duplicates={}, instruct={"text_turns": 2, "per_image": [6, 6]})
    made = list(read_records(out))
    assert [r.id for r in made if "type" not in r.meta] == ["a"]
    assert {r.id.split("|")[0] for r in made if "type" in r.meta} == {"a", "text"}
    assert (out / "images").is_dir()
    assert removed(out) == [("b", "duplicate")]


def test_with_a_key_names_of_records_and_files_become_pseudonyms(tmp_path: Path) -> None:
    data = png()
    folder(tmp_path / "in", [record("MRN-1/scan", GOOD, io.sha256_bytes(data))], [data])
    (tmp_path / "key").write_bytes(b"k" * 32)
    out = run(tmp_path, deidentify={"key": str(tmp_path / "key")})
    (one,) = read_records(out)
    assert "MRN-1" not in json.dumps(one.to_json())
    assert one.provenance.subject is not None
    assert one.provenance.subject.startswith("subject-")
    assert one.images[0].image == io.sha256_bytes(data)
    second = curate.run(
        config.build(
            curate.Config,
            {"input": str(tmp_path / "in"), "output": str(tmp_path / "two"),
             "deidentify": {"key": str(tmp_path / "key")}},
        )
    )  # fmt: skip
    assert [r.to_json() for r in read_records(second)] == [one.to_json()]
    assert (b"k" * 32).hex() not in (out / "manifest.json").read_text()


def test_every_record_says_with_which_key_it_was_cleaned_and_none_holds_the_key(tmp_path: Path) -> None:
    folder(tmp_path / "in", [record("a", GOOD)])
    prints = []
    for number, secret in enumerate((b"k" * 32, b"l" * 32, b"k" * 32)):
        (tmp_path / "key").write_bytes(secret)
        out = run(tmp_path, deidentify={"key": str(tmp_path / "key")}, output=str(tmp_path / f"o{number}"))
        (one,) = read_records(out)
        key = manifest.read_manifest(out)["operations"]["deidentify"]["key"]
        assert one.provenance.steps == (f"curate:deidentify:key-{key}",)
        assert secret not in (out / "manifest.json").read_bytes()
        assert secret.hex()[:12] != key
        prints.append(key)
    assert prints[0] == prints[2] != prints[1]
    out = run(tmp_path, deidentify={})
    (one,) = read_records(out)
    assert one.provenance.steps == ("curate:deidentify",)
    assert manifest.read_manifest(out)["operations"]["deidentify"]["key"] is None


def test_a_translation_leads_to_its_source_by_the_pseudonym_and_names_no_id(tmp_path: Path) -> None:
    made = record("MRN-1/ar", GOOD, translation={"of": "MRN-1/en", "failed": []})
    folder(tmp_path / "in", [record("MRN-1/en", GOOD), made])
    (tmp_path / "key").write_bytes(b"k" * 32)
    source, twin = read_records(run(tmp_path, deidentify={"key": str(tmp_path / "key")}))
    assert twin.meta["translation"] == {"of": source.id, "failed": []}
    assert "MRN-1" not in twin.model_dump_json()


def test_a_key_that_is_short_or_absent_stops_the_run(tmp_path: Path) -> None:
    folder(tmp_path / "in", [record("a", GOOD)])
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="has 5 bytes, 32 are needed; make one with"):
        run(tmp_path, deidentify={"key": str(tmp_path / "key")})
    with pytest.raises(ConfigError, match="cannot be read"):
        run(tmp_path, deidentify={"key": str(tmp_path / "none")})
    with pytest.raises(ConfigError, match="'PHONES' is no kind"):
        run(tmp_path, deidentify={"kinds": ["PHONES"]})


def dicom(make: Any, **tags: Any) -> bytes:
    pixels = (np.arange(64 * 64).reshape(64, 64) % 200).astype(np.uint8)
    data: bytes = make(pixels, PatientName="HADDAD^AMAL", PatientID="48291", **tags)
    return data


@pytest.fixture
def make() -> Any:
    """The maker of DICOM files of the imaging tests."""
    pytest.importorskip("pydicom", reason="pip install 'bimedix2[imaging]'")
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

    def build(pixels: np.ndarray, **tags: Any) -> bytes:
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = MRImageStorage, "1.2.3", "MR"
        ds.Rows, ds.Columns = pixels.shape
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = 8
        ds.HighBit, ds.PixelRepresentation = 7, 0
        ds.PixelData = pixels.tobytes()
        ds["PixelData"].VR = "OB"
        for name, value in tags.items():
            setattr(ds, name, value)
        buffer = bytes_io.BytesIO()
        ds.save_as(buffer, enforce_file_format=True)
        return buffer.getvalue()

    return build


def test_a_dicom_image_is_replaced_by_its_cleaned_file(tmp_path: Path, make: Any) -> None:
    data = dicom(make)
    folder(tmp_path / "in", [record("a", GOOD, io.sha256_bytes(data))], [data])
    with pytest.raises(ConfigError, match=r"a.png is a DICOM file; give deidentify.key"):
        run(tmp_path, deidentify={})
    (tmp_path / "key").write_bytes(b"k" * 32)
    out = run(tmp_path, deidentify={"key": str(tmp_path / "key")}, output=str(tmp_path / "clean"))
    (one,) = read_records(out)
    cleaned = ImageStore(out / "images").read(one.images[0].image)
    assert b"HADDAD" not in cleaned
    assert b"48291" not in cleaned
    assert [path.name for path in (out / "images").glob("*/*")] == [one.images[0].image]
    assert manifest.read_manifest(out)["operations"]["deidentify"]["headers"]["replaced"] >= 2


def test_suspected_letters_are_flagged_or_removed(tmp_path: Path, make: Any) -> None:
    data = dicom(make, BurnedInAnnotation="YES")
    folder(tmp_path / "in", [record("a", GOOD, io.sha256_bytes(data))], [data])
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    (one,) = read_records(run(tmp_path, deidentify={"key": str(key)}))
    assert one.meta["burned_in"][0] == "header: Burned In Annotation is YES"
    out = run(tmp_path, deidentify={"key": str(key), "burned_in": "remove"}, output=str(tmp_path / "strict"))
    assert [reason for _, reason in removed(out)] == ["burned-in-text"]
    assert list(read_records(out)) == []


def test_an_image_that_cannot_be_cleaned_is_not_passed_on(tmp_path: Path, make: Any) -> None:
    broken = dicom(make)[:300]
    folder(tmp_path / "in", [record("a", GOOD, io.sha256_bytes(broken))], [broken])
    (tmp_path / "key").write_bytes(b"k" * 32)
    out = run(tmp_path, deidentify={"key": str(tmp_path / "key")})
    assert [reason for _, reason in removed(out)] == ["unreadable-image"]


def test_a_folder_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a folder"):
        run(tmp_path, filter={})
