"""Many processes commit to one table: nothing acknowledged is lost, nothing is doubled, nobody is turned away."""

import os
import random
import signal
import time

import pytest

from tests.commits import append_schema
from tests.faults.racing import Log, Place, commit_many, context, race
from tests.s3 import s3_bucket  # noqa: F401 - a fixture

KILLS = 25


def run(place, folder, *, processes, commits, seconds):
    world = place.world()
    result = race(place, folder, processes=processes, commits=commits, timeout=seconds * 10)
    print(
        f"{processes} x {commits}: {len(result.acked)} acked, {len(result.errors)} errors, {result.seconds:.1f} s,"
        f" attempts {sum(result.attempts) / max(1, len(result.attempts)):.1f} on average, {max(result.attempts)} at most"
    )
    assert result.errors == []
    assert len(result.acked) == processes * commits
    assert world.audit() == sorted(result.acked)
    assert [snapshot.id for snapshot in world.snapshots()] == list(range(1, processes * commits + 1))
    assert result.seconds < seconds
    return result


def test_eight_processes_on_disk(tmp_path):
    place = Place(url=str(tmp_path / "t"), schema=append_schema())
    run(place, tmp_path, processes=8, commits=25, seconds=30)


def test_four_processes_on_s3(tmp_path, s3_bucket):  # noqa: F811 - the fixture
    place = Place(url=s3_bucket.url("wh/t"), schema=append_schema(), storage_options=s3_bucket.options)
    run(place, tmp_path, processes=4, commits=5, seconds=60)


@pytest.mark.slow
def test_eight_processes_on_s3(tmp_path, s3_bucket):  # noqa: F811 - the fixture
    place = Place(url=s3_bucket.url("wh/t"), schema=append_schema(), storage_options=s3_bucket.options)
    run(place, tmp_path, processes=8, commits=20, seconds=120)


@pytest.mark.slow
def test_thirty_two_processes_on_disk(tmp_path):
    place = Place(url=str(tmp_path / "t"), schema=append_schema())
    run(place, tmp_path, processes=32, commits=25, seconds=120)


def wait_for(log, *, acks):
    deadline = time.monotonic() + 60
    while len(log.names("ack")) < acks:
        assert time.monotonic() < deadline, "the writer makes no progress"
        time.sleep(0.001)


def test_a_writer_killed_at_any_point(tmp_path):
    """Acknowledged names are live, live names were tried, none is live twice, and the table goes on."""
    seed = int(os.environ.get("LAKESTORE_SEED", "7"))
    rng = random.Random(seed)
    place = Place(url=str(tmp_path / "t"), schema=append_schema())
    world = place.world()
    made = context()
    logs = []
    for number in range(KILLS):
        log = Log(tmp_path / f"log-{number}")
        logs.append(log)
        ready, start = made.Semaphore(0), made.Event()
        start.set()
        worker = made.Process(target=commit_many, args=(place, number, 10_000, log.path, ready, start), daemon=True)
        worker.start()
        assert ready.acquire(timeout=60)
        wait_for(log, acks=rng.randrange(4))
        time.sleep(rng.uniform(0.0, 0.02))
        os.kill(worker.pid, signal.SIGKILL)
        worker.join(60)
    names = set(world.audit())
    acked = {line.split()[0] for log in logs for line in log.names("ack")}
    tried = {name for log in logs for name in log.names("try")}
    assert acked <= names <= tried, f"seed={seed}: lost {sorted(acked - names)}, from nowhere {sorted(names - tried)}"
    print(f"{KILLS} kills, {len(tried)} tried, {len(acked)} acked, {len(names)} live")
    assert len(acked) >= KILLS, f"seed={seed}: only {len(acked)} commits"
    assert world.committer("after").commit(world.append("after")).attempts == 1
