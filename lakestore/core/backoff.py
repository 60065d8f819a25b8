"""How long a commit waits after a lost race.

A lost race means that somebody else made a snapshot, so the number of rivals, not chance, decides how many more
will be lost. The wait is drawn from a window that grows with the losses and is measured in attempts, not in
milliseconds: on a store where an attempt takes a second, a wait of ten milliseconds only makes the rivals meet
again. The window stops growing at ``SLOTS_MAX`` attempts, so that a writer that lost often is not starved by
fresh ones.
"""

from dataclasses import dataclass

SLOTS_FIRST = 2
"""Width of the window after the first loss, in attempts."""

SLOTS_MAX = 16
"""Width that the window never passes, in attempts: about the number of rivals served without thrashing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitLimits:
    """The least and the greatest wait.

    Attributes:
        min_seconds: Least wait after a lost race.
        max_seconds: Greatest wait, whatever the attempt took.
    """

    min_seconds: float
    max_seconds: float


def wait_seconds(*, losses: int, attempt_seconds: float, draw: float, limits: WaitLimits) -> float:
    """Seconds to wait before the next attempt.

    Args:
        losses: Races lost so far, at least 1.
        attempt_seconds: What the lost attempt took.
        draw: A random number from 0 up to 1.
        limits: The least and the greatest wait.
    """
    doublings = min(max(losses - 1, 0), SLOTS_MAX.bit_length())
    slots = min(SLOTS_FIRST << doublings, SLOTS_MAX)
    window = max(attempt_seconds, 0.0) * slots
    return max(limits.min_seconds, min(window * draw, limits.max_seconds))
