"""The only threads: read ahead through a function, in order, with bounds."""

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MUTEXES: "weakref.WeakSet[Any]" = weakref.WeakSet()


def Mutex() -> Any:  # noqa: ANN401, N802 - a lock, whose class Python does not name
    """A lock for a few lines of shared state; commits never rest on one. In a forked process nobody holds it."""
    made = threading.Lock()
    _MUTEXES.add(made)
    return made


def _let_go_of_mutexes() -> None:
    for mutex in list(_MUTEXES):
        mutex._at_fork_reinit()  # noqa: SLF001 - what the standard library does with its own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_of_mutexes)


class _Alone(threading.local):
    """Whether this thread is to make no others."""

    here = False


_ALONE = _Alone()


def is_alone() -> bool:
    """Whether what is done here keeps to its thread, and so to one core."""
    return _ALONE.here


@contextmanager
def alone() -> Generator[None, None, None]:
    """Within it, what this thread does is done in this thread: it runs beside others that are not to feel it."""
    before, _ALONE.here = _ALONE.here, True
    try:
        yield
    finally:
        _ALONE.here = before


def map_ordered(function: Callable[[T], R], items: Iterable[T], *, workers: int) -> Generator[R, None, None]:
    """``function`` of each item, in the items' order, at most ``workers`` of them running or waiting to be taken.

    Items are taken in the caller's thread, as they are needed. The first failure, in order, is raised where its
    result would have come. When the generator is closed, by a failure or early, calls that run are waited for and
    no thread stays. With ``workers`` of 1 or less, a single item, or ``alone``, no thread is made.
    """
    if workers <= 1 or is_alone():
        for item in items:
            yield function(item)
        return
    source = iter(items)
    first = list(islice(source, 2))
    if len(first) < 2:
        for item in first:
            yield function(item)
        return
    source = chain(first, source)
    ahead: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="lakestore")
    try:
        while _fill(pool, function, source, ahead, workers):
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _fill(
    pool: ThreadPoolExecutor,
    function: Callable[[T], R],
    source: Iterator[T],
    ahead: "deque[Future[R]]",
    workers: int,
) -> bool:
    """Submit until ``workers`` results are under way; whether any is."""
    while len(ahead) < workers:
        try:
            item = next(source)
        except StopIteration:
            break
        ahead.append(pool.submit(function, item))
    return bool(ahead)


def run_all(tasks: Iterable[Callable[[], R]], *, workers: int) -> list[R]:
    """Results of all tasks, in order. After a failure, tasks not yet begun are not begun."""
    return list(map_ordered(_call, tasks, workers=workers))


def _call(task: Callable[[], R]) -> R:
    return task()


class Started(Generic[R]):
    """A call under way in a thread of its own, from the start.

    The thread ends with the call, whoever waits for it or does not: interrupted at the wrong moment, a pool would leave
    one behind that waits for work for good.

    Args:
        function: The call.
    """

    def __init__(self, function: Callable[[], R]) -> None:
        self._function = function
        self._future: Future[R] = Future()
        self._thread = threading.Thread(target=self._run, name="lakestore")
        self._thread.start()

    def _run(self) -> None:
        try:
            self._future.set_result(self._function())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            self._future.set_exception(error)

    def result(self) -> R:
        """Wait for it: what it returned, or the failure it raised."""
        self._thread.join()
        return self._future.result()


class ReadAhead(Iterator[T]):
    """Takes items of a generator ahead of whoever reads them, in a thread of its own, from the start.

    A failure is raised where its item would have come. Close it to end the thread and the generator. Made ``alone`` it
    takes them as they are asked for.

    Args:
        source: The generator; nobody else may touch it.
        depth: Items taken ahead at most.
    """

    def __init__(self, source: Generator[T, None, None], *, depth: int = 1) -> None:
        self._source = source
        self._pool = None if is_alone() else ThreadPoolExecutor(max_workers=1, thread_name_prefix="lakestore")
        self._ahead: deque[Future[tuple[T, ...]]] = deque()
        if self._pool is None:
            return
        try:
            for _ in range(depth):
                self._ahead.append(self._pool.submit(self._take))
        except BaseException:
            # A thread that was just made, and that the pool does not know yet, must be told to end.
            self._pool.shutdown(wait=False, cancel_futures=True)
            raise

    def __next__(self) -> T:
        if self._pool is None:
            return next(self._source)
        if not self._ahead:
            raise StopIteration
        taken = self._ahead.popleft().result()
        if not taken:
            self._ahead.clear()
            raise StopIteration
        self._ahead.append(self._pool.submit(self._take))
        return taken[0]

    def close(self) -> None:
        """Wait for the item that is being taken, then close the generator."""
        self._ahead.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._source.close()

    def _take(self) -> tuple[T, ...]:
        """The next item in a tuple; an empty one at the end."""
        for item in self._source:
            return (item,)
        return ()
