"""Run folders: whole or not at all, immutable, resumed after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bimedix2 import manifest
from bimedix2.errors import RunError
from bimedix2.manifest import RunFolder


def publish(target: Path, text: str = "one") -> Path:
    with RunFolder(target, "sources", {"a": 1}) as out:
        (out.path / "x.txt").write_text(text)
        return out.publish({"in": 1, "kept": 1, "removed": {}})


def test_a_published_folder_verifies_and_names_its_version(tmp_path: Path) -> None:
    folder = publish(tmp_path / "run")
    manifest.verify(folder)
    stamp = manifest.read_manifest(folder)
    assert stamp["room"] == "sources"
    assert stamp["recipe"] == {"a": 1}
    assert list(stamp["files"]) == ["x.txt"]
    assert sorted(p.name for p in folder.iterdir()) == ["manifest.json", "x.txt"]


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    folder = publish(tmp_path / "run")
    (folder / "x.txt").write_text("two")
    with pytest.raises(RunError, match=r"x\.txt was changed"):
        manifest.verify(folder)


def test_equal_content_has_an_equal_hash_and_other_content_another(tmp_path: Path) -> None:
    a, b, c = publish(tmp_path / "a"), publish(tmp_path / "b"), publish(tmp_path / "c", "two")
    assert manifest.folder_hash(a) == manifest.folder_hash(b) != manifest.folder_hash(c)


def test_an_unfinished_run_leaves_no_target_and_resumes(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", "sources", {"a": 1}) as out:
        (out.path / "half.txt").write_text("half")
    assert not (tmp_path / "run").exists()
    with RunFolder(tmp_path / "run", "sources", {"a": 1}) as out:
        assert out.resumed
        assert (out.path / "half.txt").read_text() == "half"


def test_half_a_run_of_another_recipe_is_refused(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", "sources", {"a": 1}):
        pass
    with pytest.raises(RunError, match="another recipe"), RunFolder(tmp_path / "run", "sources", {"a": 2}):
        pass


def test_half_a_run_does_not_go_on_with_another_input(tmp_path: Path) -> None:
    """The recipe names the same path, but another dataset stands there since."""
    first, second = publish(tmp_path / "a" / "in"), publish(tmp_path / "b" / "in", "two")
    with RunFolder(tmp_path / "run", "train", {}, {"input": first}):
        pass
    other = RunFolder(tmp_path / "run", "train", {}, {"input": second})
    with pytest.raises(RunError, match=r"was begun with another 'input' than .*b/in is"), other:
        pass
    with RunFolder(tmp_path / "run", "train", {}, {"input": first}) as out:
        assert out.resumed
        folder = out.publish({})
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]


def test_a_users_own_folder_may_be_corrected_before_a_run_goes_on(tmp_path: Path) -> None:
    """An image folder's ``manifest.json`` is a list of images, and no room's."""
    own = tmp_path / "images"
    own.mkdir()
    for text in ("[]", '[{"file": "a.png"}]', "no JSON"):
        (own / "manifest.json").write_text(text)
        with RunFolder(tmp_path / "run", "sources", {}, {"images": own}) as out:
            assert out.resumed == (text != "[]")


def test_a_room_that_begins_afresh_leaves_nothing_after_an_error_and_takes_nothing_over(
    tmp_path: Path,
) -> None:
    def fail() -> None:
        with RunFolder(tmp_path / "out", "x", {}, afresh=True) as run:
            (run.path / "half.txt").write_text("half")
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        fail()
    assert list(tmp_path.iterdir()) == []
    with RunFolder(tmp_path / "out", "x", {"a": 1}) as killed:  # as a kill leaves it
        (killed.path / "records").mkdir()
        (killed.path / "records" / "half.txt").write_text("half")
    with RunFolder(tmp_path / "out", "x", {"a": 2}, afresh=True) as run:
        assert not run.resumed
        assert not (run.path / "records").exists()
        run.publish({})
    assert manifest.read_manifest(tmp_path / "out")["recipe"] == {"a": 2}


def test_an_error_before_anything_was_written_leaves_no_half(tmp_path: Path) -> None:
    """The recipe is corrected, and would be refused as another one's half."""

    def fail(*, recipe: int, write: bool) -> None:
        with RunFolder(tmp_path / "run", "train", {"a": recipe}) as out:
            if write:
                (out.path / "half.txt").write_text("half")
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        fail(recipe=1, write=False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="wrong"):
        fail(recipe=2, write=True)
    with pytest.raises(ValueError, match="wrong"):
        fail(recipe=2, write=False)
    assert (tmp_path / ".run.partial" / "half.txt").read_text() == "half"


