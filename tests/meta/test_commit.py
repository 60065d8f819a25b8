"""What commits make of requests, over the in-memory store."""

from dataclasses import replace

import pytest

from lakestore.core.bind import bind
from lakestore.errors import ConflictError, ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.format.snapshot_file import snapshot_to_json
from lakestore.model.message import CommitRequest, Overwrite
from lakestore.model.predicate import col
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER, CommitKind
from lakestore.model.stats import EMPTY_ROW
from tests.commits import World, a_file, a_partition, append_schema, keyed_schema


def summary(world):
    return [(s.id, str(s.commit_kind), s.total_record_count, s.delta_record_count) for s in world.snapshots()]


def test_first_and_second_append():
    world = World()
    committer = world.committer()
    assert committer.commit(world.append("a", rows=3)).snapshot_ids == (1,)
    assert committer.commit(world.append("b", "c", rows=2)).snapshot_ids == (2,)
    assert summary(world) == [(1, "APPEND", 3, 3), (2, "APPEND", 7, 4)]
    assert world.audit() == ["a", "b", "c"]
    first = world.snapshots()[0]
    assert world.manifests().read_list(first.base_manifest_list) == ()
    assert first.commit_identifier == BATCH_COMMIT_IDENTIFIER
    assert world.store.get(world.paths.latest_hint()) == b"2"
    assert world.store.get(world.paths.earliest_hint()) == b"1"
    assert world.orphans() == []


def test_sizes_of_lists_are_real():
    world = World()
    world.committer().commit(world.append("a"))
    snapshot = world.latest()
    for name, size in (
        (snapshot.base_manifest_list, snapshot.base_manifest_list_size),
        (snapshot.delta_manifest_list, snapshot.delta_manifest_list_size),
    ):
        assert len(world.store.get(world.paths.manifest(name))) == size


def test_nothing_to_commit_makes_no_snapshot_unless_asked():
    world = World()
    committer = world.committer()
    assert committer.commit(CommitRequest(user="u")).snapshot_ids == ()
    assert world.store.list(world.paths.manifest_dir()) == []
    assert committer.commit(CommitRequest(user="u", allow_empty=True)).snapshot_ids == (1,)
    assert committer.commit(world.append("a")).snapshot_ids == (2,)
    assert world.audit() == ["a"]


def test_append_and_compact_parts_become_two_snapshots_of_one_identifier():
    world = World(keyed_schema())
    committer = world.committer()
    committer.commit(world.append("a", keys=(0, 4), rows=4))
    message = world.message(
        new_files=(a_file("b", keys=(5, 9), rows=2),),
        changelog_files=(a_file("clog", keys=(5, 9), rows=2),),
        compact_before=(a_file("a", keys=(0, 4), rows=4), a_file("b", keys=(5, 9), rows=2)),
        compact_after=(a_file("ab", keys=(0, 9), rows=5, level=5),),
    )
    result = committer.commit(
        CommitRequest(
            user="u", identifier=3, messages=(message,), watermark=8, properties={"k": "v"}, operation="WRITE"
        )
    )
    assert result.snapshot_ids == (2, 3)
    assert summary(world)[1:] == [(2, "APPEND", 6, 2), (3, "COMPACT", 5, -1)]
    append, compact = world.snapshots()[1:]
    assert (
        (append.commit_user, append.commit_identifier) == (compact.commit_user, compact.commit_identifier) == ("u", 3)
    )
    assert (append.watermark, compact.watermark, compact.properties) == (8, 8, {"k": "v"})
    assert append.changelog_record_count == 2
    assert append.uuid != compact.uuid
    names = [meta.name for meta in world.manifests().read_list(append.changelog_manifest_list)]
    assert [entry.file.name for entry in world.manifests().read(names[0])] == ["clog.parquet"]
    assert world.audit() == ["ab"]


