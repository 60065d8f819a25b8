"""Commands ``compact``, ``files`` and ``simulate``."""

import json
import os
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.cli.levels import BAR, bar
from lakestore.cli.main import main
from lakestore.cli.signals import StopRequest, stop_on_signals
from lakestore.maintain.levels_records import FilePicture

COMMAND = [sys.executable, "-c", "import sys; from lakestore.cli.main import main; sys.exit(main(sys.argv[1:]))"]


def create(folder, name="shop.orders", **options):
    return ls.connect(folder).create_table(
        name,
        schema={"id": "BIGINT NOT NULL", "v": "BIGINT"},
        primary_key=["id"],
        options={"bucket": 1, "write-only": True} | options,
    )


def upsert(table, *ids):
    table.upsert(pa.table({"id": pa.array(ids, pa.int64()), "v": pa.array(ids, pa.int64())}))


@pytest.fixture
def orders(tmp_path):
    """The path of a table of two runs."""
    table = create(tmp_path)
    upsert(table, 1, 2)
    upsert(table, 2, 3)
    return table.path


def test_compact_says_what_it_did(orders, capsys):
    assert main(["compact", orders]) == 0
    assert capsys.readouterr().out == "orders: nothing to compact\n"
    assert main(["compact", orders, "--full", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "a full compaction was asked for" in out
    assert "orders: would compact 1 bucket: 2 files" in out
    assert main(["compact", orders, "--full"]) == 0
    out = capsys.readouterr().out
    assert "2 files to 1" in out
    assert "snapshot 3" in out


def test_compact_json(orders, capsys):
    assert main(["compact", orders, "--strategy", "full", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["table"], report["snapshot_ids"]) == ("orders", [3])
    (bucket,) = report["buckets"]
    assert (bucket["files_before"], bucket["files_after"], bucket["output_level"]) == (2, 1, 5)


@pytest.mark.parametrize(
    "words",
    [
        lambda folder: [f"{folder}/shop.db", "--database"],
        lambda folder: ["shop", "--database", "--warehouse", f"{folder}"],
        lambda folder: ["shop.*", "--warehouse", f"{folder}"],
    ],
)
def test_a_database_at_once(tmp_path, orders, capsys, words):
    upsert(create(tmp_path, "shop.more"), 1)
    assert main(["compact", *words(tmp_path), "--full"]) == 0
    out = capsys.readouterr().out
    assert "shop.orders: compacted 1 bucket" in out
    assert "shop.more: compacted 1 bucket" in out


def test_one_table_of_many_fails(tmp_path, orders, capsys):
    upsert(create(tmp_path, "shop.a"), 1)
    schema = tmp_path / "shop.db" / "a" / "schema" / "schema-0"
    schema.write_text("{")
    assert main(["compact", "shop.*", "-w", f"{tmp_path}", "--full"]) == 1
    captured = capsys.readouterr()
    assert "shop.orders: compacted 1 bucket" in captured.out
    assert "shop.a: " in captured.err


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["--every", "now and then"], "invalid-value"),
        (["--every", "0"], "invalid-value"),
        (["--where", "v = 1"], "invalid-predicate"),
        (["--database"], "invalid-value"),
    ],
)
def test_compact_refuses(orders, capsys, words, kind):
    assert main(["compact", orders, *words]) == 1
    assert f"[{kind}]" in capsys.readouterr().err


def test_a_loop_without_a_table_ends_at_once(tmp_path, capsys):
    assert main(["compact", f"{tmp_path}/nowhere", "--every", "1 h"]) == 1
    assert "[table-not-found]" in capsys.readouterr().err


def until(condition, seconds=30):
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_loop_compacts_survives_and_stops(tmp_path, number):
    """It goes on although the table is out of reach for a while, and ends with 0 when it is told to."""
    eager = {"num-sorted-run.compaction-trigger": 2, "compaction.max-size-amplification-percent": 0}
    table = create(tmp_path, **eager)
    folder, away = tmp_path / "shop.db", tmp_path / "away"
    upsert(table, 1)
    words = ["compact", table.path, "--every", "50 ms", "--json"]
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        upsert(table, 2)
        until(lambda: table.snapshots.latest().commit_kind == "COMPACT")
        folder.rename(away)
        time.sleep(0.3)
        away.rename(folder)
        upsert(table, 3)
        until(lambda: table.snapshots.latest().id == 5)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert [json.loads(line)["snapshot_ids"] for line in out.splitlines()] == [[3], [5]]
    assert "[table-not-found]" in err
    assert "stopped after" in err
    assert table.count() == 3


