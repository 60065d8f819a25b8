"""Rows set aside on local disk while they are sorted: Arrow IPC files, compressed lightly. Never part of a table."""

from collections.abc import Iterator

import pyarrow as pa

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def write_spill(path: str, rows: pa.Table) -> None:
    """Write rows to a fresh local file."""
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, rows.schema, options=_OPTIONS) as writer:
        writer.write_table(rows)


def read_spill(path: str) -> Iterator[pa.RecordBatch]:
    """The rows of a file, in the order in which they were written."""
    with pa.OSFile(path, "rb") as source, pa.ipc.open_stream(source) as reader:
        yield from reader
