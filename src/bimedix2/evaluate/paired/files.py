"""Twins of two benchmark files, one a language, joined by id.

Two kinds of file: BiMed-MBench's layout (free answers, a judge scores them), and questions with options as
``python -m bimedix2.evaluate.clinical`` writes them (PubMedQA, MMLU, MedMCQA, MedQA, USMLE), whose twins
stand under the same ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Literal

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.evaluate.clinical.tables import Table, letter, number, table, text, texts
from bimedix2.evaluate.grade import Expected
from bimedix2.evaluate.mbench.load import Benchmark, Item, check_images, compare, load
from bimedix2.evaluate.paired.pairs import Found, Twins
from bimedix2.evaluate.task import AS_IT_IS, Sample
from bimedix2.language.concepts import Tongue
from bimedix2.records import (
    DataClass,
    ImagePart,
    Language,
    Message,
    Part,
    Provenance,
    Record,
    Split,
    TextPart,
)
from bimedix2.records.images import ImageStore

Way = Literal["answer", "likelihood"]
WORDS: dict[Tongue, dict[str, str]] = {
    "en": {"yes": "yes", "no": "no", "maybe": "maybe"},
    "ar": {"yes": "نعم", "no": "لا", "maybe": "ربما"},
}
ASKED: dict[Tongue, dict[str, str]] = {
    "en": {
        "abstract": "Abstract: {context}\nQuestion: {question}",
        "words": "Answer yes, no or maybe.",
        "letters": "Answer with the letter of the right option.",
    },
    "ar": {
        "abstract": "الملخص: {context}\nالسؤال: {question}",
        "words": "أجب بنعم أو لا أو ربما.",
        "letters": "أجب بحرف الخيار الصحيح.",
    },
}
"""How questions with options are put; letters are Latin in both languages, as in the benchmarks' twins."""
IDS = ("pubid", "id", "sample_id")


def mbench(path: Path) -> bool:
    """Whether a file is of BiMed-MBench's layout; its English form is no JSON Lines.

    Raises:
        DataError: there is no such file.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return "gpt4_answer" in file.read(1 << 20)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path") from error


def of_mbench(english: Path, arabic: Path, images: Path, store: ImageStore) -> tuple[Found, dict[str, Any]]:
    """Pair two files of BiMed-MBench; also what was odd about them.

    Raises:
        DataError: a file is broken, or no id is in both.
        ImageError: pictures are missing.
    """
    files = load(english, "en"), load(arabic, "ar")
    differ = compare(*files)
    wrong = {number: reason for reason, numbers in differ.items() for number in numbers}
    found = Found(left=[(str(number), reason, None) for number, reason in sorted(wrong.items())])
    both = sorted(number for number in files[0].items.keys() & files[1].items.keys() if number not in wrong)
    if not both:
        raise DataError(f"{english} and {arabic} have no question in common; check that they are twins")
    check_images([files[0].items[number] for number in both], images)
    for one in both:
        item = files[0].items[one]
        sides = _open(files[0], one, images, store), _open(files[1], one, images, store)
        found.twins.append(Twins(str(one), "file", item.image, True, item.type, *sides, graded=False))
    return found, {"en": files[0].counts(), "ar": files[1].counts()}


def _open(file: Benchmark, number: int, images: Path, store: ImageStore) -> Sample:
    item: Item = file.items[number]
    picture = ImagePart(image=store.add_file(images / item.image), name=item.image)
    record = _record(
        str(number), item.language, [picture, TextPart(text=item.question)], item.reference, item.image
    )
    wanted = Expected(item.type, item.language, item.reference)
    return Sample(record, AS_IT_IS, record.messages[:-1], expected=wanted)


def _record(name: str, tongue: Tongue, parts: Sequence[Part], reference: str, subject: str) -> Record:
    return Record(
        id=f"{tongue}/{name}",
        messages=(Message(role="user", content=tuple(parts)), Message.of("assistant", reference)),
        language=Language(tongue),
        task="conversation" if parts and isinstance(parts[0], ImagePart) else "mcq",
        split=Split.TEST,
        data_class=DataClass.NON_COMMERCIAL,
        provenance=Provenance(source="benchmark file", source_id=name, subject=subject),
    )


@dataclass(frozen=True)
class Choice:
    """A question with its options; ``answer`` is the place of the right one."""

    id: str
    question: str
    options: tuple[str, ...]
    answer: int
    lettered: bool
    """Options are listed under letters; else they are words to answer with."""
    named: bool = True
    """The file has an id for it; else it is known by its row's number alone."""


