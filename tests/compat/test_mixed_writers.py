"""The recipe for several writers: a lock that Flink and LakeStore both take, and S3."""

import threading
import time

import pytest

import lakestore as ls
from tests.compat.pages import run_page
from tests.compat.test_judges import engines  # noqa: F401 - a fixture
from tests.s3 import KEY, SECRET, s3_bucket  # noqa: F401 - a fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def recipe(engines, tmp_path):  # noqa: F811 - the fixture
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


def test_nothing_is_lost_under_the_lock(recipe):
    names, judge, folder = recipe
    done, promised = threading.Event(), {1, 2}

    def flink():
        for number in range(8):
            insert = f"INSERT INTO {names['catalog']}.shop.orders VALUES ({1000 + number}, 'theirs')"
            judge.ask("sql", folder, statement=insert)
            promised.add(1000 + number)
        done.set()

    thread = threading.Thread(target=flink)
    thread.start()
    table = ls.open_table(folder, lock=names["lock"])
    number = 10
    while not done.is_set() and thread.is_alive():
        table.upsert([{"id": number, "item": "ours"}])
        promised.add(number)
        if number % 20 == 0:
            table.compact(full=True)
        number += 1
    thread.join()
    assert done.is_set()
    assert set(table.to_arrow().column("id").to_pylist()) == promised
    assert table.check(deep=True).ok


def test_turns_on_s3(engines, s3_bucket, tmp_path):  # noqa: F811 - the fixtures
    url, judge = s3_bucket.url("lake"), engines("flink")
    table = ls.connect(url, storage_options=s3_bucket.options).create_table(
        "shop.orders", schema={"id": "BIGINT NOT NULL", "v": "STRING"}, primary_key=["id"], options={"bucket": 2}
    )

    def flink(statement):
        return judge.ask("sql", tmp_path / "any" / "shop.db" / "orders", statement=statement)

    name = f"s3_{s3_bucket.name.replace('-', '_')}"
    access = {"access-key": KEY, "secret-key": SECRET, "endpoint": s3_bucket.endpoint_url, "path.style.access": "true"}
    words = {"type": "paimon", "warehouse": url, **{f"s3.{option}": value for option, value in access.items()}}
    settings = ", ".join(f"'{key}' = '{value}'" for key, value in words.items())
    flink(f"CREATE CATALOG {name} WITH ({settings})")
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
