"""Balanced statements about pictures: what is true of one, how answers are read, POPE's numbers by hand."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config, evaluate, io
from bimedix2.errors import DataError, RunError
from bimedix2.evaluate.probes import labels
from bimedix2.evaluate.probes.build import FORMS, Drawing, build, false_of, question
from bimedix2.evaluate.probes.reading import read
from bimedix2.evaluate.probes.scores import Plan, negation, rates
from bimedix2.evaluate.signature import Subject
from bimedix2.language.concepts import concepts, studies
from bimedix2.llm.backend import Reply, Request
from bimedix2.manifest import RunFolder, read_manifest, verify
from bimedix2.records import ImagePart, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records
from bimedix2.stats.exact import clopper_pearson

SHOWN = [("radiograph", "chest"), ("radiograph", "chest"), ("ct", "chest"), *[("mri", "brain")] * 3]
"""Modality and region of the labelled pictures, by their number."""


def shows(number: int, image: str, expect: dict[str, str], **more: Any) -> Record:
    """A record whose curated question says what its picture is."""
    given: dict[str, Any] = {
        "id": f"r/{number}",
        "messages": (Message.of("user", ImagePart(image=image), "What?"), Message.of("assistant", "That.")),
        "language": "en",
        "task": "vqa",
        "split": Split.TEST,
        "provenance": Provenance(source="seen", subject=f"patient-{number}"),
        "meta": {"expect": expect},
    }
    return Record.model_validate({**given, **more})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six labelled pictures, one whose records disagree, one without a label, a record of two pictures."""
    with RunFolder(tmp_path / "data", "dataset", {}) as out:
        store = ImageStore(out.path / "images")
        keys = [store.add(f"picture {n}".encode()) for n in range(9)]
        rows = [shows(n, keys[n], {"modality": m, "region": r}) for n, (m, r) in enumerate(SHOWN)]
        rows.append(shows(6, keys[6], {"modality": "ct"}))
        rows.append(shows(7, keys[6], {"modality": "mri"}))
        rows.append(shows(8, keys[7], {"unreadable": "blank"}))
        two = Message.of("user", ImagePart(image=keys[0]), ImagePart(image=keys[8]), "Both?")
        rows.append(shows(9, keys[0], {}, messages=(two, Message.of("assistant", "No."))))
        rows.append(shows(10, keys[8], {"modality": "pet"}, split=Split.TRAIN))
        write_records(out.path, rows)
        return out.publish({})


Recipe = Callable[..., evaluate.Config]


@pytest.fixture
def recipe(data: Path, tmp_path: Path) -> Recipe:
    def make(output: str = "scores", **changes: Any) -> evaluate.Config:
        own = {k: v for k, v in changes.items() if not k.startswith("_")}
        room = {k[1:]: v for k, v in changes.items() if k.startswith("_")}
        given = {"output": str(tmp_path / output), "resamples": 200, "probes": {"data": [str(data)], **own}}
        return config.build(evaluate.Config, given | room)

    return make


IMAGED = {study.modality for study in studies()}
MEANS = {
    question(kind, value, form, language): (kind, value, form)
    for kind in labels.KINDS
    for value in concepts(kind)
    if kind == "region" or value in IMAGED
    for form in FORMS
    for language in ("en", "ar")
}
"""The words of a probe -> what it states."""


class Looking:
    """Answers by rule: whether the statement is right, and how that is said."""

    name = "looking@1"

    def __init__(self, rule: Callable[[bool], str]) -> None:
        self.rule = rule
        self.asked = 0
        keys = [io.sha256_bytes(f"picture {n}".encode()) for n in range(len(SHOWN))]
        self.shown = {
            key: dict(zip(labels.KINDS, one, strict=True)) for key, one in zip(keys, SHOWN, strict=True)
        }

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        self.asked += len(requests)
        out = []
        for request in requests:
            turn = request.messages[-1]
            kind, value, form = MEANS[turn.text.strip()]
            is_so = self.shown[turn.images[0].image][kind] == value
            out.append(Reply(self.rule(is_so == (form == "is")), self.name, "stop", 5, 3))
        return out


def run(recipe: evaluate.Config, rule: Callable[[bool], str]) -> Path:
    return evaluate.run(recipe, lambda *_: Subject(Looking(rule), "weights", "template"))  # type: ignore[arg-type]


