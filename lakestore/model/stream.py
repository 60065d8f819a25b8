"""Streaming reads: where one begins, how far it is, what it does with commits that replace rows, and where it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.checked import check_fields

POSITION_VERSION = 1
"""Version of the text form of a position; also rises when the order of rows within one snapshot changes."""


class StartMode(StrEnum):
    """Where a streaming read begins. Most values are those of the option ``scan.mode``."""

    LATEST_FULL = "latest-full"
    LATEST = "latest"
    COMPACTED_FULL = "compacted-full"
    EARLIEST = "earliest"
    FROM_SNAPSHOT = "from-snapshot"
    FROM_SNAPSHOT_FULL = "from-snapshot-full"
    FROM_TIMESTAMP = "from-timestamp"
    FROM_TAG = "from-tag"


class OverwritePolicy(StrEnum):
    """What becomes of a commit of kind OVERWRITE."""

    SKIP = "skip"
    """Nothing is read, as other engines do by default."""
    EMIT = "emit"
    """The rows replaced are taken back, the new ones inserted."""
    APPEND = "append"
    """Only the new rows are inserted."""
    FAIL = "fail"
    """The reader stops with an error."""


class ExpiredPolicy(StrEnum):
    """What becomes of a reader whose next snapshot is gone."""

    FAIL = "fail"
    EARLIEST = "earliest"
    """Goes on with the earliest snapshot that is left; changes between are lost to it."""
    LATEST_FULL = "latest-full"
    """Begins anew with all rows of the latest snapshot."""


class ConsumerMode(StrEnum):
    """When a consumer's position moves: on ``ack``, or when the next change is asked for."""

    EXACTLY_ONCE = "exactly-once"
    AT_LEAST_ONCE = "at-least-once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a streaming read begins.

    Attributes:
        mode: The way.
        snapshot_id: For the modes that name a snapshot; -1 stands for the latest at that time.
        timestamp_ms: For ``from-timestamp``: epoch milliseconds.
        tag: For ``from-tag``.
    """

    mode: StartMode = StartMode.LATEST_FULL
    snapshot_id: int | None = None
    timestamp_ms: int | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Where a streaming read ends; the first bound that is reached counts. Without any it never ends.

    Attributes:
        snapshot: Last snapshot that is read; -1 stands for the latest when the read begins.
        timestamp_ms: Commits after this time (epoch milliseconds) are not read.
        watermark: A snapshot whose watermark is above this is not read.
        idle_ms: End after this long without anything new.
    """

    snapshot: int | None = None
    timestamp_ms: int | None = None
    watermark: int | None = None
    idle_ms: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a streaming read is.

    Attributes:
        next_snapshot: The snapshot to go on with.
        full: Whether all rows of that snapshot are wanted, not its changes.
        rows: How many of these rows or changes were handed out already.
        tag: The tag that keeps that snapshot, when the read began at a tag.
        request: Mark of what was asked for; ``rows`` counts only under the same request.
        after: Mark of the snapshot before, by which a table that was rolled back or made anew is noticed.
    """

    next_snapshot: int
    full: bool = False
    rows: int = 0
    tag: str | None = None
    request: int | None = None
    after: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The position as a JSON object."""
        told: dict[str, Any] = {"version": POSITION_VERSION, "next_snapshot": self.next_snapshot}
        if self.full:
            told["full"] = True
        for name in ("rows", "tag", "request", "after"):
            value = getattr(self, name)
            if value:
                told[name] = value
        return told

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "Position":
        """The position that such an object stands for.

        Raises:
            InvalidInputError: It is no position.
            UnsupportedFormatError: A newer release made it.
        """
        version = told.get("version")
        if isinstance(version, int) and version > POSITION_VERSION:
            raise UnsupportedFormatError(
                f"position of version {version}: this release reads up to {POSITION_VERSION}; upgrade LakeStore",
                kind=ErrorKind.UNSUPPORTED_VERSION,
            )
        kinds = {"full": bool, "rows": int, "tag": str, "request": int, "after": str}
        right = all(name not in told or type(told[name]) is kind for name, kind in kinds.items())
        following = told.get("next_snapshot")
        if version != POSITION_VERSION or type(following) is not int or not right or following < 1:
            raise InvalidInputError(
                f"{dict(told)!r} is no position: expected what `change.position` or `stream.position` gave, such as"
                f' {{"version": {POSITION_VERSION}, "next_snapshot": 7}}'
            )
        return cls(next_snapshot=following, **{name: told[name] for name in kinds if name in told})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of several readers that share a stream: every bucket, or file of a table without buckets, belongs to one.

    Attributes:
        index: Which, from 0.
        count: How many there are.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise InvalidInputError(f"shard {self.index} of {self.count}: expected 0 to count - 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """What a table's options say about streaming reads.

    Attributes:
        consumer: Option ``consumer-id``.
        ignore_progress: Option ``consumer.ignore-progress``.
        consumer_mode: Option ``consumer.mode``.
        bounded_watermark: Option ``scan.bounded.watermark``.
        overwrites: Option ``streaming-read-overwrite``.
        append_overwrites: Option ``streaming-read-append-overwrite``.
        delay_ms: Option ``streaming.read.snapshot.delay``.
        poll_ms: Option ``continuous.discovery-interval``; None when it is not set.
    """

    consumer: str | None = None
    ignore_progress: bool = False
    consumer_mode: ConsumerMode = ConsumerMode.EXACTLY_ONCE
    bounded_watermark: int | None = None
    overwrites: bool = False
    append_overwrites: bool = False
    delay_ms: int = 0
    poll_ms: int | None = None
