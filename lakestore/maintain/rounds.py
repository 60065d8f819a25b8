"""Doing a job again and again until somebody says stop: what a service does.

The job decides what it survives; what it raises ends the rounds. Waiting is cut into slices, so that a stop is heard
soon; a job that has begun is done to its end.
"""

from collections.abc import Callable

from lakestore.env import Clock

SLICE_SECONDS = 0.2
"""How long a stop may go unheard while nothing is done."""


def run_rounds(job: Callable[[int], None], *, every_ms: int, clock: Clock, stopped: Callable[[], bool]) -> int:
    """Do a job, then wait, until it is stopped; the number of rounds done.

    Args:
        job: The job; it is told the number of the round, from 1.
        every_ms: From the beginning of one round to that of the next; a round that takes longer is followed at once.
        clock: Time.
        stopped: Whether to end; asked between rounds and while waiting.
    """
    done = 0
    while not stopped():
        started = clock.monotonic()
        job(done + 1)
        done += 1
        while not stopped() and (left := started + every_ms / 1000 - clock.monotonic()) > 0:
            clock.sleep(min(SLICE_SECONDS, left))
    return done
