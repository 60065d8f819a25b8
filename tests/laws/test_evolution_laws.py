"""Laws of evolution: through random changes of a schema and commits in between, against rows kept by field id.

1. Every snapshot reads under its own schema as it read when it was made.
2. Every snapshot reads under the latest schema too: by field id, old values cast straight from the type that they
   were written in.
3. A scan with a predicate is the full scan, filtered in plain Python.
"""

import itertools
from contextlib import contextmanager
from decimal import Decimal

import fsspec
from hypothesis import given, settings
from hypothesis import strategies as st

import lakestore as ls
from lakestore.api.scan import Scan

VALUES = {
    "TINYINT": st.integers(-128, 127),
    "INT": st.integers(-300, 300),
    "BIGINT": st.integers(-(2**40), 2**40),
    "DOUBLE": st.integers(-20, 20).map(lambda half: half / 2),
    "DECIMAL(4, 1)": st.integers(-9999, 9999).map(lambda unscaled: Decimal(unscaled).scaleb(-1)),
    "DECIMAL(9, 3)": st.integers(-99999, 99999).map(lambda unscaled: Decimal(unscaled).scaleb(-3)),
    "VARCHAR(2)": st.text("ab", max_size=2),
    "STRING": st.text("ab1", max_size=20),
    "BOOLEAN": st.booleans(),
}
WIDER = {
    "TINYINT": ["INT", "BIGINT", "DOUBLE", "STRING", "DECIMAL(9, 3)"],
    "INT": ["TINYINT", "BIGINT", "TINYINT", "DOUBLE", "STRING", "DECIMAL(4, 1)"],
    "BIGINT": ["INT", "STRING"],
    "DECIMAL(4, 1)": ["DECIMAL(9, 3)", "DOUBLE", "STRING", "INT"],
    "DECIMAL(9, 3)": ["DECIMAL(4, 1)", "STRING"],
    "VARCHAR(2)": ["STRING"],
    "BOOLEAN": ["INT", "STRING", "DECIMAL(4, 1)"],
}
NAMES = ["a", "b", "c", "d"]
BITS = {"TINYINT": 8, "INT": 32, "BIGINT": 64}


_numbers = itertools.count()


@contextmanager
def memory_warehouse():
    """A warehouse in memory, for the length of one example."""
    folder = f"/evolution-laws-{next(_numbers)}"
    try:
        yield ls.connect(f"memory:/{folder}")
    finally:
        fsspec.filesystem("memory").rm(folder, recursive=True)


def read_as(value, written, wanted):
    """What a value written as one type reads as under another."""
    if value is None or written == wanted:
        return value
    if wanted in BITS:
        half = 1 << BITS[wanted] - 1
        return (int(value) + half) % (2 * half) - half
    if wanted == "STRING":
        return str(value).lower() if written == "BOOLEAN" else str(value)
    if wanted == "DOUBLE":
        return float(value)
    digits, scale = (4, 1) if wanted == "DECIMAL(4, 1)" else (9, 3)
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-scale), rounding="ROUND_HALF_UP")
    # Adding nothing leaves no zero with a sign, which no decimal of a table has.
    return rounded + 0 if abs(rounded) < Decimal(10) ** (digits - scale) else None


class Model:
    """Columns by id, and rows as (type, value) by field id."""

    def __init__(self, *, keyed):
        self.keyed = keyed
        self.columns = {0: ("k", "INT")}
        self.order = [0]
        self.highest = 0
        self.rows = []

    def shape(self):
        return [(one, *self.columns[one]) for one in self.order]

    def free_names(self):
        return [name for name in NAMES if name not in [column[0] for column in self.columns.values()]]

    def others(self):
        return [one for one in self.order if one != 0]

    def commit(self, rows):
        for row in rows:
            kept = {one: (self.columns[one][1], row[self.columns[one][0]]) for one in self.order}
            if self.keyed:
                self.rows = [old for old in self.rows if old[0][1] != kept[0][1]]
            self.rows = [*self.rows, kept]


def rows_under(shape, rows):
    return canonical(
        {name: read_as(row[one][1], row[one][0], wanted) if one in row else None for one, name, wanted in shape}
        for row in rows
    )


def canonical(rows):
    return sorted(repr(sorted((name, value) for name, value in row.items())) for row in rows)


