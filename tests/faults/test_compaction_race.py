"""Compaction beside ingest and beside other compactors, in processes of their own: no ingest fails, no row is lost."""

import json
import multiprocessing
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lakestore as ls
from tests.compacting import Ledger, changes_in, compact, snapshots_of

COLUMNS = {"id": "INT", "writer": "INT", "n": "INT"}
SECONDS = 900


def ingest(folder, writer, commits, start):
    """Commit rows that are this writer's alone and one that all fight for; say what was acknowledged."""
    table = ls.connect(folder).table("db.t")
    start.wait(SECONDS)
    told = []
    for number in range(commits):
        rows = [{"id": 1000 * (writer + 1) + (number + step) % 20, "writer": writer, "n": number} for step in range(5)]
        error = table.upsert([*rows, {"id": 0, "writer": writer, "n": number}]).compact_error
        told.append(None if error is None else str(error))
    (Path(folder) / f"ingest-{writer}.json").write_text(json.dumps(told))


def compactor(folder, number, start, stop):
    """Compact until told to stop; say how many snapshots that made. One that always loses to others makes none."""
    table = ls.connect(folder).table("db.t")
    start.wait(SECONDS)
    made = 0
    while not stop.is_set():
        try:
            made += len(compact(table, full=made % 2 == 0).snapshot_ids)
        except ls.ConflictError:
            continue
    (Path(folder) / f"compactor-{number}.json").write_text(json.dumps(made))


def race(folder, *, writers, commits, compactors, make=True, wins=True, **options):
    """Run them all; the table afterwards. ``wins`` says that the compactors must have made a snapshot."""
    options = {"bucket": 2, "num-sorted-run.compaction-trigger": 3, **options}
    if make:
        ls.connect(folder).create_table("db.t", schema=COLUMNS, primary_key=["id"], options=options)
    context = multiprocessing.get_context("spawn")
    start, stop = context.Event(), context.Event()
    ingesting = [
        context.Process(target=ingest, args=(str(folder), writer, commits, start)) for writer in range(writers)
    ]
    compacting = [
        context.Process(target=compactor, args=(str(folder), number, start, stop)) for number in range(compactors)
    ]
    for process in (*ingesting, *compacting):
        process.start()
    start.set()
    try:
        for process in ingesting:
            process.join(SECONDS)
    finally:
        stop.set()
    for process in compacting:
        process.join(SECONDS)
    assert [process.exitcode for process in (*ingesting, *compacting)] == [0] * (writers + compactors)
    made = [json.loads((folder / f"compactor-{number}.json").read_text()) for number in range(compactors)]
    assert not wins or not compactors or sum(made), "nobody compacted anything"
    return ls.connect(folder).table("db.t")


def check(table, folder, *, writers, commits):
    found = {row["id"]: (row["writer"], row["n"]) for row in table.to_arrow().to_pylist()}
    hot = found.pop(0)
    assert hot[1] == commits - 1
    expected = {}
    for writer in range(writers):
        assert len(json.loads((folder / f"ingest-{writer}.json").read_text())) == commits
        for number in range(commits):
            for step in range(5):
                expected[1000 * (writer + 1) + (number + step) % 20] = (writer, number)
    assert found == expected
    report = table.check(deep=True)
    assert report.ok, report.findings


@pytest.mark.parametrize("options", [{}, {"write-only": "true"}], ids=["writers compact", "a job compacts"])
def test_no_row_is_lost(tmp_path, options):
    table = race(tmp_path, writers=2, commits=12, compactors=2, **options)
    check(table, tmp_path, writers=2, commits=12)


def test_the_changelog_of_two_writers_folds_to_the_table(tmp_path):
    # Writers of such a table compact within each commit: the job may well lose to them every time.
    table = race(tmp_path, writers=2, commits=8, compactors=1, wins=False, **{"changelog-producer": "lookup"})
    compact(table, full=True)
    check(table, tmp_path, writers=2, commits=8)
    ledger = Ledger(["id"])
    for snapshot in snapshots_of(table):
        ledger.take_all(changes_in(table, snapshot))
    assert ledger.rows == {(row["id"],): row for row in table.to_arrow().to_pylist()}


@pytest.mark.parametrize("options", [{}, {"write-only": "true"}], ids=["writers compact too", "one job compacts"])
@pytest.mark.parametrize("commits", [10, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_service_beside_ingest(tmp_path, monkeypatch, commits, options):
    """``lakestore compact --every`` in one process, commits in another, which compacts in the background or not."""
    monkeypatch.setenv("LAKESTORE_BACKGROUND", "on")
    ls.connect(tmp_path).create_table(
        "db.t",
        schema=COLUMNS,
        primary_key=["id"],
        options={"bucket": 2, "num-sorted-run.compaction-trigger": 3, **options},
    )
    table = ls.open_table(tmp_path / "db.db" / "t")
    for _ in range(3):
        table.alter(ls.set_option("write-only", "true")).upsert([{"id": 0, "writer": -1, "n": -1}])
    table.alter(ls.set_option("write-only", options.get("write-only", "false")))
    words = ["compact", table.path, "--every", "50 ms", "--json"]
    command = [sys.executable, "-c", "from lakestore.cli.main import run; run()", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as service:
        first = service.stdout.readline()
        table = race(tmp_path, writers=1, commits=commits, compactors=0, make=False)
        service.send_signal(signal.SIGTERM)
        told, notes = service.communicate(timeout=SECONDS)
    assert service.returncode == 0, notes
    assert notes.splitlines()[-1].startswith("stopped after"), notes
    rounds = [json.loads(line) for line in (first + told).splitlines()]
    assert all("error" not in round_ or round_["error"] is None for round_ in rounds), rounds
    assert commits < 100 or (rounds and len(snapshots_of(table)) > commits)
    check(table, tmp_path, writers=1, commits=commits)
