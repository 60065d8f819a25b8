"""From rows in any form to commit messages: the write path of one table.

    rows → ingest → row kinds → router → buffer → files → commit messages

A writer serves one caller. Nothing it does is visible to readers until its messages are committed.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.defaults import with_defaults
from lakestore.core.ingest import to_schema
from lakestore.core.merge import is_add
from lakestore.core.merge.refusals import refuse_retracts
from lakestore.core.merge_options import parse_merge
from lakestore.data.file_writer import WriteParts, is_retract
from lakestore.data.recent_rows import RecentRows
from lakestore.env import Env
from lakestore.errors import InvalidInputError
from lakestore.model.message import CommitMessage
from lakestore.model.options import TableOptions
from lakestore.model.rows import VALUE_KIND, MergeEngine, RowKind
from lakestore.model.schema import TableSchema
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store
from lakestore.write.append_writer import AppendWriter
from lakestore.write.checks import check_table
from lakestore.write.input import batches
from lakestore.write.kinds import codes_of, repeated
from lakestore.write.open_buckets import MaxSequence, OpenBuckets
from lakestore.write.pk_writer import Begun, PkWriter
from lakestore.write.router import route

_BUILDING_ENGINES = (MergeEngine.PARTIAL_UPDATE, MergeEngine.AGGREGATION)
"""Engines that make a row of all versions of a key."""


class TableWriter:
    """Writes rows into data files of one table.

    Use as a context manager: leaving it deletes every file that ``prepare`` has not handed out.

    Args:
        store: Where the table is.
        paths: How its files are called.
        schema: Schema to write with.
        options: The table's options.
        env: Clock, ids, events.
        max_sequence: Greatest sequence number of a partition's bucket as committed, -1 for an empty one.
        recent: Keeps the rows of what is written for the compaction to come.

    Raises:
        UnsupportedFormatError: The table needs something that this release does not write.
        InvalidInputError: Keys and buckets do not make sense together.
    """

    def __init__(
        self,
        store: Store,
        paths: TablePaths,
        schema: TableSchema,
        options: TableOptions,
        env: Env,
        *,
        max_sequence: MaxSequence,
        recent: RecentRows | None = None,
    ) -> None:
        check_table(schema, options)
        self._schema = schema
        self._options = options
        self._spec = parse_merge(schema, schema.options)
        parts = WriteParts(store=store, paths=paths, schema=schema, options=options, env=env, recent=recent)
        self._buckets = OpenBuckets(parts, max_sequence)
        self._lost_rows = False
        self._writer: PkWriter | AppendWriter = (
            PkWriter(parts, self._buckets, self._spec) if schema.primary_keys else AppendWriter(parts, self._buckets)
        )

    @property
    def buffered_bytes(self) -> int:
        """Bytes of rows held in memory."""
        return self._writer.buffered_bytes

    def write(self, rows: pa.Table | pa.RecordBatch, kinds: pa.Array | None = None, *, first_row: int = 0) -> None:
        """Write rows; what rows of one key become is the merge engine's.

        Args:
            rows: Columns of the table, in any order and of any Arrow types that hold their values. Nullable columns
                may be missing; they count as null.
            kinds: Row kind of each row as int8; by default what ``rowkind.field`` says, else all inserts.
            first_row: Number of the first of the rows, for messages.

        Raises:
            InvalidInputError: A row does not fit, and none of ``rows`` was taken; or rows taken before are lost.
        """
        table = to_schema(rows, self._schema.fields, keys=self._schema.primary_keys, first_row=first_row)
        # Where rows build on those before them, a column that is not given leaves what is there as it is.
        given = rows.schema.names if self._spec.engine in _BUILDING_ENGINES else None
        table = with_defaults(table, self._schema.fields, only=given)
        own = self._kinds(table, kinds, first_row)
        if not self._schema.primary_keys:
            _refuse_retracts(own, first_row)
        else:
            table = self._with_kinds(table, own, first_row)
        with self._whole():
            for partition, bucket, group in route(table, self._schema, self._options.bucket):
                self._writer.add((partition, bucket), group)

    def write_data(self, data: object, *, kind: RowKind | None = None) -> int:
        """Write rows in any form that ``write.input.batches`` takes; how many there were.

        Args:
            data: The rows.
            kind: Their kind; by default what ``rowkind.field`` says, else insert.

        Raises:
            InvalidInputError: A row does not fit; rows before it may have been taken.
        """
        count = 0
        for rows in batches(data, self._schema.fields):
            kinds = None if kind is None else repeated(kind, len(rows))
            self.write(rows, kinds, first_row=count)
            count += len(rows)
        return count

    def prepare(self, begun: Begun | None = None) -> tuple[CommitMessage, ...]:
        """Write out everything; messages for the files made since the last call, which are the caller's now.

        Args:
            begun: Is told of rows of a primary-key table that are about to become the only new file of their bucket.
        """
        with self._whole():
            return self._writer.flush(begun) if isinstance(self._writer, PkWriter) else self._writer.flush()

    @contextmanager
    def _whole(self) -> Generator[None, None, None]:
        """What fails within it has lost rows that this writer had taken: then it takes and hands out no more."""
        if self._lost_rows:
            raise InvalidInputError(
                "rows that this writer had taken could not be written, as it said then, and are gone from it; nothing"
                " of it is committed: open another writer and write all rows again"
            )
        try:
            yield
        except BaseException:
            self._lost_rows = True
            raise

    def discard(self, messages: Sequence[CommitMessage]) -> None:
        """Delete the files of messages whose commit has failed for certain; never after a doubtful one."""
        self._buckets.discard(messages)

    def abort(self) -> None:
        """Forget rows held in memory and delete every file that ``prepare`` has not handed out."""
        self._writer.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def _kinds(self, table: pa.Table, kinds: pa.Array | pa.ChunkedArray | None, first_row: int) -> pa.Array | None:
        """The kind of each row as int8 without nulls; None when all are inserts."""
        if kinds is not None:
            if len(kinds) != len(table):
                raise InvalidInputError(f"row kinds: {len(kinds)} values for {len(table)} rows; expected one for each")
            return codes_of(kinds, "row kind", first_row=first_row)
        name = self._options.merge.rowkind_field
        if name is None or not self._schema.primary_keys:
            return None
        return codes_of(table[name], f"column {name!r}", first_row=first_row)

    def _with_kinds(self, table: pa.Table, kinds: pa.Array | None, first_row: int) -> pa.Table:
        """The rows with their kinds as a last column, without those that the table's options ignore."""
        if kinds is None:
            return table.append_column(VALUE_KIND, repeated(RowKind.INSERT, len(table)))
        merge, codes = self._options.merge, kinds.to_numpy()
        ignored = codes == RowKind.UPDATE_BEFORE if merge.ignore_update_before else np.zeros(len(codes), np.bool_)
        if merge.ignore_delete:
            ignored = ignored | ~is_add(codes)
        refuse_retracts(table, np.where(ignored, np.int8(RowKind.INSERT), codes), self._spec, first_row=first_row)
        table = table.append_column(VALUE_KIND, kinds)
        return table.filter(pa.array(~ignored)) if ignored.any() else table


def _refuse_retracts(kinds: pa.Array | None, first_row: int) -> None:
    at = -1 if kinds is None else pc.index(is_retract(kinds), True).as_py()
    if kinds is not None and at >= 0:
        raise InvalidInputError(
            f"row {first_row + at} takes back a row ({RowKind(kinds[at].as_py()).short}), but a table without a "
            "primary key can only be appended to; to remove rows overwrite their partitions"
        )
