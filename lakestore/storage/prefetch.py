"""Reading ahead by weight: a thread takes items of a generator until what waits weighs as much as it may.

Invariant: the generator is only ever advanced in one thread at a time, and not at all beyond a barrier (an item whose
weight is None) before the reader has come back for the item after it.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

from lakestore.storage.parallel import Started

T = TypeVar("T")


class Prefetch(Iterator[T], Generic[T]):
    """Items of a generator, taken ahead in a thread of its own.

    A failure is raised where its item would have come. Close it to end the thread and the generator.

    Args:
        source: The generator; nobody else may touch it.
        weigh: Weight of an item; None for a barrier.
        budget: Weight up to which items are taken ahead; one item always is.
    """

    def __init__(self, source: Generator[T, None, None], *, weigh: Callable[[T], int | None], budget: int) -> None:
        self._source = source
        self._weigh = weigh
        self._budget = budget
        self._waiting: deque[tuple[T, int]] = deque()
        self._weight = 0
        self._changed = threading.Condition()
        self._barred = False
        self._closed = False
        self._ended = False
        self._failure: BaseException | None = None
        try:
            self._running = Started(self._run)
        except BaseException:
            # A thread that was made all the same is to end.
            with self._changed:
                self._closed = True
                self._changed.notify_all()
            raise

    def __next__(self) -> T:
        with self._changed:
            if self._barred and not self._waiting:
                self._barred = False
                self._changed.notify_all()
            while not self._waiting and not self._ended:
                self._changed.wait()
            if self._waiting:
                item, weight = self._waiting.popleft()
                self._weight -= weight
                self._changed.notify_all()
                return item
        self._running.result()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        raise StopIteration

    def close(self) -> None:
        """Wait for the item that is being taken, then close the generator."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        self._running.result()
        self._source.close()

    def _run(self) -> None:
        try:
            for item in self._source:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again in the reader's thread
            self._failure = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, item: T) -> bool:
        """Let the item wait, then wait for room; whether to go on."""
        weight = self._weigh(item)
        with self._changed:
            self._waiting.append((item, weight or 0))
            self._weight += weight or 0
            self._barred = weight is None
            self._changed.notify_all()
            while not self._closed and (self._barred or (self._waiting and self._weight >= self._budget)):
                self._changed.wait()
            return not self._closed
