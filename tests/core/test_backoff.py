"""Waits between attempts: in proportion to what an attempt takes, within limits."""

import pytest

from lakestore.core.backoff import SLOTS_MAX, WaitLimits, wait_seconds

LIMITS = WaitLimits(min_seconds=0.01, max_seconds=10.0)


def wait(losses=1, attempt_seconds=1.0, draw=0.5, limits=LIMITS):
    return wait_seconds(losses=losses, attempt_seconds=attempt_seconds, draw=draw, limits=limits)


def test_the_window_is_measured_in_attempts():
    assert wait(attempt_seconds=0.2) == pytest.approx(wait(attempt_seconds=0.1) * 2)
    assert wait(attempt_seconds=0.1, draw=0.999) < 0.2


def test_the_window_grows_with_losses_and_stops():
    windows = [wait(losses=losses, attempt_seconds=0.1, draw=0.5) for losses in range(1, 200)]
    assert windows[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert max(windows) == windows[-1] == pytest.approx(0.05 * SLOTS_MAX)
    assert windows == sorted(windows)


def test_never_below_the_least_nor_above_the_greatest():
    assert wait(draw=0.0) == 0.01
    assert wait(attempt_seconds=1e6, draw=0.9) == 10.0
    assert wait(attempt_seconds=-1.0) == 0.01
    assert wait(losses=0) == wait(losses=1)
