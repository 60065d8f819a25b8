"""What compaction options cost, without any I/O: write, read and space amplification of a stream of upsert commits.

1. Every commit adds one file of level 0 with so many distinct keys, drawn evenly from all keys.
2. The real policy (``core.pick``) says what is compacted after it, as often as it has something to say or once a
   commit; every ``full-compaction.delta-commits`` commits everything is.
3. Runs of a and b keys out of k merge to a + b - a*b/k keys: what is expected when keys are drawn evenly. A single
   file goes up without being written. A run of n keys has n times the bytes of a row.

Invariant: the newest run always counts as written once; a merged run never has more keys than there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lakestore.core.levels import Levels
from lakestore.core.pick import CompactUnit, PickState, full, pick
from lakestore.errors import InvalidInputError
from lakestore.model.datafile import DataFile
from lakestore.model.options import CompactOptions

ROUNDS_MAX = 100
"""Compactions after one commit; each leaves fewer runs, so this is never met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A stream of commits to one bucket.

    Attributes:
        commits: Distinct keys of each commit.
        keys: Distinct keys there are; None when every row is a new key.
        row_bytes: Bytes that a row takes in a file.
        interval_ms: Time between commits.
    """

    commits: tuple[int, ...]
    keys: int | None = None
    row_bytes: int = 100
    interval_ms: int = 60_000

    def __post_init__(self) -> None:
        if not self.commits or min(self.commits) < 1 or self.row_bytes < 1 or self.interval_ms < 0:
            raise InvalidInputError(
                f"a workload needs at least one commit, of at least one row of at least one byte, not {self}"
            )
        if self.keys is not None and max(self.commits) > self.keys:
            raise InvalidInputError(
                f"a commit of {max(self.commits)} distinct keys out of {self.keys}: there are not that many"
            )

    def merged(self, counts: Iterable[int]) -> int:
        """Distinct keys expected in runs of that many keys together."""
        total = 0.0
        for count in counts:
            total += count if self.keys is None else count * (1 - total / self.keys)
        return round(total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One commit and the compactions after it.

    Attributes:
        flushed: Bytes that the commit wrote.
        compacted: Bytes that the compactions wrote.
        read: Bytes that they read.
        causes: Which rules asked for them.
        runs: Sorted runs left.
        runs_met: Sorted runs before the compactions, which is what a reader meets in between.
        stored: Bytes in all files.
        live: Bytes of the distinct keys.
    """

    flushed: int
    compacted: int
    read: int
    causes: tuple[str, ...]
    runs: int
    runs_met: int
    stored: int
    live: int


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a stream of commits came to.

    Attributes:
        steps: Commit by commit.
    """

    steps: tuple[Step, ...]

    @property
    def flushed(self) -> int:
        """Bytes that the commits wrote."""
        return sum(step.flushed for step in self.steps)

    @property
    def written(self) -> int:
        """Bytes written in all."""
        return self.flushed + sum(step.compacted for step in self.steps)

    @property
    def compactions(self) -> int:
        """Number of compactions."""
        return sum(len(step.causes) for step in self.steps)

    @property
    def write_amplification(self) -> float:
        """Bytes written for each byte that came in."""
        return self.written / self.flushed

    @property
    def read_amplification(self) -> float:
        """Sorted runs that a reader merges after a commit, on average."""
        return sum(step.runs for step in self.steps) / len(self.steps)

    @property
    def runs_max(self) -> int:
        """Sorted runs at the worst moment."""
        return max(step.runs_met for step in self.steps)

    @property
    def space_amplification(self) -> float:
        """Bytes stored for each byte of distinct keys, on average."""
        return sum(step.stored / step.live for step in self.steps) / len(self.steps)

    @property
    def worst_commit(self) -> float:
        """Bytes written for each byte of the commit, in the commit where that is worst."""
        return max((step.flushed + step.compacted) / step.flushed for step in self.steps)


def simulate(
    workload: Workload, options: CompactOptions, *, looks_up: bool = False, until_settled: bool = False
) -> Simulation:
    """Run a stream of commits through the policy.

    Args:
        workload: The commits.
        options: The triggers.
        looks_up: Whether compaction looks old values up, so that level 0 does not stay.
        until_settled: Compact after each commit until nothing is left to do; otherwise once.
    """
    bucket = _Bucket(workload, options)
    steps = []
    for number, keys in enumerate(workload.commits, start=1):
        bucket.commit(number, keys)
        met = len(bucket.levels.runs)
        units: list[CompactUnit] = []
        read = written = 0
        for _ in range(ROUNDS_MAX if until_settled else 1):
            unit = bucket.next_unit(number, looks_up=looks_up)
            if unit is None:
                break
            units.append(unit)
            cost = bucket.compact(number, unit)
            read, written = read + cost[0], written + cost[1]
        steps.append(bucket.step(keys, read=read, written=written, units=units, runs_met=met))
    return Simulation(tuple(steps))


class _Bucket:
    """The tree as the commits and compactions change it."""

    def __init__(self, workload: Workload, options: CompactOptions) -> None:
        self._workload = workload
        self._options = options
        self._files_made = 0
        self._keys_seen = 0
        self.levels = Levels.of([], num_levels=options.num_levels)

    def commit(self, number: int, keys: int) -> None:
        """Add a file to level 0."""
        self._keys_seen = self._workload.merged([self._keys_seen, keys])
        self.levels = self.levels.after([], [self._file(number, 0, keys)])

    def next_unit(self, number: int, *, looks_up: bool) -> CompactUnit | None:
        """What is compacted now."""
        every = self._options.full_delta_commits
        if every is not None and number % every == 0:
            return full(self.levels)
        state = PickState(now_ms=number * self._workload.interval_ms)
        return pick(self.levels, self._options, state, looks_up=looks_up)

    def compact(self, number: int, unit: CompactUnit) -> tuple[int, int]:
        """Carry it out; bytes read and written."""
        keys = self._workload.merged(file.row_count for file in unit.files)
        made = self._file(number, unit.output_level, keys)
        self.levels = self.levels.after(unit.files, [made])
        return (0, 0) if len(unit.files) == 1 else (unit.size, made.size)

    def step(self, keys: int, *, read: int, written: int, units: Sequence[CompactUnit], runs_met: int) -> Step:
        """What the commit came to."""
        row_bytes = self._workload.row_bytes
        return Step(
            flushed=keys * row_bytes,
            compacted=written,
            read=read,
            causes=tuple(str(unit.cause) for unit in units),
            runs=len(self.levels.runs),
            runs_met=runs_met,
            stored=self.levels.size,
            live=self._keys_seen * row_bytes,
        )

    def _file(self, number: int, level: int, keys: int) -> DataFile:
        self._files_made += 1
        return DataFile(
            name=f"{self._files_made}",
            size=keys * self._workload.row_bytes,
            row_count=keys,
            min_sequence=number,
            max_sequence=number,
            schema_id=0,
            level=level,
            creation_time=number * self._workload.interval_ms,
        )
