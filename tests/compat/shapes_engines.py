"""Tables of every merge engine for the judges: what LakeStore commits, and what a Java engine and it commit on top."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

KINDS = ("+I", "-U", "+U", "-D")
Commit = Sequence[tuple[str, Mapping[str, object]]]
"""Rows with their kinds; a column that is not named is null."""

NUMBERS = {"id": "INT", "g": "INT", "h": "BIGINT", "a": "INT", "b": "STRING", "c": "BIGINT", "d": "DOUBLE"}


@dataclass(frozen=True)
class EngineShape:
    """One table.

    Attributes:
        options: The engine and its options.
        commits: What LakeStore commits.
        on_top: What the Java engine, and then LakeStore, commit to it.
        columns: Types by column name; the key is ``id``.
        hidden: Whether fresh rows show only once they are compacted.
    """

    options: Mapping[str, str]
    commits: Sequence[Commit]
    on_top: Sequence[Commit]
    columns: Mapping[str, str] = field(default_factory=lambda: NUMBERS)
    hidden: bool = False


def rows(kind: str, ids: range, **columns: object) -> list[tuple[str, dict[str, object]]]:
    """Rows of one kind; a column given as a function is asked with the id."""
    return [
        (kind, {"id": each, **{name: make(each) if callable(make) else make for name, make in columns.items()}})
        for each in ids
    ]


def word(prefix: str):
    """Texts that tell where they came from; null for every fifth."""
    return lambda each: None if each % 5 == 4 else f"{prefix}{each}"


WIDENED = [
    rows("+I", range(8), a=lambda each: each, c=7),
    [*rows("+I", range(2, 10), b=word("x")), *rows("+U", range(3), a=100, d=0.5)],
    rows("+I", range(4, 6), a=-1, b="late", c=lambda each: each * 10**12),
]
ADDS = [
    rows("+I", range(8), g=lambda each: each % 3, h=2, a=lambda each: each, b=word("x"), c=1, d=0.25),
    [
        *rows("+I", range(2, 10), g=1, a=50, b="first", c=2, d=1.5),
        *rows("+U", range(2, 5), g=lambda each: each - 2, h=1, b="second", c=3),
        *rows("+I", range(6, 8), h=5, c=4, d=2.0),
    ],
    rows("+I", range(1, 4), g=None, h=3, a=7, b=word("y"), c=10),
]
RETRACTS = [
    *ADDS[:2],
    [
        *rows("-D", range(2), g=2, h=4, a=1, b="gone", c=1, d=0.25),
        *rows("-U", range(2, 4), g=1, h=9, a=50, c=2, d=1.5),
        *rows("+U", range(2, 4), g=1, h=9, a=51, b="after", c=20, d=3.0),
        *rows("-D", range(20, 22), g=1, h=1, a=1, c=5),
    ],
]
GROUPS = {"merge-engine": "partial-update", "fields.g.sequence-group": "a,b", "fields.h.sequence-group": "c,d"}
SUMS = {"fields.c.aggregate-function": "sum", "fields.d.aggregate-function": "sum"}
KEPT = {"fields.a.aggregate-function": "max", "fields.a.ignore-retract": "true"}
MANY = {
    "merge-engine": "aggregation",
    **SUMS,
    **KEPT,
    "fields.b.aggregate-function": "listagg",
    "fields.b.list-agg-delimiter": "; ",
    "fields.b.ignore-retract": "true",
    "fields.g.aggregate-function": "first_non_null_value",
    "fields.g.ignore-retract": "true",
    "fields.h.aggregate-function": "last_value",
}

ENGINE_SHAPES = {
    "partial_update": EngineShape({"merge-engine": "partial-update"}, WIDENED, WIDENED[:1]),
    "partial_ignores_deletes": EngineShape(
        {"merge-engine": "partial-update", "ignore-delete": "true"}, RETRACTS, RETRACTS[2:]
    ),
    "partial_removes": EngineShape(
        {"merge-engine": "partial-update", "partial-update.remove-record-on-delete": "true"},
        [*WIDENED, [*rows("-D", range(3), a=5), *rows("+I", range(1, 2), b="again"), *rows("-D", range(30, 31))]],
        [[*rows("-D", range(3, 4)), *rows("+I", range(2, 4), a=9)]],
    ),
    "sequence_groups": EngineShape(GROUPS, ADDS, ADDS[1:2]),
    "sequence_groups_retracted": EngineShape(GROUPS, RETRACTS, RETRACTS[2:]),
    "sequence_groups_ignore_deletes": EngineShape({**GROUPS, "ignore-delete": "true"}, RETRACTS, RETRACTS[1:2]),
    "sequence_group_of_two": EngineShape(
        {
            "merge-engine": "partial-update",
            "fields.g,h.sequence-group": "a,b,c",
            **KEPT,
            "fields.c.aggregate-function": "sum",
        },
        RETRACTS,
        RETRACTS[2:],
    ),
    "sequence_groups_aggregate": EngineShape({**GROUPS, **SUMS, **KEPT}, RETRACTS, RETRACTS[2:]),
    "sequence_groups_remove": EngineShape(
        {**GROUPS, "partial-update.remove-record-on-sequence-group": "h"}, RETRACTS, RETRACTS[2:]
    ),
    "aggregation": EngineShape(MANY, ADDS, ADDS[:1]),
    "aggregation_retracted": EngineShape(MANY, RETRACTS, RETRACTS[2:]),
    "aggregation_by_sequence": EngineShape(
        {"merge-engine": "aggregation", **SUMS, "sequence.field": "h"}, RETRACTS, ADDS[2:]
    ),
    "aggregation_removes": EngineShape(
        {"merge-engine": "aggregation", **SUMS, "aggregation.remove-record-on-delete": "true"}, RETRACTS, RETRACTS[2:]
    ),
    "aggregation_products": EngineShape(
        {
            "merge-engine": "aggregation",
            "fields.default-aggregate-function": "min",
            "fields.c.aggregate-function": "product",
            "fields.b.aggregate-function": "first_value",
            "fields.a.aggregate-function": "last_non_null_value",
        },
        ADDS,
        ADDS[1:2],
    ),
    "first_row": EngineShape({"merge-engine": "first-row"}, ADDS, ADDS[1:2], hidden=True),
    "first_row_ignores_deletes": EngineShape(
        {"merge-engine": "first-row", "ignore-delete": "true"}, RETRACTS, RETRACTS[1:2], hidden=True
    ),
    "deduplicate_retracted": EngineShape({"ignore-update-before": "true"}, RETRACTS, RETRACTS[2:]),
    "deduplicate_by_two": EngineShape({"sequence.field": "g,h"}, ADDS, RETRACTS[1:2]),
    "deduplicate_descending": EngineShape(
        {"sequence.field": "h", "sequence.field.sort-order": "descending"}, ADDS, ADDS[:1]
    ),
    "input_changelog": EngineShape(
        {"merge-engine": "aggregation", **SUMS, "changelog-producer": "input"}, RETRACTS, ADDS[:1]
    ),
}
"""Every table by name."""
