"""Changes between two states of a table, as a bounded read.

1. The two states are named by snapshot numbers, tags or times; the first is excluded, the second included.
2. ``delta`` and ``changelog`` read the snapshots in between one by one, as a stream would; each must still be there,
   in ``snapshot/`` or in ``changelog/``.
3. ``diff`` compares the two states, which may be tags whose snapshots are long gone. Of an append table it compares
   files, which tells rows only as long as no compaction wrote them anew.

Invariant: what cannot be told exactly is refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from lakestore.core.auto_tag import TagCalendar
from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError, OutOfRangeError, UnsupportedFormatError
from lakestore.meta.scan import snapshot_entries
from lakestore.model.datafile import FileSource
from lakestore.model.rows import ChangelogProducer, RowKind
from lakestore.model.snapshot import Snapshot
from lakestore.read.follow_line import SnapshotLine
from lakestore.read.follow_parts import FollowParts, FollowRequest
from lakestore.read.follow_rows import SnapshotRows
from lakestore.read.plan import refuse_deletion_vectors
from lakestore.read.state_diff import StateDiff

Read = Callable[[], Iterator[pa.RecordBatch]]
MillisOf = Callable[[object], int]


class ChangeMode(StrEnum):
    """What counts as a change. The values are those of ``incremental-between-scan-mode``."""

    AUTO = "auto"
    DELTA = "delta"
    CHANGELOG = "changelog"
    DIFF = "diff"


@dataclass(frozen=True, slots=True)
class _State:
    """A state of the table: a snapshot's number, and its tag where one was named."""

    number: int
    tagged: Snapshot | None = None


