"""Damaged, newer and hostile metadata: a clear error that names the file, and a check that finds it."""

import json
from dataclasses import replace

import pytest

import lakestore as ls
from lakestore.errors import ErrorKind
from lakestore.format.manifest_file import read_manifest, write_manifest
from lakestore.meta.cache import SHARED_CACHE


@pytest.fixture
def table(tmp_path):
    made = ls.connect(tmp_path).create_table("db.t", schema={"id": "INT", "n": "INT"}, primary_key=["id"])
    made.upsert([{"id": 1, "n": 1}])
    made.upsert([{"id": 2, "n": 2}])
    forget()
    return made


def forget():
    SHARED_CACHE.entries.clear()
    SHARED_CACHE.lists.clear()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "db.db" / "t"


def some(folder, pattern):
    return min(folder.glob(pattern))


@pytest.mark.parametrize("pattern", ["manifest/manifest-list-*", "manifest/manifest-[!l]*", "bucket-0/*.parquet"])
@pytest.mark.parametrize("keep", [0, 1, 0.5, -1])
def test_truncated(table, folder, pattern, keep):
    path = some(folder, pattern)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if keep == 0.5 else keep])
    report = table.check(deep=True)
    assert not report.ok
    assert any(path.name in f"{finding.path} {finding.message}" for finding in report.findings)
    try:
        rows = ls.open_table(table.path).to_arrow()
    except ls.CorruptTableError as error:
        assert path.name in str(error)
    else:
        # A list that the latest snapshot does not name.
        assert rows.num_rows == 2


@pytest.mark.parametrize("pattern", ["manifest/manifest-[!l]*", "bucket-0/*.parquet"])
def test_missing(table, folder, pattern):
    path = some(folder, pattern)
    path.unlink()
    with pytest.raises((ls.NotFoundError, ls.CorruptTableError), match=path.name):
        ls.open_table(table.path).to_arrow()
    assert not table.check().ok


@pytest.mark.parametrize("hint", ["", "7", "0", "-1", "x", "1\n", "99999999999999999999", "1"])
def test_hints_are_hints(table, folder, hint):
    (folder / "snapshot" / "LATEST").write_text(hint)
    assert ls.open_table(table.path).count() == 2
    ls.open_table(table.path).upsert([{"id": 3, "n": 3}])
    assert ls.open_table(table.path).count() == 3


def test_schema_of_a_newer_version(table, folder):
    path = folder / "schema" / "schema-0"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))
    with pytest.raises(ls.UnsupportedFormatError, match="99") as caught:
        ls.open_table(table.path)
    assert caught.value.kind is ErrorKind.UNSUPPORTED_VERSION


def test_snapshot_of_a_newer_version(table, folder):
    path = folder / "snapshot" / "snapshot-2"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))
    with pytest.raises(ls.UnsupportedFormatError, match="99"):
        ls.open_table(table.path).to_arrow()


@pytest.mark.parametrize("name", ["../../../../outside.parquet", "/etc/passwd", "s3://b/x.parquet", "a\\..\\b.parquet"])
def test_a_manifest_that_leads_outside(table, folder, name):
    for path in folder.glob("manifest/manifest-[!l]*"):
        entries = read_manifest(path.read_bytes(), str(path))
        hostile = [replace_name(entry, name) for entry in entries]
        path.write_bytes(write_manifest(hostile, "zstd"))
    with pytest.raises(ls.LakestoreError) as caught:
        ls.open_table(table.path).to_arrow()
    assert caught.value.kind in {ErrorKind.PATH_ESCAPE, ErrorKind.CORRUPT}
    assert not table.check(deep=True).ok


def replace_name(entry, name):
    return replace(entry, file=replace(entry.file, name=name))


def test_a_damaged_file_counts_in_every_snapshot_that_holds_it(table, folder):
    first = table.at(snapshot=1).scan().plan().splits[0].files[0].name
    path = folder / "bucket-0" / first
    path.write_bytes(path.read_bytes()[:-1])
    assert table.check().newest_whole_snapshot is None
    table.overwrite([{"id": 3, "n": 3}])
    assert table.check().newest_whole_snapshot == 3
