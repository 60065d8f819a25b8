"""The Python engines behind the requests that the Java judge takes; runs in their environment, not in ours.

    PEER_PYTHON tools/judge/peer.py pypaimon|pypaimon-lenient|rust

serves requests from standard input; see ``java/Judge.java`` for the form. ``pypaimon`` is its pure Python reader and
writer, ``rust`` the core of pypaimon-rust. ``pypaimon-lenient`` supplies one manifest field (``_VALUE_STATS_COLS``)
where an engine older than Paimon 1.0 left it out; without it pypaimon 2.1 reads no such manifest.
"""

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.golden import canon

Request = Mapping[str, Any]
ROWS_AT_ONCE = 65_536
PURE = {
    "read.native.enabled": "false",
    "scan.native-plan.enabled": "false",
    "write.native.enabled": "false",
    "commit.native.enabled": "false",
}
METHODS = {
    "=": "equal",
    "!=": "notEqual",
    "<": "lessThan",
    "<=": "lessOrEqual",
    ">": "greaterThan",
    ">=": "greaterOrEqual",
    "in": "in",
    "is null": "isNull",
    "is not null": "isNotNull",
}
WHOLE = ("TINYINT", "SMALLINT", "INT", "BIGINT")
TIMES = {"snapshot": "scan.snapshot-id", "tag": "scan.tag-name", "timestamp": "scan.timestamp-millis"}


def split_path(table: str) -> tuple[str, str, str]:
    """A table's folder as warehouse, database and table."""
    folder = Path(table)
    return str(folder.parent.parent), folder.parent.name.removesuffix(".db"), folder.name


def options_of(request: Request) -> dict[str, str]:
    """The request's options, with its point in time among them."""
    times = {option: str(request[name]) for name, option in TIMES.items() if request.get(name) is not None}
    return {**request.get("options", {}), **times}


def name_of(request: Request, table: str) -> str:
    """The table's name with the branch that the request asks for."""
    branch = request.get("branch")
    return table if branch in {None, "main"} else f"{table}$branch_{branch}"


class Pypaimon:
    """The pure Python engine."""

    def table(self, request: Request) -> Any:
        """Open the table of the request."""
        from pypaimon import CatalogFactory

        warehouse, database, table = split_path(request["table"])
        catalog = CatalogFactory.create({"warehouse": warehouse})
        return catalog.get_table(f"{database}.{name_of(request, table)}").copy({**PURE, **options_of(request)})

    def read(self, request: Request) -> Iterator[pa.Table]:
        """Batches of the whole read."""
        builder = self.table(request).new_read_builder()
        if request.get("select"):
            builder = builder.with_projection(request["select"])
        splits = builder.new_scan().plan().splits()
        table = builder.new_read().to_arrow(splits)
        return iter(() if table is None else (table,))

    def stream(self, request: Request) -> Iterator[pa.Table]:
        """Changes of the streaming read under the consumer named, until nothing comes for a while."""
        builder = self.table(request).new_stream_read_builder().with_include_row_kind().with_poll_interval_ms(20)
        builder = builder.with_consumer_id(request["consumer"])
        read, found = builder.new_read(), []

        async def follow() -> None:
            plans = builder.new_streaming_scan().stream()
            while True:
                try:
                    plan = await asyncio.wait_for(anext(plans), timeout=1.5)
                except (TimeoutError, StopAsyncIteration):
                    return
                found.append(read.to_arrow(plan.splits()))

        asyncio.run(follow())
        return (table for table in found if table is not None)

    def schema(self, request: Request) -> pa.Schema:
        """The Arrow schema that the engine writes from."""
        from pypaimon.schema.data_types import PyarrowFieldParser

        return PyarrowFieldParser.from_paimon_schema(self.table(request).table_schema.fields)

    def write(self, request: Request, rows: pa.Table) -> None:
        """Commit rows."""
        builder = self.table(request).new_batch_write_builder()
        if request.get("overwrite") is not None:
            builder = builder.overwrite(request["overwrite"])
        write, commit = builder.new_write(), builder.new_commit()
        write.write_arrow(rows)
        commit.commit(write.prepare_commit())
        write.close()
        commit.close()


