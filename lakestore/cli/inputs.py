"""Files and standard input as Arrow batches, for ``lakestore write``."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO

import pyarrow as pa
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
    except pa.ArrowInvalid as error:
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
            parse = arrow_json.ParseOptions(explicit_schema=schema)
            table = arrow_json.read_json(stream, parse_options=parse)
            yield from table.to_batches()
        case InputFormat.PARQUET:
            yield from plain_batches(sys.stdin.buffer if source == "-" else source)
        case _:
            with pa.input_stream(stream) as opened, pa.ipc.open_stream(opened) as reader:
                yield from reader
