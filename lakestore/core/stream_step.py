"""What a streaming read does with the next snapshot. Pure.

With changelog producer ``none`` the changes of an APPEND snapshot are the rows of its fresh files, with their row
kinds; COMPACT snapshots change no row. With any other producer they are what the snapshot's changelog list names,
whatever the kind of the snapshot: APPEND carries it for ``input``, COMPACT for ``lookup`` and ``full-compaction``.

The full phase and the changes that follow must add up to the table: rows whose change is still to come are left out
of the full phase. So with ``lookup`` it reads the levels above 0, with ``full-compaction`` the highest level only.
"""

from enum import Enum

from lakestore.errors import UnsupportedFormatError
from lakestore.model.rows import ChangelogProducer
from lakestore.model.snapshot import CommitKind, Snapshot
from lakestore.model.stream import OverwritePolicy, Until


class Source(Enum):
    """Where the changes of a snapshot are found."""

    NOTHING = "nothing"
    DELTA = "delta"
    CHANGELOG = "changelog"
    REPLACED = "replaced"
    """Of an overwrite: the difference between the state before and after."""


class Place(Enum):
    """How the next snapshot stands to those that are left."""

    THERE = "there"
    COMING = "coming"
    EXPIRED = "expired"
    BEYOND = "beyond"
    """Later than the one after the latest: the table was rolled back or made anew."""


def source_of(snapshot: Snapshot, *, producer: ChangelogProducer, overwrites: OverwritePolicy) -> Source:
    """Where the changes of a snapshot are found.

    Raises:
        UnsupportedFormatError: It is an overwrite and the policy is to fail.
    """
    if snapshot.commit_kind is CommitKind.OVERWRITE:
        if overwrites is OverwritePolicy.FAIL:
            raise UnsupportedFormatError(
                f"snapshot {snapshot.id} is an overwrite ({snapshot.operation or 'no word on why'}): its changes are"
                " not told one by one. Choose what becomes of it: overwrites='emit' for the difference it makes,"
                " 'append' for its new rows alone, 'skip' for nothing"
            )
        if overwrites is OverwritePolicy.EMIT:
            return Source.REPLACED
        if overwrites is OverwritePolicy.APPEND:
            return Source.DELTA
    if producer is not ChangelogProducer.NONE:
        return Source.NOTHING if snapshot.changelog_manifest_list is None else Source.CHANGELOG
    return Source.DELTA if snapshot.commit_kind is CommitKind.APPEND else Source.NOTHING


def least_level(producer: ChangelogProducer, *, top: int) -> int:
    """The lowest level whose rows the changes so far have told.

    Args:
        producer: The table's changelog producer.
        top: The table's highest level.
    """
    return {ChangelogProducer.LOOKUP: 1, ChangelogProducer.FULL_COMPACTION: top}.get(producer, 0)


def place_of(following: int, *, earliest: int | None, latest: int | None) -> Place:
    """How the snapshot of that number stands to the earliest and the latest that exist, None for none."""
    if earliest is None or latest is None:
        return Place.COMING if following == 1 else Place.BEYOND
    if following < earliest:
        return Place.EXPIRED
    if following <= latest:
        return Place.THERE
    return Place.COMING if following == latest + 1 else Place.BEYOND


def ends_before(until: Until, snapshot: Snapshot) -> bool:
    """Whether a bounded read ends without that snapshot's changes."""
    return (
        (until.snapshot is not None and snapshot.id > until.snapshot)
        or (until.timestamp_ms is not None and snapshot.time_millis > until.timestamp_ms)
        or (until.watermark is not None and snapshot.watermark is not None and snapshot.watermark > until.watermark)
    )


def ends_at(until: Until, following: int) -> bool:
    """Whether a bounded read ends before the snapshot of that number is even looked for."""
    return until.snapshot is not None and following > until.snapshot


def ends_idle(until: Until, *, now_ms: int, idle_ms: float) -> bool:
    """Whether a bounded read ends where nothing is left to read.

    Args:
        until: The bounds.
        now_ms: The time now; commits to come are later.
        idle_ms: Milliseconds since there was something to read.
    """
    if until.idle_ms is not None and idle_ms >= until.idle_ms:
        return True
    return until.timestamp_ms is not None and now_ms > until.timestamp_ms
