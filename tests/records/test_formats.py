"""Every format gives the same record back, and a wrong row is named by file, row and turn."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bimedix2 import io
from bimedix2.errors import BiMediX2Error, ConfigError, DataError, ImageError
from bimedix2.records import (
    DataClass,
    ImagePart,
    Language,
    Message,
    Provenance,
    Record,
    Split,
    TextPart,
)
from bimedix2.records.formats import FORMATS, Origin, read_file, write_file
from bimedix2.records.formats.files import RowFile
from bimedix2.records.images import ImageStore
from bimedix2.text.arabic import script

ORIGIN = Origin(source="theirs", data_class=DataClass.OPEN, language=script)
KEYS = [io.sha256_bytes(bytes([n])) for n in range(4)]
names = sorted(FORMATS)

# Words that formats trip over: placeholders, their escape, blanks beside them, and no letters at all.
SNAGS = ["<image>", "< image >", "<image", ">", "\n", " ", "x", "صورة", "\ufeff", "\u2028"]
words = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8")), st.lists(st.sampled_from(SNAGS)).map("".join)
)
said = words.filter(lambda text: bool(text.strip()))
images = st.builds(ImagePart, image=st.sampled_from(KEYS), name=st.one_of(st.just(""), said))


@st.composite
def records(draw: st.DrawFn) -> Record:
    mixed = st.lists(st.one_of(words, images), min_size=1, max_size=5).filter(
        lambda parts: any(isinstance(p, ImagePart) or p.strip() for p in parts)
    )
    several = st.lists(words, min_size=1, max_size=3).filter(lambda parts: any(p.strip() for p in parts))
    turns: list[Message] = [Message.of("system", *draw(mixed))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        turns += [Message.of("user", *draw(mixed)), Message.of("assistant", *draw(several))]
    if draw(st.booleans()) and len(turns) > 1:
        turns.pop()
    return Record(
        id=draw(st.text(alphabet=st.characters(codec="utf-8"), min_size=1)),
        messages=tuple(turns),
        language=draw(st.sampled_from(Language)),
        task=draw(words),
        split=draw(st.sampled_from(Split)),
        data_class=draw(st.sampled_from(DataClass)),
        provenance=Provenance(
            source=draw(words), subject=draw(st.none() | words), steps=tuple(draw(st.lists(words)))
        ),
        meta=draw(st.dictionaries(words, st.none() | st.integers() | words | st.lists(words))),
    )


def by_key(ref: str, where: str) -> ImagePart:
    return ImagePart(image=ref, name=ref)


@pytest.mark.parametrize("name", names)
@settings(max_examples=150, deadline=None)
@given(record=records())
def test_a_row_gives_the_same_record_back(name: str, record: Record) -> None:
    form = FORMATS[name]
    row = json.loads(json.dumps(form.write(record, lambda image: image.image)))
    assert form.read(row, "f row 1", "n", by_key, ORIGIN) == record
    if name != "messages":
        turns = [row.get("system", ""), *(turn["value"] for turn in row["conversations"])]
        assert sum(text.count("<image>") for text in turns) == len(record.images)


@pytest.mark.parametrize("name", names)
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(records(), max_size=4, unique_by=lambda r: r.id), link=st.booleans())
def test_a_file_gives_the_same_records_and_images_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, suffix: str, rows: list[Record], link: bool
) -> None:
    folder = tmp_path_factory.mktemp("f")
    store, other = ImageStore(folder / "store"), ImageStore(folder / "other")
    for number in range(4):
        store.add(bytes([number]))
    path = folder / "out" / f"rows{suffix}"
    assert write_file(path, rows, name, store, link=link) == len(rows)
    assert list(read_file(path, name, other, ORIGIN)) == rows
    assert all(image.image in other for row in rows for image in row.images)


def by_any_name(ref: str, where: str) -> ImagePart:
    return ImagePart(image=KEYS[0], name=ref)


def one(*parts: str | ImagePart) -> Record:
    turns = (Message.of("user", *parts), Message.of("assistant", "A radiograph."))
    return Record(
        id="1", messages=turns, language=Language.ENGLISH, task="vqa", provenance=Provenance(source="s")
    )


IMAGE = ImagePart(image=KEYS[0], name="a.png")


def test_the_rows_are_what_the_fields_tools_read() -> None:
    record = one(IMAGE, "What is it?")
    rows = {name: FORMATS[name].write(record, lambda image: f"images/{image.name}") for name in names}
    for row in rows.values():
        del row["bimedix2"]
    turns = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A radiograph."}]
    assert rows["llava"] == {"id": "1", "image": "images/a.png", "conversations": turns}
    assert rows["sharegpt"] == {"id": "1", "images": ["images/a.png"], "conversations": turns}
    shown = [{"type": "image", "path": "images/a.png"}, {"type": "text", "text": "What is it?"}]
    assert rows["messages"]["messages"] == [
        {"role": "user", "content": shown},
        {"role": "assistant", "content": [{"type": "text", "text": "A radiograph."}]},
    ]
    two = FORMATS["llava"].write(one(IMAGE, IMAGE, "Compare."), lambda image: "a.png")
    assert two["image"] == ["a.png", "a.png"]
    assert "image" not in FORMATS["llava"].write(one("Hello"), str)


def test_a_turn_that_says_image_is_no_placeholder_and_survives() -> None:
    record = one(IMAGE, "what does <image> mean?")
    row = FORMATS["llava"].write(record, lambda image: image.image)
    assert row["conversations"][0]["value"] == "<image>\nwhat does < image > mean?"
    assert FORMATS["llava"].read(row, "f", "1", by_key, ORIGIN) == record


def test_a_turn_that_was_edited_is_read_as_it_stands_now() -> None:
    record = one("what does <image> mean?")
    row = FORMATS["llava"].write(record, str)
    row["conversations"][0]["value"] = "What is a placeholder?"
    row["conversations"][1]["value"] = "صورة شعاعية."
    back = FORMATS["llava"].read(row, "f", "1", by_key, ORIGIN)
    assert [m.text for m in back.messages] == ["What is a placeholder?", "صورة شعاعية."]
    assert back.provenance == record.provenance


def written(tmp_path: Path, rows: Any, name: str = "f.json") -> Path:
    (tmp_path / "xray").mkdir(exist_ok=True)
    for number, file in enumerate(("a.png", "b.png", "c.png")):
        (tmp_path / "xray" / file).write_bytes(bytes([number]))
    (tmp_path / name).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return tmp_path / name


def read(path: Path, form: str, origin: Origin = ORIGIN, **options: Any) -> list[Record]:
    return list(read_file(path, form, ImageStore(path.parent / "store"), origin, **options))


def turns(*texts: str, roles: tuple[str, str] = ("human", "gpt")) -> list[dict[str, str]]:
    return [{"from": roles[number % 2], "value": text} for number, text in enumerate(texts)]


def talk(*texts: str, **more: Any) -> dict[str, Any]:
    return {"conversations": turns(*texts), **more}


def test_a_llava_file_of_somebody_elses(tmp_path: Path) -> None:
    rows = [
        {
            "id": 7,
            "image": "xray/a.png",
            "conversations": turns("What is it?\n<image>", "Chest."),
            "domain": "cxr",
        },
        {
            "id": 7,
            "image": ["xray/a.png", "xray/b.png"],
            "conversations": turns("<image><image> وازِن", "لا فرق"),
        },
        {"conversations": turns("Hello", "مرحباً", "2+2?", "4")},
        {"id": "n", "image": None, "system": "Be brief.", "conversations": turns("Hi", "Hello", "؟", "نعم")},
    ]
    origin = Origin(
        "theirs", DataClass.NON_COMMERCIAL, script, licence="CC-BY-NC-4.0", split=Split.TRAIN, url="u"
    )
    first, second, third, fourth = read(written(tmp_path, rows), "llava", origin)
    assert (first.id, second.id, third.id) == ("7", "7#2", "theirs/3")
    assert first.messages[0].content == (
        TextPart(text="What is it?"),
        ImagePart(image=KEYS[0], name="xray/a.png"),
    )
    assert first.meta == {"domain": "cxr"}
    assert first.provenance == Provenance(source="theirs", source_id="7", licence="CC-BY-NC-4.0", url="u")
    assert (first.data_class, first.split) == (DataClass.NON_COMMERCIAL, Split.TRAIN)
    assert [image.image for image in second.images] == KEYS[:2]
    assert second.messages[0].text == "وازِن"
    assert [r.language.value for r in (first, second, third, fourth)] == ["en", "ar", "ar", "mixed"]
    assert fourth.messages[0] == Message.of("system", "Be brief.")


def test_a_sharegpt_file_of_somebody_elses(tmp_path: Path) -> None:
    rows = [
        {
            "conversations": [{"from": "system", "value": "s"}, *turns("<image>a", "b", "c <image>", "d")],
            "images": ["xray/a.png", {"path": "xray/c.png", "bytes": None}],
        },
        {"conversations": turns("a", "b", roles=("user", "assistant"))},
    ]
    first, second = read(written(tmp_path, rows), "sharegpt")
    assert [m.role for m in first.messages] == ["system", "user", "assistant", "user", "assistant"]
    assert [[i.image for i in m.images] for m in first.messages] == [[], [KEYS[0]], [], [KEYS[2]], []]
    assert second.messages[0].text == "a"


def data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "image",
    [
        {"type": "image", "path": "xray/a.png"},
        {"type": "image", "image": "xray/a.png", "text": None},
        {"type": "image", "url": "file://xray/a.png"},
        {"type": "image_url", "image_url": {"url": data_url(bytes([0]))}},
        {"type": "image"},
    ],
)
def test_messages_of_somebody_elses_name_images_in_many_ways(tmp_path: Path, image: dict[str, Any]) -> None:
    content = [image, {"type": "text", "text": "what does <image> mean?"}]
    row: dict[str, Any] = {
        "messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "A mark."}]
    }
    if image == {"type": "image"}:
        row["images"] = [{"path": "xray/a.png"}]
    (record,) = read(written(tmp_path, [row]), "messages")
    assert [i.image for i in record.images] == [KEYS[0]]
    assert record.messages[0].text == "what does <image> mean?"


def test_messages_whose_content_is_text(tmp_path: Path) -> None:
    def row(text: str, **more: Any) -> dict[str, Any]:
        return {
            "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "b"}],
            **more,
        }

    rows = [row("<image>a", images=["xray/b.png"]), row("what is <image>?")]
    first, second = read(written(tmp_path, rows), "messages")
    assert first.messages[0].content == (ImagePart(image=KEYS[1], name="xray/b.png"), TextPart(text="a"))
    assert second.messages[0].content == (TextPart(text="what is <image>?"),)


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"messages": list(messages), **more}


USER, BOT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}


WRONG_TURNS = [
    ([], "row 2 is not an object"),
    ({"conversations": []}, "row 2 has no 'conversations' with turns"),
    ({"messages": [USER]}, "row 2 has no 'conversations' with turns"),
    (talk("q", " \n"), r"row 2 turn 2 \(assistant\) is empty"),
    ({"conversations": [{"from": "human", "value": None}]}, r"row 2 turn 1 \(user\) is empty"),
    ({"conversations": ["q"]}, "row 2 turn 1 is not an object"),
    ({"conversations": turns("q", "a", roles=("human", "tool"))}, "row 2 turn 2 has the role 'tool'"),
    ({"conversations": turns("q", "a", roles=("gpt", "gpt"))}, "row 2: .*turn 1 is assistant"),
    (talk("q", bimedix2={"language": "fr"}), "row 2: 'bimedix2.language'"),
    (talk("q", "<image> a", "q"), "row 2 turn 2 has <image> number 1"),
    (talk("q", "<image>", image="xray/a.png"), "row 2: .*cannot send an image"),
    (talk("q", image="xray/a.png"), "row 2 has 1 images but 0 <image>"),
    (talk("q", "a", "<image>", images=["xray/a.png", "xray/b.png"]), "2 images but 1 <image> .*row 2 turn 3"),
    (talk("<image>", image="xray/z.png"), r"row 2: .*z\.png does not exist"),
    (talk("<image>", image="xray"), "row 2: .*xray does not exist"),
    (talk("<image>", image="../x.png"), "row 2 names an image outside"),
    (talk("<image>", image="/etc/passwd"), "row 2 names an image outside"),
    (talk("<image>", image="a\0b"), "row 2 names an image that cannot be"),
    (talk("<image>", image="n" * 9999), "row 2 names an image that cannot be"),
    (talk("<image>", image="https://x.org/a.png"), "row 2 names an image on the web"),
    (talk("<image>", image="data:image/png,xx"), "row 2 has a data: URL that is not"),
    (talk("<image>", image="data:image/png;base64,"), "row 2: an image of zero bytes"),
    (talk("<image>", image=3), r"row 2 has an image that is no path \(3\)"),
]
WRONG_MESSAGES = [
    (chat(USER, {"role": "tool", "content": "x"}), "row 2 turn 2 has the role 'tool'"),
    (chat({"role": "user", "content": []}), r"row 2 turn 1 \(user\) is empty"),
    (chat({"role": "user", "content": None}), r"row 2 turn 1 \(user\) is empty"),
    (chat({"role": "user", "content": {"a": 1}}), "row 2 turn 1 has a content that is neither"),
    (chat({"role": "user", "content": [{"type": "video"}]}), "row 2 turn 1 has a part of type 'video'"),
    (chat({"role": "user", "content": [{"type": "image"}]}), "row 2 turn 1 has an image part without"),
    (chat(USER, BOT, images=["xray/a.png"]), "row 2 turn 2 is the last, but 1 images"),
    (chat({"role": "user", "content": "<image> <image>"}, images=["xray/a.png"]), "turn 1 has more <image>"),
]


@pytest.mark.parametrize(
    ("form", "row", "said"),
    [("llava", *case) for case in WRONG_TURNS] + [("messages", *case) for case in WRONG_MESSAGES],
)
def test_a_wrong_row_is_named_by_file_row_and_turn(tmp_path: Path, form: str, row: Any, said: str) -> None:
    good = chat(USER, BOT) if form == "messages" else {"conversations": turns("q", "a")}
    for path in (written(tmp_path, [good, row]), tmp_path / "f.jsonl"):
        if path.suffix == ".jsonl":
            path.write_text("".join(json.dumps(r) + "\n" for r in (good, row)))
        with pytest.raises(DataError, match=said) as caught:
            read(path, form)
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_zero_byte_image_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, [{"image": "xray/z.png", "conversations": turns("<image>", "a")}])
    (tmp_path / "xray" / "z.png").touch()
    with pytest.raises(ImageError, match=r"row 1: .*z\.png is empty \(zero bytes\)"):
        read(path, "llava")


def test_files_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    row = {"conversations": turns("سؤال", "جواب")}
    path = written(tmp_path, row)  # JSON Lines under a name that says JSON
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\n")
    assert len(read(path, "llava")) == 1
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([row, row]).encode())
    assert len(read(path, "llava")) == 2
    path.write_text('"words"')
    with pytest.raises(DataError, match=r"f\.json must be a list of rows"):
        read(path, "llava")
    path.write_text('[{"conversations": 1},')
    with pytest.raises(DataError, match=r"f\.json is not JSON at line 1"):
        read(path, "llava")
    with pytest.raises(ConfigError, match="'llama' is no format; choose one of llava, sharegpt, messages"):
        read(path, "llama")
    with pytest.raises(DataError, match="does not exist"):
        read(tmp_path / "none.json", "llava")


def test_an_own_row_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, [FORMATS["llava"].write(one("q"), str)] * 2)
    with pytest.raises(DataError, match="row 2 has the id '1' of an earlier row"):
        read(path, "llava")


def test_images_are_linked_or_copied_and_a_missing_one_stops_the_file(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "store")
    record = one(ImagePart(image=store.add(b"\0"), name="scan.NII.GZ"), "q")
    for link, links in ((False, 1), (True, 2)):
        write_file(tmp_path / str(link) / "f.json", [record], "llava", store, link=link)
        (file,) = (p for p in (tmp_path / str(link) / "images").rglob("*") if p.is_file())
        assert (file.name, file.stat().st_nlink) == (f"{KEYS[0]}.nii.gz", links)
    with pytest.raises(ImageError, match="is not in"):
        write_file(tmp_path / "g" / "f.json", [record], "llava", ImageStore(tmp_path / "no"))
    assert not (tmp_path / "g" / "f.json").exists()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["<image>", "user", "human"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["conversations", "messages", "from", "value", "role", "content", "type", "image", "images",
             "text", "id", "system", "bimedix2", "path", "url"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@pytest.mark.parametrize("name", names)
@settings(max_examples=300)
@given(row=json_values)
def test_any_json_is_a_record_or_one_sentence(name: str, row: Any) -> None:
    said = ""
    try:
        assert FORMATS[name].read(row, "f row 1", "n", by_any_name, ORIGIN).messages
    except BiMediX2Error as error:
        said = str(error)
    assert not said or said.startswith("f row 1")
    assert "\n" not in said


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_file_of_rows_is_whole_or_not_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "out" / f"rows{suffix}"
    path.parent.mkdir()
    path.write_text("what was there")

    def broken() -> None:
        with RowFile(path) as file:
            file.add({"a": 1})
            file.add(float("nan"))

    with pytest.raises(ValueError, match="not JSON compliant"):
        broken()
    assert [(one.name, one.read_text()) for one in path.parent.iterdir()] == [(path.name, "what was there")]
    for rows in ([], [1], ["س", {"a": [None]}]):
        with RowFile(path) as file:
            for row in rows:
                file.add(row)
        assert file.count == len(rows)
        text = path.read_text(encoding="utf-8")
        assert (json.loads(text) if suffix == ".json" else [json.loads(x) for x in text.splitlines()]) == rows
        assert [one.name for one in path.parent.iterdir()] == [path.name]
