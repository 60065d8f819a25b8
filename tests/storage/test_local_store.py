"""What only the local disk can show: the order of system calls, leftovers, and real processes racing."""

# ruff: noqa: PTH101, PTH112, PTH119, PTH208, PTH211

import errno
import multiprocessing
import os
import sys

import pytest

from lakestore.errors import AlreadyExistsError, ErrorKind, InvalidInputError, StorageError
from lakestore.storage.local_store import LocalStore

STORE = LocalStore()


@pytest.fixture
def calls(monkeypatch):
    """System calls that change or flush, in order, as (call, base names)."""
    log = []
    names = {}

    def record(name, label):
        real = getattr(os, name)

        def recorded(*args, **keywords):
            result = real(*args, **keywords)
            if name == "open":
                names[result] = os.path.basename(args[0])
            log.append(label(*args))
            return result

        monkeypatch.setattr(os, name, recorded)

    record("open", lambda path, *_: ("open", os.path.basename(path)))
    record("fsync", lambda handle: ("fsync", names[handle]))
    record("link", lambda a, b: ("link", os.path.basename(b)))
    record("replace", lambda a, b: ("replace", os.path.basename(b)))
    record("unlink", lambda a: ("unlink", os.path.basename(a)))
    record("mkdir", lambda a, *_: ("mkdir", os.path.basename(a)))
    return log


def shown(log, *, hide=("open",)):
    return [(call, "TEMP" if name.endswith(".tmp") else name) for call, name in log if call not in hide]


def test_put_if_absent_flushes_the_file_then_links_then_flushes_the_folder(tmp_path, calls):
    STORE.put_if_absent(f"{tmp_path}/snapshot-1", b"x")
    assert shown(calls) == [
        ("fsync", "TEMP"),
        ("link", "snapshot-1"),
        ("fsync", tmp_path.name),
        ("unlink", "TEMP"),
    ]


def test_put_flushes_the_file_then_renames_then_flushes_the_folder(tmp_path, calls):
    STORE.put(f"{tmp_path}/LATEST", b"1")
    assert shown(calls) == [("fsync", "TEMP"), ("replace", "LATEST"), ("fsync", tmp_path.name)]


def test_output_flushes_the_file_then_the_folder(tmp_path, calls):
    with STORE.open_output(f"{tmp_path}/data") as output:
        output.sink.write(b"x" * 100)
        assert shown(calls) == []
    assert shown(calls) == [("fsync", "data"), ("fsync", tmp_path.name)]


def test_new_folders_are_flushed_into_their_parents(tmp_path, calls):
    STORE.put(f"{tmp_path}/a/b/file", b"x")
    assert shown(calls) == [
        ("mkdir", "a"),
        ("fsync", tmp_path.name),
        ("mkdir", "b"),
        ("fsync", "a"),
        ("fsync", "TEMP"),
        ("replace", "file"),
        ("fsync", "b"),
    ]


def fail(monkeypatch, name, code, *, when=lambda *args: True, after=False):
    real = getattr(os, name)

    def failing(*args, **keywords):
        if not when(*args):
            return real(*args, **keywords)
        if after:
            real(*args, **keywords)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, name, failing)


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_hard_links_commits_are_refused(tmp_path, monkeypatch, code):
    fail(monkeypatch, "link", code)
    with pytest.raises(InvalidInputError) as caught:
        STORE.put_if_absent(f"{tmp_path}/snapshot-1", b"x")
    assert caught.value.kind is ErrorKind.STORE_NOT_SAFE
    assert "lock" in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("code", [errno.EEXIST, errno.EIO, errno.ETIMEDOUT])
def test_a_link_that_was_made_though_an_error_came_back_counts(tmp_path, monkeypatch, code):
    fail(monkeypatch, "link", code, after=True)
    STORE.put_if_absent(f"{tmp_path}/snapshot-1", b"mine")
    assert os.listdir(tmp_path) == ["snapshot-1"]
    assert STORE.get(f"{tmp_path}/snapshot-1") == b"mine"


def test_a_link_that_another_engines_rename_replaced_was_not_made(tmp_path, monkeypatch):
    path, theirs, link = f"{tmp_path}/snapshot-1", tmp_path / "theirs", os.link
    theirs.write_bytes(b"theirs")

    def raced(source, target):
        link(source, target)
        theirs.rename(target)  # It saw no snapshot-1 before ours was there.

    monkeypatch.setattr(os, "link", raced)
    with pytest.raises(AlreadyExistsError):
        STORE.put_if_absent(path, b"ours")
    assert STORE.get(path) == b"theirs"
    assert os.listdir(tmp_path) == ["snapshot-1"]


def test_a_link_that_was_made_and_removed_since_was_made(tmp_path, monkeypatch):
    link = os.link
    monkeypatch.setattr(os, "link", lambda source, target: (link(source, target), STORE.delete(target)))
    STORE.put_if_absent(f"{tmp_path}/snapshot-1", b"ours")
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_flushed_after_the_link_is_unknown(tmp_path, monkeypatch):
    folders = set()
    real_open = os.open

    def opened(path, *args, **keywords):
        handle = real_open(path, *args, **keywords)
        (folders.add if os.path.isdir(path) else folders.discard)(handle)
        return handle

    monkeypatch.setattr(os, "open", opened)
    fail(monkeypatch, "fsync", errno.EIO, when=lambda handle: handle in folders)
    with pytest.raises(StorageError) as caught:
        STORE.put_if_absent(f"{tmp_path}/snapshot-1", b"x")
    assert caught.value.transient
    assert os.listdir(tmp_path) == ["snapshot-1"]


