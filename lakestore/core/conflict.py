"""Whether the changes of a commit still fit on the latest snapshot (Paimon ``ConflictDetection``).

Pure: live entries and changes in, the first conflict found out.

1. Every DELETE must cancel a live file of the same identity; a leftover one means that somebody else removed it.
2. No ADD may have the identity of a file that is live and stays.
3. All files of a partition that are left must agree on the bucket count, or rows of one key lie in two buckets.
4. In a primary-key table no two files at one level >= 1 of a bucket may overlap in their keys.

Fresh level-0 files can only break rule 3.
"""

import math
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from lakestore.core.changes import Changes
from lakestore.errors import ErrorKind
from lakestore.model.manifest import FileId, ManifestEntry
from lakestore.model.schema import TableSchema

KeyRank = Callable[[bytes], Any]
"""Serialized trimmed key to something that sorts as Paimon sorts keys; see ``rank_of``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why changes do not fit.

    Attributes:
        kind: Stable code of the error to raise.
        reason: What is wrong, as a clause.
        entry: The entry of ours that does not fit, if it is one.
        other: The live entry it meets, if there is one.
    """

    kind: ErrorKind
    reason: str
    entry: ManifestEntry | None = None
    other: ManifestEntry | None = None


def find_conflict(
    live: Iterable[ManifestEntry], changes: Changes, *, key_rank: KeyRank | None = None
) -> Conflict | None:
    """The first conflict of those changes with those live files, None if they fit.

    Args:
        live: Live ADD entries, at least of all partitions that the changes touch.
        changes: What the commit wants.
        key_rank: Order of keys; None for an append table, whose levels may overlap.
    """
    standing: dict[FileId, ManifestEntry] = {entry.id: entry for entry in live}
    for entry in changes.deletes:
        if standing.pop(entry.id, None) is None:
            return _gone(entry)
    for entry in changes.adds:
        other = standing.get(entry.id)
        if other is not None:
            reason = f"file {entry.file.name} is already live at level {entry.file.level}"
            return Conflict(kind=ErrorKind.FILE_ADDED_TWICE, reason=reason, entry=entry, other=other)
        standing[entry.id] = entry
    touched = changes.partitions
    left = [entry for entry in standing.values() if entry.partition in touched]
    return find_bucket_conflict(left, changes) or (_find_overlap(left, changes, key_rank) if key_rank else None)


def find_bucket_conflict(live: Iterable[ManifestEntry], changes: Changes) -> Conflict | None:
    """The first live or new file whose bucket count differs from that of a new file of its partition."""
    wanted: dict[bytes, ManifestEntry] = {}
    for entry in changes.adds:
        first = wanted.setdefault(entry.partition, entry)
        if first.total_buckets != entry.total_buckets:
            return _bucket_conflict(entry, first)
    for other in live:
        mine = wanted.get(other.partition)
        if mine is None or other.total_buckets <= 0 or mine.total_buckets <= 0:
            continue
        if other.total_buckets != mine.total_buckets:
            return _bucket_conflict(mine, other)
    return None


def find_sequence_conflict(live: Iterable[ManifestEntry], changes: Changes) -> Conflict | None:
    """The first fresh file whose rows would not all come after those of a live file of its bucket.

    For writers that numbered their rows at an older snapshot: which of two rows with one key and one number is the
    newer would be up to each reader.
    """
    firsts: dict[tuple[bytes, int], ManifestEntry] = {}
    for entry in changes.adds:
        place = (entry.partition, entry.bucket)
        first = firsts.setdefault(place, entry)
        if entry.file.min_sequence < first.file.min_sequence:
            firsts[place] = entry
    for other in live:
        mine = firsts.get((other.partition, other.bucket))
        if mine is not None and other.file.max_sequence >= mine.file.min_sequence:
            reason = (
                f"file {mine.file.name} numbers its rows from {mine.file.min_sequence}, but file {other.file.name} of"
                f" the same bucket was committed meanwhile and goes up to {other.file.max_sequence}"
            )
            return Conflict(kind=ErrorKind.SEQUENCE_TAKEN, reason=reason, entry=mine, other=other)
    return None


