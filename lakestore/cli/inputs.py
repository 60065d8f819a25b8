"""Files and standard input as Arrow batches, for ``lakestore write``."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.json as arrow_json

from lakestore.errors import InvalidInputError, NotFoundError
from lakestore.format.parquet_plain import plain_batches


class InputFormat(StrEnum):
    """What ``lakestore write`` reads."""

    AUTO = "auto"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    ARROW = "arrow"


_SUFFIXES = {
    ".csv": InputFormat.CSV,
    ".json": InputFormat.JSON,
    ".jsonl": InputFormat.JSON,
    ".ndjson": InputFormat.JSON,
    ".parquet": InputFormat.PARQUET,
    ".arrow": InputFormat.ARROW,
    ".arrows": InputFormat.ARROW,
    ".ipc": InputFormat.ARROW,
}


def read_input(source: str, kind: InputFormat, schema: pa.Schema | None) -> Iterator[pa.RecordBatch]:
    """Batches of a file, or of standard input for ``-``.

    Args:
        source: Path, or ``-``.
        kind: Format; AUTO goes by the file's suffix, and is JSON lines for standard input.
        schema: Types for the columns of CSV and JSON; None lets Arrow infer them.

    Raises:
        InvalidInputError: The format cannot be told, or the bytes are not of it.
        NotFoundError: There is no such file.
    """
    if kind is InputFormat.AUTO:
        kind = InputFormat.JSON if source == "-" else _by_suffix(source)
    if source != "-" and not Path(source).is_file():
        raise NotFoundError(f"input file {source!r} does not exist")
    try:
        yield from _open(source, kind, schema)
    except (pa.ArrowInvalid, ValueError) as error:
        raise InvalidInputError(f"{source} is not readable as {kind}: {error}") from error


def _by_suffix(source: str) -> InputFormat:
    suffixes = Path(source).suffixes
    for suffix in reversed(suffixes):
        if suffix.lower() in _SUFFIXES:
            return _SUFFIXES[suffix.lower()]
    known = ", ".join(sorted(_SUFFIXES))
    raise InvalidInputError(f"cannot tell the format of {source!r}: use --format, or a suffix of {known}")


def _open(source: str, kind: InputFormat, schema: pa.Schema | None) -> Iterator[pa.RecordBatch]:
    stream: str | IO[bytes] = sys.stdin.buffer if source == "-" else source
    match kind:
        case InputFormat.CSV:
            types = {} if schema is None else {field.name: field.type for field in schema}
            convert = arrow_csv.ConvertOptions(
                column_types=types, strings_can_be_null=True, timestamp_parsers=[arrow_csv.ISO8601]
            )
            with arrow_csv.open_csv(stream, convert_options=convert) as reader:
                yield from reader
        case InputFormat.JSON:
            parse = arrow_json.ParseOptions(explicit_schema=None if schema is None else _as_json_says(schema))
            table = arrow_json.read_json(stream, parse_options=parse)
            yield from (table if schema is None else _from_json(table, schema)).to_batches()
        case InputFormat.PARQUET:
            yield from plain_batches(sys.stdin.buffer if source == "-" else source)
        case _:
            with pa.input_stream(stream) as opened, pa.ipc.open_stream(opened) as reader:
                yield from reader


def _is_said_as_text(kind: pa.DataType) -> bool:
    """Whether JSON has only text for values of that type."""
    return bool(pa.types.is_temporal(kind) or pa.types.is_decimal(kind) or pa.types.is_binary(kind))


def _as_json_says(schema: pa.Schema) -> pa.Schema:
    """The schema with text where JSON has nothing else."""
    return pa.schema([field.with_type(pa.string()) if _is_said_as_text(field.type) else field for field in schema])


def _from_json(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The text of dates, times, decimals and binaries as values; other columns, unknown ones included, as they are."""
    for position, name in enumerate(table.column_names):
        index = schema.get_field_index(name)
        if index < 0 or not _is_said_as_text(schema.field(index).type):
            continue
        column, kind = table.column(position), schema.field(index).type
        # Text finer than the column is parsed as it is: the table refuses what would be lost, and names the row.
        column = _from_hex(column) if pa.types.is_binary(kind) else _parsed(column, kind)
        table = table.set_column(position, name, column)
    return table


def _parsed(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_time(kind):
        # Arrow parses no times of day; with a day before them they are timestamps.
        return pc.binary_join_element_wise("1970-01-01T", column, "").cast(pa.timestamp("us")).cast(pa.time64("us"))
    if pa.types.is_timestamp(kind) and kind.unit != "ns":
        return column.cast(pa.timestamp("us", kind.tz))
    return column.cast(kind)


def _from_hex(column: pa.ChunkedArray) -> pa.Array:
    """Hexadecimal text as binaries, all at once: offsets halve when digits become bytes."""
    texts = column.combine_chunks().cast(pa.large_string())
    texts = pa.concat_arrays([texts])
    data = bytes.fromhex("".join(pc.fill_null(texts, "").to_pylist()))
    lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False) // 2
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    mask = texts.is_null() if texts.null_count else None
    values = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    return values if mask is None else pc.if_else(mask, pa.scalar(None, pa.large_binary()), values)
