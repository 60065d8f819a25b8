"""Where a stream begins: words, and what options say."""

import pytest

from lakestore.core.stream_start import is_full_compaction, parse_start, start_of_options
from lakestore.errors import InvalidInputError, UnsupportedFormatError
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER, CommitKind, Snapshot
from lakestore.model.stream import Position, Shard, Start, StartMode

MILLIS = {"2026-11-20T12:00:00": 5, "2026-11-20 12:00:00": 6}


def snapshot(kind, identifier=BATCH_COMMIT_IDENTIFIER):
    return Snapshot(
        id=1,
        schema_id=0,
        base_manifest_list="b",
        delta_manifest_list="d",
        commit_user="me",
        commit_identifier=identifier,
        commit_kind=kind,
        time_millis=0,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latest-full", Start()),
        (" latest ", Start(mode=StartMode.LATEST)),
        ("compacted-full", Start(mode=StartMode.COMPACTED_FULL)),
        ("earliest", Start(mode=StartMode.EARLIEST)),
        ("from-snapshot=7", Start(mode=StartMode.FROM_SNAPSHOT, snapshot_id=7)),
        ("from-snapshot-full = 7", Start(mode=StartMode.FROM_SNAPSHOT_FULL, snapshot_id=7)),
        ("from-timestamp=2026-11-20T12:00:00", Start(mode=StartMode.FROM_TIMESTAMP, timestamp_ms=5)),
        ("from-tag=v=1", Start(mode=StartMode.FROM_TAG, tag="v=1")),
    ],
)
def test_words(text, expected):
    assert parse_start(text, MILLIS.__getitem__) == expected


@pytest.mark.parametrize(
    "text",
    ["", "newest", "latest=3", "from-snapshot", "from-snapshot=", "from-snapshot=x", "from-snapshot=0", "from-tag="],
)
def test_other_words_are_refused(text):
    with pytest.raises(InvalidInputError, match="expected latest-full, latest"):
        parse_start(text, MILLIS.__getitem__)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Start()),
        ({"scan.mode": "default"}, Start()),
        ({"scan.mode": "Full"}, Start()),
        ({"scan.mode": "latest"}, Start(mode=StartMode.LATEST)),
        ({"scan.mode": "compacted-full"}, Start(mode=StartMode.COMPACTED_FULL)),
        ({"scan.snapshot-id": "4"}, Start(mode=StartMode.FROM_SNAPSHOT, snapshot_id=4)),
        (
            {"scan.mode": "from-snapshot-full", "scan.snapshot-id": "4"},
            Start(mode=StartMode.FROM_SNAPSHOT_FULL, snapshot_id=4),
        ),
        ({"scan.timestamp-millis": "12"}, Start(mode=StartMode.FROM_TIMESTAMP, timestamp_ms=12)),
        ({"scan.timestamp": "2026-11-20 12:00:00"}, Start(mode=StartMode.FROM_TIMESTAMP, timestamp_ms=6)),
        ({"scan.tag-name": "v1"}, Start(mode=StartMode.FROM_TAG, tag="v1")),
    ],
)
def test_options(options, expected):
    assert start_of_options(options, MILLIS.__getitem__) == expected


def test_a_mode_that_lacks_its_value_is_refused():
    with pytest.raises(InvalidInputError, match=r"scan\.timestamp-millis"):
        start_of_options({"scan.mode": "from-timestamp"}, MILLIS.__getitem__)
    with pytest.raises(InvalidInputError, match=r"scan\.snapshot-id"):
        start_of_options({"scan.snapshot-id": "four"}, MILLIS.__getitem__)


def test_a_mode_for_batch_readers_is_refused():
    with pytest.raises(UnsupportedFormatError, match="from-file-creation-time"):
        start_of_options({"scan.mode": "from-file-creation-time"}, MILLIS.__getitem__)


def test_which_compactions_are_full():
    assert is_full_compaction(snapshot(CommitKind.COMPACT, 7), delta_commits=None)
    assert is_full_compaction(snapshot(CommitKind.COMPACT, 6), delta_commits=3)
    assert not is_full_compaction(snapshot(CommitKind.COMPACT, 7), delta_commits=3)
    assert is_full_compaction(snapshot(CommitKind.COMPACT), delta_commits=3)
    assert not is_full_compaction(snapshot(CommitKind.APPEND), delta_commits=None)


# Positions.


@pytest.mark.parametrize(
    "position",
    [
        Position(next_snapshot=7),
        Position(next_snapshot=7, full=True, rows=12, tag="v1", request=99),
        Position(next_snapshot=7, after="manifest-list-x-1"),
    ],
)
def test_a_position_survives_its_text(position):
    assert Position.from_dict(position.to_dict()) == position


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"version": 0},
        {"version": 1},
        {"version": 1, "next_snapshot": "7"},
        {"version": 1, "next_snapshot": 0},
        {"version": 1, "next_snapshot": 7, "rows": True},
        {"version": 1, "next_snapshot": 7, "full": 1},
    ],
)
def test_what_is_no_position_is_refused(told):
    with pytest.raises(InvalidInputError, match="is no position"):
        Position.from_dict(told)


def test_a_newer_position_is_refused():
    with pytest.raises(UnsupportedFormatError, match="upgrade"):
        Position.from_dict({"version": 2, "next_snapshot": 7})


@pytest.mark.parametrize(("index", "number"), [(-1, 2), (2, 2), (0, 0)])
def test_a_shard_is_one_of_several(index, number):
    with pytest.raises(InvalidInputError, match="shard"):
        Shard(index=index, count=number)