def find_layout_conflict(written: TableSchema, latest: TableSchema) -> Conflict | None:
    """What moved rows to other buckets or partitions between two schemas; None if files of the first still fit.

    Keys are compared by field id, so that a renamed column is the same column.
    """
    if _bucket_option(written) != _bucket_option(latest):
        reason = f"the bucket count went from {_bucket_option(written)} to {_bucket_option(latest)}"
        return Conflict(kind=ErrorKind.BUCKET_COUNT_CHANGED, reason=reason)
    for what, before, after in (
        ("bucket function", _bucket_function(written), _bucket_function(latest)),
        ("bucket key", _bucket_key_ids(written), _bucket_key_ids(latest)),
        ("primary key", _ids(written, written.primary_keys), _ids(latest, latest.primary_keys)),
        ("partition key", _ids(written, written.partition_keys), _ids(latest, latest.partition_keys)),
    ):
        if before != after:
            reason = f"the {what} changed from {before} to {after} (columns by field id)"
            return Conflict(kind=ErrorKind.SCHEMA_CHANGED, reason=reason)
    return None


def rank_of(values: Sequence[Any]) -> tuple[Any, ...]:
    """A key in internal form as something that Python sorts the way Paimon sorts keys.

    Null is lowest; strings and binaries go by bytes (Python's code point order is UTF-8 byte order); floating
    point goes by bits, so that -0.0 < 0.0 and NaN is greatest.
    """
    return tuple((False, 0) if value is None else (True, _scalar_rank(value)) for value in values)


def _scalar_rank(value: Any) -> Any:  # noqa: ANN401 - any internal scalar
    if isinstance(value, float):
        if math.isnan(value):
            return (1 << 63) - 1
        bits: int = struct.unpack(">q", struct.pack(">d", value))[0]
        return bits if bits >= 0 else -(bits & ((1 << 63) - 1)) - 1
    if isinstance(value, bool | int | Decimal | str | bytes):
        return value
    return bytes(value)


def _find_overlap(left: Iterable[ManifestEntry], changes: Changes, key_rank: KeyRank) -> Conflict | None:
    runs = {(entry.partition, entry.bucket, entry.file.level) for entry in changes.adds if entry.file.level > 0}
    by_run: dict[tuple[bytes, int, int], list[ManifestEntry]] = defaultdict(list)
    for entry in left:
        run = (entry.partition, entry.bucket, entry.file.level)
        if run in runs:
            by_run[run].append(entry)
    ours = {entry.id for entry in changes.adds}
    for entries in by_run.values():
        entries.sort(key=lambda entry: key_rank(entry.file.min_key))
        for one, two in pairwise(entries):
            if key_rank(one.file.max_key) < key_rank(two.file.min_key):
                continue
            mine, other = (one, two) if one.id in ours else (two, one)
            reason = f"files {one.file.name} and {two.file.name} would overlap at level {one.file.level}"
            return Conflict(kind=ErrorKind.LEVEL_OVERLAP, reason=reason, entry=mine, other=other)
    return None


def _gone(entry: ManifestEntry) -> Conflict:
    reason = f"file {entry.file.name} at level {entry.file.level} is no longer live"
    return Conflict(kind=ErrorKind.FILE_GONE, reason=reason, entry=entry)


def _bucket_conflict(mine: ManifestEntry, other: ManifestEntry) -> Conflict:
    reason = (
        f"file {mine.file.name} was written for {mine.total_buckets} buckets,"
        f" file {other.file.name} of the same partition for {other.total_buckets}"
    )
    return Conflict(kind=ErrorKind.BUCKET_COUNT_CHANGED, reason=reason, entry=mine, other=other)


def _bucket_option(schema: TableSchema) -> str:
    return schema.options.get("bucket", "-1").strip()


def _bucket_function(schema: TableSchema) -> str:
    return schema.options.get("bucket-function.type", "default").strip().lower()


def _bucket_key_ids(schema: TableSchema) -> tuple[int, ...]:
    names = [name for name in schema.options.get("bucket-key", "").split(",") if name]
    return _ids(schema, names)


def _ids(schema: TableSchema, names: Iterable[str]) -> tuple[int, ...]:
    return tuple(schema.find(name).id for name in names)
