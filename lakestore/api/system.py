"""System tables: what a table is made of, as Arrow, under the names and columns of Paimon's."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.api.predicates import as_predicate
from lakestore.api.result import ArrowResult
from lakestore.core.bind import bind
from lakestore.core.binlog import paired
from lakestore.core.filter import keep
from lakestore.errors import ErrorKind, NotFoundError
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.system_files import bucket_rows, file_rows, key_range_rows, partition_rows
from lakestore.maintain.system_indexes import file_index_rows
from lakestore.maintain.system_manifests import index_rows, manifest_rows, statistics_rows
from lakestore.maintain.system_refs import branch_rows, consumer_rows, snapshot_rows, tag_rows
from lakestore.maintain.system_schemas import aggregation_rows, option_rows, schema_rows
from lakestore.model.arrow import arrow_schema, fields_from_arrow
from lakestore.model.predicate import Predicate
from lakestore.model.snapshot import Snapshot
from lakestore.read.parts import Scope
from lakestore.read.plan import plan_scan
from lakestore.read.reader import read_plan

ROW_KIND = "rowkind"
"""First column of ``audit_log`` and ``binlog``."""

_OF_TABLE: Mapping[str, Callable[[CleanParts], pa.Table]] = {
    "snapshots": snapshot_rows,
    "schemas": schema_rows,
    "options": option_rows,
    "tags": tag_rows,
    "branches": branch_rows,
    "consumers": consumer_rows,
    "aggregation_fields": aggregation_rows,
}
_OF_SNAPSHOT: Mapping[str, Callable[[CleanParts, Snapshot | None], pa.Table]] = {
    "files": file_rows,
    "file_key_ranges": key_range_rows,
    "partitions": partition_rows,
    "buckets": bucket_rows,
    "manifests": manifest_rows,
    "table_indexes": index_rows,
    "file_indexes": file_index_rows,
    "statistics": statistics_rows,
}
_OF_ROWS = ("audit_log", "binlog", "ro", "row_tracking")
SYSTEM_TABLES = tuple(sorted([*_OF_TABLE, *_OF_SNAPSHOT, *_OF_ROWS]))
"""Names of all system tables of a table."""


def metadata_table(context: TableContext, snapshot: Snapshot | None, name: str) -> pa.Table:
    """A system table that is made of metadata, or ``ro``, as of a snapshot.

    Raises:
        NotFoundError: There is no such system table.
    """
    if name in _OF_TABLE:
        return _OF_TABLE[name](context.clean_parts())
    if name in _OF_SNAPSHOT:
        return _OF_SNAPSHOT[name](context.clean_parts(), snapshot)
    if name == "ro":
        return read_optimized(context, snapshot)
    if name == "row_tracking" and context.options.append.row_ids:
        return read_optimized(context.with_row_ids(), snapshot)
    there = [one for one in SYSTEM_TABLES if one != "row_tracking" or context.options.append.row_ids]
    raise NotFoundError(
        f"{context.name} has no system table {name!r}; there are: {', '.join(there)}"
        + ("; its rows have ids only with the option row-tracking.enabled" if name == "row_tracking" else ""),
        kind=ErrorKind.TABLE_NOT_FOUND,
    )


class SystemRows(ArrowResult):
    """Rows of a system table, for whatever takes the rows of a scan.

    Args:
        rows: The rows.
    """

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the rows."""
        return self._rows.schema

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, batch by batch."""
        return iter(self._rows.to_batches())


def system_result(
    rows: pa.Table, where: "str | Predicate | None", select: Sequence[str] | None, limit: int | None
) -> SystemRows:
    """Some of the rows of a system table; arguments as in ``Table.scan``.

    Raises:
        NotFoundError: A selected column does not exist.
        InvalidInputError: The predicate does not fit the columns.
    """
    predicate = as_predicate(where)
    if predicate is not None:
        rows = keep(bind(predicate, fields_from_arrow(rows.schema)), rows)
    missing = sorted(set(select or ()) - set(rows.column_names))
    if missing:
        raise NotFoundError(
            f"no column {', '.join(missing)}; there are: {', '.join(rows.column_names)}",
            kind=ErrorKind.COLUMN_NOT_FOUND,
        )
    return SystemRows(rows.select(list(select or rows.column_names)).slice(0, limit))


def read_optimized(context: TableContext, snapshot: Snapshot | None) -> pa.Table:
    """``ro``: the rows of the highest level only, which need no merge; of a table without primary key all rows."""
    schema, top = context.schema, context.options.compact.num_levels - 1
    keyed = bool(schema.primary_keys)
    parts = context.scan_parts()
    plan = plan_scan(
        parts,
        schema=schema,
        options=context.options,
        snapshot=snapshot,
        scope=Scope(keep=lambda entry: not keyed or entry.file.level == top),
    )
    batches = read_plan(parts, plan, schema=schema, options=context.options)
    return pa.Table.from_batches(batches, schema=arrow_schema(schema.fields))


def audit_log(changes: pa.Table) -> pa.Table:
    """``audit_log``: changes under the name that Paimon gives their kind.

    Args:
        changes: Rows whose first column is their kind.
    """
    kinds = changes.column(0).cast(pa.string())
    kind = pa.field(ROW_KIND, pa.string())
    return changes.set_column(0, kind, kinds)


def binlog(changes: pa.Table) -> pa.Table:
    """``binlog``: changes with both images of an update in one row."""
    kinds = changes.column(0).cast(pa.string()).combine_chunks()
    left, rows = paired(kinds, changes.remove_column(0))
    return rows.add_column(0, pa.field(ROW_KIND, pa.string()), left)
