"""A job's writer: each number once, whoever crashes, comes back, expires or interferes."""

import json
from pathlib import Path

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env, SystemClock
from lakestore.format.message_json import prepared_from_json, prepared_to_json
from lakestore.model.job import user_of
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.watched import WatchedStore

SCHEMA = {"id": "INT NOT NULL", "v": "INT"}
KINDS = {"keyed": {"primary_key": ["id"], "options": {"bucket": "2"}}, "append": {"options": {}}}


@pytest.fixture(params=list(KINDS))
def table(request, tmp_path):
    return ls.connect(tmp_path).create_table("db.t", schema=SCHEMA, **KINDS[request.param])


@pytest.fixture
def keyed(tmp_path):
    return ls.connect(tmp_path).create_table("db.t", schema=SCHEMA, **KINDS["keyed"])


def rows(number, count=3):
    return [{"id": 10 * number + each, "v": number} for each in range(count)]


def ids(table):
    return sorted(table.to_arrow().column("id").to_pylist())


def expected(*numbers):
    return sorted(row["id"] for number in numbers for row in rows(number))


def data_files(table):
    return {path.name for path in Path(table.path).glob("bucket-*/*")}


def expire(table):
    """Leave the latest snapshot only, as far as consumers let go."""
    table.snapshots.expire(retain_max=1, retain_min=1, older_than=0)


def test_numbers_are_committed_once(table):
    with table.writer(job="ingest") as writer:
        assert writer.recover() is None
        for number in (1, 2, 3):
            writer.write(rows(number))
            assert writer.commit(number).snapshot_ids
        writer.write(rows(2))
        again = writer.commit(2)
    assert (again.snapshot_ids, again.already_committed) == ((), True)
    assert ids(table) == expected(1, 2, 3)
    assert {one["commit_user"] for one in table.snapshots.list().to_pylist()} == {user_of("ingest")}


def test_what_a_replay_had_written_is_removed(table):
    with table.writer(job="ingest") as writer:
        writer.write(rows(1))
        writer.commit(1)
        files = data_files(table)
        writer.write(rows(1))
        writer.commit(1)
        assert data_files(table) == files


def test_another_process_goes_on(table):
    with table.writer(job="ingest") as writer:
        writer.write(rows(1))
        writer.commit(1)
    again = ls.open_table(table.path).writer(job="ingest")
    assert again.recover() == 1
    for number in (1, 2):
        again.write(rows(number))
        again.commit(number)
    again.close()
    assert ids(table) == expected(1, 2)


@pytest.mark.parametrize("closed", [True, False])
def test_a_number_stays_committed_when_its_snapshot_has_expired(table, closed):
    writer = table.writer(job="ingest")
    writer.write(rows(1))
    writer.commit(1)
    if closed:
        writer.close()
    for number in range(5):
        table.insert(rows(50 + number))
    expire(table)
    left = {one["commit_user"] for one in table.snapshots.list().to_pylist()}
    assert (user_of("ingest") in left) is not closed, "while its fate is not written down the snapshot is held back"
    again = ls.open_table(table.path).writer(job="ingest")
    again.write(rows(1))
    assert again.commit(1).already_committed
    assert again.recover() == 1
    again.close()
    expire(table)
    assert table.snapshots.list().num_rows == 1
    assert ls.open_table(table.path).writer(job="ingest").recover() == 1


def test_without_the_consumer_there_is_no_guessing(table):
    writer = table.writer(job="ingest")
    writer.write(rows(1))
    writer.commit(1)
    for number in range(5):
        table.insert(rows(50 + number))
    table.consumers.delete(user_of("ingest"))
    expire(table)
    with pytest.raises(ls.CommitUnknownError, match=r"nobody can know which numbers job .ingest. has committed"):
        ls.open_table(table.path).writer(job="ingest").recover()


