"""Emptying level 0 within each commit, and merging what lies above it beside the commits.

Tables that look old values up, to make a changelog or to find a key's first row, empty level 0 before a commit returns
(``core.pick``, rule 5). That is all that a commit has to wait for. What is merged for the sake of reading and space can
go on beside it, if both keep to levels of their own:

* ``lift``, within the commit: the files of level 0 go to the level right below the next run. Where that run is at level
  1, the runs are first moved up into the empty levels between them, by metadata alone; where there is none, level 1 is
  merged with them and stays at level 1.
* ``core.pick.settle``, beside the commits, merges runs from level 2 up. Level 1 is left to the commits that come
  meanwhile.

Invariant: a lift takes in, or moves, none of the files that a settling takes which was picked when the levels from 2 up
were full, as they are by default; and both keep the invariant of ``core.pick``.
"""

from dataclasses import replace

from lakestore.core.levels import LevelRun, Levels
from lakestore.core.pick import Cause, CompactUnit
from lakestore.model.datafile import DataFile
from lakestore.model.options import CompactOptions, LookupMode

LEVELS_MIN = 4
"""Levels that it takes: level 0, level 1, and two that can be merged."""


def can_lift(options: CompactOptions) -> bool:
    """Whether options leave it to us how level 0 is emptied, and there are levels enough for both."""
    early = (options.optimization_interval_ms, options.total_size_threshold, options.incremental_size_threshold)
    asked = any(option is not None for option in early) or options.lookup_mode is not LookupMode.RADICAL
    return not asked and LEVELS_MIN <= options.trigger + 1 <= options.num_levels


def lift(levels: Levels) -> CompactUnit | None:
    """What empties level 0; None where it is empty.

    Args:
        levels: The bucket.
    """
    fresh = len(levels.level0)
    if not fresh:
        return None
    why = f"{fresh} files at level 0, where none shall stay"
    above = levels.runs[fresh:]
    if not above:
        return CompactUnit(levels.max_level, levels.files, why, Cause.LEVEL_0)
    if above[0].level > 1:
        return CompactUnit(above[0].level - 1, levels.level0, why, Cause.LEVEL_0)
    places = _packed(above)
    if places[0] > 1:
        raised = tuple((file, to) for run, to in zip(above, places, strict=True) for file in _moved(run, to))
        return CompactUnit(places[0] - 1, levels.level0, why, Cause.LEVEL_0, raised=raised)
    files = (*levels.level0, *above[0].files)
    return CompactUnit(levels.max_level if len(above) == 1 else 1, files, why, Cause.LEVEL_0)


def after_lift(levels: Levels) -> Levels:
    """The bucket once level 0 is empty; a file stands for what becomes of those that are merged."""
    unit = lift(levels)
    if unit is None:
        return levels
    moved = [replace(file, level=level) for file, level in unit.raised]
    gone = [*unit.files, *(file for file, _ in unit.raised)]
    return levels.after(gone, [*moved, replace(unit.files[0], level=unit.output_level)])


def _packed(runs: tuple[LevelRun, ...]) -> list[int]:
    """Levels of runs without a gap between them; the last stays where it is."""
    last = runs[-1].level
    return [last - left for left in range(len(runs) - 1, -1, -1)]


def _moved(run: LevelRun, level: int) -> tuple[DataFile, ...]:
    return run.files if run.level != level else ()
