"""Tag files: what Java wrote is read, and what is written is what Java would write."""

import json
from pathlib import Path

import pytest

from lakestore.errors import CorruptTableError
from lakestore.format.snapshot_file import snapshot_from_json, snapshot_to_json
from lakestore.format.tag_file import tag_from_json, tag_to_json
from lakestore.model.tag import Tag

TAGS = Path(__file__).parents[1] / "golden" / "tables" / "tags" / "golden.db" / "t" / "tag"
DAY_MS = 86_400_000


def golden(name):
    return (TAGS / f"tag-{name}").read_bytes()


def snapshot():
    return tag_from_json(golden("v1"), "tag-v1", name="v1").snapshot


def tail(tag):
    """What a tag file says after its snapshot's last key."""
    return tag_to_json(tag).decode().partition('"changelogRecordCount" : 0')[2]


def test_a_tag_of_java_with_a_retention():
    tag = tag_from_json(golden("kept-for-a-day"), "path", name="kept-for-a-day")
    assert (tag.snapshot.id, tag.time_retained_ms) == (4, DAY_MS)
    assert tag.create_time_ms == 1795240208178  # 2026-11-21 05:50:08.178 by the maker's clock, which was at UTC.
    assert tail(tag) == (
        ',\n  "tagCreateTime" : [ 2026, 11, 21, 5, 50, 8, 178000000 ],\n  "tagTimeRetained" : 86400.000000000\n}'
    )


def test_a_tag_without_a_retention_is_a_snapshot_and_nothing_else():
    tag = tag_from_json(golden("v 2.0"), "path", name="v 2.0")
    assert (tag.create_time_ms, tag.time_retained_ms) == (None, None)
    assert tag_to_json(tag) == snapshot_to_json(tag.snapshot)
    assert snapshot_from_json(golden("v 2.0"), "path") == tag.snapshot


@pytest.mark.parametrize(
    ("milliseconds", "parts"),
    [
        (0, "[ 1970, 1, 1, 0, 0 ]"),
        (60_000, "[ 1970, 1, 1, 0, 1 ]"),
        (5_000, "[ 1970, 1, 1, 0, 0, 5 ]"),
        (5, "[ 1970, 1, 1, 0, 0, 0, 5000000 ]"),
        (1795240208178, "[ 2026, 11, 21, 5, 50, 8, 178000000 ]"),
    ],
)
def test_parts_of_the_time_that_are_zero_are_left_out_from_behind(milliseconds, parts):
    tag = Tag("t", snapshot(), milliseconds, DAY_MS)
    assert f'"tagCreateTime" : {parts},' in tag_to_json(tag).decode()
    assert tag_from_json(tag_to_json(tag), "path", name="t") == tag


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0.0"), (5, "0.005000000"), (86_400_005, "86400.005000000"), (1, "0.001000000")],
)
def test_retention_in_seconds(milliseconds, text):
    tag = Tag("t", snapshot(), 1, milliseconds)
    assert f'"tagTimeRetained" : {text}\n' in tag_to_json(tag).decode()
    assert tag_from_json(tag_to_json(tag), "path", name="t").time_retained_ms == milliseconds


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tagCreateTime", "yesterday"),
        ("tagCreateTime", [2026]),
        ("tagCreateTime", [2026, 13, 1, 0, 0]),
        ("tagCreateTime", [2026, 1, 1, 0, "x"]),
        ("tagCreateTime", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("tagTimeRetained", "P1D"),
        ("tagTimeRetained", -1),
        ("tagTimeRetained", True),
    ],
)
def test_nonsense_is_named(key, value):
    node = json.loads(golden("kept-for-a-day")) | {key: value}
    with pytest.raises(CorruptTableError, match=key):
        tag_from_json(json.dumps(node).encode(), "path", name="t")
