"""A table of any merge engine, and the model of what it must hold."""

from pathlib import Path

import pyarrow as pa

import lakestore as ls
from tests.compat.shapes_engines import ENGINE_SHAPES, KINDS
from tests.golden import canon
from tests.laws.table_model import TableModel


class Judged:
    """A table, and the model of what it must hold."""

    def __init__(self, name, warehouse):
        self.shape = ENGINE_SHAPES[name]
        options = {"bucket": "2", "write-only": "true", **self.shape.options}
        self.table = ls.connect(warehouse).create_table(
            f"judged.{name}", schema=self.shape.columns, primary_key=["id"], options=options
        )
        self.schema = self.table.schema
        self.model = TableModel(self.shape.columns, self.shape.options)

    def data(self, commit):
        return pa.Table.from_pylist([row for _, row in commit], self.schema)

    def canonical(self, table):
        return canon.rows_of(table, canon.newest_shape(Path(self.table.path)).kinds)

    def expect(self, commit):
        """The model takes a commit."""
        rows = self.data(commit).to_pylist()
        kinds = [KINDS.index(kind) for kind, _ in commit]
        self.model.flush([{**row, "kind": kind} for row, kind in zip(rows, kinds, strict=True)])

    def write(self, commit, table):
        """LakeStore takes a commit."""
        table.write(self.data(commit), row_kind=[kind for kind, _ in commit])
        self.expect(commit)

    def judge_writes(self, commit, table, judge):
        """A judge takes a commit."""
        rows = self.canonical(self.data(commit))
        judge.write(table, [{"kind": kind, "row": row} for (kind, _), row in zip(commit, rows, strict=True)])
        self.expect(commit)

    @property
    def rows(self):
        """What it must hold now."""
        return self.canonical(pa.Table.from_pylist(self.model.read(), self.schema))
