"""Workloads of the merge engines: five overlapping runs read merged, beside the deduplicate scan of the same files.

The keys of a run are all different, so that its file is the same whatever the engine: a second table links the data
files and names ``deduplicate`` in its schema. The right answers are worked out run by run over dense NumPy arrays.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import lakestore as ls
from tools.bench import lake, peers
from tools.bench.answers import answer_of, verify
from tools.bench.data import STATUSES, VERSIONS, draws, mix
from tools.bench.measure import Body, Figure, Timing, in_turns
from tools.bench.workloads import RUNS, Scale, Workload

LETTERS = pa.array(list("abcdefghijklmnop"))
PARTIAL = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        *[("booked", pa.int64()), ("amount", pa.float64()), ("status", pa.string())],
        *[("moved", pa.int64()), ("weight", pa.int64()), ("place", pa.string())],
    ]
)
GROUPS = {
    "merge-engine": "partial-update",
    "fields.booked.sequence-group": "amount,status",
    "fields.moved.sequence-group": "weight,place",
}
TOTALS = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        *[("amount", pa.int64()), ("most", pa.int64()), ("status", pa.string()), ("marks", pa.string())],
    ]
)
FUNCTIONS = {
    "merge-engine": "aggregation",
    "fields.amount.aggregate-function": "sum",
    "fields.most.aggregate-function": "max",
    "fields.status.aggregate-function": "last_non_null_value",
    "fields.marks.aggregate-function": "listagg",
}
Rows = Callable[[np.ndarray, int], pa.Table]
Merged = Callable[[Sequence[pa.Table]], pa.Table]


def partial_update(scratch: Path, scale: Scale) -> list[Figure]:
    """Two sequence groups of two columns each, half of the rows late in one of them."""
    return _merged("partial-update", scratch, scale, PARTIAL, GROUPS, _partial_rows, _partial_state)


def aggregation(scratch: Path, scale: Scale) -> list[Figure]:
    """The functions sum, max, last_non_null_value and listagg."""
    return _merged("aggregation", scratch, scale, TOTALS, FUNCTIONS, _total_rows, _total_state)


ENGINE_WORKLOADS: dict[str, Workload] = {"partial-update": partial_update, "aggregation": aggregation}
"""These workloads by name."""


def _merged(
    name: str, scratch: Path, scale: Scale, schema: pa.Schema, options: dict[str, str], rows_of: Rows, state_of: Merged
) -> list[Figure]:
    lake_at = ls.connect(scratch)
    table = lake_at.create_table("bench.t", schema=schema, primary_key=["id"], options={**lake.OPTIONS, **options})
    runs = [rows_of(ids, version) for version, ids in enumerate(draws(scale.rows, scale.rows // 2, RUNS))]
    for run in runs:
        table.upsert(run)
    expected = answer_of(state_of(runs))
    plain = _as_deduplicate(Path(table.path))
    setups = {"deduplicate, same files": lambda: _scan(plain), "lakestore": lambda: _scan(Path(table.path))}
    verify(f"lakestore at {name}", answer_of(setups["lakestore"]()()), expected)
    rows = sum(run.num_rows for run in runs)
    del runs
    timings = in_turns(setups, scale.repeats)
    figures = [Figure(name, subject, timing, rows) for subject, timing in timings.items()]
    for engine in scale.peers:
        request = {"task": "scan", "warehouse": str(scratch), "repeats": scale.rounds_of(engine)}
        figures.append(peers.figure(name, engine, expected, rows=rows, **request))
    own = timings["lakestore"]
    return [replace(one, note=_against(own, one)) if one.timing not in {None, own} else one for one in figures]


def _against(own: Timing, figure: Figure) -> str:
    clock = own.least / figure.timing.least
    processor = min(own.processor) / min(figure.timing.processor)
    return f"as the measure: lakestore takes {clock:.2f}x its time, {processor:.2f}x its processor time"


def _scan(folder: Path) -> Body:
    opened = ls.open_table(folder)
    return lambda: opened.scan().to_arrow()


def _as_deduplicate(folder: Path) -> Path:
    """A table of the same files under merge engine deduplicate."""
    copy = folder.with_name("same_files")
    shutil.copytree(folder, copy, copy_function=os.link)
    path = copy / "schema" / "schema-0"
    schema = json.loads(path.read_text())
    schema["options"] = {key: value for key, value in schema["options"].items() if key in lake.OPTIONS}
    path.unlink()
    path.write_text(json.dumps(schema))
    return copy


def _drawn(ids: np.ndarray, version: int) -> np.ndarray:
    return mix(ids * VERSIONS + version)


def _partial_rows(ids: np.ndarray, version: int) -> pa.Table:
    drawn = _drawn(ids, version)
    columns = [
        pa.array(ids),
        pa.array((drawn % np.uint64(8)).astype(np.int64)),
        pa.array((drawn >> np.uint64(20)) % np.uint64(100_000) / 100),
        STATUSES.take(pa.array((drawn >> np.uint64(60)).astype(np.int8))),
        pa.array((drawn >> np.uint64(3) & np.uint64(7)).astype(np.int64)),
        pa.array((drawn >> np.uint64(40) & np.uint64(0xFFFF)).astype(np.int64)),
        STATUSES.take(pa.array((drawn >> np.uint64(56) & np.uint64(15)).astype(np.int8))),
    ]
    return pa.table(columns, schema=PARTIAL)


def _partial_state(runs: Sequence[pa.Table]) -> pa.Table:
    """Of each group the row with the greatest ordering value, the later of equals."""
    whole = pa.concat_tables(runs).combine_chunks()
    ids = whole["id"].to_numpy()
    size, starts = int(ids.max()) + 1, np.cumsum([0, *(run.num_rows for run in runs)])
    columns = {}
    for order, members in (("booked", ("amount", "status")), ("moved", ("weight", "place"))):
        values, best, at = whole[order].to_numpy(), np.full(size, -1), np.full(size, -1)
        for start, stop in pairwise(starts):
            won = values[start:stop] >= best[ids[start:stop]]
            best[ids[start:stop][won]] = values[start:stop][won]
            at[ids[start:stop][won]] = np.arange(start, stop)[won]
        places = pa.array(at[at >= 0])
        columns |= {name: whole[name].take(places) for name in (order, *members)}
    return pa.table({"id": np.flatnonzero(at >= 0), **columns}).select(PARTIAL.names)


def _total_rows(ids: np.ndarray, version: int) -> pa.Table:
    drawn = _drawn(ids, version)
    columns = [
        pa.array(ids),
        pa.array((drawn % np.uint64(1000)).astype(np.int64)),
        pa.array((drawn >> np.uint64(20) & np.uint64(0xFFFFF)).astype(np.int64)),
        STATUSES.take(pa.array((drawn >> np.uint64(60)).astype(np.int8))),
        LETTERS.take(pa.array((drawn >> np.uint64(56) & np.uint64(15)).astype(np.int8))),
    ]
    return pa.table(columns, schema=TOTALS)


def _total_state(runs: Sequence[pa.Table]) -> pa.Table:
    size = max(int(pc.max(run["id"]).as_py()) for run in runs) + 1
    total, most, last = np.zeros(size, np.int64), np.full(size, -1), np.full(size, -1)
    marks = []
    for run in runs:
        ids, places = run["id"].to_numpy(), np.full(size, -1)
        total[ids] += run["amount"].to_numpy()
        most[ids] = np.maximum(most[ids], run["most"].to_numpy())
        places[ids] = np.arange(len(ids))
        last[ids] = pc.index_in(run["status"], value_set=STATUSES).to_numpy()
        marks.append(run["marks"].combine_chunks().take(pa.array(places, mask=places < 0)))
    there = np.flatnonzero(most >= 0)
    # Without the ids that no run has: Arrow drops rows of nothing but nulls.
    present = [column.take(pa.array(there)) for column in marks]
    joined = pc.binary_join_element_wise(*present, ",", null_handling="skip")
    statuses = STATUSES.take(pa.array(last[there]))
    return pa.table([there, total[there], most[there], statuses, joined], names=TOTALS.names)