def test_a_model_that_looks_is_right_on_everything(recipe: Recipe) -> None:
    folder = run(recipe(), lambda right: "Yes, it is." if right else "No.")
    verify(folder)
    found = io.read_json(folder / "scores.json")
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    assert list(found["languages"]) == ["en", "ar"]
    low, high = clopper_pearson(6, 6)
    for one in found["languages"].values():
        for strategy in ("random", "popular", "adversarial"):
            rate = one["strategies"][strategy]
            assert (rate["n"], rate["right_statements"], rate["images"]) == (24, 12, 6)
            assert rate["accuracy"] == {"value": 1.0, "low": low, "high": high}
            assert rate["yes_rate"]["value"] == 0.5
        assert one["modalities"].keys() == {"ct", "mri", "radiograph"}
        assert one["modalities"]["mri"]["n"] == 12
        assert one["kinds"]["region"]["n"] == 12
        assert one["negation"]["pairs"] == 24
        assert one["negation"]["both_right"]["value"] == one["negation"]["consistent"]["value"] == 1.0
    assert found["partial"] == []
    assert all(row["right"] for row in rows)
    assert Counter(row["gold"] for row in rows if row["drawn_by"] == ["true"]) == {"yes": 24, "no": 24}
    assert len({row["id"] for row in rows}) == len(rows)
    assert evaluate.replay(folder) == ["scores.json", "scores.md"]
    assert "6 of 6 labelled pictures" in (folder / "scores.md").read_text(encoding="utf-8")


def test_a_model_that_always_says_yes_is_told_by_its_rate_and_by_the_denials(recipe: Recipe) -> None:
    folder = run(recipe(strategies=["adversarial"], languages=["ar"]), lambda _: "نعم.")
    one = io.read_json(folder / "scores.json")["languages"]["ar"]
    found = one["strategies"]["adversarial"]
    rate = {key: found[key]["value"] for key in ("accuracy", "yes_rate", "precision", "recall", "F1")}
    assert rate == {
        "accuracy": 0.5,
        "yes_rate": 1.0,
        "precision": 0.5,
        "recall": 1.0,
        "F1": pytest.approx(2 / 3),
    }
    denied = one["negation"]
    assert (denied["yes_to_both"], denied["no_to_both"], denied["unread"]) == (24, 0, 0)
    assert denied["both_right"]["value"] == denied["consistent"]["value"] == 0.0
    # Each picture has as many statements that are right as denials that are: its difference is 0.
    assert denied["mcnemar"] == {"is_only": 12, "is_not_only": 12, "p": 1.0}


def test_two_models_are_compared_on_the_same_statements_with_mcnemars_test(
    recipe: Recipe, tmp_path: Path
) -> None:
    first = run(recipe("first"), lambda right: "yes" if right else "no")
    second = run(recipe("second"), lambda _: "I cannot tell.")
    compare = {"compare": {"folders": [str(first), str(second)]}, "output": str(tmp_path / "compared")}
    done = evaluate.run(config.build(evaluate.Config, {**compare, "resamples": 200}))
    tasks = io.read_json(done / "scores.json")["tasks"]
    assert all(one["first"] == 1.0 and one["second"] == 0.0 for one in tasks.values())
    assert all(one["mcnemar"]["first only"] == one["n"] for one in tasks.values())


def test_a_killed_run_and_a_look(recipe: Recipe) -> None:
    whole = run(recipe("whole"), lambda right: "yes" if right else "no")
    silent = Looking(lambda _: pytest.fail("asked again"))
    again = evaluate.run(
        recipe("again", _reuse=str(whole)),
        lambda *_: Subject(silent, "weights", "template"),  # type: ignore[arg-type]
    )
    assert io.read_json(again / "scores.json") == io.read_json(whole / "scores.json")
    look = run(recipe("look", _limit=3), lambda right: "yes" if right else "no")
    first = (look / "scores.md").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("**Partial: 3 of 6 pictures drawn.")
    shown = {row["modality"] for _, row in io.read_jsonl(look / "answers.jsonl")}
    assert shown == {"ct", "mri", "radiograph"}  # one of each in turn


def test_labels_are_certain_or_there_is_none(data: Path) -> None:
    found, _ = labels.read([data], Split.TEST, labels.KINDS)
    assert sorted(tuple(p.labels.values()) for p in found.pictures) == sorted(SHOWN)
    assert found.left_out == {labels.NOT_ONE: 1, labels.DISAGREE: 1, labels.NO_LABEL: 1}
    assert {(name, reason) for name, reason, _ in found.removed} == {
        ("r/9", labels.NOT_ONE),
        ("r/6", labels.DISAGREE),
        ("r/8", labels.NO_LABEL),
    }
    with pytest.raises(
        DataError, match="no picture of split 'validation' whose modality or region is certain"
    ):
        labels.read([data], Split.VALIDATION, labels.KINDS)


