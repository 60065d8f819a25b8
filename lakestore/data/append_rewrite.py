"""Compacting files of an append table: small ones are written together, or rows are laid out along a curve.

Small files are written one after the other, in larger files. Rows keep the order that the files have; numbers begin at
the first number of the first file, as in Paimon's append compaction. Nothing is merged and nothing falls out.

Invariant: until a commit names them, the files written are nobody's; when this fails, none of them stays.
"""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from lakestore.core.curve import curve_for
from lakestore.core.pick import Cause, CompactUnit
from lakestore.data.cluster_rewrite import Layout, rewrite_clustered
from lakestore.data.file_reader import BucketFiles
from lakestore.data.file_writer import BucketNames, DataFileWriter, group_rows
from lakestore.data.rewrite import BucketFilesAt, CompactResult, RewriteParts
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.options import FileOptions
from lakestore.model.types import Field


def rewrite_append(parts: RewriteParts, place: BucketFilesAt, unit: CompactUnit) -> CompactResult:
    """Write the unit's files together, or lay their rows out, as the unit says.

    Args:
        parts: The table.
        place: Where the files are.
        unit: The files, in the order in which their rows are to stand.

    Raises:
        CorruptTableError: A file is damaged.
        InvalidInputError: A column cannot be sorted by.
        NotFoundError: A file is gone: somebody else compacted, and the snapshot expired.
        StorageError: The store failed. Nothing new is left behind, as far as the store lets us.
    """
    if unit.cause is Cause.CLUSTERING:
        cluster = parts.write.options.append.cluster
        layout = Layout(curve=curve_for(cluster.strategy, len(cluster.columns)), columns=cluster.columns)
        return rewrite_clustered(parts, place, unit, layout).result
    return CompactResult(before=list(unit.files), after=_together(parts, place, unit, FileSource.COMPACT))


def gathered(parts: RewriteParts, place: BucketFilesAt) -> list[DataFile]:
    """Files of a writer that no commit has named yet, written together: their rows stay fresh. Raises as above."""
    unit = CompactUnit(0, place.files, "written by one commit", Cause.SMALL_FILES)
    return _together(parts, place, unit, FileSource.APPEND)


def _together(parts: RewriteParts, place: BucketFilesAt, unit: CompactUnit, source: FileSource) -> list[DataFile]:
    fields = parts.write.schema.fields
    bucket = parts.files(runs=1).bucket(place.partition, place.bucket)
    names = BucketNames(parts.write, place.partition, place.bucket)
    first = min(file.min_sequence for file in unit.files)
    with DataFileWriter(parts.write, names, level=unit.output_level, source=source, first_sequence=first) as writer:
        for rows in _row_groups(_batches(bucket, unit, fields), parts.write.options.files):
            writer.write(rows)
        return list(writer.close())


def _batches(bucket: BucketFiles, unit: CompactUnit, fields: Sequence[Field]) -> Iterator[pa.RecordBatch]:
    for file in unit.files:
        yield from bucket.rows(file, fields)


def _row_groups(batches: Iterable[pa.RecordBatch], files: FileOptions) -> Iterator[pa.Table]:
    """The rows in tables that fill a row group each, whatever the batches were."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= group_rows(rows, size, files):
            yield pa.Table.from_batches(waiting)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting)
