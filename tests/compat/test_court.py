"""The court: its page is made from its results, each disagreement has a reason, and a hearing finds what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import canon
from tools.judge.cases import CASES, PlainCase, open_case
from tools.judge.court import PAGE, RESULTS, Hearing, page, stored, unexplained
from tools.peers.environment import peer_python

ROOT = Path(__file__).parents[2]
KEPT = [stored(each.stem) for each in sorted(RESULTS.glob("*.json"))]


def test_the_page_is_made_from_the_results():
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("result", KEPT, ids=[each["engine"] for each in KEPT])
def test_each_disagreement_has_a_reason(result):
    assert unexplained(result) == []
    assert set(result["cases"]) <= set(CASES)


class Reader:
    """An engine that reads what it is told to."""

    name = "java"

    def __init__(self, rows):
        self.rows = rows

    def read(self, table):
        return self.rows

    def compact(self, table):
        self.rows = self.rows[1:]


def test_a_hearing_tells_where_an_engine_goes_wrong(tmp_path):
    case = open_case("composite_key", tmp_path)
    assert isinstance(case, PlainCase)
    said = Hearing(Reader(case.expected()), "composite_key", case).stages()
    assert said["R"] == "ok"
    assert "1 missing" in said["C"]
    assert set(said) == {"R", "C"}


def test_a_hearing_tells_when_lakestore_goes_wrong(tmp_path):
    case = open_case("composite_key", tmp_path)
    rows = case.expected()
    case.expected = lambda: rows[1:]
    assert Hearing(Reader(rows[1:]), "composite_key", case).stages()["R"].startswith("LakeStore reads")
    assert canon.difference(rows, rows) is None


@pytest.mark.skipif(peer_python() is None, reason="NOT JUDGED: no peers here; python tools/judge/setup.py makes them")
def test_the_command_hears_an_engine():
    before = PAGE.read_bytes()
    command = [sys.executable, ROOT / "tools/judge/court.py", "--engines", "rust", "--only", "append,sequence"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert " s  RWT" in told.stdout
    assert "reads our tags" in told.stdout
    assert PAGE.read_bytes() == before
