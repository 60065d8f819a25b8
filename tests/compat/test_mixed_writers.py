"""The recipe for several writers: a lock that Flink and LakeStore both take, and S3."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest

import lakestore as ls
from tests.compat.pages import blocks, run_page, statements
from tests.s3 import KEY, SECRET, s3_bucket  # noqa: F401 - a fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def recipe(engines, tmp_path):
    """The page's blocks, run in order: what they define, Flink, and the table's folder."""
    folder = tmp_path / "warehouse" / "shop.db" / "orders"
    judge, names = engines("flink"), {"catalog": f"locked_{abs(hash(tmp_path))}"}
    (tmp_path / "warehouse").mkdir()

    def sql(statement):
        judge.ask("sql", folder, statement=statement.replace("locked", names["catalog"]))

    run_page("mixed-writers.md", names, sql, here=f"{tmp_path}/")
    return names, judge, folder


def test_both_take_the_lock(recipe):
    names, judge, folder = recipe
    assert names["orders"].to_arrow().sort_by("id").to_pylist() == [{"id": 1, "item": "pen"}, {"id": 2, "item": "ink"}]
    told, written = [], len(list(folder.glob("bucket-*/*.parquet")))
    insert = f"INSERT INTO {names['catalog']}.shop.orders VALUES (3, 'paper')"
    thread = threading.Thread(target=lambda: told.append(judge.ask("sql", folder, statement=insert)))
    with names["lock"].hold("anything"):
        thread.start()
        until = time.monotonic() + 60
        while len(list(folder.glob("bucket-*/*.parquet"))) == written and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(3)  # Its rows are written; all that it lacks is the commit.
        assert names["orders"].count() == 2, "Flink committed while the lock was held"
        assert not told
        assert len(list(folder.glob("bucket-*/*.parquet"))) > written, "Flink was too slow to be kept waiting"
    thread.join(60)
    assert names["orders"].count() == 3


def count_takers(lock):
    """From now on; returns what tells how often we have taken the lock, and how often another engine."""
    ours, run = [], lock.run
    run("CREATE TABLE taken (lock_id TEXT)")
    run(
        "CREATE TRIGGER taking AFTER INSERT ON paimon_distributed_locks"
        " BEGIN INSERT INTO taken VALUES (NEW.lock_id); END"
    )

    def counted(statement, *values):
        run(statement, *values)
        if statement.startswith("INSERT"):
            ours.append(values)

    def told():
        with closing(sqlite3.connect(lock.database)) as connection:
            (taken,) = connection.execute("SELECT count(*) FROM taken").fetchone()
        return len(ours), taken - len(ours)

    lock.run = counted
    return told


def at_the_same_time(table, lock, judge, folder, orders, *, commits, pause):
    """Both commit until Flink has done so often enough; returns the ids that each was promised.

    We stop for so many seconds after five commits: a lock is no queue, and Flink, which takes longer for an attempt,
    would lose every race against a writer that never stops.
    """
    takers = count_takers(lock)
    done, ours, theirs = threading.Event(), [], []

    def flink():
        for number in range(commits):
            judge.ask("sql", folder, statement=f"INSERT INTO {orders} VALUES ({10**6 + number}, 'theirs')")
            theirs.append(10**6 + number)
        done.set()

    thread = threading.Thread(target=flink)
    thread.start()
    number = 10
    while not done.is_set() and thread.is_alive():
        table.upsert([{"id": number, "item": "ours"}])
        ours.append(number)
        if number % 20 == 0:
            table.compact(full=True)
        number += 1
        if number % 5 == 0:
            time.sleep(pause)
    thread.join()
    assert done.is_set()
    by_us, by_them = takers()
    print(f"{len(ours)} commits of ours, {commits} of theirs; the lock was taken {by_us} and {by_them} times")
    assert by_us >= len(ours) > 2
    assert by_them >= commits
    return ours, theirs


def test_nothing_is_lost_under_the_lock(recipe):
    names, judge, folder = recipe
    table = ls.open_table(folder, lock=names["lock"])
    ours, theirs = at_the_same_time(
        table, names["lock"], judge, folder, f"{names['catalog']}.shop.orders", commits=8, pause=1
    )
    assert sorted(table.to_arrow().column("id").to_pylist()) == [1, 2, *ours, *theirs]
    assert table.check(deep=True).ok


def of_s3(bucket, url):
    """What Flink's catalog is told of the test server."""
    access = {"access-key": KEY, "secret-key": SECRET, "endpoint": bucket.endpoint_url, "path.style.access": "true"}
    words = {"warehouse": url, **{f"s3.{option}": value for option, value in access.items()}}
    return ", ".join(f"'{key}' = '{value}'" for key, value in words.items())


def test_nothing_is_lost_under_the_lock_on_s3(engines, s3_bucket, tmp_path):  # noqa: F811 - the fixture
    url, judge, names = s3_bucket.url("lake"), engines("flink"), {}
    folder, catalog = tmp_path / "any" / "shop.db" / "orders", f"locked_{abs(hash(tmp_path))}"
    (_, lock_class), (_, recipe), *_ = blocks("mixed-writers.md", f"{tmp_path}/")
    exec(lock_class, names)
    for statement in statements(recipe.replace(f"'warehouse' = '{tmp_path}/warehouse'", of_s3(s3_bucket, url))):
        judge.ask("sql", folder, statement=statement.replace("locked", catalog))
    lock = names["CatalogLock"](f"{tmp_path}/catalog.db", "shop.orders")
    table = ls.open_table(f"{url}/shop.db/orders", storage_options=s3_bucket.options, lock=lock)
    ours, theirs = at_the_same_time(table, lock, judge, folder, f"{catalog}.shop.orders", commits=6, pause=3)
    assert sorted(table.to_arrow().column("id").to_pylist()) == [1, *ours, *theirs]
    read = judge.ask("sql", folder, statement=f"SELECT id FROM {catalog}.shop.orders")
    assert sorted(int(row["id"]) for row in read) == [1, *ours, *theirs]
    assert table.check(deep=True).ok


def test_turns_on_s3(engines, s3_bucket, tmp_path):  # noqa: F811 - the fixture
    url, judge = s3_bucket.url("lake"), engines("flink")
    table = ls.connect(url, storage_options=s3_bucket.options).create_table(
        "shop.orders", schema={"id": "BIGINT NOT NULL", "v": "STRING"}, primary_key=["id"], options={"bucket": 2}
    )

    def flink(statement):
        return judge.ask("sql", tmp_path / "any" / "shop.db" / "orders", statement=statement)

    name = f"s3_{s3_bucket.name.replace('-', '_')}"
    flink(f"CREATE CATALOG {name} WITH ('type' = 'paimon', {of_s3(s3_bucket, url)})")
    orders, model = f"{name}.shop.orders", {}
    for number in range(3):
        table.upsert([{"id": key, "v": f"ours {number}"} for key in range(number, number + 5)])
        model |= dict.fromkeys(range(number, number + 5), f"ours {number}")
        flink(f"INSERT INTO {orders} VALUES ({number + 2}, 'theirs {number}'), ({100 + number}, 'theirs')")
        model |= {number + 2: f"theirs {number}", 100 + number: "theirs"}
        flink(f"CALL {name}.sys.compact(`table` => 'shop.orders')")
        assert {row["id"]: row["v"] for row in table.to_arrow().to_pylist()} == model
        theirs = flink(f"SELECT id, v FROM {orders}")
        assert {int(row["id"]): row["v"] for row in theirs} == model
    assert table.check(deep=True).ok
