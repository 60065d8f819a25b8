"""Reading ahead by weight."""

import threading
import time

import pytest

from lakestore.storage.prefetch import Prefetch

ENOUGH = 2.0


def wait_for(condition):
    deadline = time.monotonic() + ENOUGH
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    return condition()


def numbers(taken, count):
    for number in range(count):
        taken.append(number)
        yield number


def test_items_come_in_order():
    ahead = Prefetch(numbers([], 100), weigh=lambda item: 1, budget=10)
    assert list(ahead) == list(range(100))
    ahead.close()


@pytest.mark.parametrize(("weight", "most"), [(1, 5), (2, 3), (100, 1)])
def test_it_takes_as_much_as_may_wait(weight, most):
    taken = []
    ahead = Prefetch(numbers(taken, 100), weigh=lambda item: weight, budget=5)
    assert wait_for(lambda: len(taken) == most)
    time.sleep(0.02)
    assert len(taken) == most
    assert next(ahead) == 0
    assert wait_for(lambda: len(taken) == most + 1)
    ahead.close()


def test_it_does_not_pass_a_barrier_before_the_reader_comes_back():
    taken = []
    ahead = Prefetch(numbers(taken, 10), weigh=lambda item: None if item == 2 else 1, budget=100)
    assert [next(ahead), next(ahead), next(ahead)] == [0, 1, 2]
    time.sleep(0.02)
    assert taken == [0, 1, 2]
    assert next(ahead) == 3
    assert wait_for(lambda: len(taken) == 10)
    assert list(ahead) == list(range(4, 10))


def test_a_failure_comes_where_its_item_would_have():
    def failing():
        yield 1
        raise LookupError("gone")

    ahead = Prefetch(failing(), weigh=lambda item: 1, budget=10)
    assert next(ahead) == 1
    with pytest.raises(LookupError, match="gone"):
        next(ahead)
    with pytest.raises(StopIteration):
        next(ahead)


def test_closing_early_ends_the_generator_and_the_thread():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    ahead = Prefetch(endless(), weigh=lambda item: 1, budget=3)
    next(ahead)
    ahead.close()
    ahead.close()
    assert closed.is_set()
    assert wait_for(lambda: not [one for one in threading.enumerate() if one.name.startswith("lakestore")])
