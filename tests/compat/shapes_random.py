"""Tables of every merge engine and every function, and random rows for them: what a Java engine is compared on."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from lakestore.format.bitmap64 import write_bitmap64
from tests.compat.rows_nested import Kind, array, mapping, row

Value = object
Maker = Callable[[random.Random], Value]

TYPES: dict[str, Kind] = {
    "id": "INT",
    "g": "INT",
    "h": "BIGINT",
    "i": "INT",
    "n": "BIGINT",
    "d": "DOUBLE",
    "f": "FLOAT",
    "p": "DECIMAL(4, 2)",
    "w": "DECIMAL(30, 5)",
    "t": "STRING",
    "u": "STRING",
    "o": "BOOLEAN",
    "y": "DATE",
    "z": "TIMESTAMP(3)",
    "x": "BYTES",
    "e": "DOUBLE",
    "r": "FLOAT",
    "s": "SMALLINT",
    "c": "CHAR(3)",
    "l": "TIMESTAMP(6) WITH LOCAL TIME ZONE",
    "q": "TIME(3)",
    "arr": array("INT"),
    "rows": array(row(k="INT", l="STRING", v="STRING", s="INT")),
    "apart": array(row(k="INT", l="STRING", v="STRING", s="INT")),
    "map": mapping("STRING", "INT"),
    "timed": mapping("STRING", row(v="INT", at="STRING")),
    "b32": "BYTES",
    "b64": "BYTES",
}
"""Types by column name: each option set takes the columns it needs."""


def _nested(rng: random.Random, key: int | None = None) -> dict[str, Value]:
    return {
        "k": rng.choice([1, 2, 3]) if key is None else key,
        "l": rng.choice(["a", "b"]),
        "v": rng.choice([None, "", "p", "q"]),
        "s": rng.choice([None, 1, 2, 3]),
    }


def _bitmap64(rng: random.Random) -> bytes:
    highs = rng.sample([0, 1, 2, 255, 256, 1 << 32, 1 << 47], 3)
    return write_bitmap64({high: np.array(sorted(rng.sample(range(0, 70, 7), 4)), np.uint16) for high in highs})


MAKERS: Mapping[str, Maker] = {
    "g": lambda rng: rng.randint(0, 4),
    "h": lambda rng: rng.randint(-1, 2),
    "i": lambda rng: rng.choice([-3, -2, -1, 1, 2, 5]),
    "n": lambda rng: rng.choice([-7, -2, 1, 3, 10**6]),
    "d": lambda rng: rng.choice([-0.75, 0.1, 0.25, 1e-3, 3.3]),
    "f": lambda rng: rng.choice([-0.5, 0.1, 1.5]),
    "p": lambda rng: rng.choice(["-31.25", "2.50", "0.40", "60.00"]),
    "w": lambda rng: rng.choice(["-1.00000", "12345678901234567890.12345", "0.00500", "2.00000"]),
    "t": lambda rng: rng.choice(["", "a", "b", "a;b", "c a", "Ω", " "]),
    "u": lambda rng: rng.choice(["a", "b", "a;b", "b,a", "c a", "Ω"]),
    "o": lambda rng: rng.random() < 0.5,
    "y": lambda rng: rng.choice(["1969-12-31", "2024-02-29", "2024-03-01"]),
    "z": lambda rng: rng.choice(["1969-12-31 23:59:59.999", "2024-02-29 00:00:00.001", "2024-02-29 00:00:00.000"]),
    "x": lambda rng: rng.choice(["", "00", "7f", "80ff", "ff"]),
    "e": lambda rng: rng.choice(["NaN", "-0.0", "0.0", "Infinity", "-Infinity", "1e+300", "5e-324"]),
    "r": lambda rng: rng.choice(["NaN", "-0.0", "0.0", "Infinity", "-Infinity", "3e+38"]),
    "s": lambda rng: rng.choice([-3, -1, 1, 2]),
    "c": lambda rng: rng.choice(["a", "ab", "abc", "é"]),
    "l": lambda rng: rng.choice(["1969-12-31 23:59:59.999999Z", "2024-03-31 01:30:00.000001Z"]),
    "q": lambda rng: rng.choice(["00:00:00.000", "12:34:56.789", "23:59:59.999"]),
    "arr": lambda rng: [rng.choice([None, 1, 2, 3]) for _ in range(rng.randint(0, 3))],
    "rows": lambda rng: [_nested(rng) for _ in range(rng.randint(0, 3))],
    "apart": lambda rng: [_nested(rng, key) for key in rng.sample([1, 2, 3], rng.randint(0, 3))],
    "map": lambda rng: [[key, rng.choice([None, 1, 2])] for key in rng.sample("abcd", rng.randint(0, 3))],
    "timed": lambda rng: [
        [key, rng.choice([None, {"v": rng.randint(0, 9), "at": rng.choice([None, "2024", "2025", "1999"])}])]
        for key in rng.sample("abc", rng.randint(0, 3))
    ],
    "b32": lambda rng: BitMap(rng.sample(range(0, 200_000, 7), 5)).serialize().hex(),
    "b64": lambda rng: _bitmap64(rng).hex(),
}


def _text(value: Value) -> Value:
    if isinstance(value, list):
        return [_text(each) for each in value]
    if isinstance(value, dict):
        return {name: _text(each) for name, each in value.items()}
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or isinstance(value, str) else str(value)


@dataclass(frozen=True)
class RandomShape:
    """One option set.

    Attributes:
        options: The engine and its options.
        columns: Names of the columns besides the key, of ``TYPES``.
        kinds: Row kinds that may come, each as often as it is named.
        unordered: Array columns whose elements Java hands out in no order that it promises.
        nulls: Share of values that are null.
        once: Whether a key comes no more than once in a commit.
    """

    options: Mapping[str, str]
    columns: str
    kinds: str = "+I +I +I +U -U -D"
    unordered: frozenset[str] = frozenset()
    nulls: float = 0.25
    once: bool = False

    @property
    def types(self) -> dict[str, Kind]:
        """The columns' types, the key first."""
        return {name: TYPES[name] for name in ("id", *self.columns.split())}

    def drawn(self, rng: random.Random, keys: int) -> tuple[str, dict[str, Value]]:
        """A kind and a canonical row."""
        found: dict[str, Value] = {"id": str(rng.randrange(keys))}
        for name in self.columns.split():
            found[name] = None if rng.random() < self.nulls else _text(MAKERS[name](rng))
        return rng.choice(self.kinds.split()), found


