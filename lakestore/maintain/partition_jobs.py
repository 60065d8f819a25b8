"""Jobs on whole partitions: list, drop, empty the table, expire by age, mark as done (``NormalPartitionExpire``).

Partitions go by an OVERWRITE commit that deletes exactly their live files, so that older snapshots keep them and expiry
removes the files later. The list is made first, and the commit drops what is on it and nothing else.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lakestore.core.filter import matches_values
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.format.binary_row import decode_row
from lakestore.format.json_text import read_object, write_object
from lakestore.maintain.cleaning import CleaningReport, CleanParts
from lakestore.maintain.partition_times import time_in_values
from lakestore.meta.scan import snapshot_entries
from lakestore.model.message import CommitRequest, CommitResult, Overwrite
from lakestore.model.predicate import Predicate
from lakestore.model.retain import UPDATE_TIME, VALUES_TIME

Commit = Callable[[CommitRequest], CommitResult]
SUCCESS_FILE = "_SUCCESS"
_SUCCESS_ACTION = "success-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePartition:
    """A partition with live files.

    Attributes:
        row: Serialized BinaryRow of its columns.
        values: Its values, in internal form.
        text: As ``day=2026-11-20/hour=3``.
        files: Number of live files.
        rows: Row versions in them.
        newest_ms: When the newest was made, by the wall clock of its writer; None when none of them says.
    """

    row: bytes
    values: tuple[object, ...]
    text: str
    files: int
    rows: int
    newest_ms: int | None


def live_partitions(parts: CleanParts) -> list[LivePartition]:
    """The partitions of the latest snapshot, by name."""
    snapshot = parts.snapshots.latest()
    groups: dict[bytes, list[tuple[int, int | None]]] = {}
    for entry in snapshot_entries(parts.manifests, snapshot) if snapshot is not None else ():
        groups.setdefault(entry.partition, []).append((entry.file.row_count, entry.file.creation_time))
    found = [
        LivePartition(
            row=row,
            values=decode_row(row, parts.schema.partition_types),
            text=parts.partition_text(row),
            files=len(files),
            rows=sum(rows for rows, _ in files),
            newest_ms=max((made for _, made in files if made is not None), default=None),
        )
        for row, files in groups.items()
    ]
    return sorted(found, key=lambda each: each.text)


def matching(parts: CleanParts, where: Predicate, partitions: Iterable[LivePartition]) -> list[LivePartition]:
    """Those partitions that meet a bound predicate on partition columns."""
    keys = parts.schema.partition_keys
    return [each for each in partitions if matches_values(where, dict(zip(keys, each.values, strict=True))) is True]


def drop_partitions(
    parts: CleanParts, commit: Commit, partitions: Sequence[LivePartition], *, dry_run: bool = False
) -> CleaningReport:
    """Drop exactly those partitions in one commit; without any, nothing is committed."""
    if partitions and not dry_run:
        rows = frozenset(each.row for each in partitions)
        commit(
            CommitRequest(
                user=parts.env.new_id(),
                overwrite=Overwrite(partitions=rows),
                operation="OVERWRITE",
                schema_id=parts.schema.id,
            )
        )
    return CleaningReport(dry_run=dry_run, partitions=tuple(each.text for each in partitions))


def truncate(parts: CleanParts, commit: Commit) -> CommitResult:
    """Remove all rows in one commit; older snapshots keep them."""
    return commit(
        CommitRequest(user=parts.env.new_id(), overwrite=Overwrite(), operation="TRUNCATE", schema_id=parts.schema.id)
    )


def expire_partitions(parts: CleanParts, commit: Commit, *, dry_run: bool = False) -> CleaningReport:
    """Drop the partitions whose time is over, by the table's options ``partition.expiration-*``.

    Raises:
        InvalidInputError: The table has no partitions or no ``partition.expiration-time``.
        UnsupportedFormatError: The strategy is none that LakeStore knows.
    """
    options = parts.options.partition_expiry
    if not parts.schema.partition_keys or options.time_ms is None:
        raise InvalidInputError(
            f"{parts.name}: partitions expire in tables that have some and set the option partition.expiration-time",
            kind=ErrorKind.INVALID_OPTION,
        )
    if options.strategy not in {VALUES_TIME, UPDATE_TIME}:
        raise UnsupportedFormatError(
            f"{parts.name}: partition.expiration-strategy is {options.strategy!r}; LakeStore knows {VALUES_TIME} and"
            f" {UPDATE_TIME}, others are classes of the Java engines"
        )
    now = parts.env.clock.now_ms()
    before = now + parts.env.clock.local_offset_ms(now) - options.time_ms
    time_of = time_in_values(parts.schema, options)
    going, notes = [], []
    for each in live_partitions(parts):
        made = each.newest_ms if options.strategy == UPDATE_TIME else time_of(each.values)
        if made is None:
            notes.append(f"partition {each.text} says no time and stays; drop it by hand or use {UPDATE_TIME}")
        elif made < before:
            going.append(each)
    going = going[: options.most]
    size = options.batch or max(len(going), 1)
    report = CleaningReport(dry_run=dry_run, notes=tuple(notes))
    for start in range(0, len(going), size):
        report += drop_partitions(parts, commit, going[start : start + size], dry_run=dry_run)
    return report


def mark_done(parts: CleanParts, partitions: Iterable[LivePartition]) -> tuple[str, ...]:
    """Mark partitions as done: a file ``_SUCCESS`` in the folder of each; the paths written.

    Raises:
        UnsupportedFormatError: The option ``partition.mark-done-action`` asks for more than success files.
    """
    others = [name for name in parts.options.partition_expiry.done_actions if name != _SUCCESS_ACTION]
    if others:
        raise UnsupportedFormatError(
            f"{parts.name}: partition.mark-done-action asks for {', '.join(others)}, which needs a metastore, a server"
            f" or a Java class; LakeStore does {_SUCCESS_ACTION} only"
        )
    now = parts.env.clock.now_ms()
    written = []
    for each in partitions:
        path = f"{parts.paths.root}/{each.text}/{SUCCESS_FILE}"
        held = parts.store.get_or_none(path)
        made = now if held is None else read_object(held, path).get("creationTime", now)
        parts.store.put(path, write_object({"creationTime": made, "modificationTime": now}))
        written.append(path)
    return tuple(written)