def test_the_second_signal_interrupts():
    with stop_on_signals() as stopped:
        assert not stopped()
        os.kill(os.getpid(), signal.SIGTERM)
        until(stopped)
        with pytest.raises(KeyboardInterrupt):
            stopped.ask(signal.SIGTERM, None)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert not StopRequest()()


# The picture.


def test_files_draws_the_runs(orders, capsys):
    assert main(["files", orders]) == 0
    out = capsys.readouterr().out
    assert "bucket 0: 2 runs on 6 levels" in out
    assert "next: nothing, 2 of 5 runs; a full compaction would read " in out
    assert "snapshot 2: 1 buckets, 0 to compact, 2 files, 4 rows" in out


def test_files_marks_what_is_next(tmp_path, capsys):
    table = create(tmp_path, **{"num-sorted-run.compaction-trigger": 2})
    upsert(table, 1)
    upsert(table, 1)
    assert main(["files", table.path]) == 0
    out = capsys.readouterr().out
    assert out.count("▶") == 3
    assert "to level 2, deletes go for good; because of " in out


def test_files_by_name(orders, capsys):
    assert main(["files", orders, "--names"]) == 0
    assert capsys.readouterr().out.count(".parquet") == 2
    assert main(["files", orders, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["buckets"][0]["runs"][0]["level"] == 0


def test_files_of_an_append_table(tmp_path, capsys):
    table = ls.connect(tmp_path).create_table("d.t", schema={"v": "INT"})
    table.insert([{"v": 1}])
    assert main(["files", table.path]) == 0
    assert "smallest" in capsys.readouterr().out


def test_describe_draws_them_too(orders, capsys):
    assert main(["describe", orders]) == 0
    assert "bucket 0: 2 runs on 6 levels" in capsys.readouterr().out


def span(start, end):
    return FilePicture(name="f", rows=1, deletes=0, bytes=1, min_key="", max_key="", start=start, end=end)


@pytest.mark.parametrize(
    ("spans", "drawn"),
    [
        ([(0, 1)], "╺" + "━" * (BAR - 1)),
        ([(0, 0)], "━" + " " * (BAR - 1)),
        ([(1, 1)], " " * (BAR - 1) + "━"),
        ([(0, 0.5), (0.5, 1)], ("╺" + "━" * (BAR // 2 - 1)) * 2),
        ([(0.25, 0.5)], " " * (BAR // 4) + "╺" + "━" * (BAR // 4 - 1) + " " * (BAR // 2)),
    ],
)
def test_bars(spans, drawn):
    assert bar([span(*one) for one in spans]) == drawn


# The simulator.


def test_simulate_compares(capsys):
    words = ["simulate", "--commits", "20", "--keys", "100000", "--vary", "num-sorted-run.compaction-trigger=3,9"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["num-sorted-run.compaction-trigger", "write"]
    assert [line.split()[0] for line in lines[1:3]] == ["3", "9"]
    assert float(lines[1].split()[1]) > float(lines[2].split()[1]) >= 1


def test_simulate_json_and_steps(capsys):
    assert main(["simulate", "--commits", "5", "--rows", "10", "--row-bytes", "7", "--steps", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert (run["bytes_in"], run["bytes_written"], run["compactions"]) == (350, 700, 1)
    assert [step["runs"] for step in run["steps"]] == [1, 2, 3, 4, 1]
    assert main(["simulate", "--commits", "5", "--steps", "-o", "changelog-producer=lookup"]) == 0
    assert "force-level-0" in capsys.readouterr().out


def test_simulate_refuses_a_misspelled_option(capsys):
    assert main(["simulate", "-o", "num-sorted-runs.compaction-trigger=3"]) == 1
    assert "num-sorted-run.compaction-trigger" in capsys.readouterr().err
