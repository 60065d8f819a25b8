"""Any Parquet file as Arrow batches, for input that users hand over as a file. No table is involved."""

from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq


def plain_batches(source: str | IO[bytes]) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file, in file order.

    Args:
        source: Path, or an open binary stream, which is read whole since Parquet begins at its end.

    Raises:
        pyarrow.ArrowInvalid: It is no Parquet file.
    """
    opened = source if isinstance(source, str) else pa.BufferReader(source.read())
    with pq.ParquetFile(opened) as file:
        yield from file.iter_batches()
