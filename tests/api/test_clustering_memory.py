"""Laying out takes memory by the budget, not by the table."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

import lakestore as ls

MIB = 1 << 20
JOB = """
import json, sys
import lakestore as ls
table = ls.open_table(sys.argv[1])
if sys.argv[2] == "compact":
    table.compact(full=True)
else:
    table.cluster_by("x", "y", curve=sys.argv[2], memory=4 << 20)
print(json.dumps(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024))
"""


def peak(table, job):
    """Greatest resident memory of a process that does nothing else."""
    words = [sys.executable, "-c", JOB, table.path, job]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def made(lake, name, commits):
    random = np.random.default_rng(3)
    table = lake.create_table(
        name, schema={"id": "BIGINT", "x": "DOUBLE", "y": "DOUBLE"}, options={"write-only": "true"}
    )
    for number in range(commits):
        rows = 300_000
        table.insert(
            pa.table(
                {"id": np.arange(rows) + number * rows, "x": random.normal(size=rows), "y": random.normal(size=rows)}
            )
        )
    return table


@pytest.mark.slow
@pytest.mark.parametrize("job", ["zorder", "order", "compact"])
def test_sixteen_times_the_rows_take_no_more_memory(tmp_path, job):
    lake = ls.connect(tmp_path)
    small, large = made(lake, "a.small", 2), made(lake, "a.large", 32)
    decoded = 32 * 300_000 * 24
    least, most = peak(small, job), peak(large, job)
    assert most - least < decoded / 4, f"{least / MIB:.0f} MiB, then {most / MIB:.0f} MiB"
    assert most < 1024 * MIB
    assert large.count() == 32 * 300_000
