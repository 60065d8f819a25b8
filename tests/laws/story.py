"""Stories: a table's random life of schema changes and commits, and what it must hold, kept by field id in Python."""

import itertools
import random
from dataclasses import dataclass, replace

import pyarrow as pa

import lakestore as ls
from lakestore.model.changes import (
    AddColumn,
    ChangeType,
    DropColumn,
    MoveColumn,
    Place,
    RenameColumn,
    SetComment,
    SetDefault,
    SetNullable,
    Where,
)
from lakestore.model.types import Field, TypeRoot
from tests.laws.story_questions import Questions
from tests.laws.story_values import (
    BITS,
    FAR,
    MEMBERS,
    SCALARS,
    WIDER,
    column,
    exact,
    kind_of,
    scalar_text,
    some_type,
    some_value,
    under,
)

FORMATS = ["parquet", "orc", "avro"]
KEY = 0
PARTS = ["p", "q=1/%", "", None]
LOSSY = {
    "SMALLINT": ["TINYINT"],
    "INT": ["SMALLINT", "DECIMAL(5, 2)"],
    "BIGINT": ["INT"],
    "DECIMAL(5, 2)": ["INT"],
    "BOOLEAN": ["INT"],
}
"""Casts after which another cast tells whether a compaction rewrote the old files in between."""
DEFAULTS = {
    "INT": "7",
    "BIGINT": "-7",
    "STRING": "none",
    "BOOLEAN": "true",
    "DECIMAL(5, 2)": "1.5",
    "DATE": "1970-01-02",
}


@dataclass(frozen=True)
class Moment:
    """A snapshot: the columns it was made under, and the rows that it holds, each as (columns, values by id)."""

    fields: tuple
    rows: tuple


