"""One writer's life: rows in, one commit out.

1. Rows are fitted to the schema, routed to buckets, and flushed to files as the buffer fills (``write.TableWriter``).
2. ``commit`` closes the files and hands them to the committer under a commit user of its own.
3. If another writer committed to the same bucket first, the files get later sequence numbers (``data.renumber``):
   of two rows with one key the one that is committed last is the newer, for every reader.
4. A writer that is left without a commit, or whose commit was refused for certain, removes the files it wrote. After
   an outcome that nobody can know nothing is removed.
5. After the commit, what it made due is compacted, unless ``write-only`` is set: in the background
   (``compact_beside``), or before the call returns where the table's options ask for that (``compact_after``).

Invariant: no file that a snapshot may name is ever deleted here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.filter import mask
from lakestore.core.ingest import to_schema
from lakestore.core.options import check_writable
from lakestore.core.where_text import to_text
from lakestore.data.file_writer import WriteParts
from lakestore.data.renumber import renumbered
from lakestore.env import Env
from lakestore.errors import ConflictError, ErrorKind, InvalidInputError, LakestoreError
from lakestore.maintain.compact_after import Landed, compact_after
from lakestore.maintain.compact_ahead import ChangelogsAhead
from lakestore.maintain.compact_beside import Beside, beside
from lakestore.maintain.compact_parts import CompactParts
from lakestore.maintain.old_files import refuse_lost
from lakestore.maintain.partitions import bound_to_partitions, of_values
from lakestore.meta.commit import Committer
from lakestore.meta.sequences import BucketSequences
from lakestore.model.message import CommitMessage, CommitRequest, CommitResult, Overwrite
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Predicate, Value
from lakestore.model.rows import RowKind
from lakestore.model.schema import TableSchema
from lakestore.write.kinds import Kinded, repeated
from lakestore.write.table_writer import TableWriter

RENUMBERINGS_MAX = 1000
"""How often other writers may come first; each time means that one of them made progress."""

DYNAMIC = "dynamic"
WHOLE_TABLE = "table"


@dataclass(kw_only=True)
class WriteSession:
    """Takes rows and makes them visible in one commit; one use.

    Attributes:
        schema: Schema that the rows are written in.
        options: Its options.
        env: Clock and ids.
        writer: Makes the files.
        committer: Makes the snapshot.
        sequences: The sequence numbers that ``writer`` goes on from.
        parts: The table, for writing files again.
        compaction: The table, for compacting it after the commit.
        name: What messages call the table.
        beside: The table's compaction in the background.
        ahead: Makes changelogs while files are written; None where that is not to be.
        after_commit: What is to be done once the commit has landed and is compacted: expiry. It must not raise.
    """

    schema: TableSchema
    options: TableOptions
    env: Env
    writer: TableWriter
    committer: Committer
    sequences: BucketSequences
    parts: WriteParts
    compaction: CompactParts
    name: str
    beside: Beside
    ahead: ChangelogsAhead | None = None
    after_commit: Callable[[CommitResult], None] = lambda _: None
    _overwrite: Overwrite | None = None
    _scope: Predicate | None = None
    _finished: bool = False
    _rows_seen: int = field(default=0)
    _spent: float = field(default=0.0)

    def __post_init__(self) -> None:
        check_writable(self.schema)

    def add(self, batches: Iterable[Kinded]) -> None:
        """Take batches of rows with their kinds, as ``write.kinds.with_kinds`` makes them.

        Raises:
            InvalidInputError: A row does not fit the schema, the scope of the overwrite or the merge engine.
        """
        for rows, kinds in batches:
            self.add_rows(rows, kinds)

    def add_rows(self, rows: pa.Table, kinds: pa.Array | RowKind | None = None) -> None:
        """Take one batch of rows, with their kinds as int8 or all of one kind; raises as ``add``."""
        self._require_open()
        started = self.env.clock.monotonic()
        self.beside.stir()
        if isinstance(kinds, RowKind):
            kinds = repeated(kinds, rows.num_rows)
        first = self._rows_seen
        self._rows_seen += rows.num_rows
        if self._scope is not None:
            rows = to_schema(rows, self.schema.fields, keys=self.schema.primary_keys, first_row=first)
            self._check_scope(rows, self._scope)
        self.writer.write(rows, kinds, first_row=first)
        self._spent += self.env.clock.monotonic() - started

    def replace(self, *, where: "Predicate | Mapping[str, Value] | None", mode: str | None) -> None:
        """Make this commit an overwrite.

        Args:
            where: Which partitions go: a predicate on partition columns, or their values.
            mode: Without ``where``: ``dynamic`` (the partitions touched) or ``table`` (everything).

        Raises:
            InvalidInputError: The predicate looks at other columns, or the mode is unknown.
        """
        self._require_open()
        keys = self.schema.partition_keys
        if where is not None:
            if mode is not None:
                raise InvalidInputError("overwrite() takes where= or mode=, not both")
            predicate = of_values(where) if isinstance(where, Mapping) else where
            self._scope = bound_to_partitions(predicate, self.schema, verb="overwrite")
            self._overwrite = Overwrite(where=self._scope)
            return
        if mode is None:
            mode = DYNAMIC if keys and self.options.dynamic_partition_overwrite else WHOLE_TABLE
        if mode not in {DYNAMIC, WHOLE_TABLE}:
            raise InvalidInputError(f"overwrite mode {mode!r}: expected {DYNAMIC!r} or {WHOLE_TABLE!r}")
        self._overwrite = Overwrite(dynamic=mode == DYNAMIC and bool(keys))

    def _check_scope(self, rows: pa.Table, scope: Predicate) -> None:
        inside = pc.fill_null(mask(scope, rows), fill_value=False)
        if not pc.all(inside, min_count=0).as_py():
            keys = list(self.schema.partition_keys)
            first = rows.select(keys).filter(pc.invert(inside)).slice(0, 1)
            named = ", ".join(f"{name}={first[name][0]}" for name in keys)
            wanted = to_text(scope, self.schema.fields)
            raise InvalidInputError(f"a row with {named} lies outside the partitions being overwritten ({wanted})")

    def commit(self, *, operation: str = "WRITE") -> CommitResult:
        """Make everything taken so far visible in one commit; the session is over then.

        Raises:
            ConflictError: It does not fit on what others committed; nothing is visible, the files are removed.
            CommitUnknownError: Nobody can know whether it landed; nothing is removed.
        """
        self._require_open()
        if self.ahead is None:
            return self._commit(operation)
        try:
            return self._commit(operation)
        finally:
            self.ahead.close()

    def _commit(self, operation: str) -> CommitResult:
        started = self.env.clock.monotonic()
        self.beside.stir()
        # What an overwrite takes away does not count as what was there before.
        ahead = self.ahead if self._overwrite is None else None
        messages = self.writer.prepare(None if ahead is None else ahead.begin)
        self.beside.stir()
        self._finished = True
        request = CommitRequest(
            user=self.env.new_id(),
            messages=messages,
            base_snapshot=self.sequences.base_snapshot,
            overwrite=self._overwrite,
            operation=operation if self._overwrite is None else "OVERWRITE",
            schema_id=self.schema.id,
            allow_empty=self.options.commit.ignore_empty is False,
        )
        try:
            refuse_lost(self.parts, messages, name=self.name)
        except LakestoreError:
            self.writer.discard(messages)
            raise
        for _ in range(RENUMBERINGS_MAX):
            try:
                result = self.committer.commit(request)
            except (ConflictError, InvalidInputError) as error:
                if error.kind is not ErrorKind.SEQUENCE_TAKEN:
                    self.writer.discard(request.messages)
                    raise
            else:
                self._spent += self.env.clock.monotonic() - started
                return self.finished(request, result)
            request = self._after_the_others(request)
        self.writer.discard(request.messages)
        raise ConflictError(
            f"{self.name}: other writers committed to the same buckets first, {RENUMBERINGS_MAX} times in a row; "
            "nothing was committed: try again",
            kind=ErrorKind.RETRIES_EXHAUSTED,
        )

    def finished(self, request: CommitRequest, result: CommitResult) -> CommitResult:
        """What is due after a commit that landed: compaction, then ``after_commit``. What it came to with that."""
        result = self._compacted(request, result)
        self.after_commit(result)
        return result

    def _compacted(self, request: CommitRequest, result: CommitResult) -> CommitResult:
        """What the commit came to once what it made due is compacted, which it may be without."""
        if self.options.write.write_only:
            return result
        landed = Landed(request=request, result=result, live_before=self.sequences.live)
        if self.env.background and beside(self.options) is not None:
            if not self.schema.primary_keys:
                return self.beside.append_after(self.compaction, landed)
            return self.beside.compact_after(self.compaction, landed, spent=self._spent)
        result = compact_after(self.compaction, landed)
        if self.env.background and self.schema.primary_keys and self.options.settles:
            self.beside.settle_after(self.compaction, replace(landed, result=result))
        return result

    def _after_the_others(self, request: CommitRequest) -> CommitRequest:
        """The request numbered later; the files of the one before go."""
        try:
            return self.numbered_later(request)
        finally:
            self.writer.discard(request.messages)

    def numbered_later(self, request: CommitRequest) -> CommitRequest:
        """The same request with its rows, written again, numbered after all that is committed by now."""
        self.sequences.forget()
        messages: list[CommitMessage] = []
        first: dict[tuple[bytes, int], int] = {}
        try:
            for message in request.messages:
                place = (message.partition, message.bucket)
                first.setdefault(place, self.sequences(*place) + 1)
                again = renumbered(self.parts, message, first=first[place])
                messages.append(again)
                first[place] = 1 + max(file.max_sequence for file in (*again.new_files, *again.changelog_files))
        except BaseException:
            self.writer.discard(messages)
            raise
        return replace(request, messages=tuple(messages), base_snapshot=self.sequences.base_snapshot)

    def abort(self) -> None:
        """Throw everything away and remove the files written; nothing happens after a commit."""
        if not self._finished:
            self._finished = True
            self.writer.abort()

    def _require_open(self) -> None:
        if self._finished:
            raise InvalidInputError("this writer has committed or was closed: open another with table.writer()")