class LenientPypaimon(Pypaimon):
    """The same, taking manifests without ``_VALUE_STATS_COLS``."""

    def __init__(self) -> None:
        from pypaimon.manifest.manifest_file_manager import ManifestFileManager

        strict = ManifestFileManager._get_value_stats_fields

        def lenient(manager: object, file: dict[str, Any], *others: object) -> object:
            return strict(manager, {"_VALUE_STATS_COLS": None, **file}, *others)

        ManifestFileManager._get_value_stats_fields = lenient


class Rust(Pypaimon):
    """The core of pypaimon-rust."""

    def rust_table(self, request: Request) -> Any:
        """Open the table of the request."""
        from pypaimon_rust.datafusion import PaimonCatalog

        warehouse, database, table = split_path(request["table"])
        return PaimonCatalog({"warehouse": warehouse}).get_table((database, name_of(request, table)))

    def read(self, request: Request) -> Iterator[pa.Table]:
        """Batches of the whole read."""
        builder = self.rust_table(request).new_read_builder(options_of(request))
        if request.get("select"):
            builder = builder.with_projection(request["select"])
        if request.get("where"):
            builder = builder.with_filter(self.predicate(request))
        splits = builder.new_scan().plan().splits()
        return iter(builder.new_read().read_arrow(splits))

    def predicate(self, request: Request) -> dict[str, Any]:
        """The conditions of the request, all of which must hold; literals of whole numbers and text."""
        kinds = canon.newest_shape(Path(request["table"])).kinds
        leaves = [
            {
                "method": METHODS[operator],
                "field": column,
                "literals": [int(one) if kinds[column].root in WHOLE else one for one in literals],
            }
            for column, operator, *literals in request["where"]
        ]
        return leaves[0] if len(leaves) == 1 else {"method": "and", "children": leaves}

    def write(self, request: Request, rows: pa.Table) -> None:
        """Commit rows."""
        builder = self.rust_table(request).new_batch_write_builder()
        if request.get("overwrite") is not None:
            builder = builder.with_overwrite(request["overwrite"])
        write = builder.new_write()
        for batch in rows.combine_chunks().to_batches():
            write.write_arrow(batch)
        builder.new_commit().commit(write.prepare_commit())
        write.close()


ENGINES = {"pypaimon": Pypaimon, "pypaimon-lenient": LenientPypaimon, "rust": Rust}


def rows_to_write(engine: Pypaimon, request: Request) -> pa.Table:
    """The rows of a write request, with their kinds in the table's own column for them."""
    column = engine.table(request).table_schema.options.get("rowkind.field")
    rows = []
    for each in canon.read_lines(Path(request["rows"])):
        row, kind = (each["row"], each.get("kind", "+I")) if "row" in each else (each, "+I")
        if column is None and kind not in {"+I", "+U"}:
            raise NotImplementedError(f"row kind {kind} without the table option rowkind.field")
        rows.append(row if column is None else {**row, column: kind})
    return canon.table_of(rows, engine.schema(request))


def answer(engine: Pypaimon, request: Request) -> Iterator[canon.Row]:
    """Carry out one request."""
    command = request["command"]
    if command == "read":
        shape = canon.newest_shape(Path(request["table"]))
        for batch in engine.read(request):
            yield from canon.rows_of(batch, shape.kinds)
    elif command == "stream":
        for batch in engine.stream(request):
            kinds = batch.column("_row_kind").to_pylist()
            rows = canon.rows_of(batch.drop_columns("_row_kind"), canon.newest_shape(Path(request["table"])).kinds)
            yield from ({"kind": kind, "row": row} for kind, row in zip(kinds, rows, strict=True))
    elif command == "write":
        engine.write(request, rows_to_write(engine, request))
    else:
        raise NotImplementedError(f"no command {command}")


def main() -> int:
    """Serve until standard input ends."""
    engine = ENGINES[sys.argv[1]]()
    for text in sys.stdin:
        try:
            for row in answer(engine, json.loads(text)):
                print(canon.line(["row", row]))
            reply = ["end"]
        except BaseException as failure:  # a panic of the Rust core derives from nothing closer
            if isinstance(failure, KeyboardInterrupt):
                raise
            traceback.print_exc()
            root: BaseException = failure
            while root.__cause__ is not None:
                root = root.__cause__
            reply = ["error", f"{type(root).__name__}: {root}"]
        print(canon.line(reply), flush=True)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the engines' pools must not keep the process alive
