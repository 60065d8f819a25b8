"""Which manifests a commit rewrites."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.core.pack_manifests import EARLY_BYTES, may_hold, minor_batches, must_rewrite, wants_full_merge
from lakestore.model.manifest import ManifestMeta
from lakestore.model.options import CommitOptions
from lakestore.model.stats import ColumnStats

OPTIONS = CommitOptions(
    manifest_target_bytes=10,
    manifest_merge_min_count=3,
    manifest_merge_early=0,
    manifest_full_compaction_bytes=20,
)


def metas(*sizes, deleted=0):
    return [
        ManifestMeta(
            name=f"m{index}",
            size=size,
            added_files=1,
            deleted_files=deleted,
            partition_stats=ColumnStats(),
            schema_id=0,
        )
        for index, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ((), []),
        ((1,), [[1]]),
        ((10,), [[10]]),
        ((12, 12), [[12], [12]]),
        ((4, 4), [[4], [4]]),
        ((4, 4, 1), [[4, 4, 1]]),
        ((4, 6), [[4, 6]]),
        ((4, 6, 1, 1), [[4, 6], [1], [1]]),
        ((4, 6, 1, 1, 1), [[4, 6], [1, 1, 1]]),
        ((1, 12, 12), [[1, 12], [12]]),
    ],
)
def test_neighbours_are_joined_up_to_the_target_and_the_tail_waits_until_it_is_many(sizes, batches):
    assert [[meta.size for meta in batch] for batch in minor_batches(metas(*sizes), OPTIONS)] == batches


@given(st.lists(st.integers(1, 15), max_size=20))
def test_batches_are_the_list_in_order(sizes):
    assert [meta for batch in minor_batches(metas(*sizes), OPTIONS) for meta in batch] == metas(*sizes)


@pytest.mark.parametrize(
    ("sizes", "deleted", "full"),
    [((5, 5, 5), 0, False), ((5, 5, 5, 5), 0, True), ((30, 30), 0, False), ((30,), 1, True), ((9, 30), 0, False)],
)
def test_a_full_merge_waits_until_small_or_deleting_manifests_are_large_together(sizes, deleted, full):
    assert wants_full_merge(metas(*sizes, deleted=deleted), OPTIONS) is full


def test_who_asks_to_be_rewritten():
    small, exact = metas(9, 10)
    (deleting,) = metas(99, deleted=1)
    assert [must_rewrite(meta, OPTIONS) for meta in (small, exact, deleting)] == [True, False, True]


@pytest.mark.parametrize(
    ("value", "low", "high", "nulls", "expected"),
    [
        (("b",), ("a",), ("c",), (0,), True),
        (("a",), ("a",), ("a",), (0,), True),
        (("d",), ("a",), ("c",), (0,), False),
        (("A",), ("a",), ("c",), (0,), False),
        ((5, "x"), (1, "a"), (9, "b"), (0, 0), False),
        ((5, "x"), (1, "a"), (9, "z"), (0, 0), True),
        ((None,), (1,), (2,), (0,), False),
        ((None,), (1,), (2,), (3,), True),
        ((None,), (1,), (2,), (None,), True),
        ((None,), (1,), (2,), None, True),
        ((7,), (None,), (None,), (3,), True),
        ((Decimal("1.10"),), (Decimal("1.1"),), (Decimal(2),), (0,), True),
        ((float("nan"),), (1.0,), (2.0,), (0,), True),
        ((9.0,), (1.0,), (float("nan"),), (0,), True),
        ((9.0,), (1.0,), (2.0,), (0,), False),
        ((1,), (), (), (), True),
    ],
)
def test_whether_a_manifest_may_hold_a_partition(value, low, high, nulls, expected):
    assert may_hold(value, low, high, nulls) is expected


def counted(*entries):
    return [replace(meta, added_files=count) for meta, count in zip(metas(*[1] * len(entries)), entries, strict=True)]


@pytest.mark.parametrize(
    ("entries", "batches"),
    [
        ((100, 1, 1), [[100], [1], [1]]),
        ((100, 1, 1, 1), [[100], [1, 1, 1]]),
        ((100, 30, 1, 1, 1), [[100, 30, 1, 1, 1]]),
        ((100, 20, 1, 1, 1), [[100], [20], [1, 1, 1]]),
        ((11, 1, 1, 1), [[11, 1, 1, 1]]),
    ],
)
def test_a_manifest_that_outweighs_all_after_it_is_left_alone(entries, batches):
    options = replace(OPTIONS, manifest_target_bytes=1000)
    found = [[meta.added_files for meta in batch] for batch in minor_batches(counted(*entries), options)]
    assert found == batches


@pytest.mark.parametrize("least", [2, 3, 30])
def test_many_commits_write_each_entry_a_few_times_and_leave_few_manifests(least):
    options = replace(OPTIONS, manifest_target_bytes=10**9, manifest_merge_min_count=least)
    held, written, most = [], 0, 0
    for _ in range(5000):
        held.append(1)
        after = []
        for batch in minor_batches(counted(*held), options):
            after.append(sum(meta.added_files for meta in batch))
            written += after[-1] if len(batch) > 1 else 0
        held = after
        most = max(most, len(held))
    assert sum(held) == 5000
    assert most <= least + 8
    assert written / 5000 < 30


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ((1,) * 4, 4),
        ((1,) * 5, 1),
        ((EARLY_BYTES // 5,) * 5, 1),
        ((EARLY_BYTES // 5 + 1,) * 5, 5),
        ((EARLY_BYTES // 5 + 1,) * 30, 1),
    ],
)
def test_a_few_tiny_manifests_are_joined_early(sizes, batches):
    options = CommitOptions(manifest_merge_min_count=30, manifest_merge_early=5)
    assert len(minor_batches(metas(*sizes), options)) == batches
    never = replace(options, manifest_merge_early=0)
    assert len(minor_batches(metas(*sizes), never)) == (1 if len(sizes) == 30 else len(sizes))