def test_the_consumer_goes_with_the_writer(table):
    with table.writer(job="ingest") as writer:
        writer.write(rows(1))
        writer.commit(1)
        assert table.consumers.list().column("consumer_id").to_pylist() == [user_of("ingest")]
    assert table.consumers.list().num_rows == 0


def test_jobs_do_not_share_numbers(table):
    for job in ("a", "b"):
        with table.writer(job=job) as writer:
            writer.write(rows(ord(job)))
            writer.commit(1)
    assert ids(table) == expected(ord("a"), ord("b"))


def test_a_number_without_rows_is_remembered(table):
    with table.writer(job="ingest") as writer:
        assert writer.commit(7).snapshot_ids == ()
        assert writer.commit(7).already_committed
    assert table.snapshots.latest() is None
    assert table.writer(job="ingest").recover() == 7


def test_watermarks_and_properties(table):
    with table.writer(job="ingest") as writer:
        writer.write(rows(1))
        writer.commit(1, watermark=1000, properties={"offset": "42"})
        assert table.snapshots.get(1).watermark == 1000
        assert table.snapshots.get(1).properties == {"offset": "42"}
        assert writer.commit(2, watermark=2000).snapshot_ids
    assert table.snapshots.latest().watermark == 2000
    assert ids(table) == expected(1)


@pytest.mark.parametrize("number", [-1, 2**63 - 1])
def test_impossible_numbers(table, number):
    with table.writer(job="ingest") as writer, pytest.raises(ls.InvalidInputError, match="commit number"):
        writer.commit(number)


def test_impossible_names(table):
    for name in ("", "a/b", ".."):
        with pytest.raises(ls.InvalidInputError):
            table.writer(job=name)


def test_a_rollback_takes_numbers_back(table):
    """What was rolled back is not committed any more: the live writer is told, and recover() says what is left."""
    writer = table.writer(job="ingest")
    for number in (1, 2, 3):
        writer.write(rows(number))
        writer.commit(number)
    second = next(one["snapshot_id"] for one in table.snapshots.list().to_pylist() if one["commit_identifier"] == 2)
    table.rollback(snapshot=second)
    writer.write(rows(4))
    with pytest.raises(ls.ConflictError, match="rolled back behind snapshot"):
        writer.commit(4)
    assert writer.recover() == 2
    writer.write(rows(3))
    assert writer.commit(3).snapshot_ids
    writer.close()
    assert ids(table) == expected(1, 2, 3)
    table.rollback(snapshot=1)
    table.insert(rows(50))
    table.insert(rows(51))
    table.insert(rows(52))
    table.insert(rows(53))
    assert ls.open_table(table.path).writer(job="ingest").recover() == 1, "others have gone on in its place since"


def test_an_unknown_outcome_is_found_out_by_committing_again(tmp_path):
    """The answer to the put of the snapshot is lost, and so is every answer after it, for a while."""
    lake = ls.connect(tmp_path)
    lake.create_table("db.t", schema=SCHEMA, **KINDS["append"])
    inner, root = open_store(tmp_path)
    store = Deaf(inner)
    table = Lake(store, root, Env(clock=NoWaits())).table("db.t")
    writer = table.writer(job="ingest")
    writer.recover()
    for number, after in ((1, True), (2, False)):
        writer.write(rows(number))
        store.deaf, store.lands = True, after
        with pytest.raises(ls.CommitUnknownError):
            writer.commit(number)
        store.deaf = False
        writer.write(rows(number))
        assert writer.commit(number).already_committed is after
    writer.close()
    assert ids(lake.table("db.t")) == expected(1, 2)
    assert table.consumers.list().num_rows == 0
    assert not lake.table("db.t").check(deep=True).findings


class NoWaits(SystemClock):
    """A clock whose naps take no time."""

    def sleep(self, seconds):
        pass


