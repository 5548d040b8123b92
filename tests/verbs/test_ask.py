"""``bimedix2 ask`` as a user meets it, and every input that it must refuse."""

import gzip
import struct
import zlib
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2.verbs.talk import signature


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    Image.new("RGB", (40, 30), (90, 90, 90)).save(path)
    return path


def scan(name: str) -> str:
    return str(files("pydicom") / "data" / "test_files" / f"{name}.dcm")


def test_the_answer_is_on_stdout_and_who_wrote_it_on_stderr(cli: Any, echo: Any, png: Path) -> None:
    code, out, err = cli("ask", "What is this?", "--image", str(png))
    assert code == 0
    assert out == "1. What is this? [1 of 1]\n"
    assert "echo@1" in err
    assert "For research only, not medical advice." in err


def test_an_arabic_answer_is_signed_in_arabic_too(cli: Any, echo: Any) -> None:
    _, out, err = cli("ask", "ما نوع هذه الصورة؟")
    assert "ما نوع هذه الصورة؟" in out
    assert "للبحث العلمي فقط" in err
    assert "For research only" in err


def test_a_safeguard_answers_before_the_model_and_says_who_it_is(cli: Any, echo: Any, png: Path) -> None:
    question = "How many mg of ibuprofen should my son take?"
    code, out, err = cli("ask", question, "--image", str(png))
    assert code == 0
    assert out.startswith("A research model cannot set a dose")
    assert "Fixed answer of the safeguard “dose”; the model did not write it." in err
    assert "echo@1" not in err
    _, out, err = cli("ask", question, "--no-safeguards")
    assert out == f"1. {question} [0 of 0]\n"
    assert "echo@1" in err


def test_a_safeguard_answers_arabic_in_arabic(cli: Any, echo: Any) -> None:
    _, out, err = cli("ask", "أبي فاقد الوعي ولا يتنفس")
    assert out.startswith("قد تكون هذه حالة طارئة.")
    assert "إجابة ثابتة من قاعدة الأمان «الحالة الطارئة»" in err
    assert "Fixed answer of the safeguard “emergency”" in err


def test_a_cut_answer_says_so() -> None:
    from bimedix2.llm.backend import Reply

    assert "raise --max-tokens" in signature(Reply("half of", "m@1", "length", 1, 9), 9)
    assert "cut" not in signature(Reply("whole", "m@1", "stop", 1, 9), 9)
    full = signature(Reply("half of", "m@1", "length", 2040, 8), 9)
    assert "the context is full; begin a new conversation" in full
    assert "--max-tokens" not in full


def test_two_images_and_what_was_chosen_to_show_them(cli: Any, echo: Any, png: Path) -> None:
    code, out, err = cli("ask", "Compare", "--image", scan("CT_small"), "--image", scan("MR_small"))
    assert (code, out) == (0, "1. Compare [2 of 2]\n")
    assert "MR_small.dcm: window file (600/1600)" in err


def test_a_window_and_a_frame_reach_the_image(cli: Any, echo: Any) -> None:
    _, _, err = cli("ask", "What?", "--image", scan("CT_small"), "--window", "lung")
    assert "window lung (-600/1500)" in err
    _, _, err = cli("ask", "What?", "--image", scan("examples_ybr_color"), "--frame", "3")
    assert "frame 4 of 30" in err


def test_the_model_is_opened_where_the_device_says(cli: Any, echo: Any) -> None:
    assert cli("ask", "hello", "--device", "cpu")[0] == 0
    assert echo.device == "cpu"
    assert cli("ask", "hello")[0] == 0
    assert echo.device == "auto"


def test_an_answer_cannot_steer_the_terminal(cli: Any, echo: Any) -> None:
    _, out, _ = cli("ask", "red \x1b[31m\x9b31m\x07 text\twith a tab")
    assert out == "1. red [31m31m text\twith a tab [0 of 0]\n"


def bomb() -> bytes:
    """A PNG of a few kilobytes that claims 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 4_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def png_bytes() -> bytes:
    buffer = BytesIO()
    Image.effect_noise((64, 64), 40).save(buffer, "PNG")
    return buffer.getvalue()


BAD_IMAGES = {
    "empty.png": (b"", "is empty (0 bytes)"),
    "truncated.png": (png_bytes()[:900], "truncated.png"),
    "text.png": (b"<html>not found</html>", "is text, not an image"),
    "bomb.png": (bomb(), "pixels"),
    "zipped.png": (gzip.compress(b"hello"), "gzip file without a NIfTI"),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_a_bad_image_is_one_sentence_and_exit_code_2(cli: Any, tmp_path: Path, name: str) -> None:
    data, said = BAD_IMAGES[name]
    path = tmp_path / name
    path.write_bytes(data)
    refused(cli("ask", "What?", "--image", str(path)), said)


REFUSED = {
    "no such file": (["What?", "--image", "no/such.png"], "no/such.png does not exist"),
    "a folder": (["What?", "--image", "."], "is a folder"),
    "a DICOM without pixels": (["What?", "--image", scan("rtplan")], "rtplan.dcm"),
    "a truncated DICOM": (["What?", "--image", scan("MR_truncated")], "MR_truncated.dcm"),
    "an unknown window": (["What?", "--image", scan("CT_small"), "--window", "lnug"], '"lung"'),
    "a window on an MRI": (["What?", "--image", scan("MR_small"), "--window", "lung"], "Hounsfield"),
    "a frame too far": (["What?", "--image", scan("CT_small"), "--frame", "4"], "frame 4"),
    "a window without an image": (["What?", "--window", "lung"], "--image FILE"),
    "an unknown model": (["What?", "--model", "nanno"], "did you mean 'nano'?"),
    "a device of another kind": (["What?", "--device", "gpu"], "'gpu' is no device; say auto, cpu, cuda or"),
    "a GPU that is not here": (["What?", "--device", "cuda:99"], "device 'cuda:99' is not here"),
    "an empty question": ([" "], "is empty"),
    "a placeholder": (["what is <image>?"], "'<image>'"),
    "a turn marker": (["hi <|im_end|>"], "'<|im_end|>'"),
    "bytes that are no UTF-8": (["caf\udce9"], "not valid Unicode"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_asked_is_one_sentence_and_exit_code_2(cli: Any, case: str) -> None:
    arguments, said = REFUSED[case]
    refused(cli("ask", *arguments), said)


def test_a_file_over_the_limit_is_refused_before_it_is_read(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "whole_study.nii"
    with path.open("wb") as file:
        file.truncate((2048 << 20) + 1)  # a hole: no byte of it is on the disk
    refused(
        cli("ask", "What?", "--image", str(path)), "whole_study.nii is larger than 2048 MB; crop it first"
    )


def refused(result: tuple[int, str, str], said: str) -> None:
    code, out, err = result
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_real_engine_answers_and_refuses_a_question_longer_than_its_context(
    cli: Any, tiny_base: Any, png: Path
) -> None:
    code, _, err = cli(
        "ask", "hi", "--image", str(png), "--model", str(tiny_base.folder), "--max-tokens", "5"
    )
    assert code == 0
    assert "bimedix2-tiny-base-" in err
    code, out, err = cli("ask", "word " * 300, "--model", str(tiny_base.folder))
    assert (code, out) == (2, "")
    assert "the context is 512" in err
