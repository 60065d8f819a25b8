"""Which small files of an append table are written together.

After Paimon's ``AppendCompactCoordinator`` and ``BucketedAppendCompactManager``. Without buckets no order is promised,
so small files of a partition are packed as they fit: smallest first, until a pack would fill two files; what is left
over makes a pack of its own if it has enough files. In a bucket the order of rows is the order of writing, so only
files that follow each other may be written together. Unlike there, a pack never begins with a file that is large
enough: it would be written again for the sake of the few small ones behind it.

Invariant: packs share no file, every pack has two files at least, and a bucket's packs are consecutive files whose
numbers, before and after, lie between those of the files around them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lakestore.model.datafile import DataFile

FULL_FILES_MIN = 3
"""Files that a full rewrite of a bucket must have to be worth it."""

FILLED = 2
"""A pack is ready when it would fill that many files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendPickOptions:
    """When small files are written together.

    Attributes:
        target_bytes: Option ``target-file-size``.
        open_cost: Option ``source.split.open-file-cost``: what a file weighs beside its bytes.
        min_files: Option ``compaction.min.file-num``.
        small_ratio: Option ``compaction.small-file-ratio``, of the target size: files from there on are left alone,
            since compression is hard to foresee, and full files are rarely full.
        file_limit: Option ``compaction.file-num-limit``.
    """

    target_bytes: int
    open_cost: int
    min_files: int
    small_ratio: float = 0.7
    file_limit: int = 100_000

    def is_small(self, file: DataFile) -> bool:
        """Whether a file is to be written together with others."""
        return file.size < int(self.target_bytes * self.small_ratio)


Pack = tuple[DataFile, ...]


def pick_unordered(files: Iterable[DataFile], options: AppendPickOptions, *, full: bool = False) -> tuple[Pack, ...]:
    """Packs of small files of one partition without buckets, each in the order in which it is to be written.

    Args:
        files: Live files of the partition.
        options: When small files are written together.
        full: Also pack a rest of two files or more, and weigh files by their bytes alone: as few as can be are left.
    """
    small = [file for file in files if options.is_small(file)][: options.file_limit]
    packs: list[Pack] = []
    pack: list[DataFile] = []
    weight = 0
    for file in sorted(small, key=lambda file: (file.size, file.name)):
        pack.append(file)
        weight += file.size + (0 if full else options.open_cost)
        if len(pack) > 1 and weight >= FILLED * options.target_bytes:
            packs.append(_in_order(pack))
            pack, weight = [], 0
    if len(pack) >= (2 if full else max(2, options.min_files)):
        packs.append(_in_order(pack))
    return tuple(packs)


def pick_ordered(files: Iterable[DataFile], options: AppendPickOptions, *, full: bool = False) -> tuple[Pack, ...]:
    """Packs of consecutive files of one bucket, in the order of their rows.

    Args:
        files: Live files of the bucket.
        options: When small files are written together.
        full: One pack of everything behind the large files at the front, if most of it is small.
    """
    ordered = sorted(files, key=lambda file: file.min_sequence)
    packs = _whole(ordered, options) if full else _windows(ordered, options)
    return tuple(tuple(ordered[first:end]) for first, end in packs if _stays_in_place(ordered, first, end))


def _whole(ordered: Sequence[DataFile], options: AppendPickOptions) -> list[tuple[int, int]]:
    first = next((at for at, file in enumerate(ordered) if options.is_small(file)), len(ordered))
    small = sum(options.is_small(file) for file in ordered[first:])
    count = len(ordered) - first
    return [(first, len(ordered))] if count >= FULL_FILES_MIN and small > count - small else []


def _windows(ordered: Sequence[DataFile], options: AppendPickOptions) -> list[tuple[int, int]]:
    packs: list[tuple[int, int]] = []
    first = size = 0
    for at, file in enumerate(ordered):
        size += file.size
        if size >= FILLED * options.target_bytes and at + 1 - first < options.min_files:
            size -= ordered[first].size
            first += 1
        while first <= at and not options.is_small(ordered[first]):
            size -= ordered[first].size
            first += 1
        if at + 1 - first >= max(2, options.min_files):
            packs.append((first, at + 1))
            first, size = at + 1, 0
    return packs


def _stays_in_place(ordered: Sequence[DataFile], first: int, end: int) -> bool:
    """Whether the rows of a pack, numbered on from its first number, still lie where its files lay.

    Writers that did not know of each other may have given the same numbers; then readers go by the first number of a
    file alone, and a pack must not change what comes before what.
    """
    begin = ordered[first].min_sequence
    last = begin + max(sum(file.row_count for file in ordered[first:end]) - 1, 0)
    after = ordered[end].min_sequence if end < len(ordered) else None
    before = ordered[first - 1].min_sequence if first else None
    return (before is None or before < begin) and (after is None or max(last, begin) < after)


def _in_order(pack: Sequence[DataFile]) -> Pack:
    return tuple(sorted(pack, key=lambda file: (file.creation_time or 0, file.min_sequence, file.name)))
