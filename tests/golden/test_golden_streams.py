"""The changes of tables that other engines wrote stream as those engines said.

``changelog.jsonl`` beside a table holds what the streaming read of the engine that wrote it gave, from the snapshot
that ``about.json`` names: snapshot, row kind and row. Per snapshot the same changes must come, those of one key in the
same order.
"""

from collections import defaultdict
from pathlib import Path

import pytest

import lakestore as ls
from tests.golden import canon
from tests.golden.test_golden_reads import NAMES, OUT_OF_SCOPE, TABLES, about

NOT_STREAMED = {name: why for name, why in OUT_OF_SCOPE.items() if "deletion" not in why or name == "dv_pk"}
"""Tables whose files this release cannot read. Deletion vectors do not matter to changes."""

STREAMED = [name for name in NAMES if "changelog" in about(name) and name not in NOT_STREAMED]


def streamed(name, **arguments):
    """What we stream, as lines of the recorded form."""
    table = ls.open_table(TABLES / name / "golden.db" / "t")
    kinds = canon.newest_shape(Path(table.path)).kinds
    lines = []
    with table.stream(until="latest", **arguments) as stream:
        for change in stream:
            rows = canon.rows_of(change.batch.drop_columns("_row_kind"), kinds)
            kind = change.batch.column("_row_kind").to_pylist()
            lines += [
                {"snapshot": change.snapshot_id, "kind": k, "row": row} for k, row in zip(kind, rows, strict=True)
            ]
            change.ack()
    return lines


def grouped(lines, keys, unordered):
    """Changes by snapshot and key, in order."""
    groups = defaultdict(list)
    for each in lines:
        row = canon.normal(each["row"], unordered)
        key = canon.line({name: row[name] for name in keys}) if keys else None
        groups[each["snapshot"], key].append(canon.line([each["kind"], row]))
    return dict(groups) if keys else {group: sorted(rows) for group, rows in groups.items()}


def test_most_tables_are_streamed():
    assert len(STREAMED) >= 30
    assert {"changelog_input", "changelog_lookup", "changelog_full", "updates_kinds", "overwrite"} <= set(STREAMED)


@pytest.mark.parametrize("name", STREAMED)
def test_stream(name):
    known = about(name)
    expected = canon.read_lines(TABLES / name / known["changelog"]["file"])
    actual = streamed(name, start=known["changelog"]["from_snapshot"])
    keys, unordered = known["primaryKeys"], known["unordered_columns"]
    assert grouped(actual, keys, unordered) == grouped(expected, keys, unordered)


def folded(lines, keys):
    """The state that the changes come to: the last row of each key, unless it is taken back."""
    state = {}
    for each in lines:
        key = canon.line({name: each["row"][name] for name in keys})
        if each["kind"] in {"+I", "+U"}:
            state[key] = each["row"]
        else:
            state.pop(key, None)
    return list(state.values())


STILL_TO_COME = "not yet in changelog"
"""Value of the row of ``changelog_full`` that waits for the next full compaction to be told."""


@pytest.mark.parametrize("name", ["changelog_input", "changelog_lookup", "changelog_full", "updates_kinds"])
@pytest.mark.parametrize("start", ["latest-full", "earliest", "compacted-full", "from-snapshot-full=2"])
def test_state_and_changes_come_to_the_table(name, start):
    state = folded(streamed(name, start=start), about(name)["primaryKeys"])
    expected = [row for row in canon.read_lines(TABLES / name / "expected.jsonl") if row["v"] != STILL_TO_COME]
    assert canon.difference(expected, state) is None
