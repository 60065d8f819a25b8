"""Writing Avro data files: slow by nature, since Avro holds whole rows one after the other.

1. The leaves of every column become what Avro holds (``avro_data_schema``), a whole column at a time.
2. The rows of a block, about ``BLOCK_BYTES``, become Python records and are encoded by fastavro in one call.
3. The block is packed and written.

Memory is one block. The sync marker comes from the schema and the caller's seed, so equal files have equal bytes.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import fastavro
import pyarrow as pa

from lakestore.core.file_formats import AVRO, CODECS
from lakestore.core.nested_arrays import list_parts, make_list, make_map, make_rows, map_parts
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.format.avro_codec import BLOCK_BYTES_MAX
from lakestore.format.avro_data_schema import entry_types, has_text_keys, schema_text
from lakestore.format.avro_frame import SYNC_BYTES, encode_records, header, packed_block
from lakestore.format.avro_schema import safe_schema
from lakestore.format.decimal_bytes import to_bytes
from lakestore.model.options import FileOptions
from lakestore.model.types import TIMESTAMPS, DataType, Field, TypeRoot

BLOCK_BYTES = 64 * 1024
"""Bytes of rows in one block, about, as Avro's Java library has it."""


class AvroFileWriter:
    """Writes one Avro data file.

    Args:
        sink: A writable pyarrow file; stays open.
        fields: Columns in file order.
        options: Compression.
    """

    def __init__(self, sink: Any, fields: Sequence[Field], *, options: FileOptions) -> None:  # noqa: ANN401
        text = schema_text(fields)
        self._fields = fields
        self._sink = sink
        self._codec = CODECS[AVRO][options.compression.lower()]
        self._level = options.zstd_level
        self._many = fastavro.parse_schema({"type": "array", "items": safe_schema(text)})
        begin = header(text, self._codec)
        self._sync = hashlib.sha256(begin).digest()[:SYNC_BYTES]
        sink.write(begin + self._sync)

    def write(self, rows: pa.Table) -> None:
        """Append rows, which have the fields' names and Arrow types.

        Raises:
            InvalidInputError: A row is too large for a block, or a map has a key twice.
        """
        step = max(1, int(BLOCK_BYTES * len(rows) / max(rows.nbytes, 1)))
        for batch in rows.to_batches(max_chunksize=step):
            if batch.num_rows:
                self._write_block(self._records(batch))

    def _records(self, batch: pa.RecordBatch) -> list[dict[str, Any]]:
        columns = [_plain(column, field.type) for column, field in zip(batch.columns, self._fields, strict=True)]
        names = [field.name for field in self._fields]
        try:
            found: list[dict[str, Any]] = pa.RecordBatch.from_arrays(columns, names=names).to_pylist(
                maps_as_pydicts="strict"
            )
        except KeyError as error:
            raise InvalidInputError(f"a map has a key twice: {error.args[0]}", kind=ErrorKind.INVALID_VALUE) from error
        return found

    def _write_block(self, records: list[dict[str, Any]]) -> None:
        raw = encode_records(self._many, records)
        if len(raw) > BLOCK_BYTES_MAX:
            if len(records) == 1:
                raise InvalidInputError(
                    f"a row of {len(raw)} bytes: Avro data files hold rows of at most {BLOCK_BYTES_MAX} bytes; set "
                    "option file.format to parquet",
                    kind=ErrorKind.INVALID_VALUE,
                )
            half = len(records) // 2
            self._write_block(records[:half])
            self._write_block(records[half:])
            return
        self._sink.write(packed_block(self._codec, len(records), raw, self._sync, level=self._level))

    def close(self) -> None:
        """Nothing is left to be written."""

    def abandon(self) -> None:
        """Let go of a file that nobody will read; the sink must be discarded."""


def _plain(array: Any, kind: DataType) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The values as fastavro takes them for a schema without logical types."""
    if kind.root is TypeRoot.ARRAY and kind.element is not None:
        offsets, values = list_parts(array)
        values = _plain(values, kind.element)
        return make_list(array, offsets, values, pa.list_(values.type))
    if kind.root in {TypeRoot.MAP, TypeRoot.MULTISET}:
        return _plain_map(array, kind)
    if kind.root is TypeRoot.ROW:
        members = [_plain(child, each.type) for child, each in zip(array.flatten(), kind.fields, strict=True)]
        names = [each.name for each in kind.fields]
        return make_rows(array, members, pa.struct(list(zip(names, (each.type for each in members), strict=True))))
    return _plain_leaf(array, kind)


def _plain_map(array: Any, kind: DataType) -> Any:  # noqa: ANN401 - pyarrow has no types
    key, value = entry_types(kind)
    offsets, keys, items = map_parts(array)
    keys, items = _plain(keys, key), _plain(items, value)
    if has_text_keys(kind):
        return make_map(array, offsets, keys, items, pa.map_(keys.type, items.type))
    entries = pa.StructArray.from_arrays([keys, items], names=["key", "value"])
    return make_list(array, offsets, entries, pa.list_(entries.type))


def _plain_leaf(array: Any, kind: DataType) -> Any:  # noqa: ANN401 - pyarrow has no types
    if kind.root is TypeRoot.DECIMAL:
        return to_bytes(array)
    if kind.root in TIMESTAMPS:
        unit = "ms" if (kind.precision or 0) <= 3 else "us"
        return array.cast(pa.timestamp(unit, array.type.tz)).view(pa.int64())
    if kind.root in {TypeRoot.DATE, TypeRoot.TIME}:
        return array.view(pa.int32())
    return array