def change(draw, model):
    """One random change, on the model and as lakestore takes it; None when none fits."""
    others, free = model.others(), model.free_names()
    choice = draw(st.sampled_from(["type", "type", "type", "type", "add", "drop", "rename", "move"]))
    if free and (choice == "add" or not others):
        name, text = draw(st.sampled_from(free)), draw(st.sampled_from(["INT", "DECIMAL(9, 3)", "INT", *VALUES]))
        neighbour = draw(st.sampled_from(model.order))
        model.highest += 1
        model.columns[model.highest] = (name, text)
        model.order.insert(model.order.index(neighbour) + 1, model.highest)
        return ls.add_column(name, text, after=model.columns[neighbour][0])
    if choice == "add":
        return None
    one = draw(st.sampled_from(others))
    name, text = model.columns[one]
    if choice == "drop":
        model.order.remove(one)
        del model.columns[one]
        return ls.drop_column(name)
    if choice == "rename" and free:
        new = draw(st.sampled_from(free))
        model.columns[one] = (new, text)
        return ls.rename_column(name, new)
    if choice == "move" and model.order[0] != one:
        model.order.remove(one)
        model.order.insert(0, one)
        return ls.move_column(name, first=True)
    if choice == "type" and text in WIDER:
        new = draw(st.sampled_from(WIDER[text]))
        model.columns[one] = (name, new)
        return ls.change_type(name, new)
    return None


def some_rows(draw, model):
    columns = {model.columns[one][0]: VALUES[model.columns[one][1]] for one in model.others()}
    one_row = st.fixed_dictionaries(
        {"k": st.integers(0, 5), **{name: st.none() | values for name, values in columns.items()}}
    )
    return draw(st.lists(one_row, min_size=1, max_size=3, unique_by=lambda row: row["k"]))


@st.composite
def predicates(draw, rows, shape):
    _, name, text = draw(st.sampled_from([*shape, *(column for column in shape if column[0] != 0)]))
    present = [row[name] for row in rows if row[name] is not None]
    literal = draw(st.sampled_from(present) if present and draw(st.booleans()) else VALUES[text])
    column = ls.col(name)
    choice = draw(st.sampled_from(["<", ">=", "=", "null", "not null"]))
    if choice == "null":
        return column.is_null(), lambda row: row[name] is None
    if choice == "not null":
        return column.is_not_null(), lambda row: row[name] is not None
    if choice == "<":
        return column < literal, lambda row: row[name] is not None and row[name] < literal
    if choice == ">=":
        return column >= literal, lambda row: row[name] is not None and row[name] >= literal
    return column == literal, lambda row: row[name] == literal


def history(draw, table, model):
    """Random changes and commits; the shape and rows of each snapshot, and the table as it is then."""
    made = {}
    for _ in range(draw(st.integers(3, 5))):
        changes = [one for one in (change(draw, model) for _ in range(draw(st.integers(1, 3)))) if one is not None]
        if changes:
            try:
                table = table.alter(*changes)
            except ls.InvalidInputError as error:
                # A chain of types whose ends have no cast: the change is refused as a whole, and the story ends.
                assert "readers cast straight from there" in error.message
                return made, None
        rows = some_rows(draw, model)
        snapshot = table.insert(rows).snapshot_ids[-1]
        model.commit(rows)
        made[snapshot] = (model.shape(), list(model.rows))
    return made, table


@settings(max_examples=50, deadline=None)
@given(st.data(), st.booleans())
def test_every_snapshot_reads_under_its_own_schema_and_the_latest(data, keyed):
    with memory_warehouse() as lake:
        table = lake.create_table("t", schema={"k": "INT"}, **({"primary_key": ["k"]} if keyed else {}))
        model = Model(keyed=keyed)
        made, table = history(data.draw, table, model)
        if table is None:
            return
        latest = model.shape()
        for number, (shape, rows) in made.items():
            pinned = table.at(snapshot=number)
            assert pinned.schema.names == [name for _, name, _ in shape]
            assert canonical(pinned.scan().to_pylist()) == rows_under(shape, rows)
            under_latest = Scan(table._context, snapshot=pinned.snapshot)
            assert canonical(under_latest.to_pylist()) == rows_under(latest, rows)
        everything = table.scan().to_pylist()
        for _ in range(8):
            where, holds = data.draw(predicates(everything, latest))
            assert canonical(table.scan(where).to_pylist()) == canonical(filter(holds, everything))
        assert table.check(deep=True).ok
