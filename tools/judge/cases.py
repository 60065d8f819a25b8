"""What the judges are asked about: every table shape of ``tests/compat``, and what must be in it at each stage.

A case is made by LakeStore, written on by an engine, then by LakeStore again. Its rows come from plain Python.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import lakestore as ls
from tests.compat.judged import Judged
from tests.compat.shape import Shape, Step, commit
from tests.compat.shapes import SHAPES
from tests.compat.shapes_engines import ENGINE_SHAPES
from tests.golden import canon
from tools.judge.engines import PEERS, Engine

Rows = list[canon.Row]


class NoWordsError(Exception):
    """The engine has no words for what it is asked; the message says which."""


class Case(Protocol):
    """One table in one engine's hands."""

    table: Path

    def expected(self) -> Rows | None:
        """The rows that everybody must read now, None when they show only once the table is compacted."""

    def compacted(self) -> None:
        """The table was compacted whole."""

    def engine_writes(self, engine: Engine) -> None:
        """The engine commits."""

    def we_write(self) -> None:
        """LakeStore commits."""


class PlainCase:
    """A table of ``shapes.py``."""

    def __init__(self, shape: Shape, name: str, warehouse: Path) -> None:
        self.shape = shape
        table = shape.create(warehouse, name)
        self.table = Path(table.path)
        self.steps: list[Step] = []
        self.we_write()

    def expected(self) -> Rows | None:
        """What a dict makes of the steps."""
        return self.shape.after(self.steps)

    def compacted(self) -> None:
        """Nothing changes."""

    def engine_writes(self, engine: Engine) -> None:
        """The steps on top; deletes only by engines that have them."""
        for what, rows in self.shape.on_top:
            if what == "delete" and engine.name in PEERS:
                continue
            kind = "-D" if what == "delete" else "+I"
            engine.write(self.table, [{"kind": kind, "row": self.shape.full(row)} for row in rows])
            self.steps.append((what, rows))

    def we_write(self) -> None:
        """The steps of the beginning, again."""
        opened = ls.open_table(self.table)
        for step in self.shape.steps:
            commit(opened, step)
            self.steps.append(step)


class MergedCase:
    """A table of ``shapes_engines.py``."""

    def __init__(self, name: str, warehouse: Path) -> None:
        self.judged = Judged(name, warehouse)
        self.table = Path(self.judged.table.path)
        self.hidden = self.judged.shape.hidden
        self.fresh = True
        for each in self.judged.shape.commits:
            self.judged.write(each, self.judged.table)

    def expected(self) -> Rows | None:
        """What the model makes of the rows."""
        rows: Rows = self.judged.rows
        return None if self.hidden and self.fresh else rows

    def compacted(self) -> None:
        """Each key is one version from here on."""
        self.judged.model.compact()
        self.fresh = False

    def engine_writes(self, engine: Engine) -> None:
        """The commits on top, by engines that can say their row kinds."""
        commits = self.judged.shape.on_top
        kinds = {kind for each in commits for kind, _ in each}
        if kinds != {"+I"} and not engine.name.startswith("java"):
            raise NoWordsError(f"{family(engine.name)} writes no rows of the kinds {' '.join(sorted(kinds - {'+I'}))}")
        for each in commits:
            self.judged.judge_writes(each, self.table, engine)
        self.fresh = True

    def we_write(self) -> None:
        """The commits on top, again."""
        opened = ls.open_table(self.table)
        for each in self.judged.shape.on_top:
            self.judged.write(each, opened)
        self.fresh = True


def family(engine: str) -> str:
    """An engine's name without its version."""
    return engine.partition("-")[0]


def open_case(name: str, warehouse: Path) -> Case:
    """Make a case by its name."""
    return PlainCase(SHAPES[name], name, warehouse) if name in SHAPES else MergedCase(name, warehouse)


CASES = [*SHAPES, *ENGINE_SHAPES]
"""The names of all of them."""


# ---- what engines do beside reading and writing


@dataclass(frozen=True)
class Verb:
    """Something that is asked of an engine once, on a table of its own.

    Attributes:
        what: For the heading of its row.
        families: The engines that can be asked.
        judge: Asks; returns what went wrong, or None.
    """

    what: str
    families: Sequence[str]
    judge: Callable[[Engine, Path], str | None]


def _timeline(folder: Path) -> ls.Table:
    table = ls.connect(folder).create_table(
        "judged.verbs", schema={"id": "INT NOT NULL", "v": "STRING"}, primary_key=["id"], options={"bucket": 2}
    )
    for number in range(3):
        table.upsert([{"id": each, "v": f"at {number}"} for each in range(number, number + 4)])
    table.delete([{"id": 2}])
    return table


