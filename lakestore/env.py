"""The outside world as arguments: clock, ids, randomness.

Everything below the API takes an ``Env`` and nothing reads the clock or draws a random number by itself, so a
test that hands in its own world replays exactly.
"""

import os
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from lakestore.events import Event, ignore_event


class Clock(Protocol):
    """Time as seen by LakeStore."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def local_offset_ms(self, epoch_ms: int) -> int:
        """Milliseconds by which local wall-clock time runs ahead of UTC at that instant."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock(Clock):
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def local_offset_ms(self, epoch_ms: int) -> int:
        """Offset of the machine's own time zone."""
        offset = datetime.fromtimestamp(epoch_ms / 1000, UTC).astimezone().utcoffset()
        return 0 if offset is None else int(offset.total_seconds() * 1000)

    def monotonic(self) -> float:
        """Seconds on the system's monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        time.sleep(seconds)


BACKGROUND_VARIABLE = "LAKESTORE_BACKGROUND"
"""Environment variable; ``off`` keeps this process from doing anything in the background."""


def background_allowed() -> bool:
    """What the environment variable says; yes without it."""
    return os.environ.get(BACKGROUND_VARIABLE, "on").strip().lower() not in {"off", "0", "false", "no"}


def random_uuid() -> str:
    """A fresh random uuid as text."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """Clock, ids, randomness and the listener for events.

    Attributes:
        clock: Time.
        new_id: Draws a fresh uuid text.
        rng: Randomness for backoff jitter; never for anything stored.
        emit: Receives every event; must not raise. Events of what runs in the background come from its thread.
        background: Whether tables may be compacted in a thread beside their commits. False does it within the commit,
            as a world that is to replay exactly wants it; by default what ``LAKESTORE_BACKGROUND`` says.
    """

    clock: Clock = field(default_factory=SystemClock)
    new_id: Callable[[], str] = random_uuid
    rng: random.Random = field(default_factory=random.Random)
    emit: Callable[[Event], None] = ignore_event
    background: bool = field(default_factory=background_allowed)
