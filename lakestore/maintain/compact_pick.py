"""What is to be compacted: of each bucket the live files make a tree of levels, and the policy picks from it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from lakestore.core.append_units import append_units
from lakestore.core.levels import Levels
from lakestore.core.lift import lift
from lakestore.core.pick import CompactUnit, PickState, drops_deletes, full, pick, settle
from lakestore.data.rewrite import BucketFilesAt
from lakestore.maintain.compact_parts import CompactParts
from lakestore.maintain.expired import expired_test
from lakestore.model.datafile import DataFile
from lakestore.model.manifest import ManifestEntry
from lakestore.model.options import TableOptions

Place = tuple[bytes, int]
"""Partition and bucket number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One bucket and what is to be done in it.

    Attributes:
        place: Its live files, and where they are.
        total_buckets: Bucket count of its partition.
        unit: What to compact.
        drop_deletes: Retract rows fall out.
    """

    place: BucketFilesAt
    total_buckets: int
    unit: CompactUnit
    drop_deletes: bool


class Extent(Enum):
    """How much of a bucket is looked at.

    Attributes:
        DUE: What the options ask for.
        WHOLE: Everything goes to the top level.
        FRESH: Level 0 of a table that looks old values up (``core.lift``).
        SETTLED: What such a table has above level 1.
    """

    DUE = auto()
    WHOLE = auto()
    FRESH = auto()
    SETTLED = auto()


def pick_buckets(parts: CompactParts, entries: Iterable[ManifestEntry], extent: Extent) -> list[Bucket]:
    """The buckets in which something is to be compacted.

    Args:
        parts: The table, in a schema not older than the files.
        entries: All live files of the buckets looked at.
        extent: How much is looked at.
    """
    options, state = parts.options, PickState(now_ms=parts.now_ms())
    by_place: defaultdict[Place, list[ManifestEntry]] = defaultdict(list)
    for entry in entries:
        if entry.bucket >= 0:
            by_place[entry.partition, entry.bucket].append(entry)
    expired = expired_test(parts.schema, parts.schema_of, options.compact, now_ms=parts.env.clock.now_ms())
    chosen = []
    for (partition, bucket), own in by_place.items():
        files = tuple(entry.file for entry in own)
        if not parts.schema.primary_keys:
            chosen += _append_buckets(parts, own, state, whole=extent is Extent.WHOLE)
            continue
        levels = Levels.of(files, num_levels=options.compact.num_levels)
        unit = _unit(levels, options, state, extent, expired)
        if unit is not None:
            place = BucketFilesAt(
                partition=partition,
                bucket=bucket,
                files=files,
                top=levels.max_level,
                expired=frozenset(file.name for file in unit.files if expired(file)),
            )
            drops = drops_deletes(levels, unit.output_level)
            chosen.append(Bucket(place=place, total_buckets=own[0].total_buckets, unit=unit, drop_deletes=drops))
    return chosen


def _unit(
    levels: Levels, options: TableOptions, state: PickState, extent: Extent, expired: Callable[[DataFile], bool]
) -> CompactUnit | None:
    """What is to be compacted in one bucket."""
    match extent:
        case Extent.WHOLE:
            return full(levels, rewrite_all=options.compact.force_rewrite_all, must_rewrite=expired)
        case Extent.FRESH:
            return lift(levels)
        case Extent.SETTLED:
            return settle(levels, options.compact, state)
        case _:
            return pick(levels, options.compact, state, looks_up=options.looks_up)


def _append_buckets(
    parts: CompactParts, entries: Sequence[ManifestEntry], state: PickState, *, whole: bool
) -> list[Bucket]:
    """What to compact in one bucket of an append table, as many times as there are sets of files."""
    first, files = entries[0], tuple(entry.file for entry in entries)
    place = BucketFilesAt(partition=first.partition, bucket=first.bucket, files=files, top=0)
    units = append_units(files, parts.options, whole=whole, clustered_by=parts.clustered_by, state=state)
    return [Bucket(place=place, total_buckets=first.total_buckets, unit=unit, drop_deletes=False) for unit in units]