def of_choices(english: Path, arabic: Path, way: Way) -> Found:
    """Pair two files of questions with options.

    Args:
        english: a file that the clinical converter wrote, or one like it.
        arabic: its twin, under the same ids.
        way: whether the model writes its answer or the options' likelihoods are compared.

    Raises:
        DataError: a row is of no known layout, an id is there twice, or no id is in both files.
    """
    sides = {"en": _choices(english, "en"), "ar": _choices(arabic, "ar")}
    found = Found()
    for tongue, other, name in (("en", "ar", "Arabic"), ("ar", "en", "English")):
        missing = sorted(sides[tongue].keys() - sides[other].keys())
        found.left += [(one, f"not in the {name} file", None) for one in missing]
    for one in sorted(sides["en"].keys() & sides["ar"].keys()):
        pair = sides["en"][one], sides["ar"][one]
        if pair[0].answer != pair[1].answer or len(pair[0].options) != len(pair[1].options):
            found.left.append((one, "other options, or another right answer, in the other language", None))
            continue
        samples = (_sample(pair[0], "en", way), _sample(pair[1], "ar", way))
        rule = "id" if pair[0].named and pair[1].named else "row number, for want of ids"
        found.twins.append(Twins(one, rule, one, True, "options", *samples))
    if not found.twins:
        raise DataError(f"{english} and {arabic} have no question in common; give twins under the same ids")
    return found


def _choices(path: Path, tongue: Tongue) -> dict[str, Choice]:
    out: dict[str, Choice] = {}
    for one in _read(path, tongue):
        if one.id in out:
            raise DataError(f"{path}: question '{one.id}' is there twice; remove one")
        out[one.id] = one
    if not out:
        raise DataError(f"{path} holds no question; convert its benchmark again")
    return out


def _read(path: Path, tongue: Tongue) -> Iterator[Choice]:
    for row in table(path):
        own = next((str(row.value[key]) for key in IDS if row.value.get(key) is not None), None)
        yield replace(_one(row, own or str(row.number), tongue), named=own is not None)


def _one(row: Table, name: str, tongue: Tongue) -> Choice:
    value = row.value
    if "final_decision" in value:
        return _pubmedqa(row, name, tongue)
    elif "choices" in value:
        return Choice(name, text(row, "question"), *_options(row, texts(row, "choices"), "answer"), True)
    elif "cop" in value:
        four = [text(row, key, blank=True) for key in ("opa", "opb", "opc", "opd")]
        return Choice(name, text(row, "question"), *_options(row, four, "cop"), True)
    elif "sent1" in value:
        four = [text(row, f"ending{place}", blank=True) for place in range(4)]
        return Choice(name, text(row, "sent1"), *_options(row, four, "label"), True)
    elif "options" in value:
        return Choice(name, text(row, "question"), *_options(row, texts(row, "options"), "answer"), True)
    elif "option_a" in value:
        four = [text(row, f"option_{one}", blank=True) for one in "abcd"]
        place = letter(row, text(row, "answer"), 4)
        return Choice(name, text(row, "question"), tuple(four), place, True)
    else:
        raise DataError(
            f"{row.where} is no question with options that this knows, nor one of BiMed-MBench; "
            "write the file with python -m bimedix2.evaluate.clinical"
        )


def _options(row: Table, options: list[str], field: str) -> tuple[tuple[str, ...], int]:
    return tuple(options), number(row, field, 0, len(options) - 1)


def _pubmedqa(row: Table, name: str, tongue: Tongue) -> Choice:
    right = text(row, "final_decision")
    if right not in WORDS["en"]:
        raise DataError(f"{row.where}: 'final_decision' is '{right}', not yes, no or maybe; correct that row")
    context = "\n".join(texts(row, "CONTEXTS"))
    question = ASKED[tongue]["abstract"].format(context=context, question=text(row, "QUESTION"))
    return Choice(name, question, tuple(WORDS[tongue].values()), list(WORDS["en"]).index(right), False)


def _sample(one: Choice, tongue: Tongue, way: Way) -> Sample:
    if one.lettered:
        letters = ascii_uppercase[: len(one.options)]
        listed = "\n".join(f"{key}. {option}" for key, option in zip(letters, one.options, strict=True))
        words, choices, how = f"{one.question}\n{listed}", tuple(letters), "letters"
    else:
        words, choices, how = one.question, one.options, "words"
    right = choices[one.answer]
    record = _record(
        one.id,
        tongue,
        [TextPart(text=f"{words}\n{ASKED[tongue][how]}")],
        one.options[one.answer] or right,
        one.id,
    )
    return Sample(
        record,
        AS_IT_IS,
        record.messages[:-1],
        choices if way == "likelihood" else (),
        Expected("options", tongue, right),
        {"choices": list(choices), "lettered": one.lettered},
    )


def words_hash() -> str:
    """Hash of the words in which questions with options are put: part of the signature."""
    return io.sha256_bytes(io.canonical_json([ASKED, WORDS]).encode())
