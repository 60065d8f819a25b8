"""Rounds of a job: how often, how far apart, and when they end."""

import pytest

from lakestore.env import SystemClock
from lakestore.maintain.rounds import SLICE_SECONDS, run_rounds


class FakeClock(SystemClock):
    """Time that passes only while somebody waits."""

    def __init__(self):
        self.seconds = 0.0
        self.naps = []

    def monotonic(self):
        return self.seconds

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.seconds += seconds


def rounds_until(limit, *, every_ms, takes=0.0):
    """Numbers of the rounds and when each began, until that many seconds have passed."""
    clock, begun = FakeClock(), []

    def job(number):
        begun.append((number, round(clock.seconds, 3)))
        clock.seconds += takes

    done = run_rounds(job, every_ms=every_ms, clock=clock, stopped=lambda: clock.seconds >= limit)
    assert done == len(begun)
    return begun, clock


def test_rounds_begin_as_far_apart_as_asked():
    begun, clock = rounds_until(9.5, every_ms=3000, takes=0.5)
    assert begun == [(1, 0), (2, 3), (3, 6), (4, 9)]
    assert max(clock.naps) <= SLICE_SECONDS


def test_a_long_round_is_followed_at_once():
    begun, clock = rounds_until(9, every_ms=1000, takes=4.0)
    assert begun == [(1, 0), (2, 4), (3, 8)]
    assert clock.naps == []


def test_a_stop_is_heard_while_waiting():
    begun, clock = rounds_until(1, every_ms=3_600_000)
    assert begun == [(1, 0)]
    assert clock.seconds < 1 + SLICE_SECONDS


def test_stopped_before_the_first_round():
    assert rounds_until(0, every_ms=1)[0] == []


def test_what_the_job_raises_ends_the_rounds():
    def job(number):
        if number == 3:
            raise KeyError(number)

    with pytest.raises(KeyError):
        run_rounds(job, every_ms=0, clock=FakeClock(), stopped=lambda: False)
