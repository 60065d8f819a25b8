"""Partitions that come from another branch (Paimon ``FallbackReadFileStoreTable``, option ``scan.fallback-branch``).

1. All partitions of the branch that is read are known from its manifests, whatever the predicate is.
2. The other branch is planned as it is, in a schema of its own.
3. Splits of partitions that the first branch has are left out. Partitions are compared by their values: writers do not
   all spell a partition of nulls the same way.

Invariant: a partition is read from one of the branches, never from both.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.format.binary_row import decode_row
from lakestore.meta.scan import snapshot_entries
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot
from lakestore.model.split import Plan
from lakestore.read.parts import ScanParts
from lakestore.read.plan import plan_scan
from lakestore.read.reader import read_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two branches, as it is to be read.

    Attributes:
        parts: The branch.
        schema: The schema to read it in.
        options: That schema's options.
        snapshot: The snapshot to read, None for none.
    """

    parts: ScanParts
    schema: TableSchema
    options: TableOptions
    snapshot: Snapshot | None


def plan_fallback(
    first: Side, other: Side, *, where: Predicate | None, columns: Sequence[str], limit: int | None
) -> Plan:
    """Plan what the other branch adds.

    Args:
        first: The branch that is read.
        other: The branch to fall back to.
        where: Predicate as the user made it.
        columns: Names of the columns to return, in order.
        limit: Greatest number of rows that it may add.

    Raises:
        InvalidInputError: The branches do not have the same columns.
    """
    _check_columns(first, other)
    types = first.schema.partition_types
    plan = plan_scan(
        other.parts,
        schema=other.schema,
        options=other.options,
        snapshot=other.snapshot,
        where=where,
        columns=columns,
    )
    have = set[object]()
    if first.snapshot is not None:
        live = snapshot_entries(first.parts.manifests, first.snapshot)
        have = {decode_row(partition, types) for partition in {entry.partition for entry in live}}
    left = tuple(split for split in plan.splits if decode_row(split.partition, types) not in have)
    return replace(plan, splits=left, limit=limit)


def read_fallback(other: Side, plan: Plan, schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
    """The rows of such a plan, under the Arrow schema of the branch that is read."""
    for batch in read_plan(other.parts, plan, schema=other.schema, options=other.options):
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _check_columns(first: Side, other: Side) -> None:
    ours, theirs = (
        [(field.name, replace(field.type, nullable=True)) for field in side.schema.fields] for side in (first, other)
    )
    if ours != theirs or first.schema.partition_keys != other.schema.partition_keys:
        raise InvalidInputError(
            f"option scan.fallback-branch: {first.parts.name} and {other.parts.name} do not have the same columns and"
            " partition columns; alter one of them until they have",
            kind=ErrorKind.INVALID_SCHEMA,
        )
