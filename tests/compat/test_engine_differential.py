"""Random rows of every merge engine and function through LakeStore and a Java engine: no row may merge differently.

1. Both take the same commits, each into a copy of its own, and each reads both copies.
2. Each compacts its copy fully; each reads both.
3. Each takes more commits, onto the files that the other compacted; each reads both.
4. The other compacts; each reads both.

At every step there is one answer. Rows that LakeStore refuses at the door are left out: their merge is undefined.
"""

import random
import zlib
from pathlib import Path

import pyarrow as pa
import pytest
from pyroaring import BitMap

import lakestore as ls
from lakestore.format.bitmap64 import read_bitmap64
from tests.compat.shapes_random import RANDOM_SHAPES
from tests.compat.test_judges import NEWER_JAVA, copied, ours, slow_unless
from tests.golden import canon
from tests.laws.table_model import TableModel
from tools.judge.engines import RefusedError

THEIRS = {
    "deduplicate_descending": "Paimon 1.4 sorts upwards within a commit, whatever sequence.field.sort-order says; 2.0"
    " mended it",
    "listagg_blank": "Paimon 1.4 joins blank texts; 2.0 passes over them",
    "sequence_of_odd_floats": "Paimon 1.4 takes -0.0 and 0.0, and NaN and everything, for equal; 2.0 sorts as Java does",
    "flags_max": "Paimon 1.4 fails on max and min of BOOLEAN",
    "collect_rows_retracted": "Paimon 1.4 cannot tell whether ROWs are equal and fails",
    "nested_key": "Paimon 1.4 keeps repeated keys of the first array; 2.0 does not",
    "nested_partial": "Paimon 1.4 keeps repeated keys of the first array; 2.0 does not",
    "nested_key_sequence": "Paimon 1.4 does not know nested-sequence-field",
    "nested_key_limit": "Paimon 1.4 keeps old values of known keys once count-limit is reached; 2.0 mended it",
}
"""Option sets that Java 1.4.2 merges otherwise, with the reason; LakeStore does what Paimon 2.0 does."""

KEYS, COMMITS, ROWS = 40, 4, 90
SEEDS = [1]
SHORT = {"groups_remove_both", "sums_sequence", "nested_keys_apart"}


def bits_32(text):
    return [str(each) for each in BitMap.deserialize(bytes.fromhex(text))]


def bits_64(text):
    return [f"{high}/{low}" for high, lows in read_bitmap64(bytes.fromhex(text)).items() for low in lows.tolist()]


class Pair:
    """The table twice: the copy that LakeStore began, and the one that Java began."""

    def __init__(self, name, folder, judge, seed):
        self.shape = RANDOM_SHAPES[name]
        self.judge = judge
        self.rng = random.Random(zlib.crc32(name.encode()) + seed)
        self.hidden = self.shape.options.get("merge-engine") == "first-row"
        options = {"bucket": "1", "write-only": "true", **self.shape.options}
        made = ls.connect(folder / "ours").create_table(
            "judged.t", schema=self.shape.types, primary_key=["id"], options=options
        )
        self.schema = made.schema
        self.model = TableModel(self.shape.types, self.shape.options)
        first = Path(made.path)
        self.copies = [first, copied(first, folder / "theirs")]

    def rows(self):
        drawn = [self.shape.drawn(self.rng, KEYS) for _ in range(ROWS)]
        kept = [(kind, row) for kind, row in drawn if not self.refused(kind, row)]
        return list({row["id"]: (kind, row) for kind, row in kept}.values()) if self.shape.once else kept

    def refused(self, kind, row):
        return self.model.refused({**row, "kind": ["+I", "-U", "+U", "-D"].index(kind)})

    def commit(self, *, swapped=False):
        """One commit into each copy."""
        rows = self.rows()
        ours_to, theirs_to = reversed(self.copies) if swapped else self.copies
        data = canon.table_of([row for _, row in rows], self.schema)
        ls.open_table(ours_to).write(data, row_kind=[kind for kind, _ in rows])
        self.judge.write(theirs_to, [{"kind": kind, "row": row} for kind, row in rows])

    def compact(self, *, swapped=False):
        ours_to, theirs_to = reversed(self.copies) if swapped else self.copies
        ls.open_table(ours_to).compact(full=True)
        self.judge.compact(theirs_to)

    def plain(self, rows):
        """The rows with the numbers in their bitmaps, which have many serialized forms."""
        sets = {"b32": bits_32, "b64": bits_64}
        return [
            {name: sets[name](each) if each and name in sets else each for name, each in row.items()} for row in rows
        ]

    def agree(self, when):
        """Both engines read both copies alike."""
        expected = self.plain(self.judge.read(self.copies[1]))
        for reader, folder, read in (
            ("LakeStore what Java wrote", self.copies[1], ours),
            ("LakeStore what LakeStore wrote", self.copies[0], ours),
            ("Java what LakeStore wrote", self.copies[0], self.judge.read),
        ):
            found = canon.difference(expected, self.plain(read(folder)), unordered=self.shape.unordered)
            assert found is None, f"{when}, {reader}: {found}"
        return expected


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("java", NEWER_JAVA or ["java-1.4.2"])
@pytest.mark.parametrize("name", slow_unless(SHORT, RANDOM_SHAPES))
def test_random_rows_merge_as_in_java(name, java, seed, engines, tmp_path):
    if name not in THEIRS:
        take_turns(Pair(name, tmp_path, engines(java), seed))
        return
    with pytest.raises((AssertionError, RefusedError)):
        take_turns(Pair(name, tmp_path, engines(java), seed))
    pytest.xfail(THEIRS[name])


def take_turns(pair):
    for number in range(COMMITS):
        pair.commit()
        pair.agree(f"after commit {number + 1}")
    pair.compact()
    assert pair.agree("after both compacted")
    for number in range(COMMITS // 2):
        pair.commit(swapped=True)
        if not pair.hidden:
            pair.agree(f"after commit {number + 1} onto the other's files")
    pair.compact(swapped=True)
    pair.agree("after each compacted the other's")


BETWEEN = [{"id": 1, "g": 1, "a": 10}, {"id": 1, "g": 3, "a": None}, {"id": 1, "g": 2, "a": 20}]
"""The last value in the order of ``g`` that is not null is 20; but the first two merged stand at g = 3 with 10."""


@pytest.mark.parametrize(("cuts", "value"), [([3], "20"), ([2, 1], "10")])
@pytest.mark.parametrize("java", NEWER_JAVA or ["java-1.4.2"])
def test_under_a_sequence_field_the_last_value_depends_on_the_commits(java, cuts, value, engines, tmp_path):
    options = {"bucket": "1", "write-only": "true", "merge-engine": "aggregation", "sequence.field": "g"}
    columns = {"id": "INT", "g": "INT", "a": "INT"}
    made = [
        ls.connect(tmp_path / who).create_table("db.t", schema=columns, primary_key=["id"], options=options)
        for who in ("ours", "theirs")
    ]
    rows = pa.Table.from_pylist(BETWEEN, made[0].schema)
    at = 0
    for count in cuts:
        part = rows.slice(at, count)
        made[0].upsert(part)
        engines(java).write(Path(made[1].path), canon.rows_of(part))
        at += count
    expected = [{"id": "1", "g": "3", "a": value}]
    assert ours(Path(made[0].path)) == ours(Path(made[1].path)) == expected
    assert engines(java).read(Path(made[0].path)) == engines(java).read(Path(made[1].path)) == expected
