"""The SQL store: the items and the log of events, both append-only, and the people who sign in.

SQLite by default, PostgreSQL by URL, through SQLAlchemy Core. Writers take turns: a write holds the store's
one lock from before it reads the end of the log until it is committed, so the log has no gaps and no two
events follow the same one. Triggers of the database itself refuse to change or delete an item or an event.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from pydantic import BaseModel
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from bimedix2 import io
from bimedix2.errors import ConfigError, MissingExtra, RunError
from bimedix2.review.events import Event, Head, Kind, check_chain, now


class Stored(Protocol):
    """What a batch is made of: a pair to review, or an item of a trial."""

    @property
    def id(self) -> str: ...

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...


M = TypeVar("M", bound=BaseModel)

META = MetaData()
ITEMS = Table(
    "items",
    META,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("item", Text, nullable=False),
)
EVENTS = Table(
    "events",
    META,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("time", String(40), nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("item", Text),
    Column("payload", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)
ACCOUNTS = Table(
    "accounts",
    META,
    Column("name", String(40), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("password", Text, nullable=False),
)
BUSY_SECONDS = 60
"""How long a writer waits for its turn on SQLite."""
_ONLY_ADDED = "review events and items are only ever added"


class Store:
    """A store that is open for reading and writing.

    Args:
        where: an SQLite file or a database URL.
        make: whether an SQLite file that is not there is made.

    Raises:
        ConfigError: the URL is none, the server does not answer, or the file is absent.
        MissingExtra: the driver is not installed.
    """

    def __init__(self, where: str, make: bool = False) -> None:
        self.where = where
        self.engine = _engine(where, make)
        try:
            with self.engine.connect() as connection:
                self.is_open = inspect(connection).has_table("events")
        except DatabaseError as error:
            self.engine.dispose()
            first = str(error.orig).splitlines()[0]
            raise ConfigError(f"the store {where} cannot be opened ({first}); check 'store'") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def begin(self, items: Iterable[Stored], actor: str, payload: dict[str, Any]) -> None:
        """Make the tables, and write the items and the first event, all at once.

        Raises:
            RunError: the store holds a batch already.
        """
        if self.is_open:
            raise RunError(f"{self.where} holds a batch already; serve or close it, or choose another store")
        rows = [
            {"number": number, "id": item.id, "item": io.canonical_json(item.model_dump(mode="json"))}
            for number, item in enumerate(items, 1)
        ]
        with self.engine.connect().execution_options(write=True) as connection, connection.begin():
            META.create_all(connection)
            for statement in _triggers(connection):
                connection.exec_driver_sql(statement)
            connection.execute(insert(ITEMS), rows)
            _append(connection, Head(), actor, "opened", None, payload)
        self.is_open = True

    def items(self, kind: type[M]) -> list[M]:
        """The items, in the order in which they are handed out."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(ITEMS.c.item).order_by(ITEMS.c.number)).scalars()
            return [kind.model_validate_json(row) for row in rows]

    def events(self, after: int = 0) -> list[Event]:
        """The events that follow number ``after``."""
        with self.engine.connect() as connection:
            return _events(connection, after)

    def check(self) -> Head:
        """Check the whole log; return its end.

        Raises:
            RunError: there is no batch in the store.
            DataError: the log was changed.
        """
        if not self.is_open:
            raise RunError(f"{self.where} holds no batch; run: bimedix2 review open RECIPE.yaml")
        return check_chain(self.events())

    @contextmanager
    def write(self) -> "Iterator[Writer]":
        """Hold the store's one lock: what is read and written inside happens at once, or not at all."""
        with self.engine.connect().execution_options(write=True) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE events IN EXCLUSIVE MODE")
            yield Writer(connection)

    # People. Their passwords are working state, so they are not in the log and never in a closed folder.

    def account(self, name: str) -> tuple[str, str] | None:
        """Role and password's hash of a person."""
        wanted = select(ACCOUNTS.c.role, ACCOUNTS.c.password).where(ACCOUNTS.c.name == name)
        with self.engine.connect() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else (row[0], row[1])

    def accounts(self) -> dict[str, tuple[str, str]]:
        """Name to role and password's hash."""
        with self.engine.connect() as connection:
            return {row.name: (row.role, row.password) for row in connection.execute(select(ACCOUNTS))}

    def set_account(self, name: str, role: str, password: str) -> None:
        """Add a person, or change role and password's hash."""
        with self.write() as writer:
            same = ACCOUNTS.c.name == name
            there = writer.connection.execute(select(func.count()).where(same)).scalar_one()
            values = {"name": name, "role": role, "password": password}
            writer.connection.execute(
                update(ACCOUNTS).where(same).values(values) if there else insert(ACCOUNTS).values(values)
            )


class Writer:
    """What can be done while the lock is held."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def events(self, after: int) -> list[Event]:
        """The events that follow number ``after``."""
        return _events(self.connection, after)

    def append(self, actor: str, kind: Kind, item: str | None, payload: dict[str, Any]) -> Event:
        """Add one event to the end of the log."""
        last = select(EVENTS.c.seq, EVENTS.c.hash).order_by(EVENTS.c.seq.desc()).limit(1)
        row = self.connection.execute(last).one()
        return _append(self.connection, Head(row[0], row[1]), actor, kind, item, payload)


def _append(
    connection: Connection, head: Head, actor: str, kind: Kind, item: str | None, payload: dict[str, Any]
) -> Event:
    made = head.next(actor, kind, item, payload, now())
    row = {**made.to_json(), "payload": io.canonical_json(payload)}
    connection.execute(insert(EVENTS), row)
    return made


def _events(connection: Connection, after: int) -> list[Event]:
    rows = connection.execute(select(EVENTS).where(EVENTS.c.seq > after).order_by(EVENTS.c.seq)).mappings()
    return [Event(**{**row, "payload": io.parse_json(row["payload"])}) for row in rows]


def _engine(where: str, make: bool) -> Engine:
    try:
        url = make_url(where if "://" in where else f"sqlite:///{where}")
    except ArgumentError:
        raise ConfigError(f"'{where}' is no database URL; write postgresql://user@host/database") from None
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError(f"'{where}' is neither SQLite nor PostgreSQL; choose one of them for 'store'")
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        if not make and not file.is_file():
            raise ConfigError(f"the store {where} does not exist; run: bimedix2 review open RECIPE.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        if make and not file.exists():
            file.touch(mode=0o600)  # passwords' hashes and records are for its owner; SQLite's others follow
    try:
        engine = create_engine(url, pool_pre_ping=url.get_backend_name() == "postgresql")
    except NoSuchModuleError:
        raise ConfigError(f"'{where}' names a driver that is not known; write postgresql://...") from None
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "review") from error
    if engine.dialect.name == "sqlite":
        _listen(engine)
    return engine


def _listen(engine: Engine) -> None:
    """Have SQLite begin transactions where SQLAlchemy says so, and take its lock at once for a write."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # sqlite3 begins nothing of its own accord
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000}"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _triggers(connection: Connection) -> list[str]:
    """Statements after which the database refuses to change or delete what is written."""
    tables = ("items", "events")
    if connection.dialect.name == "sqlite":
        return [
            f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_ONLY_ADDED}'); END"
            for table in tables
            for verb in ("UPDATE", "DELETE")
        ]
    refuse = (
        "CREATE FUNCTION only_added() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_ONLY_ADDED}'; END $$"
    )
    return [
        refuse,
        *(
            f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION only_added()"
            for table in tables
        ),
    ]
