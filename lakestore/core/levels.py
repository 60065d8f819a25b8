"""The files of one bucket as an LSM tree: level 0, and one sorted run for each level above (Paimon ``Levels``).

1. At level 0 every file is a sorted run of its own, newest first: greater last sequence number, then smaller first
   one, then creation time, then name.
2. Each level above is one run: its files share no key.
3. The runs of the tree are the files of level 0 in that order, then levels 1, 2 and so on where they hold files.

Invariant: for any key, what an earlier run of the tree says is newer than what a later one says.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lakestore.model.datafile import DataFile

KeyRank = Callable[[bytes], Any]
"""Serialized trimmed key to something that sorts as Paimon sorts keys (``lakestore.core.conflict.rank_of``)."""


@dataclass(frozen=True, slots=True)
class LevelRun:
    """One sorted run of the tree.

    Attributes:
        level: The level that its files are at.
        files: Its files: one at level 0, else those of the level.
        size: Bytes of them together.
    """

    level: int
    files: tuple[DataFile, ...]
    size: int

    @classmethod
    def of(cls, level: int, files: Iterable[DataFile]) -> "LevelRun":
        """The run of those files."""
        held = tuple(files)
        return cls(level, held, sum(file.size for file in held))


@dataclass(frozen=True, slots=True)
class Levels:
    """The tree of one bucket.

    Attributes:
        num_levels: Number of levels, level 0 and empty ones included.
        runs: Its sorted runs, newest first.
    """

    num_levels: int
    runs: tuple[LevelRun, ...]

    @classmethod
    def of(cls, files: Iterable[DataFile], *, num_levels: int, rank: KeyRank | None = None) -> "Levels":
        """The tree of those files.

        Args:
            files: Live files of one bucket.
            num_levels: Option ``num-levels``; more, where a file lies higher than that.
            rank: Order of keys, to sort the files of a level by; None leaves them by name.
        """
        by_level: defaultdict[int, list[DataFile]] = defaultdict(list)
        for file in files:
            by_level[file.level].append(file)
        runs = [LevelRun.of(0, [file]) for file in sorted(by_level.pop(0, []), key=_newest_first)]
        for level in sorted(by_level):
            held = sorted(by_level[level], key=lambda file: file.name)
            if rank is not None:
                held.sort(key=lambda file: rank(file.min_key))
            runs.append(LevelRun.of(level, held))
        return cls(max(num_levels, *(run.level + 1 for run in runs), 1), tuple(runs))

    @property
    def max_level(self) -> int:
        """The top level, whether it holds files or not."""
        return self.num_levels - 1

    @property
    def level0(self) -> tuple[DataFile, ...]:
        """The files of level 0, newest first."""
        return tuple(run.files[0] for run in self.runs if run.level == 0)

    @property
    def files(self) -> tuple[DataFile, ...]:
        """All files, run by run."""
        return tuple(file for run in self.runs for file in run.files)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(run.size for run in self.runs)

    @property
    def highest(self) -> int:
        """The highest level that holds files, -1 if there are none."""
        return self.runs[-1].level if self.runs else -1

    def after(self, before: Iterable[DataFile], after: Iterable[DataFile]) -> "Levels":
        """The tree once a compaction took those files away and put these in."""
        gone = {(file.name, file.level) for file in before}
        left = [file for file in self.files if (file.name, file.level) not in gone]
        return Levels.of([*left, *after], num_levels=self.num_levels)


def _newest_first(file: DataFile) -> tuple[int, int, int, str]:
    return (-file.max_sequence, file.min_sequence, file.creation_time or 0, file.name)