def test_an_output_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for target, said in (
        (Path(), r"the output '\.' has no name of its own; name a new folder"),
        (
            tmp_path / "file" / "run",
            r"file/run cannot be made \(Not a directory\); check the folder above it",
        ),
        (tmp_path / ("n" * 300), r"cannot be made \(File name too long\)"),
    ):
        with pytest.raises(RunError, match=said), RunFolder(target, "sources", {}):
            pass


def test_a_finished_folder_is_not_overwritten(tmp_path: Path) -> None:
    publish(tmp_path / "run")
    with pytest.raises(RunError, match="immutable"):
        publish(tmp_path / "run")


def test_a_folder_without_a_manifest_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="half written"):
        manifest.read_manifest(tmp_path)


def test_two_processes_do_not_share_a_run_and_a_kill_frees_it(tmp_path: Path) -> None:
    code = (
        "import sys,time,pathlib\nfrom bimedix2.manifest import RunFolder\n"
        "with RunFolder(pathlib.Path(sys.argv[1]), 'sources', {'a': 1}) as out:\n"
        "    (out.path / 'half.txt').write_text('half')\n    print('in', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "in\n"
        with pytest.raises(RunError, match="in use"), RunFolder(tmp_path / "run", "sources", {"a": 1}):
            pass
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    time.sleep(0.05)
    with RunFolder(tmp_path / "run", "sources", {"a": 1}) as out:
        assert out.resumed
        out.publish({})
    assert (tmp_path / "run" / "half.txt").read_text() == "half"


def test_links_to_finished_inputs_are_not_flushed_again_and_all_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = publish(tmp_path / "in")
    loose = tmp_path / "loose"
    loose.write_text("no room made it")
    with RunFolder(tmp_path / "out", "dataset", {}, {"in": finished}) as out:
        (out.path / "images").mkdir()
        os.link(finished / "x.txt", out.path / "images" / "finished")
        os.link(loose, out.path / "images" / "loose")
        (out.path / "images" / "new").write_text("new")
        (out.path / "exports").mkdir()
        os.link(out.path / "images" / "new", out.path / "exports" / "new")
        wanted = {
            (out.path / name).stat().st_ino
            for name in ("images", "images/loose", "images/new", "exports/new")
        }
        passed = (finished / "x.txt").stat().st_ino
        flushed: list[int] = []
        fsync = os.fsync

        def counted(handle: int) -> None:
            flushed.append(os.fstat(handle).st_ino)
            fsync(handle)

        monkeypatch.setattr(os, "fsync", counted)
        folder = out.publish({})
    assert passed not in flushed
    assert wanted <= set(flushed)
    # Two files, one of them under two names, and the directory of the link; the manifest and its directory;
    # and the entries of the parent.
    assert len(flushed) == 7
    manifest.verify(folder)


def test_a_link_to_an_unfinished_folder_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = tmp_path / "half"
    half.mkdir()
    (half / "x").write_text("x")
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(os.fstat(handle).st_ino))
    with RunFolder(tmp_path / "out", "dataset", {}, {"half": half}) as out:
        os.link(half / "x", out.path / "x")
        out.publish({})
    assert (half / "x").stat().st_ino in flushed
