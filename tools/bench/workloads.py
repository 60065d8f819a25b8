"""The workloads: what is done, what it must answer, and who does it.

Each workload verifies every subject's answer before it counts anybody's time. The sizes hang on one number, the rows
of a load: an upsert commits a fortieth of it, thirty times, on a tenth as many keys; a scan reads five sorted runs of
half of it each, on as many keys.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import lakestore as ls
from tools.bench import floor, lake, peers
from tools.bench.answers import Answer, answer_of, verify
from tools.bench.data import SHAPES, Shape, draws, rows_of, winners
from tools.bench.measure import Body, Figure, in_turns

RUNS = 5
UPSERT_COMMITS = 30


@dataclass(frozen=True)
class Scale:
    """How much, how often and with whom.

    Attributes:
        rows: Rows of a load.
        repeats: Rounds of every timing.
        peers: Engines to ask besides.
        peer_repeats: Rounds of theirs; by default as many as ours, but one of pypaimon's, which take minutes.
    """

    rows: int = 2_000_000
    repeats: int = 5
    peers: Sequence[str] = ()
    peer_repeats: int | None = None

    def rounds_of(self, engine: str) -> int:
        """Rounds of a peer."""
        return self.peer_repeats or (1 if engine == "pypaimon" else self.repeats)


Workload = Callable[[Path, Scale], list[Figure]]


def _figures(name: str, scale: Scale, rows: int, setups: dict[str, Callable[[], Body]]) -> list[Figure]:
    timings = in_turns(setups, scale.repeats)
    return [Figure(name, subject, timing, rows) for subject, timing in timings.items()]


# ---- writing


def _write(name: str, scratch: Path, scale: Scale, *, shape: Shape, runs: list[np.ndarray], keys: int) -> list[Figure]:
    batches = [rows_of(shape, ids, version) for version, ids in enumerate(runs)]
    rows = sum(batch.num_rows for batch in batches)
    expected = answer_of(rows_of(shape, *winners(runs)))
    numbers = count()

    def ours() -> Body:
        table = lake.create(scratch, shape, f"t{next(numbers)}")
        return lambda: lake.upsert_all(table, batches)

    def bare() -> Body:
        target = scratch / "floor.parquet"
        return lambda: [floor.sort_and_write(batch, shape.key, target) for batch in batches]

    ours()()
    verify(f"lakestore at {name}", answer_of(ls.connect(scratch).table("bench.t0").scan().to_arrow()), expected)
    figures = _figures(name, scale, rows, {"parquet floor": bare, "lakestore": ours})
    request = {"shape": "int", "keys": keys, "size": len(runs[0]), "commits": len(runs)}
    for engine in scale.peers:
        request |= {"task": "write", "warehouse": str(scratch / engine), "repeats": scale.rounds_of(engine)}
        figures.append(peers.figure(name, engine, expected, rows=rows, **request))
    return figures


def load(scratch: Path, scale: Scale) -> list[Figure]:
    """All rows in one commit, their keys in no order."""
    runs = draws(scale.rows, scale.rows, 1)
    return _write("load", scratch, scale, shape=SHAPES["int"], runs=runs, keys=scale.rows)


def upsert(scratch: Path, scale: Scale) -> list[Figure]:
    """Many commits that hit the same keys again and again."""
    keys, size = max(scale.rows // 10, 4), max(scale.rows // 40, 1)
    runs = draws(keys, size, UPSERT_COMMITS)
    return _write("upsert", scratch, scale, shape=SHAPES["int"], runs=runs, keys=keys)


# ---- reading


@dataclass(frozen=True)
class Read:
    """What a scan asks for.

    Attributes:
        select: Columns, None for all.
        where: A column and the bounds that its values lie between.
    """

    select: tuple[str, ...] | None = None
    where: tuple[str, tuple[int, int]] | None = None

    def text(self) -> str | None:
        """The condition as SQL text."""
        return None if self.where is None else "{0} between {1[0]} and {1[1]}".format(*self.where)

    def of(self, rows: pa.Table) -> pa.Table:
        """The same on rows in memory."""
        if self.where is not None:
            column, (low, high) = rows[self.where[0]], self.where[1]
            rows = rows.filter(pc.and_(pc.greater_equal(column, low), pc.less_equal(column, high)))
        return rows if self.select is None else rows.select(list(self.select))


def _scan(name: str, scratch: Path, scale: Scale, *, shape: str, read: Read) -> list[Figure]:
    kind = SHAPES[shape]
    runs = draws(scale.rows, scale.rows // 2, RUNS)
    rows = sum(len(ids) for ids in runs)
    table = lake.write_runs(scratch, kind, runs)
    expected = answer_of(read.of(rows_of(kind, *winners(runs))))
    files = floor.data_files(lake.folder(table))
    touched = None if read.select is None else floor.merge_columns(files[0], read.select, kind.key)

    def ours() -> Body:
        opened = ls.open_table(table.path)
        select = None if read.select is None else list(read.select)
        return lambda: opened.scan(where=read.text(), select=select).to_arrow()

    verify(f"lakestore at {name}", answer_of(ours()()), expected)
    figures = _figures(
        name, scale, rows, {"parquet floor": lambda: lambda: floor.decode(files, touched), "lakestore": ours}
    )
    return figures + [_peer_scan(name, engine, expected, scratch, scale, read, rows) for engine in scale.peers]


def _peer_scan(name: str, engine: str, expected: Answer, scratch: Path, scale: Scale, read: Read, rows: int) -> Figure:
    request = {"task": "scan", "warehouse": str(scratch), "repeats": scale.rounds_of(engine)}
    request |= {"select": read.select, "where": read.where}
    return peers.figure(name, engine, expected, rows=rows, **request)


def scan_int(scratch: Path, scale: Scale) -> list[Figure]:
    """Everything, merged; the key is one BIGINT."""
    return _scan("scan-int", scratch, scale, shape="int", read=Read())


def scan_string(scratch: Path, scale: Scale) -> list[Figure]:
    """Everything, merged; the key is a text of sixteen letters."""
    return _scan("scan-string", scratch, scale, shape="string", read=Read())


def scan_pair(scratch: Path, scale: Scale) -> list[Figure]:
    """Everything, merged; the key is an INT and a BIGINT."""
    return _scan("scan-pair", scratch, scale, shape="pair", read=Read())


def scan_pair_text(scratch: Path, scale: Scale) -> list[Figure]:
    """Everything, merged; the key is a text and a BIGINT."""
    return _scan("scan-pair-text", scratch, scale, shape="pair-text", read=Read())


def project(scratch: Path, scale: Scale) -> list[Figure]:
    """One value column of six, merged."""
    return _scan("project", scratch, scale, shape="int", read=Read(select=("qty",)))


def filter_key(scratch: Path, scale: Scale) -> list[Figure]:
    """One percent of the keys, in a range."""
    low = scale.rows // 2
    bounds = (low, low + scale.rows // 100)
    return _scan("filter-key", scratch, scale, shape="int", read=Read(where=("id", bounds)))


def filter_value(scratch: Path, scale: Scale) -> list[Figure]:
    """One percent of the rows, by a value that any row may have."""
    return _scan("filter-value", scratch, scale, shape="int", read=Read(where=("qty", (10, 19))))


WORKLOADS: dict[str, Workload] = {
    "load": load,
    "upsert": upsert,
    "scan-int": scan_int,
    "scan-string": scan_string,
    "scan-pair": scan_pair,
    "scan-pair-text": scan_pair_text,
    "project": project,
    "filter-key": filter_key,
    "filter-value": filter_value,
}
"""Every workload by name."""
