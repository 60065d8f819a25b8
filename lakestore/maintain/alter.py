"""Altering a table: the changes become the next schema file, and nothing else is touched.

The changes are applied to the newest schema there is, and again to the one that came first when the race is lost, so
that an altered table has the changes of both or the call fails and says which rule is in the way.
"""

from collections.abc import Sequence

from lakestore.core.cast_rules import depends_on_zone
from lakestore.core.evolve import apply_changes
from lakestore.env import Clock
from lakestore.errors import InvalidInputError
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.model.changes import ChangeType, RemoveOption, SchemaChange, SetOption
from lakestore.model.schema import TableSchema


def alter_table(
    schemas: Schemas, snapshots: Snapshots, changes: Sequence[SchemaChange], *, clock: Clock
) -> tuple[TableSchema, tuple[str, ...]]:
    """Commit a schema change.

    Only a change of an option asks for the latest snapshot, and only a change of type for the older schemas.

    Args:
        schemas: The table's schemas.
        snapshots: The table's snapshots.
        changes: What to change, in order.
        clock: Gives the time of the new schema.

    Returns:
        The schema that the table has now, and notes on what the caller might not expect.

    Raises:
        InvalidInputError: There are no changes, or one breaks a rule.
        NotFoundError: A column is not there, or the table is not.
        UnsupportedFormatError: LakeStore would not read or write the table any more.
        ConflictError: Other schema changes won too many times in a row.
        CommitUnknownError: The store does not say whether the schema was written.
    """
    if not changes:
        raise InvalidInputError("alter() got no changes: give at least one, such as add_column('color', 'STRING')")
    options_change = any(isinstance(change, SetOption | RemoveOption) for change in changes)
    has_snapshots = options_change and snapshots.latest_id() is not None
    types_change = any(isinstance(change, ChangeType) for change in changes)
    notes: tuple[str, ...] = ()

    def follow(latest: TableSchema) -> TableSchema:
        nonlocal notes
        history = schemas.all() if types_change else ()
        following = apply_changes(latest, changes, has_snapshots=has_snapshots, now_ms=clock.now_ms(), history=history)
        notes = _notes(latest, following, has_snapshots=has_snapshots)
        return following

    return schemas.commit_next(follow), notes


def _notes(before: TableSchema, after: TableSchema, *, has_snapshots: bool) -> tuple[str, ...]:
    old = {field.id: field.type for field in before.fields}
    found = [
        f"column {field.name!r}: old files are read as {field.type} in UTC; engines whose session has another time "
        "zone see other values"
        for field in after.fields
        if field.id in old and depends_on_zone(old[field.id], field.type)
    ]
    if has_snapshots and before.options.get("bucket") != after.options.get("bucket"):
        found.append(
            f"option bucket set to {after.options['bucket']}: partitions that have rows keep their old number until "
            "they are overwritten as a whole"
        )
    return tuple(found)
