"""What every read gives: rows as Arrow batches, and from there into the tools that people use."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakestore.errors import ErrorKind, InvalidInputError

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars


class ArrowResult(ABC):
    """Rows that are read when they are asked for."""

    @property
    @abstractmethod
    def schema(self) -> pa.Schema:
        """Arrow schema of the result."""

    @abstractmethod
    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Read batch by batch."""

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
        if not isinstance(connection, duckdb_module.DuckDBPyConnection | None):
            raise InvalidInputError(
                f"to_duckdb(connection={connection!r}): expected what duckdb.connect() gives, or None",
                kind=ErrorKind.INVALID_TYPE,
            )
        relation: duckdb.DuckDBPyRelation = (connection or duckdb_module).from_arrow(table)
        return relation

    def to_pylist(self) -> list[dict[str, Any]]:
        """Read everything into a list of dicts; for small results and for people."""
        rows: list[dict[str, Any]] = self.to_arrow().to_pylist()
        return rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's stream protocol; a fresh stream each call."""
        return self.to_reader().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        """Arrow's schema protocol."""
        return self.schema.__arrow_c_schema__()


def _need(module: str) -> Any:  # noqa: ANN401 - a module
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            f"{module} is not installed; pip install 'lakestore[{module}]'",
            kind=ErrorKind.MISSING_DEPENDENCY,
        ) from error