class Between:
    """Reads what lies between two states.

    Args:
        parts: The open table.
        request: Predicate, and what becomes of overwrites.
        millis_of: Reads a point in time.
    """

    def __init__(self, parts: FollowParts, request: FollowRequest, *, millis_of: MillisOf) -> None:
        self._parts = parts
        self._request = request
        self._millis_of = millis_of
        self._name = parts.reader.parts.name

    def resolve(self, start: object, end: object, mode: ChangeMode) -> Read:
        """What reads the changes from one state to another.

        Args:
            start: Snapshot number, tag or time; excluded.
            end: The same; included.
            mode: What counts as a change.

        Raises:
            InvalidInputError: The states are not in order, or the mode does not fit the table.
            NotFoundError: There is no such snapshot or tag.
            OutOfRangeError: A snapshot in between has expired.
        """
        first, last = self._states(start, end)
        if first.number > last.number:
            raise InvalidInputError(
                f"changes between {start!r} (snapshot {first.number}) and {end!r} (snapshot {last.number}): expected"
                " the earlier one first"
            )
        producer = self._parts.reader.options.merge.changelog_producer
        if mode is ChangeMode.AUTO:
            by_tags = first.tagged is not None and last.tagged is not None
            told = ChangeMode.DELTA if producer is ChangelogProducer.NONE else ChangeMode.CHANGELOG
            mode = ChangeMode.DIFF if by_tags else told
        if mode is ChangeMode.DIFF:
            return self._diff(first, last)
        if mode is ChangeMode.CHANGELOG and producer is ChangelogProducer.NONE:
            raise InvalidInputError(
                f"table {self._name} has no changelog (option changelog-producer is none): use mode delta for the"
                " rows written or mode diff for the difference of the two states"
            )
        return self._one_by_one(
            first.number, last.number, ChangelogProducer.NONE if mode is ChangeMode.DELTA else producer
        )

    def to_auto_tag(self, name: str) -> Read:
        """What reads the difference from the automatic tag before that one.

        Raises:
            NotFoundError: There is no such tag, or none before it.
            InvalidInputError: It is the name of no automatic tag.
        """
        calendar = TagCalendar(self._parts.reader.options.tags)
        period = calendar.period_of(name)
        if period is None:
            raise InvalidInputError(
                f"{name!r} is not the name of an automatic tag of table {self._name}; name the two tags to compare"
            )
        last = self._parts.tags.get(name)
        periods = {calendar.period_of(other): other for other in self._parts.tags.names()}
        earlier = [(when, other) for when, other in periods.items() if when is not None and when < period]
        if not earlier:
            raise NotFoundError(
                f"table {self._name} has no automatic tag before {name!r}, so there is nothing to compare it with",
                kind=ErrorKind.TAG_NOT_FOUND,
            )
        first = self._parts.tags.get(max(earlier)[1])
        return self._diff(_State(first.snapshot.id, first.snapshot), _State(last.snapshot.id, last.snapshot))

    def _states(self, start: object, end: object) -> tuple[_State, _State]:
        if isinstance(start, datetime) and isinstance(end, datetime):
            return self._at_start_time(start), _State(self._at_time(end))
        return self._state(start), self._state(end)

    def _state(self, named: object) -> _State:
        if isinstance(named, int) and not isinstance(named, bool) and named >= 0:
            return _State(named)
        if isinstance(named, str):
            tag = self._parts.tags.get_or_none(named)
            if tag is not None:
                return _State(tag.snapshot.id, tag.snapshot)
            if named.isdigit():
                return _State(int(named))
            self._parts.tags.get(named)
        raise InvalidInputError(
            f"changes between two states: {named!r} is none; expected snapshot numbers (0 for the empty table), tags,"
            " or a time at both ends"
        )

    def _at_start_time(self, moment: datetime) -> _State:
        try:
            return _State(self._at_time(moment))
        except NotFoundError as error:
            earliest = self._parts.snapshots.earliest_id()
            if earliest == 1:
                return _State(0)
            raise OutOfRangeError(f"{error.message}; changes since then may have expired", earliest=earliest) from error

    def _at_time(self, moment: datetime) -> int:
        return self._parts.snapshots.at_timestamp(self._millis_of(moment)).id

    def _one_by_one(self, first: int, last: int, producer: ChangelogProducer) -> Read:
        reader = self._parts.reader
        merge = replace(reader.options.merge, changelog_producer=producer)
        parts = replace(self._parts, reader=replace(reader, options=replace(reader.options, merge=merge)))
        line = SnapshotLine(parts)
        rows = SnapshotRows(parts, self._request, line)
        snapshots = [self._must_be_there(number) for number in range(first + 1, last + 1)]
        for snapshot in snapshots:
            rows.check(snapshot)

        def read() -> Iterator[pa.RecordBatch]:
            for snapshot in snapshots:
                yield from rows.changes(snapshot)

        return read

    def _must_be_there(self, number: int) -> Snapshot:
        found = self._parts.snapshots.find(number) or self._parts.changelogs.find(number)
        if found is None:
            raise self._not_there(number)
        return found

    def _not_there(self, number: int) -> OutOfRangeError:
        ids = self._parts.snapshots.ids()
        there = f"there are snapshots {ids[0]} to {ids[-1]}" if ids else "there is no snapshot"
        why = (
            "it has expired, so its changes cannot be told; between tags use mode diff, and a consumer keeps its"
            " snapshots from expiring"
            if ids and number < ids[0]
            else "it is still to come"
        )
        return OutOfRangeError(
            f"table {self._name} has no snapshot {number}: {why}; {there}",
            position=number,
            earliest=min(ids, default=None),
            latest=max(ids, default=None),
        )

    def _snapshot(self, state: _State) -> Snapshot | None:
        if state.tagged is not None:
            return state.tagged
        return None if state.number == 0 else self._parts.snapshots.get(state.number)

    def _diff(self, first: _State, last: _State) -> Read:
        before, after = self._snapshot(first), self._snapshot(last)
        if after is None or first.number == last.number:
            return lambda: iter(())
        if self._parts.reader.schema.primary_keys:
            return lambda: StateDiff(reader=self._parts.reader).changes(before, after)
        return self._file_diff(before, after)

    def _file_diff(self, before: Snapshot | None, after: Snapshot) -> Read:
        reader = self._parts.reader
        manifests = reader.parts.manifests
        for snapshot in (before, after):
            if snapshot is not None:
                refuse_deletion_vectors(reader.parts, snapshot)
        old = {} if before is None else {entry.id: entry for entry in snapshot_entries(manifests, before)}
        new = {entry.id: entry for entry in snapshot_entries(manifests, after)}
        gone = [entry for key, entry in old.items() if key not in new]
        come = [entry for key, entry in new.items() if key not in old]
        if gone and any(entry.file.source is not FileSource.APPEND for entry in come):
            raise UnsupportedFormatError(
                f"table {self._name} has no key, and a compaction between the two states wrote rows anew, so that their"
                " difference cannot be told from the files: use mode delta"
            )

        def read() -> Iterator[pa.RecordBatch]:
            yield from reader.of_files(gone, snapshot_id=after.id, kind=RowKind.DELETE)
            yield from reader.of_files(come, snapshot_id=after.id, kind=RowKind.INSERT)

        return read
