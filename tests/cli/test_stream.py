"""``lakestore stream``, ``changes`` and ``consumer``: made for pipes, and for being stopped."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.cli.main import main
from tests.api.test_stream import keyed

COMMAND = [sys.executable, "-c", "from lakestore.cli.main import run; run()"]
ROOT = Path(__file__).parents[2]
PATIENCE = 30


@pytest.fixture
def table(tmp_path):
    return keyed(tmp_path)


@pytest.fixture
def start(table):
    """Starts a ``lakestore`` process on the table; whatever still runs at the end is killed."""
    started = []

    def run(*words, **arguments):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, **arguments
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            pipe.close()


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines(table, capsys):
    words = ["stream", table.path, "--from", "from-snapshot=3", "--until", "latest", "--where", "id > 0"]
    assert main([*words, "--select", "id,v"]) == 0
    assert lines(capsys.readouterr().out) == [{"_row_kind": "+I", "id": 3, "v": "new"}]


def test_bounds_and_parts(table, capsys):
    for number, watermark in ((4, 100), (5, 200)):
        with table.writer(job="j") as writer:
            writer.write([{"id": number, "v": "new", "n": 0}])
            writer.commit(number, watermark=watermark)
    words = ["stream", table.path, "--from", "from-snapshot=4"]
    assert main([*words, "--until-watermark", "150"]) == 0
    assert [row["id"] for row in lines(capsys.readouterr().out)] == [4]
    found = []
    for bucket in ("0", "1"):
        assert main([*words, "--until", "latest", "--buckets", bucket]) == 0
        found += [row["id"] for row in lines(capsys.readouterr().out)]
    assert sorted(found) == [4, 5]
    assert main([*words, "--delay", "3600", "--idle", "0.05", "--poll", "0.02"]) == 0
    assert capsys.readouterr().out == ""


def test_arrow(table, start):
    process = start("stream", table.path, "--from", "earliest", "--until", "2", "--arrow")
    out, error = process.communicate(timeout=PATIENCE)
    assert (process.returncode, error) == (0, b"")
    found = pa.ipc.open_stream(io.BytesIO(out)).read_all()
    assert found.column_names == ["_row_kind", "id", "v", "n"]
    assert found.num_rows == 4


def test_a_position_file_goes_on_where_it_was(table, tmp_path, capsys):
    words = ["stream", table.path, "--from", "earliest", "--position-file", str(tmp_path / "position.json")]
    assert main([*words, "--until", "2"]) == 0
    assert len(lines(capsys.readouterr().out)) == 4
    assert main([*words, "--until", "latest"]) == 0
    assert [row["id"] for row in lines(capsys.readouterr().out) if row["id"]] == [3]
    assert main([*words, "--idle", "0.1", "--poll", "0.05"]) == 0
    assert capsys.readouterr().out == ""
    (tmp_path / "position.json").write_text("[]")
    assert main(words) == 1
    assert "expected a JSON object" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_it_behind_a_whole_change(table, start, number, code):
    process = start("stream", table.path, "--from", "earliest", "--consumer", "me", "--poll", "0.05")
    seen = [process.stdout.readline() for _ in range(6)]
    table.upsert([{"id": 9, "v": "x", "n": 1}])
    seen.append(process.stdout.readline())
    process.send_signal(number)
    rest, error = process.communicate(timeout=PATIENCE)
    assert (process.returncode, rest) == (code, b"")
    assert b"Traceback" not in error
    assert lines(b"".join(seen))[-1]["id"] == 9
    assert table.consumers.get("me").next_snapshot == 5


def test_it_ends_when_nobody_listens_any_more(table, start):
    process = start("stream", table.path, "--from", "earliest", "--poll", "0.05")
    process.stdout.readline()
    process.stdout.close()
    for number in range(50):
        table.upsert([{"id": number, "v": "x", "n": 1}])
        if process.poll() is not None:
            break
    assert process.wait(timeout=PATIENCE) == 0
    assert process.stderr.read() == b""


def test_a_unix_pipe(table, start, tmp_path):
    """Changes of one table become rows of another: ``stream | write``."""
    other = ls.connect(tmp_path).create_table(
        "db.copy", schema=table.schema, primary_key=["id"], options={"bucket": "1"}
    )
    reader = start("stream", table.path, "--until", "latest", "--arrow")
    writer = start("write", other.path, "-", "--format", "arrow", "--row-kind-column", "_row_kind", stdin=reader.stdout)
    assert writer.wait(timeout=PATIENCE) == 0, writer.stderr.read()
    rows = [sorted(map(str, each.to_arrow().to_pylist())) for each in (table, other)]
    assert rows[0] == rows[1]


def test_changes(table, capsys):
    assert main(["changes", table.path, "2", "3", "--json"]) == 0
    assert sorted(row["id"] for row in lines(capsys.readouterr().out)) == [0, 3]
    assert main(["changes", table.path, "1", "3", "--mode", "diff"]) == 0
    assert capsys.readouterr().out.split()[:4] == ["_row_kind", "id", "v", "n"]
    assert main(["changes", table.path, "1970-01-02", "2999-01-01", "--by-time", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
    assert main(["changes", table.path, "2"]) == 1
    assert main(["changes", table.path, "2", "3", "--mode", "changelog"]) == 1
    assert "changelog-producer is none" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "words",
    [
        ["--shard", "1"],
        ["--shard", "2/2"],
        ["--until", "soon"],
        ["--from", "x"],
        ["--expired", "no"],
        ["--buckets", "a"],
        ["--until", "2", "--until-watermark", "5"],
    ],
)
def test_words_that_make_no_sense(table, capsys, words):
    assert main(["stream", table.path, *words]) == 1
    assert "expected" in capsys.readouterr().err


def test_consumers(table, capsys):
    path = table.path
    assert main(["consumer", "reset", path, "me", "2"]) == 0
    assert main(["consumer", "list", path, "--json"]) == 0
    out = capsys.readouterr().out
    assert "consumer me reads snapshot 2 next" in out
    assert json.loads(out[out.index("[") :])[0]["next_snapshot_id"] == 2
    assert main(["consumer", "delete", path, "me", "--dry-run"]) == 0
    assert main(["consumer", "expire", path, "--idle-hours", "1"]) == 0
    assert table.consumers.list().num_rows == 1
    assert main(["consumer", "delete", path, "me"]) == 0
    assert table.consumers.list().num_rows == 0
    assert main(["consumer", "delete", path, "me"]) == 1
    assert main(["consumer", "reset", path, "me", "99"]) == 1
