"""Writing ORC data files as Paimon lays them out (``orc_types``).

Rows are gathered into stripes by Arrow; memory is one stripe. Stripes are an eighth of the target size of a file and
at most ``STRIPE_BYTES``, so that a file is closed near its target though bytes reach it stripe by stripe.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.orc

from lakestore.core.file_formats import CODECS, ORC
from lakestore.errors import InvalidInputError
from lakestore.format.orc_types import file_field, refuse_missing_zones, to_file
from lakestore.model.options import MIB, FileOptions
from lakestore.model.types import Field

STRIPE_BYTES = 32 * MIB
"""Bytes of one stripe before compression, about."""

_STRIPE_BYTES_MIN = 64 * 1024
_BLOCK_BYTES = 256 * 1024
_DICTIONARY_SHARE = 0.8
"""A column is kept as a dictionary while its distinct texts are at most that share of all, as in Java's ORC."""


class OrcFileWriter:
    """Writes one ORC file.

    Args:
        sink: A writable pyarrow file; stays open.
        fields: Columns in file order.
        options: Compression and target size. Of zstd levels Arrow knows two: 1, and the library's usual one.
    """

    def __init__(self, sink: Any, fields: Sequence[Field], *, options: FileOptions) -> None:  # noqa: ANN401
        self._fields = fields
        self._schema = pa.schema([file_field(field) for field in fields])
        self._writer = pa.orc.ORCWriter(
            sink,
            compression=CODECS[ORC][options.compression.lower()],
            compression_strategy="speed" if options.zstd_level <= 1 else "compression",
            compression_block_size=_BLOCK_BYTES,
            stripe_size=max(_STRIPE_BYTES_MIN, min(STRIPE_BYTES, options.target_bytes // 8)),
            dictionary_key_size_threshold=_DICTIONARY_SHARE,
        )
        self._empty = True

    def write(self, rows: pa.Table) -> None:
        """Append rows, which have the fields' names and Arrow types.

        Raises:
            InvalidInputError: A timestamp that cannot be written to ORC.
            UnsupportedFormatError: The system has no time zones.
        """
        columns = [
            pa.chunked_array([_column(chunk, field) for chunk in column.chunks], kind.type)
            for column, field, kind in zip(rows.columns, self._fields, self._schema, strict=True)
        ]
        self._empty = False
        try:
            self._writer.write(pa.Table.from_arrays(columns, schema=self._schema))
        except pa.ArrowException as error:
            refuse_missing_zones(error, "writing ORC")
            raise

    def close(self) -> None:
        """Write the last stripe and the footer."""
        if self._empty:
            self.write(self._schema.empty_table())
        self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that nobody will read; the sink must be discarded."""
        with suppress(OSError, pa.ArrowException):
            self._writer.close()


def _column(array: pa.Array, field: Field) -> pa.Array:
    try:
        found = to_file(array, field.type)
    except InvalidInputError as error:
        raise InvalidInputError(f"column {field.name!r}: {error.message}", kind=error.kind) from error
    if not pa.types.is_nested(found.type):
        return found
    # Arrow's ORC writer forgets that parts of nested arrays may begin elsewhere than these; joining makes them fresh.
    return pa.concat_arrays([found, found.slice(0, 0)])