def test_a_compact_part_that_conflicts_does_not_take_the_append_part_with_it():
    world = World(keyed_schema())
    committer = world.committer()
    message = world.message(
        new_files=(a_file("b", keys=(5, 9)),),
        compact_before=(a_file("gone", keys=(0, 4)),),
        compact_after=(a_file("x", keys=(0, 4), level=5),),
    )
    result = committer.commit(CommitRequest(user="u", messages=(message,)))
    assert result.snapshot_ids == (1,)
    assert result.compact_error.kind is ErrorKind.FILE_GONE
    assert world.audit() == ["b"]
    assert world.orphans() == []
    with pytest.raises(ConflictError):
        committer.commit(CommitRequest(user="u", messages=(replace(message, new_files=()),)))


def test_a_compaction_of_files_that_another_compaction_took_is_refused_by_name():
    world = World(keyed_schema())
    committer, rival = world.committer("mine"), world.committer("rival")
    committer.commit(world.append("a", keys=(0, 4)))
    take = world.message(compact_before=(a_file("a", keys=(0, 4)),), compact_after=(a_file("x", keys=(0, 4), level=5),))
    rival.commit(CommitRequest(user="rival", messages=(take,)))
    mine = world.message(compact_before=(a_file("a", keys=(0, 4)),), compact_after=(a_file("y", keys=(0, 4), level=5),))
    with pytest.raises(ConflictError) as caught:
        committer.commit(CommitRequest(user="u", messages=(mine,), base_snapshot=1))
    message = str(caught.value)
    assert caught.value.kind is ErrorKind.FILE_GONE
    for part in (
        "db.t",
        "a.parquet",
        "planned at snapshot 1",
        "snapshot 2 (COMPACT by rival) removed it",
        "Attempts: 1",
    ):
        assert part in message
    assert world.audit() == ["x"]
    assert world.orphans() == []


def test_copy_on_write_is_an_overwrite_snapshot():
    world = World()
    committer = world.committer()
    committer.commit(world.append("a", "b", rows=5))
    message = world.message(deleted_files=(a_file("a", rows=5),), new_files=(a_file("a2", rows=4),))
    assert committer.commit(CommitRequest(user="u", messages=(message,), operation="DELETE")).snapshot_ids == (2,)
    assert summary(world)[-1] == (2, "OVERWRITE", 9, -1)
    assert world.latest().operation == "DELETE"
    assert world.audit() == ["a2", "b"]


# Overwrites.


def a_partitioned_world():
    world = World(append_schema(partitioned=True))
    committer = world.committer()
    for day in (1, 2, 3):
        committer.commit(world.append(f"day{day}", partition=a_partition(day)))
    return world, committer


def overwrite(world, scope, *names, day=1):
    files = tuple(a_file(name) for name in names)
    messages = (world.message(partition=a_partition(day), new_files=files),) if names else ()
    return CommitRequest(user="u", messages=messages, overwrite=scope, operation="OVERWRITE")


def days(world, predicate):
    return bind(predicate, world.schema.select(["day"]))


def test_overwriting_the_whole_table():
    world, committer = a_partitioned_world()
    assert committer.commit(overwrite(world, Overwrite(), "new")).snapshot_ids == (4,)
    assert world.latest().commit_kind is CommitKind.OVERWRITE
    assert world.audit() == ["new"]


def test_overwriting_the_partitions_touched():
    world, committer = a_partitioned_world()
    committer.commit(overwrite(world, Overwrite(dynamic=True), "new", day=2))
    assert world.audit() == ["day1", "day3", "new"]


def test_overwriting_partitions_by_predicate():
    world, committer = a_partitioned_world()
    committer.commit(overwrite(world, Overwrite(where=days(world, col("day") >= 2)), "new", day=2))
    assert world.audit() == ["day1", "new"]


def test_dropping_a_partition():
    world, committer = a_partitioned_world()
    assert committer.commit(overwrite(world, Overwrite(where=days(world, col("day") == 2)))).snapshot_ids == (4,)
    assert world.audit() == ["day1", "day3"]
    assert committer.commit(overwrite(world, Overwrite(where=days(world, col("day") == 2)))).snapshot_ids == ()


