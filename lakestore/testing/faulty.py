"""A store that fails on purpose, for crash and lost-answer sweeps.

A plan looks at each call and may order a fault. Sweep ``NthCall(n, kind)`` for n = 1, 2, … until a run ends without
``fired``: then every call of the run has failed once.
"""

import random  # noqa: TID251 - for the type; the caller brings the generator
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from lakestore.errors import StorageError
from lakestore.storage.parallel import Mutex
from lakestore.storage.store import OutputFile, Store
from lakestore.testing.watched import WatchedStore

T = TypeVar("T")

WRITES = frozenset({"put", "put_if_absent", "delete", "open_output", "write", "finish"})
"""Operations that change the store."""


class FaultKind(StrEnum):
    """What happens to a call.

    BEFORE: nothing is done, and the caller gets a transient StorageError.
    AFTER: it is done, but the answer is lost: a transient StorageError.
    CRASH: nothing is done, and the process dies: Crash, now and on every later call.
    CRASH_AFTER: it is done, and the process dies.
    TORN: half of the bytes are written, and the process dies; for other calls the same as CRASH.
    """

    BEFORE = "before"
    AFTER = "after"
    CRASH = "crash"
    CRASH_AFTER = "crash-after"
    TORN = "torn"


class Crash(BaseException):
    """The process died. No ``except Exception`` stops it, and nothing reaches the store any more."""


class Plan(Protocol):
    """Orders faults."""

    def decide(self, operation: str, path: str) -> FaultKind | None:
        """The fault of the next call, None for none. Calls come one at a time."""
        ...


@dataclass(slots=True)
class NthCall(Plan):
    """One fault, at the n-th call that fits.

    Attributes:
        n: Counted from 1; 0 for never, which only counts.
        kind: What happens.
        operations: Operations that count; None for all.
        path: Whether a path counts; None for all.
        seen: Calls that fitted so far.
        fired: Whether the fault has happened.
    """

    n: int
    kind: FaultKind = FaultKind.BEFORE
    operations: Container[str] | None = None
    path: Callable[[str], bool] | None = None
    seen: int = field(default=0, init=False)
    fired: bool = field(default=False, init=False)

    def decide(self, operation: str, path: str) -> FaultKind | None:
        """Count the call, and order the fault when its turn has come."""
        if self.operations is not None and operation not in self.operations:
            return None
        if self.path is not None and not self.path(path):
            return None
        self.seen += 1
        if self.seen != self.n:
            return None
        self.fired = True
        return self.kind


@dataclass(slots=True)
class RandomFaults(Plan):
    """Faults by chance.

    Attributes:
        rng: Where chance comes from.
        chance: Of each call to fail, 0 to 1.
        kinds: Kinds to choose from.
        operations: Operations that may fail; None for all.
        most: Faults until the store heals.
        fired: Faults so far, by kind.
    """

    rng: random.Random
    chance: float
    kinds: tuple[FaultKind, ...] = (FaultKind.BEFORE, FaultKind.AFTER)
    operations: Container[str] | None = None
    most: int = 1_000_000
    fired: dict[FaultKind, int] = field(default_factory=dict, init=False)

    def decide(self, operation: str, path: str) -> FaultKind | None:
        """Draw."""
        del path
        if self.operations is not None and operation not in self.operations:
            return None
        if sum(self.fired.values()) >= self.most or self.rng.random() >= self.chance:
            return None
        kind = self.rng.choice(self.kinds)
        self.fired[kind] = self.fired.get(kind, 0) + 1
        return kind


class FaultyStore(WatchedStore):
    """A store whose calls fail as a plan orders.

    Args:
        inner: The store that does the work.
        plan: Which calls fail, and how.
    """

    def __init__(self, inner: Store, plan: Plan) -> None:
        super().__init__(inner)
        self._plan = plan
        self._deciding = Mutex()
        self._crashed = False

    @property
    def crashed(self) -> bool:
        """Whether the process counts as dead."""
        return self._crashed

    def put(self, path: str, data: bytes) -> None:
        """Write a file."""
        self._do("put", path, lambda: self._inner.put(path, data), lambda: self._inner.put(path, _half(data)))

    def put_if_absent(self, path: str, data: bytes) -> None:
        """Write a file, unless there is one. It is never torn: that is what stores promise."""
        self._do("put_if_absent", path, lambda: self._inner.put_if_absent(path, data))

    def _write_piece(self, output: OutputFile, data: bytes) -> None:
        self._do("write", output.path, lambda: output.sink.write(data), lambda: _tear(output, data))

    def _finish_output(self, output: OutputFile) -> None:
        self._do("finish", output.path, output.finish)

    def _discard_output(self, output: OutputFile) -> None:
        # A dead process cleans nothing up; what it had open stays as it was.
        if not self._crashed:
            output.discard()

    def _call(self, operation: str, path: str, action: Callable[[], T]) -> T:
        return self._do(operation, path, action)

    def _do(self, operation: str, path: str, action: Callable[[], T], torn: Callable[[], Any] | None = None) -> T:
        with self._deciding:
            if self._crashed:
                raise Crash(f"{operation} {path}: the process is dead")
            kind = self._plan.decide(operation, path)
            self._crashed = kind in {FaultKind.CRASH, FaultKind.CRASH_AFTER, FaultKind.TORN}
        if kind is None:
            return action()
        if kind in {FaultKind.AFTER, FaultKind.CRASH_AFTER}:
            action()
        elif kind is FaultKind.TORN and torn is not None:
            torn()
        if self._crashed:
            raise Crash(f"{operation} {path}: {kind}")
        raise StorageError(f"{self.url}{path}: {operation} failed on purpose ({kind})", transient=True)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _tear(output: OutputFile, data: bytes) -> None:
    """Leave the file as it was half-way through the piece."""
    output.sink.write(_half(data))
    output.finish()


class IgnoringConditionStore(WatchedStore):
    """A store that overwrites silently where it should refuse, as some S3 work-alikes do."""

    def put_if_absent(self, path: str, data: bytes) -> None:
        """Write the file whether or not there is one."""
        self._inner.put(path, data)
