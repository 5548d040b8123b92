"""Where the sentences of English, Arabic or mixed text begin and end."""

import re

_END = re.compile(r"[.!?\u2026]+[\"')\]]*(?=\s|$)")
_LABEL = re.compile(r"\(?(?:[A-Za-z]|[\u0621-\u064a]\u0640?|\d{1,3})[.)]")
"""What numbers a line or an option, with the full stop that ends no sentence."""
_INLINE = re.compile(
    r"(?:^|[:;,\u060c\u061b(?\u061f]\s*)(?:[A-H]|[\u0627\u0628\u062c\u062f\u0647\u0648]\u0640?)\.$"
)
"""An option inside a line, whose letter follows a mark: "A. gout, B. pseudogout"."""
_REPLY = re.compile(
    r"(?:No|Yes|\u0644\u0627|\u0643\u0644\u0627|\u0646\u0639\u0645|\u0628\u0644\u0649|\u0628\u0644\u064a)\."
)
"""An answer of one word, which the other language may join to what follows."""
_SHORT = re.compile(
    r"(?:\b(?:e\.g|i\.e|dr|mr|mrs|ms|prof|vs|approx|fig|al|ca|cf|st)|\b[a-z]\.[a-z]|(?:^|\s)[\u062f\u0627])\.$",
    re.IGNORECASE,
)
"""Short forms whose full stop seldom ends a sentence."""


def split(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of a folded text, in order and without the blanks around them.

    A line break ends a sentence. The full stop of an option ("A."), of a numbered line, of a short form
    ("e.g.", "Dr.") and of an initial ("H. pylori") does not.
    """
    found = []
    for line in re.finditer(r"[^\n]+", text):
        begin = line.start()
        for end in _END.finditer(text, line.start(), line.end()):
            if not _ends(text, begin, end, line.end()):
                continue
            found.append((begin, end.end()))
            begin = end.end()
        found.append((begin, line.end()))
    return [span for start, end in found if (span := _trim(text, start, end)) is not None]


def _ends(text: str, begin: int, end: re.Match[str], line_end: int) -> bool:
    said = text[begin : end.end()].strip()
    if _LABEL.fullmatch(said) or _INLINE.search(said) or _REPLY.fullmatch(said):
        return False
    if end.group() != ".":
        return True
    following = text[end.end() : line_end].lstrip()
    initial = re.search(r"(?:^|\s)[A-Z]\.$", said) and following[:1].islower() and following[:1].isascii()
    return not (initial or (following and _SHORT.search(said)))


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    inner = text[start:end].strip()
    if not re.search(r"\w", inner):
        return None
    begin = start + len(text[start:end]) - len(text[start:end].lstrip())
    return begin, begin + len(inner)
