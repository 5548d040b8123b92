"""The sheet for a person, and the judge's agreement with what comes back."""

import csv
import io as text_io
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.uphill.hand import agreement, attach, read, sheet
from bimedix2.evaluate.uphill.scores import Plan

PLAN = Plan(resamples=100, seed=0)
LABELS = ("support", "refute", "neutral")


def rows(count: int = 30) -> list[dict[str, Any]]:
    """Judged rows, the labels in turn."""
    return [
        {
            "id": f"uphill/en/claim-{n}/0",
            "claim_id": f"claim-{n}",
            "claim": f"Claim {n}.",
            "answer": f"Response {n},\nof two lines.",
            "label": LABELS[n % 3],
        }
        for n in range(count)
    ]


def filled(path: Path, text: str, label: Any) -> Path:
    """Save a sheet as a spreadsheet does: a byte order mark, and a label by the row."""
    lines = list(csv.DictReader(text_io.StringIO(text)))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows([{**line, "label": label(line)} for line in lines])
    return path


def beside(found: list[dict[str, Any]], labels: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """The agreement of rows with a person's labels."""
    attach(found, labels)
    agreed = agreement(found, PLAN)
    assert agreed is not None
    return agreed


def judged(line: dict[str, str]) -> str:
    return LABELS[int(line["id"].split("-")[1].split("/")[0]) % 3]


def test_the_sheet_shows_no_label_and_draws_each_label_equally() -> None:
    found = rows(600)
    found[0] |= {"answer": " "}
    found[1] |= {"label": None}
    lines = list(csv.DictReader(text_io.StringIO(sheet(found, 0))))
    assert len(lines) == 100
    assert {line["label"] for line in lines} == {""}
    counts = [sum(judged(line) == label for line in lines) for label in LABELS]
    assert sorted(counts) == [33, 33, 34]
    assert sheet(found, 0) == sheet(found, 0) != sheet(found, 1)


def test_a_person_who_agrees_gives_kappa_1(tmp_path: Path) -> None:
    path = filled(tmp_path / "filled.csv", sheet(rows(), 0), lambda line: f" {judged(line).upper()} ")
    found = beside(rows(), read(path))
    assert found["n"] == 30
    assert found["equal"]["value"] == found["kappa"]["value"] == 1.0
    assert found["equal"]["low"] == pytest.approx(0.884, abs=0.001)  # exact, 30 of 30


def test_disagreement_stands_in_the_table(tmp_path: Path) -> None:
    """The person calls every refutation neutral."""

    def softer(line: dict[str, str]) -> str:
        return "neutral" if judged(line) == "refute" else judged(line)

    found = beside(rows(), read(filled(tmp_path / "f.csv", sheet(rows(), 0), softer)))
    assert found["table"]["judge refute"] == {
        "person support": 0, "person refute": 0, "person neutral": 10
    }  # fmt: skip
    assert found["kappa"]["value"] == pytest.approx((2 / 3 - 1 / 3) / (1 - 1 / 3))
    one = {"uphill/en/claim-0/0": (rows()[0]["answer"], "support")}
    assert beside(rows(1), one)["kappa"] is None  # nothing but one label
    assert agreement(rows(), PLAN) is None  # nobody has labelled


def test_what_is_wrong_with_a_sheet_is_named(tmp_path: Path) -> None:
    text = sheet(rows(), 0)
    with pytest.raises(DataError, match="has no label; fill its column 'label'"):
        read(filled(tmp_path / "f.csv", text, lambda line: ""))
    with pytest.raises(DataError, match="'agree' is no label; there are support, refute, neutral"):
        read(filled(tmp_path / "f.csv", text, lambda line: "agree"))
    with pytest.raises(DataError, match=r"absent\.csv does not exist"):
        read(tmp_path / "absent.csv")
    other = read(filled(tmp_path / "f.csv", text, judged))
    changed = [{**row, "answer": "Another response."} for row in rows()]
    with pytest.raises(DataError, match="is another response than this run's"):
        attach(changed, other)
    with pytest.raises(DataError, match="no labelled response of this run"):
        attach([{**row, "id": "else"} for row in rows()], other)


def test_an_id_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("id,claim,response,label\na,c,r,refute\na,c,r,refute\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 3: 'a' is labelled twice; keep one line"):
        read(path)
