"""The whole download: what is finished is asked for once, even by a run that was killed; the gate holds."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config, io, manifest, sources
from bimedix2.errors import ConfigError, RunError
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records

from .conftest import as_json, as_lines
from .server import Behaviour, Server, archive, jpeg

PACING = {"per_second": 1000, "timeout_s": 0.5, "pause_s": 0.01, "attempts": 3}


def rows(server: Server, articles: int, padding: int = 0) -> list[dict[str, Any]]:
    """Put archives of two figures each on the server; return the list's rows."""
    out = []
    for n in range(articles):
        figures = {f"PMC{n}/f{k}.jpg": jpeg(16 * n + 8 * k) for k in range(2)}
        server.files[f"/oa/PMC{n}.tar.gz"] = archive({**figures, f"PMC{n}/text.nxml": b"<x/>"}, padding)
        out += [
            {"pair_id": f"{n}_F{k}", "pmc_tar_url": server.url(f"/oa/PMC{n}.tar.gz"),
             "image_file_path": f"PMC{n}/f{k}.jpg"}
            for k in range(2)
        ]  # fmt: skip
    return out


def settings(tmp_path: Path, **download: Any) -> dict[str, Any]:
    return {
        "download": {"links": str(tmp_path / "links.jsonl"), "pacing": PACING, **download},
        "output": str(tmp_path / "out"),
    }


def run(tmp_path: Path, **download: Any) -> Path:
    return sources.run(config.build(sources.Config, settings(tmp_path, **download)))


def index(out: Path) -> dict[str, str]:
    return {row["name"]: row["sha256"] for _, row in io.read_jsonl(out / "names.jsonl")}


def test_images_stand_under_their_content_and_the_index_names_them(tmp_path: Path, server: Server) -> None:
    as_lines(tmp_path / "links.jsonl", rows(server, 3))
    out = run(tmp_path, pacing={**PACING, "at_once": 3})
    names = index(out)
    assert len(names) == 6
    assert ImageStore(out / "images").read(names["2_F1.jpg"]) == jpeg(40)
    stamp = manifest.read_manifest(out)
    assert stamp["counts"] == {"in": 6, "kept": 6, "removed": {}}
    assert stamp["download"]["coverage"] == 1
    assert Counter(path for path, _, _ in server.asked) == dict.fromkeys(server.files, 1)
    (first, *_) = [row for _, row in io.read_jsonl(out / "archives.jsonl")]
    assert first["sha256"] == io.sha256_bytes(server.files["/oa/PMC0.tar.gz"])
    assert not list(out.rglob(".*"))
    manifest.verify(out)


def test_a_picture_in_two_articles_is_stored_once(tmp_path: Path, server: Server) -> None:
    list_ = rows(server, 2)
    for n in range(2):
        server.files[f"/oa/PMC{n}.tar.gz"] = archive({f"PMC{n}/f{k}.jpg": jpeg(0) for k in range(2)})
    as_lines(tmp_path / "links.jsonl", list_)
    out = run(tmp_path, pacing={**PACING, "at_once": 2})
    assert len(set(index(out).values())) == 1
    assert len(list((out / "images").glob("*/*"))) == 1
    assert manifest.read_manifest(out)["download"]["stored"] == 1


def test_bad_servers_and_archives_end_in_a_report(tmp_path: Path, server: Server) -> None:
    as_lines(tmp_path / "links.jsonl", rows(server, 5))
    server.next = {
        "/oa/PMC0.tar.gz": [Behaviour(status=503), Behaviour(cut=300), Behaviour(stall=100)],
        "/oa/PMC1.tar.gz": [Behaviour(status=404)],
        "/oa/PMC2.tar.gz": [Behaviour(status=429, headers={"Retry-After": "0"}) for _ in range(9)],
    }
    server.files["/oa/PMC3.tar.gz"] = b"<html>busy</html>"
    server.files["/oa/PMC4.tar.gz"] = archive({"PMC4/f0.jpg": jpeg(0), "PMC4/f1.jpg": b"text"})
    out = run(tmp_path, minimum=0.3)
    assert sorted(index(out)) == ["0_F0.jpg", "0_F1.jpg", "4_F0.jpg"]
    removed = {row["id"]: row["reason"] for _, row in io.read_jsonl(out / "removed" / "removed.jsonl")}
    assert removed == {
        "1_F0.jpg": "archive-missing",
        "1_F1.jpg": "archive-missing",
        "2_F0.jpg": "archive-unreachable",
        "2_F1.jpg": "archive-unreachable",
        "3_F0.jpg": "archive-damaged",
        "3_F1.jpg": "archive-damaged",
        "4_F1.jpg": "unreadable-image",
    }
    assert len(server.requests("/oa/PMC3.tar.gz")) == 2  # once more, in case it was damaged on the way


