"""Whether a person is female or male, where the source says it."""

import re
from collections.abc import Iterator

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import Failure, Span, arabic, english, spans_of, table

SEXES = ("female", "male")
_YOU = re.compile(r"\byou\b", re.IGNORECASE)
_SPOKEN_TO = re.compile(r"[وفبل]?(?:تعاني|تشكو|تتناول|تدخن|تبلغ من العمر)")
_NO_PERSON = re.compile(
    r"\bbundles? of His\b|\bHis[- ](?:bundle|Purkinje)|\bHER-?2|\bman-made", re.IGNORECASE
)
"""Names that are written like a person's word."""
_GIRLS = ("girl", "girls", "schoolgirl", "daughter", "daughters")
_CHILDREN = ("child", "children", "infant", "infants", "newborn", "newborns", "neonate", "toddler", "baby")
_MALE_CHILD = tuple(f"={form}" for word in ("طفل", "رضيع", "مولود", "وليد") for form in (word, f"ال{word}"))
"""A child of either sex, but not where the source says that it is a girl."""
_OTHER = {"female": "male", "male": "female"}


def _english(context: Context, name: str) -> list[Span]:
    text = _NO_PERSON.sub(lambda m: " " * len(m.group()), context.pair.en.text)
    return spans_of(english(tuple(table("people")["english"][name])), text)


_SPEAKER = re.compile(r"(?:^|(?<=[.!?\u061f]))[ \t]*[\u0621-\u064a]+(?=[ \t]*:)", re.MULTILINE)
"""Who speaks: the mother of a boy may be called the patient."""


def _arabic(context: Context, name: str) -> list[Span]:
    text = _SPEAKER.sub(lambda m: " " * len(m.group()), context.pair.ar.outside)
    return spans_of(arabic(tuple(table("people")["arabic"][name])), text)


def check(context: Context) -> Iterator[Failure]:
    """Nouns of people compared with their counts, and pronouns where only one sex is spoken of."""
    pair = context.pair
    said = {sex: _english(context, sex) for sex in SEXES}
    nouns = {sex: _english(context, f"{sex}_nouns") for sex in SEXES}
    there = {sex: _arabic(context, f"{sex}_nouns") for sex in SEXES}
    for sex in SEXES:
        other = _OTHER[sex]
        wrong = there[other]
        # A pronoun may be of one of several people: the baby's, not the patient's.
        alone = said[sex] and not said[other] and (nouns[sex] or not _english(context, "others"))
        changed = len(there[sex]) < len(nouns[sex]) and len(wrong) > len(nouns[other])
        if wrong and (alone or changed):
            why = (
                f"The source speaks of a {sex} person ({pair.en.words(said[sex])}) and the translation of a "
                f"{other} one ({pair.ar.words(wrong)}); keep the gender."
            )
            yield pair.fail("gender", why, said[sex], wrong)
            return
    girls = spans_of(english(_GIRLS), pair.en.text)
    children = spans_of(
        re.compile(r"\b(?:baby|infant)\s+girls?\b|\bfemale\s+infant", re.IGNORECASE), pair.en.text
    )
    known = len(spans_of(english(_CHILDREN), pair.en.text)) - len(children)
    boys = spans_of(arabic(_MALE_CHILD), pair.ar.outside)
    if len(there["female"]) < len(girls) and len(boys) > known and not said["male"]:
        why = f"The source speaks of a girl and the translation says {pair.ar.words(boys)}; keep the gender."
        yield pair.fail("gender", why, girls, boys)
        return
    yield from _agreement(context, said, there)


def _agreement(
    context: Context, said: dict[str, list[Span]], there: dict[str, list[Span]]
) -> Iterator[Failure]:
    """Words that agree with a person, where the source speaks of one sex alone."""
    pair = context.pair
    if _english(context, "others"):
        return
    for sex in SEXES:
        other = _OTHER[sex]
        if not said[sex] or said[other] or there[other]:
            continue
        agreeing = _arabic(context, f"{sex}_words")
        against = _arabic(context, f"{other}_words")
        if sex == "male" and _YOU.search(pair.en.text):
            # To a man, "you suffer" is written like "she suffers".
            against = [s for s in against if not _SPOKEN_TO.fullmatch(pair.ar.outside, *s)]
        if against and len(against) > len(agreeing) + (0 if sex == "female" else len(there[sex])):
            why = (
                f"The source speaks of a {sex} person ({pair.en.words(said[sex])}) and words of the "
                f"translation agree with a {other} one ({pair.ar.words(against)}); let them agree."
            )
            yield pair.fail("gender", why, said[sex], against)
