"""Order, bounds, failures and the end of threads."""

import subprocess
import sys
import threading
import time

import pytest

from lakestore.storage.parallel import Started, map_ordered, run_all


def own_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("lakestore")]


@pytest.mark.parametrize("workers", [0, 1, 2, 7])
def test_results_come_in_order(workers):
    def slow(number):
        time.sleep(0.001 * (number % 3))
        return number * number

    assert list(map_ordered(slow, range(40), workers=workers)) == [n * n for n in range(40)]
    assert own_threads() == []


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_failure_in_order_is_raised_in_its_place(workers):
    def work(number):
        if number == 3:
            time.sleep(0.02)
            raise KeyError(number)
        if number == 4:
            raise ValueError(number)
        return number

    results = map_ordered(work, range(10), workers=workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(results)
    assert own_threads() == []


def test_no_more_is_taken_than_needed():
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = map_ordered(lambda number: number, items(), workers=4)
    assert next(results) == 0
    assert len(taken) <= 5
    results.close()
    assert len(taken) <= 5
    assert own_threads() == []


def test_no_more_runs_than_allowed():
    running, most, lock = 0, 0, threading.Lock()

    def work(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1

    assert len(list(map_ordered(work, range(30), workers=3))) == 30
    assert most == 3


def test_closing_early_waits_for_what_runs_and_drops_the_rest():
    started, ended = [], []

    def work(number):
        started.append(number)
        time.sleep(0.01)
        ended.append(number)
        return number

    results = map_ordered(work, range(100), workers=3)
    next(results)
    results.close()
    assert own_threads() == []
    assert sorted(started) == sorted(ended)
    assert len(started) <= 4


def test_a_failing_source_ends_cleanly():
    def items():
        yield 1
        raise LookupError("source")

    results = map_ordered(lambda number: number, items(), workers=4)
    with pytest.raises(LookupError):
        list(results)
    assert own_threads() == []


def test_one_worker_makes_no_thread():
    threads = set(map_ordered(lambda _: threading.current_thread().name, range(3), workers=1))
    assert threads == {threading.current_thread().name}


def test_nothing_runs_before_the_first_result_is_wanted():
    ran = []
    map_ordered(ran.append, [1, 2], workers=2).close()
    assert ran == []


def test_calls_may_nest():
    def outer(number):
        return sum(map_ordered(lambda n: n + number, range(5), workers=3))

    assert list(map_ordered(outer, range(5), workers=3)) == [10 + 5 * n for n in range(5)]


def test_run_all():
    assert run_all([lambda n=n: n for n in range(10)], workers=4) == list(range(10))
    assert run_all([], workers=4) == []
    with pytest.raises(ZeroDivisionError):
        run_all([lambda: 1 // 0, lambda: 2], workers=2)


def test_a_crash_passes_through():
    class Died(BaseException):
        pass

    def work(number):
        if number == 2:
            raise Died
        return number

    with pytest.raises(Died):
        list(map_ordered(work, range(5), workers=2))
    assert own_threads() == []


INTERRUPTED = """
import itertools, sys, threading
from lakestore.storage.parallel import ReadAhead, Started, map_ordered
from lakestore.storage.prefetch import Prefetch

numbers = (number for number in itertools.count())
ways = {
    "started": lambda: Started(lambda: 1),
    "ahead": lambda: ReadAhead(numbers),
    "map": lambda: list(map_ordered(str, range(9), workers=2)),
    "prefetch": lambda: Prefetch(numbers, weigh=lambda item: 1, budget=3),
}
start = threading.Thread.start

def interrupted(thread):
    start(thread)
    raise KeyboardInterrupt

threading.Thread.start = interrupted
try:
    ways[sys.argv[1]]()
except KeyboardInterrupt as error:
    sys.last_value = error  # As the interpreter keeps it, with all that its frames hold.
"""


@pytest.mark.parametrize("way", ["started", "ahead", "map", "prefetch"])
def test_a_process_interrupted_while_it_makes_a_thread_ends(way):
    words = [sys.executable, "-c", INTERRUPTED, way]
    ran = subprocess.run(words, check=False, timeout=30, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_started_hands_out_what_came_of_it():
    def fail():
        raise ValueError("no")

    assert Started(lambda: threading.current_thread() is threading.main_thread()).result() is False
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            Started(fail).result()
