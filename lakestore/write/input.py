"""What users hand in, as a stream of Arrow tables of bounded size.

Arrow objects of any library come through the Arrow C stream and array protocols; Python rows and columns are
turned into Arrow here. Types are inferred from the values, not forced upon them: forcing a type makes Arrow
drop times of day and time zones without a word, and ``core.ingest`` is the one place that decides what fits.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.ingest_places import Place
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.options import MIB
from lakestore.model.types import MAX_DECIMAL_PRECISION, NESTED, DataType, Field, TypeRoot
from lakestore.write.input_nested import nested_array

BATCH_ROWS = 256 * 1024
"""Rows of one table handed on, at most."""

BATCH_BYTES = 32 * MIB
"""Bytes of one table handed on, about; a single row may be larger."""

_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
_ARROW_ERRORS = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, ValueError)


def batches(data: object, fields: Sequence[Field] = (), *, batch_rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
    """The rows of ``data``, in order, as tables of at most ``batch_rows`` rows and about ``BATCH_BYTES``.

    Small batches of a stream are put together, without copying.

    Args:
        data: An Arrow table, record batch or batch reader; anything with ``__arrow_c_stream__`` or
            ``__arrow_c_array__`` (pandas, Polars, DuckDB, …); a list of dicts; a dict of columns; or an
            iterable of any of these.
        fields: The table's columns: they settle what Python values alone leave open.
        batch_rows: Greatest number of rows of one table.

    Raises:
        InvalidInputError: ``data`` is nothing of the kind, or Python values do not make one column.
    """
    columns = {field.name: field for field in fields}
    return _regrouped(_tables(data, columns, batch_rows), batch_rows)


def _tables(data: object, columns: Mapping[str, Field], batch_rows: int) -> Iterator[pa.Table]:
    if isinstance(data, str | bytes | bytearray | memoryview) or data is None:
        raise _not_rows(data)
    table = _one_table(data, columns)
    if table is not None:
        return iter((table,))
    if hasattr(data, "__arrow_c_stream__"):
        return _from_stream(_with_named_index(data))
    if isinstance(data, Iterable):
        return _from_iterable(iter(data), columns, batch_rows)
    raise _not_rows(data)


def _one_table(data: object, columns: Mapping[str, Field]) -> pa.Table | None:
    """A table for what is in memory as a whole, else None."""
    if isinstance(data, pa.Table):
        return _without_pandas_index(data)
    if isinstance(data, pa.RecordBatch):
        return _without_pandas_index(pa.Table.from_batches([data]))
    if isinstance(data, Mapping):
        return _from_columns(data, columns)
    if hasattr(data, "__arrow_c_array__") and not hasattr(data, "__arrow_c_stream__"):
        return pa.Table.from_batches([_foreign(pa.record_batch, data)])
    return None


def _from_stream(data: object) -> Iterator[pa.Table]:
    reader = _foreign(pa.RecordBatchReader.from_stream, data)
    for batch in reader:
        yield _without_pandas_index(pa.Table.from_batches([batch]))


def _from_iterable(items: Iterator[object], columns: Mapping[str, Field], batch_rows: int) -> Iterator[pa.Table]:
    """An iterable holds rows (dicts) or batches; the first item says which."""
    first = next(items, None)
    if first is None:
        return
    everything = chain((first,), items)
    if isinstance(first, Mapping) and not _is_columns(first):
        start = 0
        while rows := list(islice(everything, batch_rows)):
            yield _from_rows(rows, columns, start)
            start += len(rows)
        return
    for item in everything:
        table = _one_table(item, columns)
        if table is not None:
            yield table
        elif hasattr(item, "__arrow_c_stream__"):
            yield from _from_stream(_with_named_index(item))
        else:
            raise _not_rows(item, "an item of the iterable")


def _is_columns(item: Mapping[str, object]) -> bool:
    """Whether a mapping inside an iterable is a batch of Arrow columns rather than one row."""
    return bool(item) and all(isinstance(value, pa.Array | pa.ChunkedArray) for value in item.values())


def _regrouped(tables: Iterator[pa.Table], batch_rows: int) -> Iterator[pa.Table]:
    """Cut large tables and join small ones of equal schema; rows keep their order."""
    waiting: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        for piece in _cut(table, batch_rows):
            fits = rows + len(piece) <= batch_rows and size + piece.nbytes <= BATCH_BYTES
            if waiting and not (fits and piece.schema == waiting[0].schema):
                yield pa.concat_tables(waiting)
                waiting, rows, size = [], 0, 0
            waiting.append(piece)
            rows += len(piece)
            size += piece.nbytes
    if waiting:
        yield pa.concat_tables(waiting)


def _cut(table: pa.Table, batch_rows: int) -> Iterator[pa.Table]:
    count = len(table)
    row_bytes = table.nbytes / count if count else 1
    step = max(1, min(batch_rows, int(BATCH_BYTES / max(row_bytes, 1))))
    return (table.slice(start, step) for start in range(0, max(count, 1), step))


def _from_rows(rows: list[Any], columns: Mapping[str, Field], start: int) -> pa.Table:
    names: dict[str, None] = {}
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InvalidInputError(
                f"row {start + number} is a {type(row).__name__}, expected a dict of column values like the "
                "rows before it",
                kind=ErrorKind.INVALID_TYPE,
            )
        names.update(dict.fromkeys(row))
    if not names:
        raise InvalidInputError(f"rows {start} to {start + len(rows) - 1} are empty dicts: name at least a column")
    arrays = [_array([row.get(name) for row in rows], name, columns, start) for name in names]
    return pa.Table.from_arrays(arrays, names=[str(name) for name in names])


def _from_columns(data: Mapping[str, Any], columns: Mapping[str, Field]) -> pa.Table:
    arrays = {str(name): _array(values, str(name), columns, 0) for name, values in data.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInputError(f"columns differ in length: {lengths}; every column needs one value per row")
    return pa.table(arrays)


def _array(values: Any, name: str, columns: Mapping[str, Field], start: int) -> pa.Array:  # noqa: ANN401
    """One column of Python values, NumPy or Arrow data; ``start`` is the number of its first row."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidInputError(
            f"column {name!r} is a {type(values).__name__}, expected a list or an array of values",
            kind=ErrorKind.INVALID_TYPE,
        )
    values = values if hasattr(values, "__len__") else list(values)
    field = columns.get(name)
    place = Place.column(name, start)
    if field is not None and field.type.root in NESTED:
        return nested_array(values, field.type, place, _scalars)
    return _scalars(values, None if field is None else field.type, place)


