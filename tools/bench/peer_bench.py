"""The peers' side of the workloads; runs in their environment: ``PEER_PYTHON tools/bench/peer_bench.py REQUEST``.

The request is a JSON object ``{"engine", "task", …}``; the answer, the last line of standard output, is one with the
``seconds`` of each repetition, those of ``processor`` and the ``answer`` that was verified. Importing, opening catalogs and making input are
not timed; planning, reading, writing and committing are.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.bench.answers import answer_of
from tools.bench.data import SHAPES, draws, rows_of

PURE = {
    "read.native.enabled": "false",
    "scan.native-plan.enabled": "false",
    "write.native.enabled": "false",
    "commit.native.enabled": "false",
}
Request = Mapping[str, Any]


class Pypaimon:
    """The pure Python engine."""

    def __init__(self, warehouse: str) -> None:
        from pypaimon import CatalogFactory

        self.warehouse = warehouse
        self.catalog = CatalogFactory.create({"warehouse": warehouse})

    def create(self, name: str, schema: pa.Schema, key: list[str], options: Mapping[str, str]) -> None:
        """Make a table."""
        from pypaimon import Schema

        self.catalog.create_database("bench", True)
        self.catalog.create_table(
            name, Schema.from_pyarrow_schema(schema, primary_keys=key, options=dict(options)), False
        )

    def table(self, name: str) -> Any:
        """Open a table."""
        return self.catalog.get_table(name).copy(PURE)

    def predicate(self, name: str, column: str, bounds: list[int]) -> Any:
        """``column`` between two numbers."""
        return self.table(name).new_read_builder().new_predicate_builder().between(column, *bounds)

    def read(self, name: str, select: list[str] | None, where: tuple[str, list[int]] | None) -> pa.Table:
        """A whole read."""
        builder = self.table(name).new_read_builder()
        if where:
            builder = builder.with_filter(self.predicate(name, *where))
        if select:
            builder = builder.with_projection(select)
        splits = builder.new_scan().plan().splits()
        return builder.new_read().to_arrow(splits)

    def write(self, name: str, rows: pa.Table) -> None:
        """One commit."""
        builder = self.table(name).new_batch_write_builder()
        write, commit = builder.new_write(), builder.new_commit()
        write.write_arrow(rows)
        commit.commit(write.prepare_commit())
        write.close()
        commit.close()


class Rust(Pypaimon):
    """The core of pypaimon-rust; tables are created through pypaimon."""

    def __init__(self, warehouse: str) -> None:
        from pypaimon_rust.datafusion import PaimonCatalog

        super().__init__(warehouse)
        self.core = PaimonCatalog({"warehouse": warehouse})

    def rust_table(self, name: str) -> Any:
        """Open a table."""
        return self.core.get_table(tuple(name.split(".")))

    def read(self, name: str, select: list[str] | None, where: tuple[str, list[int]] | None) -> pa.Table:
        """A whole read."""
        builder = self.rust_table(name).new_read_builder()
        if where:
            found = self.predicate(name, *where)
            builder = builder.with_filter(
                {"method": found.method, "field": found.field, "literals": list(found.literals)}
            )
        if select:
            builder = builder.with_projection(select)
        splits = builder.new_scan().plan().splits()
        return pa.Table.from_batches(list(builder.new_read().read_arrow(splits)))

    def write(self, name: str, rows: pa.Table) -> None:
        """One commit."""
        builder = self.rust_table(name).new_batch_write_builder()
        write = builder.new_write()
        for batch in rows.to_batches():
            write.write_arrow(batch)
        builder.new_commit().commit(write.prepare_commit())
        write.close()


ENGINES = {"pypaimon": Pypaimon, "rust": Rust}


Rounds = list[tuple[float, float]]
"""Seconds of each repetition, by the clock and of processors."""


def timed(body: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Seconds and result of a call."""
    started, worked = time.perf_counter(), time.process_time()
    result = body()
    return (time.perf_counter() - started, time.process_time() - worked), result


def scan(engine: Pypaimon, request: Request) -> tuple[Rounds, pa.Table]:
    """Read a table again and again."""
    where = tuple(request["where"]) if request.get("where") else None

    def body() -> pa.Table:
        table = engine.read("bench.t", request.get("select"), where)
        if where:  # an engine may return more rows than match; the user would filter
            column, (low, high) = where
            kept = pc.and_(pc.greater_equal(table[column], low), pc.less_equal(table[column], high))
            table = table.filter(kept)
        return table

    runs = [timed(body) for _ in range(request["repeats"])]
    return [seconds for seconds, _ in runs], runs[-1][1]


def write(engine: Pypaimon, request: Request) -> tuple[Rounds, pa.Table]:
    """Make a table and commit rows to it, again and again."""
    shape = SHAPES[request["shape"]]
    runs = draws(request["keys"], request["size"], request["commits"])
    batches = [rows_of(shape, ids, version) for version, ids in enumerate(runs)]
    seconds = []
    for number in range(request["repeats"]):
        name = f"bench.{request['engine']}{number}"
        engine.create(name, shape.schema, shape.key, {"bucket": "1", "write-only": "true"})
        seconds.append(timed(lambda name=name: [engine.write(name, rows) for rows in batches])[0])
    return seconds, engine.read(name, None, None)


def main() -> None:
    """Carry out the request on the command line."""
    request = json.loads(sys.argv[1])
    engine = ENGINES[request["engine"]](request["warehouse"])
    rounds, table = {"scan": scan, "write": write}[request["task"]](engine, request)
    seconds, processor = zip(*rounds, strict=True)
    told = {"seconds": seconds, "processor": processor, "answer": answer_of(table).as_json()}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
    os._exit(0)  # the engines' pools must not keep the process alive
