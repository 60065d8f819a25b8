"""The judge's command: verdicts, exit codes, and that it leaves the table alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import canon
from tools.peers.environment import peer_python

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "tables" / "pypaimon_pk"


def judge(*words):
    """Run the command."""
    command = [sys.executable, ROOT / "tools" / "judge" / "judge.py", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def files(folder):
    """Every file of a folder with its bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def peers():
    """Skips the test where the peers are not installed."""
    if peer_python() is None:
        pytest.skip("NOT JUDGED: no peers here; python tools/judge/setup.py makes their environment")


@pytest.mark.usefixtures("peers")
def test_engines_that_agree():
    before = files(GOLDEN)
    words = (GOLDEN, "golden", "t", "--engines", "pypaimon,rust", "--expected", GOLDEN / "expected.jsonl", "--json")
    told = judge(*words)
    assert told.returncode == 0, told.stderr
    verdicts = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(each["engine"], each["verdict"], each["detail"]) for each in verdicts] == [
        ("pypaimon", "agrees", "25 rows"),
        ("rust", "agrees", "25 rows"),
    ]
    assert files(GOLDEN) == before


@pytest.mark.usefixtures("peers")
def test_an_engine_that_disagrees(tmp_path):
    rows = canon.read_lines(GOLDEN / "expected.jsonl")
    canon.write_lines(tmp_path / "wrong.jsonl", [*rows[1:], {**rows[0], "v": "other"}])
    told = judge(GOLDEN / "golden.db" / "t", "--engines", "rust", "--expected", tmp_path / "wrong.jsonl")
    assert told.returncode == 1
    assert "disagrees" in told.stdout
    assert "1 missing, 1 too many" in told.stdout


@pytest.mark.usefixtures("peers")
def test_a_table_that_nobody_can_read(tmp_path):
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "schema-0").write_text("{}")
    told = judge(tmp_path, "--engines", "rust")
    assert told.returncode == 1
    assert "cannot read" in told.stdout


def test_what_is_missing_is_said(tmp_path):
    told = judge(GOLDEN / "golden.db" / "t", "--engines", "oracle")
    assert told.returncode == 2
    assert "no engine oracle" in told.stderr
    told = judge(GOLDEN / "golden.db" / "t", "--engines", "java-0.0.1")
    assert told.returncode == 2
    assert "--java-version 0.0.1" in told.stderr or "no java on the PATH" in told.stderr
    told = judge(tmp_path)
    assert told.returncode == 1
    assert "is no table" in told.stderr
