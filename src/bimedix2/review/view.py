"""What a page shows of a pair: paragraphs with their direction, and reviews under letters."""

from typing import Any

from bimedix2.review.board import Board, Standing
from bimedix2.review.judgement import Category, Judgement, Verdict
from bimedix2.web.direction import direction, isolated_runs

CATEGORY_KEYS = {
    Category.TERMINOLOGY: "T",
    Category.LATERALITY: "L",
    Category.NUMBER_UNIT: "U",
    Category.NEGATION: "N",
    Category.OMISSION: "O",
    Category.ADDITION: "A",
    Category.STYLE: "S",
}
"""Places on the keyboard, whatever layout is chosen."""
VERDICT_KEYS = {Verdict.NONE: "1", Verdict.MINOR: "2", Verdict.MAJOR: "3"}


def paragraphs(text: str) -> list[dict[str, Any]]:
    """The lines of a text: direction, place of the first character, and pieces with theirs.

    The pieces of a line joined are the line, so that a mark on the screen can be counted in characters.
    """
    lines, start = [], 0
    for line in text.split("\n"):
        way = direction(line)
        lines.append({"dir": way, "start": start, "pieces": isolated_runs(line, way)})
        start += len(line) + 1
    return lines


def turns(standing: Standing) -> list[dict[str, Any]]:
    """The pair, turn by turn: role, images, and texts side by side."""
    shown: list[dict[str, Any]] = []
    for number, part in enumerate(standing.item.parts):
        if not shown or shown[-1]["turn"] != part.turn:
            shown.append({"turn": part.turn, "role": part.role, "images": [], "texts": []})
        if part.image is not None:
            shown[-1]["images"].append(part.image)
        else:
            shown[-1]["texts"].append(
                {
                    "part": number,
                    "source": paragraphs(part.source),
                    "target": paragraphs(part.target),
                    "target_dir": direction(part.target),
                }
            )
    return shown


def judgement(judged: Judgement, standing: Standing) -> dict[str, Any]:
    """A judgement for the script: with the words that each span marks."""
    said = judged.to_json()
    for issue in said["issues"]:
        text = standing.item.parts[issue["part"]].target
        issue["text"] = "" if issue["start"] is None else text[issue["start"] : issue["end"]]
    return said


def others(standing: Standing, name: str) -> list[dict[str, Any]]:
    """Everybody's latest review under a letter; one's own is marked."""
    shown = [
        {"letter": standing.letter(other), "mine": other == name, **judgement(judged, standing)}
        for other, judged in standing.latest.items()
    ]
    return sorted(shown, key=lambda review: review["letter"])


def comments(standing: Standing, name: str) -> list[dict[str, Any]]:
    """The discussion: who said it (a letter, or the adjudicator), and the words."""
    return [
        {
            "by": standing.letter(who) if who in standing.reviews else "",
            "mine": who == name,
            "time": time[:16].replace("T", " "),
            "text": text,
        }
        for time, who, text in standing.comments
    ]


def row(standing: Standing, board: Board, name: str) -> dict[str, Any]:
    """A line of a list of pairs."""
    latest = standing.latest
    first_text = next((part.target for part in standing.item.parts if part.image is None), "")
    state = standing.state(board.overlap)
    if state == "conflict" and len({judged.verdict for judged in latest.values()}) == 1:
        state_word = "conflict_wording"
    elif state == "open" and standing.skipped:
        state_word = "left_out"
    else:
        state_word = state
    return {
        "id": standing.item.id,
        "start": first_text[:90],
        "dir": direction(first_text),
        "state": state_word,
        "comments": len(standing.comments),
        "verdict": latest[name].verdict.value if name in latest else "",
    }
