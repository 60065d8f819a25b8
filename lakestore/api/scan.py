"""A scan: which rows and columns of one snapshot, planned when first asked and read as Arrow."""

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.api.predicates import as_predicate
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import arrow_schema
from lakestore.model.predicate import Predicate
from lakestore.model.snapshot import Snapshot
from lakestore.model.split import Plan
from lakestore.read.explain import Explanation, explain_plan
from lakestore.read.plan import plan_scan
from lakestore.read.reader import read_plan

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars


class Scan:
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
    ) -> None:
        if limit is not None and limit < 0:
            raise InvalidInputError(f"limit {limit}: expected 0 or more")
        self._context = context
        self._snapshot = snapshot
        schema = context.schema
        self._where = as_predicate(where)
        self._columns = tuple(schema.names if select is None else select)
        self._limit = limit
        schema.select(self._columns)

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the result; asks the store nothing."""
        return arrow_schema(self._context.schema.select(self._columns))

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
        """The plan in figures: what each rule skipped and what is left to read. ``print`` it."""
        return explain_plan(self.plan(), self._context.schema)

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Read batch by batch, at most some windows ahead; stop early as you like."""
        context = self._context
        return read_plan(context.scan_parts(), self.plan(), schema=context.schema, options=context.options)

    def to_reader(self) -> pa.RecordBatchReader:
        """The same as an Arrow ``RecordBatchReader``."""
        return pa.RecordBatchReader.from_batches(self.schema, self.to_batches())

    def to_arrow(self) -> pa.Table:
        """Read everything into one Arrow table."""
        return pa.Table.from_batches(self.to_batches(), schema=self.schema)

    def to_pandas(self, **arguments: Any) -> "pandas.DataFrame":  # noqa: ANN401 - handed to pyarrow
        """Read everything into a pandas frame; arguments go to ``pyarrow.Table.to_pandas``."""
        _need("pandas")
        frame: pandas.DataFrame = self.to_arrow().to_pandas(**arguments)
        return frame

    def to_polars(self) -> "polars.DataFrame":
        """Read everything into a Polars frame."""
        frame: polars.DataFrame = _need("polars").from_arrow(self.to_arrow())
        return frame

    def to_duckdb(self, connection: "duckdb.DuckDBPyConnection | None" = None) -> "duckdb.DuckDBPyRelation":
        """The result as a DuckDB relation."""
        duckdb_module = _need("duckdb")
        table = self.to_arrow()
        return duckdb_module.from_arrow(table) if connection is None else connection.from_arrow(table)

    def to_pylist(self) -> list[dict[str, Any]]:
        """Read everything into a list of dicts; for small results and for people."""
        rows: list[dict[str, Any]] = self.to_arrow().to_pylist()
        return rows

    def count(self) -> int:
        """Number of rows, reading no more columns than it must."""
        narrow = Scan(
            self._context,
            snapshot=self._snapshot,
            where=self._where,
            select=list(self._columns[:1]),
            limit=self._limit,
        )
        return sum(batch.num_rows for batch in narrow.to_batches())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's stream protocol; a fresh stream each call."""
        return self.to_reader().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        """Arrow's schema protocol."""
        return self.schema.__arrow_c_schema__()

    def __repr__(self) -> str:
        at = "empty" if self._snapshot is None else f"snapshot {self._snapshot.id}"
        return f"<Scan of {self._context.name} at {at}, columns {', '.join(self._columns)}>"


def _need(module: str) -> Any:  # noqa: ANN401 - a module
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            f"{module} is not installed; pip install 'lakestore[{module}]'",
            kind=ErrorKind.MISSING_DEPENDENCY,
        ) from error
