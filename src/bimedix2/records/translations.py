"""What ``meta.translation`` says of a translated record, for the rooms that must not take it on trust."""

from collections.abc import Mapping
from typing import Any

from bimedix2.records.record import Record


def failed_checks(record: Record) -> tuple[str, ...]:
    """Names of the checks that a translation fails and that no reviewer has looked at; empty for others."""
    return failed_in(record.meta)


def failed_in(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """The same of a record's ``meta``, for who reads columns and no records."""
    said = meta.get("translation")
    if not isinstance(said, dict) or "review" in meta:
        return ()
    failed = said.get("failed")
    return tuple(str(name) for name in failed) if isinstance(failed, list) else ()
