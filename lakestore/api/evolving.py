"""Writing rows that a table's schema has to follow: ``evolve=True``."""

from collections.abc import Iterable, Mapping
from itertools import chain

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.maintain.evolve import follow_rows
from lakestore.write.input import batches
from lakestore.write.kinds import SHORTS


class Evolving:
    """The part of ``Table`` that lets its schema follow the rows."""

    _context: TableContext

    def _followed(self, data: object, *, evolve: bool, row_kind: object = None) -> object:
        """The data to write, once the table has all columns of its first rows; untouched without ``evolve``.

        Args:
            data: What the user handed in.
            evolve: Whether the schema may change.
            row_kind: As in ``Table.write``; a column of kinds is no column of the table.

        Raises:
            InvalidInputError: The schema cannot follow; nothing was changed or written.
        """
        if not evolve:
            return data
        typed, data = _looked_at(data)
        stream = batches(data, fields=self._context.schema.fields)
        first = next(stream, None)
        if first is None:
            return []
        context = self._context
        leave = {row_kind} if isinstance(row_kind, str) and row_kind not in SHORTS else set()
        schema = follow_rows(context.schemas, first, typed=typed, leave=leave, clock=context.env.clock)
        self._context = context.with_schema(schema)
        return chain((first,), stream)


def _looked_at(data: object) -> tuple[bool, object]:
    """Whether the data's types were chosen by somebody, and the data; Python's values have no types of their own."""
    if isinstance(data, Mapping):
        return all(isinstance(values, pa.Array | pa.ChunkedArray) for values in data.values()), data
    plain = not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__")
    if not plain or isinstance(data, str | bytes) or not isinstance(data, Iterable):
        return True, data
    items = iter(data)
    first = next(items, None)
    if first is None:
        return True, []
    return not isinstance(first, Mapping), chain((first,), items)
