"""The LSM of a table as records to draw: per bucket its sorted runs, where their keys lie, and what is compacted next.

Where keys lie is told by the first key column where that is a number or a time: its least value in the bucket is 0,
its greatest 1. Other keys are told by rank: the distinct least and greatest keys of the bucket's files, in key order,
lie evenly spread between 0 and 1.

The forecast is what ``core.pick`` says of the latest levels with the table's own options, at the time of asking.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lakestore.core.conflict import rank_of
from lakestore.core.filter import matches_values
from lakestore.core.levels import LevelRun, Levels
from lakestore.core.pick import CompactUnit, PickState, drops_deletes, full, pick
from lakestore.env import Clock
from lakestore.format.binary_row import decode_row
from lakestore.maintain.describe import key_text, partition_text
from lakestore.maintain.levels_records import BucketPicture, FilePicture, LevelsPicture, NextCompaction, RunPicture
from lakestore.meta.manifests import Manifests
from lakestore.meta.scan import live_entries_of
from lakestore.model.datafile import DataFile
from lakestore.model.manifest import ManifestEntry
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot
from lakestore.model.types import INTEGERS, TIMESTAMPS, TypeRoot

MEASURED = frozenset({*INTEGERS, *TIMESTAMPS, TypeRoot.DATE, TypeRoot.TIME, TypeRoot.DECIMAL})
"""Types of keys that lie at a distance from each other."""


def picture_levels(
    manifests: Manifests,
    snapshot: Snapshot | None,
    *,
    schema: TableSchema,
    options: TableOptions,
    clock: Clock,
    name: str,
    where: Predicate | None = None,
) -> LevelsPicture:
    """The trees of a snapshot.

    Args:
        manifests: Reader of the table's manifests.
        snapshot: The snapshot, None before the first commit.
        schema: The table's schema.
        options: Its options.
        clock: Tells what the time-driven rules ask.
        name: What messages call the table.
        where: Bound predicate on partition columns: only those partitions.
    """
    buckets: defaultdict[tuple[bytes, int], list[DataFile]] = defaultdict(list)
    for entry in _entries(manifests, snapshot, schema, where):
        buckets[entry.partition, entry.bucket].append(entry.file)
    state = PickState(now_ms=local_now_ms(clock))

    def drawn(partition: bytes, bucket: int, files: Sequence[DataFile]) -> BucketPicture:
        text = partition_text(partition, schema)
        if not schema.primary_keys:
            return _picture_of_files(text, bucket, files)
        return _picture_of_tree(text, bucket, files, schema, options, state)

    return LevelsPicture(
        table=name,
        snapshot_id=None if snapshot is None else snapshot.id,
        keyed=bool(schema.primary_keys),
        trigger=options.compact.trigger,
        buckets=tuple(drawn(*place, files) for place, files in sorted(buckets.items())),
    )


def local_now_ms(clock: Clock) -> int:
    """The local wall clock as data files tell it: milliseconds, encoded as if they were UTC."""
    now = clock.now_ms()
    return now + clock.local_offset_ms(now)


def _entries(
    manifests: Manifests, snapshot: Snapshot | None, schema: TableSchema, where: Predicate | None
) -> Sequence[ManifestEntry]:
    if snapshot is None:
        return []
    entries, _ = live_entries_of(manifests, manifests.read_snapshot_lists(snapshot))
    if where is None:
        return entries
    keys, types = schema.partition_keys, schema.partition_types
    wanted = {
        partition
        for partition in {entry.partition for entry in entries}
        if matches_values(where, dict(zip(keys, decode_row(partition, types), strict=True))) is True
    }
    return [entry for entry in entries if entry.partition in wanted]


def _picture_of_tree(
    partition: str,
    bucket: int,
    files: Sequence[DataFile],
    schema: TableSchema,
    options: TableOptions,
    state: PickState,
) -> BucketPicture:
    def rank(key: bytes) -> Any:  # noqa: ANN401 - whatever sorts
        return rank_of(decode_row(key, schema.key_types))

    levels = Levels.of(files, num_levels=options.compact.num_levels, rank=rank)
    unit = pick(levels, options.compact, state, looks_up=options.looks_up)
    taken = {file.name for file in unit.files} if unit is not None else set()
    place = _places(files, schema)
    everything = full(levels, rewrite_all=options.compact.force_rewrite_all)
    return BucketPicture(
        partition=partition,
        bucket=bucket,
        levels=levels.num_levels,
        runs=tuple(_picture_of_run(run, schema, place, picked=run.files[0].name in taken) for run in levels.runs),
        bytes=levels.size,
        next=None if unit is None else _forecast(levels, unit),
        full_bytes=0 if everything is None else everything.size,
    )


def _picture_of_run(run: LevelRun, schema: TableSchema, place: Callable[[bytes], float], *, picked: bool) -> RunPicture:
    def text(key: bytes) -> str:
        return key_text(decode_row(key, schema.key_types), schema)

    files = tuple(
        _picture_of_file(
            file, keys=(text(file.min_key), text(file.max_key)), span=(place(file.min_key), place(file.max_key))
        )
        for file in run.files
    )
    return RunPicture(level=run.level, files=files, bytes=run.size, picked=picked)


def _picture_of_files(partition: str, bucket: int, files: Sequence[DataFile]) -> BucketPicture:
    """An append table has no levels: its files, oldest first."""
    size = sum(file.size for file in files)
    ordered = sorted(files, key=lambda file: (file.min_sequence, file.creation_time or 0, file.name))
    run = RunPicture(level=0, files=tuple(map(_picture_of_file, ordered)), bytes=size, picked=False)
    return BucketPicture(partition=partition, bucket=bucket, levels=1, runs=(run,), bytes=size, next=None, full_bytes=0)


def _picture_of_file(
    file: DataFile, *, keys: tuple[str, str] = ("", ""), span: tuple[float, float] = (0.0, 1.0)
) -> FilePicture:
    return FilePicture(
        name=file.name,
        rows=file.row_count,
        deletes=file.delete_row_count,
        bytes=file.size,
        min_key=keys[0],
        max_key=keys[1],
        start=span[0],
        end=span[1],
    )


def _places(files: Iterable[DataFile], schema: TableSchema) -> Callable[[bytes], float]:
    """Where the bound of a file lies among all bounds of the bucket."""
    keys: dict[bytes, tuple[Any, ...]] = {
        key: decode_row(key, schema.key_types) for file in files for key in (file.min_key, file.max_key)
    }
    first = [values[0] for values in keys.values()]
    if schema.key_types[0].root in MEASURED and None not in first:
        # Whole numbers of any size, decimals too: their quotients are the only floats.
        low, span = min(first), max(first) - min(first)
        if span:
            return lambda key: float((keys[key][0] - low) / span)
    order = sorted({rank_of(values) for values in keys.values()})
    places = {bound: index / max(1, len(order) - 1) for index, bound in enumerate(order)}
    return lambda key: places[rank_of(keys[key])]


def _forecast(levels: Levels, unit: CompactUnit) -> NextCompaction:
    taken = {file.name for file in unit.files}
    return NextCompaction(
        cause=unit.cause,
        reason=unit.reason,
        runs=sum(run.files[0].name in taken for run in levels.runs),
        files=len(unit.files),
        bytes=unit.size,
        output_level=unit.output_level,
        drops_deletes=drops_deletes(levels, unit.output_level),
    )
