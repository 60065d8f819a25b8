"""A scan: which rows and columns of one snapshot, planned when first asked and read as Arrow."""

from collections.abc import Iterator

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.api.predicates import as_predicate
from lakestore.api.result import ArrowResult
from lakestore.core.row_tracking import TRACKING_NAMES
from lakestore.core.select import select_fields
from lakestore.errors import InvalidInputError
from lakestore.model.arrow import arrow_schema
from lakestore.model.predicate import Predicate, columns_of
from lakestore.model.snapshot import Snapshot
from lakestore.model.split import Plan
from lakestore.read.explain import Explanation, explain_plan
from lakestore.read.fallback import Side, plan_fallback, read_fallback
from lakestore.read.plan import plan_scan
from lakestore.read.reader import read_plan

_MOST_ROWS = (1 << 63) - 1
"""More than any table has, and the most that Arrow counts to."""


class Scan(ArrowResult):
    """Rows of one snapshot. Nothing is read before a ``to_…`` call, and every call reads afresh.

    Any Arrow tool takes a scan as it is, through ``__arrow_c_stream__``. Rows come in no promised order.
    """

    def __init__(
        self,
        context: TableContext,
        *,
        snapshot: Snapshot | None,
        where: "str | Predicate | None" = None,
        select: list[str] | None = None,
        limit: int | None = None,
        pinned: bool = False,
    ) -> None:
        if limit is not None and limit < 0:
            raise InvalidInputError(f"limit {limit}: expected 0 or more")
        self._where = as_predicate(where)
        self._columns = tuple(context.schema.names if select is None else select)
        named = {*self._columns, *(() if self._where is None else columns_of(self._where))}
        if context.options.append.row_ids and named & TRACKING_NAMES:
            context = context.with_row_ids()
        self._context = context
        self._snapshot = snapshot
        self._pinned = pinned
        schema = context.schema
        self._limit = None if limit is None else min(limit, _MOST_ROWS)
        self._fields = select_fields(schema, self._columns)

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the result; asks the store nothing."""
        return arrow_schema(self._fields)

    def plan(self) -> Plan:
        """Which files are read, in which splits, and what was skipped.

        Raises:
            InvalidInputError: The predicate does not fit the columns.
            UnsupportedFormatError: The table needs a feature that this release refuses.
        """
        context = self._context
        return plan_scan(
            context.scan_parts(),
            schema=context.schema,
            options=context.options,
            snapshot=self._snapshot,
            where=self._where,
            columns=self._columns,
            limit=self._limit,
        )

    def explain(self) -> Explanation:
        """The plan in figures: what each rule skipped, what is left to read, and what would skip more. ``print`` it.

        Row groups are told from the footers of the files that are left, so those are opened.

        Raises:
            InvalidInputError: The predicate does not fit the columns.
            UnsupportedFormatError: The table needs a feature that this release refuses.
            CorruptTableError: A file is damaged.
        """
        context = self._context
        return explain_plan(context.scan_parts(), self.plan(), schema=context.schema, options=context.options)

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Read batch by batch, at most some windows ahead; stop early as you like."""
        context = self._context
        batches = read_plan(context.scan_parts(), self.plan(), schema=context.schema, options=context.options)
        fallback = context.fallback(self._snapshot, pinned=self._pinned)
        return batches if fallback is None else self._with(batches, fallback)

    def _with(self, batches: Iterator[pa.RecordBatch], fallback: Side) -> Iterator[pa.RecordBatch]:
        """Those rows, then the rows of partitions that only the other branch has."""
        left = self._limit
        for batch in batches:
            left = None if left is None else left - batch.num_rows
            yield batch
        first = self._context.side(self._snapshot)
        plan = plan_fallback(first, fallback, where=self._where, columns=self._columns, limit=left)
        yield from read_fallback(fallback, plan, self.schema)

    def count(self) -> int:
        """Number of rows, reading no more columns than it must."""
        narrow = Scan(
            self._context,
            snapshot=self._snapshot,
            where=self._where,
            select=list(self._columns[:1]),
            limit=self._limit,
            pinned=self._pinned,
        )
        return sum(batch.num_rows for batch in narrow.to_batches())

    def __repr__(self) -> str:
        at = "empty" if self._snapshot is None else f"snapshot {self._snapshot.id}"
        return f"<Scan of {self._context.name} at {at}, columns {', '.join(self._columns)}>"
