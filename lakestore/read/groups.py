"""Counting the row groups that a plan would read, and those that it would not.

Each file that is left is opened, for its footer.

Files are judged as the reader judges them: by the whole predicate where rows are read as they are, and by its part on
key and partition columns where versions of a key are merged.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from lakestore.data.file_reader import BucketFiles
from lakestore.data.row_groups import GroupsKept
from lakestore.model.datafile import DataFile
from lakestore.model.file_index import RowSet
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema
from lakestore.model.split import Plan, Split
from lakestore.read.parts import ScanParts
from lakestore.read.plan import sections_in
from lakestore.read.prune import key_part
from lakestore.storage.parallel import map_ordered

FOOTERS_AHEAD = 8
"""Files opened at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReport:
    """Row groups of the files that a plan leaves. Counts are exact; bytes are those of all columns, compressed.

    Attributes:
        groups: All of them; ``groups_left`` are read.
        by_stats: Skipped by their statistics; ``by_index`` by file indexes.
        by_pages: Skipped because no page of theirs can match, by the page index.
        by_bloom: Skipped by Parquet bloom filters.
        bytes: Bytes of all of them; ``bytes_left`` of those that are read.
    """

    groups: int = 0
    groups_left: int = 0
    by_stats: int = 0
    by_pages: int = 0
    by_bloom: int = 0
    by_index: int = 0
    bytes: int = 0
    bytes_left: int = 0


def count_groups(parts: ScanParts, plan: Plan, *, schema: TableSchema, options: TableOptions) -> GroupReport:
    """The row groups of a plan.

    Args:
        parts: The open table.
        plan: The plan.
        schema: The schema that it was planned in.
        options: That schema's options.

    Raises:
        NotFoundError: A data file is gone: the snapshot expired.
        CorruptTableError: A data file is damaged.
    """
    files = parts.files(schema, options, plan.snapshot_id)
    where_key = key_part(plan.where, schema)
    work = [
        (files.bucket(split.partition, split.bucket), file, where, split.rows.get(file.name))
        for split in plan.splits
        for file, where in _judged(split, plan.where, where_key, schema, files.what)
    ]
    with closing(map_ordered(_kept, work, workers=FOOTERS_AHEAD)) as answers:
        found = list(answers)
    kept = [one for one, _ in found]
    return GroupReport(
        groups=sum(one.total for one in kept),
        groups_left=sum(len(one.groups) for one in kept),
        by_stats=sum(one.by_stats for one in kept),
        by_pages=sum(one.by_pages for one in kept),
        by_bloom=sum(one.by_bloom for one in kept),
        by_index=sum(one.by_index for one in kept),
        bytes=sum(sum(sizes) for _, sizes in found),
        bytes_left=sum(sizes[group] for one, sizes in found for group in one.groups),
    )


def _judged(
    split: Split, where: Predicate | None, where_key: Predicate | None, schema: TableSchema, what: str
) -> Iterator[tuple[DataFile, Predicate | None]]:
    """The files of a split, each with what its row groups are judged by."""
    if split.raw:
        yield from ((file, where) for file in split.files)
        return
    for section in sections_in(schema, split.files, what=what):
        own = where if len(section.runs) == 1 else where_key
        yield from ((file, own) for file in section.files)


def _kept(
    work: tuple[BucketFiles, DataFile, Predicate | None, RowSet | None],
) -> tuple[GroupsKept, tuple[int, ...]]:
    bucket, file, where, rows = work
    with bucket.open(file, (), where=where, rows=rows) as opened:
        return opened.kept, opened.group_bytes
