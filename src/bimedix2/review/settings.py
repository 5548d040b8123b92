"""What the review room is told at its door; the defaults are safe: this machine alone, two blind reviews."""

import ipaddress
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from bimedix2.config import Settings
from bimedix2.errors import ConfigError
from bimedix2.records import Record, Split
from bimedix2.records.translations import failed_checks

Role = Literal["reviewer", "adjudicator"]


class Where(Settings):
    """Which records a plan draws from; what is not given does not matter."""

    split: Split | None = None
    task: str | None = None
    source: str | None = None
    """The dataset, as ``provenance.source`` names it."""
    failed: bool | None = None
    """Translations that fail a check (true), or that fail none (false)."""

    def takes(self, record: Record) -> bool:
        """Whether a record is one of these."""
        return (
            self.split in (None, record.split)
            and self.task in (None, record.task)
            and self.source in (None, record.provenance.source)
            and self.failed in (None, bool(failed_checks(record)))
        )


class Plan(Settings):
    """One way in which pairs are chosen; a pair may be chosen by several."""

    plan: Literal["random", "lowest", "all"]
    """``random`` estimates a rate, ``all`` counts it, ``lowest`` (quality first) finds faults and estimates
    nothing."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """So much of the records, rounded up; or ``count``."""
    count: Annotated[int, Field(ge=1)] | None = None
    where: Where = Field(default_factory=Where)

    @model_validator(mode="after")
    def _sized(self) -> Self:
        given = (self.share is not None) + (self.count is not None)
        if self.plan == "all" and given:
            raise ValueError("the plan 'all' takes every record; leave share and count out")
        if self.plan != "all" and given != 1:
            raise ValueError(f"the plan '{self.plan}' needs one of share and count")
        return self

    @property
    def name(self) -> str:
        """How the report calls it, for example ``random (split=test)``."""
        given = self.where.model_dump(mode="json", exclude_none=True)
        return self.plan + (f" ({', '.join(f'{k}={v}' for k, v in given.items())})" if given else "")

    @property
    def estimates(self) -> bool:
        """Whether its rates say something about the records that were not chosen."""
        return self.plan != "lowest" and self.where.failed is not True


class Person(Settings):
    """Somebody who signs in. The name goes into the log and into the records' provenance."""

    name: Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,40}$")]
    role: Role


class Imported(Settings):
    """Reviews that were made in another tool."""

    format: Literal["label_studio", "argilla"]
    path: Path
    people: dict[str, str] = {}
    """Ids of that tool's users -> names here; of others the name becomes ``FORMAT-ID``."""


class Config(Settings):
    """One batch: what is judged, who judges it, where, and when translations are accepted."""

    kind: Literal["translations", "trial"] = "translations"
    """``trial``: a blind trial that ``evaluate`` sealed; people choose the best answer of each item."""
    input: Path
    """A finished folder with the translated records (docs/review.md says what makes a pair), or the sealed
    folder of a trial."""
    source: Path | None = None
    """A finished folder with the records they were made from; ``None``: they are in ``input``."""
    store: str
    """An SQLite file, or a URL such as ``postgresql://user@host/database`` (the password in ``PGPASSWORD`` or
    ``~/.pgpass``, never here)."""
    output: Path
    """The immutable folder that ``close`` writes."""
    plans: list[Plan] = []
    """How pairs of translations are chosen, at least one plan; a trial was sampled when it was sealed."""
    people: list[Person] = Field(min_length=1)
    overlap: Annotated[int, Field(ge=1, le=20)] = 2
    """How many people review each pair, or judge each item of a trial, none seeing the others."""
    limit: Annotated[float, Field(gt=0, le=1)] = 0.08
    """A batch is accepted when the upper bound of its rate of major errors is below this."""
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Of the two-sided exact interval."""
    unfinished: bool = False
    """Whether ``close`` may leave pairs without a verdict, or items without all their judgements."""
    imports: list[Imported] = []
    """Files of reviews to read in, each once."""
    export: Path | None = None
    """A folder into which ``open`` writes the pairs for Label Studio and Argilla."""
    passwords: Path | None = None
    """Where first passwords are written; ``None``: beside ``output``."""
    reset: tuple[str, ...] = ()
    """People who get a new password when the pages are served."""
    claim_hours: Annotated[float, Field(gt=0)] = 24
    """After so long a pair that was handed out and not reviewed goes to somebody else."""
    session_hours: Annotated[float, Field(gt=0)] = 12
    host: str = "127.0.0.1"
    """The address to bind; any other than loopback needs a certificate, or ``behind_proxy``."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8001
    """0 takes a free one."""
    allowed_hosts: tuple[str, ...] = ()
    """Names under which browsers reach this server, beside IP addresses and ``localhost``."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    """A proxy in front of this server speaks HTTPS with the browsers."""
    resamples: Annotated[int, Field(ge=100)] = 2000
    """For the intervals of kappa and alpha."""
    seed: int = 0

    @field_validator("store")
    @classmethod
    def _no_password(cls, store: str) -> str:
        if "://" in store and urlsplit(store).password is not None:
            # Not a ValueError: its sentence would end with the value.
            raise ConfigError("a password stands in 'store'; put it into PGPASSWORD or ~/.pgpass instead")
        return store

    @model_validator(mode="after")
    def _fits(self) -> Self:
        double = [name for name, count in Counter(p.name for p in self.people).items() if count > 1]
        if double:
            raise ValueError(f"'{double[0]}' stands in people twice; a person has one role")
        reviewers = sum(person.role == "reviewer" for person in self.people)
        if reviewers < self.overlap:
            raise ValueError(
                f"{self.overlap} reviews a pair need as many reviewers, and people has {reviewers}"
            )
        self._fits_kind()
        if len({plan.name for plan in self.plans}) < len(self.plans):
            raise ValueError("two plans are of the same records; leave one out")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together; set both or neither")
        if not (self.loopback or self.tls_cert or self.behind_proxy):
            raise ValueError(
                f"host {self.host} can be reached from other machines, and passwords would cross the network "
                "in clear; set tls_cert and tls_key, or behind_proxy=true"
            )
        return self

    def _fits_kind(self) -> None:
        """Refuse settings that say nothing of that kind of batch."""
        if self.kind == "translations":
            if not self.plans:
                raise ValueError("the key 'plans' is missing; say how pairs are chosen, or kind: trial")
            return
        for key in ("plans", "source", "imports", "export"):
            if getattr(self, key):
                raise ValueError(f"'{key}' is for translations; leave it out of a trial")
        adjudicators = [person.name for person in self.people if person.role == "adjudicator"]
        if adjudicators:
            raise ValueError(
                f"a trial has no adjudicator, for nothing is resolved; make '{adjudicators[0]}' a reviewer"
            )

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def passwords_file(self) -> Path:
        """Where first passwords are written."""
        return self.passwords or self.output.with_name(f"{self.output.name}.passwords.txt")

    def judged(self) -> dict[str, object]:
        """What decides which pairs are reviewed and accepted; it may not change once a batch is open."""
        if self.kind == "trial":
            return self.model_dump(mode="json", include={"kind", "input", "overlap"})
        kept = {"input", "source", "plans", "overlap", "limit", "level", "seed"}
        return self.model_dump(mode="json", include=kept)
