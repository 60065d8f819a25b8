"""Files of one bucket as sections of sorted runs (Paimon ``IntervalPartition``).

1. Sort the files by least key, then by greatest key.
2. A file whose least key lies above every greatest key before it begins a new section: sections share no key.
3. Inside a section pack files into runs: a file follows a run that ends below it, else it begins a new run.
   Where several runs would do, one that ends at the file's own level is taken, because runs of one level keep
   their ranges of sequence numbers apart; else the one that ends lowest.

Invariant: the files of a run do not overlap and lie in key order; a section has as few runs as its deepest
overlap.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lakestore.model.datafile import DataFile

KeyRank = Callable[[bytes], Any]
"""Serialized trimmed key to something that sorts as Paimon sorts keys (``lakestore.core.conflict.rank_of``)."""


@dataclass(frozen=True, slots=True)
class Run:
    """Files in key order without overlap."""

    files: tuple[DataFile, ...]

    @property
    def min_sequence(self) -> int:
        """Least sequence number of its files."""
        return min(file.min_sequence for file in self.files)

    @property
    def max_sequence(self) -> int:
        """Greatest sequence number of its files."""
        return max(file.max_sequence for file in self.files)


@dataclass(frozen=True, slots=True)
class Section:
    """Runs whose key ranges overlap, and that share no key with another section."""

    runs: tuple[Run, ...]

    @property
    def files(self) -> tuple[DataFile, ...]:
        """All files, run by run."""
        return tuple(file for run in self.runs for file in run.files)

    @property
    def raw(self) -> bool:
        """Whether no key is there twice and no file says that it holds retract rows (Paimon: raw convertible)."""
        return len(self.runs) == 1 and not any(file.may_have_deletes for file in self.files)


@dataclass(frozen=True, slots=True)
class _Ranked:
    low: Any
    high: Any
    file: DataFile


def sections_of(files: Iterable[DataFile], rank: KeyRank) -> tuple[Section, ...]:
    """Cut the files of one bucket into sections, in key order."""
    ranked = [_Ranked(rank(file.min_key), rank(file.max_key), file) for file in files]
    ranked.sort(key=lambda one: (one.low, one.high))
    sections: list[Section] = []
    pending: list[_Ranked] = []
    bound: Any = None
    for one in ranked:
        if pending and one.low > bound:
            sections.append(_runs_of(pending))
            pending = []
        bound = one.high if not pending or one.high > bound else bound
        pending.append(one)
    if pending:
        sections.append(_runs_of(pending))
    return tuple(sections)


def oldest_first(runs: Sequence[Run]) -> tuple[Run, ...] | None:
    """The runs in the order they were written, if the sequence numbers of any two lie fully apart, else None."""
    ordered = sorted(runs, key=lambda run: run.min_sequence)
    apart = all(older.max_sequence < newer.min_sequence for older, newer in pairwise(ordered))
    return tuple(ordered) if apart else None


def _runs_of(section: Sequence[_Ranked]) -> Section:
    runs: list[list[_Ranked]] = []
    for one in section:
        fitting = [run for run in runs if run[-1].high < one.low]
        if fitting:
            level = one.file.level
            min(fitting, key=lambda run: (run[-1].file.level != level, run[-1].high)).append(one)
        else:
            runs.append([one])
    return Section(tuple(Run(tuple(one.file for one in run)) for run in runs))
