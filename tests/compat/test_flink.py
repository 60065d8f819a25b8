"""Flink and LakeStore at the same table: in turns, at the same time, and each following the other's stream.

Skipped, and said so, where Flink's jars are not there:
``python tools/judge/setup.py --no-java --no-peers --flink-version 1.3.1`` fetches them.
"""

import time
from pathlib import Path

import pytest

import lakestore as ls
from tests.compat.pages import run_page
from tests.compat.turns import COLUMNS, Turns, at_the_same_time, play, row
from tests.golden import canon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

GENERATED = 3000
GENERATOR = f"""CREATE TEMPORARY TABLE IF NOT EXISTS numbers (id INT, n BIGINT) WITH ('connector' = 'datagen',
 'rows-per-second' = '400', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '{GENERATED}')"""
SOON = "/*+ OPTIONS('continuous.discovery-interval' = '100ms') */"


@pytest.mark.parametrize("producer", ["none", "lookup"])
def test_ten_rounds_in_turns(engines, tmp_path, producer):
    play(Turns(tmp_path, engines("flink"), **{"changelog-producer": producer}), merges=False)


@pytest.mark.parametrize("key", [True, False])
def test_flink_and_lakestore_write_at_the_same_time(engines, tmp_path, key):
    table, ours, theirs = at_the_same_time(engines("flink"), tmp_path, commits=15, key=key)
    assert len(theirs) == 45
    rows = canon.rows_of(table.to_arrow(), canon.newest_shape(Path(table.path)).kinds)
    assert canon.difference([*ours, *theirs], rows) is None
    assert table.check(deep=True).ok


@pytest.mark.parametrize("key", [True, False])
def test_lakestore_follows_what_flink_checkpoints(engines, tmp_path, key):
    judge = engines("flink")
    table = ls.connect(tmp_path).create_table(
        "judged.sink",
        schema={"id": "INT NOT NULL", "n": "BIGINT"},
        primary_key=["id"] if key else (),
        options={"bucket": 2 if key else -1},
    )
    folder = Path(table.path)
    judge.ask("sql", folder, statement=GENERATOR, streaming=True)
    judge.ask("start", folder, job="sink", statement="INSERT INTO {t} SELECT id, n FROM numbers")
    seen, snapshots = [], set()
    with table.stream("earliest", poll=0.1) as stream:
        for change in stream:
            assert set(change.batch.column("_row_kind").to_pylist()) <= {"+I"}
            seen += change.batch.column("id").to_pylist()
            snapshots.add(change.snapshot_id)
            if len(seen) >= GENERATED:
                break
    judge.ask("await", folder, job="sink")
    assert sorted(seen) == list(range(1, GENERATED + 1))
    assert len(snapshots) > 1, "it came in one piece: nothing was followed"
    assert table.count() == GENERATED
    assert table.check(deep=True).ok


@pytest.mark.parametrize("producer", ["none", "input", "lookup"])
def test_flink_follows_what_lakestore_writes(engines, tmp_path, producer):
    judge = engines("flink")
    table = ls.connect(tmp_path).create_table(
        "judged.source", schema=COLUMNS, primary_key=["id"], options={"bucket": 2, "changelog-producer": producer}
    )
    folder, model, mirror = Path(table.path), {}, {}
    judge.ask("start", folder, job="source", statement=f"SELECT * FROM {{t}} {SOON}")
    for number in range(12):
        rows = [row(key, number, "ours") for key in range(number * 3, number * 3 + 8)]
        table.upsert(canon.table_of(rows, table.schema))
        model.update({each["id"]: each for each in rows})
        table.delete([{"id": number * 3 + 1}])
        model.pop(str(number * 3 + 1))
        if number == 6:
            table.compact(full=True)
        follow(judge, folder, mirror)
    limit = time.monotonic() + 90
    while mirror != model and time.monotonic() < limit:
        time.sleep(0.3)
        follow(judge, folder, mirror)
    judge.ask("stop", folder, job="source")
    assert mirror == model


def follow(judge, folder, mirror):
    """Take what Flink's query returned since the last time."""
    for each in judge.ask("taken", folder, job="source"):
        if each["kind"] in {"+I", "+U"}:
            mirror[each["row"]["id"]] = each["row"]
        elif each["kind"] == "-D":
            mirror.pop(each["row"]["id"], None)


def test_the_page_runs(engines, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    judge, table, answers = engines("flink"), tmp_path / "warehouse" / "shop.db" / "orders", []

    def sql(statement):
        answers.append(judge.ask("sql", table, statement=statement))

    run_page("flink.md", {}, sql, here=f"{tmp_path}/")
    assert capsys.readouterr().out.splitlines() == ["2 blue ink 6.00", "3 paper 1.50", "['closing', 'opening']"]
    assert {row["id"] for row in answers[2]} == {"1", "2"}
    assert [list(row.values()) for row in answers[-1]] == [["2"]]
