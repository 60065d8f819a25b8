"""The stream of upserts runs and checks its answers, at a tiny size and without looking at the clock."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench.upserts import Size, run, show

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("producer", ["none", "lookup"])
def test_a_stream(tmp_path, capsys, producer):
    stream = run(tmp_path, producer, Size(commits=6, rows=20, keys=50))
    assert len(stream.commits) == 6
    compacted = [number for number, commit in enumerate(stream.commits, start=1) if commit.why]
    assert compacted == ([5] if producer == "none" else [1, 2, 3, 4, 5, 6])
    assert stream.first <= stream.worst <= stream.total
    assert 1 <= stream.runs <= 5
    show([stream])
    assert "of parquet" in capsys.readouterr().out


def test_the_command(tmp_path):
    words = ["--producer", "none", "--commits", "2", "--rows", "10", "--keys", "10", "--json", str(tmp_path / "out")]
    subprocess.run([sys.executable, "tools/bench/upserts.py", *words], cwd=ROOT, check=True, capture_output=True)
    figures = json.loads((tmp_path / "out").read_text())
    assert figures["size"] == {"commits": 2, "rows": 10, "keys": 10}
    assert len(figures["streams"][0]["commits"]) == 2
