"""Which options may change once a table has a snapshot, since rows are written by them.

The rules are those of Paimon's ``SchemaManager.checkAlterTableOption`` and ``checkResetTableOption``.
"""

from collections.abc import Mapping

from lakestore.core.options_registry import OLD_NAMES, REGISTRY
from lakestore.errors import ErrorKind, InvalidInputError

IMMUTABLE = frozenset(
    {
        "type",
        "bucket-key",
        "bucket-function.type",
        "data-file.path-directory",
        "merge-engine",
        "sequence.snapshot-ordering",
        "aggregation.remove-record-on-delete",
        "partial-update.remove-record-on-delete",
        "partial-update.remove-record-on-sequence-group",
        "rowkind.field",
        "primary-key",
        "primary-key.nullable",
        "partition",
        "dynamic-bucket.initial-buckets",
        "force-lookup",
        "row-tracking.enabled",
        "data-evolution.enabled",
        "index-file-in-data-file-dir",
        "blob-field",
        "blob-descriptor-field",
        "blob-view-field",
        "pk-clustering-override",
    }
)
"""Options that stay as they are once there is a snapshot."""

NEVER = {
    "type": "the kind of a table is settled when it is created",
    "path": "a table is where its folder is; move or copy the folder",
    "primary-key": "the primary key is settled when the table is created; create another table and copy the rows",
    "partition": "the partitions are settled when the table is created; create another table and copy the rows",
}
"""Options that never change, and why."""

ONE_WAY = frozenset({"ignore-delete", "ignore-update-before"})
"""Switches that may go on, not off: rows that were ignored are gone."""


def check_option_change(options: Mapping[str, str], key: str, value: str | None, *, has_snapshots: bool) -> None:
    """Check one change of an option.

    Args:
        options: The options before.
        key: The option.
        value: The new value, None to go back to the default.
        has_snapshots: Whether the table has a snapshot.

    Raises:
        InvalidInputError: The option may not change, or not so.
    """
    name = OLD_NAMES.get(key, key)
    if name in NEVER:
        raise _fixed(key, value, NEVER[name])
    if not has_snapshots:
        return
    if name in IMMUTABLE:
        raise _fixed(key, value, "rows were written by it, so it stays once the table has a snapshot")
    if name == "bucket":
        _check_bucket(options.get(key), value)
    if name == "deletion-vectors.enabled":
        _check_deletion_vectors(options, value)
    if name in ONE_WAY and _is_on(options, key) and not _flag(name, value):
        raise _fixed(key, value, "it may be switched on, not off: what was ignored until now is gone")
    if name == "clustering.columns" and "pk-clustering-override" in options:
        raise _fixed(key, value, "the files are kept in that order because 'pk-clustering-override' is set")


def check_is_set(options: Mapping[str, str], key: str) -> None:
    """Refuse to remove an option that is not there: most likely its name is misspelled.

    Raises:
        InvalidInputError: It is not set.
    """
    if key not in options:
        there = ", ".join(sorted(options)) or "none"
        raise InvalidInputError(
            f"option {key!r} cannot be removed: it is not set; set are: {there}", kind=ErrorKind.INVALID_OPTION
        )


def _check_bucket(old: str | None, new: str | None) -> None:
    if new is None:
        raise _fixed("bucket", new, "set the number that you want instead")
    before = (old or REGISTRY["bucket"].default or "-1").strip()
    for count, what in ((before, "from"), (new.strip(), "to")):
        if count == "-1" and before != new.strip():
            raise _fixed("bucket", new, f"a table with snapshots cannot go {what} -1; create another and copy the rows")


def _check_deletion_vectors(options: Mapping[str, str], value: str | None) -> None:
    key = "deletion-vectors.enabled"
    if _is_on(options, key) != _flag(key, value) and not _is_on(options, "deletion-vectors.modifiable"):
        raise _fixed(
            key,
            value,
            "without a full compaction rows would come twice; set 'deletion-vectors.modifiable' to true first if you "
            "are sure",
        )


def _is_on(options: Mapping[str, str], key: str) -> bool:
    return _flag(key, options.get(key))


def _flag(key: str, value: str | None) -> bool:
    option = REGISTRY.get(OLD_NAMES.get(key, key))
    text = value if value is not None else (option.default if option is not None else None)
    return (text or "false").strip().lower() == "true"


def _fixed(key: str, value: str | None, why: str) -> InvalidInputError:
    wanted = "cannot be removed" if value is None else f"cannot be set to {value!r}"
    return InvalidInputError(f"option {key!r} {wanted}: {why}", kind=ErrorKind.INVALID_OPTION)
