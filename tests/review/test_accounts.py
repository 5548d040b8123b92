"""Passwords, sessions and first passwords."""

import stat
import time
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.review import accounts
from bimedix2.review.accounts import Sessions, add_people, hash_password, matches
from bimedix2.review.settings import Person


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """scrypt at a cost that tests can pay; the shipped one is tested by name below."""
    monkeypatch.setattr(accounts, "COST", 2**4)
    accounts.nobody.cache_clear()


def test_the_shipped_cost_is_one_that_owasp_names() -> None:
    """N=2^14, r=8, p=5 (OWASP Password Storage Cheat Sheet, scrypt; from memory)."""
    source = Path(accounts.__file__).read_text(encoding="utf-8")
    assert "COST, BLOCK, LANES = 2**14, 8, 5" in source


def test_a_password_matches_its_hash_alone() -> None:
    stored = hash_password("كلمة مرور طويلة")
    assert matches("كلمة مرور طويلة", stored)
    assert not matches("كلمة مرور طويل", stored)
    assert hash_password("x") != hash_password("x"), "salted"


@pytest.fixture
def people(open_room: Any, tmp_path: Path) -> tuple[Any, dict[str, str]]:
    batch = open_room(1)
    lines = batch.config.passwords_file.read_text(encoding="utf-8").splitlines()
    return batch, dict(line.split("\t") for line in lines)


def test_everybody_gets_a_first_password_once_in_a_file_of_the_owners(people: Any) -> None:
    batch, passwords = people
    file = batch.config.passwords_file
    assert set(passwords) == {"amal", "omar", "sara", "huda"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert add_people(batch.store, batch.config.people, (), file) == []
    logged = str([event.to_json() for event in batch.store.events()])
    assert not any(password in logged for password in passwords.values())


def test_a_reset_gives_a_new_one_and_ends_the_old_session(people: Any) -> None:
    batch, passwords = people
    sessions = Sessions(batch.store, 1)
    token = sessions.sign_in("amal", passwords["amal"])
    assert token is not None
    assert sessions.person(token) == ("amal", "reviewer")
    file = batch.config.passwords_file
    assert add_people(batch.store, batch.config.people, ("amal",), file) == ["amal"]
    new = dict(line.split("\t") for line in file.read_text().splitlines())
    assert new["amal"] != passwords["amal"]
    assert new["omar"] == passwords["omar"]
    assert sessions.person(token) is None
    assert sessions.sign_in("amal", passwords["amal"]) is None
    assert sessions.sign_in("amal", new["amal"]) is not None
    with pytest.raises(DataError, match="'nobody', who is not among the people"):
        add_people(batch.store, batch.config.people, ("nobody",), file)


def test_who_left_the_recipe_cannot_sign_in_and_a_role_may_change(people: Any) -> None:
    batch, passwords = people
    sessions = Sessions(batch.store, 1)
    token = sessions.sign_in("omar", passwords["omar"])
    kept = [Person(name="amal", role="adjudicator"), Person(name="huda", role="adjudicator")]
    add_people(batch.store, kept, (), batch.config.passwords_file)
    assert sessions.person(token or "") is None
    assert sessions.sign_in("omar", passwords["omar"]) is None
    amal = sessions.sign_in("amal", passwords["amal"])
    assert sessions.person(amal or "") == ("amal", "adjudicator")
    back = [*kept, Person(name="omar", role="reviewer")]
    assert add_people(batch.store, back, (), batch.config.passwords_file) == ["omar"], "who comes back"


def test_a_token_that_was_changed_or_has_run_out_is_nobodys(
    people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, passwords = people
    sessions = Sessions(batch.store, 1)
    token = sessions.sign_in("amal", passwords["amal"]) or ""
    body, _, signature = token.partition(".")
    import base64

    forged = base64.urlsafe_b64encode(base64.urlsafe_b64decode(body).replace(b"amal", b"huda")).decode()
    for wrong in ("", ".", "x", f"{forged}.{signature}", f"{body}.{signature[:-1]}", f"{body}.é", "%%%.x"):
        assert sessions.person(wrong) is None
    assert Sessions(batch.store, 1).person(token) is None, "another process has another key"
    later = time.time() + 3601
    monkeypatch.setattr(time, "time", lambda: later)
    assert sessions.person(token) is None


def test_guessing_is_stopped_for_that_name_alone(people: Any) -> None:
    batch, passwords = people
    sessions = Sessions(batch.store, 1)
    for number in range(accounts.TRIES):
        assert sessions.sign_in("amal", f"wrong {number}") is None
    assert sessions.sign_in("amal", passwords["amal"]) is None
    assert sessions.sign_in("omar", passwords["omar"]) is not None


def test_a_new_password_needs_the_old_one_and_a_length(people: Any) -> None:
    batch, passwords = people
    sessions = Sessions(batch.store, 1)
    token = sessions.sign_in("amal", passwords["amal"]) or ""
    with pytest.raises(DataError, match="at least 12"):
        sessions.change_password("amal", passwords["amal"], "short")
    with pytest.raises(DataError, match="not right"):
        sessions.change_password("amal", "wrong", "a new long password")
    fresh = sessions.change_password("amal", passwords["amal"], "a new long password")
    assert sessions.person(fresh) == ("amal", "reviewer")
    assert sessions.person(token) is None
    assert sessions.sign_in("amal", "a new long password") is not None


def test_a_form_token_belongs_to_one_session(people: Any) -> None:
    batch, passwords = people
    sessions = Sessions(batch.store, 1)
    one, other = (sessions.sign_in(name, passwords[name]) or "" for name in ("amal", "omar"))
    assert sessions.form_is_ours(one, sessions.form_token(one))
    assert not sessions.form_is_ours(one, sessions.form_token(other))
    assert not sessions.form_is_ours(one, "")
    assert not sessions.form_is_ours(one, "é")