def test_under_the_minimum_nothing_is_published_and_the_next_run_asks_for_the_rest_alone(
    tmp_path: Path, server: Server
) -> None:
    as_lines(tmp_path / "links.jsonl", rows(server, 4))
    server.next["/oa/PMC2.tar.gz"] = [Behaviour(status=503)] * 3
    with pytest.raises(RunError, match=r"6 of 8 images \(75.0%\) could be had, under download.minimum 95.0%"):
        run(tmp_path)
    report = [row for _, row in io.read_jsonl(tmp_path / "out.missing.jsonl")]
    assert [(row["name"], row["reason"]) for row in report] == [
        ("2_F0.jpg", "archive-unreachable"),
        ("2_F1.jpg", "archive-unreachable"),
    ]
    assert not (tmp_path / "out").exists()
    before = len(server.asked)
    out = run(tmp_path, minimum=0.99, pacing={**PACING, "at_once": 2})
    assert [path for path, _, _ in server.asked[before:]] == ["/oa/PMC2.tar.gz"]
    assert len(index(out)) == 8
    assert not (tmp_path / "out.missing.jsonl").exists()


def test_images_that_the_list_does_not_link_count_as_missing(tmp_path: Path, server: Server) -> None:
    as_lines(tmp_path / "links.jsonl", rows(server, 2))
    as_json(tmp_path / "wanted.json", [{"image": name} for name in ("0_F0.jpg", "7_F0.jpg")])
    with pytest.raises(RunError, match=r"1 of 2 images \(50.0%\).*1 not-linked"):
        run(tmp_path, wanted=str(tmp_path / "wanted.json"))
    assert [path for path, _, _ in server.asked] == ["/oa/PMC0.tar.gz"]


