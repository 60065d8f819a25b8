"""Work beside the caller: a lane does jobs one after another in a thread that lives only while there are any.

1. A job handed in waits for the one that runs; it takes the place of any other that waits.
2. An afterthought is done when nothing else was handed in for a while, or at once when somebody waits for it.
3. When the interpreter ends, what runs and what waits is done first. Interrupted there, afterthoughts are left out.
4. A process that was forked off has none of the jobs of its parent: they are done there.

Jobs keep to their thread (``parallel.alone``): the caller has the other cores to itself.

Invariant: jobs of one lane never run at the same time, and no thread is there without a job or an afterthought.
"""

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable

from lakestore.storage.parallel import alone

Job = Callable[[], None]

QUIET_SECONDS = 1.0
"""How long nothing must have been handed in before an afterthought is done."""


class Lane:
    """Jobs that run one after another, beside whoever hands them in. Jobs must not raise."""

    def __init__(self, *, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._quiet_seconds = quiet_seconds
        self._empty()
        _LANES.add(self)

    def _empty(self) -> None:
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._job: Job | None = None
        self._afterthought: Job | None = None
        self._runs = False
        self._hurry = 0
        self._last = 0.0

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits; afterthoughts do not count."""
        with self._changed:
            return self._runs or self._job is not None

    def hand_in(self, job: Job | None, *, afterthought: Job | None = None) -> None:
        """Have a job done, in place of one that waits, or an afterthought, or both."""
        with self._changed:
            self._last = time.monotonic()
            self._job = job or self._job
            self._afterthought = afterthought or self._afterthought
            if self._thread is None and (self._job or self._afterthought):
                self._start()
            self._changed.notify_all()

    def stir(self) -> None:
        """Something is going on that will hand in more: it is not quiet yet."""
        with self._changed:
            self._last = time.monotonic()

    def _start(self) -> None:
        try:
            _finish_at_exit()
            self._thread = threading.Thread(target=self._run, name="lakestore-background")
            self._thread.start()
        except RuntimeError:
            # The interpreter is ending: too late for anything in the background.
            self._thread = self._job = self._afterthought = None

    def wait(self, timeout: float | None = None, *, afterthoughts: bool = True) -> bool:
        """Wait until all is done; whether it is.

        Args:
            timeout: Seconds to wait at most.
            afterthoughts: Do them now and wait for them too.
        """
        with self._changed:
            if not afterthoughts:
                return self._changed.wait_for(lambda: not self._runs and self._job is None, timeout)
            self._hurry += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: self._thread is None, timeout)
            finally:
                self._hurry -= 1

    def forget_afterthoughts(self) -> None:
        """Leave afterthoughts out."""
        with self._changed:
            self._afterthought = None
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            with alone():
                while (job := self._next()) is not None:
                    job()
        finally:
            with self._changed:
                if self._thread is threading.current_thread():
                    self._thread = None
                    self._runs = False
                    self._changed.notify_all()

    def _next(self) -> Job | None:
        """The next job; None when there is none, and from then on this thread counts as gone."""
        with self._changed:
            self._runs = False
            self._changed.notify_all()
            if self._job is None and self._afterthought is not None:
                self._wait_for_quiet()
            job, self._job = self._job, None
            if job is None:
                job, self._afterthought = self._afterthought, None
            self._runs = job is not None
            if job is None:
                self._thread = None
                self._changed.notify_all()
            return job

    def _wait_for_quiet(self) -> None:
        """Until a job comes, or nothing has been handed in for long enough."""
        while self._job is None and self._afterthought is not None and not self._hurry:
            left = self._last + self._quiet_seconds - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)


_LANES: "weakref.WeakSet[Lane]" = weakref.WeakSet()
_EXIT = threading.Lock()
_at_exit: list[Job] = []


def _finish_at_exit() -> None:
    """See to it that lanes are waited for while threads can still be made, which at ``atexit`` they cannot."""
    with _EXIT:
        if _at_exit:
            return
        _at_exit.append(_finish_all)
        getattr(threading, "_register_atexit", atexit.register)(_finish_all)


def _finish_all() -> None:
    lanes = list(_LANES)
    try:
        for lane in lanes:
            lane.wait()
    except BaseException:
        for lane in lanes:
            lane.forget_afterthoughts()
        raise


def _forget_parent() -> None:
    global _EXIT  # noqa: PLW0603 - the parent may have held it
    _EXIT = threading.Lock()
    for lane in list(_LANES):
        lane._empty()  # noqa: SLF001 - the lane is this module's own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
