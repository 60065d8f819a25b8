"""What is to be compacted in one bucket of an append table: small files, or files to lay out by levels.

1. Without ``clustering.incremental`` small files are written together (``append_pick``), at level 0 like all others.
2. With it the bucket is a tree of levels as in a primary-key table (Paimon ``IncrementalClusterManager``): files just
   written are at level 0, a run each; all of one level above were laid out together, though they may overlap. The
   policy that picks runs of keyed tables picks here, too, without its rules for early full compactions.
3. Everything goes to the top level when that is asked for, unless it is there already, laid out by the same columns.

Invariant: the units share no file.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lakestore.core.append_pick import AppendPickOptions, pick_ordered, pick_unordered
from lakestore.core.levels import Levels
from lakestore.core.pick import Cause, CompactUnit, PickState, pick
from lakestore.model.datafile import DataFile
from lakestore.model.options import CompactOptions, TableOptions

ClusteredBy = Callable[[int], tuple[str, ...]]
"""Columns by which tables of a schema, by its id, are laid out."""


def append_units(
    files: Sequence[DataFile], options: TableOptions, *, whole: bool, clustered_by: ClusteredBy, state: PickState
) -> tuple[CompactUnit, ...]:
    """What to compact together in one bucket; nothing for none.

    Args:
        files: All its live files.
        options: The table's options.
        whole: Everything that can be gained, not only what is due.
        clustered_by: Tells by what files of a schema were laid out.
        state: The time.
    """
    if options.append.cluster.incremental and options.append.cluster.columns:
        unit = _cluster(files, options, whole=whole, clustered_by=clustered_by, state=state)
        return () if unit is None else (unit,)
    choice = AppendPickOptions(
        target_bytes=options.files.target_bytes,
        open_cost=options.scan.split_open_cost,
        min_files=options.append.min_files,
        small_ratio=options.compact.small_file_ratio,
        file_limit=options.append.file_limit,
    )
    if whole and options.compact.force_rewrite_all and files:
        ordered = tuple(sorted(files, key=lambda file: file.min_sequence))
        return (CompactUnit(0, ordered, "every file is to be rewritten", Cause.FULL),)
    pick_packs = pick_unordered if options.bucket.count == -1 else pick_ordered
    return tuple(
        CompactUnit(0, pack, _reason(pack, choice), Cause.SMALL_FILES) for pack in pick_packs(files, choice, full=whole)
    )


def _reason(pack: Sequence[DataFile], choice: AppendPickOptions) -> str:
    return f"{sum(choice.is_small(file) for file in pack)} of {len(pack)} files are small"


def _cluster(
    files: Iterable[DataFile], options: TableOptions, *, whole: bool, clustered_by: ClusteredBy, state: PickState
) -> CompactUnit | None:
    levels = Levels.of(files, num_levels=options.compact.num_levels)
    columns = options.append.cluster.columns
    if not whole:
        unit = pick(levels, _plain(options.compact), state)
        return None if unit is None else replace(unit, cause=Cause.CLUSTERING)
    done = all(file.level == levels.max_level and clustered_by(file.schema_id) == columns for file in levels.files)
    if done:
        return None
    reason = f"all rows are to be laid out by {', '.join(columns)}"
    return CompactUnit(levels.max_level, levels.files, reason, Cause.CLUSTERING)


def _plain(options: CompactOptions) -> CompactOptions:
    """The options that count for laying out."""
    return CompactOptions(
        trigger=options.trigger,
        num_levels=options.num_levels,
        max_amplification=options.max_amplification,
        size_ratio=options.size_ratio,
    )