def test_rows_that_cannot_be_asked_for_count_against_the_minimum(tmp_path: Path, server: Server) -> None:
    list_of = rows(server, 2)
    list_of[3]["pmc_tar_url"] = "ftp://127.0.0.1/oa/PMC1.tar.gz"
    as_lines(tmp_path / "links.jsonl", list_of)
    with (tmp_path / "links.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"pair_id": "5_F0"\n')
    said = r"3 of 5 images \(60.0%\) could be had, .*: 1 address-refused, 1 broken-row"
    with pytest.raises(RunError, match=said):
        run(tmp_path)
    report = [row["name"] for _, row in io.read_jsonl(tmp_path / "out.missing.jsonl")]
    assert report == ["1_F1.jpg", "line 5"]
    out = run(tmp_path, minimum=0.6)
    counts = manifest.read_manifest(out)["counts"]
    assert counts == {"in": 5, "kept": 3, "removed": {"address-refused": 1, "broken-row": 1}}
    assert manifest.read_manifest(out)["download"]["coverage"] == 0.6


def test_a_dry_run_asks_for_nothing_and_writes_the_plan(tmp_path: Path, server: Server) -> None:
    as_lines(tmp_path / "links.jsonl", rows(server, 3))
    plan = run(tmp_path, dry_run=True)
    assert plan == tmp_path / "out.plan.json"
    assert io.read_json(plan) == {
        "rows": 6, "images": 6, "archives": 3, "hosts": {"127.0.0.1": 3}, "left_out": {}, "not_linked": 0,
    }  # fmt: skip
    assert server.asked == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["links.jsonl", "out.plan.json"]


def _arrived(folder: Path) -> int:
    """Bytes of the part files, while another process writes, renames and deletes there."""
    size = 0
    for path in folder.glob("*") if folder.is_dir() else ():
        try:
            size += path.stat().st_size
        except FileNotFoundError:
            continue
    return size


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, server: Server) -> None:
    """SIGKILL in the middle of the fourth archive: the three before it are not asked for again, and of the
    fourth only what is missing is."""
    as_lines(tmp_path / "links.jsonl", rows(server, 6, padding=600_000))
    server.next["/oa/PMC3.tar.gz"] = [Behaviour(stall=200_000)]
    recipe = tmp_path / "recipe.yaml"
    values = settings(tmp_path, pacing={**PACING, "timeout_s": 20})
    recipe.write_text(json.dumps(values))
    command = [sys.executable, "-m", "bimedix2", "sources", str(recipe)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    until = time.monotonic() + 60
    part = tmp_path / ".out.partial" / ".parts"
    fourth = "/oa/PMC3.tar.gz"
    while (server.sent.get(fourth, 0) < 200_000 or _arrived(part) < 100_000) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out").exists()
    (left,) = [path for path in part.iterdir() if path.suffix != ".json"]
    have = left.stat().st_size
    assert 0 < have < len(server.files["/oa/PMC3.tar.gz"])
    before = len(server.asked)
    out = sources.run(config.load(sources.Config, recipe))
    assert server.asked[before] == ("/oa/PMC3.tar.gz", f"bytes={have}-", 206)
    assert Counter(path for path, _, _ in server.asked) == {
        **dict.fromkeys(server.files, 1),
        "/oa/PMC3.tar.gz": 2,
    }
    assert len(index(out)) == 12
    manifest.verify(out)


def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path: Path, server: Server) -> None:
    as_lines(tmp_path / "links.jsonl", rows(server, 3))
    server.next["/oa/PMC2.tar.gz"] = [Behaviour(status=404)]
    with pytest.raises(RunError):
        run(tmp_path, minimum=1)
    journal = tmp_path / ".out.partial" / ".journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[: whole.rfind(b"\n", 0, -1) + 20])
    assert len(index(run(tmp_path, minimum=1))) == 6
    assert len(server.requests("/oa/PMC0.tar.gz")) == 1


def test_an_image_that_left_the_store_is_fetched_again(tmp_path: Path, server: Server) -> None:
    as_lines(tmp_path / "links.jsonl", rows(server, 2))
    server.next["/oa/PMC1.tar.gz"] = [Behaviour(status=404)]
    with pytest.raises(RunError):
        run(tmp_path)
    for path in (tmp_path / ".out.partial" / "images").glob("*/*"):
        path.unlink()
    assert len(index(run(tmp_path))) == 4


def test_the_finished_folder_is_what_a_source_reads_its_images_from(tmp_path: Path, server: Server) -> None:
    as_lines(tmp_path / "links.jsonl", rows(server, 2))
    out = run(tmp_path)
    turns = [{"from": "human", "value": "<image>\nDescribe."}, {"from": "gpt", "value": "A CT."}]
    pairs = [
        {"id": name, "image": f"{name}.jpg", "conversations": turns} for name in ("0_F0", "1_F1", "5_F0")
    ]
    as_json(tmp_path / "llava" / "alignment" / "llava_med_alignment_500k.json", pairs)
    (tmp_path / "llava" / "images").symlink_to(out)
    part = sources.Part(source="llava_med_alignment", path=tmp_path / "llava")
    read = sources.run(sources.Config(parts=[part], output=tmp_path / "records"))
    names = index(out)
    assert [r.images[0].image for r in read_records(read)] == [names["0_F0.jpg"], names["1_F1.jpg"]]
    assert manifest.read_manifest(read)["counts"]["removed"] == {"missing-image": 1}


def test_a_recipe_reads_or_fetches_one_of_the_two(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give 'parts' to read or a 'download' to fetch"):
        config.build(sources.Config, {"output": "out"})
    both = {**settings(tmp_path), "parts": [{"source": "everyday"}]}
    with pytest.raises(ConfigError, match="one of the two"):
        config.build(sources.Config, both)