class Story(Questions):
    """One table's life.

    Args:
        seed: What everything hangs on.
        lake: Where the table is made.
        steps: Rounds of changes and a commit.
    """

    def __init__(self, seed, lake, *, steps=4):
        self.dice = random.Random(seed)
        self.ids = itertools.count(2)
        self.keyed = self.dice.random() < 0.6
        self.mixed = self.dice.random() < 0.5
        self.compacts = self.keyed and self.dice.random() < 0.5
        self.parted = not self.keyed and self.dice.random() < 0.5
        self.domain = SCALARS if self.mixed else {**SCALARS, **FAR}
        self.fields = (Field(id=KEY, name="k", type=kind_of("INT").with_nullable(nullable=not self.keyed)),)
        options = {"file.format": self.dice.choice(FORMATS)} if self.mixed else {}
        more = {"primary_key": ["k"]} if self.keyed else {}
        schema = {"k": "INT"}
        if self.parted:
            self.fields += (Field(id=1, name="p", type=kind_of("STRING")),)
            schema["p"] = "STRING"
            more = {"partition_by": ["p"]}
        if not self.compacts:
            options["write-only"] = "true"
        if self.keyed:
            options["bucket"] = self.dice.choice([1, 2])
        if self.dice.random() < 0.3:
            options["metadata.stats-mode"] = self.dice.choice(["none", "full", "counts", "truncate(1)"])
        self.table = lake.create_table("t", schema=schema, options=options, **more)
        self.rows = ()
        self.serial = itertools.count()
        self.moments = {}
        self.cast = set()
        for _ in range(self.dice.randint(1, 3)):
            self._change(self._add())
        for _ in range(steps):
            self._round()

    # ---- changes

    def _round(self):
        for _ in range(self.dice.randrange(4)):
            self._change(self.dice.choice(self._verbs())())
        if self.mixed and self.dice.random() < 0.4:
            self.table = self.table.alter(ls.set_option("file.format", self.dice.choice(FORMATS)))
        self._commit()
        if self.compacts and self.dice.random() < 0.4:
            self._compact()

    def _verbs(self):
        return [self._add, self._drop, self._rename, self._move, *[self._widen] * 4, self._loosen, self._extra]

    def _change(self, change):
        """Apply a change, a pair of the record and the columns after it; None for no change."""
        if change is None:
            return
        record, fields = change
        try:
            self.table = self.table.alter(record)
        except ls.InvalidInputError as error:
            assert "readers cast straight from there" in error.message, (record, error)
            return
        self.fields = fields

    def _rows_of(self, fields=None, path=()):
        """Every ROW, the table itself first: its path and members."""
        fields = self.fields if fields is None else fields
        yield path, fields
        for one in fields:
            yield from self._inside(one.type, (*path, one.name))

    def _inside(self, kind, path):
        if kind.root is TypeRoot.ROW:
            yield from self._rows_of(kind.fields, path)
        elif kind.root is TypeRoot.ARRAY:
            yield from self._inside(kind.element, (*path, "element"))
        elif kind.root is TypeRoot.MAP:
            yield from self._inside(kind.value, (*path, "value"))

    def _place_to_be(self):
        return self.dice.choice(list(self._rows_of()))

    def _movable(self, path, members):
        return [one for one in members if path or one.id > 1]

    def _add(self):
        path, members = self._place_to_be()
        free = [name for name in [*MEMBERS, "f", "g"] if name not in [one.name for one in members]]
        if not free:
            return None
        texts, depth = (
            (list(WIDER), 0) if self.dice.random() < 0.4 else (list(self.domain), self.dice.choice([0, 1, 2]))
        )
        kind = some_type(self.dice, texts, self.ids, depth).with_nullable(True)
        new = Field(id=next(self.ids), name=self.dice.choice(free), type=kind)
        place, at = self._place(members)
        record = AddColumn(path=(*path, new.name), type=kind, place=place)
        return record, self._with(path, (*members[:at], new, *members[at:]))

    def _place(self, members):
        match self.dice.randrange(4):
            case 0:
                return Place(where=Where.FIRST), 0
            case 1:
                return Place(where=Where.LAST), len(members)
            case 2:
                at = self.dice.randrange(len(members))
                return Place(where=Where.AFTER, neighbour=members[at].name), at + 1
        at = self.dice.randrange(len(members))
        return Place(where=Where.BEFORE, neighbour=members[at].name), at

    def _drop(self):
        path, members = self._place_to_be()
        able = self._movable(path, members)
        if len(members) < 2 or not able:
            return None
        gone = self.dice.choice(able)
        return DropColumn(path=(*path, gone.name)), self._with(path, tuple(one for one in members if one is not gone))

    def _rename(self):
        path, members = self._place_to_be()
        able = [one for one in members if path or one.id != 1]
        free = [name for name in [*MEMBERS, "f", "key"] if name not in [one.name for one in members]]
        if not free:
            return None
        old, name = self.dice.choice(able), self.dice.choice(free)
        new = tuple(replace(one, name=name) if one is old else one for one in members)
        return RenameColumn(path=(*path, old.name), name=name), self._with(path, new)

    def _move(self):
        path, members = self._place_to_be()
        one = self.dice.choice(members)
        rest = tuple(other for other in members if other is not one)
        if not rest:
            return None
        place, at = self._place(rest)
        return MoveColumn(path=(*path, one.name), place=place), self._with(path, (*rest[:at], one, *rest[at:]))

    def _parts(self):
        """Every column, member, element and map value: path and type; keys stay as they are."""
        stack = [((one.name,), one.type) for one in self.fields if one.id > 1]
        while stack:
            path, kind = stack.pop()
            yield path, kind
            if kind.root is TypeRoot.ARRAY:
                stack.append(((*path, "element"), kind.element))
            elif kind.root is TypeRoot.MAP:
                stack.append(((*path, "value"), kind.value))
            elif kind.root is TypeRoot.ROW:
                stack += [((*path, one.name), one.type) for one in kind.fields]

    def _widen(self):
        able = [(path, kind) for path, kind in self._parts() if scalar_text(kind) in WIDER and kind.nullable]
        if not able:
            return None
        path, kind = self.dice.choice(able)
        wider = [
            text
            for text in WIDER[scalar_text(kind)]
            if not self.compacts or text not in LOSSY.get(scalar_text(kind), ())
        ]
        if not wider:
            return None
        new = kind_of(self.dice.choice(wider))
        top = next(one for one in self.fields if one.name == path[0])
        if len(path) == 1 and top.default_value is not None:
            return None
        self.cast.add(path[-1])
        return ChangeType(path=path, type=new), self._retyped(path, new)

    def _loosen(self):
        able = [(path, kind) for path, kind in self._parts() if not kind.nullable]
        if not able:
            return None
        path, kind = self.dice.choice(able)
        return SetNullable(path=path, nullable=True), self._retyped(path, kind.with_nullable(True))

    def _extra(self):
        """A comment, or a default of a column."""
        able = [one for one in self.fields if scalar_text(one.type) in DEFAULTS and one.id > 1]
        if not able or self.dice.random() < 0.3:
            return SetComment(path=(self.fields[-1].name,), comment="ünï"), self.fields
        one = self.dice.choice(able)
        text = None if one.default_value else DEFAULTS[scalar_text(one.type)]
        fields = tuple(replace(each, default_value=text) if each is one else each for each in self.fields)
        return SetDefault(path=(one.name,), default=text), fields

    def _with(self, path, members, fields=None):
        """The columns with other members in the ROW at the path."""
        fields = self.fields if fields is None else fields
        if not path:
            return tuple(members)
        return tuple(
            replace(one, type=self._with_inside(one.type, path[1:], members)) if one.name == path[0] else one
            for one in fields
        )

    def _with_inside(self, kind, path, members):
        if kind.root is TypeRoot.ARRAY:
            return replace(kind, element=self._with_inside(kind.element, path[1:], members))
        if kind.root is TypeRoot.MAP:
            return replace(kind, value=self._with_inside(kind.value, path[1:], members))
        return replace(kind, fields=self._with(path, members, kind.fields))

    def _retyped(self, path, new):
        return tuple(
            replace(one, type=self._retyped_inside(one.type, path[1:], new)) if one.name == path[0] else one
            for one in self.fields
        )

    def _retyped_inside(self, kind, path, new):
        if not path:
            return new.with_nullable(kind.nullable or new.nullable)
        if kind.root is TypeRoot.ARRAY:
            return replace(kind, element=self._retyped_inside(kind.element, path[1:], new))
        if kind.root is TypeRoot.MAP:
            return replace(kind, value=self._retyped_inside(kind.value, path[1:], new))
        members = tuple(
            replace(one, type=self._retyped_inside(one.type, path[1:], new)) if one.name == path[0] else one
            for one in kind.fields
        )
        return replace(kind, fields=members)

    # ---- commits

    def _commit(self):
        if self.keyed and self.rows and self.dice.random() < 0.2:
            gone = {values[KEY] for _, values in self.rows if self.dice.random() < 0.4}
            name = next(one.name for one in self.fields if one.id == KEY)
            result = self.table.delete(pa.table({name: pa.array(sorted(gone), pa.int32())})) if gone else None
            self.rows = tuple(row for row in self.rows if row[1][KEY] not in gone)
        else:
            result = self._insert()
        if result is not None:
            self.moments[result.snapshot_ids[-1]] = Moment(self.fields, self.rows)

    def _insert(self):
        rows = [self._row() for _ in range(self.dice.randint(1, self.dice.choice([1, 2, 6])))]
        if self.keyed:
            rows = list({values[KEY]: values for values in rows}.values())
        given = [one for one in self.fields if one.id <= 1 or self.dice.random() < 0.9]
        arrays = [column([values[one.id] for values in rows], one.type) for one in given]
        result = self.table.insert(pa.table(arrays, names=[one.name for one in given]))
        missing = {one.id for one in self.fields} - {one.id for one in given}
        kept = [{name: None if name in missing else value for name, value in row.items()} for row in rows]
        kept = [{one.id: self._filled(one, row[one.id]) for one in self.fields} for row in kept]
        if self.keyed:
            fresh = {row[KEY] for row in kept}
            self.rows = tuple(row for row in self.rows if row[1][KEY] not in fresh)
        self.rows += tuple((self.fields, row) for row in kept)
        return result

    def _row(self):
        values = {one.id: some_value(self.dice, one.type, self.domain) for one in self.fields}
        values[KEY] = self.dice.randrange(12) if self.keyed else next(self.serial)
        if self.parted:
            values[1] = self.dice.choice(PARTS)
        return values

    def _filled(self, one, value):
        if value is not None or one.default_value is None:
            return value
        text = one.default_value
        if one.type.root is TypeRoot.BOOLEAN:
            return text == "true"
        if one.type.root is TypeRoot.DECIMAL:
            return exact(150, 2)
        if one.type.root is TypeRoot.DATE:
            return 1
        return int(text) if one.type.root in BITS else text

    def _compact(self):
        """Rows stay; whether files of old schemas were rewritten cannot be told, since casts here lose nothing."""
        before = self.table.snapshots.latest()
        self.table.compact(full=True)
        after = self.table.snapshots.latest()
        if after is not None and before is not None and after.id != before.id:
            self.moments[after.id] = Moment(self.fields, self.rows)

    # ---- what must be read

    def expected(self, fields, rows):
        """The rows under those columns, by key."""
        found = []
        for own, values in rows:
            before = {one.id: one.type for one in own}
            found.append(
                {
                    one.id: under(values[one.id], before[one.id], one.type) if one.id in before else None
                    for one in fields
                }
            )
        return sorted(found, key=lambda row: row[KEY])
