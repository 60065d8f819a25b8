"""Give the rows of fresh files later sequence numbers, so that they come after what another writer committed first.

Two writers that start from one snapshot number their rows alike. The one that commits second must not leave it to
chance which of two rows with one key and one number is the newer: its files are written anew, every number raised by
the same amount, so that the order within them stays and all of it comes after what is committed.

Invariant: nothing but ``_SEQUENCE_NUMBER`` changes.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.data.changelog_parts import changelog_parts
from lakestore.data.file_reader import TableFiles
from lakestore.data.file_writer import BucketNames, DataFileWriter, WriteParts, delete_files
from lakestore.model.arrow import arrow_schema
from lakestore.model.datafile import DataFile
from lakestore.model.message import CommitMessage
from lakestore.model.rows import KEY_PREFIX, SEQUENCE_NUMBER, file_fields


def renumbered(parts: WriteParts, message: CommitMessage, *, first: int) -> CommitMessage:
    """The message with its data and changelog files written again, their least sequence number raised to ``first``.

    The files of the message as given stay where they are; they are the caller's to delete.

    Args:
        parts: The table.
        message: What a writer made in one bucket of a primary-key table.
        first: The least number that is free.

    Raises:
        StorageError: The store failed; nothing new is left behind.
    """
    shift = first - min(file.min_sequence for file in (*message.new_files, *message.changelog_files))
    names = BucketNames(parts, message.partition, message.bucket)
    with ExitStack() as undo:
        written = _rewritten(parts, names, message, message.new_files, shift)
        undo.callback(delete_files, parts.store, names, written)
        changelog = _rewritten(changelog_parts(parts), names, message, message.changelog_files, shift)
        undo.pop_all()
    return replace(message, new_files=written, changelog_files=changelog)


def _rewritten(
    parts: WriteParts, names: BucketNames, message: CommitMessage, files: Sequence[DataFile], shift: int
) -> tuple[DataFile, ...]:
    """The files written again; none of the new ones stays behind after a failure."""
    written: list[DataFile] = []
    with ExitStack() as undo:
        undo.callback(delete_files, parts.store, names, written)
        for file in files:
            with DataFileWriter(parts, names) as writer:
                for rows in _rows(parts, message, file, shift):
                    writer.write(rows)
                written += writer.close()
        undo.pop_all()
    return tuple(written)


def _rows(parts: WriteParts, message: CommitMessage, file: DataFile, shift: int) -> list[pa.Table]:
    schema = parts.schema
    files = TableFiles(
        store=parts.store,
        paths=parts.paths,
        schema=schema,
        schema_of=lambda _: schema,
        partition=parts.options.partition,
        files=parts.options.files,
    )
    shape = arrow_schema(file_fields(schema, thin=parts.options.files.thin))
    with files.bucket(message.partition, message.bucket).open(file, file_fields(schema, thin=True)) as opened:
        return [_shifted(batch, shape, shift) for batch in opened.batches()]


def _shifted(batch: pa.RecordBatch, shape: pa.Schema, shift: int) -> pa.Table:
    columns = []
    for name in shape.names:
        column = batch.column(name if name in batch.schema.names else name.removeprefix(KEY_PREFIX))
        columns.append(pc.add(column, shift) if name == SEQUENCE_NUMBER else column)
    return pa.Table.from_arrays(columns, schema=shape)