def test_a_picture_is_as_guarded_as_its_most_guarded_record(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "two", "dataset", {}) as out:
        key = ImageStore(out.path / "images").add(b"picture")
        label = {"modality": "ct"}
        rows = [shows(1, key, label), shows(2, key, label, data_class="credentialed"), shows(3, key, label)]
        write_records(out.path, rows)
        folder = out.publish({})
    (picture,) = labels.read([folder], Split.TEST, ["modality"])[0].pictures
    assert picture.record.data_class == "credentialed"


def test_what_slake_says_of_a_picture_is_a_label() -> None:
    published = {"modality": "X-Ray", "location": "Lung"}
    record = shows(1, "0" * 64, {}, meta={"published": published}, provenance=Provenance(source="slake"))
    assert labels.stated(record) == {"modality": "radiograph", "region": "chest"}
    unknown = {"modality": "CT", "location": "Abdomen"}  # a slice of the liver shows no pelvis
    assert labels.stated(record.model_copy(update={"meta": {"published": unknown}})) == {"modality": "ct"}


def test_every_word_of_the_tables_is_a_concept() -> None:
    table = labels.words()
    for source in table["published"].values():
        for kind, values in source.items():
            assert set(values.values()) <= concepts(kind).keys()
    for group in table["alike"]["modality"]:
        assert set(group) <= concepts("modality").keys()
    assert set(table["never_denied"]["region"]) <= concepts("region").keys()


def test_what_is_false_of_a_picture_is_certainly_false() -> None:
    assert "mammography" not in false_of("modality", "radiograph")
    assert not {"pet", "nuclear"} & set(false_of("modality", "ct"))
    chest = false_of("region", "chest")
    assert "brain" in chest
    assert not {"lung", "heart", "breast", "trunk", "whole_body", "shoulder", "skin", "blood", "bone"} & set(
        chest
    )


def test_strategies_draw_as_pope_does(data: Path) -> None:
    """Pictures: two chest radiographs, a chest CT, three brain MRIs."""
    found, _ = labels.read([data], Split.TEST, labels.KINDS)
    drawing = Drawing(found.pictures, 0)
    drawn = {
        (picture.modality, strategy): drawing.false(picture, "modality", strategy)  # type: ignore[arg-type]
        for picture in found.pictures
        for strategy in ("popular", "adversarial")
    }
    assert drawn == {
        ("radiograph", "popular"): "mri",
        ("radiograph", "adversarial"): "ct",  # the chest is imaged so too
        ("ct", "popular"): "mri",
        ("ct", "adversarial"): "radiograph",
        ("mri", "popular"): "radiograph",
        ("mri", "adversarial"): "radiograph",  # nothing else shows a brain: the most frequent
    }
    probes = build(found.pictures, drawing, labels.KINDS, ["random", "adversarial"], ["en"], negated=False)
    for strategy in ("random", "adversarial"):
        own = [one for one in probes if one.drawn_by == ("true",) or strategy in one.drawn_by]
        assert Counter(one.gold for one in own) == {"yes": 12, "no": 12}


def test_the_words_of_a_probe() -> None:
    assert question("modality", "ct", "is", "en") == (
        "Statement: This image is a CT scan.\nIs this statement about the image correct? Answer yes or no."
    )
    assert question("modality", "ct", "is_not", "ar") == (
        "العبارة: هذه ليست صورة مقطعية محوسبة.\nهل هذه العبارة عن الصورة صحيحة؟ أجب بنعم أو لا."
    )
    assert "The part of the body imaged here is not the chest." in question("region", "chest", "is_not", "en")
    assert "الجزء المصوَّر من الجسم هنا هو الصدر." in question("region", "chest", "is", "ar")


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        ("Yes.", "yes"),
        ("No, this is not a CT scan.", "no"),
        ("نعم، هذه ليست صورة مقطعية.", "yes"),
        ("لا.", "no"),
        ("The statement is correct.", "yes"),
        ("The statement is not correct.", "no"),
        ("This is incorrect.", "no"),
        ("العبارة صحيحة.", "yes"),
        ("العبارة غير صحيحة.", "no"),
        ("هذه العبارة خاطئة.", "no"),
        ("This is a chest radiograph, no.", "no"),
        ("هذه صورة مقطعية، نعم.", "yes"),
        ("It is true that it is wrong.", "both"),
        ("There is no fracture.", ""),
        ("", ""),
    ],
)
def test_an_answer_is_read_and_never_guessed(answer: str, reading: str) -> None:
    for form in FORMS:
        found = read(answer, "modality", "ct", form)
        assert (found.said, found.naming) == (reading, False)


