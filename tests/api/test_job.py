"""A job's writer: each number once, whoever crashes, comes back, expires or interferes."""

import json
from pathlib import Path

import pytest

import lakestore as ls
from lakestore.format.message_json import prepared_from_json, prepared_to_json
from lakestore.model.job import user_of

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
    with pytest.raises(ls.CommitUnknownError, match="nobody can know whether job 'ingest' committed number 1"):
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
    with table.branch("dev").writer(job="ingest") as writer, pytest.raises(ls.ConflictError, match="or branch"):
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
