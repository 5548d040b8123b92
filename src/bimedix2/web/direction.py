"""Which way a paragraph runs, and which runs inside it must be kept apart from the bidi algorithm.

Source of the rules: Unicode Standard Annex 9. Rule W2 turns European digits after an Arabic letter into
Arabic numbers, and then a hyphen no longer joins them: ``10-20 mg`` would be shown as ``mg 20-10``. An
isolated left-to-right run is shown as it was written.
"""

import re
import unicodedata
from typing import Literal

Direction = Literal["ltr", "rtl"]

_RTL = ("R", "AL")
_ATOM = "A-Za-z0-9À-ɏͰ-Ͽµ°%‰′″"
_JOIN = r".,:/\\\-–−_+×*=^'’&<>≤≥±"
_LTR_RUN = re.compile(
    rf"(?:[+\-−±≤≥<>≈~][ ]?)?[{_ATOM}](?:[{_ATOM}]|[{_JOIN}]+(?=[{_ATOM}])|[ ](?=[{_ATOM}]))*"
)
_ARABIC = "؀-؋؍-ؚؠ-ٟٮ-ۿݐ-ݿࢠ-ࣿﭐ-﷿ﹰ-ﻼ"
_RTL_RUN = re.compile(rf"[{_ARABIC}](?:[{_ARABIC}]|[ ،؛](?=[ {_ARABIC}])|[ ](?=[{_ARABIC}]))*")


def direction(text: str) -> Direction:
    """Return the direction of a paragraph: that of its first strong letter unless it is clearly the other's.

    An Arabic sentence that begins with ``CT`` is right-to-left; an English one that quotes an Arabic word
    first is left-to-right. Text without letters is left-to-right.
    """
    first: str | None = None
    rtl = ltr = 0
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in _RTL:
            rtl += 1
            first = first or "rtl"
        elif kind == "L":
            ltr += 1
            first = first or "ltr"
    if first is None:
        return "ltr"
    share = rtl / (rtl + ltr)
    return "rtl" if share > (0.2 if first == "rtl" else 0.5) else "ltr"


def isolated_runs(text: str, base: Direction) -> list[tuple[str, Direction | None]]:
    """Split a paragraph's text into pieces; a run to isolate carries its own direction.

    Inside a right-to-left paragraph these are numbers with their units, drug names and other Latin text;
    inside a left-to-right one, runs of Arabic. The pieces joined give the text again.
    """
    pattern, other = (_LTR_RUN, "ltr") if base == "rtl" else (_RTL_RUN, "rtl")
    pieces: list[tuple[str, Direction | None]] = []
    start = 0
    for match in pattern.finditer(text):
        if match.start() > start:
            pieces.append((text[start : match.start()], None))
        pieces.append((match.group(), "ltr" if other == "ltr" else "rtl"))
        start = match.end()
    if start < len(text):
        pieces.append((text[start:], None))
    return pieces