@pytest.mark.parametrize(
    ("answer", "kind", "value", "is_so"),
    [
        ("This is a chest CT.", "modality", "ct", True),
        ("This is a chest radiograph.", "modality", "ct", False),
        ("This is a fundus photograph, not a radiograph.", "modality", "radiograph", False),
        ("هذه صورة رنين مغناطيسي للدماغ، وليست صورة أشعة سينية.", "modality", "radiograph", False),
        ("هذه صورة رنين مغناطيسي للدماغ.", "modality", "mri", True),
        ("This is a mammogram.", "modality", "radiograph", None),  # which is a radiograph too
        ("This image shows the retina, not the chest.", "region", "chest", False),
        ("This image shows the lung.", "region", "chest", None),
        ("This is only noise.", "modality", "ct", None),
    ],
)
def test_a_sentence_in_the_place_of_a_yes_is_read_by_what_it_names(
    answer: str, kind: str, value: str, is_so: bool | None
) -> None:
    for form in FORMS:
        found = read(answer, kind, value, form)
        wanted = "" if is_so is None else "yes" if is_so == (form == "is") else "no"
        assert (found.said, found.naming) == (wanted, is_so is not None)


def test_what_an_answer_affirms_and_denies_at_once_is_both() -> None:
    answer = "هذه صورة أشعة سينية للصدر، وليست صورة أشعة سينية."
    assert read(answer, "modality", "radiograph", "is").said == "both"


def rows(*given: tuple[str, str, str], form: str = "is") -> list[dict[str, Any]]:
    """Gold, what was said, and the picture."""
    return [
        {
            "gold": gold,
            "said": reading,
            "right": gold == reading,
            "image": image,
            "pair": str(n),
            "form": form,
        }
        for n, (gold, reading, image) in enumerate(given)
    ]


EIGHT = [("yes", "yes", "a"), ("yes", "yes", "a"), ("yes", "no", "b"), ("yes", "", "b"),
         ("no", "yes", "a"), ("no", "no", "c"), ("no", "no", "c"), ("no", "no", "c")]  # fmt: skip


def test_popes_numbers_by_hand() -> None:
    """Of 8: 5 right, 7 read, 3 say yes, 2 of these of the 4 right statements."""
    found = rates(rows(*EIGHT), "x", Plan(500, 0))
    assert {key: found[key] for key in ("n", "images", "right_statements", "unread")} == {
        "n": 8,
        "images": 3,
        "right_statements": 4,
        "unread": 1,
    }
    values = {key: found[key]["value"] for key in ("accuracy", "yes_rate", "precision", "recall", "F1")}
    assert values == {
        "accuracy": 5 / 8,
        "yes_rate": pytest.approx(3 / 7),
        "precision": pytest.approx(2 / 3),
        "recall": 0.5,
        "F1": pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5)),
    }
    assert (found["accuracy"]["low"], found["accuracy"]["high"]) == (0.0, 1.0)  # b alone, or c alone
    nothing = rates(rows(("no", "no", "a")), "x", Plan(100, 0))
    assert nothing["precision"] == {"value": None, "low": None, "high": None}


def test_pairs_of_a_statement_and_its_denial_by_hand() -> None:
    """Both right; yes to both; no to both; one not read; consistent and wrong. On five pictures."""
    plain = rows(*[("yes", s, f"p{n}") for n, s in enumerate(["yes", "yes", "no", "yes", "no"])])
    denied = rows(*[("no", s, f"p{n}") for n, s in enumerate(["no", "yes", "no", "", "yes"])], form="is_not")
    found = negation([*plain, *denied], "en", Plan(200, 0))
    assert found["pairs"] == 5
    assert found["both_right"]["value"] == 0.2
    assert found["consistent"]["value"] == 0.4
    assert (found["yes_to_both"], found["no_to_both"], found["unread"]) == (1, 1, 1)
    assert (found["accuracy_is"], found["accuracy_is_not"]) == (0.6, 0.4)
    # "is" alone right on p1 and p3, "is not" alone on p2: of three fair coins at least two alike, always.
    assert found["mcnemar"] == {"is_only": 2, "is_not_only": 1, "p": 1.0}


def test_a_changed_reading_is_found_by_replay(recipe: Recipe) -> None:
    folder = run(recipe(pictures=2, negated=False), lambda right: "yes" if right else "no")
    assert io.read_json(folder / "scores.json")["languages"]["en"]["negation"] == {"pairs": 0}
    assert read_manifest(folder)["counts"]["kept"] == len((folder / "answers.jsonl").read_text().splitlines())
    path = folder / "answers.jsonl"
    path.chmod(0o644)
    path.write_text(
        path.read_text(encoding="utf-8").replace('"said": "yes"', '"said": "no"', 1), encoding="utf-8"
    )
    with pytest.raises(RunError, match="it was read as 'no', here as 'yes'"):
        evaluate.replay(folder)