def test_null_partitions_match_only_is_null():
    world, committer = a_partitioned_world()
    committer.commit(world.append("null", partition=a_partition(None)))
    committer.commit(overwrite(world, Overwrite(where=days(world, col("day") != 2))))
    assert world.audit() == ["day2", "null"]
    committer.commit(overwrite(world, Overwrite(where=days(world, col("day").is_null()))))
    assert world.audit() == ["day2"]


def test_an_overwrite_refuses_files_outside_its_scope():
    world, committer = a_partitioned_world()
    with pytest.raises(InvalidInputError, match="partition day=3"):
        committer.commit(overwrite(world, Overwrite(where=days(world, col("day") == 2)), "new", day=3))
    assert world.audit() == ["day1", "day2", "day3"]


def test_deletes_are_refused_where_index_files_may_speak_of_them():
    world, committer = a_partitioned_world()
    latest = world.latest()
    path = world.paths.snapshot(latest.id)
    world.store.put(path, snapshot_to_json(replace(latest, index_manifest="index-manifest-x-0")))
    with pytest.raises(UnsupportedFormatError, match="index-manifest-x-0"):
        world.committer().commit(overwrite(world, Overwrite()))
    committer.commit(world.append("more", partition=a_partition(1)))
    assert world.latest().index_manifest == "index-manifest-x-0"


# Schemas.


def test_a_commit_after_the_schema_moved_on_records_the_latest():
    world = World(keyed_schema())
    committer = world.committer()
    world.alter(comment="new")
    committer.commit(world.append("a", keys=(0, 1)))
    assert world.latest().schema_id == 1


@pytest.mark.parametrize("partitioned", [False, True])
def test_an_append_after_the_bucket_count_changed_is_refused(partitioned):
    world = World(keyed_schema(bucket=2, partitioned=partitioned))
    partition = a_partition(1) if partitioned else EMPTY_ROW
    committer = world.committer()
    committer.commit(world.append("a", keys=(0, 1), partition=partition))
    world.alter(options={"bucket": "4"})
    with pytest.raises(ConflictError, match="bucket count went from 2 to 4") as caught:
        committer.commit(world.append("b", keys=(0, 1), partition=partition))
    assert caught.value.kind is ErrorKind.BUCKET_COUNT_CHANGED
    assert world.audit() == ["a"]
    assert world.orphans() == []


def test_a_writer_that_knows_the_new_bucket_count_may_not_mix_counts_either():
    world = World(keyed_schema(bucket=2, partitioned=True))
    world.committer().commit(world.append("a", keys=(0, 1), partition=a_partition(1)))
    schema = world.alter(options={"bucket": "4"})
    committer = world.committer(schema=schema)
    fresh = {"total_buckets": 4, "new_files": (a_file("b", keys=(0, 1), schema_id=1),)}
    into_old = CommitRequest(user="u", schema_id=1, messages=(world.message(partition=a_partition(1), **fresh),))
    with pytest.raises(ConflictError) as caught:
        committer.commit(into_old)
    assert caught.value.kind is ErrorKind.BUCKET_COUNT_CHANGED
    into_new = replace(into_old, messages=(world.message(partition=a_partition(2), **fresh),))
    assert committer.commit(into_new).snapshot_ids == (2,)
    rescale = replace(into_old, overwrite=Overwrite(dynamic=True))
    assert committer.commit(rescale).snapshot_ids == (3,)
    again = world.message(partition=a_partition(1), total_buckets=4, new_files=(a_file("c", keys=(0, 1), schema_id=1),))
    assert committer.commit(CommitRequest(user="u", schema_id=1, messages=(again,))).snapshot_ids == (4,)


def test_files_of_a_schema_that_the_table_does_not_have_are_refused():
    world = World()
    with pytest.raises(ConflictError, match="dropped and made again"):
        world.committer().commit(world.append("a", schema_id=3))
    assert world.latest() is None
