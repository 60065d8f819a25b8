"""What a schema change costs on a table of ten thousand files, and what nested projection leaves unread.

    python tools/bench/evolve.py                       # 10,000 files, about two minutes to make
    python tools/bench/evolve.py --files 500 --rows 20000

A change is timed as a user sees it, ``table.alter(...)``; the time inside the store's calls is told apart, and the
calls are counted. In the end every data file must have the size and time that it had, and rows must read under the new
schema.

Nested projection reads one leaf of a ROW of twenty, checked against the values written; bytes are those that the store
handed out of data files.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table as Shown

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.watched import WatchedStore

LIMIT_MS = 7.0
"""What a light schema change takes beyond storage in the field."""

LEAVES = 20


class MeasuredStore(WatchedStore):
    """Adds up seconds inside calls, the calls, and the bytes of data files."""

    def forget(self) -> None:
        """Begin again at nothing."""
        self.seconds, self.calls, self.data_bytes = 0.0, 0, 0

    def _call(self, operation: str, path: str, action: Callable[[], object]) -> object:
        started = time.perf_counter()
        try:
            return super()._call(operation, path, action)
        finally:
            self.seconds += time.perf_counter() - started
            self.calls += 1

    def _read_piece(self, path: str, source: object, count: int) -> bytes:
        data = super()._read_piece(path, source, count)
        self.data_bytes += len(data) if "/bucket-" in path else 0
        return data


def opened(folder: Path) -> tuple[MeasuredStore, Lake]:
    store, root = open_store(folder)
    measured = MeasuredStore(store)
    measured.forget()
    return measured, Lake(measured, root, Env())


def changes_of(number: int) -> dict[str, object]:
    """One change of each kind, with names of their own in every round."""
    column, member = f"c{number}", f"m{number}"
    return {
        "add a column": ls.add_column(column, "INT"),
        "add a member": ls.add_column(f"r.{member}", "INT", first=True),
        "rename": ls.rename_column(f"r.{member}", f"{member}x"),
        "move": ls.move_column(column, first=True),
        "widen": ls.change_type(column, "BIGINT"),
        "widen a member": ls.change_type(f"r.{member}x", "BIGINT"),
        "comment": ls.set_comment("what it is", column=column),
        "default": ls.set_default(column, "7"),
        "option": ls.set_option("manifest.target-file-size", f"{number + 4} mb"),
        "drop": ls.drop_column(column),
    }


def time_changes(folder: Path, files: int, rounds: int) -> list[tuple[str, float, float, int]]:
    """Milliseconds beyond the store, in it, and calls of each kind of change; the least of some rounds."""
    measured, lake = opened(folder)
    columns = {"p": "INT", "v": "INT", "r": "ROW<x INT, y STRING>"}
    table = lake.create_table("bench.t", schema=columns, partition_by=["p"])
    numbers = np.arange(files, dtype=np.int32)
    rows = pa.array([{"x": 1, "y": "y"}] * files, table.schema.field("r").type)
    table.insert({"p": numbers, "v": numbers, "r": rows})
    data = data_files(table)
    assert len(data) == files, f"{len(data)} files"
    found: dict[str, tuple[float, float, int]] = {}
    for number in range(rounds):
        for name, change in changes_of(number).items():
            measured.forget()
            started = time.perf_counter()
            altered = table.alter(change)
            beyond = time.perf_counter() - started - measured.seconds
            assert altered.schema_id == table.schema_id + 1
            if name not in found or beyond < found[name][0]:
                found[name] = (beyond, measured.seconds, measured.calls)
            table = altered
    assert data_files(table) == data, "a data file was touched"
    assert table.scan(f"p = {files // 2}", ["p", "v", "r.x"]).to_pylist() == [
        {"p": files // 2, "v": files // 2, "r": {"x": 1}}
    ]
    return [(name, beyond * 1e3, inside * 1e3, calls) for name, (beyond, inside, calls) in found.items()]


def data_files(table: ls.Table) -> dict[str, tuple[int, int]]:
    """Size and time of every data file."""
    found = {
        path: path.stat() for path in Path(table.path).rglob("*") if path.is_file() and path.parent.name != "schema"
    }
    return {str(path): (stat.st_size, stat.st_mtime_ns) for path, stat in found.items() if "bucket-" in str(path)}


def project(folder: Path, rows: int, form: str) -> tuple[int, int]:
    """Bytes read for a ROW of twenty leaves, and for one of them."""
    measured, lake = opened(folder)
    members = [f"m{number}" for number in range(LEAVES)]
    kind = ", ".join(f"{name} BIGINT" for name in members)
    table = lake.create_table("bench.t", schema={"wide": f"ROW<{kind}>"}, options={"file.format": form})
    random = np.random.default_rng(7)
    arrays = [pa.array(random.integers(0, 1 << 60, rows)) for _ in members]
    table.insert({"wide": pa.StructArray.from_arrays(arrays, members)})
    read = []
    for path in ("wide", "wide.m7"):
        measured.forget()
        found = table.scan(select=[path]).to_arrow()
        assert found["wide"].combine_chunks().field("m7").equals(arrays[7]), "other values than were written"
        read.append(measured.data_bytes)
    return read[0], read[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the table with the wide ROW")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        found = time_changes(Path(folder), arguments.files, arguments.rounds)
    shown = Shown("change", "ms beyond the store", "ms in the store", "calls", box=SIMPLE)
    for name, beyond, inside, calls in found:
        shown.add_row(name, f"{beyond:.2f}", f"{inside:.2f}", str(calls))
    console.print(shown)
    slowest = max(beyond for _, beyond, _, _ in found)
    held = "held" if slowest < LIMIT_MS else "MISSED"
    console.print(
        f"{arguments.files:,} files: slowest change {slowest:.2f} ms beyond the store, bound {LIMIT_MS} ms: {held}"
    )
    for form in ("parquet", "orc"):
        with tempfile.TemporaryDirectory() as folder:
            whole, leaf = project(Path(folder), arguments.rows, form)
        console.print(
            f"{form}: ROW of {LEAVES} leaves {whole:,} bytes, one leaf {leaf:,} bytes: {whole / leaf:.1f} times fewer"
        )


if __name__ == "__main__":
    main()
