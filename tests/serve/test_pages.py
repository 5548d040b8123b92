"""What the page's own addresses answer, without a browser."""

import base64
import json
import re
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image


def scan(name: str) -> bytes:
    return (files("pydicom") / "data" / "test_files" / f"{name}.dcm").read_bytes()


def opened(service: Any, data: bytes, query: str = "") -> Any:
    status, value, _ = service.ask("POST", f"/images{query}", data)
    assert status == 200, value
    return value


def picture(value: Any) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(value["image"].partition(",")[2])))


def test_the_page_names_no_other_host(service: Any) -> None:
    for language in ("en", "ar"):
        _, page, headers = service.ask("GET", f"/?lang={language}")
        assert f'lang="{language}"' in page
        assert f"bimedix2_language={language}" in headers["set-cookie"]
        assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)


def test_assets_are_served_under_the_hash_of_their_content(service: Any) -> None:
    _, page, _ = service.ask("GET", "/")
    assets = set(re.findall(r"/static/[0-9a-f]{12}/[\w.]+(?:css|js|svg)", page))
    assert {path.rpartition("/")[2] for path in assets} >= {
        *("app.css", "page.js", "app.js", "icon.svg", "icons.svg")
    }
    for path in assets:
        assert service.ask("GET", path)[0] == 200


def test_an_image_comes_back_as_the_model_sees_it(service: Any) -> None:
    buffer = BytesIO()
    Image.new("RGB", (3000, 1500), (10, 20, 30)).save(buffer, "JPEG", exif=b"Exif\0\0secret")
    value = opened(service, buffer.getvalue())
    assert (value["kind"], value["width"], value["height"], value["frames"]) == ("jpeg", 1024, 512, 1)
    assert picture(value).size == (1024, 512)
    assert b"secret" not in base64.b64decode(value["image"].partition(",")[2])


def test_a_dicom_leaves_its_header_behind_and_offers_windows(service: Any) -> None:
    data = scan("CT_small")
    assert b"CompressedSamples" in data
    value = opened(service, data)
    assert value["windows"] == ["lung", "bone", "brain", "soft-tissue"]
    assert b"CompressedSamples" not in base64.b64decode(value["image"].partition(",")[2])
    assert "CompressedSamples" not in json.dumps(value)
    assert opened(service, scan("MR_small"))["windows"] == []


def test_frames_and_windows_are_chosen_in_the_address(service: Any) -> None:
    film = scan("examples_ybr_color")
    assert opened(service, film)["frame"] == 15
    assert opened(service, film, "?frame=2")["frame"] == 2
    lung, bone = (picture(opened(service, scan("CT_small"), f"?window={w}")) for w in ("lung", "bone"))
    assert lung.tobytes() != bone.tobytes()
    for query, said in [
        ("?frame=-1", "whole number"),
        ("?frame=99", "no frame 99"),
        ("?window=x", "unknown"),
    ]:
        status, value, _ = service.ask(
            "POST", f"/images{query}", film if "frame" in query else scan("CT_small")
        )
        assert status == 400
        assert said in value["error"]["message"]


def test_page_and_api_show_the_model_the_same_pixels(service: Any) -> None:
    shown = opened(service, scan("CT_small"), "?window=lung")["image"]
    raw = "data:application/dicom;base64," + base64.b64encode(scan("CT_small")).decode()
    for image in ({"url": shown}, {"url": raw, "window": "lung"}):
        part = {"type": "image_url", "image_url": image}
        assert service.complete([part, {"type": "text", "text": "what?"}])[0] == 200
    first, second = service.backend.requests
    assert list(first.images) == list(second.images)


@pytest.mark.parametrize("name", ["J2K_pixelrep_mismatch", "examples_overlay"])
def test_an_example_is_a_file_and_a_picture(service: Any, name: str) -> None:
    status, _, headers = service.ask("GET", f"/examples/{name}.png")
    assert (status, headers["content-type"]) == (200, "image/png")


@pytest.mark.parametrize(
    "path", ["/examples/../secret.dcm", "/examples/none.png", "/examples/examples_overlay.exe"]
)
def test_no_other_example_is_there(service: Any, path: str) -> None:
    assert service.ask("GET", path)[0] == 404


def test_the_pages_answer_is_text_and_html(service: Any) -> None:
    body = {"messages": [{"role": "user", "content": "ما هذه الصورة؟"}]}
    status, stream, headers = service.ask("POST", "/chat", body)
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in stream.split("\n\n") if line]
    assert events[-1]["finish"] == "stop"
    assert events[-1]["model"] == service.backend.name
    assert '<p dir="rtl">' in events[-1]["html"]
    assert '<bdi dir="ltr">10-20 mg</bdi>' in events[-1]["html"]
    texts = [event["text"] for event in events if "text" in event]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))


@pytest.mark.parametrize("body", [[], {"messages": []}, {"messages": [], "again": -1}, {"again": "x"}])
def test_a_wrong_question_of_the_page(service: Any, body: Any) -> None:
    status, value, _ = service.ask("POST", "/chat", body)
    assert status == 400
    assert value["error"]["message"]
