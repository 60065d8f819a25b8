"""Which row groups of a data file may hold a row that a predicate keeps.

1. Statistics: of the row group, of partition columns and of columns that the file does not have.
2. File indexes: when they name the only rows that may match, groups without such a row go.
3. Parquet bloom filters: groups go that have none of the values asked for.
4. The page index: groups go of which no page can hold a row that matches.

Filters of the file speak of columns that have the same type now; of others nothing is known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lakestore.core.index_rows import ColumnIndex, rows_that_may
from lakestore.core.project import ColumnSource, sources_of
from lakestore.core.prune import Bounds, all_null, may_match
from lakestore.core.value_text import Internal
from lakestore.format.data_file import DataFileSource
from lakestore.format.roaring import no_rows
from lakestore.model.file_index import RowSet
from lakestore.model.predicate import Predicate, columns_of
from lakestore.model.schema import TableSchema
from lakestore.model.types import DataType, Field


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsKept:
    """The row groups that are read, and how many are not.

    Attributes:
        groups: Those that are read, ascending.
        total: All of the file.
        by_stats: Groups that went by statistics.
        by_pages: Groups that went because none of their pages can match.
        by_bloom: Groups that went by Parquet bloom filters.
        by_index: Groups that went by file indexes.
    """

    groups: tuple[int, ...]
    total: int
    by_stats: int = 0
    by_pages: int = 0
    by_bloom: int = 0
    by_index: int = 0


def keep_groups(
    opened: DataFileSource,
    schema: TableSchema,
    own: Sequence[Field],
    constants: Mapping[str, Internal],
    *,
    where: Predicate | None,
    rows: RowSet | None,
) -> GroupsKept:
    """The row groups that may hold a row that matters.

    Args:
        opened: The file.
        schema: The schema of the predicate.
        own: Columns that the file was written with.
        constants: Values of partition columns.
        where: Bound predicate, None to keep all.
        rows: The only rows that may match, None for all.
    """
    total = len(opened.group_rows)
    kept = list(range(total))
    sources: Sequence[ColumnSource] = ()
    if where is not None:
        wanted = columns_of(where)
        sources = sources_of(own, [each for each in schema.fields if each.name in wanted], what=opened.path)
        kept = [group for group in kept if _may_match(opened, sources, constants, group, where)]
    by_stats = total - len(kept)
    if rows is not None:
        ends = [0]
        for count in opened.group_rows:
            ends.append(ends[-1] + count)
        kept = [group for group in kept if rows.range_cardinality(ends[group], ends[group + 1])]
    by_index = total - by_stats - len(kept)
    by_bloom = by_pages = 0
    if where is not None:
        same = same_columns(sources, constants)
        left = [group for group in kept if _has_rows(where, _GroupFilters(opened, group, same, opened.bloom_filter))]
        by_bloom = len(kept) - len(left)
        kept = [group for group in left if _has_rows(where, _GroupFilters(opened, group, same, opened.page_index))]
        by_pages = len(left) - len(kept)
    return GroupsKept(
        groups=tuple(kept), total=total, by_stats=by_stats, by_index=by_index, by_bloom=by_bloom, by_pages=by_pages
    )


def same_columns(sources: Sequence[ColumnSource], constants: Mapping[str, Internal]) -> Mapping[str, Field]:
    """Columns that the file has in the type that is wanted, by the name that is wanted."""
    return {
        source.target.name: source.own
        for source in sources
        if source.own is not None
        and source.target.name not in constants
        and replace(source.own.type, nullable=True) == replace(source.target.type, nullable=True)
    }


@dataclass(frozen=True, slots=True)
class _GroupFilters:
    """Filters of one sort, of one row group."""

    opened: DataFileSource
    group: int
    columns: Mapping[str, Field]
    find: Callable[[int, str, DataType], ColumnIndex | None]

    def of(self, column: str) -> Sequence[ColumnIndex]:
        """Those of a column of the predicate; empty for none."""
        own = self.columns.get(column)
        found = None if own is None else self.find(self.group, own.name, own.type)
        return () if found is None else (found,)

    def nothing(self) -> RowSet:
        """No row."""
        return no_rows()


def _has_rows(where: Predicate, filters: _GroupFilters) -> bool:
    rows = rows_that_may(where, filters)
    return rows is None or len(rows) > 0


def constant_bounds(value: Internal, rows: int) -> Bounds:
    """The bounds of a column that is one value in all rows."""
    return all_null(rows) if value is None else Bounds(min=value, max=value, null_count=0)


def _may_match(
    opened: DataFileSource,
    sources: Sequence[ColumnSource],
    constants: Mapping[str, Internal],
    group: int,
    where: Predicate,
) -> bool:
    rows = opened.group_rows[group]
    known = opened.group_bounds(group, [source.own.name for source in sources if source.own is not None])
    bounds: dict[str, Bounds] = {}
    for source in sources:
        name = source.target.name
        if name in constants:
            bounds[name] = constant_bounds(constants[name], rows)
        elif source.own is None or source.cast is None:
            bounds[name] = all_null(rows)
        elif source.own.name in known:
            bounds[name] = source.cast.bounds(known[source.own.name])
    return may_match(where, bounds, rows)
