"""Check one data file's rows against what its manifest entry says of it.

1. Row count, sequence range and number of retract rows are exact.
2. Of a primary-key file: keys strictly ascending, the first and the last are the key bounds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.sorting import first_out_of_order, normalise
from lakestore.data.file_reader import BucketFiles
from lakestore.format.binary_row import decode_row, encode_columns
from lakestore.model.datafile import DataFile
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND, RowKind, file_fields
from lakestore.model.schema import TableSchema

Broken = tuple[str, str]
"""Name of the rule that is broken, and what was expected and found."""


@dataclass(kw_only=True)
class _Seen:
    """What the rows of a file have shown so far."""

    rows: int = 0
    retracts: int = 0
    min_sequence: int | None = None
    max_sequence: int | None = None
    first_key: bytes | None = None
    last_key: bytes | None = None
    last_row: pa.Table | None = None
    broken: list[Broken] = field(default_factory=list)


def check_rows(files: BucketFiles, file: DataFile, schema: TableSchema) -> Iterator[Broken]:
    """Decode a whole file and say what is not as its manifest entry says.

    Args:
        files: Opens files of the bucket.
        file: The manifest's description of the file.
        schema: Schema that rows are handed out in.

    Raises:
        CorruptTableError: The file cannot be decoded.
        UnsupportedFormatError: This release does not read such files.
    """
    columns = file_fields(schema, thin=True)
    seen = _Seen()
    with files.open(file, columns) as opened:
        for batch in opened.batches():
            _look(pa.Table.from_batches([batch]), schema, seen)
    yield from seen.broken
    yield from _compare(file, schema, seen)


def _look(rows: pa.Table, schema: TableSchema, seen: _Seen) -> None:
    seen.rows += rows.num_rows
    if not schema.primary_keys or rows.num_rows == 0:
        return
    sequences = pc.min_max(rows[SEQUENCE_NUMBER])
    low, high = sequences["min"].as_py(), sequences["max"].as_py()
    seen.min_sequence = low if seen.min_sequence is None else min(seen.min_sequence, low)
    seen.max_sequence = high if seen.max_sequence is None else max(seen.max_sequence, high)
    kinds = rows[VALUE_KIND].to_numpy()
    seen.retracts += int(np.isin(kinds, [RowKind.UPDATE_BEFORE, RowKind.DELETE]).sum())
    names = list(schema.trimmed_primary_keys)
    keys = rows.select(names)
    joined = keys if seen.last_row is None else pa.concat_tables([seen.last_row, keys])
    at = first_out_of_order(normalise(joined.columns))
    if at is not None and not seen.broken:
        row = seen.rows - rows.num_rows + at - (seen.last_row is not None)
        seen.broken.append(("key-order", f"the key of row {row} is not above the one before"))
    seen.last_row = keys.slice(keys.num_rows - 1)
    ends = pa.concat_tables([keys.slice(0, 1), seen.last_row]).combine_chunks()
    encoded = encode_columns(ends.columns, schema.key_types)
    if seen.first_key is None:
        seen.first_key = encoded.serialized(0)
    seen.last_key = encoded.serialized(1)


def _compare(file: DataFile, schema: TableSchema, seen: _Seen) -> Iterator[Broken]:
    if seen.rows != file.row_count:
        yield "row-count", f"the manifest says {file.row_count} rows, the file has {seen.rows}"
    if not schema.primary_keys or seen.rows == 0:
        return
    if (seen.min_sequence, seen.max_sequence) != (file.min_sequence, file.max_sequence):
        yield (
            "sequence-range",
            (
                f"the manifest says {file.min_sequence} to {file.max_sequence}, the rows have {seen.min_sequence} to "
                f"{seen.max_sequence}"
            ),
        )
    if file.delete_row_count is not None and file.delete_row_count != seen.retracts:
        yield (
            "delete-count",
            (
                f"the manifest says {file.delete_row_count} deletes, the file has {seen.retracts}: readers that trust "
                "the manifest show deleted rows"
            ),
        )
    for rule, stated, found in (
        ("min-key", file.min_key, seen.first_key),
        ("max-key", file.max_key, seen.last_key),
    ):
        if found is not None and not _is_same_key(stated, found, schema):
            yield rule, "the bound in the manifest is not the key in the file"


def _is_same_key(one: bytes, other: bytes, schema: TableSchema) -> bool:
    """Whether two rows of bytes are one key; NaN is NaN here, and -0.0 is not 0.0."""
    return one == other or repr(decode_row(one, schema.key_types)) == repr(decode_row(other, schema.key_types))
