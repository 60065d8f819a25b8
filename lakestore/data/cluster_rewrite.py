"""Writing the rows of some files of an append table again, laid out along a curve.

1. All rows of the files are read and sorted (``range_sort``), aside on local disk where memory does not hold them.
2. They are written in files of the target size, in row groups small enough for a query to read a small part of a file.

Invariant: until a commit names them, the files written are nobody's; when this fails, none of them stays.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import pyarrow as pa

from lakestore.core.curve import Curve, curve_for
from lakestore.core.pick import CompactUnit
from lakestore.data.file_reader import BucketFiles
from lakestore.data.file_writer import BucketNames, DataFileWriter, WriteParts
from lakestore.data.range_sort import SAMPLE_ROWS, RangeSorter, sample_of
from lakestore.data.rewrite import BucketFilesAt, CompactResult, RewriteParts
from lakestore.model.datafile import FileSource
from lakestore.model.options import MIB, FileOptions, TableOptions
from lakestore.model.types import Field
from lakestore.storage.scratch import Scratch

DEFAULT_MEMORY = 256 * MIB
"""Decoded bytes held while sorting; the process needs about three times as much."""

GROUP_BYTES = 512 * 1024
"""Decoded bytes of a row group of a laid-out file, about: what a query reads at least of each place it touches."""

GROUP_ROWS_MIN = 8 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How rows are to lie.

    Attributes:
        curve: The curve.
        columns: The columns that it goes through.
        memory_bytes: Decoded bytes held while sorting.
        scratch_directory: Where rows are set aside that memory does not hold; by default the system's.
        progress: Is told of rows written.
    """

    curve: Curve
    columns: tuple[str, ...]
    memory_bytes: int = DEFAULT_MEMORY
    scratch_directory: str | None = None
    progress: Callable[[int], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    """What became of the files.

    Attributes:
        result: Files that went, and those in their place.
        spilled_bytes: Decoded bytes set aside on the way.
    """

    result: CompactResult
    spilled_bytes: int


def rewrite_clustered(parts: RewriteParts, place: BucketFilesAt, unit: CompactUnit, layout: Layout) -> Clustered:
    """Write the unit's rows again in the order of the layout.

    Args:
        parts: The table.
        place: Where the files are.
        unit: The files, and the level that they go to.
        layout: How rows are to lie.

    Raises:
        CorruptTableError: A file is damaged.
        InvalidInputError: A column cannot be sorted by.
        NotFoundError: A file is gone: somebody else rewrote it, and the snapshot expired.
        StorageError: The store failed. Nothing new is left behind, as far as the store lets us.
    """
    write = parts.write
    bucket = parts.files(runs=1).bucket(place.partition, place.bucket)
    rows = max(sum(file.row_count for file in unit.files), 1)
    first = min((file.min_sequence for file in unit.files), default=0)
    with Scratch(layout.scratch_directory) as scratch:
        sorter = RangeSorter(
            curve=layout.curve,
            columns=layout.columns,
            budget_bytes=layout.memory_bytes,
            scratch=scratch,
            piece_rows=write.options.files.row_group_rows,
        )

        def sample() -> pa.Table:
            columns = write.schema.select(layout.columns)
            return sample_of(_batches(bucket, unit, columns), share=SAMPLE_ROWS / rows)

        tables = sorter.sort(_batches(bucket, unit, write.schema.fields), rows=rows, sample=sample)
        result = CompactResult(before=list(unit.files))
        head = next(tables, None)
        if head is not None:
            with _writer(write, place, head, level=unit.output_level, first=first) as writer:
                for table in chain((head,), tables):
                    writer.write(table)
                    layout.progress(len(table))
                result.after += writer.close()
    return Clustered(result=result, spilled_bytes=sorter.spilled_bytes)


def laid_out(rows: pa.Table, options: TableOptions) -> Iterator[pa.Table]:
    """Rows held in memory in the order that the table's options ask for, in pieces."""
    cluster = options.append.cluster
    curve = curve_for(cluster.strategy, len(cluster.columns))
    with Scratch() as scratch:
        sorter = RangeSorter(
            curve=curve,
            columns=cluster.columns,
            budget_bytes=max(rows.nbytes, 1),
            scratch=scratch,
            piece_rows=options.files.row_group_rows,
        )
        yield from sorter.sort(rows.to_batches(), rows=len(rows), sample=lambda: rows)


def in_small_groups(parts: WriteParts, sample: pa.Table) -> WriteParts:
    """The table, written in row groups fit for rows that are laid out."""
    files = parts.options.files
    fitting = replace(files, row_group_rows=group_rows(sample, files))
    return replace(parts, options=replace(parts.options, files=fitting))


def group_rows(rows: pa.Table, files: FileOptions) -> int:
    """Rows of one row group, from a sample of the rows: about ``GROUP_BYTES``."""
    row_bytes = max(rows.nbytes / max(len(rows), 1), 1)
    return min(files.row_group_rows, max(GROUP_ROWS_MIN, int(GROUP_BYTES / row_bytes)))


def _writer(parts: WriteParts, place: BucketFilesAt, sample: pa.Table, *, level: int, first: int) -> DataFileWriter:
    own = in_small_groups(parts, sample)
    names = BucketNames(own, place.partition, place.bucket)
    return DataFileWriter(own, names, level=level, source=FileSource.COMPACT, first_sequence=first)


def _batches(bucket: BucketFiles, unit: CompactUnit, fields: Sequence[Field]) -> Iterator[pa.RecordBatch]:
    for file in unit.files:
        with bucket.open(file, fields) as opened:
            yield from opened.batches()