class Deaf(WatchedStore):
    """From the put of a snapshot on no answer comes; whether that put lands is ``lands``."""

    deaf, lands, _gone = False, False, False

    def _call(self, operation, path, action):
        if not self.deaf:
            self._gone = False
        elif operation == "put_if_absent" and "/snapshot-" in path:
            if self.lands and not self._gone:
                action()
            self._gone = True
        if self._gone:
            raise ls.StorageError(f"no answer to {operation}", transient=True)
        return action()


def test_facts_do_not_pile_up_and_nobody_cleans_them_away(table):
    folder = Path(table.path) / "consumer" / "job-ingest"
    for _ in range(3):
        writer = table.writer(job="ingest")
        done = writer.recover() or 0
        for number in range(done + 1, done + 4):
            writer.write(rows(number))
            writer.commit(number)
        assert len(list(folder.glob("fact-*"))) == 1
    table.remove_orphans(older_than=0)
    assert table.writer(job="ingest").recover() == 9
    assert table.consumers.list().num_rows == 1
    table.writer(job="ingest").close()


# Two writers of one name.


def test_the_writer_that_was_overtaken_is_told(table):
    first, second = table.writer(job="ingest"), ls.open_table(table.path).writer(job="ingest")
    first.write(rows(1))
    first.commit(1)
    assert second.recover() == 1
    first.write(rows(2))
    with pytest.raises(ls.ConflictError, match="taken over by another writer") as error:
        first.commit(2)
    assert error.value.kind == "writer-fenced"
    first.close()
    second.write(rows(2))
    second.commit(2)
    second.close()
    assert ids(table) == expected(1, 2)
    assert table.writer(job="ingest").recover() == 2


# Messages.


def test_many_prepare_and_one_commits(table):
    messages = []
    for number in (1, 2, 3):
        worker = ls.open_table(table.path).writer(job="ingest")
        worker.write(rows(number))
        messages.append(json.loads(json.dumps(worker.prepare())))
        worker.close()
    assert [message["rows"] for message in messages] == [3, 3, 3]
    with table.writer(job="ingest") as writer:
        assert len(writer.commit(1, messages).snapshot_ids) >= 1
        assert writer.commit(1, messages).already_committed
    assert ids(table) == expected(1, 2, 3)
    assert not table.check(deep=True).findings


def test_messages_of_one_bucket_take_their_order(keyed):
    """Both writers number their rows from 0; the row of the later message is the newer one."""
    messages = []
    for value in (1, 2):
        worker = keyed.writer(job="ingest")
        worker.write([{"id": each, "v": value} for each in range(8)])
        messages.append(worker.prepare())
    with keyed.writer(job="ingest") as writer:
        writer.commit(1, messages)
    assert set(keyed.to_arrow().column("v").to_pylist()) == {2}
    assert not keyed.check(deep=True).findings
    keyed.compact(full=True)
    assert set(keyed.to_arrow().column("v").to_pylist()) == {2}


def test_rows_prepared_before_others_committed_come_after_them(keyed):
    worker = keyed.writer(job="ingest")
    worker.write([{"id": 1, "v": 2}])
    message = worker.prepare()
    keyed.upsert([{"id": 1, "v": 1}])
    with keyed.writer(job="ingest") as writer:
        writer.commit(1, [message])
    assert keyed.to_arrow().to_pylist() == [{"id": 1, "v": 2}]
    assert not keyed.check(deep=True).findings


def test_a_message_outlives_its_writer_and_is_aborted_only_when_nobody_named_it(table):
    writer = table.writer(job="ingest")
    writer.write(rows(1))
    first = writer.prepare()
    writer.write(rows(2))
    second = writer.prepare()
    writer.close()
    files = data_files(table)
    with table.writer(job="ingest") as again:
        again.commit(1, [first])
        assert again.abort([first]) == 0
        removed = again.abort([second])
        assert removed > 0
        assert len(data_files(table) & files) == len(files) - removed
        with pytest.raises(ls.NotFoundError, match="prepare the rows again"):
            again.commit(2, [second])
    assert ids(table) == expected(1)
    assert not table.check(deep=True).findings


