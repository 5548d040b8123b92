"""Who signs in: password hashes (scrypt), signed sessions, and the token that every form must carry.

A session is a signed cookie, not a row: name and end, signed with a key that this process drew at its start
and with the hash of the person's password, so that a restart or a new password ends it.
"""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from functools import cache
from pathlib import Path

from bimedix2.errors import DataError
from bimedix2.review.settings import Person, Role
from bimedix2.review.store import Store

COST, BLOCK, LANES = 2**14, 8, 5
"""scrypt's N, r and p: of the settings that OWASP's cheat sheet names as equal, the one with 16 MiB."""
SHORTEST = 12
"""Characters of a password that a person chooses."""
TRIES, WINDOW = 10, 900.0
"""Wrong passwords for one name, and the seconds in which they are counted; then nobody signs in by it."""


def hash_password(password: str, salt: bytes | None = None) -> str:
    """``scrypt$salt$hash``, both in base64 (RFC 7914)."""
    salt = salt or secrets.token_bytes(16)
    derived = hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=COST, r=BLOCK, p=LANES, maxmem=2**26
    )
    return f"scrypt${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


@cache
def nobody() -> str:
    """Compared with when a name is unknown, so that the time of an answer does not tell names."""
    return hash_password("")


LEFT = "left$"
"""In the place of the hash of somebody who is no longer among the people."""


def matches(password: str, stored: str) -> bool:
    """Whether that is the password, compared in constant time."""
    salt = base64.b64decode(stored.split("$")[1])
    return hmac.compare_digest(hash_password(password, salt), stored)


def add_people(store: Store, people: list[Person], reset: tuple[str, ...], file: Path) -> list[str]:
    """Give everybody who has none a first password, written into a file that only its owner can read.

    Args:
        people: of the recipe; a role that changed there changes here.
        reset: names of those who get a new one.

    Returns:
        The names that got one.

    Raises:
        DataError: ``reset`` names somebody who is not among the people.
    """
    unknown = set(reset) - {person.name for person in people}
    if unknown:
        raise DataError(f"reset names '{min(unknown)}', who is not among the people of the recipe; add them")
    there = store.accounts()
    given: dict[str, str] = {}
    for person in people:
        role, stored = there.pop(person.name, ("", LEFT))
        if stored == LEFT or person.name in reset:
            given[person.name] = secrets.token_urlsafe(12)
            store.set_account(person.name, person.role, hash_password(given[person.name]))
        elif role != person.role:
            store.set_account(person.name, person.role, stored)
    for name, (role, stored) in there.items():
        if stored != LEFT:
            store.set_account(name, role, LEFT)
    if given:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        before = file.read_text(encoding="utf-8")
        lines = [f"{name}\t{password}\n" for name, password in given.items()]
        with file.open("w", encoding="utf-8") as out:
            kept = [line for line in before.splitlines(True) if line.split("\t")[0] not in given]
            out.write("".join([*kept, *lines]))
    return list(given)


class Sessions:
    """Signs people in and out.

    Args:
        store: with the accounts.
        hours: how long a session lasts.
    """

    def __init__(self, store: Store, hours: float) -> None:
        self.store = store
        self.seconds = hours * 3600
        self._key = secrets.token_bytes(32)
        self._wrong: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def sign_in(self, name: str, password: str) -> str | None:
        """Return a session's token, or ``None``: an unknown name, a wrong password, or too many of them."""
        now = time.monotonic()
        with self._lock:
            tries = [at for at in self._wrong.get(name, []) if now - at < WINDOW]
            if len(tries) >= TRIES:
                return None
        account = self.store.account(name)
        stored = account[1] if account is not None and account[1] != LEFT else None
        right = matches(password, stored or nobody())
        with self._lock:
            if stored is None or not right:
                self._wrong = {k: v for k, v in self._wrong.items() if v[-1] > now - WINDOW}
                self._wrong[name[:100]] = [*tries, now]
                return None
            self._wrong.pop(name, None)
        return self._token(name, stored)

    def _token(self, name: str, password: str) -> str:
        said = f"{int(time.time() + self.seconds)}.{secrets.token_hex(8)}.{name}"
        body = base64.urlsafe_b64encode(said.encode()).decode()
        return f"{body}.{self._sign(body, password)}"

    def _sign(self, words: str, password: str) -> str:
        return hmac.new(self._key, f"{words}|{password}".encode(), "sha256").hexdigest()

    def person(self, token: str) -> tuple[str, Role] | None:
        """Name and role of whoever holds a token, or ``None``."""
        body, _, signature = token.partition(".")
        try:
            until, _, name = base64.urlsafe_b64decode(body).decode().split(".", 2)
            alive = int(until) > time.time()
        except ValueError:  # of base64, UTF-8, the split or the number
            return None
        account = self.store.account(name) if alive else None
        if account is None or not _same(signature, self._sign(body, account[1])):
            return None
        return name, "adjudicator" if account[0] == "adjudicator" else "reviewer"

    def form_token(self, token: str) -> str:
        """What a form or a request of this session must carry (against cross-site requests)."""
        return self._sign("form", token)

    def form_is_ours(self, token: str, given: str) -> bool:
        """Whether a request carries its session's form token."""
        return _same(given, self.form_token(token))

    def change_password(self, name: str, old: str, new: str) -> str:
        """Change a password; return the token of the session that goes on.

        Raises:
            DataError: the old one is wrong, or the new one is short.
        """
        if len(new) < SHORTEST:
            raise DataError(f"a password has at least {SHORTEST} characters; write a longer one")
        account = self.store.account(name)
        if account is None or not matches(old, account[1]):
            raise DataError("the present password is not right; write it again")
        stored = hash_password(new)
        self.store.set_account(name, account[0], stored)
        return self._token(name, stored)


def _same(given: str, ours: str) -> bool:
    """Compare in constant time; what was given may hold any character."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), ours.encode())
