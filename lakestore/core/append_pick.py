"""Which small files of an append table are written together.

After Paimon's ``AppendCompactCoordinator`` and ``BucketedAppendCompactManager``. Without buckets no order is promised,
so small files of a partition are packed as they fit: smallest first, until a pack would fill two files; what is left
over makes a pack of its own if it has enough files. In a bucket the order of rows is the order of writing, so only
files that follow each other may be written together.

Invariant: packs share no file, every pack has two files at least, and a bucket's packs are consecutive files.
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
    """

    target_bytes: int
    open_cost: int
    min_files: int

    @property
    def small_bytes(self) -> int:
        """Files from this size on are left alone: compression is hard to foresee, so full files are rarely full."""
        return self.target_bytes // 10 * 7


Pack = tuple[DataFile, ...]


def pick_unordered(files: Iterable[DataFile], options: AppendPickOptions, *, full: bool = False) -> tuple[Pack, ...]:
    """Packs of small files of one partition without buckets, each in the order in which it is to be written.

    Args:
        files: Live files of the partition.
        options: When small files are written together.
        full: Also pack a rest of two files or more.
    """
    small = sorted((file for file in files if file.size < options.small_bytes), key=lambda file: file.size)
    packs: list[Pack] = []
    pack: list[DataFile] = []
    weight = 0
    for file in small:
        pack.append(file)
        weight += file.size + options.open_cost
        if len(pack) > 1 and weight >= FILLED * options.target_bytes:
            packs.append(tuple(pack))
            pack, weight = [], 0
    if len(pack) >= (2 if full else max(2, options.min_files)):
        packs.append(tuple(pack))
    return tuple(packs)


def pick_ordered(files: Iterable[DataFile], options: AppendPickOptions, *, full: bool = False) -> tuple[Pack, ...]:
    """Packs of consecutive files of one bucket, in the order of their rows.

    Args:
        files: Live files of the bucket.
        options: When small files are written together.
        full: One pack of everything behind the large files at the front, if most of it is small.
    """
    ordered = sorted(files, key=lambda file: (file.min_sequence, file.max_sequence))
    return _whole(ordered, options) if full else _windows(ordered, options)


def _whole(ordered: Sequence[DataFile], options: AppendPickOptions) -> tuple[Pack, ...]:
    first_small = next((at for at, file in enumerate(ordered) if file.size < options.small_bytes), len(ordered))
    rest = ordered[first_small:]
    small = sum(file.size < options.small_bytes for file in rest)
    if len(rest) < FULL_FILES_MIN or small <= len(rest) - small:
        return ()
    return (tuple(rest),)


def _windows(ordered: Sequence[DataFile], options: AppendPickOptions) -> tuple[Pack, ...]:
    packs: list[Pack] = []
    window: list[DataFile] = []
    size = 0
    for file in ordered:
        window.append(file)
        size += file.size
        if len(window) >= max(2, options.min_files):
            packs.append(tuple(window))
            window, size = [], 0
        elif size >= FILLED * options.target_bytes:
            size -= window.pop(0).size
    return tuple(packs)