def _scalars(values: Any, kind: DataType | None, place: Place) -> pa.Array:  # noqa: ANN401
    if kind is not None and kind.root is TypeRoot.DECIMAL:
        return _inferred(values, place, _decimals)
    array = _inferred(values, place, pa.array)
    if kind is not None and kind.root is TypeRoot.FLOAT and isinstance(values, list):
        return _single_precision(array)
    return array


def _decimals(values: Sequence[Any]) -> pa.Array:
    """Decimals and integers in a type that holds them all; Arrow looks at the first value only."""
    numbers = [value for value in values if value is not None]
    if not all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in numbers):
        return pa.array(values)
    parts = [Decimal(value).as_tuple() for value in numbers]
    scale = max((-int(part.exponent) for part in parts), default=0)
    whole = max((len(part.digits) + int(part.exponent) for part in parts), default=1)
    digits = max(scale, 0) + max(whole, 1)
    make = pa.decimal128 if digits <= MAX_DECIMAL_PRECISION else pa.decimal256
    return pa.array(values, make(digits, max(scale, 0)))


def _single_precision(array: pa.Array) -> pa.Array:
    """Python's floats have one width only, so in a FLOAT column they are rounded; too large ones are not."""
    if array.type != pa.float64():
        return array
    rounded = array.cast(pa.float32(), safe=False)
    overflown = pc.and_(pc.is_inf(rounded), pc.invert(pc.is_inf(array)))
    return array if pc.any(overflown).as_py() else rounded


def _inferred(values: Any, place: Place, make: Callable[[Any], pa.Array]) -> pa.Array:  # noqa: ANN401
    try:
        return make(values)
    except _ARROW_ERRORS as error:
        low, high = 0, len(values)
        while high - low > 1:
            middle = (low + high) // 2
            try:
                make(values[:middle])
            except _ARROW_ERRORS:
                high = middle
            else:
                low = middle
        raise InvalidInputError(
            f"{place.text(low)}: the value {str(values[low])[:80]!r} "
            f"({type(values[low]).__name__}) does not go with the rows before it: {error}",
            kind=ErrorKind.INVALID_TYPE,
        ) from error


def _with_named_index(data: Any) -> Any:  # noqa: ANN401 - only pandas has what is asked here
    """A pandas frame whose row labels have a name, with the labels as columns: it exports its columns only."""
    if type(data).__module__.partition(".")[0] != "pandas" or not hasattr(data, "reset_index"):
        return data
    return data.reset_index() if any(name is not None for name in data.index.names) else data


def _without_pandas_index(table: pa.Table) -> pa.Table:
    """Drop the nameless row labels that Arrow tables made from pandas may hold."""
    if b"pandas" not in (table.schema.metadata or {}):
        return table
    labels = [name for name in table.schema.names if _PANDAS_INDEX.fullmatch(name)]
    return table.drop_columns(labels) if labels else table


def _foreign(read: Callable[[Any], Any], data: object) -> Any:  # noqa: ANN401 - Arrow has no types
    try:
        return read(data)
    except _ARROW_ERRORS as error:
        raise InvalidInputError(
            f"the {type(data).__name__} cannot be read as a table: {error}; expected rows with named columns",
            kind=ErrorKind.INVALID_TYPE,
        ) from error


def _not_rows(data: object, what: str = "the data") -> InvalidInputError:
    hint = "; a path is not read here: load the file first" if isinstance(data, str) else ""
    return InvalidInputError(
        f"{what} is a {type(data).__name__}{hint}. Expected an Arrow table, a batch reader, anything with "
        "__arrow_c_stream__ (pandas, Polars, DuckDB), a list of dicts, a dict of columns, or an iterable of "
        "these",
        kind=ErrorKind.INVALID_TYPE,
    )
