"""The bench of schema changes and nested projection still runs and checks its answers, at a tiny size."""

import pytest

from tools.bench.evolve import LEAVES, changes_of, project, time_changes


def test_changes(tmp_path):
    found = time_changes(tmp_path, 20, 2)
    assert [name for name, *_ in found] == list(changes_of(0))
    assert all(calls <= 6 for *_, calls in found)


@pytest.mark.parametrize("form", ["parquet", "orc"])
def test_projection(tmp_path, form):
    whole, leaf = project(tmp_path, 20_000, form)
    assert whole > leaf * LEAVES / 4
