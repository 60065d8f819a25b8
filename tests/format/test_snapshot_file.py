"""Snapshot files against those of Java, pypaimon and paimon-rust, and against damage."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.errors import CorruptTableError, ErrorKind, UnsupportedFormatError
from lakestore.format.snapshot_file import snapshot_from_json, snapshot_to_json
from lakestore.model.snapshot import CommitKind, Snapshot
from tests.entries import TABLES, golden_files

GOLDEN = golden_files("snapshot", "snapshot-") + golden_files("tag", "tag-")
NOT_KEPT = {"logOffsets", "tagCreateTime", "tagTimeRetained"}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: str(path.relative_to(TABLES)))
def test_golden_snapshots_survive(path):
    data = path.read_bytes()
    snapshot = snapshot_from_json(data, str(path))
    written = snapshot_to_json(snapshot)
    assert snapshot_from_json(written, "again") == snapshot
    kept = {key: value for key, value in json.loads(data).items() if key not in NOT_KEPT and value is not None}
    assert json.loads(written) == kept


FULL = Snapshot(
    version=3,
    uuid="u",
    id=7,
    schema_id=1,
    base_manifest_list="b",
    base_manifest_list_size=10,
    delta_manifest_list="d",
    delta_manifest_list_size=11,
    changelog_manifest_list="c",
    changelog_manifest_list_size=12,
    index_manifest="i",
    commit_user="me",
    writer_version="w",
    commit_identifier=9223372036854775807,
    commit_kind=CommitKind.OVERWRITE,
    time_millis=1,
    total_record_count=5,
    delta_record_count=-2,
    changelog_record_count=0,
    watermark=-1,
    statistics="s",
    properties={"k": "v"},
    next_row_id=0,
    operation="WRITE",
)


def test_the_text_is_javas():
    """Key order and spacing of Paimon's own writer."""
    assert snapshot_to_json(FULL).decode() == (
        "{\n"
        '  "version" : 3,\n'
        '  "uuid" : "u",\n'
        '  "id" : 7,\n'
        '  "schemaId" : 1,\n'
        '  "baseManifestList" : "b",\n'
        '  "baseManifestListSize" : 10,\n'
        '  "deltaManifestList" : "d",\n'
        '  "deltaManifestListSize" : 11,\n'
        '  "changelogManifestList" : "c",\n'
        '  "changelogManifestListSize" : 12,\n'
        '  "indexManifest" : "i",\n'
        '  "commitUser" : "me",\n'
        '  "writerVersion" : "w",\n'
        '  "commitIdentifier" : 9223372036854775807,\n'
        '  "commitKind" : "OVERWRITE",\n'
        '  "timeMillis" : 1,\n'
        '  "totalRecordCount" : 5,\n'
        '  "deltaRecordCount" : -2,\n'
        '  "changelogRecordCount" : 0,\n'
        '  "watermark" : -1,\n'
        '  "statistics" : "s",\n'
        '  "properties" : {\n'
        '    "k" : "v"\n'
        "  },\n"
        '  "nextRowId" : 0,\n'
        '  "operation" : "WRITE"\n'
        "}"
    )


def test_every_attribute_is_stored():
    """A field added to the record but not to the file would be lost at the first commit."""
    again = snapshot_from_json(snapshot_to_json(FULL), "p")
    for field in fields(Snapshot):
        assert getattr(again, field.name) == getattr(FULL, field.name) is not None, field.name


optional = [field.name for field in fields(Snapshot) if field.default is None]


@given(st.sets(st.sampled_from(optional)))
def test_what_is_none_is_left_out_and_null_reads_as_none(missing):
    snapshot = replace(FULL, **dict.fromkeys(missing))
    data = snapshot_to_json(snapshot)
    assert b"null" not in data
    assert snapshot_from_json(data, "p") == snapshot
    node = json.loads(data)
    nulls = {key: None for key in json.loads(snapshot_to_json(FULL)) if key not in node}
    assert snapshot_from_json(json.dumps({**node, **nulls, "unknown": [1]}).encode(), "p") == snapshot


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", ...),
        ("id", "7"),
        ("schemaId", None),
        ("baseManifestList", ...),
        ("deltaManifestList", 3),
        ("commitUser", ...),
        ("commitIdentifier", "7"),
        ("commitKind", "MERGE"),
        ("timeMillis", 1.5),
        ("totalRecordCount", 1 << 63),
        ("properties", {"k": 1}),
    ],
)
def test_a_wrong_field_is_named_with_the_file(key, value):
    node = {**json.loads(snapshot_to_json(FULL)), key: value}
    if value is ...:
        del node[key]
    with pytest.raises(CorruptTableError, match=rf"^/t/snapshot/snapshot-7: field '{key}"):
        snapshot_from_json(json.dumps(node).encode(), "/t/snapshot/snapshot-7")


def test_a_newer_version_is_refused_with_both_versions():
    data = snapshot_to_json(FULL).replace(b'"version" : 3', b'"version" : 4')
    with pytest.raises(UnsupportedFormatError, match=r"^p: snapshot version 4 .* up to version 3") as caught:
        snapshot_from_json(data, "p")
    assert caught.value.kind is ErrorKind.UNSUPPORTED_VERSION


def test_every_cut_is_damage():
    data = snapshot_to_json(FULL)
    for size in range(len(data)):
        with pytest.raises(CorruptTableError):
            snapshot_from_json(data[:size], "p")