def test_abort_after_expiry_still_proves_what_nobody_names(table):
    """Snapshots that were there before the rows were prepared have no say, so their expiry does not matter."""
    for number in range(3):
        table.insert(rows(50 + number))
    expire(table)
    with table.writer(job="ingest") as writer:
        writer.write(rows(1))
        message = writer.prepare()
        before = data_files(table)
        assert writer.abort([message]) > 0
    assert data_files(table) < before
    assert not table.check(deep=True).findings


def test_a_table_made_anew_refuses_old_messages(tmp_path):
    lake = ls.connect(tmp_path)
    table = lake.create_table("db.t", schema=SCHEMA, **KINDS["keyed"])
    with table.writer(job="ingest") as writer:
        writer.write(rows(1))
        message = writer.prepare()
        writer.commit(1)
    lake.drop_table("db.t")
    anew = lake.create_table("db.t", schema=SCHEMA, **KINDS["keyed"])
    with anew.writer(job="ingest") as writer:
        assert writer.recover() is None
        with pytest.raises(ls.ConflictError, match="dropped and made anew") as error:
            writer.commit(1, [message])
        assert error.value.kind == "table-replaced"
        assert writer.abort([message]) == 0
    assert anew.snapshots.latest() is None


def test_a_branch_is_another_line(table):
    table.insert(rows(9))
    table.tags.create("v")
    table.branches.create("dev", tag="v")
    with table.writer(job="ingest") as writer:
        writer.write(rows(1))
        message = writer.prepare()
    with table.at(branch="dev").writer(job="ingest") as writer, pytest.raises(ls.ConflictError, match="or branch"):
        writer.commit(1, [message])


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda told: told | {"version": 2}, ls.UnsupportedFormatError),
        (lambda told: told | {"version": None}, ls.InvalidInputError),
        (lambda told: told | {"newFiles": told["newFiles"][:-8]}, ls.InvalidInputError),
        (lambda told: told | {"newFiles": "!", "checksum": 0}, ls.InvalidInputError),
        (lambda told: {key: told[key] for key in told if key != "table"}, ls.InvalidInputError),
    ],
)
def test_damaged_messages_are_refused(keyed, spoil, error):
    with keyed.writer(job="ingest") as writer:
        writer.write(rows(1))
        told = writer.prepare()
        with pytest.raises(error):
            writer.commit(1, [spoil(told)])
        assert prepared_to_json(prepared_from_json(told)) == told
        writer.commit(1, [told])
    assert ids(keyed) == expected(1)


def test_own_rows_and_messages_do_not_mix(table):
    with table.writer(job="ingest") as writer:
        writer.write(rows(1))
        with pytest.raises(ls.InvalidInputError, match="not prepared"):
            writer.commit(1, [])
        message = writer.prepare()
        writer.commit(1, [message])
    assert ids(table) == expected(1)


def test_leaving_throws_uncommitted_rows_away(table):
    with table.writer(job="ingest") as writer:
        writer.write(rows(1))
    assert data_files(table) == set()
    assert table.writer(job="ingest").recover() is None


@pytest.mark.parametrize(
    ("number", "more", "message"),
    [
        (1.5, {}, "identifier=1.5"),
        ("x", {}, "identifier='x'"),
        (True, {}, "identifier=True"),
        (1, {"watermark": "x"}, "watermark='x'"),
        (1, {"properties": {"a": 5}}, "properties=.*5 in it"),
        (1, {"messages": ["x"]}, "messages=.*'x' in it"),
    ],
)
def test_arguments_of_wrong_types_never_reach_the_table(keyed, number, more, message):
    with keyed.writer(job="ingest") as writer:
        if "messages" not in more:
            writer.write(rows(1))
        with pytest.raises(ls.InvalidInputError, match=message):
            writer.commit(number, **more)
    assert ids(keyed) == expected()
    assert keyed.check(deep=True).ok
