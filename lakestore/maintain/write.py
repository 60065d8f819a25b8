"""One writer's life: rows in, one commit out.

1. Rows are fitted to the schema, routed to buckets, and flushed to files as the buffer fills (``write.TableWriter``).
2. ``commit`` closes the files and hands them to the committer under a commit user of its own.
3. If another writer committed to the same bucket first, the files get later sequence numbers (``data.renumber``):
   of two rows with one key the one that is committed last is the newer, for every reader.
4. A writer that is left without a commit, or whose commit was refused for certain, removes the files it wrote. After
   an outcome that nobody can know nothing is removed.

Invariant: no file that a snapshot may name is ever deleted here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.bind import bind
from lakestore.core.filter import mask
from lakestore.core.ingest import to_schema
from lakestore.core.options import check_writable
from lakestore.core.where_text import to_text
from lakestore.data.file_writer import WriteParts
from lakestore.data.renumber import renumbered
from lakestore.env import Env
from lakestore.errors import ConflictError, ErrorKind, InvalidInputError
from lakestore.meta.commit import Committer
from lakestore.meta.sequences import BucketSequences
from lakestore.model.message import CommitRequest, CommitResult, Overwrite
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Compare, CompareOp, IsNull, Predicate, Value, all_of, columns_of
from lakestore.model.rows import RowKind
from lakestore.model.schema import TableSchema
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
        name: What messages call the table.
    """

    schema: TableSchema
    options: TableOptions
    env: Env
    writer: TableWriter
    committer: Committer
    sequences: BucketSequences
    parts: WriteParts
    name: str
    _overwrite: Overwrite | None = None
    _scope: Predicate | None = None
    _finished: bool = False
    _rows_seen: int = field(default=0)

    def __post_init__(self) -> None:
        check_writable(self.schema)

    def add(self, batches: Iterable[pa.Table], kind: RowKind = RowKind.INSERT) -> None:
        """Take batches of rows of one kind.

        Raises:
            InvalidInputError: A row does not fit the schema, or the scope of the overwrite.
        """
        if kind is not RowKind.INSERT and not self.schema.primary_keys:
            raise InvalidInputError(
                f"{self.name} has no primary key, so it takes only inserted rows; to remove rows overwrite their "
                "partitions"
            )
        for batch in batches:
            self.add_rows(batch, kind)

    def add_rows(self, rows: pa.Table, kind: RowKind = RowKind.INSERT) -> None:
        """Take one batch of rows of one kind; raises as ``add``."""
        self._require_open()
        first = self._rows_seen
        self._rows_seen += rows.num_rows
        if self._scope is not None:
            rows = to_schema(rows, self.schema.fields, keys=self.schema.primary_keys, first_row=first)
            self._check_scope(rows, self._scope)
        kinds = None if kind is RowKind.INSERT else pa.repeat(pa.scalar(int(kind), pa.int8()), rows.num_rows)
        self.writer.write(rows, kinds, first_row=first)

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
            predicate = _of_mapping(where) if isinstance(where, Mapping) else where
            others = sorted(columns_of(predicate) - set(keys)) if predicate is not None else []
            if others:
                raise InvalidInputError(
                    f"overwrite(where=…) chooses whole partitions, so it may look at partition columns only "
                    f"({', '.join(keys) or 'this table has none'}), not at {', '.join(others)}",
                    kind=ErrorKind.INVALID_PREDICATE,
                )
            self._scope = None if predicate is None else bind(predicate, self.schema.select(keys))
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
        messages = self.writer.prepare()
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
        for _ in range(RENUMBERINGS_MAX):
            try:
                return self.committer.commit(request)
            except (ConflictError, InvalidInputError) as error:
                if error.kind is not ErrorKind.SEQUENCE_TAKEN:
                    self.writer.discard(request.messages)
                    raise
            request = self._after_the_others(request)
        self.writer.discard(request.messages)
        raise ConflictError(
            f"{self.name}: other writers committed to the same buckets first, {RENUMBERINGS_MAX} times in a row; "
            "nothing was committed: try again",
            kind=ErrorKind.RETRIES_EXHAUSTED,
        )

    def _after_the_others(self, request: CommitRequest) -> CommitRequest:
        """The same request with its rows numbered after all that is committed by now."""
        self.sequences.forget()
        messages = []
        try:
            for message in request.messages:
                first = self.sequences(message.partition, message.bucket) + 1
                messages.append(renumbered(self.parts, message, first=first))
        except BaseException:
            self.writer.discard(messages)
            raise
        finally:
            self.writer.discard(request.messages)
        return replace(request, messages=tuple(messages), base_snapshot=self.sequences.base_snapshot)

    def abort(self) -> None:
        """Throw everything away and remove the files written; nothing happens after a commit."""
        if not self._finished:
            self._finished = True
            self.writer.abort()

    def _require_open(self) -> None:
        if self._finished:
            raise InvalidInputError("this writer has committed or was closed: open another with table.writer()")


def _of_mapping(values: Mapping[str, Value]) -> Predicate | None:
    return all_of(
        IsNull(column=name) if value is None else Compare(column=name, op=CompareOp.EQ, value=value)
        for name, value in values.items()
    )
