"""The benchmark of file indexes runs and checks its answers, at a tiny size."""

from tools.bench import indexes


def test_every_kind(tmp_path):
    data = indexes.visits(10, 20)
    found = {kind: indexes.measured(str(tmp_path), kind, data, 10, 20) for kind in (None, *indexes.KINDS)}
    assert found[None]["opened"] == 10
    assert all(found[kind]["opened"] == 1 for kind in ("bitmap", "range-bitmap", "bsi"))
    assert found["bloom-filter"]["opened"] <= 2