@pytest.mark.parametrize("call", ["fsync", "replace", "link", "write"])
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, call):
    fail(monkeypatch, call, errno.ENOSPC)
    if call != "link":
        with pytest.raises(StorageError) as caught:
            STORE.put(f"{tmp_path}/LATEST", b"1")
        assert not caught.value.transient
    if call != "replace":
        with pytest.raises(StorageError, match=os.strerror(errno.ENOSPC)):
            STORE.put_if_absent(f"{tmp_path}/snapshot-1", b"1")
    assert os.listdir(tmp_path) == []


def test_a_flush_that_fails_leaves_no_data_file(tmp_path, monkeypatch):
    fail(monkeypatch, "fsync", errno.EIO)
    with pytest.raises(StorageError), STORE.open_output(f"{tmp_path}/data") as output:
        output.sink.write(b"x")
    assert os.listdir(tmp_path) == []


def test_short_writes_are_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:7]))
    STORE.put(f"{tmp_path}/file", bytes(range(100)))
    assert STORE.get(f"{tmp_path}/file") == bytes(range(100))


def test_an_output_never_replaces_a_file(tmp_path):
    STORE.put(f"{tmp_path}/data", b"old")
    with pytest.raises(AlreadyExistsError):
        STORE.open_output(f"{tmp_path}/data")
    assert STORE.get(f"{tmp_path}/data") == b"old"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_not_absent(tmp_path):
    STORE.put(f"{tmp_path}/secret", b"x")
    os.chmod(f"{tmp_path}/secret", 0)
    with pytest.raises(StorageError):
        STORE.get_or_none(f"{tmp_path}/secret")


@pytest.mark.parametrize("name", ["get", "get_or_none", "info", "list", "list_directories", "delete"])
def test_a_failing_disk_is_not_absence(tmp_path, monkeypatch, name):
    path = f"{tmp_path}/loop"
    os.symlink(path, path)  # Following it fails with ELOOP.
    target = f"{path}/x"
    with pytest.raises(StorageError, match="loop"):
        getattr(STORE, name)(target)


def test_links_to_folders_are_not_followed_below(tmp_path):
    STORE.put(f"{tmp_path}/elsewhere/file", b"x")
    STORE.put(f"{tmp_path}/t/own", b"y")
    os.symlink(f"{tmp_path}/elsewhere", f"{tmp_path}/t/link")
    os.symlink(f"{tmp_path}/nowhere", f"{tmp_path}/t/broken")
    assert [file.name for file in STORE.list_recursive(f"{tmp_path}/t")] == ["own"]
    assert STORE.list_directories(f"{tmp_path}/t") == ["link"]
    assert STORE.get(f"{tmp_path}/t/link/file") == b"x"


def _race(root, number, rounds, barrier, wins):
    store = LocalStore()
    for round_number in range(rounds):
        barrier.wait()
        path = f"{root}/s/snapshot-{round_number}"
        try:
            store.put_if_absent(path, f"{number} ".encode() * 2000)
        except AlreadyExistsError:
            assert len(store.get(path)) == 4000
        else:
            wins.put((round_number, number))


def test_of_many_processes_one_wins(tmp_path):
    rounds, processes = 25, 8
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lakestore.storage.local_store"])
    barrier, wins = context.Barrier(processes), context.Queue()
    racers = [
        context.Process(target=_race, args=(str(tmp_path), number, rounds, barrier, wins))
        for number in range(processes)
    ]
    for racer in racers:
        racer.start()
    won = dict(wins.get(timeout=60) for _ in range(rounds))
    for racer in racers:
        racer.join(timeout=60)
        assert racer.exitcode == 0
    assert wins.empty()
    assert sorted(won) == list(range(rounds))
    for round_number, number in won.items():
        assert STORE.get(f"{tmp_path}/s/snapshot-{round_number}") == f"{number} ".encode() * 2000
    assert len(os.listdir(tmp_path / "s")) == rounds
    wins.close()
    wins.join_thread()


_KILLED = """
import sys
from lakestore.storage.local_store import LocalStore
store, root = LocalStore(), sys.argv[1]
print("ready", flush=True)
for n in range(10**9):
    store.put_if_absent(f"{root}/s/snapshot-{n}", b"whole" * 10_000)
    store.put(f"{root}/s/LATEST", b"%d" % n)
"""


def test_a_killed_writer_leaves_whole_files(tmp_path):
    import subprocess
    import time

    for round_number in range(5):
        root = f"{tmp_path}/{round_number}"
        with subprocess.Popen([sys.executable, "-c", _KILLED, root], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(0.05)
            process.kill()
        made = [file for file in STORE.list(f"{root}/s") if file.name.startswith("snapshot-")]
        assert made
        assert {STORE.get(file.path) for file in made} == {b"whole" * 10_000}
        latest = STORE.get_or_none(f"{root}/s/LATEST")
        assert latest is None or int(latest) < len(made)
