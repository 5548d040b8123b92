"""Parts of a turn as text with ``<image>`` placeholders, as LLaVA and ShareGPT write them, and back.

A placeholder stands alone on its line: blanks beside it belong to it, not to the words. A text that itself
says ``<image>`` is written ``< image >``, since every trainer counts placeholders; ``carry`` keeps the words.
"""

from collections.abc import Iterator, Sequence

from bimedix2.records.record import ImagePart, Part, TextPart

PLACEHOLDER = "<image>"
ESCAPED = "< image >"


def to_text(content: Sequence[Part]) -> str:
    """Return parts as one text; it holds as many placeholders as there are images."""
    return "\n".join(
        part.text.replace(PLACEHOLDER, ESCAPED) if isinstance(part, TextPart) else PLACEHOLDER
        for part in content
    )


def pieces(text: str) -> list[str | None]:
    """Split a text at its placeholders: ``None`` stands for an image, words that are empty are left out."""
    runs = text.split(PLACEHOLDER)
    found: list[str | None] = []
    for number, run in enumerate(runs):
        if number:
            found.append(None)
            run = run.lstrip()
        if number < len(runs) - 1:
            run = run.rstrip()
        if run:
            found.append(run)
    return found


def to_parts(text: str, images: Iterator[ImagePart]) -> list[Part]:
    """Return the parts of a text, its images taken in turn from ``images``, which must hold enough."""
    return [next(images) if piece is None else TextPart(text=piece) for piece in pieces(text)]
