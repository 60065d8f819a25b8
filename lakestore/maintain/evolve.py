"""Letting a table's schema follow the rows that are written to it.

The changes are worked out against the newest schema, and again when another writer's schema came first: two writers
who bring the same new column make it once, two who bring different ones make both.
"""

from collections.abc import Collection

import pyarrow as pa

from lakestore.core.evolve import apply_changes
from lakestore.core.evolve_input import needed_changes
from lakestore.env import Clock
from lakestore.meta.schemas import Schemas
from lakestore.model.changes import ChangeType
from lakestore.model.schema import TableSchema


def follow_rows(schemas: Schemas, rows: pa.Table, *, typed: bool, leave: Collection[str], clock: Clock) -> TableSchema:
    """The table's schema after the changes that the rows ask for; the newest one if they ask for none.

    Args:
        schemas: The table's schemas.
        rows: The first rows.
        typed: Whether their types were chosen (``core.evolve_input``).
        leave: Columns of the rows that are no columns of a table.
        clock: Gives the time of a new schema.

    Raises:
        InvalidInputError: A change breaks a rule of ``Table.alter``.
        UnsupportedFormatError: LakeStore would not read or write the table any more.
        ConflictError: Other schema changes won too many times in a row.
        CommitUnknownError: The store does not say whether the schema was written.
    """

    def follow(latest: TableSchema) -> TableSchema:
        changes = needed_changes(rows, latest, typed=typed, leave=leave)
        if not changes:
            return latest
        history = schemas.all() if any(isinstance(change, ChangeType) for change in changes) else ()
        # Options do not change, so it does not matter whether there are snapshots.
        return apply_changes(latest, changes, has_snapshots=True, now_ms=clock.now_ms(), history=history)

    return schemas.commit_next(follow)
