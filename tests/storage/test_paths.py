"""Every file name, and that no name leads out of its folder."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError
from lakestore.storage.file_names import (
    data_extension,
    file_format,
    file_index_name,
    is_temporary,
    temporary_name,
)
from lakestore.storage.paths import (
    TablePaths,
    WarehousePaths,
    data_file_name,
    database_of_folder,
    index_manifest_name,
    index_name,
    manifest_list_name,
    manifest_name,
    parse_numbered,
    statistics_name,
)

T = TablePaths("/wh/db.db/t")
ESCAPES = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc/passwd",
    "a\\b",
    "..\\x",
    "a\0b",
    "s3://b/k",
    "file:///x",
    "a\nb",
    "x" * 2000,
]


def test_the_tree():
    assert T.schema(0) == "/wh/db.db/t/schema/schema-0"
    assert T.snapshot(12) == "/wh/db.db/t/snapshot/snapshot-12"
    assert T.latest_hint() == "/wh/db.db/t/snapshot/LATEST"
    assert T.earliest_hint() == "/wh/db.db/t/snapshot/EARLIEST"
    assert T.changelog(3) == "/wh/db.db/t/changelog/changelog-3"
    assert T.tag("v1") == "/wh/db.db/t/tag/tag-v1"
    assert T.consumer("dash") == "/wh/db.db/t/consumer/consumer-dash"
    assert T.manifest("manifest-u-0") == "/wh/db.db/t/manifest/manifest-u-0"
    assert T.index("index-u-0") == "/wh/db.db/t/index/index-u-0"
    assert T.statistics("stat-u-0") == "/wh/db.db/t/statistics/stat-u-0"
    assert T.branches_dir() == "/wh/db.db/t/branch"
    assert T.branch_dir("dev") == "/wh/db.db/t/branch/branch-dev"
    assert T.branch_dir("main") == "/wh/db.db/t"


def test_a_branch_has_its_own_metadata_and_the_tables_data():
    dev = T.on_branch("dev")
    head = "/wh/db.db/t/branch/branch-dev"
    assert dev.schema(1) == f"{head}/schema/schema-1"
    assert dev.snapshot(1) == f"{head}/snapshot/snapshot-1"
    assert dev.latest_hint() == f"{head}/snapshot/LATEST"
    assert dev.tag("v") == f"{head}/tag/tag-v"
    assert dev.consumer("c") == f"{head}/consumer/consumer-c"
    assert dev.changelog(1) == f"{head}/changelog/changelog-1"
    assert dev.manifest("m") == T.manifest("m")
    assert dev.index("i") == T.index("i")
    assert dev.statistics("s") == T.statistics("s")
    assert dev.bucket_dir((), 0) == T.bucket_dir((), 0)


def test_buckets():
    assert T.bucket_dir((), 3) == "/wh/db.db/t/bucket-3"
    assert T.bucket_dir(("d=1", "h=2"), -2) == "/wh/db.db/t/d=1/h=2/bucket-postpone"
    assert T.data_file(("d=1",), 0, "data-u-0.parquet") == "/wh/db.db/t/d=1/bucket-0/data-u-0.parquet"
    assert T.bucket_dir(("d=1",), 0, data_directory="data") == "/wh/db.db/t/data/d=1/bucket-0"
    assert T.bucket_dir((), 0, data_directory="a/b/") == "/wh/db.db/t/a/b/bucket-0"
    with pytest.raises(CorruptTableError):
        T.bucket_dir((), -1)


@pytest.mark.parametrize("root", ["/wh/t/", "/wh/t"])
def test_slashes_at_the_end_of_the_root_do_not_matter(root):
    assert TablePaths(root).schema(0) == "/wh/t/schema/schema-0"
    assert TablePaths("/").schema(0) == "/schema/schema-0"
    assert TablePaths("bucket/key").snapshot(1) == "bucket/key/snapshot/snapshot-1"


@pytest.mark.parametrize("name", ESCAPES)
def test_names_read_from_metadata_cannot_escape(name):
    for path in (
        T.manifest,
        T.index,
        T.statistics,
        lambda bad: T.data_file((), 0, bad),
        lambda bad: T.bucket_dir((bad,), 0),
    ):
        with pytest.raises(CorruptTableError) as caught:
            path(name)
        assert caught.value.kind is ErrorKind.PATH_ESCAPE


@pytest.mark.parametrize("name", ESCAPES)
def test_names_given_by_users_cannot_escape(name):
    warehouse = WarehousePaths("/wh")
    for path in (
        T.tag,
        T.consumer,
        T.branch_dir,
        T.on_branch,
        warehouse.database,
        lambda bad: warehouse.table("db", bad),
    ):
        with pytest.raises(InvalidInputError) as caught:
            path(name)
        assert caught.value.kind is ErrorKind.PATH_ESCAPE


@pytest.mark.parametrize("directory", ["/abs", "..", "a/../b", "a//b", "a\\b", "", "/"])
def test_the_data_directory_cannot_escape(directory):
    with pytest.raises(InvalidInputError) as caught:
        T.bucket_dir((), 0, data_directory=directory)
    assert caught.value.kind is ErrorKind.PATH_ESCAPE


@given(st.text(), st.text())
def test_whatever_is_accepted_stays_in_its_folder(name, part):
    for path, directory in (
        (lambda: T.manifest(name), T.manifest_dir()),
        (lambda: T.data_file((part,), 0, name), T.root),
        (lambda: T.tag(name), T.tag_dir()),
        (lambda: T.bucket_dir((), 0, data_directory=name), T.root),
    ):
        try:
            joined = path()
        except (CorruptTableError, InvalidInputError):
            continue
        assert posixpath.normpath(joined) == joined
        assert joined.startswith(directory + "/")


def test_ordinary_unusual_names_are_fine():
    for name in ("data-été.parquet", "a b", "...", "..a", "data--u-x-s-1-w-2-0.avro", "p=..", "100%"):
        assert T.manifest(name).endswith(name)
    assert T.bucket_dir(("p=..",), 0) == "/wh/db.db/t/p=../bucket-0"


def test_negative_ids_have_no_path():
    for path in (T.schema, T.snapshot, T.changelog):
        with pytest.raises(InvalidInputError):
            path(-1)


def test_warehouse():
    warehouse = WarehousePaths("/wh/")
    assert warehouse.database("shop") == "/wh/shop.db"
    assert warehouse.table("shop", "orders") == "/wh/shop.db/orders"
    assert warehouse.table_paths("shop", "orders").schema(0) == "/wh/shop.db/orders/schema/schema-0"
    for bad in ("a.b", "t$snapshots", " t", "t "):
        with pytest.raises(InvalidInputError):
            warehouse.table("shop", bad)


def test_database_of_folder():
    assert database_of_folder("shop.db") == "shop"
    for other in ("shop", ".db", "a.b.db", "..db", "db"):
        assert database_of_folder(other) is None


def test_parse_numbered():
    assert parse_numbered("snapshot-12", "snapshot-") == 12
    assert parse_numbered("schema-0", "schema-") == 0
    assert parse_numbered("snapshot-9223372036854775807", "snapshot-") == 2**63 - 1
    for other in (
        "LATEST",
        "snapshot-",
        "snapshot-1.tmp",
        "snapshot-1a",
        "snapshot-+1",
        "snapshot--1",
        "snapshot-01",
        "snapshot- 1",
        "snapshot-1\n",
        "snapshot-1_0",
        "snapshot-\u0661",
        "snapshot-\u00b2",
        "snapshot-9223372036854775808",
        "snapshot-" + "9" * 5000,
        ".snapshot-1.u.tmp",
        "changelog-1",
    ):
        assert parse_numbered(other, "snapshot-") is None, other


@given(st.integers(0, 2**63 - 1))
def test_numbered_names_come_back(number):
    assert parse_numbered(posixpath.basename(T.snapshot(number)), "snapshot-") == number


def test_new_names():
    assert manifest_name("u", 0) == "manifest-u-0"
    assert manifest_list_name("u", 1) == "manifest-list-u-1"
    assert index_manifest_name("u", 2) == "index-manifest-u-2"
    assert index_name("u", 3) == "index-u-3"
    assert statistics_name("u", 4) == "stat-u-4"
    assert data_file_name("data-", "u", 0, "parquet") == "data-u-0.parquet"
    assert data_file_name("changelog-", "u", 1, "zst.parquet") == "changelog-u-1.zst.parquet"
    assert file_index_name("data-u-0.parquet") == "data-u-0.parquet.index"


def test_data_extension():
    assert data_extension("parquet", compression="zstd") == "parquet"
    assert data_extension("parquet", compression="zstd", with_compression=True) == "zst.parquet"
    assert data_extension("parquet", compression="GZIP", with_compression=True) == "gz.parquet"
    assert data_extension("orc", compression="lzo", with_compression=True) == "lzo.orc"
    assert data_extension("parquet", compression="none", with_compression=True) == "parquet"
    assert data_extension("csv", compression="gzip") == "csv.gz"
    assert data_extension("json") == "json"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data-u-0.parquet", "parquet"),
        ("data-u-0.zst.parquet", "parquet"),
        ("data-u-0.zstd.parquet", "parquet"),
        ("data-u-0.csv.gz", "csv"),
        ("data-u-0.json.ZST", "json"),
        ("data-u-0.orc", "orc"),
        ("data--u-x-s-1-w-y-0.avro", "avro"),
        ("data-u-0.blob", "blob"),
        ("a.gz", None),
        ("data-u-0", None),
        ("data.", None),
        ("", None),
    ],
)
def test_file_format(name, expected):
    if expected is None:
        with pytest.raises(CorruptTableError):
            file_format(name)
    else:
        assert file_format(name) == expected


def test_every_extension_tells_its_format():
    for kind in ("parquet", "orc", "avro", "csv", "json"):
        for compression in ("none", "zstd", "gzip", "snappy", "lz4"):
            for shown in (True, False):
                extension = data_extension(kind, compression=compression, with_compression=shown)
                assert file_format(data_file_name("data-", "u", 0, extension)) == kind


def test_temporary_names():
    name = temporary_name("snapshot-1", "uuid")
    assert name == ".snapshot-1.uuid.tmp"
    assert is_temporary(name)
    assert not is_temporary("snapshot-1")
    assert parse_numbered(name, "snapshot-") is None
