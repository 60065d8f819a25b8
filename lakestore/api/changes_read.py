"""Changes between two states as users hold them: an Arrow result that is read when it is asked for."""

from collections.abc import Callable, Iterator

import pyarrow as pa

from lakestore.api.result import ArrowResult


class Changes(ArrowResult):
    """Changes of a table; the first column, ``_row_kind``, says ``+I``, ``-U``, ``+U`` or ``-D``.

    Made by ``Table.changes``. Every ``to_…`` call reads afresh, and any Arrow tool takes it as it is.
    """

    def __init__(self, schema: pa.Schema, read: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self._schema = schema
        self._read = read

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the result."""
        return self._schema

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Read batch by batch, in the order of commits; stop early as you like."""
        return self._read()

    def __repr__(self) -> str:
        return f"<Changes, columns {', '.join(self._schema.names)}>"
