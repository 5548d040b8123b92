"""Sentences end where a reader would end them."""

import pytest

from bimedix2.text.fold import folded
from bimedix2.text.sentences import split


def parts(text: str) -> list[str]:
    text = folded(text)
    return [text[start:end] for start, end in split(text)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One sentence. Another one.", 2),
        ("The value is 4.5 mg. It is low.", 2),
        ("Is it? No! Then stop.", 3),
        ("A. Aspirin\nB. Heparin", 2),
        ("Infection with H. pylori is common. Treat it.", 2),
        ("Seen by Dr. Haddad today.", 1),
        ("Use a drug, e.g. aspirin, daily.", 1),
        ("الرئة صافية. هل يوجد انصباب؟ لا.", 3),
        ("أ. الأسبرين\nب. الهيبارين", 2),
        ("1. Take it.\n2. Rest.", 2),
        ("No full stop", 1),
        ("<image>\nWhat is this?", 2),
        ("", 0),
        ("...\n---\n", 0),
    ],
)
def test_sentences_are_counted(text: str, count: int) -> None:
    assert len(parts(text)) == count


def test_a_sentence_is_without_the_blanks_around_it() -> None:
    assert parts("  First one.   Second one.  \n Third") == ["First one.", "Second one.", "Third"]
