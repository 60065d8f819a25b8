"""Seconds, taken in turns so that a slow minute of the machine hits everybody."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Body = Callable[[], object]
Setup = Callable[[], Body]


@dataclass(frozen=True)
class Timing:
    """Seconds of the same work, several times.

    Attributes:
        seconds: By the clock.
        processor: Of processors, on all cores: what counts on a machine that others use too.
    """

    seconds: tuple[float, ...]
    processor: tuple[float, ...] = ()

    @property
    def least(self) -> float:
        """The fastest."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Figure:
    """One subject's time at one workload.

    Attributes:
        workload: What was done.
        subject: Who did it.
        timing: How long it took.
        rows: Rows read or written in it.
        note: What else there is to know.
    """

    workload: str
    subject: str
    timing: Timing | None
    rows: int = 0
    note: str = ""


def seconds_of(body: Body) -> tuple[float, float]:
    """Seconds that one call takes, by the clock and of processors, without the garbage of earlier ones."""
    gc.collect()
    started, worked = time.perf_counter(), time.process_time()
    result = body()
    elapsed = time.perf_counter() - started, time.process_time() - worked
    del result
    return elapsed


def in_turns(setups: Mapping[str, Setup], repeats: int) -> dict[str, Timing]:
    """Time several bodies round by round; each setup makes the body of one round, untimed."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in setups}
    for _ in range(repeats):
        for name, setup in setups.items():
            taken[name].append(seconds_of(setup()))
    return {name: Timing(*zip(*rounds, strict=True)) for name, rounds in taken.items()}
