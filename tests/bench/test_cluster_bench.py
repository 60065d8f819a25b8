"""The benchmark of layouts at a tiny size: every answer is checked, and its verdicts follow from the figures."""

import sys

from tools.bench import cluster


def test_a_tiny_run(tmp_path, monkeypatch, capsys):
    figures = tmp_path / "figures.json"
    words = ["cluster.py", "--rows", "60000", "--commits", "3", "--boxes", "3", "--repeats", "1"]
    monkeypatch.setattr(sys, "argv", [*words, "--curve", "zorder", "--folder", str(tmp_path), "--json", str(figures)])
    assert cluster.main() == 0
    printed = capsys.readouterr().out
    assert "in order of arrival" in printed
    assert "yes  zorder: under 1 GiB" in printed
    assert figures.exists()


def test_verdicts():
    good = {"anywhere bytes": 0.01, "dense bytes": 0.05, "seconds": 2.0, "floor": 1.0, "processor": 2.0}
    good |= {"floor processor": 1.0, "peak": 2**29}
    better = {"anywhere bytes": 0.009, "dense bytes": 0.04}
    figures = [{"subject": "zorder", **good}, {"subject": "hilbert", **good, **better}]
    assert all(line.startswith("yes") for line in cluster.judge(figures))
    slow = {**good, "seconds": 4.0}
    lines = cluster.judge([{"subject": "zorder", **slow}, {"subject": cluster.DELTA, "seconds": 3.0, "processor": 3.0}])
    assert [line[:3] for line in lines] == ["yes", "NO ", "yes", "yes", "NO ", "yes"]
