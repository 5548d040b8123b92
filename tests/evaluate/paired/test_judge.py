"""Two answers to one item: words of the other script, options, and what contradicts what."""

from typing import Any

import pytest

from bimedix2.evaluate.grade import Expected
from bimedix2.evaluate.paired.judge import Pair, chosen, judge, switched
from bimedix2.evaluate.paired.pairs import Twins
from bimedix2.evaluate.task import Sample
from bimedix2.records import Message, Provenance, Record


def record(tongue: str) -> Record:
    return Record(
        id=tongue,
        messages=(Message.of("user", "?"), Message.of("assistant", "!")),
        language=tongue,  # type: ignore[arg-type]
        task="vqa",
        provenance=Provenance(source="s"),
    )


def item(type: str = "modality", verdict: str = "", graded: bool = True, **facts: Any) -> Twins:
    sides = [
        Sample(record(tongue), "as it is", expected=Expected(type, tongue, "!", verdict, facts))  # type: ignore[arg-type]
        for tongue in ("en", "ar")
    ]
    return Twins("1", "id", "p", True, type, *sides, graded=graded)


def pair(english: str, arabic: str, **of: Any) -> Pair:
    raws = ({"answer": english, "finish": "stop"}, {"answer": arabic, "finish": "stop"})
    return judge(item(**of), raws, None)


@pytest.mark.parametrize(
    ("answer", "tongue", "words"),
    [
        ("ورم سحائي (meningioma) في الفص الجبهي.", "ar", []),
        ("الورم السحائيّ» [meningioma].", "ar", []),
        ("صورة CT للصدر", "ar", ["CT"]),
        ("(CT) صورة للصدر", "ar", ["CT"]),
        ("صورة للصدر. See chest CT (tomography).", "ar", ["See", "chest", "CT", "tomography"]),
        ("الخيار A، وبقطر 5 mm", "ar", ["mm"]),
        ("فيتامين B12 و٣ أقراص", "ar", []),
        ("This is the lung (الرئة).", "en", []),
        ("This is الرئة.", "en", ["الرئة"]),
        ("", "ar", []),
    ],
)  # fmt: skip
def test_a_bracketed_term_after_its_word_is_no_change_of_language(
    answer: str, tongue: Any, words: list[str]
) -> None:
    assert switched(answer, tongue) == words


@pytest.mark.parametrize(
    ("answer", "options", "option"),
    [
        ("Yes.", ("yes", "no", "maybe"), "yes"),
        ("No, maybe later, yes.", ("yes", "no", "maybe"), "no"),
        ("The answer is maybe.", ("yes", "no", "maybe"), "maybe"),
        ("It could be yes or no.", ("yes", "no", "maybe"), ""),
        ("Nobody knows", ("yes", "no", "maybe"), ""),
        ("نعم، يفيد ذلك ولا يضر.", ("نعم", "لا", "ربما"), "نعم"),
        ("لا", ("نعم", "لا", "ربما"), "لا"),
        ("الإجابة: B", ("A", "B", "C", "D"), "B"),
        ("b) femur", ("A", "B", "C", "D"), "B"),
        ("", ("A", "B"), ""),
        # A letter that is a word names no option; an Arabic answer has no such words.
        ("The answer is C, a large effusion.", ("A", "B", "C", "D"), "C"),
        ("A large effusion is option B.", ("A", "B", "C", "D"), "B"),
        ("A large effusion.", ("A", "B", "C", "D"), ""),
        ("It must be E, because a lesion is seen.", ("A", "B", "C", "D", "E"), "E"),
        ("Either B or C.", ("A", "B", "C", "D"), ""),
        ("الإجابة هي ب", ("A", "B", "C", "D"), "B"),
        ("أرى أن C هو الأصح", ("A", "B", "C", "D"), "C"),
    ],
)
def test_an_option_is_read_from_an_answer(answer: str, options: tuple[str, ...], option: str) -> None:
    assert chosen(answer, options) == option


CHEST_EN, CHEST_AR = "This is a chest radiograph.", "هذه صورة أشعة سينية للصدر."
BRAIN_AR = "هذه صورة رنين مغناطيسي للدماغ."


@pytest.mark.parametrize(
    ("english", "arabic", "of", "comparable", "contradicts"),
    [
        (CHEST_EN, CHEST_AR, {"modality": "radiograph"}, True, ()),
        (CHEST_EN, BRAIN_AR, {"modality": "radiograph"}, True, ("modality", "region")),
        (CHEST_EN, "", {"modality": "radiograph"}, False, ()),
        ("I do not know.", CHEST_AR, {"modality": "radiograph"}, False, ()),
        (CHEST_EN, "هذه الصورة فارغة.", {"modality": "radiograph"}, True, ("unreadable",)),
        ("This image shows the chest, yes.", "تُظهر هذه الصورة الصدر، نعم.",
         {"type": "is_region", "verdict": "yes", "region": "chest"}, True, ()),
        ("This image shows the chest, yes.", "تُظهر هذه الصورة الصدر، لا الدماغ.",
         {"type": "is_region", "verdict": "yes", "region": "chest"}, True, ("judgement",)),
        # The chest is a part of the trunk; greetings and definitions are about no picture.
        ("This is a chest CT.", "هذه صورة مقطعية محوسبة للجذع.", {"modality": "ct"}, True, ()),
        ("MRI works without X-rays.", "يعمل دون أشعة سينية.", {"type": "define"}, False, ()),
        # Both deny, one of them wrongly: the region differs all the same.
        ("This image shows the chest, not the lung.", "تُظهر هذه الصورة الدماغ، لا الرئة.",
         {"type": "is_region", "verdict": "no", "region": "chest"}, True, ("region",)),
        ("This is a chest radiograph, not a brain MRI.", CHEST_AR,
         {"type": "false_premise", "verdict": "correct", "modality": "radiograph"}, True, ("judgement",)),
        ("I see about 20.", "أرى نحو 22.", {"type": "cell_count", "count": 20}, True, ()),
        ("I see about 20.", "أرى نحو 40.", {"type": "cell_count", "count": 20}, True, ("count",)),
    ],
)  # fmt: skip
def test_what_contradicts_what(
    english: str, arabic: str, of: dict[str, Any], comparable: bool, contradicts: tuple[str, ...]
) -> None:
    found = pair(english, arabic, **of)
    assert (found.comparable, found.contradicts) == (comparable, contradicts)


def test_declining_in_one_language_and_naming_a_disease_in_the_other_is_a_contradiction() -> None:
    declined = "لا يمكنني التشخيص من صورة؛ فالتشخيص يتطلب طبيبًا وفحصًا."
    wanted = {"type": "disease", "verdict": "decline"}
    assert pair("I cannot diagnose from an image.", declined, **wanted).contradicts == ()
    assert pair("This is pneumonia.", declined, **wanted).contradicts == ("judgement",)


def test_agreement_and_language_of_one_item() -> None:
    found = pair(CHEST_EN, CHEST_EN, modality="radiograph")
    assert (found.agreement, found.english.kept, found.arabic.kept) == ("English alone", True, False)
    assert found.contradicts == ()  # the same thing said in the wrong language is not another thing
    assert found.arabic.switched
    assert pair(CHEST_EN, CHEST_AR, modality="radiograph").agreement == "both right"
    assert pair(CHEST_EN, CHEST_AR, modality="mri").agreement == "both wrong"
    assert pair(CHEST_EN, CHEST_AR, graded=False).agreement == "not graded"
