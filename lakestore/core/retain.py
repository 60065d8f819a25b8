"""Which snapshots and changelogs expire, and which of their files nobody needs any more. Pure decisions.

Numbers (Paimon ``ExpireSnapshotsImpl``, ``ExpireChangelogImpl``). Of snapshots E to L, all below ``L - at_most + 1``
expire whatever their age; the newest ``at_least`` never do, nor what a consumer still has to read; in between a
snapshot expires once the one after it is old enough, and the first that is not ends the run. No run removes more than
``limit``.

Files. A data file is garbage once a snapshot that stays, or goes last, has deleted it, unless a tag from before still
holds it. Deltas are walked in order, so a file that was only moved up a level, or was brought back by a rollback that
made a new snapshot, is no garbage.

Invariant: what a snapshot that stays, a tag or a branch names is never in the result.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.retain import Keep

FileKey = tuple[bytes, int, str]
"""What tells a data file from all others: partition, bucket, name."""


@dataclass(frozen=True, slots=True)
class ExpiryRange:
    """Snapshots or changelogs that expire: ``start <= number < end``.

    Attributes:
        start: The earliest there is.
        end: The earliest that stays.
    """

    start: int
    end: int

    def __len__(self) -> int:
        return max(self.end - self.start, 0)


def check_keep(keep: Keep, *, what: str = "snapshot") -> None:
    """Refuse numbers that contradict each other, as Paimon does when it expires.

    Raises:
        InvalidInputError: More are to be kept at least than at most.
    """
    if keep.at_most < keep.at_least:
        raise InvalidInputError(
            f"{what}.num-retained.max is {keep.at_most} and below {what}.num-retained.min, {keep.at_least}: nothing can"
            " expire until max is at least min",
            kind=ErrorKind.INVALID_OPTION,
        )


def may_expire(keep: Keep, *, earliest: int, latest: int, held_from: int | None = None) -> ExpiryRange:
    """The snapshots that expire if they are old enough, all options but the age taken into account.

    Args:
        keep: Retention.
        earliest: Number of the earliest snapshot.
        latest: Number of the latest.
        held_from: Least number that a consumer reads next.
    """
    end = min(latest - keep.at_least + 1, earliest + keep.limit)
    return ExpiryRange(earliest, max(earliest, end if held_from is None else min(end, held_from)))


def expiring_snapshots(
    keep: Keep,
    *,
    earliest: int,
    latest: int,
    held_from: int | None,
    now_ms: int,
    time_of: Callable[[int], int | None],
) -> ExpiryRange:
    """The snapshots that expire now.

    Args:
        keep: Retention.
        earliest: Number of the earliest snapshot.
        latest: Number of the latest.
        held_from: Least number that a consumer reads next.
        now_ms: Now.
        time_of: When a snapshot was made; None when it is gone, which is taken for old.

    Raises:
        InvalidInputError: The retention contradicts itself.
    """
    check_keep(keep)
    most = may_expire(keep, earliest=earliest, latest=latest, held_from=held_from)
    for number in range(max(latest - keep.at_most + 1, earliest), most.end):
        made = time_of(number + 1)
        if made is not None and now_ms - keep.time_ms <= made:
            return ExpiryRange(earliest, number)
    return most


def expiring_changelogs(
    keep: Keep,
    *,
    earliest: int,
    newest: int,
    latest: int,
    held_from: int | None,
    now_ms: int,
    time_of: Callable[[int], int | None],
) -> ExpiryRange:
    """The changelogs that expire now; the newest one always stays.

    Args:
        keep: Retention.
        earliest: Number of the earliest changelog.
        newest: Number of the newest changelog.
        latest: Number of the latest snapshot.
        held_from: Least number that a consumer reads next.
        now_ms: Now.
        time_of: When the snapshot of a changelog was made; None when it is gone.

    Raises:
        InvalidInputError: The retention contradicts itself.
    """
    check_keep(keep, what="changelog")
    most = may_expire(keep, earliest=earliest, latest=latest, held_from=held_from)
    end = max(earliest, min(most.end, newest))
    for number in range(max(latest - keep.at_most + 1, earliest), end):
        made = time_of(number)
        if made is not None and now_ms - keep.time_ms <= made:
            return ExpiryRange(earliest, number)
    return ExpiryRange(earliest, end)


def previous(numbers: Sequence[int], number: int) -> int | None:
    """The greatest of those sorted numbers below ``number``, None if there is none."""
    position = bisect_left(numbers, number)
    return numbers[position - 1] if position else None


def covering(numbers: Sequence[int], start: int, end: int) -> list[int]:
    """Tagged snapshots whose manifests snapshots ``start <= n < end`` may share: those within, and the one before.

    Manifests live for a range of snapshots without a gap, so an older tag shares none that the one before does not.
    """
    first = bisect_right(numbers, start) - 1
    return list(numbers[max(first, 0) : bisect_left(numbers, end)])


@dataclass(frozen=True, slots=True)
class Garbage:
    """A data file that a snapshot deleted.

    Attributes:
        entry: Its DELETE entry.
        snapshot_id: The snapshot that deleted it.
    """

    entry: ManifestEntry
    snapshot_id: int


def file_key(entry: ManifestEntry) -> FileKey:
    """What tells the entry's file from all others."""
    return entry.partition, entry.bucket, entry.file.name


def deleted_files(deltas: Iterable[tuple[int, Iterable[ManifestEntry]]]) -> dict[FileKey, Garbage]:
    """The files that those deltas deleted and did not add again.

    Args:
        deltas: Snapshot number and entries of its delta, in order.
    """
    dead: dict[FileKey, Garbage] = {}
    for snapshot_id, entries in deltas:
        for entry in entries:
            key = file_key(entry)
            if entry.kind is EntryKind.DELETE:
                dead[key] = Garbage(entry, snapshot_id)
            else:
                dead.pop(key, None)
    return dead
