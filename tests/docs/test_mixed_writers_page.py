"""The Python blocks of the page on mixed writers are executed, in a folder where the other engine's part is done."""

import sqlite3
from contextlib import closing

import lakestore as ls
from tests.compat.pages import blocks


def test_the_lock_of_the_page_works(tmp_path):
    ls.connect(tmp_path / "warehouse").create_table(
        "shop.orders", schema={"id": "BIGINT", "item": "STRING"}, primary_key=["id"], options={"bucket": 2}
    )
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE paimon_distributed_locks (lock_id TEXT PRIMARY KEY, acquired_at TEXT, expire_time_seconds INT)"
        )
    names: dict[str, object] = {}
    ran = [block for language, block in blocks("mixed-writers.md", f"{tmp_path}/") if language == "python"]
    for block in ran:
        exec(compile(block, "mixed-writers.md", "exec"), names)
    assert len(ran) == 2
    assert ls.open_table(tmp_path / "warehouse/shop.db/orders").to_arrow().to_pylist() == [{"id": 2, "item": "ink"}]
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as connection:
        assert connection.execute("SELECT count(*) FROM paimon_distributed_locks").fetchone() == (0,)
