"""Which sorted runs of a bucket are compacted next, and to which level (Paimon ``UniversalCompaction``).

Of R runs, newest first, the first rule that applies decides; T is ``num-sorted-run.compaction-trigger``.

1. Early full: the optimization interval has passed since the last full compaction, or the bucket is smaller than the
   total size threshold, or what lies below the top level is larger than the incremental one. All runs. (Not for R = 1.)
2. Size amplification, R >= T: all runs but the last are together larger than the last by the allowed percentage.
   All runs.
3. Size ratio, R >= T: begin with the newest run and take in the next ones as long as they are not larger, by more than
   a ratio, than what is taken; once something was taken in, runs of level 0 and 1 come along whatever their size.
4. Run count, R > T: as 3, but begin with the R - T + 1 newest.
5. Where level 0 must not stay (tables that look old values up, ``compaction.force-up-level-0``): as 3, but begin with
   all of level 0.

Runs taken go to the level right below that of the next run, or to the top level if no run is left. (Paimon also says
what happens if that is level 0; it cannot be, since levels 0 and 1 always come along.)

Invariant: what is picked is a prefix of the runs that contains all of level 0 or none of it, and the target lies above
0, not below any run picked, and below every run that stays. So data at smaller levels stays newer, and no two runs
ever share a level above 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lakestore.core.levels import LevelRun, Levels
from lakestore.model.datafile import DataFile
from lakestore.model.options import CompactOptions, LookupMode

_MS_PER_HOUR = 3_600_000


class Cause(StrEnum):
    """Which rule picked."""

    INTERVAL = "optimization-interval"
    TOTAL_SIZE = "total-size-threshold"
    INCREMENTAL_SIZE = "incremental-size-threshold"
    AMPLIFICATION = "size-amplification"
    RATIO = "size-ratio"
    COUNT = "run-count"
    LEVEL_0 = "force-level-0"
    FULL = "full"
    SMALL_FILES = "small-files"
    CLUSTERING = "clustering"


@dataclass(frozen=True, slots=True, kw_only=True)
class PickState:
    """What a pick needs to know beside files and options.

    Attributes:
        now_ms: Local wall clock in milliseconds, encoded as if it were UTC: as files say when they were made.
        last_full_ms: The last full compaction that the caller knows of, by that clock; files at the top level tell of
            others.
        skipped: Compactions that gentle lookups have passed over; None takes the files of level 0 for them, without
            the one that just came.
    """

    now_ms: int
    last_full_ms: int | None = None
    skipped: int | None = None

    @property
    def hour(self) -> int:
        """Hour of the local day, 0 to 23."""
        return self.now_ms // _MS_PER_HOUR % 24


@dataclass(frozen=True, slots=True)
class CompactUnit:
    """Files to compact together.

    Attributes:
        output_level: Level that they go to.
        files: The files, run by run, newest run first.
        reason: Why, for people.
        cause: Which rule picked them.
        file_by_file: Every file is rewritten on its own, whatever its neighbours; they lie at the output level.
        raised: Other files that move to other levels first, and those levels: all above the output level.
    """

    output_level: int
    files: tuple[DataFile, ...]
    reason: str
    cause: Cause = Cause.FULL
    file_by_file: bool = False
    raised: tuple[tuple[DataFile, int], ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(file.size for file in self.files)


def pick(levels: Levels, options: CompactOptions, state: PickState, *, looks_up: bool = False) -> CompactUnit | None:
    """What the options ask to compact next, None for nothing.

    Args:
        levels: The bucket.
        options: The triggers.
        state: The time, and what happened before.
        looks_up: Whether compaction looks old values up (``TableOptions.looks_up``): level 0 is to be emptied.
    """
    unit = (
        _early_full(levels, options, state)
        or _by_amplification(levels, options)
        or _by_ratio(levels, options, state)
        or _by_count(levels, options, state)
        or _by_level0(levels, options, state, looks_up=looks_up)
    )
    if unit is None or [file.level for file in unit.files] == [unit.output_level]:
        return None
    return unit


def settle(levels: Levels, options: CompactOptions, state: PickState) -> CompactUnit | None:
    """What to compact next of the runs from level 2 up, where commits empty level 0 themselves (``core.lift``).

    Rules 2 to 4, from one run fewer on than the trigger says; once these levels are full three runs at least.

    Args:
        levels: The bucket.
        options: The triggers.
        state: The time.
    """
    upper = Levels(levels.num_levels, tuple(run for run in levels.runs if run.level > 1))
    fewer = replace(options, trigger=options.trigger - 1)
    whole = _by_amplification(upper, fewer)
    if whole is not None or len(upper.runs) < levels.num_levels - 2:
        return whole or _by_ratio(upper, fewer, state) or _by_count(upper, fewer, state)
    return _by_count(upper, replace(options, trigger=max(1, len(upper.runs) - 2)), state)


def full(
    levels: Levels,
    *,
    rewrite_all: bool = False,
    must_rewrite: Callable[[DataFile], bool] = lambda _: False,
    reason: str = "a full compaction was asked for",
) -> CompactUnit | None:
    """Everything to the top level, None if there is nothing to gain (``CompactStrategy.pickFullCompaction``).

    Where all files are at the top already only those are rewritten, one by one, that hold retract rows or must be.

    Args:
        levels: The bucket.
        rewrite_all: Option ``compaction.force-rewrite-all-files``.
        must_rewrite: Whether a file that lies at the top must be rewritten all the same: it holds expired rows, say.
        reason: Why, for people.
    """
    if not levels.runs:
        return None
    top = levels.max_level
    if any(run.level != top for run in levels.runs):
        return CompactUnit(top, levels.files, reason)
    stale = tuple(file for file in levels.files if rewrite_all or file.may_have_deletes or must_rewrite(file))
    if not stale:
        return None
    why = "every file is to be rewritten" if rewrite_all else "files at the top level hold rows that are gone"
    return CompactUnit(top, stale, why, file_by_file=True)


def drops_deletes(levels: Levels, output_level: int, *, deletion_vectors: bool = False) -> bool:
    """Whether retract rows may be left out of a compaction to that level: nothing older can be there any more.

    Args:
        levels: The bucket, before the compaction.
        output_level: Where the rows go.
        deletion_vectors: Whether older rows are marked as deleted where they lie.
    """
    return output_level > 0 and (output_level >= levels.highest or deletion_vectors)


def last_full_ms(levels: Levels) -> int | None:
    """When the bucket was last compacted in full, as far as its files tell: the newest file at the top level."""
    made = [file.creation_time for run in levels.runs if run.level == levels.max_level for file in run.files]
    return max((time for time in made if time is not None), default=None)


def _early_full(levels: Levels, options: CompactOptions, state: PickState) -> CompactUnit | None:
    runs = levels.runs
    if len(runs) < 2:
        return None
    interval, total, fresh = (
        options.optimization_interval_ms,
        options.total_size_threshold,
        options.incremental_size_threshold,
    )
    if interval is not None:
        known = [time for time in (state.last_full_ms, last_full_ms(levels)) if time is not None]
        if not known or state.now_ms - max(known) > interval:
            since = f"{state.now_ms - max(known)} ms ago" if known else "never"
            return _all(levels, Cause.INTERVAL, f"last full compaction {since}, wanted every {interval} ms")
    if total is not None and levels.size < total:
        return _all(
            levels, Cause.TOTAL_SIZE, f"the bucket has {levels.size} bytes, under {total} it is compacted whole"
        )
    if fresh is not None:
        size = sum(run.size for run in runs if run.level != levels.max_level)
        if size > fresh:
            return _all(levels, Cause.INCREMENTAL_SIZE, f"{size} bytes below the top level, allowed are {fresh}")
    return None


def _by_amplification(levels: Levels, options: CompactOptions) -> CompactUnit | None:
    runs = levels.runs
    if len(runs) < options.trigger:
        return None
    oldest = runs[-1].size
    newer = levels.size - oldest
    if newer * 100 <= options.max_amplification * oldest:
        return None
    percent = f"{newer * 100 // oldest}%" if oldest else "infinitely"
    text = f"{len(runs)} runs, newer ones are {percent} of the oldest, allowed are {options.max_amplification}%"
    return _all(levels, Cause.AMPLIFICATION, text)


def _by_ratio(levels: Levels, options: CompactOptions, state: PickState) -> CompactUnit | None:
    if len(levels.runs) < options.trigger:
        return None
    count = _walk(levels.runs, 1, _ratio(options, state), taken=False)
    if count == 1:
        return None
    text = f"{len(levels.runs)} runs, the newest {count} are of like size"
    return _unit(levels, count, Cause.RATIO, text)


def _by_count(levels: Levels, options: CompactOptions, state: PickState) -> CompactUnit | None:
    surplus = len(levels.runs) - options.trigger
    if surplus <= 0:
        return None
    count = _walk(levels.runs, surplus + 1, _ratio(options, state), taken=True)
    return _unit(levels, count, Cause.COUNT, f"{len(levels.runs)} runs, allowed are {options.trigger}")


def _by_level0(levels: Levels, options: CompactOptions, state: PickState, *, looks_up: bool) -> CompactUnit | None:
    fresh = len(levels.level0)
    if not fresh or not (looks_up or options.force_up_level0):
        return None
    if looks_up and options.lookup_mode is LookupMode.GENTLE:
        skipped = fresh - 1 if state.skipped is None else state.skipped
        if skipped + 1 < options.lookup_max_interval:
            return None
    count = _walk(levels.runs, fresh, _ratio(options, state), taken=True)
    return _unit(levels, count, Cause.LEVEL_0, f"{fresh} files at level 0, where none shall stay")


def _ratio(options: CompactOptions, state: PickState) -> int:
    return options.size_ratio + (options.off_peak.ratio_at(state.hour) if options.off_peak else 0)


def _walk(runs: Sequence[LevelRun], count: int, ratio: int, *, taken: bool) -> int:
    """How many runs are taken, beginning with ``count``; ``taken`` says that there will be a compaction anyway."""
    size = sum(run.size for run in runs[:count])
    for run in runs[count:]:
        larger = size * (100 + ratio) < run.size * 100
        if larger and (not taken or run.level > 1):
            break
        size += run.size
        count += 1
        taken = True
    return count


def _unit(levels: Levels, count: int, cause: Cause, reason: str) -> CompactUnit:
    """The first ``count`` runs, as ``_walk`` counts them: the next one, if any, lies at level 2 or above."""
    if count == len(levels.runs):
        return _all(levels, cause, reason)
    files = tuple(file for run in levels.runs[:count] for file in run.files)
    return CompactUnit(levels.runs[count].level - 1, files, reason, cause)


def _all(levels: Levels, cause: Cause, reason: str) -> CompactUnit:
    return CompactUnit(levels.max_level, levels.files, reason, cause)
