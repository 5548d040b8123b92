"""A multiple-choice question as two turns: options under letters, and the right one with its letter."""

import re
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from bimedix2.records import ImagePart, Message
from bimedix2.sources.removed import Unfit

PREFIX = re.compile(r"^\s*[A-Z]\s*[:.)]\s*")


def turns(
    question: str, options: Sequence[str], answer: str, *images: ImagePart
) -> tuple[tuple[Message, ...], dict[str, Any]]:
    """Return the messages, and ``meta`` with ``question``, ``options`` and ``answer`` (the letter).

    Args:
        question: its words.
        options: in order, without their letters.
        answer: the letter of the right one.
        images: what it is asked about.

    Raises:
        Unfit: an option is empty, or the letter is none of theirs.
    """
    letters = ascii_uppercase[: len(options)]
    if not all(option.strip() for option in options):
        raise Unfit("empty-option", f"the options are {list(options)!r:.200}")
    if len(answer) != 1 or answer not in letters:
        raise Unfit("unknown-answer", f"{answer!r:.60} is none of {', '.join(letters)}")
    listed = "\n".join(f"{letter}. {option}" for letter, option in zip(letters, options, strict=True))
    chosen = f"{answer}. {options[letters.index(answer)]}"
    messages = (
        Message.of("user", *images, f"{question}\n\n{listed}"),
        Message.of("assistant", chosen),
    )
    return messages, {"question": question, "options": list(options), "answer": answer}


def without_letter(option: str) -> str:
    """An option as published, such as ``B:Focal uptake``, without its letter."""
    return PREFIX.sub("", option).strip()
