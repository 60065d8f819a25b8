"""What a file's path says: only what is known by name can ever be an orphan."""

import pytest

from lakestore.core.orphan_names import Kind, TableLayout, prefixes_of

U = "c4190eab-adb3-419c-a0ef-47c8f1725fe4"
FLAT = TableLayout()
DAILY = TableLayout(partition_keys=("day", "region"), prefixes=prefixes_of([("part-", None)]))
INNER = TableLayout(partition_keys=("day",), directory="data/v1")


@pytest.mark.parametrize(
    ("layout", "path", "kind"),
    [
        (FLAT, f"bucket-0/data-{U}-0.parquet", Kind.CANDIDATE),
        (FLAT, f"bucket-0/changelog-{U}-12.orc", Kind.CANDIDATE),
        (FLAT, f"bucket-0/data-{U}-0.zstd.parquet", Kind.CANDIDATE),
        (FLAT, f"bucket-0/data-{U}-0.parquet.index", Kind.CANDIDATE),
        (FLAT, f"bucket-postpone/data--u-{U}-s-7-w-{U}-0.avro", Kind.CANDIDATE),
        (FLAT, f"bucket-0/index-{U}-0", Kind.CANDIDATE),
        (FLAT, f"bucket-0/.data-{U}-0.parquet.{U}.tmp", Kind.TEMPORARY),
        (FLAT, f"manifest/manifest-{U}-0", Kind.CANDIDATE),
        (FLAT, f"manifest/manifest-list-{U}-3", Kind.CANDIDATE),
        (FLAT, f"manifest/index-manifest-{U}-0", Kind.CANDIDATE),
        (FLAT, f"manifest/index-manifest-{U}", Kind.CANDIDATE),
        (FLAT, f"manifest/.manifest-{U}-0.{U}.tmp", Kind.TEMPORARY),
        (FLAT, f"index/index-{U}-0", Kind.CANDIDATE),
        (FLAT, f"statistics/stat-{U}-0", Kind.CANDIDATE),
        (DAILY, f"day=1/region=a/bucket-3/part-{U}-0.parquet", Kind.CANDIDATE),
        (DAILY, f"day=1/region=a/bucket-3/data-{U}-0.parquet", Kind.CANDIDATE),
        (DAILY, "day=1/region=a/_SUCCESS", Kind.OWN),
        (DAILY, "day=1/_SUCCESS", Kind.OWN),
        (INNER, f"data/v1/day=1/bucket-0/data-{U}-0.parquet", Kind.CANDIDATE),
        (FLAT, "snapshot/snapshot-5", Kind.OWN),
        (FLAT, "snapshot/LATEST", Kind.OWN),
        (FLAT, "changelog/changelog-5", Kind.OWN),
        (FLAT, "changelog/EARLIEST", Kind.OWN),
        (FLAT, "schema/schema-0", Kind.OWN),
        (FLAT, "tag/tag-2026 v1", Kind.OWN),
        (FLAT, "consumer/consumer-x", Kind.OWN),
        (FLAT, "consumer/job-x/owner", Kind.OWN),
        (FLAT, f"consumer/job-x/fact-7-{U}", Kind.OWN),
        (FLAT, f"consumer/job-x/.owner.{U}.tmp", Kind.TEMPORARY),
        (FLAT, "branch/branch-dev/consumer/job-x/owner", Kind.OWN),
        (FLAT, f"consumer/other/data-{U}-0.parquet", Kind.UNKNOWN),
        (FLAT, "branch/branch-dev/snapshot/snapshot-1", Kind.OWN),
        (FLAT, "branch/branch-dev/schema/schema-0", Kind.OWN),
        (FLAT, f"snapshot/.snapshot-5.{U}.tmp", Kind.TEMPORARY),
        (FLAT, f"branch/branch-dev/snapshot/.snapshot-5.{U}.tmp", Kind.TEMPORARY),
        (FLAT, "bucket-0/notes.txt", Kind.UNKNOWN),
        (FLAT, "bucket-0/data-mine.parquet", Kind.UNKNOWN),
        (FLAT, f"bucket-0/{U}-0.parquet", Kind.UNKNOWN),
        (FLAT, f"bucket-0/deep/data-{U}-0.parquet", Kind.UNKNOWN),
        (FLAT, f"bucket-x/data-{U}-0.parquet", Kind.UNKNOWN),
        (FLAT, f"day=1/bucket-0/data-{U}-0.parquet", Kind.UNKNOWN),
        (FLAT, f"data-{U}-0.parquet", Kind.UNKNOWN),
        (FLAT, f"manifest/data-{U}-0.parquet", Kind.UNKNOWN),
        (FLAT, f"manifest/deep/manifest-{U}-0", Kind.UNKNOWN),
        (FLAT, f"snapshot/manifest-{U}-0", Kind.UNKNOWN),
        (FLAT, "snapshot/snapshot-5.bak", Kind.UNKNOWN),
        (FLAT, f"branch/branch-dev/bucket-0/data-{U}-0.parquet", Kind.UNKNOWN),
        (FLAT, "README", Kind.UNKNOWN),
        (FLAT, "_SUCCESS", Kind.UNKNOWN),
        (DAILY, f"day=1/bucket-0/part-{U}-0.parquet", Kind.UNKNOWN),
        (DAILY, f"region=a/day=1/bucket-0/part-{U}-0.parquet", Kind.UNKNOWN),
        (INNER, f"day=1/bucket-0/data-{U}-0.parquet", Kind.UNKNOWN),
    ],
)
def test_kind(layout, path, kind):
    assert layout.kind_of(path) is kind
