"""What a table can do with its changes: follow them, read those between two states, and keep readers' positions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from lakestore.api.changes_read import Changes
from lakestore.api.consumers import ConsumerRefs
from lakestore.api.context import TableContext
from lakestore.api.predicates import as_predicate
from lakestore.api.stream import PREFETCH_BYTES, ChangeStream
from lakestore.api.times import seconds_millis, timestamp_millis
from lakestore.core.bind import bind
from lakestore.core.options import check_readable
from lakestore.core.stream_start import PLACE_KEYS, parse_start, start_of_options
from lakestore.errors import InvalidInputError
from lakestore.meta.changelogs import Changelogs
from lakestore.meta.consumers import Consumers
from lakestore.meta.tags import Tags
from lakestore.model.checked import checked
from lakestore.model.predicate import Predicate
from lakestore.model.stream import (
    ConsumerMode,
    ExpiredPolicy,
    OverwritePolicy,
    Position,
    Shard,
    Start,
    StartMode,
    Until,
)
from lakestore.read.change_rows import ChangeReader
from lakestore.read.follow import Follower
from lakestore.read.follow_parts import FollowParts, FollowRequest
from lakestore.read.incremental import Between, ChangeMode

StartWords: TypeAlias = str | int | datetime | Mapping[str, Any] | None
"""Where a stream may begin: see ``Table.stream``."""

Word = TypeVar("Word", bound=StrEnum)

POLL_SECONDS = 1.0
"""Wait between looks for a new snapshot, by default."""


class Streamed:
    """The part of a table that deals with changes."""

    _context: TableContext

    @property
    def consumers(self) -> ConsumerRefs:
        """Named reading positions: ``.list()``, ``.get(id)``, ``.reset(id, …)``, ``.delete(id)``, ``.expire(…)``."""
        return ConsumerRefs(self._context)

    @checked
    def stream(  # noqa: PLR0913 - settings that go together as they like, all by keyword
        self,
        start: StartWords = None,
        *,
        consumer: str | None = None,
        consumer_mode: str | None = None,
        ignore_progress: bool | None = None,
        where: "str | Predicate | None" = None,
        select: Sequence[str] | None = None,
        until: "int | str | datetime | Until | None" = None,
        idle_timeout: float | None = None,
        overwrites: str | None = None,
        expired: str = ExpiredPolicy.FAIL,
        poll: float | None = None,
        delay: float | None = None,
        buckets: Collection[int] | None = None,
        shard: tuple[int, int] | None = None,
        prefetch_bytes: int = PREFETCH_BYTES,
    ) -> ChangeStream:
        """Follow the table: its rows, then every change as it is committed. Iterate it, with ``for`` or ``async for``.

        Rows keep the columns that the table has when the stream is opened. With changelog producer ``none`` an update
        is one row, +I or +U, that takes the place of the one before; the other producers tell -U too. With merge
        engines ``partial-update`` and ``aggregation`` the rows of producers ``none`` and ``input`` are parts as they
        were written, for the reader to merge. ``where`` looks at each change by itself.

        Args:
            start: ``"latest-full"`` (all rows, then changes; the default), ``"latest"``, ``"compacted-full"``,
                ``"earliest"``, ``"from-snapshot=7"`` or 7, ``"from-snapshot-full=7"``, ``"from-timestamp=…"`` or a
                ``datetime``, ``"from-tag=v1"``; or a position that ``change.position`` or ``stream.position`` gave.
                Without it as the options ``scan.mode`` and ``scan.…`` say.
            consumer: Name under which the position is kept in the table. Where it has one already the stream goes on
                there, unless ``start`` is a position. What it has not read does not expire.
            consumer_mode: ``"exactly-once"``: the position moves on ``change.ack()``; ``"at-least-once"``: when the
                next change is asked for.
            ignore_progress: Begin at ``start`` in spite of the consumer's position.
            where: Which rows.
            select: Which columns.
            until: Last snapshot (number), ``"latest"`` for that at the time of the call, a time (``datetime``), or
                ``ls.Until(…)``. Without it the stream goes on for ever.
            idle_timeout: End after so many seconds without anything new.
            overwrites: What becomes of commits that replace rows: ``"skip"``, ``"emit"`` (the difference that they
                make), ``"append"`` (only their new rows), ``"fail"``. By default as the options
                ``streaming-read-overwrite`` and ``streaming-read-append-overwrite`` say.
            expired: What becomes of a position that has expired: ``"fail"``, ``"earliest"``, ``"latest-full"``.
            poll: Seconds between looks for a new snapshot.
            delay: Seconds that a snapshot must be old before it is read.
            buckets: Only these buckets.
            shard: ``(i, n)``: only the i-th part, from 0, of n; readers in parallel get disjoint parts of all rows:
                whole buckets, or files of a table without buckets, where all must begin at the same snapshot. Each
                needs a consumer of its own.
            prefetch_bytes: Bytes of changes that are read ahead.

        Raises:
            OutOfRangeError: Now or while reading: what is to be read next has expired; the message names what is left.
            InvalidInputError: An argument makes no sense.
            NotFoundError: There is no such tag or column.
            UnsupportedFormatError: The table cannot be read, or the stream met an overwrite and ``overwrites`` is
                ``"fail"``.
        """
        opened = _Opened.of(self._context, where, select)
        told = opened.context.options.stream
        name = told.consumer if consumer is None else consumer
        begin, positioned = _begin(opened, start)
        ends = _until(until, told.bounded_watermark)
        poll_ms = told.poll_ms or int(POLL_SECONDS * 1000)
        if poll is not None:
            poll_ms = seconds_millis(poll, "stream(poll=")
        if idle_timeout is not None:
            ends = replace(ends, idle_ms=seconds_millis(idle_timeout, "stream(idle_timeout="))
        request = FollowRequest(
            begin=begin,
            where=opened.where,
            overwrites=_overwrites(opened, overwrites),
            expired=_choice(ExpiredPolicy, expired, "expired"),
            until=ends,
            delay_ms=told.delay_ms if delay is None else seconds_millis(delay, "stream(delay="),
            poll_ms=max(poll_ms, 1),
            buckets=None if buckets is None else frozenset(buckets),
            shard=None if shard is None else Shard(index=shard[0], count=shard[1]),
        )
        lag = 1 if request.overwrites is OverwritePolicy.EMIT else 0
        keeper = None if name is None else _Keeper(opened.consumers(), name, lag)
        ignores = told.ignore_progress if ignore_progress is None else ignore_progress
        if keeper is not None and not ignores and not positioned:
            request = keeper.resumed(request)
        follower = Follower(opened.follow_parts(), request)
        first = follower.start()
        if keeper is not None:
            keeper.save(first)
        mode = _choice(ConsumerMode, consumer_mode or told.consumer_mode, "consumer_mode")
        return ChangeStream(
            schema=opened.reader.arrow_schema,
            steps=follower.steps,
            start=first,
            clock=opened.context.env.clock,
            prefetch_bytes=prefetch_bytes,
            save=None if keeper is None else keeper.save,
            ack_on_next=keeper is not None and mode is ConsumerMode.AT_LEAST_ONCE,
        )

    @checked
    def changes(
        self,
        between: tuple[Any, Any] | None = None,
        *,
        mode: str = ChangeMode.AUTO,
        to_auto_tag: str | None = None,
        where: "str | Predicate | None" = None,
        select: Sequence[str] | None = None,
        overwrites: str = OverwritePolicy.FAIL,
    ) -> Changes:
        """The changes between two states of the table, the first excluded and the second included.

        What cannot be told is refused: expired snapshots, overwrites (unless ``overwrites`` says what to do), a
        changelog that was never written.

        Args:
            between: Two snapshot numbers (0 for the empty table), two tags, or two times (``datetime``).
            mode: ``"delta"``: the rows that were written; ``"changelog"``: what the changelog producer recorded;
                ``"diff"``: the difference of the two states, nothing of what came and went in between; ``"auto"``:
                diff between tags, else changelog where there is a producer and delta where there is none.
            to_auto_tag: Instead of ``between``: an automatic tag; from the automatic tag before it.
            where: Which rows.
            select: Which columns.
            overwrites: As in ``stream``, for modes delta and changelog.

        Raises:
            OutOfRangeError: A snapshot in between has expired.
            NotFoundError: There is no such snapshot or tag.
            InvalidInputError: The two states are not in order, or the mode does not fit the table.
        """
        opened = _Opened.of(self._context, where, select)
        request = FollowRequest(
            begin=Start(), where=opened.where, overwrites=_choice(OverwritePolicy, overwrites, "overwrites")
        )
        found = Between(opened.follow_parts(), request, millis_of=timestamp_millis)
        chosen = _choice(ChangeMode, mode, "mode")
        if (between is None) == (to_auto_tag is None):
            raise InvalidInputError("changes() takes exactly one of between= and to_auto_tag=")
        if to_auto_tag is not None:
            return Changes(opened.reader.arrow_schema, found.to_auto_tag(to_auto_tag))
        if not isinstance(between, tuple | list) or len(between) != 2:
            raise InvalidInputError(f"between={between!r}: expected two states, such as (3, 9) or ('v1', 'v2')")
        return Changes(opened.reader.arrow_schema, found.resolve(between[0], between[1], chosen))


@dataclass(frozen=True, slots=True)
class _Opened:
    """A table opened for reading changes."""

    context: TableContext
    reader: ChangeReader
    where: Predicate | None

    @classmethod
    def of(cls, context: TableContext, where: "str | Predicate | None", select: Sequence[str] | None) -> "_Opened":
        context = context.at_latest()[0]
        stored = context.schema.options
        schema = replace(context.schema, options={key: stored[key] for key in stored if key not in PLACE_KEYS})
        check_readable(schema)
        columns = tuple(schema.names if select is None else select)
        schema.select(columns)
        predicate = as_predicate(where)
        reader = ChangeReader(
            parts=context.scan_parts(),
            schema=schema,
            options=context.options,
            columns=columns,
            where=None if predicate is None else bind(predicate, schema.fields),
        )
        return cls(context, reader, predicate)

    def follow_parts(self) -> FollowParts:
        context = self.context
        return FollowParts(
            reader=self.reader,
            snapshots=context.snapshots,
            changelogs=Changelogs(context.store, context.paths),
            tags=Tags(context.store, context.paths),
        )

    def consumers(self) -> Consumers:
        context = self.context
        return Consumers(context.store, context.paths, clock=context.env.clock)


@dataclass(frozen=True, slots=True)
class _Keeper:
    """Keeps one consumer's position.

    Attributes:
        consumers: The table's consumers.
        name: Its name.
        lag: Snapshots before the next one that are still needed: what an overwrite replaced is told by the one before.
    """

    consumers: Consumers
    name: str
    lag: int = 0

    def resumed(self, request: FollowRequest) -> FollowRequest:
        """The request, beginning where the consumer stands if it stands anywhere."""
        found = self.consumers.get(self.name)
        if found is None:
            return request
        position = Position(next_snapshot=found.next_snapshot)
        if found.position is not None:
            kept = Position.from_dict(found.position)
            position = kept if kept.next_snapshot - found.next_snapshot in {0, 1} else position
        return replace(request, begin=position)

    def save(self, position: Position) -> None:
        """Move the consumer."""
        needed = position.next_snapshot if position.full else max(position.next_snapshot - self.lag, 1)
        self.consumers.put(self.name, needed, position=position.to_dict())


def _begin(opened: _Opened, start: StartWords) -> tuple[Start | Position, bool]:
    """Where to begin, and whether that is a position."""
    match start:
        case None:
            return start_of_options(opened.context.schema.options, timestamp_millis), False
        case str():
            return parse_start(start, timestamp_millis), False
        case bool():
            pass
        case int():
            return parse_start(f"{StartMode.FROM_SNAPSHOT}={start}", timestamp_millis), False
        case datetime():
            return Start(mode=StartMode.FROM_TIMESTAMP, timestamp_ms=timestamp_millis(start)), False
        case Mapping():
            return Position.from_dict(start), True
    raise InvalidInputError(
        f"start is a {type(start).__name__}: expected words such as 'latest-full', a snapshot number, a datetime or a"
        " position"
    )


def _until(until: "int | str | datetime | Until | None", watermark: int | None) -> Until:
    match until:
        case None:
            return Until(watermark=watermark)
        case Until():
            return until if until.watermark is not None else replace(until, watermark=watermark)
        case "latest":
            return Until(snapshot=-1, watermark=watermark)
        case datetime():
            return Until(timestamp_ms=timestamp_millis(until), watermark=watermark)
        case int() if not isinstance(until, bool) and until > 0:
            return Until(snapshot=until, watermark=watermark)
    raise InvalidInputError(f"until={until!r}: expected a snapshot number, 'latest', a datetime or ls.Until(…)")


def _overwrites(opened: _Opened, word: str | None) -> OverwritePolicy:
    if word is not None:
        return _choice(OverwritePolicy, word, "overwrites")
    told = opened.context.options.stream
    if opened.context.schema.primary_keys:
        return OverwritePolicy.EMIT if told.overwrites else OverwritePolicy.SKIP
    return OverwritePolicy.APPEND if told.overwrites or told.append_overwrites else OverwritePolicy.SKIP


def _choice(words: type[Word], word: str, argument: str) -> Word:
    try:
        return words(word)
    except ValueError as error:
        raise InvalidInputError(f"{argument}={word!r}: expected one of {', '.join(words)}") from error
