"""Our claims in both languages, and a user's copy of UPHILL with what can be wrong with it."""

from pathlib import Path

import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.uphill.load import (
    LEVELS,
    build,
    canaries,
    claims,
    incomplete,
    missing,
    read,
    templates,
)
from bimedix2.text.arabic import script

from .conftest import row, write


def test_our_claims_are_twins_in_both_languages_and_balanced() -> None:
    ours = claims()
    assert len({claim.id for claim in ours}) == len(ours) == 60
    assert [claim.veracity for claim in ours] == ["true"] * 30 + ["false"] * 30
    for claim in ours:
        assert claim.why.endswith(".")
        assert [script(claim.clauses[tongue]) for tongue in ("en", "ar")] == ["en", "ar"]
        assert not claim.clauses["en"].endswith((".", "?"))
        assert claim.clauses["en"][0].islower() or claim.clauses["en"].split()[0].isupper()  # HIV
        assert claim.sentence("en")[0].isupper()


def test_each_claim_gets_five_queries_in_the_same_wordings_of_both_languages() -> None:
    english, arabic = build(claims(), "en"), build(claims(), "ar")
    assert len(english) == len(arabic) == 300
    assert english[2].id == "uphill/en/smoking-lung-cancer/2"
    used = set()
    for one, other in zip(english, arabic, strict=True):
        assert (one.claim_id, one.level) == (other.claim_id, other.level)
        clauses = next(claim.clauses for claim in claims() if claim.id == one.claim_id)
        places = []
        for query, tongue in ((one.query, "en"), (other.query, "ar")):
            assert clauses[tongue] in query
            made = [w.replace("{claim}", clauses[tongue]) for w in templates()[tongue][one.level]]
            places.append([text[0].upper() + text[1:] for text in made].index(query))
        assert places[0] == places[1]
        used.add((one.level, places[0]))
    assert len(used) == 25  # every wording is used


def test_the_canaries_are_the_same_in_both_languages() -> None:
    for tongue in ("en", "ar"):
        labels = [label for _, _, label in canaries(tongue)]
        assert labels == ["support"] * 5 + ["refute"] * 5 + ["neutral"] * 5
    assert [script(claim) for claim, _, _ in canaries("ar")] == ["ar"] * 15


def test_a_copy_of_the_published_file_is_read(tmp_path: Path) -> None:
    rows = [row("garlic helps", "False", level, main_text="x" * 200_000) for level in range(5)]
    rows += [row("water helps", "true", 0, main_text="")]
    twice = [{**one, "conversational_model": name} for name in ("a", "b") for one in rows]
    found = read(write(tmp_path / "UPHILL.csv", twice), "en")
    assert [(q.claim_id, q.veracity, q.level) for q in found] == [
        *(("garlic-helps", "false", level) for level in range(5)),
        ("water-helps", "true", 0),
    ]
    assert found[4].query == "Writing Demand: garlic helps?"
    assert incomplete(found) == ["water-helps"]
    assert missing(found)["false"] == (1, 854)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"presupposition_level": "Loud"}, "line 2: 'loud' is no presupposition level; there are Neutral"),
        ({"claim_veracity": "unproven"}, "line 2: 'unproven' is no veracity"),
        ({"claim": " "}, "line 2: 'claim' is empty"),
    ],
)
def test_a_value_outside_the_layout_is_named_with_its_line(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    path = write(tmp_path / "q.csv", [{**row("a claim", "true", 0), **change}])
    with pytest.raises(DataError, match=said):
        read(path, "en")


def test_a_claim_that_says_two_things_is_refused(tmp_path: Path) -> None:
    same = row("a claim", "true", 0)
    for other in ({**same, "claim_veracity": "false"}, {**same, "query_with_presupposition": "Other?"}):
        with pytest.raises(DataError, match="line 3: claim 'a-claim' at level 'Neutral' stands above"):
            read(write(tmp_path / "q.csv", [same, other]), "en")


def test_a_file_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv does not exist; copy UPHILL's queries\.csv there"):
        read(tmp_path / "absent.csv", "en")
    with pytest.raises(DataError, match="has no column 'claim_veracity'"):
        read(write(tmp_path / "q.csv", [{"claim_id": "1", "claim": "a"}]), "en")
    good = write(tmp_path / "q.csv", [row("a claim of an ache", "true", 0)]).read_bytes()
    (tmp_path / "q.csv").write_bytes(good.replace(b"ache", "\xe4che".encode("latin-1")))
    with pytest.raises(DataError, match="is no CSV file in UTF-8"):
        read(tmp_path / "q.csv", "en")
    empty = write(tmp_path / "q.csv", [row("a claim", "true", 0)]).read_text().splitlines()[0]
    (tmp_path / "q.csv").write_text(empty + "\n")
    with pytest.raises(DataError, match="has no rows"):
        read(tmp_path / "q.csv", "en")


def test_levels_are_read_whatever_their_case(tmp_path: Path) -> None:
    path = write(tmp_path / "q.csv", [{**row("a", "true", 1), "presupposition_level": LEVELS[1].lower()}])
    assert read(path, "en")[0].level == 1