def functions(**named: str) -> dict[str, str]:
    """Options that give columns their functions; ``listagg; distinct=true`` sets more of a column."""
    options = {}
    for name, text in named.items():
        function, *more = (part.strip() for part in text.split(" / "))
        options[f"fields.{name}.aggregate-function"] = function
        for part in more:
            key, _, value = part.partition("=")
            options[f"fields.{name}.{key}"] = value
    return options


AGGREGATION = {"merge-engine": "aggregation"}
PARTIAL = {"merge-engine": "partial-update"}
DESCENDING = {"sequence.field.sort-order": "descending"}
TWO_GROUPS = {**PARTIAL, "fields.g.sequence-group": "i,t,u,arr", "fields.h.sequence-group": "n,d"}
KEEP = "ignore-retract=true"
ADDS = "+I +I +U"
TAKEN_BACK = functions(i="sum", n="sum", d="sum", p="sum", w="sum", f="sum")
EXTREMES = functions(i="max", n="min", d="max", p="min", t="max", y="min", z="max", x="min", w="max")
NESTED_KEY = "nested_update / nested-key=k,l"

RANDOM_SHAPES = {
    "deduplicate": RandomShape({}, "g i t"),
    "deduplicate_sequence": RandomShape({"sequence.field": "g,h"}, "g h i"),
    "deduplicate_descending": RandomShape({"sequence.field": "g,h", **DESCENDING}, "g h i"),
    "deduplicate_descending_once": RandomShape({"sequence.field": "g,h", **DESCENDING}, "g h i", once=True),
    "deduplicate_ignores": RandomShape({"ignore-delete": "true", "sequence.field": "h"}, "h i"),
    "deduplicate_before": RandomShape({"ignore-update-before": "true"}, "i t"),
    "first_row": RandomShape({"merge-engine": "first-row"}, "i t", kinds=ADDS),
    "first_row_ignores": RandomShape({"merge-engine": "first-row", "ignore-delete": "true"}, "i t"),
    "partial": RandomShape(PARTIAL, "i n t arr map", kinds=ADDS),
    "partial_sequence": RandomShape({**PARTIAL, "sequence.field": "g,h"}, "g h i t", kinds=ADDS),
    "partial_descending": RandomShape({**PARTIAL, "sequence.field": "h", **DESCENDING}, "h i t", kinds=ADDS, once=True),
    "partial_ignores": RandomShape({**PARTIAL, "ignore-delete": "true"}, "i n t"),
    "partial_removes": RandomShape({**PARTIAL, "partial-update.remove-record-on-delete": "true"}, "i n t"),
    "partial_removes_sequence": RandomShape(
        {**PARTIAL, "partial-update.remove-record-on-delete": "true", "sequence.field": "g"}, "g i t"
    ),
    "groups": RandomShape(TWO_GROUPS, "g h i t u arr n d x", kinds=ADDS),
    "groups_retract": RandomShape(TWO_GROUPS, "g h i t u arr n d x"),
    "groups_ignore": RandomShape({**TWO_GROUPS, "ignore-delete": "true"}, "g h i t u arr n d x"),
    "groups_remove": RandomShape(
        {**TWO_GROUPS, "partial-update.remove-record-on-sequence-group": "h"}, "g h i t u arr n d x"
    ),
    "groups_remove_both": RandomShape(
        {**TWO_GROUPS, "partial-update.remove-record-on-sequence-group": "g,h", **functions(n="sum")},
        "g h i t u arr n d x",
    ),
    "groups_of_two": RandomShape(
        {**PARTIAL, "fields.g,h.sequence-group": "i,n,u", **functions(n="sum", u=f"listagg / {KEEP}")}, "g h i n u d"
    ),
    "groups_aggregate": RandomShape(
        {
            **TWO_GROUPS,
            **functions(i=f"max / {KEEP}", n="sum", d="last_value", t=f"first_value / {KEEP}", arr="collect"),
        },
        "g h i t u arr n d x",
    ),
    "groups_firsts": RandomShape(
        {
            **TWO_GROUPS,
            **functions(
                i=f"first_non_null_value / {KEEP}",
                n="last_non_null_value",
                d="product",
                u=f"listagg / distinct=true / {KEEP}",
                arr="collect",
            ),
        },
        "g h i t u arr n d x",
    ),
    "groups_sequence": RandomShape({**TWO_GROUPS, "sequence.field": "x"}, "g h i t u arr n d x"),
    "groups_aggregate_remove": RandomShape(
        {
            **TWO_GROUPS,
            **functions(i=f"max / {KEEP}", n="sum", d="last_non_null_value", arr="collect"),
            "partial-update.remove-record-on-sequence-group": "g",
        },
        "g h i t u arr n d x",
    ),
    "groups_late_maps": RandomShape(
        {
            **PARTIAL,
            "fields.g.sequence-group": "map,timed,u,o,p",
            **functions(map="merge_map", timed=f"merge_map_with_keytime / {KEEP}", u=f"listagg / {KEEP}"),
            **functions(o=f"bool_or / {KEEP}", p="product"),
        },
        "g map timed u o p",
        kinds=ADDS,
    ),
    "groups_default": RandomShape(
        {**PARTIAL, "fields.g.sequence-group": "i,n,t", "fields.default-aggregate-function": "last_non_null_value"},
        "g i n t x",
    ),
    "groups_nested": RandomShape(
        {
            **PARTIAL,
            "fields.g.sequence-group": "apart,map,timed",
            **functions(apart=NESTED_KEY, map="merge_map", timed=f"merge_map_with_keytime / {KEEP}"),
        },
        "g apart map timed",
        unordered=frozenset({"rows", "apart"}),
    ),
    "sums": RandomShape({**AGGREGATION, **TAKEN_BACK}, "i n d p w f"),
    "sums_sequence": RandomShape({**AGGREGATION, **TAKEN_BACK, "sequence.field": "g"}, "g i n d p w f t"),
    "sums_remove": RandomShape(
        {**AGGREGATION, **TAKEN_BACK, "aggregation.remove-record-on-delete": "true"}, "i n d p w f t"
    ),
    "sums_ignore": RandomShape(
        {**AGGREGATION, **functions(i="sum", n="max", t="first_value"), "ignore-delete": "true"}, "i n t"
    ),
    "products": RandomShape({**AGGREGATION, **functions(i="product", d="product", f="product")}, "i d f"),
    "decimal_products": RandomShape({**AGGREGATION, **functions(p="product", w="product")}, "p w", kinds=ADDS),
    "extremes": RandomShape({**AGGREGATION, **EXTREMES}, "i n d p t y z x w", kinds=ADDS),
    "extremes_keep": RandomShape(
        {**AGGREGATION, **functions(i=f"max / {KEEP}", t=f"min / {KEEP}", o=f"bool_and / {KEEP}")}, "i t o"
    ),
    "extremes_odd": RandomShape(
        {**AGGREGATION, **functions(e="max", r="min", s="max", c="min", l="max", q="min")}, "e r s c l q", kinds=ADDS
    ),
    "extremes_other_way": RandomShape(
        {**AGGREGATION, **functions(e="min", r="max", s="min", c="max", l="min", q="max", x="max", t="min")},
        "e r s c l q x t",
        kinds=ADDS,
    ),
    "sums_odd": RandomShape({**AGGREGATION, **functions(e="sum", r="sum", s="sum")}, "e r s"),
    "products_odd": RandomShape({**AGGREGATION, **functions(e="product", r="product")}, "e r"),
    "sequence_of_floats": RandomShape({"sequence.field": "d,f"}, "d f i", nulls=0.1),
    "sequence_of_odd_floats": RandomShape({"sequence.field": "e,r"}, "e r i", nulls=0.1),
    "sequence_of_texts": RandomShape({"sequence.field": "t,x,c"}, "t x c i"),
    "sequence_of_times": RandomShape({"sequence.field": "l,q,w,o"}, "l q w o i"),
    "groups_by_odd": RandomShape(
        {
            **PARTIAL,
            "fields.d.sequence-group": "i",
            "fields.w,t.sequence-group": "n",
            "fields.l,o.sequence-group": "s",
            "fields.c.sequence-group": "g",
        },
        "d w t l o c i n s g",
    ),
    "flags": RandomShape({**AGGREGATION, **functions(o="bool_or")}, "o", kinds=ADDS),
    "flags_and": RandomShape({**AGGREGATION, **functions(o="bool_and")}, "o", kinds=ADDS),
    "lasts": RandomShape(
        {**AGGREGATION, **functions(i="last_value", t="last_non_null_value", arr="last_value")}, "i t arr"
    ),
    "firsts": RandomShape(
        {**AGGREGATION, **functions(i="first_value", t="first_non_null_value", n="first_not_null_value")},
        "i t n",
        kinds=ADDS,
    ),
    "firsts_keep": RandomShape(
        {
            **AGGREGATION,
            **functions(i=f"first_value / {KEEP}", t=f"first_non_null_value / {KEEP}"),
            "sequence.field": "g",
        },
        "g i t",
    ),
    "listagg": RandomShape(
        {**AGGREGATION, **functions(u=f"listagg / list-agg-delimiter=; / distinct=true / {KEEP}")}, "u i"
    ),
    "listagg_plain": RandomShape({**AGGREGATION, **functions(u="listagg")}, "u", kinds=ADDS),
    "listagg_blank": RandomShape({**AGGREGATION, **functions(t="listagg / distinct=true")}, "t", kinds=ADDS),
    "collect": RandomShape({**AGGREGATION, **functions(arr="collect")}, "arr"),
    "collect_rows": RandomShape({**AGGREGATION, **functions(rows="collect")}, "rows", kinds=ADDS),
    "collect_rows_retracted": RandomShape({**AGGREGATION, **functions(rows="collect")}, "rows"),
    "collect_distinct": RandomShape(
        {**AGGREGATION, **functions(arr="collect / distinct=true", rows="collect / distinct=true")},
        "arr rows",
        unordered=frozenset({"arr", "rows"}),
    ),
    "maps": RandomShape(
        {**AGGREGATION, **functions(map="merge_map", timed=f"merge_map_with_keytime / {KEEP}")}, "map timed"
    ),
    "nested": RandomShape({**AGGREGATION, **functions(rows="nested_update")}, "rows"),
    "nested_limit": RandomShape({**AGGREGATION, **functions(rows="nested_update / count-limit=3")}, "rows"),
    "nested_key_apart": RandomShape(
        {**AGGREGATION, **functions(apart="nested_update / nested-key=k")}, "apart", unordered=frozenset({"apart"})
    ),
    "nested_keys_apart": RandomShape(
        {**AGGREGATION, **functions(apart="nested_update / nested-key=k,l")}, "apart", unordered=frozenset({"apart"})
    ),
    "nested_partial_apart": RandomShape(
        {**AGGREGATION, **functions(apart="nested_partial_update / nested-key=k")},
        "apart",
        kinds=ADDS,
        unordered=frozenset({"apart"}),
    ),
    "flags_max": RandomShape({**AGGREGATION, **functions(o="max")}, "o", kinds=ADDS),
    "nested_key": RandomShape(
        {**AGGREGATION, **functions(rows=NESTED_KEY)}, "rows", unordered=frozenset({"rows", "apart"})
    ),
    "nested_key_sequence": RandomShape(
        {**AGGREGATION, **functions(rows=f"{NESTED_KEY} / nested-sequence-field=s")},
        "rows",
        kinds=ADDS,
        unordered=frozenset({"rows", "apart"}),
    ),
    "nested_key_limit": RandomShape(
        {**AGGREGATION, **functions(rows="nested_update / nested-key=k / count-limit=2")},
        "rows",
        kinds=ADDS,
        unordered=frozenset({"rows", "apart"}),
    ),
    "nested_partial": RandomShape(
        {**AGGREGATION, **functions(rows="nested_partial_update / nested-key=k")},
        "rows",
        kinds=ADDS,
        unordered=frozenset({"rows", "apart"}),
    ),
    "bitmaps": RandomShape({**AGGREGATION, **functions(b32=f"rbm32 / {KEEP}", b64=f"rbm64 / {KEEP}")}, "b32 b64"),
    "default": RandomShape({**AGGREGATION, "fields.default-aggregate-function": "last_value"}, "i t rows"),
    "sums_lookup": RandomShape(
        {
            **AGGREGATION,
            **functions(i="sum", n="sum"),
            "changelog-producer": "lookup",
            "sequence.field": "g",
        },
        "g i n p",
    ),
    "groups_lookup": RandomShape(
        {**TWO_GROUPS, **functions(n="sum"), "changelog-producer": "lookup"}, "g h i t u arr n d"
    ),
}
"""Every option set by name."""