def _ours(table: ls.Table, **at: Any) -> Rows:
    return canon.rows_of((table.at(**at) if at else table).to_arrow(), canon.newest_shape(Path(table.path)).kinds)


def _snapshots(engine: Engine, folder: Path) -> str | None:
    table = _timeline(folder)
    found = (
        canon.difference(_ours(table, snapshot=n), engine.read(Path(table.path), snapshot=n)) for n in (1, 2, 3, 4)
    )
    return next(filter(None, found), None)


def _moments(engine: Engine, folder: Path) -> str | None:
    table = _timeline(folder)
    moment = table.snapshots.get(2).time_millis
    return canon.difference(_ours(table, snapshot=2), engine.read(Path(table.path), timestamp=moment))


def _tags(engine: Engine, folder: Path) -> str | None:
    table = _timeline(folder)
    table.tags.create("kept", snapshot=2)
    return canon.difference(_ours(table, snapshot=2), engine.read(Path(table.path), tag="kept"))


def _their_tags(engine: Engine, folder: Path) -> str | None:
    table = _timeline(folder)
    engine.ask("tag", Path(table.path), name="theirs", snapshot=3)
    return canon.difference(_ours(table, snapshot=3), _ours(table, tag="theirs"))


def _branches(engine: Engine, folder: Path) -> str | None:
    table = _timeline(folder)
    table.tags.create("start", snapshot=2)
    table.branches.create("side", tag="start")
    return canon.difference(_ours(table, snapshot=2), engine.read(Path(table.path), branch="side"))


def _merges(engine: Engine, folder: Path) -> str | None:
    table = _timeline(folder)
    lines = folder / "rows.jsonl"
    new, gone = {"id": "50", "v": "new"}, {"id": "1", "v": None}
    canon.write_lines(lines, [new, {"id": "3", "v": "changed"}, {"kind": "-D", "row": gone}])
    expected = {row["id"]: row for row in _ours(table)} | {"50": new, "3": {"id": "3", "v": "changed"}}
    expected.pop("1")
    engine.ask("merge", Path(table.path), rows=str(lines))
    return canon.difference(list(expected.values()), _ours(table))


def _evolved(engine: Engine, folder: Path) -> str | None:
    table = _timeline(folder)
    table = table.alter(ls.add_column("n", "INT"), ls.rename_column("v", "text"))
    table.upsert([{"id": 70, "text": "after", "n": 7}])
    return canon.difference(_ours(table), engine.read(Path(table.path)))


def _fold(changes: Rows, rows: dict[str, canon.Row]) -> None:
    for each in changes:
        if each["kind"] in {"+I", "+U"}:
            rows[each["row"]["id"]] = each["row"]
        elif each["kind"] == "-D":
            rows.pop(each["row"]["id"], None)


def _follows(engine: Engine, folder: Path) -> str | None:
    table = _timeline(folder)
    path, rows = Path(table.path), dict[str, canon.Row]()
    options = {"scan.mode": "from-snapshot", "scan.snapshot-id": "1"}
    if family(engine.name) == "java":
        _fold(engine.ask("stream", path, options=options), rows)
        return canon.difference(_ours(table), list(rows.values()))
    hints = ", ".join(f"'{name}' = '{value}'" for name, value in options.items())
    soon = "'continuous.discovery-interval' = '100ms'"
    engine.ask("start", path, job="verb", statement=f"SELECT * FROM {{t}} /*+ OPTIONS({hints}, {soon}) */")
    until = time.monotonic() + 60
    wrong: str | None = "nothing came"
    while wrong and time.monotonic() < until:
        time.sleep(0.3)
        _fold(engine.ask("taken", path, job="verb"), rows)
        wrong = canon.difference(_ours(table), list(rows.values()))
    engine.ask("stop", path, job="verb")
    return wrong


JVM = ("java", "spark", "flink")
VERBS = (
    Verb("reads a snapshot by number", (*JVM, "pypaimon", "rust"), _snapshots),
    Verb("reads as of a time", (*JVM, "pypaimon", "rust"), _moments),
    Verb("reads our tags", (*JVM, "pypaimon", "rust"), _tags),
    Verb("reads our branches", (*JVM, "pypaimon", "rust"), _branches),
    Verb("reads across a changed schema", (*JVM, "pypaimon", "rust"), _evolved),
    Verb("follows our changes as a stream", ("java", "flink"), _follows),
    Verb("makes tags that we read", ("spark", "flink"), _their_tags),
    Verb("MERGE INTO", ("spark",), _merges),
)
"""All of them."""
