"""Lanes: jobs beside the caller, one after another, done before the process ends, and none of them twice."""

import os
import subprocess
import sys
import threading
import time

import pytest

from lakestore.storage.background import Lane
from lakestore.storage.parallel import Mutex


class Log:
    """Jobs that write down when they begin, and that end when they are let go."""

    def __init__(self):
        self.begun = []
        self.go = threading.Event()

    def held(self, name):
        def job():
            self.begun.append(name)
            assert self.go.wait(10)

        return job

    def quick(self, name):
        return lambda: self.begun.append(name)


@pytest.fixture
def log():
    found = Log()
    yield found
    found.go.set()


def until(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come to pass")


def threads():
    return [one for one in threading.enumerate() if one.name == "lakestore-background"]


def test_jobs_run_beside_the_caller_and_the_newest_that_waits_is_next(log):
    lane = Lane()
    lane.hand_in(log.held("first"))
    until(lambda: log.begun)
    lane.hand_in(log.quick("overtaken"))
    lane.hand_in(log.quick("second"))
    assert lane.busy
    assert not lane.wait(0.01)
    log.go.set()
    assert lane.wait(10)
    assert log.begun == ["first", "second"]
    assert not lane.busy


def test_no_thread_stays():
    lane = Lane()
    for _ in range(50):
        lane.hand_in(lambda: None)
    assert lane.wait(10)
    until(lambda: not threads())


def test_afterthoughts_come_when_it_is_quiet(log):
    lane = Lane(quiet_seconds=0.05)
    lane.hand_in(log.quick("job"), afterthought=log.quick("afterthought"))
    lane.wait(10, afterthoughts=False)
    assert log.begun == ["job"]
    until(lambda: log.begun == ["job", "afterthought"])


def test_it_is_not_quiet_while_things_are_handed_in(log):
    lane = Lane(quiet_seconds=1.0)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        lane.hand_in(None, afterthought=log.quick("afterthought"))
        time.sleep(0.01)
    assert log.begun == []
    until(lambda: log.begun == ["afterthought"])


def test_it_is_not_quiet_while_something_stirs(log):
    lane = Lane(quiet_seconds=1.0)
    lane.hand_in(None, afterthought=log.quick("afterthought"))
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        lane.stir()
        time.sleep(0.01)
    assert log.begun == []
    until(lambda: log.begun == ["afterthought"])


def test_whoever_waits_need_not_wait_for_quiet(log):
    lane = Lane(quiet_seconds=100)
    lane.hand_in(None, afterthought=log.quick("afterthought"))
    assert lane.wait(10)
    assert log.begun == ["afterthought"]


def test_jobs_come_before_afterthoughts(log):
    lane = Lane(quiet_seconds=100)
    lane.hand_in(None, afterthought=log.quick("afterthought"))
    lane.hand_in(log.quick("job"))
    until(lambda: log.begun)
    assert lane.wait(10)
    assert log.begun == ["job", "afterthought"]


def test_afterthoughts_can_be_forgotten(log):
    lane = Lane(quiet_seconds=100)
    lane.hand_in(None, afterthought=log.quick("afterthought"))
    lane.forget_afterthoughts()
    assert lane.wait(10)
    assert log.begun == []


def test_many_hands(log):
    lane, done = Lane(quiet_seconds=0), []
    running = threading.Lock()

    def job():
        assert running.acquire(blocking=False), "two jobs at a time"
        done.append(1)
        running.release()

    def hand_in():
        for _ in range(200):
            lane.hand_in(job, afterthought=job)

    hands = [threading.Thread(target=hand_in) for _ in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert lane.wait(10)
    assert 1 <= len(done) <= 1600
    before = len(done)
    lane.hand_in(job)
    assert lane.wait(10)
    assert len(done) == before + 1


AT_EXIT = """
import time
from lakestore.storage.background import Lane
from lakestore.storage.parallel import Mutex
from lakestore.storage.parallel import map_ordered

lane = Lane(quiet_seconds=1000)
def job():
    time.sleep(0.2)
    print(sum(map_ordered(abs, range(-3, 0), workers=2)), flush=True)
lane.hand_in(job)
lane.hand_in(job, afterthought=job)
print("end", flush=True)
"""


def test_the_end_of_the_process_waits_and_jobs_may_still_make_threads():
    ran = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split() in (["end", "6", "6", "6"], ["end", "6", "6"])
    assert ran.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_its_own_jobs_only(log):
    lane = Lane(quiet_seconds=0)
    lane.hand_in(log.held("parent's"))
    until(lambda: log.begun)
    child = os.fork()
    if child == 0:
        ok = not lane.busy and lane.wait(5)
        seen = []
        lane.hand_in(lambda: seen.append(1))
        os._exit(0 if ok and lane.wait(5) and seen == [1] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    log.go.set()
    assert lane.wait(10)
    assert log.begun == ["parent's"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_mutex_that_another_thread_held_is_free_in_a_forked_process():
    mutex, held, go = Mutex(), threading.Event(), threading.Event()

    def hold():
        with mutex:
            held.set()
            go.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    child = os.fork()
    if child == 0:
        os._exit(0 if mutex.acquire(timeout=5) else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    go.set()
    holder.join()
    assert status == 0
