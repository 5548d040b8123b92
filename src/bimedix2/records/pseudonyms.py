"""With which key a record's ids were made pseudonyms, so that nobody takes two sets of pseudonyms for one."""

from collections.abc import Iterable

KEYED = "curate:deidentify:key-"
"""Start of the step of ``provenance.steps`` that says so; the key's fingerprint follows."""


def keyed_step(fingerprint: str) -> str:
    """The step of a record whose id, source id, subject and file names are pseudonyms of one key."""
    return f"{KEYED}{fingerprint}"


def key_of(steps: Iterable[str]) -> str:
    """The fingerprint of the key of a record's pseudonyms, of all of them where it has been through several;
    empty where its ids are as its source gave them. Only ids with equal ones can be compared."""
    return "+".join(step.removeprefix(KEYED) for step in steps if step.startswith(KEYED))
